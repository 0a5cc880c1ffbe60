/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the transport that need no socket: URLs, dates, retries, gzip, answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

#include "sdk/base/clock.h"
#include "sdk/base/mem.h"
#include "sdk/transport/gzip.h"
#include "sdk/transport/httpdate.h"
#include "sdk/transport/response.h"
#include "sdk/transport/retry.h"
#include "sdk/transport/url.h"

#define ENTRY_S 1763683200ULL /* 2025-11-21T00:00:00Z */

static enum otel_err parse(const char *text, struct otl_url *ret)
{
    return otl_url_parse(otl_view_str(text), ret, NULL);
}

static void url_fills_in_what_the_text_leaves_out(void **state)
{
    char authority[OTL_URL_AUTHORITY_SIZE];
    struct otl_url url;

    (void)state;
    assert_int_equal(parse("http://Collector.example", &url), OTEL_OK);
    assert_string_equal(url.host, "collector.example");
    assert_int_equal(url.port, 80); /* not 4318 */
    assert_false(url.has_port);
    assert_string_equal(url.path, "/");
    assert_string_equal(otl_url_authority(&url, authority), "collector.example");
    assert_int_equal(parse("HTTPS://h:4318/a/b?x=1", &url), OTEL_OK);
    assert_true(url.tls);
    assert_string_equal(url.path, "/a/b?x=1");
    assert_string_equal(otl_url_authority(&url, authority), "h:4318");
    assert_int_equal(parse("https://h", &url), OTEL_OK);
    assert_int_equal(url.port, 443);
    assert_int_equal(parse("http://[::1]:99?q", &url), OTEL_OK);
    assert_true(url.ipv6);
    assert_string_equal(url.host, "::1");
    assert_string_equal(url.path, "/?q");
    assert_string_equal(otl_url_authority(&url, authority), "[::1]:99");
    assert_int_equal(parse("http://h:/", &url), OTEL_OK);
    assert_int_equal(url.port, 80);
}

static void url_refuses_what_is_not_an_endpoint(void **state)
{
    static const struct {
        const char *text;
        enum otel_err err;
    } cases[] = {
        {"", OTEL_ERR_UNSUPPORTED},          {"localhost:4318", OTEL_ERR_UNSUPPORTED},
        {"ftp://h/", OTEL_ERR_UNSUPPORTED},  {"http://", OTEL_ERR_SYNTAX},
        {"http:///x", OTEL_ERR_SYNTAX},      {"http://h:0/", OTEL_ERR_SYNTAX},
        {"http://h:65536", OTEL_ERR_SYNTAX}, {"http://h:4x", OTEL_ERR_SYNTAX},
        {"http://h:-1", OTEL_ERR_SYNTAX},    {"http://u:p@h/", OTEL_ERR_UNSUPPORTED},
        {"http://[::1", OTEL_ERR_SYNTAX},    {"http://[::1]x", OTEL_ERR_SYNTAX},
        {"http://[zz]/", OTEL_ERR_SYNTAX},   {"http://a b/", OTEL_ERR_SYNTAX},
        {"http://h/a b", OTEL_ERR_SYNTAX},   {"http://h/\r\nX: y", OTEL_ERR_SYNTAX},
        {"http://h/#f", OTEL_ERR_SYNTAX},    {"http://h/\xc3\xa9", OTEL_ERR_SYNTAX},
        {"http://h\r\n/", OTEL_ERR_SYNTAX},
    };
    struct otl_url url;
    char longest[3000];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct otl_detail detail = OTL_DETAIL_NONE;
        assert_int_equal(otl_url_parse(otl_view_str(cases[i].text), &url, &detail), cases[i].err);
        assert_true(detail.text[0] != '\0');
    }
    memset(longest, 'a', sizeof(longest));
    memcpy(longest, "http://", 7);
    assert_int_equal(otl_url_parse(otl_view(longest, 400), &url, NULL), OTEL_ERR_LIMIT);
    memcpy(longest, "http://h/", 9);
    assert_int_equal(otl_url_parse(otl_view(longest, sizeof(longest)), &url, NULL),
                     OTEL_ERR_LIMIT);
}

static void url_appends_a_signal_path_with_one_slash(void **state)
{
    static const char *const cases[][2] = {{"http://h", "/v1/traces"},
                                           {"http://h/", "/v1/traces"},
                                           {"http://h/x", "/x/v1/traces"},
                                           {"http://h/x/", "/x/v1/traces"},
                                           {"http://h/x?k=v", "/x/v1/traces?k=v"}};
    struct otl_url url;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(parse(cases[i][0], &url), OTEL_OK);
        assert_int_equal(otl_url_append(&url, "v1/traces"), OTEL_OK);
        assert_string_equal(url.path, cases[i][1]);
    }
    memset(url.path, 'a', OTL_URL_PATH_MAX - 5);
    url.path[OTL_URL_PATH_MAX - 5] = '\0';
    assert_int_equal(otl_url_append(&url, "v1/traces"), OTEL_ERR_LIMIT);
}

