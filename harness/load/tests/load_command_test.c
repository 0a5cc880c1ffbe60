/* SPDX-License-Identifier: Apache-2.0 */
/* Both commands as processes: the load client under a runner that speaks the control protocol. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/cli/commands.h"
#include "harness/ledger/reader.h"
#include "harness/load/tests/test_server.h"
#include "harness/scenario/scenario.h"
#include "harness/topology/control.h"
#include "reports/schema.h"
#include "sdk/base/file.h"

enum { ANSWER_MILLIS = 30000 };

static const char SCENARIO[] = "# A load of one service, for a test.\n"
                               "services:\n"
                               "  shop:\n"
                               "    routes:\n"
                               "      GET /item:\n"
                               "        steps:\n"
                               "          - wait: 0s\n"
                               "load:\n"
                               "  route: shop GET /item\n"
                               "  rate: 200\n"
                               "  arrival: constant\n"
                               "  warmup: 500ms\n"
                               "  duration: 1s\n"
                               "  connections: 4\n";

struct runner {
    char dir[64];
    char role[128];
    pid_t child;
    int fd;
    char heard[HX_CONTROL_LINE_MAX]; /* of lines that were not asked for yet */
    size_t heard_len;
};

static void write_role(struct runner *runner)
{
    char path[128];
    struct hx_scenario *scenario = NULL;
    struct otl_detail detail = OTL_DETAIL_NONE;
    json_t *role;

    snprintf(path, sizeof(path), "%s/s.yaml", runner->dir);
    assert_int_equal(otl_file_write(path, SCENARIO, sizeof(SCENARIO) - 1, NULL), OTEL_OK);
    if (hx_scenario_load_file(path, NULL, &scenario, &detail) != OTEL_OK)
        fail_msg("%u:%u: %s", detail.line, detail.column, detail.text);
    role = json_pack("{s:O, s:i, s:i, s:i, s:s, s:i, s:s}", "scenario", scenario->tree, "replica",
                     0, "incarnation", 0, "process", 5, "instance", "load", "seed", 42, "dir",
                     runner->dir);
    snprintf(runner->role, sizeof(runner->role), "%s/role.json", runner->dir);
    assert_int_equal(json_dump_file(role, runner->role, 0), 0);
    json_decref(role);
    hx_scenario_free(scenario);
    unlink(path);
}

/* Become this program again, running one command: a fork alone would inherit what the server's
 * thread held locked at that moment. arguments[0] is the command. */
static void become(int count, char **arguments)
{
    char *argv[24] = {"self", "--command"};

    for (int i = 0; i < count && i < 21; i++)
        argv[2 + i] = arguments[i];
    execv("/proc/self/exe", argv);
    _exit(127);
}

