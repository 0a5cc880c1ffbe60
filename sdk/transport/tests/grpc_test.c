/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sdk/base/mem.h"
#include "sdk/base/text.h"
#include "sdk/transport/grpc.h"
#include "sdk/transport/gzip.h"
#include "sdk/transport/tests/grpc_server.h"

struct rig {
    struct event_base *base;
    struct gsrv *srv;
    struct otl_grpc *grpc;
    struct otl_grpc_result result;
    char message[256];
    char body[256];
    unsigned dones;
};

static void make_client(struct rig *rig, uint16_t port, const struct otl_clock *clock)
{
    struct otl_grpc_options options = {.clock = clock,
                                       .method = "/some.Service/Method",
                                       .header_lines = otl_view_str("X-Test: yes\r\n"),
                                       .max_response = 1000};
    struct otl_url url;
    char text[64];

    otl_grpc_free(rig->grpc);
    snprintf(text, sizeof(text), "http://127.0.0.1:%u", (unsigned)port);
    assert_int_equal(otl_url_parse(otl_view_str(text), &url, NULL), OTEL_OK);
    options.base = rig->base;
    options.url = &url;
    assert_int_equal(otl_grpc_new(&options, &rig->grpc), OTEL_OK);
}

static void rig_init(struct rig *rig)
{
    memset(rig, 0, sizeof(*rig));
    rig->base = event_base_new();
    rig->srv = gsrv_new(rig->base);
    make_client(rig, gsrv_port(rig->srv), otl_clock_real());
}

static void rig_fini(struct rig *rig)
{
    otl_grpc_free(rig->grpc);
    gsrv_free(rig->srv);
    event_base_free(rig->base);
}

static void on_done(void *context, const struct otl_grpc_result *result)
{
    struct rig *rig = context;

    rig->result = *result;
    rig->dones++;
    snprintf(rig->message, sizeof(rig->message), "%.*s", (int)result->message.len,
             result->message.len ? result->message.data : "");
    snprintf(rig->body, sizeof(rig->body), "%.*s", (int)result->body.len,
             result->body.len ? result->body.data : "");
    event_base_loopbreak(rig->base);
}

static void call_for(struct rig *rig, const char *data, size_t len, unsigned millis)
{
    struct otl_grpc_request request = {.message = otl_view(data, len),
                                       .deadline_ns = UINT64_MAX,
                                       .done = on_done,
                                       .context = rig};
    unsigned before = rig->dones;

    if (millis != 0)
        request.deadline_ns = otl_clock_mono(otl_clock_real()) + millis * OTL_NS_PER_MS;
    assert_int_equal(otl_grpc_call(rig->grpc, &request), OTEL_OK);
    assert_int_equal(rig->dones, before); /* never inside call */
    while (rig->dones == before)
        assert_true(event_base_loop(rig->base, EVLOOP_ONCE) >= 0);
    assert_int_equal(rig->dones, before + 1);
}

static void call(struct rig *rig, const char *text)
{
    call_for(rig, text, strlen(text), 20000);
}

static void a_call_is_a_post_with_one_message(void **state)
{
    struct gsrv_step step = {.then = GSRV_ANSWER, .message = "reply", .message_len = 5};
    struct rig rig;
    const char *data, *timeout;
    unsigned long left_us;
    char *unit;
    size_t len;

    (void)state;
    rig_init(&rig);
    gsrv_push(rig.srv, &step);
    call(&rig, "hello");
    assert_int_equal(rig.result.outcome, OTL_HTTP_ANSWERED);
    assert_int_equal(rig.result.grpc_status, 0);
    assert_string_equal(rig.body, "reply");
    data = gsrv_data(rig.srv, &len);
    assert_int_equal(len, 10);
    assert_memory_equal(data, "\0\0\0\0\5hello", 10);
    assert_non_null(strstr(gsrv_headers(rig.srv), ":path: /some.Service/Method\n"));
    assert_non_null(strstr(gsrv_headers(rig.srv), "te: trailers\n"));
    assert_non_null(strstr(gsrv_headers(rig.srv), "content-type: application/grpc\n"));
    assert_non_null(strstr(gsrv_headers(rig.srv), "x-test: yes\n"));
    timeout = strstr(gsrv_headers(rig.srv), "grpc-timeout: ");
    assert_non_null(timeout);
    left_us = strtoul(timeout + strlen("grpc-timeout: "), &unit, 10);
    assert_in_range(left_us, 1, 20000000); /* what is left of 20 s */
    assert_int_equal(*unit, 'u');
    rig_fini(&rig);
}

