/* SPDX-License-Identifier: Apache-2.0 */
/* Extensions of the service, seen from outside. */
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector-mock/tests/rig.h"
#include "sdk/base/file.h"

static struct rig rig;
static struct otl_buf answer;

static int setup(void **state)
{
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    rig_init(&rig);
    otl_buf_init(&answer, 1u << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_fini(&rig);
    otl_buf_fini(&answer);
    return 0;
}

static void configure(const char *extensions, const char *names, const char *exporter)
{
    char text[2048];

    snprintf(text, sizeof(text),
             "receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0'}}}}\n"
             "exporters: {%s}\n"
             "extensions: {%s}\n"
             "service:\n"
             "  extensions: [%s]\n"
             "  pipelines: {traces: {receivers: [otlp], exporters: [%.*s]}}\n",
             exporter, extensions, names, (int)strcspn(exporter, ":"), exporter);
    rig_config(&rig, text);
}

static unsigned get(const char *path)
{
    int fd = rig_connect(rig_port(&rig, "health_check"));
    char request[200];
    unsigned status;
    int len = snprintf(request, sizeof(request),
                       "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", path);

    rig_send(fd, request, (size_t)len);
    status = rig_answer(fd, &answer);
    close(fd);
    return status;
}

static void health_is_told_as_the_collector_does(void **state)
{
    const char *body;
    char since[40], uptime[40];

    (void)state;
    configure("health_check: {endpoint: '127.0.0.1:0'}", "health_check", "nop: ");
    rig_start(&rig, NULL);
    assert_int_equal(get("/"), 200);
    assert_non_null(strstr(answer.data, "Content-Type: application/json"));
    body = strstr(answer.data, "\r\n\r\n") + 4;
    assert_int_equal(sscanf(body,
                            "{\"status\":\"Server available\",\"upSince\":\"%39[0-9T:.-]Z\","
                            "\"uptime\":\"%39[0-9.hms]\"}",
                            since, uptime),
                     2);
    assert_int_equal(strlen(since), 29);
    assert_non_null(strchr(uptime, 's'));
    assert_int_equal(get("/any/where"), 200);
    assert_int_equal(rig_stop(&rig), 0);
}

static void health_has_a_path_and_words_of_its_own(void **state)
{
    static const char head[] = "POST /v1/traces HTTP/1.1\r\nHost: x\r\n"
                               "Content-Type: application/x-protobuf\r\n"
                               "Content-Length: 6\r\n\r\n\n\x04\x12";
    unsigned status;
    int held;

    (void)state;
    configure("health_check: {endpoint: '127.0.0.1:0', path: /up, "
              "response_body: {healthy: fine, unhealthy: ending}}",
              "health_check", "nop: ");
    rig_start(&rig, NULL);
    assert_int_equal(get("/"), 404);
    assert_int_equal(get("/up"), 200);
    assert_non_null(strstr(answer.data, "\r\n\r\nfine"));
    held = rig_connect(rig_port(&rig, "otlp/http")); /* a request in hand, while it drains */
    rig_send(held, head, sizeof(head) - 1);
    assert_int_equal(get("/up"), 200); /* the held one has been accepted before this one */
    assert_int_equal(kill(rig.pid, SIGTERM), 0);
    do
        status = get("/up");
    while (status == 200);
    assert_int_equal(status, 503);
    assert_non_null(strstr(answer.data, "\r\n\r\nending"));
    rig_send(held, "\x02\x12\0", 3);
    assert_int_equal(rig_answer(held, &answer), 200);
    close(held);
    assert_int_equal(rig_wait(&rig), 0);
}

static void what_looks_into_go_is_accepted_with_a_warning(void **state)
{
    struct otl_buf log;

    (void)state;
    configure("pprof: {endpoint: '0.0.0.0:1777'}, zpages: ", "pprof, zpages", "nop: ");
    rig_start(&rig, NULL);
    assert_int_equal(rig_stop(&rig), 0);
    rig_read(rig.log, &log);
    assert_non_null(strstr(log.data, "extension 'pprof': accepted and without effect"));
    assert_non_null(strstr(log.data, "extension 'zpages': accepted and without effect"));
    otl_buf_fini(&log);
}

static int listen_any(unsigned *ret_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 4), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    *ret_port = ntohs(address.sin_port);
    return fd;
}

