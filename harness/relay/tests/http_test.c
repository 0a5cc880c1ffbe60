/* SPDX-License-Identifier: Apache-2.0 */
/* Where messages end and what is refused, byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "harness/relay/http.h"

static struct hx_relay_head head;

/* In memory of just this size, so that a byte beyond it is seen. */
static enum hx_relay_parsed request(const char *text, size_t len)
{
    char *exact = malloc(len ? len : 1);
    enum hx_relay_parsed parsed;

    assert_non_null(exact);
    memcpy(exact, text, len);
    parsed = hx_relay_read_request(exact, len, &head);
    free(exact);
    return parsed;
}

static void every_prefix_of_a_head_asks_for_more(void **state)
{
    static const char text[] = "POST /charge?x=1 HTTP/1.1\r\nHost: a\r\nX-A:  b \t\r\n"
                               "x-a:\r\n\r\nbody";
    size_t whole = sizeof(text) - 1 - 4;

    (void)state;
    for (size_t i = 0; i < whole; i++)
        assert_int_equal(request(text, i), HX_RELAY_MORE);
    assert_int_equal(hx_relay_read_request(text, sizeof(text) - 1, &head), HX_RELAY_WHOLE);
    assert_int_equal(head.size, whole);
    assert_true(otl_view_is(head.method, "POST"));
    assert_true(otl_view_is(head.target, "/charge?x=1"));
    assert_int_equal(head.header_count, 3);
    assert_true(otl_view_is(head.headers[1].name, "X-A"));
    assert_true(otl_view_is(head.headers[1].value, "b"));
    assert_int_equal(head.headers[2].value.len, 0);
    assert_int_equal(head.framing, HX_RELAY_NO_BODY);
}

