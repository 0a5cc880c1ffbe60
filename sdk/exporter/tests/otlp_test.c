/* SPDX-License-Identifier: Apache-2.0 */
/* The OTLP exporter under its processors, against a scripted server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sdk/base/clock.h"
#include "sdk/exporter/tests/rig.h"

#define NOW() otl_clock_mono(otl_clock_real())
#define PROTO "Content-Type: application/x-protobuf\r\n"

static void a_batch_arrives_as_an_otlp_request(void **state)
{
    const struct otel_sdk_header headers[] = {
        {otel_str("Authorization"), otel_str("Basic dXNlcjpwYXNz==")}};
    struct rig rig;
    char value[128];

    (void)state;
    rig_defaults(&rig);
    rig.otlp.headers = headers;
    rig.otlp.header_count = 1;
    rig_init(&rig);
    assert_int_equal(rig_send(&rig, 5), OTEL_OK);
    assert_int_equal(srv_count(rig.srv), 1);
    assert_true(strncmp(srv_request(rig.srv, 0)->head, "POST /v1/traces HTTP/1.1\r\n", 26) == 0);
    assert_true(srv_header(srv_request(rig.srv, 0), "Content-Type", value, sizeof(value)));
    assert_string_equal(value, "application/x-protobuf");
    assert_true(srv_header(srv_request(rig.srv, 0), "User-Agent", value, sizeof(value)));
    assert_string_equal(value, "OTel-OTLP-Exporter-C/" OTEL_SDK_VERSION);
    assert_true(srv_header(srv_request(rig.srv, 0), "Authorization", value, sizeof(value)));
    assert_string_equal(value, "Basic dXNlcjpwYXNz==");
    assert_false(srv_header(srv_request(rig.srv, 0), "Content-Encoding", value, sizeof(value)));
    assert_int_equal(rig_span_count(srv_request(rig.srv, 0)), 5);
    assert_int_equal(rig_stats(&rig).exported, 5);
    assert_int_equal(rig_otlp(&rig).results[OTEL_SDK_OTLP_DELIVERED], 1);
    assert_int_equal(rig_otlp(&rig).spans_delivered, 5);
    assert_int_equal(rig_otlp(&rig).bytes_sent, srv_request(rig.srv, 0)->head_len +
                                                    srv_request(rig.srv, 0)->body_len);
    assert_int_equal(rig_stats(&rig).bytes, rig_otlp(&rig).bytes_sent);
    assert_true(rig_otlp(&rig).latency_max_ns > 0);
    rig_fini(&rig);
}

static void many_batches_use_one_connection(void **state)
{
    struct rig rig;

    (void)state;
    rig_defaults(&rig);
    rig_init(&rig);
    for (int i = 0; i < 20; i++)
        assert_int_equal(rig_send(&rig, 3), OTEL_OK);
    assert_int_equal(srv_count(rig.srv), 20);
    assert_int_equal(srv_connections(rig.srv), 1);
    assert_int_equal(rig_otlp(&rig).connections, 1);
    rig_fini(&rig);
}

static void a_compressed_request_decodes_to_the_same_spans(void **state)
{
    struct rig rig;

    (void)state;
    rig_defaults(&rig);
    rig.otlp.compression = OTEL_SDK_COMPRESSION_GZIP;
    rig_init(&rig);
    for (int i = 0; i < 3; i++)
        assert_int_equal(rig_send(&rig, 100), OTEL_OK);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(rig_span_count(srv_request(rig.srv, i)), 100);
    assert_true(rig_otlp(&rig).bytes_sent < rig_otlp(&rig).bytes_encoded);
    rig_fini(&rig);
}

static void retryable_answers_bring_the_same_bytes_again(void **state)
{
    static const unsigned statuses[] = {429, 502, 503, 504};
    struct rig rig;

    (void)state;
    rig_defaults(&rig);
    rig_init(&rig);
    for (size_t i = 0; i < 4; i++)
        srv_push_answer(rig.srv, statuses[i], "", "", 0);
    assert_int_equal(rig_send(&rig, 7), OTEL_OK);
    assert_int_equal(srv_count(rig.srv), 5);
    for (unsigned i = 1; i < 5; i++) {
        assert_int_equal(srv_request(rig.srv, i)->body_len, srv_request(rig.srv, 0)->body_len);
        assert_memory_equal(srv_request(rig.srv, i)->body, srv_request(rig.srv, 0)->body,
                            srv_request(rig.srv, 0)->body_len);
    }
    assert_int_equal(rig_otlp(&rig).retries, 4);
    assert_true(rig_otlp(&rig).backoff_sum_ns > 0);
    assert_int_equal(rig_stats(&rig).exported, 7);
    assert_int_equal(rig_stats(&rig).requests, 5);
    rig_fini(&rig);
}

static void other_answers_are_final(void **state)
{
    static const unsigned statuses[] = {302, 400, 401, 404, 408, 413, 500, 501, 505};
    struct rig rig;

    (void)state;
    rig_defaults(&rig);
    rig_init(&rig);
    for (unsigned i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        srv_push_answer(rig.srv, statuses[i], "Retry-After: 0\r\n", "no", 2);
        assert_int_not_equal(rig_send(&rig, 1), OTEL_OK);
        assert_int_equal(srv_count(rig.srv), i + 1);
    }
    assert_int_equal(rig.dropped[OTEL_SDK_DROP_EXPORT_FAILED], 9);
    assert_int_equal(rig_otlp(&rig).results[OTEL_SDK_OTLP_REFUSED], 9);
    assert_non_null(strstr(rig.said, "the answer was 505"));
    assert_int_equal(rig_send(&rig, 1), OTEL_OK); /* the next batch is not affected */
    rig_fini(&rig);
}

