/* SPDX-License-Identifier: Apache-2.0 */
/* The relay between plain sockets: what goes on, what is written, what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness/relay/tests/rig.h"
#include "sdk/base/tests/shortage.h"

#define PARENT "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
#define OK "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n"
#define CALL "POST /authorize HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n"

#define CHARGE "POST /charge HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"
#define PASSED_ON CALL "TraceParent: " PARENT "\r\nTracerig-Request: 0000000000000009-"

static struct rig rig;

static int with(void **state, const char *extra)
{
    (void)state;
    rig_init(&rig, extra, true);
    return 0;
}

static int setup(void **state)
{
    return with(state, "");
}

static int one_at_a_time(void **state)
{
    return with(state, "    max_in_flight: 1\n");
}

static int by_header(void **state)
{
    return with(state, "    key: {header: X-Order}\n");
}

static int by_json(void **state)
{
    return with(state, "    key: {json: order.id}\n");
}

static int teardown(void **state)
{
    (void)state;
    rig_fini(&rig);
    return 0;
}

static struct hx_led_reader *read_ledger(void)
{
    struct hx_led_reader *reader;
    char dir[128];

    rig_stop(&rig);
    snprintf(dir, sizeof(dir), "%s/ledger", rig.dir);
    assert_int_equal(hx_led_reader_open(dir, &reader, NULL), OTEL_OK);
    return reader;
}

/* A request through the front, as far as the program has it. */
static int enter(int client, const char *text, char *head, size_t size)
{
    int program;

    rig_send(&rig, client, text);
    program = rig_accept(&rig, rig.program);
    rig_read_head(&rig, program, head, size);
    return program;
}

/* ---- what goes on --------------------------------------------------------------------------- */

static void bytes_and_headers_go_on_unchanged(void **state)
{
    static const char text[] = "POST /charge?a=%20b HTTP/1.1\r\nhOsT:a\r\nX-Dup: 1\r\n"
                               "traceparent:  " PARENT " \r\nx-dup: 2\r\n"
                               "TRACESTATE: a=1\r\ntracestate: b=2\r\n"
                               "tracerig-request: 0000000000000007-0000020000000005\r\n"
                               "X-Empty:\r\nContent-Length: 5\r\n\r\n\x01\x02{\"}";
    static const char answer[] = "HTTP/1.1 201 Made\r\nSet-Cookie: a\r\nset-cookie: b\r\n"
                                 "Content-Length: 2\r\n\r\n\r\n";
    int client = rig_connect(&rig, rig.front), program;
    struct hx_led_reader *reader;
    const struct hx_led_entry *row;
    const struct hx_led_entry_close *close_row;

    (void)state;
    rig_send(&rig, client, text);
    program = rig_accept(&rig, rig.program);
    rig_expect(&rig, program, text);
    rig_send(&rig, program, answer);
    rig_expect(&rig, client, answer);
    close(client);
    close(program);
    reader = read_ledger();
    row = (const void *)rig_row(&rig, reader, HX_LED_ENTRY, 0);
    close_row = (const void *)rig_row(&rig, reader, HX_LED_ENTRY_CLOSE, 0);
    assert_non_null(row);
    assert_non_null(close_row);
    assert_int_equal(row->request, 7);
    assert_int_equal(row->caller_seq, UINT64_C(0x20000000005));
    assert_true(otl_view_is(hx_led_view(&row->head, row->traceparent), PARENT));
    assert_true(otl_view_is(hx_led_view(&row->head, row->tracestate), "a=1\nb=2"));
    assert_int_equal(close_row->head.seq, row->head.seq);
    assert_int_equal(close_row->http_status, 201);
    assert_non_null(rig_row(&rig, reader, HX_LED_PROCESS_CLOSE, 0));
    hx_led_reader_free(reader);
}

static void chunked_bodies_go_on_unchanged_and_the_connection_stays(void **state)
{
    static const char text[] = "POST /charge HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
                               "5;x=1\r\nhello\r\n0\r\nT: 1\r\n\r\n";
    static const char answer[] = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
                                 "2\r\nok\r\n0\r\n\r\n";
    int client = rig_connect(&rig, rig.front), program;

    (void)state;
    rig_send(&rig, client, text);
    program = rig_accept(&rig, rig.program);
    for (int i = 0; i < 3; i++) {
        rig_expect(&rig, program, text);
        rig_send(&rig, program, "HTTP/1.1 100 Continue\r\n\r\n");
        rig_send(&rig, program, answer);
        rig_expect(&rig, client, "HTTP/1.1 100 Continue\r\n\r\n");
        rig_expect(&rig, client, answer);
        if (i < 2)
            rig_send(&rig, client, text);
    }
    close(client);
    close(program);
}

