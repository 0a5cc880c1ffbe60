/* SPDX-License-Identifier: Apache-2.0 */
/* Services and the broker as the processes that a run starts, over the control protocol. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <ftw.h>
#include <libgen.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/ledger/reader.h"
#include "harness/scenario/scenario.h"
#include "harness/topology/control.h"

enum { CHILDREN_MAX = 4, PATIENCE_MILLIS = 40000, MESSAGES = 60 };

static const char scenario_text[] =
    "# Test.\n"
    "tracing: {enabled: false}\n"
    "services:\n"
    "  order:\n"
    "    http: lean\n"
    "    routes:\n"
    "      POST /orders:\n"
    "        steps:\n"
    "          - sql: INSERT INTO orders (id, total) VALUES (?, ?)\n"
    "            parameters: [\"${request}\", \"7\"]\n"
    "          - publish: created\n"
    "  worker:\n"
    "    replicas: 2\n"
    "    consumers:\n"
    "      created: {group: workers, max_in_hand: 2, steps: [{wait: 2ms}]}\n"
    "topics: {created: {partitions: 4}}\n"
    "broker: embedded\n"
    "load: {route: order POST /orders, rate: 1, duration: 1s}\n";

struct child {
    pid_t pid;
    int fd;
    char line[HX_CONTROL_LINE_MAX];
    size_t len;
};

static char g_dir[64];
static struct hx_scenario *g_scenario;
static struct child g_children[CHILDREN_MAX];
static size_t g_child_count;

/* ---- children ------------------------------------------------------------------------------- */

