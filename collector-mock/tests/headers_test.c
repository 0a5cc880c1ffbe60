/* SPDX-License-Identifier: Apache-2.0 */
/* What answers over HTTP carry in their heads by configuration, and what browsers ask. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector-mock/tests/lone.h"

/* Start with these settings of the http protocol. */
static void start(const char *settings)
{
    char text[1024];

    snprintf(text, sizeof(text),
             "receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0', %s}}}}\n"
             "exporters: {nop: }\n"
             "extensions: {basicauth: {htpasswd: {inline: 'a:b'}}}\n"
             "service:\n"
             "  extensions: [basicauth]\n"
             "  telemetry: {metrics: {address: '127.0.0.1:0'}}\n"
             "  pipelines: {traces: {receivers: [otlp], exporters: [nop]}}\n",
             settings);
    rig_config(&lone, text);
    rig_start(&lone, NULL);
}

static bool said(const char *line)
{
    return strstr(lone_answer.data, line) != NULL;
}

/* Say this on a connection of its own; the status. */
static unsigned say(const char *text)
{
    int fd = rig_connect(rig_port(&lone, "otlp/http"));
    unsigned status;

    rig_send(fd, text, strlen(text));
    status = rig_answer(fd, &lone_answer);
    close(fd);
    return status;
}

static void every_answer_has_the_headers_of_the_configuration(void **state)
{
    static const char lines[] = "X-Served-By: gateway\r\nStrict-Transport-Security: max-age=1\r\n";

    (void)state;
    start("response_headers: {X-Served-By: gateway, Strict-Transport-Security: max-age=1}");
    assert_int_equal(lone_post(""), 200);
    assert_true(said(lines));
    assert_int_equal(say("GET /v1/traces HTTP/1.1\r\nHost: x\r\n\r\n"), 405);
    assert_true(said(lines));
    assert_int_equal(say("POST /nowhere HTTP/1.1\r\nHost: x\r\n\r\n"), 404);
    assert_true(said(lines));
    assert_int_equal(say("no HTTP at all\r\n\r\n"), 400);
    assert_true(said(lines));
    assert_int_equal(rig_stop(&lone), 0);
}

static void a_connection_is_closed_after_each_answer_where_that_is_asked(void **state)
{
    int fd;

    (void)state;
    start("keep_alives_enabled: false");
    fd = rig_connect(rig_port(&lone, "otlp/http"));
    assert_int_equal(lone_post_on(fd, ""), 200);
    assert_true(said("Connection: close\r\n"));
    assert_true(rig_closed(fd));
    close(fd);
    assert_int_equal(rig_stop(&lone), 0);
}

/* A connection that has said this. */
static int begin(const char *text)
{
    int fd = rig_connect(rig_port(&lone, "otlp/http"));

    rig_send(fd, text, strlen(text));
    return fd;
}

static void the_time_limits_of_the_configuration_are_kept(void **state)
{
    struct timespec before, after;
    int idle, slow;

    (void)state;
    start("read_header_timeout: 1s, read_timeout: 100000s");
    clock_gettime(CLOCK_MONOTONIC, &before);
    slow = begin("POST /v1/tr");
    assert_int_equal(rig_answer(slow, &lone_answer), 408);
    clock_gettime(CLOCK_MONOTONIC, &after);
    assert_in_range(after.tv_sec - before.tv_sec, 0, 9); /* without, it is 10 s */
    close(slow);
    assert_int_equal(rig_stop(&lone), 0);
    start("read_timeout: 1s, idle_timeout: 1s, write_timeout: 0");
    slow = begin("POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n12");
    idle = begin("GET /v1/traces HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(rig_answer(idle, &lone_answer), 405);
    assert_true(rig_closed(idle));
    assert_int_equal(rig_answer(slow, &lone_answer), 408);
    close(idle);
    close(slow);
    assert_int_equal(rig_stop(&lone), 0);
}

#define CORS                                                                                       \
    "auth: {authenticator: basicauth}, cors: {allowed_origins: ['https://app.example', "           \
    "'https://*.shop.example'], allowed_headers: [content-type, X-Tenant], exposed_headers: "      \
    "[X-Trace, X-Span], max_age: 7200}"
#define ASKS(origin, method, headers)                                                              \
    "OPTIONS /v1/traces HTTP/1.1\r\nHost: x\r\nOrigin: " origin                                    \
    "\r\nAccess-Control-Request-Method: " method "\r\n" headers "\r\n"
#define NAMES(names) "Access-Control-Request-Headers: " names "\r\n"

static void a_browser_that_asks_is_told_who_may_send_what(void **state)
{
    static const struct {
        const char *text;
        const char *origin; /* that is allowed; NULL: nothing is */
        const char *names;
    } cases[] = {
        {ASKS("https://app.example", "POST", NAMES("content-type")), "https://app.example",
         "content-type"},
        {ASKS("https://app.example", "POST", NAMES("Content-Type, x-tenant")),
         "https://app.example", "Content-Type, x-tenant"},
        {ASKS("https://APP.example", "POST", ""), "https://APP.example", NULL},
        {ASKS("https://eu.shop.example", "POST", ""), "https://eu.shop.example", NULL},
        {ASKS("https://shop.example", "POST", ""), NULL, NULL},
        {ASKS("http://eu.shop.example", "POST", ""), NULL, NULL},
        {ASKS("https://eu.shop.example.evil", "POST", ""), NULL, NULL},
        {ASKS("https://app.example.evil", "POST", ""), NULL, NULL},
        {ASKS("http://app.example", "POST", ""), NULL, NULL},
        {ASKS("", "POST", ""), NULL, NULL},
        {ASKS("https://app.example", "DELETE", ""), NULL, NULL},
        {ASKS("https://app.example", "POST", NAMES("authorization")), NULL, NULL},
    };
    char line[128];

    (void)state;
    start(CORS);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (say(cases[i].text) != 204 || said("Content-Length") || !said("Vary: Origin, Access-"))
            fail_msg("%s\n%s", cases[i].text, lone_answer.data);
        snprintf(line, sizeof(line), "Access-Control-Allow-Origin: %s\r\n",
                 cases[i].origin != NULL ? cases[i].origin : "");
        if (cases[i].origin == NULL ? said("Access-Control-Allow") : !said(line))
            fail_msg("%s\n%s", cases[i].text, lone_answer.data);
        snprintf(line, sizeof(line), "Access-Control-Allow-Headers: %s\r\n",
                 cases[i].names != NULL ? cases[i].names : "");
        if (cases[i].names == NULL ? said("Access-Control-Allow-Headers") : !said(line))
            fail_msg("%s\n%s", cases[i].text, lone_answer.data);
        if (cases[i].origin != NULL)
            assert_true(said("Access-Control-Allow-Methods: POST\r\n") &&
                        said("Access-Control-Allow-Credentials: true\r\n") &&
                        said("Access-Control-Max-Age: 7200\r\n"));
    }
    /* no browser asks: the method is wrong, and nobody is let in without credentials */
    assert_int_equal(say("OPTIONS /v1/traces HTTP/1.1\r\nHost: x\r\n"
                         "Authorization: Basic YTpi\r\n\r\n"),
                     405);
    assert_int_equal(lone_post("Origin: https://app.example\r\n"), 401);
    assert_true(said("Access-Control-Allow-Origin: https://app.example\r\n"));
    assert_int_equal(rig_stop(&lone), 0);
}

