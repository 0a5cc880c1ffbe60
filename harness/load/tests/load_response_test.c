/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "harness/load/response.h"

static struct hx_response g_response;

/* Feed the text byte by byte, then close; the state, and what was used in *ret_used. */
static enum hx_response_state read_text(const char *text, bool head_only, size_t *ret_used)
{
    enum hx_response_state state = HX_RESPONSE_MORE;
    size_t total = 0;

    hx_response_begin(&g_response, head_only);
    while (state == HX_RESPONSE_MORE && text[total] != '\0') {
        size_t used = 0;

        state = hx_response_feed(&g_response, otl_view(text + total, 1), &used);
        total += used;
    }
    *ret_used = total;
    return state == HX_RESPONSE_MORE ? hx_response_end(&g_response) : state;
}

static void assert_good(const char *text, int status, uint64_t body, bool keep, size_t rest)
{
    size_t used = 0;
    size_t whole = 0;

    if (read_text(text, false, &used) != HX_RESPONSE_DONE)
        fail_msg("refused (%s): %s", g_response.problem, text);
    assert_int_equal(used, strlen(text) - rest);
    hx_response_begin(&g_response, false);
    if (hx_response_feed(&g_response, otl_view_str(text), &whole) == HX_RESPONSE_MORE)
        assert_int_equal(hx_response_end(&g_response), HX_RESPONSE_DONE);
    assert_int_equal(whole, used);
    assert_int_equal(g_response.status, status);
    assert_int_equal(g_response.body_bytes, body);
    assert_int_equal(g_response.keep_alive, keep);
}

static void well_formed_answers_are_read(void **state)
{
    (void)state;
    assert_good("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello", 200, 5, true, 0);
    assert_good("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello!", 200, 5, true, 1);
    assert_good("HTTP/1.1 200\r\nCONTENT-LENGTH:0\r\n\r\n", 200, 0, true, 0);
    assert_good("HTTP/1.1 204 No Content\r\n\r\n", 204, 0, true, 0);
    assert_good("HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\n\r\n", 304, 0, true, 0);
    assert_good("HTTP/1.1 200 OK\r\nConnection: Keep-Alive, close\r\ncontent-length: 1\r\n\r\nx",
                200, 1, false, 0);
    assert_good("HTTP/1.0 200 OK\r\ncontent-length: 1\r\n\r\nx", 200, 1, false, 0);
    assert_good("HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 1\r\n\r\nx", 200, 1,
                true, 0);
    assert_good("HTTP/1.1 200 OK\r\n\r\nuntil it closes", 200, 15, false, 0);
    assert_good("HTTP/1.1 103 Hints\r\nLink: x\r\n\r\nHTTP/1.1 500 Oops\r\n"
                "content-length: 2\r\n\r\nno",
                500, 2, true, 0);
    assert_good("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                "a;ext=\"1\"\r\n0123456789\r\n01\r\nx\r\n0\r\nTrailer: y\r\n\r\nNEXT",
                200, 11, true, 4);
}

static void malformed_answers_are_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        "\r\nHTTP/1.1 200 OK\r\n\r\n",
        "HTTP/2.0 200 OK\r\n\r\n",
        "HTTP/1.1  200 OK\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 600 OK\r\n\r\n",
        "HTTP/1.1 101 Switching\r\n\r\n",
        "HTTP/1.1 200 OK\n\n",
        "HTTP/1.1 200 OK\r\ncontent-length : 1\r\n\r\nx",
        "HTTP/1.1 200 OK\r\n folded: 1\r\n\r\nx",
        "HTTP/1.1 200 OK\r\n: 1\r\n\r\nx",
        "HTTP/1.1 200 OK\r\nnocolon\r\n\r\nx",
        "HTTP/1.1 200 OK\r\nx: a\001b\r\n\r\nx",
        "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\nx",
        "HTTP/1.1 200 OK\r\ncontent-length: 1, 1\r\n\r\nx",
        "HTTP/1.1 200 OK\r\ncontent-length: 9999999999999999999\r\n\r\nx",
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 1\r\n\r\nx",
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nxy\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0x1\r\nx\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1000000000000000\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhell",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhell",
        "HTTP/1.1 200 OK\r\ncontent-le",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        size_t used;

        if (read_text(wrong[i], false, &used) != HX_RESPONSE_BAD)
            fail_msg("accepted: %s", wrong[i]);
        assert_non_null(g_response.problem);
    }
}

static void the_answer_to_head_has_no_body(void **state)
{
    size_t used = 0;

    (void)state;
    assert_int_equal(read_text("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n", true, &used),
                     HX_RESPONSE_DONE);
    assert_int_equal(g_response.body_bytes, 0);
    assert_true(g_response.keep_alive);
}

static void what_has_no_end_is_bounded(void **state)
{
    static char line[HX_RESPONSE_LINE_MAX + 100];
    size_t used = 0;
    int count = 0;

    (void)state;
    hx_response_begin(&g_response, false);
    memset(line, 'a', sizeof(line));
    assert_int_equal(hx_response_feed(&g_response, otl_view(line, sizeof(line)), &used),
                     HX_RESPONSE_BAD);
    line[1] = ':';
    line[sizeof(line) - 2] = '\r';
    line[sizeof(line) - 1] = '\n';
    hx_response_begin(&g_response, false);
    assert_int_equal(hx_response_feed(&g_response, otl_view_str("HTTP/1.1 200 OK\r\n"), &used),
                     HX_RESPONSE_MORE);
    assert_int_equal(hx_response_feed(&g_response, otl_view(line, sizeof(line)), &used),
                     HX_RESPONSE_BAD);
    hx_response_begin(&g_response, false);
    assert_int_equal(hx_response_feed(&g_response, otl_view_str("HTTP/1.1 200 OK\r\n"), &used),
                     HX_RESPONSE_MORE);
    while (hx_response_feed(&g_response, otl_view_str("a: b\r\n"), &used) == HX_RESPONSE_MORE)
        assert_true(++count <= HX_RESPONSE_HEADERS_MAX);
    hx_response_begin(&g_response, false);
    count = 0;
    while (hx_response_feed(&g_response, otl_view_str("HTTP/1.1 100 Continue\r\n\r\n"), &used) ==
           HX_RESPONSE_MORE)
        assert_true(++count <= 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(well_formed_answers_are_read),
        cmocka_unit_test(malformed_answers_are_refused),
        cmocka_unit_test(the_answer_to_head_has_no_body),
        cmocka_unit_test(what_has_no_end_is_bounded),
    };
    int failed;

    hx_response_init(&g_response);
    failed = cmocka_run_group_tests_name("response", tests, NULL, NULL);
    hx_response_fini(&g_response);
    return failed;
}