static void start_client(struct runner *runner)
{
    char number[16];
    int pair[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    fcntl(pair[0], F_SETFD, FD_CLOEXEC);
    runner->child = fork();
    assert_true(runner->child >= 0);
    if (runner->child == 0) {
        char *arguments[] = {"load-client", "--role", runner->role, NULL};

        close(pair[0]);
        snprintf(number, sizeof(number), "%d", pair[1]);
        setenv(HX_CONTROL_ENV, number, 1);
        become(3, arguments);
    }
    close(pair[1]);
    runner->fd = pair[0];
}

static void begin(struct runner *runner)
{
    memset(runner, 0, sizeof(*runner));
    snprintf(runner->dir, sizeof(runner->dir), "/tmp/load-client-XXXXXX");
    assert_non_null(mkdtemp(runner->dir));
    write_role(runner);
    start_client(runner);
}

static void tell(struct runner *runner, const char *line)
{
    assert_int_equal(otl_fd_write_all(runner->fd, line, strlen(line)), OTEL_OK);
}

/* The next line, which may have come with the one before it; NULL at the end. */
static json_t *hear(struct runner *runner)
{
    struct pollfd wait = {runner->fd, POLLIN, 0};
    json_t *message;
    char *end;

    while ((end = memchr(runner->heard, '\n', runner->heard_len)) == NULL) {
        ssize_t got;

        assert_int_equal(poll(&wait, 1, ANSWER_MILLIS), 1);
        got = read(runner->fd, runner->heard + runner->heard_len,
                   sizeof(runner->heard) - runner->heard_len);
        if (got <= 0)
            return NULL;
        runner->heard_len += (size_t)got;
    }
    message = json_loadb(runner->heard, (size_t)(end - runner->heard), 0, NULL);
    assert_non_null(message);
    runner->heard_len -= (size_t)(end + 1 - runner->heard);
    memmove(runner->heard, end + 1, runner->heard_len);
    return message;
}

static bool is_event(const json_t *message, const char *event)
{
    const char *text = json_string_value(json_object_get(message, "event"));

    assert_non_null(text);
    return strcmp(text, event) == 0;
}

static int end(struct runner *runner)
{
    int status = 0;
    static const char *const files[] = {"hdr/response.hlog", "hdr/service.hlog",
                                        "hdr/sendlag.hlog",  "hdr/response.hgrm",
                                        "hdr/service.hgrm",  "hdr/sendlag.hgrm",
                                        "hdr",               "ledger/load.0.0000.led",
                                        "ledger",            "role.json"};

    close(runner->fd);
    assert_int_equal(waitpid(runner->child, &status, 0), runner->child);
    assert_true(WIFEXITED(status));
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        char path[160];

        snprintf(path, sizeof(path), "%s/%s", runner->dir, files[i]);
        (void)remove(path);
    }
    assert_int_equal(rmdir(runner->dir), 0);
    return WEXITSTATUS(status);
}

static void tell_peers(struct runner *runner, const struct hx_address *address)
{
    const struct sockaddr_in *at = (const void *)&address->bytes;
    char line[256];

    snprintf(line, sizeof(line), "{\"do\":\"peers\",\"services\":{\"shop\":[\"127.0.0.1:%u\"]}}\n",
             (unsigned)ntohs(at->sin_port));
    tell(runner, line);
}

static void assert_fits_schema(const json_t *finished)
{
    json_t *schema = json_load_file("reports/schema/report.schema.json", 0, NULL);
    json_t *properties = json_object_get(schema, "properties");
    const char *const names[] = {"load", "trust"};
    struct otl_detail detail = OTL_DETAIL_NONE;

    assert_non_null(schema);
    for (int i = 0; i < 2; i++) {
        json_t *part = json_deep_copy(json_object_get(properties, names[i]));

        json_object_set(part, "$defs", json_object_get(schema, "$defs"));
        if (rep_schema_check(part, json_object_get(finished, names[i]), &detail) != OTEL_OK)
            fail_msg("%s: %s: %s", names[i], detail.source, detail.text);
        json_decref(part);
    }
    json_decref(schema);
}

static void assert_ledger(const char *run_dir)
{
    const struct hx_led_record *record;
    struct hx_led_reader *reader = NULL;
    const struct hx_led_file *file;
    unsigned first = 0, last = 0, count = 0, loads = 0;
    char dir[128];

    snprintf(dir, sizeof(dir), "%s/ledger", run_dir);
    assert_int_equal(hx_led_reader_open(dir, &reader, NULL), OTEL_OK);
    while ((record = hx_led_reader_next(reader, &file)) != NULL) {
        if (count++ == 0)
            first = record->type;
        last = record->type;
        loads += record->type == HX_LED_LOAD;
        if (record->type == HX_LED_PROCESS)
            assert_int_equal(((const struct hx_led_process *)(const void *)record)->service,
                             UINT32_MAX);
    }
    hx_led_reader_free(reader);
    assert_int_equal(first, HX_LED_PROCESS);
    assert_int_equal(last, HX_LED_PROCESS_CLOSE);
    assert_int_equal(loads, 300);
}

/* The n-th: one each second, however long it takes. Behind its last request, which is due at
 * 1.495 s, the load asks for none and waits for answers. */