static void a_404_without_the_usual_path_says_so(void **state)
{
    static const char *const paths[] = {"", "/v1/traces", "/v1/traces?key=1", "/x/v1/trace"};

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        struct rig rig;
        rig_defaults(&rig);
        snprintf(rig.endpoint, sizeof(rig.endpoint), "http://127.0.0.1:%u%s",
                 (unsigned)srv_port(rig.srv), paths[i]);
        rig.otlp.endpoint = otel_str(rig.endpoint);
        rig_init(&rig);
        srv_push_answer(rig.srv, 404, "", "", 0);
        assert_int_not_equal(rig_send(&rig, 1), OTEL_OK);
        assert_non_null(strstr(rig.said, "the answer was 404"));
        assert_int_equal(strstr(rig.said, "lack /v1/traces?") != NULL, i == 0 || i == 3);
        rig_fini(&rig);
    }
}

static void retry_after_seconds_are_waited_for(void **state)
{
    struct rig rig;

    (void)state;
    rig_defaults(&rig);
    rig_init(&rig);
    srv_push_answer(rig.srv, 503, "Retry-After: 1\r\n", "", 0);
    assert_int_equal(rig_send(&rig, 1), OTEL_OK);
    assert_true(srv_request(rig.srv, 1)->at_ns - srv_request(rig.srv, 0)->at_ns >= OTL_NS_PER_S);
    rig_fini(&rig);
}

static uint64_t standing_wall(void *state)
{
    (void)state;
    return 1763683200ULL * OTL_NS_PER_S; /* 2025-11-21T00:00:00Z */
}

static void a_retry_after_date_is_waited_for(void **state)
{
    struct rig rig;

    (void)state;
    rig_defaults(&rig);
    rig.otlp.wall_ns = standing_wall;
    rig_init(&rig);
    srv_push_answer(rig.srv, 429, "Retry-After: Fri, 21 Nov 2025 00:00:01 GMT\r\n", "", 0);
    assert_int_equal(rig_send(&rig, 1), OTEL_OK);
    assert_true(srv_request(rig.srv, 1)->at_ns - srv_request(rig.srv, 0)->at_ns >= OTL_NS_PER_S);
    assert_int_equal(rig_otlp(&rig).backoff_sum_ns, OTL_NS_PER_S);
    rig_fini(&rig);
}

static void a_wait_beyond_the_deadline_is_not_begun(void **state)
{
    struct rig rig;
    uint64_t start;

    (void)state;
    rig_defaults(&rig);
    rig_init(&rig);
    srv_push_answer(rig.srv, 503, "Retry-After: 60\r\n", "", 0);
    start = NOW();
    assert_int_not_equal(rig_send(&rig, 2), OTEL_OK);
    assert_true(NOW() - start < 9 * OTL_NS_PER_S); /* of 10 or of 60 */
    assert_int_equal(srv_count(rig.srv), 1);
    assert_int_equal(rig.dropped[OTEL_SDK_DROP_EXPORT_FAILED], 2);
    assert_int_equal(rig.dropped_with_ids, 2);
    rig_fini(&rig);
}

static void connections_that_end_early_are_tried_again(void **state)
{
    static const struct srv_step steps[] = {
        {.then = SRV_CLOSE},
        {.then = SRV_RESET},
        {.then = SRV_RESET, .at_accept = true},
        {.then = SRV_CLOSE, .at_accept = true},
        {.raw = "HTTP/1.1 20", .then = SRV_CLOSE},
    };
    struct rig rig;

    (void)state;
    rig_defaults(&rig);
    rig_init(&rig);
    for (size_t i = 0; i < 5; i++)
        srv_push(rig.srv, &steps[i]);
    assert_int_equal(rig_send(&rig, 4), OTEL_OK);
    assert_int_equal(rig_stats(&rig).exported, 4);
    assert_int_equal(rig_otlp(&rig).retries, 5);
    rig_fini(&rig);
}