static void http_dates_are_read_in_all_three_forms(void **state)
{
    static const char *const same[] = {"Sun, 06 Nov 1994 08:49:37 GMT",
                                       "Sunday, 06-Nov-94 08:49:37 GMT",
                                       "Sun Nov  6 08:49:37 1994"};
    static const char *const wrong[] = {"", "Sun", "Sun, 06 Nov 1994 08:49:37", "06 Nov 1994",
                                        "Sun, 06 Nov 1994 08:49:37 CET",
                                        "Sun, 6 Nov 1994 08:49:37 GMT",
                                        "Sun, 06 Nov 1994 24:49:37 GMT",
                                        "Sun, 31 Apr 2025 08:49:37 GMT",
                                        "Sun, 06 Nov 1969 08:49:37 GMT",
                                        "Sun, 06 nov 1994 08:49:37 GMT",
                                        "Sun, 06 Nov 1994 08:49:37 GMT "};
    uint64_t s;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        assert_true(otl_http_date_parse(otl_view_str(same[i]), ENTRY_S, &s));
        assert_int_equal(s, 784111777);
    }
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_false(otl_http_date_parse(otl_view_str(wrong[i]), ENTRY_S, &s));
    assert_true(otl_http_date_parse(otl_view_str("Thu, 29 Feb 2024 23:59:59 GMT"), ENTRY_S, &s));
    assert_int_equal(s, 1709251199);
    assert_true(otl_http_date_parse(otl_view_str("Friday, 21-Nov-25 00:00:05 GMT"), ENTRY_S, &s));
    assert_int_equal(s, ENTRY_S + 5);
}

static void only_the_four_statuses_are_retried(void **state)
{
    (void)state;
    for (unsigned status = 100; status < 600; status++)
        assert_int_equal(otl_retry_status(status),
                         status == 429 || status == 502 || status == 503 || status == 504);
}

static void retry_after_is_seconds_or_a_date(void **state)
{
    const uint64_t wall = ENTRY_S * OTL_NS_PER_S + 250 * OTL_NS_PER_MS;
    uint64_t wait;

    (void)state;
    assert_true(otl_retry_after_parse(otl_view_str("3"), wall, &wait));
    assert_int_equal(wait, 3 * OTL_NS_PER_S);
    assert_true(otl_retry_after_parse(otl_view_str("0"), wall, &wait));
    assert_int_equal(wait, 0);
    assert_true(otl_retry_after_parse(otl_view_str("Fri, 21 Nov 2025 00:00:04 GMT"), wall, &wait));
    assert_int_equal(wait, 3750 * OTL_NS_PER_MS);
    assert_true(otl_retry_after_parse(otl_view_str("Thu, 20 Nov 2025 00:00:04 GMT"), wall, &wait));
    assert_int_equal(wait, 0); /* in the past */
    assert_true(otl_retry_after_parse(otl_view_str("99999999999999999999999"), wall, &wait));
    assert_true(wait > 1000ULL * 3600 * OTL_NS_PER_S); /* no overflow */
    assert_false(otl_retry_after_parse(otl_view_str("-1"), wall, &wait));
    assert_false(otl_retry_after_parse(otl_view_str("1.5"), wall, &wait));
    assert_false(otl_retry_after_parse(otl_view_str("soon"), wall, &wait));
    assert_false(otl_retry_after_parse(otl_view_str(""), wall, &wait));
}

static void back_off_grows_with_jitter_and_ends_at_the_deadline(void **state)
{
    struct otl_retry_options options;
    struct otl_retry retry;
    struct otl_random random;
    uint64_t wait, base, first[2];

    (void)state;
    otl_retry_options_init(&options);
    for (unsigned seed = 0; seed < 2; seed++) {
        otl_random_seed(&random, seed);
        otl_retry_start(&retry, &options);
        base = options.initial_ns;
        for (int i = 0; i < 8; i++) {
            assert_true(otl_retry_next(&retry, otl_view(NULL, 0), 0, UINT64_MAX, &random, &wait));
            assert_true(wait >= base / 2 && wait <= base);
            if (i == 0)
                first[seed] = wait;
            base = base * 2 < options.max_ns ? base * 2 : options.max_ns;
        }
    }
    assert_int_not_equal(first[0], first[1]);
    assert_false(otl_retry_next(&retry, otl_view(NULL, 0), 0, OTL_NS_PER_S, &random, &wait));
    otl_retry_start(&retry, &options);
    assert_true(otl_retry_next(&retry, otl_view_str("3"), 0, 4 * OTL_NS_PER_S, &random, &wait));
    assert_int_equal(wait, 3 * OTL_NS_PER_S);
    assert_false(otl_retry_next(&retry, otl_view_str("3"), 0, 3 * OTL_NS_PER_S, &random, &wait));
    options.max_attempts = 2;
    otl_retry_start(&retry, &options);
    assert_true(otl_retry_next(&retry, otl_view(NULL, 0), 0, UINT64_MAX, &random, &wait));
    assert_false(otl_retry_next(&retry, otl_view(NULL, 0), 0, UINT64_MAX, &random, &wait));
}