static void assert_progress(const json_t *message, unsigned n)
{
    double elapsed = json_number_value(json_object_get(message, "elapsed_s"));
    double asked = json_number_value(json_object_get(message, "rate_asked"));

    assert_true(elapsed > n - 1);
    assert_true(asked == 200 || (asked == 0 && elapsed > 1.49));
}

static void a_run_goes_by_the_protocol(void **state)
{
    struct test_server server;
    struct runner runner;
    unsigned progress = 0;
    json_t *message;

    (void)state;
    test_server_start(&server, SERVER_FAST, 0);
    begin(&runner);
    tell_peers(&runner, &server.address);
    message = hear(&runner);
    assert_true(is_event(message, "ready"));
    json_decref(message);
    tell(&runner, "{\"do\":\"start\"}\n");
    while (is_event(message = hear(&runner), "progress")) {
        assert_true(json_is_integer(json_object_get(message, "p99_ns")));
        assert_progress(message, ++progress);
        json_decref(message);
    }
    assert_true(is_event(message, "finished"));
    assert_fits_schema(message);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(message, "load"), "ok")),
                     200);
    json_decref(message);
    tell(&runner, "{\"do\":\"stop\",\"timeout_ms\":1000}\n");
    message = hear(&runner);
    assert_true(is_event(message, "stopped"));
    json_decref(message);
    assert_null(hear(&runner));
    assert_ledger(runner.dir);
    assert_int_equal(end(&runner), 0);
    test_server_stop(&server);
    assert_int_equal(server.requests, 300);
}

static void an_early_stop_still_reports(void **state)
{
    struct test_server server;
    struct runner runner;
    json_t *message;

    (void)state;
    test_server_start(&server, SERVER_FAST, 0);
    begin(&runner);
    tell_peers(&runner, &server.address);
    json_decref(hear(&runner));
    tell(&runner, "{\"do\":\"start\"}\n{\"do\":\"stop\",\"timeout_ms\":1000}\n");
    while (is_event(message = hear(&runner), "progress"))
        json_decref(message); /* the answer to what was sent may take seconds */
    assert_true(is_event(message, "finished"));
    json_decref(message);
    message = hear(&runner);
    assert_true(is_event(message, "stopped"));
    json_decref(message);
    assert_int_equal(end(&runner), 0);
    test_server_stop(&server);
}

static void nobody_listening_is_a_fault(void **state)
{
    struct hx_address address;
    struct runner runner;
    json_t *message;
    int fd;

    (void)state;
    address = test_refusing_address(&fd);
    begin(&runner);
    tell_peers(&runner, &address);
    message = hear(&runner);
    assert_true(is_event(message, "fault"));
    assert_non_null(strstr(json_string_value(json_object_get(message, "text")),
                           "shop: no connection could be made"));
    json_decref(message);
    assert_int_equal(end(&runner), 3);
    close(fd);
}

static void without_its_runner_it_ends_at_once(void **state)
{
    struct test_server server;
    struct runner runner;

    (void)state;
    test_server_start(&server, SERVER_FAST, 0);
    begin(&runner);
    tell_peers(&runner, &server.address);
    json_decref(hear(&runner));
    tell(&runner, "{\"do\":\"start\"}\n");
    shutdown(runner.fd, SHUT_RDWR);
    assert_int_equal(end(&runner), 3);
    test_server_stop(&server);
}

static void a_bad_role_is_wrong_usage(void **state)
{
    char path[] = "/tmp/load-role-XXXXXX";
    char *arguments[] = {"load-client", "--role", path, NULL};
    int fd = mkstemp(path);

    (void)state;
    assert_int_equal(hx_command_load_client(1, arguments), 2);
    assert_int_equal(hx_command_load_client(3, arguments), 2);
    assert_int_equal(write(fd, "{\"process\":1}", 13), 13);
    assert_int_equal(hx_command_load_client(3, arguments), 2);
    close(fd);
    unlink(path);
    assert_int_equal(hx_command_load_client(3, arguments), 2);
}

/* ---- tracerig load -------------------------------------------------------------------------- */