static void malformed_requests_are_refused_with_a_reason(void **state)
{
    static const struct {
        const char *text, *error;
    } cases[] = {
        {"GET / HTTP/1.1\nHost: a\n\n", "CR LF"},
        {"GET / HTTP/1.1\r\nHost: a\n\r\n", "CR LF"},
        {"GET / HTTP/1.1\r\n folded: a\r\n\r\n", "folded"},
        {"GET / HTTP/1.1\r\nHost : a\r\n\r\n", "name"},
        {"GET / HTTP/1.1\r\nHost\r\n\r\n", "colon"},
        {"GET / HTTP/1.1\r\n: a\r\n\r\n", "name"},
        {"GET / HTTP/1.1\r\nHost: a\x01\r\n\r\n", "control"},
        {"GET / HTTP/2.0\r\n\r\n", "version"},
        {"GET /\r\n\r\n", "request line"},
        {"GET /a b HTTP/1.1\r\n\r\n", "request line"},
        {"GET  HTTP/1.1\r\n\r\n", "request line"},
        {"\r\nGET / HTTP/1.1\r\n\r\n", "request line"},
        {"POST / HTTP/1.1\r\nContent-Length: 1x\r\n\r\n", "no number"},
        {"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", "no number"},
        {"POST / HTTP/1.1\r\nContent-Length: 9999999999999999999\r\n\r\n", "no number"},
        {"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "two different"},
        {"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "both"},
        {"POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "coding"},
        {"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
         "coding"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(request(cases[i].text, strlen(cases[i].text)), HX_RELAY_BAD);
        assert_non_null(strstr(head.error, cases[i].error));
    }
}

static void heads_are_bounded(void **state)
{
    char *text = malloc(HX_RELAY_HEAD_MAX + 1);
    size_t len;

    (void)state;
    assert_non_null(text);
    memset(text, 'a', HX_RELAY_HEAD_MAX + 1);
    assert_int_equal(hx_relay_read_request(text, HX_RELAY_HEAD_MAX - 1, &head), HX_RELAY_MORE);
    assert_int_equal(hx_relay_read_request(text, HX_RELAY_HEAD_MAX, &head), HX_RELAY_BAD);
    strncpy(text, "GET / HTTP/1.1\r\n", HX_RELAY_HEAD_MAX);
    len = strlen(text);
    for (int i = 0; i <= HX_RELAY_HEADERS_MAX; i++, len += 5)
        memcpy(text + len, "a: 1\r\n", 6), len++;
    memcpy(text + len, "\r\n", 2);
    assert_int_equal(hx_relay_read_request(text, len + 2, &head), HX_RELAY_BAD);
    assert_non_null(strstr(head.error, "too many"));
    free(text);
}

static void answers_say_how_far_their_bodies_go(void **state)
{
    static const struct {
        const char *text;
        bool to_head;
        enum hx_relay_framing framing;
    } cases[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", false, HX_RELAY_LENGTH},
        {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", true, HX_RELAY_NO_BODY},
        {"HTTP/1.1 200\r\nTransfer-Encoding: Chunked\r\n\r\n", false, HX_RELAY_CHUNKED},
        {"HTTP/1.0 200 OK\r\n\r\n", false, HX_RELAY_UNTIL_CLOSE},
        {"HTTP/1.1 204 No Content\r\n\r\n", false, HX_RELAY_NO_BODY},
        {"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", false, HX_RELAY_NO_BODY},
        {"HTTP/1.1 100 Continue\r\n\r\n", false, HX_RELAY_NO_BODY},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(hx_relay_read_response(cases[i].text, strlen(cases[i].text),
                                                cases[i].to_head, &head), HX_RELAY_WHOLE);
        assert_int_equal(head.framing, cases[i].framing);
    }
    assert_int_equal(hx_relay_read_response("HTTP/1.1 20 OK\r\n\r\n", 18, false, &head),
                     HX_RELAY_BAD);
    assert_int_equal(hx_relay_read_response("ICY 200 OK\r\n\r\n", 14, false, &head), HX_RELAY_BAD);
}

/* ---- bodies --------------------------------------------------------------------------------- */

struct payload {
    char text[64];
    size_t len;
};

static void keep(void *arg, const char *data, size_t len)
{
    struct payload *payload = arg;

    assert_true(payload->len + len < sizeof(payload->text));
    memcpy(payload->text + payload->len, data, len);
    payload->len += len;
}

static void chunks_are_followed_in_any_pieces(void **state)
{
    static const char text[] = "5;ext=\"a\"\r\nhello\r\nA\r\n, my world\r\n0\r\n"
                               "Trailer: x\r\n\r\nGET";
    size_t whole = sizeof(text) - 1 - 3;

    (void)state;
    for (size_t piece = 1; piece < sizeof(text); piece++) {
        struct hx_relay_head chunked = {.framing = HX_RELAY_CHUNKED};
        struct payload payload = {.len = 0};
        struct hx_relay_body body;
        size_t at = 0;
        hx_relay_body_init(&body, &chunked);
        while (!body.over) {
            size_t len = at + piece < sizeof(text) - 1 ? piece : sizeof(text) - 1 - at;
            at += hx_relay_body_take(&body, text + at, len, keep, &payload);
            assert_null(body.error);
        }
        assert_int_equal(at, whole);
        assert_int_equal(payload.len, 15);
        assert_memory_equal(payload.text, "hello, my world", 15);
    }
}

static void broken_chunks_are_refused(void **state)
{
    static const char *const cases[] = {
        "\r\n",          "x\r\n",      "5\nhello\r\n0\r\n\r\n", "3\r\nhello\r\n",
        "fffffffffffffffff\r\n", "-1\r\n", "1 2\n",               "0\r\nTrailer: x\n\r\n",
        "1\r\nab\r\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct hx_relay_head chunked = {.framing = HX_RELAY_CHUNKED};
        struct hx_relay_body body;
        hx_relay_body_init(&body, &chunked);
        hx_relay_body_take(&body, cases[i], strlen(cases[i]), NULL, NULL);
        assert_non_null(body.error);
    }
}

static void lengths_are_followed(void **state)
{
    struct hx_relay_head five = {.framing = HX_RELAY_LENGTH, .length = 5};
    struct hx_relay_head none = {.framing = HX_RELAY_LENGTH, .length = 0};
    struct hx_relay_body body;

    (void)state;
    hx_relay_body_init(&body, &five);
    assert_int_equal(hx_relay_body_take(&body, "hel", 3, NULL, NULL), 3);
    assert_false(body.over);
    assert_int_equal(hx_relay_body_take(&body, "loGET", 5, NULL, NULL), 2);
    assert_true(body.over);
    assert_int_equal(hx_relay_body_take(&body, "GET", 3, NULL, NULL), 0);
    hx_relay_body_init(&body, &none);
    assert_true(body.over);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_prefix_of_a_head_asks_for_more),
        cmocka_unit_test(malformed_requests_are_refused_with_a_reason),
        cmocka_unit_test(heads_are_bounded),
        cmocka_unit_test(answers_say_how_far_their_bodies_go),
        cmocka_unit_test(chunks_are_followed_in_any_pieces),
        cmocka_unit_test(broken_chunks_are_refused),
        cmocka_unit_test(lengths_are_followed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