static void the_connection_is_kept(void **state)
{
    struct rig rig;

    (void)state;
    rig_init(&rig);
    for (int i = 0; i < 5; i++) {
        call(&rig, "x");
        assert_int_equal(rig.result.grpc_status, 0);
        assert_int_equal(rig.result.reused, i > 0);
    }
    assert_int_equal(gsrv_connections(rig.srv), 1);
    assert_int_equal(otl_grpc_stats(rig.grpc)->requests, 5);
    rig_fini(&rig);
}

/* Nor does the server of the tests, which has grown as far as it needs to. */
static void a_call_on_a_warm_connection_takes_nothing_from_the_heap(void **state)
{
    enum { WARM = 300 }; /* until the table of header fields is full and its oldest go */
    struct rig rig;

    (void)state;
    rig_init(&rig);
    for (int i = 0; i < WARM; i++)
        call_for(&rig, "x", 1, 20000 + 1000 * (unsigned)i); /* each another grpc-timeout */
    otl_mem_fail_at(0); /* counts from here */
    for (int i = 0; i < WARM; i++)
        call_for(&rig, "x", 1, 20000 + 1000 * (unsigned)i);
    assert_int_equal(otl_mem_count(), 0);
    assert_int_equal(gsrv_connections(rig.srv), 1);
    rig_fini(&rig);
}

static void a_large_message_passes_the_flow_control(void **state)
{
    static char large[600000];
    struct rig rig;
    size_t len;

    (void)state;
    memset(large, 'x', sizeof(large));
    rig_init(&rig);
    call_for(&rig, large, sizeof(large), 20000);
    assert_int_equal(rig.result.grpc_status, 0);
    gsrv_data(rig.srv, &len);
    assert_int_equal(len, sizeof(large) + 5);
    rig_fini(&rig);
}

static void status_message_and_retry_info_are_read(void **state)
{
    /* google.rpc.Status{8, "", [Any{type.googleapis.com/google.rpc.RetryInfo, {2.5 s}}]} */
    static const char details[] = "CAgaNgoodHlwZS5nb29nbGVhcGlzLmNvbS9nb29n"
                                  "bGUucnBjLlJldHJ5SW5mbxIKCggIAhCAyrXuAQ==";
    struct gsrv_step step = {.then = GSRV_ERROR, .grpc_status = "8",
                             .grpc_message = "slow%20down%2C%C3%A9 100%", .details = details};
    struct rig rig;

    (void)state;
    rig_init(&rig);
    gsrv_push(rig.srv, &step);
    call(&rig, "x");
    assert_int_equal(rig.result.outcome, OTL_HTTP_ANSWERED);
    assert_int_equal(rig.result.grpc_status, 8);
    assert_string_equal(rig.message, "slow down,\xc3\xa9 100%");
    assert_true(rig.result.has_retry_info);
    assert_int_equal(rig.result.retry_delay_ns, 2500000000ULL);
    call(&rig, "y"); /* an error does not cost the connection */
    assert_int_equal(rig.result.grpc_status, 0);
    assert_int_equal(gsrv_connections(rig.srv), 1);
    rig_fini(&rig);
}