/* Run the command in a child with its output in a file; the exit status, the output in out. */
static int run_command(int count, char **arguments, struct otl_buf *out)
{
    char path[] = "/tmp/load-out-XXXXXX";
    int fd = mkstemp(path);
    int status = 0;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        dup2(fd, STDOUT_FILENO);
        dup2(fd, STDERR_FILENO);
        become(count, arguments);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    otl_buf_reset(out);
    assert_int_equal(otl_file_read(path, out, NULL), OTEL_OK);
    close(fd);
    unlink(path);
    return WEXITSTATUS(status);
}

static void url_of(const struct hx_address *address, char *out, size_t size)
{
    const struct sockaddr_in *at = (const void *)&address->bytes;

    snprintf(out, size, "http://127.0.0.1:%u/item?n=1", (unsigned)ntohs(at->sin_port));
}

static void the_command_prints_what_it_measured(void **state)
{
    char url[64];
    char *json[] = {"load",   url,        "--rate=300",      "--duration=500ms", "--seed=7",
                    "--json", "--quiet",  "--header=X-A: b", "--arrival=constant"};
    char *text[] = {"load", url, "--rate=0.3k", "--duration=500ms"};
    struct test_server server;
    struct otl_buf out;
    json_t *report;

    (void)state;
    otl_buf_init(&out, 1 << 20);
    test_server_start(&server, SERVER_FAST, 0);
    url_of(&server.address, url, sizeof(url));
    assert_int_equal(run_command(9, json, &out), 0);
    report = json_loadb(out.data, out.len, 0, NULL);
    assert_non_null(report);
    assert_int_equal(json_integer_value(json_object_get(report, "seed")), 7);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(report, "load"), "ok")),
                     150);
    json_decref(report);
    assert_int_equal(run_command(4, text, &out), 0);
    assert_non_null(strstr(out.data, "response time  service time      send lag"));
    assert_non_null(strstr(out.data, "Response time runs from the instant a request was due"));
    assert_non_null(strstr(out.data, "300.0/s asked"));
    test_server_stop(&server);
    assert_non_null(strstr(server.first, "GET /item?n=1 HTTP/1.1\r\n"));
    assert_non_null(strstr(server.first, "X-A: b\r\n"));
    otl_buf_fini(&out);
}

/* Interrupted after its first line of progress, it still tells what it measured. */
static void an_interrupt_keeps_the_partial_result(void **state)
{
    char url[64], out[8192];
    char *arguments[] = {"load", url, "--duration=60s", "--rate=200"};
    struct test_server server;
    size_t len = 0;
    ssize_t n;
    int status = 0;
    int ends[2];
    pid_t child;

    (void)state;
    test_server_start(&server, SERVER_FAST, 0);
    url_of(&server.address, url, sizeof(url));
    assert_int_equal(pipe(ends), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        become(4, arguments);
    }
    close(ends[1]);
    n = read(ends[0], out, sizeof(out) - 1);
    assert_true(n > 0);
    kill(child, SIGINT);
    for (len = (size_t)n; (n = read(ends[0], out + len, sizeof(out) - 1 - len)) > 0;)
        len += (size_t)n;
    out[len] = '\0';
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 130);
    assert_non_null(strstr(out, "(interrupted)"));
    assert_non_null(strstr(out, "carried out to its end: stopped"));
    test_server_stop(&server);
}

static void wrong_usage_is_named(void **state)
{
    static const struct {
        const char *argument;
        const char *expected;
    } rows[] = {{"--rate=0", "--rate '0': expected requests a second"},
                {"--rate=ten", "--rate 'ten'"},
                {"--arrival=uniform", "expected constant, poisson or burst"},
                {"--duration=5", "--duration '5': expected a duration such as 30s"},
                {"--connections=0", "--connections '0': expected 1 to 60000"},
                {"--header=nocolon", "--header 'nocolon': expected NAME: VALUE"},
                {"--header=Connection: close", "writes itself: 'Connection'"},
                {"--body=/nonexistent", "No such file"},
                {"--rat=5", "did you mean"},
                {"--method=G T", "not an HTTP method: 'G T'"}};
    struct otl_buf out;

    (void)state;
    otl_buf_init(&out, 1 << 20);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *arguments[] = {"load", "http://127.0.0.1:1/", (char *)(uintptr_t)rows[i].argument};

        assert_int_equal(run_command(3, arguments, &out), 2);
        if (strstr(out.data, rows[i].expected) == NULL)
            fail_msg("%s: %s", rows[i].argument, out.data);
    }
    otl_buf_fini(&out);
}