/* Else an export would be a hundred requests without a pause. */
static void a_server_that_asks_for_no_wait_is_not_hammered(void **state)
{
    static const char *const asked[] = {"0", "Thu, 20 Nov 2025 00:00:04 GMT"};
    const uint64_t wall = 1763683200ULL * OTL_NS_PER_S, little = 1;
    struct otl_retry_options options;
    struct otl_retry retry;
    struct otl_random random;
    uint64_t wait, base;

    (void)state;
    otl_retry_options_init(&options);
    otl_random_seed(&random, 1);
    for (unsigned i = 0; i < 3; i++) {
        otl_retry_start(&retry, &options);
        base = options.initial_ns;
        for (int k = 0; k < 8; k++) {
            assert_true(i < 2 ? otl_retry_next(&retry, otl_view_str(asked[i]), wall, UINT64_MAX,
                                               &random, &wait)
                              : otl_retry_next_after(&retry, &little, UINT64_MAX, &random, &wait));
            assert_true(wait >= base / 2 && wait <= base);
            base = base * 2 < options.max_ns ? base * 2 : options.max_ns;
        }
    }
}

static void gzip_comes_back_as_it_was(void **state)
{
    enum { SIZE = 200000 };
    char *plain = malloc(SIZE), *back = malloc(SIZE);
    struct otl_gzip *gzip = NULL;
    struct otl_buf out, tight;

    (void)state;
    for (int i = 0; i < SIZE; i++)
        plain[i] = (char)(i * 7 % 251 ^ i / 1000);
    assert_int_equal(otl_gzip_new(6, &gzip), OTEL_OK);
    otl_buf_init(&out, 1 << 20);
    for (size_t round = 0; round < 3; round++) {
        z_stream stream = {0};
        otl_buf_reset(&out);
        assert_int_equal(otl_gzip_compress(gzip, otl_view(plain, SIZE - round), &out), OTEL_OK);
        assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
        stream.next_in = (Bytef *)out.data;
        stream.avail_in = (uInt)out.len;
        stream.next_out = (Bytef *)back;
        stream.avail_out = SIZE;
        assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
        assert_int_equal(stream.total_out, SIZE - round);
        assert_memory_equal(plain, back, SIZE - round);
        inflateEnd(&stream);
    }
    otl_buf_init(&tight, 100);
    assert_int_equal(otl_gzip_compress(gzip, otl_view(plain, SIZE), &tight), OTEL_ERR_LIMIT);
    assert_int_equal(tight.len, 0);
    otl_buf_fini(&tight);
    otl_buf_fini(&out);
    otl_gzip_free(gzip);
    for (unsigned long n = 1;; n++) {
        enum otel_err err;
        otl_mem_fail_at(n);
        err = otl_gzip_new(6, &gzip);
        otl_mem_fail_at(0);
        if (err == OTEL_OK)
            break;
        assert_int_equal(err, OTEL_ERR_MEMORY);
    }
    otl_gzip_free(gzip);
    free(plain);
    free(back);
}

/* Feed the answer whole, then byte by byte; both must agree. The reader keeps the last one. */
static enum otl_response_state answer(struct otl_response *r, const char *text, bool end)
{
    enum otl_response_state whole, split;
    size_t len = strlen(text);

    otl_response_begin(r);
    whole = otl_response_feed(r, text, len);
    if (end)
        whole = otl_response_feed(r, NULL, 0);
    otl_response_begin(r);
    for (size_t i = 0; i < len && r->state == OTL_RESPONSE_MORE; i++)
        otl_response_feed(r, text + i, 1);
    split = end ? otl_response_feed(r, NULL, 0) : r->state;
    assert_int_equal(whole, split);
    return whole;
}