/* False when the machine stood still for the two seconds that the export has. */
static bool gives_up_by_the_deadline(void)
{
    struct rig rig;
    uint64_t start;
    bool tried;

    rig_defaults(&rig);
    rig.otlp.endpoint = otel_str("http://127.0.0.1:9/v1/traces"); /* discard: nobody listens */
    rig.otlp.timeout_millis = 2000;
    rig.otlp.max_backoff_millis = 100;
    rig_init(&rig);
    start = NOW();
    assert_int_not_equal(rig_send(&rig, 2), OTEL_OK);
    assert_true(NOW() - start < 9 * OTL_NS_PER_S); /* by default: 10 */
    tried = rig_otlp(&rig).requests > 2; /* again and again, with growing waits */
    assert_true(tried || rig_otlp(&rig).latency_max_ns >= OTL_NS_PER_S);
    assert_true(rig_otlp(&rig).requests < 100);
    /* the last attempt may be cut short by the deadline itself */
    assert_int_equal(rig_otlp(&rig).results[OTEL_SDK_OTLP_UNAVAILABLE] +
                         rig_otlp(&rig).results[OTEL_SDK_OTLP_TIMEOUT],
                     1);
    assert_int_equal(rig.dropped[OTEL_SDK_DROP_EXPORT_FAILED] +
                         rig.dropped[OTEL_SDK_DROP_EXPORT_TIMEOUT],
                     2);
    rig_fini(&rig);
    return tried;
}

static void an_unreachable_collector_fails_by_the_deadline(void **state)
{
    (void)state;
    for (int tries = 1; !gives_up_by_the_deadline(); tries++)
        assert_true(tries < 10);
}

static void garbage_and_oversize_answers_are_final(void **state)
{
    struct srv_step garbage = {.raw = "SSH-2.0-OpenSSH_9\r\n"};
    struct srv_step large = {.raw = "HTTP/1.1 503 x\r\n\r\n", .pad = 2000, .then = SRV_CLOSE};
    struct rig rig;

    (void)state;
    rig_defaults(&rig);
    rig.otlp.max_response_bytes = 1000;
    rig_init(&rig);
    srv_push(rig.srv, &garbage);
    srv_push(rig.srv, &large);
    assert_int_not_equal(rig_send(&rig, 1), OTEL_OK);
    assert_int_not_equal(rig_send(&rig, 1), OTEL_OK);
    assert_int_equal(srv_count(rig.srv), 2);
    assert_int_equal(rig_otlp(&rig).results[OTEL_SDK_OTLP_GARBAGE], 1);
    assert_int_equal(rig_otlp(&rig).results[OTEL_SDK_OTLP_RESPONSE_TOO_LARGE], 1);
    assert_int_equal(rig_send(&rig, 1), OTEL_OK);
    rig_fini(&rig);
}

static void an_oversize_request_is_not_sent(void **state)
{
    struct rig rig;

    (void)state;
    rig_defaults(&rig);
    rig.otlp.max_request_bytes = 400;
    rig_init(&rig);
    assert_int_not_equal(rig_send(&rig, 50), OTEL_OK);
    assert_int_equal(srv_count(rig.srv), 0);
    assert_int_equal(rig.dropped[OTEL_SDK_DROP_EXPORT_FAILED], 50);
    assert_int_equal(rig_otlp(&rig).results[OTEL_SDK_OTLP_REQUEST_TOO_LARGE], 1);
    assert_int_equal(rig_send(&rig, 1), OTEL_OK);
    rig_fini(&rig);
}

/* A batch of so many spans with an attribute of a million bytes each. */
static enum otel_err send_large(struct rig *rig, unsigned spans)
{
    enum { SIZE = 1000000 };
    char *text = malloc(SIZE);
    struct otel_value value = otel_value_strn(text, SIZE);

    assert_non_null(text);
    memset(text, 'x', SIZE);
    for (unsigned i = 0; i < spans; i++) {
        struct otel_span *span = otel_span_start(rig->tracer, "large", NULL);
        otel_span_set(span, otel_str("text"), &value);
        otel_span_finish(span);
    }
    free(text);
    return otel_sdk_provider_force_flush(rig->provider, 3600 * 1000);
}