static void an_answer_without_status_is_mapped(void **state)
{
    static const struct {
        unsigned http, grpc;
    } rows[] = {{400, 13}, {401, 16}, {403, 7}, {404, 12}, {429, 14}, {503, 14}, {418, 2}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct gsrv_step step = {.then = GSRV_PLAIN, .http_status = rows[i].http};
        struct rig rig;
        rig_init(&rig);
        gsrv_push(rig.srv, &step);
        call(&rig, "x");
        assert_int_equal(rig.result.outcome, OTL_HTTP_ANSWERED);
        assert_int_equal(rig.result.grpc_status, rows[i].grpc);
        rig_fini(&rig);
    }
}

static void what_is_no_answer_is_told_apart(void **state)
{
    static char large[3000];
    const struct {
        struct gsrv_step step;
        enum otl_http_outcome outcome;
    } rows[] = {
        {{.then = GSRV_CLOSE}, OTL_HTTP_CUT},
        {{.then = GSRV_RESET}, OTL_HTTP_CUT},
        {{.then = GSRV_GARBAGE}, OTL_HTTP_GARBAGE},
        {{.then = GSRV_ANSWER, .message = large, .message_len = sizeof(large)}, OTL_HTTP_TOO_LARGE},
        {{.then = GSRV_ANSWER, .message = "x", .message_len = 1, .bad_prefix = true},
         OTL_HTTP_GARBAGE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct rig rig;
        rig_init(&rig);
        gsrv_push(rig.srv, &rows[i].step);
        call(&rig, "x");
        assert_int_equal(rig.result.outcome, rows[i].outcome);
        call(&rig, "again"); /* and the next call works */
        assert_int_equal(rig.result.outcome, OTL_HTTP_ANSWERED);
        rig_fini(&rig);
    }
}

static uint64_t g_hand_ns = OTL_NS_PER_S; /* a clock that the test moves by hand */

static uint64_t by_hand(void *state)
{
    (void)state;
    return g_hand_ns;
}

static void silence_ends_at_the_deadline(void **state)
{
    static const struct otl_clock hand = {by_hand, by_hand, NULL};
    struct gsrv_step silent = {.then = GSRV_SILENT};
    struct otl_grpc_request request = {.message = otl_view("x", 1), .done = on_done};
    struct rig rig;

    (void)state;
    rig_init(&rig);
    make_client(&rig, gsrv_port(rig.srv), &hand);
    gsrv_push(rig.srv, &silent);
    request.deadline_ns = g_hand_ns + 20 * OTL_NS_PER_MS;
    request.context = &rig;
    assert_int_equal(otl_grpc_call(rig.grpc, &request), OTEL_OK);
    while (gsrv_calls(rig.srv) == 0)
        event_base_loop(rig.base, EVLOOP_ONCE);
    assert_int_equal(rig.dones, 0);
    g_hand_ns += 20 * OTL_NS_PER_MS;
    while (rig.dones == 0)
        event_base_loop(rig.base, EVLOOP_ONCE);
    assert_int_equal(rig.result.outcome, OTL_HTTP_TIMEOUT);
    call(&rig, "again"); /* and the next call works */
    assert_int_equal(rig.result.outcome, OTL_HTTP_ANSWERED);
    rig_fini(&rig);
}

/* Servers answer in the encoding of the request. */
static void an_answer_may_be_compressed(void **state)
{
    struct otl_buf said, bomb;
    struct otl_gzip *gzip;
    char zeroes[5000] = "";
    struct rig rig;

    (void)state;
    otl_buf_init(&said, 1 << 16);
    otl_buf_init(&bomb, 1 << 16);
    assert_int_equal(otl_gzip_new(1, &gzip), OTEL_OK);
    assert_int_equal(otl_gzip_compress(gzip, otl_view_str("what is said"), &said), OTEL_OK);
    assert_int_equal(otl_gzip_compress(gzip, otl_view(zeroes, sizeof(zeroes)), &bomb), OTEL_OK);
    {
        const struct {
            struct gsrv_step step;
            enum otl_http_outcome outcome;
            const char *body, *encoding;
        } rows[] = {
            {{.encoding = "gzip", .message = said.data, .message_len = said.len},
             OTL_HTTP_ANSWERED, "what is said", NULL},
            {{.encoding = "zstd", .message = "as it is", .message_len = 8}, OTL_HTTP_ANSWERED,
             "as it is", "zstd"},
            {{.encoding = "gzip", .message = bomb.data, .message_len = bomb.len},
             OTL_HTTP_TOO_LARGE, "", NULL},
            {{.encoding = "gzip", .message = said.data, .message_len = said.len - 1},
             OTL_HTTP_GARBAGE, "", NULL},
            {{.encoding = "gzip", .message = "plain", .message_len = 5}, OTL_HTTP_GARBAGE, "",
             NULL},
            {{.encoding = "gzip"}, OTL_HTTP_GARBAGE, "", NULL},
            {{.encoding = "", .message = "x", .message_len = 1}, OTL_HTTP_GARBAGE, "", NULL},
            {{.encoding = "identity", .message = "x", .message_len = 1}, OTL_HTTP_GARBAGE, "",
             NULL},
            {{.encoding = "sixteen-letters-", .message = "x", .message_len = 1}, OTL_HTTP_GARBAGE,
             "", NULL},
        };
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
            rig_init(&rig);
            gsrv_push(rig.srv, &rows[i].step);
            call(&rig, "x");
            if (rig.result.outcome != rows[i].outcome || strcmp(rig.body, rows[i].body) != 0)
                fail_msg("row %zu: outcome %d, '%s'", i, (int)rig.result.outcome, rig.body);
            assert_int_equal(rig.result.encoding != NULL, rows[i].encoding != NULL);
            if (rows[i].encoding != NULL)
                assert_string_equal(rig.result.encoding, rows[i].encoding);
            call(&rig, "again"); /* plain */
            assert_int_equal(rig.result.outcome, OTL_HTTP_ANSWERED);
            assert_string_equal(rig.body, "");
            assert_null(rig.result.encoding);
            rig_fini(&rig);
        }
    }
    otl_gzip_free(gzip);
    otl_buf_fini(&said);
    otl_buf_fini(&bomb);
}