static void pipelined_requests_go_on_one_by_one(void **state)
{
    static const char text[] = "POST /charge HTTP/1.1\r\nContent-Length: 1\r\n\r\na";
    int client = rig_connect(&rig, rig.front), program;

    (void)state;
    rig_send(&rig, client, "POST /charge HTTP/1.1\r\nContent-Length: 1\r\n\r\na"
                           "POST /charge HTTP/1.1\r\nContent-Length: 1\r\n\r\na");
    program = rig_accept(&rig, rig.program);
    rig_expect(&rig, program, text);
    rig_expect_silence(&rig, program);
    rig_send(&rig, program, OK);
    rig_expect(&rig, program, text);
    rig_send(&rig, program, OK);
    rig_expect(&rig, client, OK OK);
    close(client);
    close(program);
}

static void an_answer_until_the_end_of_the_connection_goes_on(void **state)
{
    int client = rig_connect(&rig, rig.front), program;
    struct hx_led_reader *reader;
    const struct hx_led_entry_close *row;

    (void)state;
    rig_send(&rig, client, "POST /charge HTTP/1.0\r\n\r\n");
    program = rig_accept(&rig, rig.program);
    rig_expect(&rig, program, "POST /charge HTTP/1.0\r\n\r\n");
    rig_send(&rig, program, "HTTP/1.0 402 No\r\n\r\nall that there is");
    close(program);
    rig_expect(&rig, client, "HTTP/1.0 402 No\r\n\r\nall that there is");
    rig_expect_end(&rig, client);
    close(client);
    reader = read_ledger();
    row = (const void *)rig_row(&rig, reader, HX_LED_ENTRY_CLOSE, 0);
    assert_int_equal(row->http_status, 402);
    assert_int_equal(row->outcome, HX_LED_OUTCOME_FAILED);
    hx_led_reader_free(reader);
}

/* ---- slow, large, cut ----------------------------------------------------------------------- */

static void a_slow_reader_slows_the_sender_down(void **state)
{
    enum { BODY = 32 * 1024 * 1024 };
    int client = rig_connect(&rig, rig.front), program;
    size_t sent = 0, got = 0, still = 0;
    char head[256], *block = calloc(1, 256 * 1024);

    (void)state;
    assert_non_null(block);
    snprintf(head, sizeof(head), "POST /charge HTTP/1.1\r\nContent-Length: %d\r\n\r\n", BODY);
    program = enter(client, head, head, sizeof(head));
    while (still < 200) { /* until nobody takes any more */
        ssize_t put = send(client, block, 256 * 1024, MSG_NOSIGNAL);
        still = put > 0 ? 0 : still + 1;
        sent += put > 0 ? (size_t)put : 0;
        rig_turn(&rig);
    }
    assert_in_range(sent, 1, BODY / 2);
    while (got < BODY) {
        size_t want = BODY - sent < 256 * 1024 ? BODY - sent : 256 * 1024;
        ssize_t put = want > 0 ? send(client, block, want, MSG_NOSIGNAL) : 0;
        ssize_t in;
        sent += put > 0 ? (size_t)put : 0;
        rig_turn(&rig);
        while ((in = recv(program, block, 256 * 1024, 0)) > 0)
            got += (size_t)in;
        assert_true(in != 0);
    }
    rig_send(&rig, program, OK);
    rig_expect(&rig, client, OK);
    free(block);
    close(client);
    close(program);
}