static void program_path(char *out, size_t size)
{
    char self[PATH_MAX] = "", *dir;

    assert_true(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
    dir = dirname(self);
    snprintf(out, size, "%s/../bin/tracerig", dir);
}

static void write_role(const char *service, unsigned replica, const char *instance, char *path,
                       size_t size)
{
    json_t *role = json_pack("{s:O, s:s, s:i, s:i, s:i, s:s, s:i, s:s}", "scenario",
                             g_scenario->tree, "service", service, "replica", (int)replica,
                             "incarnation", 0, "process", (int)g_child_count + 1, "instance",
                             instance, "seed", 42, "dir", g_dir);

    snprintf(path, size, "%s/%s.json", g_dir, instance);
    assert_non_null(role);
    assert_int_equal(json_dump_file(role, path, 0), 0);
    json_decref(role);
}

static void exec_child(const char *verb, const char *role, int fd, rlim_t file_limit)
{
    struct rlimit limit = {file_limit, file_limit};
    char program[PATH_MAX + 32], number[16];

    program_path(program, sizeof(program));
    snprintf(number, sizeof(number), "%d", fd);
    setenv(HX_CONTROL_ENV, number, 1);
    fcntl(fd, F_SETFD, 0);
    if (file_limit != 0)
        setrlimit(RLIMIT_FSIZE, &limit);
    execl(program, "tracerig", verb, "--role", role, (char *)NULL);
    _exit(99);
}

static struct child *start(const char *verb, const char *role, rlim_t file_limit)
{
    struct child *child = &g_children[g_child_count++];
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    child->len = 0;
    child->fd = fds[0];
    child->pid = fork();
    if (child->pid == 0)
        exec_child(verb, role, fds[1], file_limit);
    close(fds[1]);
    return child;
}

static struct child *start_service(const char *service, unsigned replica, const char *instance)
{
    char role[128];

    write_role(service, replica, instance, role, sizeof(role));
    return start("service", role, 0);
}

/* Exit status; -1 if it was a signal. */
static int wait_for(struct child *child)
{
    int status;

    if (child->fd >= 0)
        close(child->fd);
    child->fd = -1;
    assert_int_equal(waitpid(child->pid, &status, 0), child->pid);
    child->pid = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* The next line; NULL at the end. */
static json_t *next_line(struct child *child)
{
    for (;;) {
        char *end = memchr(child->line, '\n', child->len);
        struct pollfd pfd = {child->fd, POLLIN, 0};
        ssize_t got;

        if (end != NULL) {
            size_t len = (size_t)(end - child->line);
            json_t *json = json_loadb(child->line, len, 0, NULL);
            child->len -= len + 1;
            memmove(child->line, end + 1, child->len);
            return json;
        }
        assert_int_equal(poll(&pfd, 1, PATIENCE_MILLIS), 1);
        got = read(child->fd, child->line + child->len, sizeof(child->line) - child->len);
        if (got <= 0)
            return NULL;
        child->len += (size_t)got;
    }
}

/* The line with that event; lines of progress and membership are passed over. */
static json_t *expect_event(struct child *child, const char *event)
{
    for (;;) {
        json_t *line = next_line(child);
        const char *got = json_string_value(json_object_get(line, "event"));
        if (got == NULL)
            fail_msg("the child ended; expected %s", event);
        if (strcmp(got, event) == 0)
            return line;
        if (strcmp(got, "progress") != 0 && strcmp(got, "membership") != 0)
            fail_msg("%s, expected %s", json_dumps(line, 0), event);
        json_decref(line);
    }
}

static void say(struct child *child, const char *text)
{
    assert_int_equal(write(child->fd, text, strlen(text)), strlen(text));
}

static int port_of(struct child *child)
{
    json_t *line = expect_event(child, "bound");
    int port = (int)json_integer_value(json_object_get(line, "port"));

    json_decref(line);
    return port;
}

static int stop(struct child *child)
{
    say(child, "{\"do\":\"stop\",\"timeout_ms\":5000}\n");
    json_decref(expect_event(child, "stopped"));
    return wait_for(child);
}

/* ---- fixture -------------------------------------------------------------------------------- */

static int set_up(void **state)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    char path[128];
    FILE *file;

    (void)state;
    g_child_count = 0;
    snprintf(g_dir, sizeof(g_dir), "/tmp/process-test-XXXXXX");
    if (mkdtemp(g_dir) == NULL)
        return -1;
    snprintf(path, sizeof(path), "%s/scenario.yaml", g_dir);
    file = fopen(path, "w");
    fputs(scenario_text, file);
    fclose(file);
    return hx_scenario_load_file(path, NULL, &g_scenario, &detail) == OTEL_OK ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static int tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < g_child_count; i++) {
        if (g_children[i].pid == 0)
            continue;
        kill(g_children[i].pid, SIGKILL);
        wait_for(&g_children[i]);
    }
    hx_scenario_free(g_scenario);
    return nftw(g_dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* ---- tests ---------------------------------------------------------------------------------- */

static void bad_role_is_usage(void **state)
{
    char role[128];

    (void)state;
    write_role("nobody", 0, "nobody-0", role, sizeof(role));
    assert_int_equal(wait_for(start("service", role, 0)), 2);
    assert_int_equal(wait_for(start("service", "/nonexistent", 0)), 2);
    assert_int_equal(wait_for(start("broker", "/nonexistent", 0)), 2);
}

static void end_of_the_control_connection_ends_the_child_at_once(void **state)
{
    struct child *service, *broker;
    char role[128];

    (void)state;
    service = start_service("order", 0, "order-0");
    port_of(service);
    assert_int_equal(wait_for(service), 3);
    write_role("", 0, "broker", role, sizeof(role));
    broker = start("broker", role, 0);
    json_decref(expect_event(broker, "bound"));
    assert_int_equal(wait_for(broker), 3);
}

static void file_size_limit_is_told_as_a_fault(void **state)
{
    struct child *service;
    char role[128];
    json_t *line;

    (void)state;
    write_role("order", 0, "order-0", role, sizeof(role));
    service = start("service", role, 65536);
    line = expect_event(service, "fault");
    assert_non_null(strstr(json_string_value(json_object_get(line, "text")), "File too large"));
    json_decref(line);
    assert_int_equal(wait_for(service), 3);
}

static void missing_peer_is_told_as_a_fault(void **state)
{
    struct child *service = start_service("order", 0, "order-0");
    json_t *line;

    (void)state;
    port_of(service);
    say(service, "{\"do\":\"peers\",\"services\":{}}\n");
    line = expect_event(service, "fault");
    assert_non_null(strstr(json_string_value(json_object_get(line, "text")), "kafka"));
    json_decref(line);
    assert_int_equal(wait_for(service), 3);
}

static void sigterm_stops_cleanly(void **state)
{
    struct child *service = start_service("order", 0, "order-0");

    (void)state;
    port_of(service);
    kill(service->pid, SIGTERM);
    json_decref(expect_event(service, "stopped"));
    assert_int_equal(wait_for(service), 0);
}

static void post_order(int port, uint64_t request)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    char text[256], answer[256] = "";
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    snprintf(text, sizeof(text),
             "POST /orders HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n"
             "tracerig-request: %016llx-%016llx\r\n\r\n",
             (unsigned long long)request, 0ULL);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_true(read(fd, answer, sizeof(answer) - 1) > 0);
    assert_memory_equal(answer, "HTTP/1.1 200", 12);
    close(fd);
}

/* Entries of the instance that begins with name, and the requests they were of. */
static size_t entries_of(const char *name, bool *seen)
{
    struct hx_led_reader *reader = NULL;
    const struct hx_led_record *record;
    const struct hx_led_file *file;
    char dir[128];
    size_t count = 0;

    snprintf(dir, sizeof(dir), "%s/ledger", g_dir);
    assert_int_equal(hx_led_reader_open(dir, &reader, NULL), OTEL_OK);
    while ((record = hx_led_reader_next(reader, &file)) != NULL) {
        const struct hx_led_entry *entry = (const void *)record;
        if (record->type != HX_LED_ENTRY || strncmp(file->name, name, strlen(name)) != 0)
            continue;
        assert_int_equal(entry->delivery, 1);
        assert_true(entry->request >= 1 && entry->request <= MESSAGES);
        assert_false(seen[entry->request]);
        seen[entry->request] = true;
        count++;
    }
    hx_led_reader_free(reader);
    return count;
}

static void group_of_two_handles_every_message_once(void **state)
{
    struct child *broker, *order, *workers[2];
    char role[128], peers[256];
    bool seen[MESSAGES + 1] = {false};
    json_t *line;
    size_t first, second;
    int port;

    (void)state;
    write_role("", 0, "broker", role, sizeof(role));
    broker = start("broker", role, 0);
    order = start_service("order", 0, "order-0");
    workers[0] = start_service("worker", 0, "worker-0");
    workers[1] = start_service("worker", 1, "worker-1");
    line = expect_event(broker, "bound");
    snprintf(peers, sizeof(peers), "{\"do\":\"peers\",\"services\":{},\"kafka\":\"%s\"}\n",
             json_string_value(json_object_get(line, "bootstrap")));
    json_decref(line);
    port = port_of(order);
    for (int i = 0; i < 2; i++)
        port_of(workers[i]);
    say(order, peers);
    say(workers[0], peers);
    say(workers[1], peers);
    json_decref(expect_event(order, "ready"));
    json_decref(expect_event(workers[0], "ready"));
    json_decref(expect_event(workers[1], "ready"));
    for (uint64_t i = 1; i <= MESSAGES; i++)
        post_order(port, i);
    say(order, "{\"do\":\"drain\"}\n");
    json_decref(expect_event(order, "idle"));
    for (int i = 0; i < 2; i++) {
        say(workers[i], "{\"do\":\"drain\"}\n");
        json_decref(expect_event(workers[i], "idle"));
    }
    assert_int_equal(stop(order), 0);
    assert_int_equal(stop(workers[0]), 0);
    assert_int_equal(stop(workers[1]), 0);
    assert_int_equal(stop(broker), 0);
    first = entries_of("worker-0", seen);
    second = entries_of("worker-1", seen);
    assert_int_equal(first + second, MESSAGES);
    assert_true(first > 0);
    assert_true(second > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        T(bad_role_is_usage),
        T(end_of_the_control_connection_ends_the_child_at_once),
        T(file_size_limit_is_told_as_a_fault),
        T(missing_peer_is_told_as_a_fault),
        T(sigterm_stops_cleanly),
        T(group_of_two_handles_every_message_once),
#undef T
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