static void goaway_means_another_connection(void **state)
{
    struct gsrv_step step = {.then = GSRV_ANSWER, .goaway = true};
    struct rig rig;

    (void)state;
    rig_init(&rig);
    gsrv_push(rig.srv, &step);
    call(&rig, "x");
    assert_int_equal(rig.result.grpc_status, 0);
    call(&rig, "y");
    assert_int_equal(rig.result.grpc_status, 0);
    assert_int_equal(gsrv_connections(rig.srv), 2);
    rig_fini(&rig);
}

/* Else the loop would be told of the end for ever, which takes a whole CPU. */
static void a_connection_that_ends_between_calls_is_let_go(void **state)
{
    struct rig rig;

    (void)state;
    rig_init(&rig);
    call(&rig, "x");
    gsrv_free(rig.srv);
    for (int i = 0; i < 100 && event_base_get_num_events(rig.base, EVENT_BASE_COUNT_ADDED) > 0; i++)
        assert_true(event_base_loop(rig.base, EVLOOP_ONCE) >= 0);
    assert_int_equal(event_base_get_num_events(rig.base, EVENT_BASE_COUNT_ADDED), 0);
    rig.srv = gsrv_new(rig.base);
    rig_fini(&rig);
}

static void nobody_there_is_no_connection(void **state)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int bound = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); /* and listening to nobody */
    socklen_t len = sizeof(in);
    struct rig rig;

    (void)state;
    assert_int_equal(bind(bound, (struct sockaddr *)&in, sizeof(in)), 0);
    assert_int_equal(getsockname(bound, (struct sockaddr *)&in, &len), 0);
    rig_init(&rig);
    make_client(&rig, ntohs(in.sin_port), otl_clock_real());
    call(&rig, "x");
    assert_int_equal(rig.result.outcome, OTL_HTTP_NO_CONNECTION);
    rig_fini(&rig);
    close(bound);
}