static void the_limit_of_a_request_is_64_mebibytes(void **state)
{
    struct rig rig;

    (void)state;
    rig_defaults(&rig);
    rig.max_overflow_bytes = 512u << 20;
    rig.otlp.timeout_millis = 3600 * 1000;
    rig_init(&rig);
    assert_int_equal(send_large(&rig, 67), OTEL_OK); /* 67.0 MB of 67.1 */
    assert_int_equal(srv_count(rig.srv), 1);
    assert_in_range(srv_request(rig.srv, 0)->body_len, 67000000, 64 << 20);
    assert_int_not_equal(send_large(&rig, 68), OTEL_OK);
    assert_int_equal(srv_count(rig.srv), 1);
    assert_int_equal(rig_otlp(&rig).results[OTEL_SDK_OTLP_REQUEST_TOO_LARGE], 1);
    assert_int_equal(rig.dropped[OTEL_SDK_DROP_EXPORT_FAILED], 68);
    assert_int_equal(rig_send(&rig, 1), OTEL_OK);
    rig_fini(&rig);
}

static void a_partial_success_is_counted_and_not_retried(void **state)
{
    static const char three_rejected[] = "\x0a\x0c\x08\x03\x12\x08too late";
    static const char all_rejected[] = "\x0a\x02\x08\x05";
    static const char only_a_warning[] = "\x0a\x08\x12\x06mi\nnd\xff";
    struct rig rig;

    (void)state;
    rig_defaults(&rig);
    rig_init(&rig);
    srv_push_answer(rig.srv, 200, PROTO, three_rejected, sizeof(three_rejected) - 1);
    (void)rig_send(&rig, 5);
    assert_int_equal(rig_stats(&rig).exported, 2);
    assert_int_equal(rig_stats(&rig).dropped[OTEL_SDK_DROP_REJECTED], 3);
    assert_int_equal(rig.dropped[OTEL_SDK_DROP_REJECTED], 3);
    assert_int_equal(rig.dropped_with_ids, 0); /* nobody knows which */
    assert_non_null(strstr(rig.said, "3 rejected: too late"));
    srv_push_answer(rig.srv, 200, PROTO, all_rejected, sizeof(all_rejected) - 1);
    (void)rig_send(&rig, 5);
    assert_int_equal(rig.dropped[OTEL_SDK_DROP_REJECTED], 8);
    assert_int_equal(rig.dropped_with_ids, 5);
    srv_push_answer(rig.srv, 200, PROTO, only_a_warning, sizeof(only_a_warning) - 1);
    assert_int_equal(rig_send(&rig, 5), OTEL_OK);
    assert_non_null(strstr(rig.said, "0 rejected: mi nd")); /* one line, whole characters */
    assert_null(strchr(rig.said, '\xff'));
    assert_int_equal(srv_count(rig.srv), 3);
    assert_int_equal(rig_otlp(&rig).results[OTEL_SDK_OTLP_PARTIAL], 2);
    assert_int_equal(rig_otlp(&rig).results[OTEL_SDK_OTLP_DELIVERED], 1);
    assert_int_equal(rig_otlp(&rig).spans_rejected, 8);
    rig_fini(&rig);
}

static void an_unreadable_success_is_still_a_success(void **state)
{
    struct rig rig;

    (void)state;
    rig_defaults(&rig);
    rig_init(&rig);
    srv_push_answer(rig.srv, 200, "Content-Type: text/html\r\n", "<html>", 6);
    srv_push_answer(rig.srv, 200, PROTO, "\xff\xff", 2);
    srv_push_answer(rig.srv, 202, PROTO "Content-Encoding: gzip\r\n", "\x1f\x8b", 2);
    for (int i = 0; i < 3; i++)
        assert_int_equal(rig_send(&rig, 1), OTEL_OK);
    assert_int_equal(rig_otlp(&rig).answers_unread, 3);
    assert_int_equal(rig_stats(&rig).exported, 3);
    rig_fini(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_arrives_as_an_otlp_request),
        cmocka_unit_test(many_batches_use_one_connection),
        cmocka_unit_test(a_compressed_request_decodes_to_the_same_spans),
        cmocka_unit_test(retryable_answers_bring_the_same_bytes_again),
        cmocka_unit_test(other_answers_are_final),
        cmocka_unit_test(a_404_without_the_usual_path_says_so),
        cmocka_unit_test(retry_after_seconds_are_waited_for),
        cmocka_unit_test(a_retry_after_date_is_waited_for),
        cmocka_unit_test(a_wait_beyond_the_deadline_is_not_begun),
        cmocka_unit_test(connections_that_end_early_are_tried_again),
        cmocka_unit_test(an_unreachable_collector_fails_by_the_deadline),
        cmocka_unit_test(garbage_and_oversize_answers_are_final),
        cmocka_unit_test(an_oversize_request_is_not_sent),
        cmocka_unit_test(the_limit_of_a_request_is_64_mebibytes),
        cmocka_unit_test(a_partial_success_is_counted_and_not_retried),
        cmocka_unit_test(an_unreadable_success_is_still_a_success),
    };

    return cmocka_run_group_tests_name("otlp_exporter", tests, NULL, NULL);
}