/* The head of the request that an exporter with this authenticator sends. */
static void says(const char *extension, const char *name, const char *line)
{
    static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    char exporter[200], head[4096] = "";
    struct otl_buf body;
    size_t len = 0;
    unsigned port;
    int server = listen_any(&port), post, peer;

    snprintf(exporter, sizeof(exporter),
             "otlphttp: {endpoint: 'http://127.0.0.1:%u', auth: {authenticator: %s}}", port, name);
    configure(extension, name, exporter);
    rig_start(&rig, NULL);
    rig_official("minimal", &body);
    post = rig_connect(rig_port(&rig, "otlp/http"));
    assert_int_equal(rig_post(post, "", otl_view(body.data, body.len), &answer), 200);
    close(post);
    otl_buf_fini(&body);
    assert_int_equal(poll(&(struct pollfd){server, POLLIN, 0}, 1, RIG_WAIT_MS), 1);
    peer = accept(server, NULL, NULL);
    assert_true(peer >= 0);
    while (strstr(head, "\r\n\r\n") == NULL && len < sizeof(head) - 1) {
        assert_int_equal(poll(&(struct pollfd){peer, POLLIN, 0}, 1, RIG_WAIT_MS), 1);
        assert_int_equal(recv(peer, head + len, 1, 0), 1);
        head[++len] = '\0';
    }
    if (strstr(head, line) == NULL)
        fail_msg("'%s' is not in: %s", line, head);
    rig_send(peer, ok, sizeof(ok) - 1);
    assert_int_equal(rig_stop(&rig), 0);
    close(peer);
    close(server);
}

static void exporters_say_who_they_are(void **state)
{
    char path[256], extension[512];

    (void)state;
    says("basicauth: {client_auth: {username: Aladdin, password: 'open sesame'}}", "basicauth",
         "\r\nAuthorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n");
    says("bearertokenauth/x: {token: abc.def}", "bearertokenauth/x",
         "\r\nAuthorization: Bearer abc.def\r\n");
    snprintf(path, sizeof(path), "%s/token", rig.dir);
    assert_int_equal(otl_file_write(path, "from a file\n", 12, NULL), OTEL_OK);
    snprintf(extension, sizeof(extension),
             "bearertokenauth: {filename: '%s', scheme: '', header: X-Key}", path);
    says(extension, "bearertokenauth", "\r\nX-Key: from a file\r\n");
}

static void mistakes_are_told_with_their_place(void **state)
{
    static const char nop[] = "nop: ";
    static const struct {
        const char *extension, *names, *exporter, *text;
    } rows[] = {
        {"basicauth: {}", "basicauth", nop, ":3:14: extension 'basicauth': neither htpasswd nor"},
        {"basicauth: {htpasswd: {inline: x}, client_auth: {username: x}}", "basicauth", nop,
         "only one of"},
        {"bearertokenauth: {}", "bearertokenauth", nop, "no bearer token"},
        {"pprof: ", "pprof",
         "otlphttp: {endpoint: 'http://x', auth: {authenticator: bearertokenauth}}",
         "failed to resolve authenticator 'bearertokenauth'"},
        {"pprof: ", "pprof", "otlphttp: {endpoint: 'http://x', auth: {authenticator: pprof}}",
         "is no authenticator"},
        {"bearertokenauth: {token: x}", "bearertokenauth",
         "otlp: {endpoint: 'http://x:1', auth: {authenticator: bearertokenauth}}",
         "require transport level security"},
        {"bearertokenauth: {token: \"a\\nb\"}", "bearertokenauth",
         "otlphttp: {endpoint: 'http://x', auth: {authenticator: bearertokenauth}}",
         "one line of text"},
        {"health_check: {port: 1}", "health_check", nop, "unknown key 'port'"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *arguments[] = {"--config", rig.config, NULL};
        struct otl_buf log;
        configure(rows[i].extension, rows[i].names, rows[i].exporter);
        unlink(rig.log);
        assert_int_equal(rig_run(&rig, arguments), 2);
        rig_read(rig.log, &log);
        if (strstr(log.data, rows[i].text) == NULL)
            fail_msg("%s: '%s' is not in: %s", rows[i].extension, rows[i].text, log.data);
        otl_buf_fini(&log);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(health_is_told_as_the_collector_does),
        CASE(health_has_a_path_and_words_of_its_own),
        CASE(what_looks_into_go_is_accepted_with_a_warning),
        CASE(exporters_say_who_they_are),
        CASE(mistakes_are_told_with_their_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