static void a_cancelled_call_is_never_done(void **state)
{
    struct gsrv_step silent = {.then = GSRV_SILENT};
    struct otl_grpc_request request = {.message = otl_view("x", 1), .deadline_ns = UINT64_MAX,
                                       .done = on_done};
    struct rig rig;

    (void)state;
    rig_init(&rig);
    gsrv_push(rig.srv, &silent);
    request.context = &rig;
    assert_int_equal(otl_grpc_call(rig.grpc, &request), OTEL_OK);
    assert_int_equal(otl_grpc_call(rig.grpc, &request), OTEL_ERR_BLOCKED);
    while (gsrv_calls(rig.srv) == 0)
        event_base_loop(rig.base, EVLOOP_ONCE);
    otl_grpc_cancel(rig.grpc);
    call(&rig, "y");
    assert_int_equal(rig.dones, 1);
    assert_int_equal(rig.result.grpc_status, 0);
    rig_fini(&rig);
}

static void retryable_codes_are_the_specifications(void **state)
{
    (void)state;
    for (unsigned code = 0; code <= 16; code++) {
        bool listed = code == 1 || code == 4 || code == 10 || code == 11 || code == 14 ||
                      code == 15;
        assert_int_equal(otl_grpc_retryable(code, false), listed);
        assert_int_equal(otl_grpc_retryable(code, true), listed || code == 8);
    }
}

static void timeouts_have_at_most_eight_digits(void **state)
{
    char out[16];

    (void)state;
    assert_string_equal(otl_grpc_timeout(0, out), "1n");
    assert_string_equal(otl_grpc_timeout(99999999, out), "99999999n");
    assert_string_equal(otl_grpc_timeout(100000000, out), "100000u");
    assert_string_equal(otl_grpc_timeout(10000000000ULL, out), "10000000u");
    assert_string_equal(otl_grpc_timeout(3600000000000ULL, out), "3600000m");
    assert_true(strlen(otl_grpc_timeout(UINT64_MAX - 1, out)) <= 9);
}

static void failing_allocation_ends_the_call(void **state)
{
    bool whole = false;

    (void)state;
    for (unsigned long n = 1; n < 400 && !whole; n++) {
        struct otl_grpc_request request = {.message = otl_view("x", 1), .deadline_ns = UINT64_MAX,
                                           .done = on_done};
        struct rig rig;
        rig_init(&rig);
        request.context = &rig;
        otl_mem_fail_at(n);
        if (otl_grpc_call(rig.grpc, &request) == OTEL_OK)
            while (rig.dones == 0)
                event_base_loop(rig.base, EVLOOP_ONCE);
        whole = otl_mem_count() < n;
        otl_mem_fail_at(0);
        if (whole)
            assert_int_equal(rig.result.outcome, OTL_HTTP_ANSWERED);
        rig_fini(&rig);
    }
    assert_true(whole); /* each allocation of a call, of HTTP/2 too, has failed once */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_is_a_post_with_one_message),
        cmocka_unit_test(the_connection_is_kept),
        cmocka_unit_test(a_call_on_a_warm_connection_takes_nothing_from_the_heap),
        cmocka_unit_test(a_large_message_passes_the_flow_control),
        cmocka_unit_test(status_message_and_retry_info_are_read),
        cmocka_unit_test(an_answer_without_status_is_mapped),
        cmocka_unit_test(what_is_no_answer_is_told_apart),
        cmocka_unit_test(silence_ends_at_the_deadline),
        cmocka_unit_test(an_answer_may_be_compressed),
        cmocka_unit_test(goaway_means_another_connection),
        cmocka_unit_test(a_connection_that_ends_between_calls_is_let_go),
        cmocka_unit_test(nobody_there_is_no_connection),
        cmocka_unit_test(a_cancelled_call_is_never_done),
        cmocka_unit_test(retryable_codes_are_the_specifications),
        cmocka_unit_test(timeouts_have_at_most_eight_digits),
        cmocka_unit_test(failing_allocation_ends_the_call),
    };
    return cmocka_run_group_tests_name("transport_grpc", tests, NULL, NULL);
}