static void a_cut_on_one_side_is_a_cut_on_the_other(void **state)
{
    int client = rig_connect(&rig, rig.front), program;
    struct hx_led_reader *reader;
    const struct hx_led_entry_close *row;
    char head[256];

    (void)state;
    program = enter(client, "POST /charge HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc", head,
                    sizeof(head));
    rig_expect(&rig, program, "abc");
    close(client);
    rig_expect_end(&rig, program);
    close(program);
    client = rig_connect(&rig, rig.front);
    program = enter(client, "POST /charge HTTP/1.1\r\n\r\n", head, sizeof(head));
    rig_send(&rig, program, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
    rig_expect(&rig, client, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
    close(program);
    rig_expect_end(&rig, client);
    close(client);
    assert_int_equal(rig.idles, 2);
    reader = read_ledger();
    for (size_t i = 0; i < 2; i++) {
        row = (const void *)rig_row(&rig, reader, HX_LED_ENTRY_CLOSE, i);
        assert_non_null(row);
        assert_int_equal(row->outcome, HX_LED_OUTCOME_UNREACHABLE);
    }
    hx_led_reader_free(reader);
}

static void what_is_no_http_is_refused_and_counted(void **state)
{
    int client = rig_connect(&rig, rig.front), program;
    struct hx_relay_counts counts;
    char head[256];

    (void)state;
    rig_send(&rig, client, "POST /charge\r\n\r\n");
    rig_expect(&rig, client, "HTTP/1.1 400 Bad Request\r\n");
    close(client);
    client = rig_connect(&rig, rig.front);
    program = enter(client, "POST /charge HTTP/1.1\r\n\r\n", head, sizeof(head));
    rig_send(&rig, program, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n");
    rig_expect_end(&rig, client);
    close(client);
    close(program);
    client = rig_connect(&rig, rig.front);
    program = enter(client, "GET /nowhere HTTP/1.1\r\n\r\n", head, sizeof(head));
    rig_send(&rig, program, OK);
    rig_expect(&rig, client, OK);
    close(client);
    close(program);
    hx_relay_counts(rig.relay, &counts);
    assert_int_equal(counts.refused, 2);
    assert_int_equal(counts.unrouted, 1);
    assert_non_null(strstr(counts.why, "to payment-0"));
}

/* ---- calls ---------------------------------------------------------------------------------- */

/* A call of the program; returns what the callee got of its head, and answers. */
static void call(const char *text, const char *body, char *head, size_t size)
{
    int program = rig_connect(&rig, rig.back), callee;
    char got[128] = "";

    rig_send(&rig, program, text);
    callee = rig_accept(&rig, rig.callee);
    rig_read_head(&rig, callee, head, size);
    assert_int_equal(rig_read(&rig, callee, got, strlen(body)), strlen(body));
    assert_string_equal(got, body);
    rig_send(&rig, callee, OK);
    rig_expect(&rig, program, OK);
    close(program);
    close(callee);
}

/* Of the n-th SEND row: the request and, if joined, the entry; what the callee got names it. */
static void holds_send(struct hx_led_reader *reader, size_t n, const char *head, uint64_t request,
                       const struct hx_led_entry *entry)
{
    const struct hx_led_send *row = (const void *)rig_row(&rig, reader, HX_LED_SEND, n);
    char expected[80];

    assert_non_null(row);
    assert_int_equal(row->request, request);
    assert_int_equal(row->entry_seq, entry ? entry->head.seq : 0);
    snprintf(expected, sizeof(expected), "%016" PRIx64 "-%016" PRIx64 "\r\n", request,
             row->head.seq);
    assert_non_null(strstr(head, expected));
}

static void a_call_is_joined_by_the_request_that_it_passes_on(void **state)
{
    int client = rig_connect(&rig, rig.front), program;
    char head[512], first[512], second[512];
    struct hx_led_reader *reader;
    const struct hx_led_entry *entry;
    const struct hx_led_send *row;

    (void)state;
    program = enter(client, "POST /charge HTTP/1.1\r\nTracerig-Request: 0000000000000009-"
                            "0000020000000001\r\n\r\n", head, sizeof(head));
    call(CALL "TraceParent: " PARENT "\r\nTracerig-Request: 0000000000000009-0000020000000001\r\n"
              "X-Last: 1\r\n\r\n{}", "{}", first, sizeof(first));
    call(CALL "X-Last: 1\r\n\r\n{}", "{}", second, sizeof(second));
    rig_send(&rig, program, OK);
    rig_expect(&rig, client, OK);
    close(client);
    close(program);
    reader = read_ledger();
    entry = (const void *)rig_row(&rig, reader, HX_LED_ENTRY, 0);
    row = (const void *)rig_row(&rig, reader, HX_LED_SEND, 0);
    holds_send(reader, 0, first, 9, entry);
    holds_send(reader, 1, second, 0, NULL);
    assert_true(otl_view_is(hx_led_view(&row->head, row->traceparent), PARENT));
    assert_memory_equal(first, PASSED_ON, sizeof(PASSED_ON) - 1);
    assert_non_null(strstr(first, "\r\nX-Last: 1\r\n\r\n"));
    assert_memory_equal(second, CALL "X-Last: 1\r\ntracerig-request: ",
                        strlen(CALL "X-Last: 1\r\ntracerig-request: "));
    hx_led_reader_free(reader);
}

static void one_at_a_time_a_call_belongs_to_the_one_in_hand(void **state)
{
    int first = rig_connect(&rig, rig.front), second = rig_connect(&rig, rig.front), program, next;
    char head[512], sent[512];
    struct hx_led_reader *reader;

    (void)state;
    program = enter(first, "POST /charge HTTP/1.1\r\nTracerig-Request: 0000000000000009-"
                           "0000020000000001\r\n\r\n", head, sizeof(head));
    rig_send(&rig, second, "POST /charge HTTP/1.1\r\nTracerig-Request: 000000000000000a-"
                           "0000020000000002\r\n\r\n");
    for (int i = 0; i < 20; i++)
        rig_turn(&rig);
    assert_int_equal(accept(rig.program, NULL, NULL), -1);
    call(CALL "\r\n{}", "{}", sent, sizeof(sent));
    rig_send(&rig, program, OK);
    rig_expect(&rig, first, OK);
    next = rig_accept(&rig, rig.program);
    rig_read_head(&rig, next, head, sizeof(head));
    assert_non_null(strstr(head, "000000000000000a"));
    rig_send(&rig, next, OK);
    rig_expect(&rig, second, OK);
    close(first);
    close(second);
    close(program);
    close(next);
    reader = read_ledger();
    holds_send(reader, 0, sent, 9, (const void *)rig_row(&rig, reader, HX_LED_ENTRY, 0));
    hx_led_reader_free(reader);
}

/* Two in hand; the call names the second one's key. */
static void joined_by_key(const char *one, const char *two, const char *text, const char *body)
{
    int first = rig_connect(&rig, rig.front), second = rig_connect(&rig, rig.front), a, b;
    char head[512], sent[512], unknown[512];
    struct hx_led_reader *reader;

    a = enter(first, one, head, sizeof(head));
    b = enter(second, two, head, sizeof(head));
    call(text, body, sent, sizeof(sent));
    call(CALL "\r\n{}", "{}", unknown, sizeof(unknown));
    close(first);
    close(second);
    close(a);
    close(b);
    reader = read_ledger();
    holds_send(reader, 0, sent, 10, (const void *)rig_row(&rig, reader, HX_LED_ENTRY, 1));
    holds_send(reader, 1, unknown, 0, NULL);
    hx_led_reader_free(reader);
}

#define ENTER(n, more)                                                                             \
    "POST /charge HTTP/1.1\r\nTracerig-Request: 000000000000000" n "-0000020000000001\r\n" more

static void a_header_can_be_the_key(void **state)
{
    (void)state;
    joined_by_key(ENTER("9", "x-order: o-1\r\n\r\n"), ENTER("a", "x-order: o-2\r\n\r\n"),
                  CALL "X-ORDER: o-2\r\n\r\n{}", "{}");
}

static void a_field_of_a_json_body_can_be_the_key(void **state)
{
    (void)state;
    joined_by_key(ENTER("9", "Content-Length: 21\r\n\r\n{\"order\":{\"id\":\"o1\"}}"),
                  ENTER("a", "Transfer-Encoding: chunked\r\n\r\n8\r\n{\"order\"\r\nd\r\n:{\"id\":"
                             "\"o2\"}}\r\n0\r\n\r\n"),
                  "POST /authorize HTTP/1.1\r\nContent-Length: 21\r\n\r\n"
                  "{\"order\":{\"id\":\"o2\"}}",
                  "{\"order\":{\"id\":\"o2\"}}");
}

/* ---- readiness ------------------------------------------------------------------------------ */

static void a_program_that_never_listens_is_named(void **state)
{
    (void)state;
    rig_init(&rig, "    start_timeout: 1500ms\n", false);
    for (int i = 0; i < 50000 && rig.fault[0] == '\0'; i++)
        rig_turn(&rig);
    assert_false(rig.ready);
    assert_non_null(strstr(rig.fault, "payment-0 does not listen on its PORT"));
}

static void a_program_is_ready_when_its_health_is(void **state)
{
    int program;
    char head[256];

    (void)state;
    rig_init(&rig, "    health: /health\n", false);
    rig_serve(&rig);
    program = rig_accept(&rig, rig.program);
    rig_read_head(&rig, program, head, sizeof(head));
    assert_memory_equal(head, "GET /health HTTP/1.1\r\n", 22);
    rig_send(&rig, program, "HTTP/1.1 503 Not yet\r\nContent-Length: 0\r\n\r\n");
    close(program);
    program = rig_accept(&rig, rig.program);
    assert_false(rig.ready);
    rig_read_head(&rig, program, head, sizeof(head));
    rig_send(&rig, program, OK);
    for (int i = 0; i < 10000 && !rig.ready; i++)
        rig_turn(&rig);
    assert_true(rig.ready);
    close(program);
}

/* A caller that has closed its end may still listen, but not for longer than the load waits. */
static void what_nobody_waits_for_any_more_is_given_up(void **state)
{
    struct hx_load *load = (struct hx_load *)(uintptr_t)&rig.scenario->load;
    int left = rig_connect(&rig, rig.front), stays = rig_connect(&rig, rig.front);
    const struct hx_led_entry_close *row;
    struct hx_led_reader *reader;
    char head[4096];

    (void)state;
    enter(left, CHARGE, head, sizeof(head));
    enter(stays, CHARGE, head, sizeof(head));
    shutdown(left, SHUT_WR);
    for (int i = 0; i < 20; i++) {
        rig_turn(&rig);
        hx_relay_give_up(rig.relay);
    }
    assert_int_equal(hx_relay_in_hand(rig.relay, "payment-0"), 2);
    load->timeout_ns = 0;
    for (int i = 0; i < 10000 && hx_relay_unanswered(rig.relay, "payment-0") == 0; i++) {
        rig_turn(&rig);
        hx_relay_give_up(rig.relay);
    }
    assert_int_equal(hx_relay_unanswered(rig.relay, "payment-0"), 1);
    assert_int_equal(hx_relay_in_hand(rig.relay, "payment-0"), 1);
    rig_expect_end(&rig, left);
    reader = read_ledger();
    row = (const void *)rig_row(&rig, reader, HX_LED_ENTRY_CLOSE, 0);
    assert_non_null(row);
    assert_int_equal(row->outcome, HX_LED_OUTCOME_TIMEOUT);
    hx_led_reader_free(reader);
    close(left);
    close(stays);
}

static void without_descriptors_a_listener_rests_and_goes_on(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(rig.front)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), program;
    unsigned all = shortage_listeners(rig.base);

    (void)state;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    shortage_begin();
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    shortage_await_listeners(rig.base, all - 1);
    shortage_end();
    shortage_await_listeners(rig.base, all);
    rig_send(&rig, fd, CHARGE);
    program = rig_accept(&rig, rig.program);
    close(program);
    close(fd);
}

#define TEST(name, setup) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(bytes_and_headers_go_on_unchanged, setup),
        TEST(chunked_bodies_go_on_unchanged_and_the_connection_stays, setup),
        TEST(pipelined_requests_go_on_one_by_one, setup),
        TEST(an_answer_until_the_end_of_the_connection_goes_on, setup),
        TEST(a_slow_reader_slows_the_sender_down, setup),
        TEST(a_cut_on_one_side_is_a_cut_on_the_other, setup),
        TEST(what_is_no_http_is_refused_and_counted, setup),
        TEST(a_call_is_joined_by_the_request_that_it_passes_on, setup),
        TEST(one_at_a_time_a_call_belongs_to_the_one_in_hand, one_at_a_time),
        TEST(a_header_can_be_the_key, by_header),
        TEST(a_field_of_a_json_body_can_be_the_key, by_json),
        TEST(a_program_that_never_listens_is_named, NULL),
        TEST(a_program_is_ready_when_its_health_is, NULL),
        TEST(what_nobody_waits_for_any_more_is_given_up, setup),
        TEST(without_descriptors_a_listener_rests_and_goes_on, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