static void an_answer_may_be_read_by_the_origins_that_are_allowed(void **state)
{
    (void)state;
    start(CORS);
    assert_int_equal(lone_post("Authorization: Basic YTpi\r\nOrigin: https://app.example\r\n"),
                     200);
    assert_true(said("Vary: Origin\r\nAccess-Control-Allow-Origin: https://app.example\r\n"
                     "Access-Control-Expose-Headers: X-Trace, X-Span\r\n"
                     "Access-Control-Allow-Credentials: true\r\n"));
    assert_int_equal(lone_post("Authorization: Basic YTpi\r\nOrigin: https://evil.example\r\n"),
                     200);
    assert_true(said("Vary: Origin\r\n"));
    assert_false(said("Access-Control"));
    assert_int_equal(lone_post("Authorization: Basic YTpi\r\n"), 200);
    assert_false(said("Access-Control"));
    assert_int_equal(rig_stop(&lone), 0);
    start("cors: {allowed_origins: ['*'], allowed_headers: ['*']}");
    assert_int_equal(say(ASKS("null", "POST", NAMES("anything"))), 204);
    assert_true(said("Access-Control-Allow-Origin: *\r\n"));
    assert_false(said("Max-Age"));
    assert_int_equal(rig_stop(&lone), 0);
    start("cors: {allowed_headers: ['*']}"); /* does nothing without origins */
    assert_int_equal(say(ASKS("https://app.example", "POST", "")), 405);
    assert_false(said("Vary"));
    assert_int_equal(rig_stop(&lone), 0);
}

static void settings_that_break_the_head_of_an_answer_are_refused(void **state)
{
    static const struct {
        const char *settings, *message;
    } cases[] = {
        {"response_headers: {'a b': c}", "this is no header that one may set"},
        {"response_headers: {A: \"b\\r\\nC: d\"}", "this is no header that one may set"},
        {"response_headers: {Content-Length: '5'}", "this is no header that one may set"},
        {"cors: {allowed_origin: ['*']}", "did you mean 'allowed_origins'?"},
        {"cors: {max_age: -1}", "max_age"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *const arguments[] = {"--config", lone.config, NULL};
        struct otl_buf log;
        char text[512];
        snprintf(text, sizeof(text),
                 "receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:0', %s}}}}\n"
                 "exporters: {nop: }\nservice:\n"
                 "  pipelines: {traces: {receivers: [otlp], exporters: [nop]}}\n",
                 cases[i].settings);
        rig_config(&lone, text);
        assert_int_equal(rig_run(&lone, arguments), 2);
        rig_read(lone.log, &log);
        if (strstr(log.data, cases[i].message) == NULL ||
            strstr(log.data, "config.yaml:1:") == NULL)
            fail_msg("%s: %s", cases[i].settings, log.data);
        otl_buf_fini(&log);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, lone_setup, lone_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(every_answer_has_the_headers_of_the_configuration),
        CASE(a_connection_is_closed_after_each_answer_where_that_is_asked),
        CASE(the_time_limits_of_the_configuration_are_kept),
        CASE(a_browser_that_asks_is_told_who_may_send_what),
        CASE(an_answer_may_be_read_by_the_origins_that_are_allowed),
        CASE(settings_that_break_the_head_of_an_answer_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