static void answers_are_read_in_every_framing(void **state)
{
    struct otl_response r;

    (void)state;
    otl_response_init(&r, 1000);
    assert_int_equal(answer(&r, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab", false),
                     OTL_RESPONSE_DONE);
    assert_string_equal(r.body.data, "ab");
    assert_true(r.keep_alive);
    assert_int_equal(answer(&r,
                            "HTTP/1.1 503 x\r\nRetry-After:  7 \r\nTransfer-Encoding: chunked\r\n"
                            "Content-Type: text/plain\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n"
                            "Trailer: z\r\n\r\n",
                            false),
                     OTL_RESPONSE_DONE);
    assert_int_equal(r.status, 503);
    assert_string_equal(r.body.data, "abcde");
    assert_string_equal(r.retry_after, "7");
    assert_string_equal(r.content_type, "text/plain");
    assert_true(r.keep_alive);
    assert_int_equal(answer(&r, "HTTP/1.1 200 OK\r\n\r\nto the end", true), OTL_RESPONSE_DONE);
    assert_string_equal(r.body.data, "to the end");
    assert_false(r.keep_alive);
    assert_int_equal(answer(&r, "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", false),
                     OTL_RESPONSE_DONE);
    assert_false(r.keep_alive);
    assert_int_equal(
        answer(&r, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", false),
        OTL_RESPONSE_DONE);
    assert_false(r.keep_alive);
    assert_int_equal(answer(&r, "HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\n", false),
                     OTL_RESPONSE_DONE);
    assert_int_equal(answer(&r,
                            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 429 x\r\nContent-Length: 0\r\n"
                            "Empty:\r\n\r\n",
                            false),
                     OTL_RESPONSE_DONE);
    assert_int_equal(r.status, 429);
    otl_response_fini(&r);
}

static void garbage_answers_are_refused(void **state)
{
    static const char *const cases[] = {
        "SSH-2.0-OpenSSH\r\n",
        "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 999 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2 2\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 200 OK\r\nBad Name: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nName: a\001b\r\n\r\n",
        "HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n",
    };
    struct otl_response r;

    (void)state;
    otl_response_init(&r, 1000);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (answer(&r, cases[i], false) != OTL_RESPONSE_GARBAGE)
            fail_msg("accepted: %s", cases[i]);
    otl_response_fini(&r);
}

static void answers_have_limits(void **state)
{
    struct otl_response r;
    char head[64 * 1024];
    size_t len;

    (void)state;
    otl_response_init(&r, 10);
    assert_int_equal(answer(&r, "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n", false),
                     OTL_RESPONSE_TOO_LARGE); /* before a byte of the body */
    assert_int_equal(answer(&r,
                            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                            "8\r\nabcdefgh\r\n8\r\n",
                            false),
                     OTL_RESPONSE_TOO_LARGE);
    assert_int_equal(answer(&r, "HTTP/1.1 200 OK\r\n\r\n0123456789a", false),
                     OTL_RESPONSE_TOO_LARGE);
    len = (size_t)snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nX: ");
    memset(head + len, 'a', 40000);
    head[len + 40000] = '\0';
    assert_int_equal(answer(&r, head, false), OTL_RESPONSE_GARBAGE);
    len = (size_t)snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 130; i++)
        len += (size_t)snprintf(head + len, sizeof(head) - len, "X: y\r\n");
    snprintf(head + len, sizeof(head) - len, "\r\n");
    assert_int_equal(answer(&r, head, false), OTL_RESPONSE_GARBAGE);
    len = 0;
    for (int i = 0; i < 9; i++)
        len += (size_t)snprintf(head + len, sizeof(head) - len, "HTTP/1.1 102 x\r\n\r\n");
    assert_int_equal(answer(&r, head, false), OTL_RESPONSE_GARBAGE);
    otl_response_fini(&r);
}

static void bytes_behind_an_answer_end_the_connection(void **state)
{
    static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\n";
    struct otl_response r;

    (void)state;
    otl_response_init(&r, 10);
    assert_int_equal(otl_response_feed(&r, text, sizeof(text) - 1), OTL_RESPONSE_DONE);
    assert_false(r.keep_alive);
    otl_response_fini(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(url_fills_in_what_the_text_leaves_out),
        cmocka_unit_test(url_refuses_what_is_not_an_endpoint),
        cmocka_unit_test(url_appends_a_signal_path_with_one_slash),
        cmocka_unit_test(http_dates_are_read_in_all_three_forms),
        cmocka_unit_test(only_the_four_statuses_are_retried),
        cmocka_unit_test(retry_after_is_seconds_or_a_date),
        cmocka_unit_test(back_off_grows_with_jitter_and_ends_at_the_deadline),
        cmocka_unit_test(a_server_that_asks_for_no_wait_is_not_hammered),
        cmocka_unit_test(gzip_comes_back_as_it_was),
        cmocka_unit_test(answers_are_read_in_every_framing),
        cmocka_unit_test(garbage_answers_are_refused),
        cmocka_unit_test(answers_have_limits),
        cmocka_unit_test(bytes_behind_an_answer_end_the_connection),
    };
    return cmocka_run_group_tests_name("transport_pure", tests, NULL, NULL);
}