static void more_connections_than_files_are_refused(void **state)
{
    char *arguments[] = {"load", "http://127.0.0.1:1/", "--connections=4000"};
    struct rlimit before, low;
    struct otl_buf out;

    (void)state;
    otl_buf_init(&out, 1 << 20);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    low = before;
    low.rlim_cur = 256;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    if (before.rlim_max >= 4100) /* raised by itself: it gets as far as connecting */
        assert_int_equal(run_command(3, arguments, &out), 3);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    arguments[2] = "--connections=60000";
    if (before.rlim_max < 60064) {
        assert_int_equal(run_command(3, arguments, &out), 2);
        assert_non_null(strstr(out.data, "do not fit the limit of"));
    }
    otl_buf_fini(&out);
}

static void a_full_disk_is_the_environments_fault(void **state)
{
    char dir[] = "/tmp/load-full-XXXXXX";
    char url[64], path[128];
    char *arguments[] = {"load", url, "--duration=200ms", "--rate=500", "--hdr", dir, "--quiet"};
    static const char *const names[] = {"response", "service", "sendlag"};
    struct rlimit before, low;
    struct test_server server;
    struct otl_buf out;

    (void)state;
    assert_non_null(mkdtemp(dir));
    otl_buf_init(&out, 1 << 20);
    test_server_start(&server, SERVER_FAST, 0);
    url_of(&server.address, url, sizeof(url));
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    low = before;
    low.rlim_cur = 400;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
    assert_int_equal(run_command(7, arguments, &out), 3);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_non_null(strstr(out.data, "the histogram logs could not be written"));
    test_server_stop(&server);
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof(path), "%s/%s.hlog", dir, names[i]);
        unlink(path);
    }
    assert_int_equal(rmdir(dir), 0);
    otl_buf_fini(&out);
}

static void no_server_is_the_environments_fault(void **state)
{
    char url[64];
    char *refused[] = {"load", url, "--duration=1s"};
    char *unknown[] = {"load", "http://no-such-host.invalid/"};
    struct hx_address address;
    struct otl_buf out;
    int fd;

    (void)state;
    otl_buf_init(&out, 1 << 20);
    address = test_refusing_address(&fd);
    url_of(&address, url, sizeof(url));
    assert_int_equal(run_command(3, refused, &out), 3);
    assert_non_null(strstr(out.data, "no connection could be made"));
    assert_int_equal(run_command(2, unknown, &out), 3);
    assert_non_null(strstr(out.data, "no-such-host.invalid"));
    close(fd);
    otl_buf_fini(&out);
}

int main(int argc, char **argv)
{
    if (argc > 2 && strcmp(argv[1], "--command") == 0)
        return strcmp(argv[2], "load") == 0 ? hx_command_load(argc - 2, argv + 2)
                                            : hx_command_load_client(argc - 2, argv + 2);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_goes_by_the_protocol),
        cmocka_unit_test(an_early_stop_still_reports),
        cmocka_unit_test(nobody_listening_is_a_fault),
        cmocka_unit_test(without_its_runner_it_ends_at_once),
        cmocka_unit_test(a_bad_role_is_wrong_usage),
        cmocka_unit_test(the_command_prints_what_it_measured),
        cmocka_unit_test(an_interrupt_keeps_the_partial_result),
        cmocka_unit_test(wrong_usage_is_named),
        cmocka_unit_test(more_connections_than_files_are_refused),
        cmocka_unit_test(a_full_disk_is_the_environments_fault),
        cmocka_unit_test(no_server_is_the_environments_fault),
    };
    return cmocka_run_group_tests_name("load commands", tests, NULL, NULL);
}
