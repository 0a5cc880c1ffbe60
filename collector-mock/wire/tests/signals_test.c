/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "collector-mock/wire/json.h"
#include "collector-mock/wire/logs.h"
#include "collector-mock/wire/metrics.h"
#include "collector-mock/wire/regroup.h"
#include "collector-mock/wire/tests/witness.h"
#include "sdk/base/file.h"

/* Metrics and logs: what is read from the official encoder's bytes, what is refused, how requests
 * are counted and cut. */

enum { POINTS = 16, RECORDS = 6 };

static void load(const char *name, struct otl_buf *buf)
{
    char path[256];

    otl_buf_init(buf, 1 << 20);
    snprintf(path, sizeof(path), "ci/witness/official/%s", name);
    assert_int_equal(otl_file_read(path, buf, NULL), OTEL_OK);
}

static struct otl_view view(const struct otl_buf *buf)
{
    return otl_view(buf->data, buf->len);
}

static void metric_at(struct otl_view request, const char *name, struct col_metric *ret)
{
    static struct col_traces metrics; /* the metric points into it */

    col_items_init(&metrics, COL_METRICS, request);
    while (col_metrics_next(&metrics, ret))
        if (otl_view_is(ret->name, name))
            return;
    fail_msg("no metric %s", name);
}

static void the_five_kinds_say_what_the_official_encoder_wrote(void **state)
{
    struct col_exemplar exemplar;
    struct col_quantile quantile;
    struct col_metric metric;
    struct col_point point;
    struct otl_buf buf;
    uint64_t number = 0;
    double real = 0;

    (void)state;
    load("metrics.bin", &buf);
    metric_at(view(&buf), "temperature", &metric);
    assert_int_equal(metric.kind, COL_METRIC_GAUGE);
    assert_true(otl_view_is(metric.unit, "Cel"));
    assert_true(otl_view_is(metric.description, "how warm"));
    assert_true(otl_view_is(metric.scope->name, "meter"));
    assert_int_equal(metric.points.count, 4);
    assert_true(col_point_next(metric.kind, &metric.points, &point));
    assert_int_equal(point.value_kind, COL_NUMBER_INT);
    assert_int_equal(point.integer, -7);
    assert_true(col_exemplar_next(&point.exemplars, &exemplar));
    assert_int_equal(exemplar.trace_id[15], 15);
    assert_true(col_point_next(metric.kind, &metric.points, &point));
    assert_true(point.value_kind == COL_NUMBER_DOUBLE && point.real == 2.5);

    metric_at(view(&buf), "requests", &metric);
    assert_true(metric.kind == COL_METRIC_SUM && metric.monotonic);
    assert_int_equal(metric.temporality, COL_TEMPORALITY_CUMULATIVE);

    metric_at(view(&buf), "duration", &metric);
    assert_true(col_point_next(metric.kind, &metric.points, &point));
    assert_true(point.has_sum && point.sum == 31.5 && point.has_max && point.max == 20);
    assert_int_equal(point.bucket_counts.count, 3);
    while (col_number_next(&point.bucket_counts, &number))
        continue;
    assert_int_equal(number, 3);
    while (col_real_next(&point.bounds, &real))
        continue;
    assert_true(real == 10.5);

    metric_at(view(&buf), "size", &metric);
    assert_true(col_point_next(metric.kind, &metric.points, &point));
    assert_true(point.scale == -3 && point.zero_count == 2 && point.zero_threshold == 0.25);
    assert_true(point.positive.offset == -4 && point.negative.offset == 2);
    while (col_number_next(&point.positive.counts, &number))
        continue;
    assert_int_equal(number, 300);

    metric_at(view(&buf), "old", &metric);
    assert_true(col_point_next(metric.kind, &metric.points, &point));
    assert_true(col_quantile_next(&point.quantiles, &quantile) && quantile.quantile == 0.5);
    assert_true(col_quantile_next(&point.quantiles, &quantile) && quantile.value == 2.25);
    otl_buf_fini(&buf);
}

static void a_record_says_what_the_official_encoder_wrote(void **state)
{
    struct col_value body, value;
    struct col_traces logs;
    struct otl_buf buf;
    struct col_log log;

    (void)state;
    load("logs.bin", &buf);
    col_items_init(&logs, COL_LOGS, view(&buf));
    assert_true(col_logs_next(&logs, &log));
    assert_true(col_attribute_find(&log.resource->attributes, "service.name", &value));
    assert_true(otl_view_is(value.text, "shop"));
    assert_int_equal(log.severity_number, 9);
    assert_true(otl_view_is(log.severity_text, "INFO"));
    assert_true(otl_view_is(log.event_name, "order.placed"));
    col_value_split(log.body, &body);
    assert_true(otl_view_is(body.text, "order \xe4\xb8\x96 0"));
    assert_int_equal(log.trace_id[0], 1);
    assert_int_equal(log.span_id[7], 8);
    assert_int_equal(log.dropped_attributes_count, 2);
    assert_true(col_logs_next(&logs, &log));
    assert_false(log.severity_number != 0 || log.time_unix_nano != 0);
    otl_buf_fini(&buf);
}

static uint64_t count_of(enum col_signal signal, struct otl_view request)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    uint64_t count = UINT64_MAX;

    if (col_request_check(signal, request, &count, &detail) != OTEL_OK)
        fail_msg("%s: %s", col_signal_name(signal), detail.text);
    return count;
}

static void points_and_records_are_counted_as_protobuf_c_counts_them(void **state)
{
    struct otl_buf metrics, logs;

    (void)state;
    load("metrics.bin", &metrics);
    load("logs.bin", &logs);
    assert_int_equal(count_of(COL_METRICS, view(&metrics)), POINTS);
    assert_int_equal(count_of(COL_LOGS, view(&logs)), RECORDS);
    assert_int_equal(witness_count(COL_METRICS, view(&metrics)), POINTS);
    assert_int_equal(witness_count(COL_LOGS, view(&logs)), RECORDS);
    otl_buf_fini(&metrics);
    otl_buf_fini(&logs);
}

static void json_says_the_same(void **state)
{
    static const char *const names[COL_SIGNALS] = {NULL, "metrics", "logs"};

    (void)state;
    for (int s = COL_METRICS; s < COL_SIGNALS; s++) {
        struct otl_detail detail = OTL_DETAIL_NONE;
        struct otl_buf json, binary, out;
        char name[32];
        snprintf(name, sizeof(name), "%s.json", names[s]);
        load(name, &json);
        snprintf(name, sizeof(name), "%s.bin", names[s]);
        load(name, &binary);
        otl_buf_init(&out, 1 << 20);
        if (col_json_decode((enum col_signal)s, view(&json), &out, &detail) != OTEL_OK)
            fail_msg("%s: %s", names[s], detail.text);
        witness_same((enum col_signal)s, view(&binary), view(&out));
        otl_buf_fini(&json);
        otl_buf_fini(&binary);
        otl_buf_fini(&out);
    }
}

/* Cut off anywhere: refused, or what is left is whole; nothing outside the bytes is read. */
static void a_request_cut_anywhere_is_safe(void **state)
{
    static const char *const names[COL_SIGNALS] = {NULL, "metrics.bin", "logs.bin"};

    (void)state;
    for (int s = COL_METRICS; s < COL_SIGNALS; s++) {
        size_t refused = 0;
        struct otl_buf buf;
        load(names[s], &buf);
        for (size_t len = 0; len < buf.len; len++) {
            char *copy = malloc(len + 1);
            uint64_t count;
            assert_non_null(copy);
            memcpy(copy, buf.data, len);
            copy = realloc(copy, len > 0 ? len : 1);
            assert_non_null(copy);
            refused += col_request_check((enum col_signal)s, otl_view(copy, len), &count, NULL) ==
                       OTEL_ERR_CORRUPT;
            free(copy);
        }
        assert_true(refused + 3 >= buf.len);
        otl_buf_fini(&buf);
    }
}

#define BYTES(text) text, sizeof(text) - 1

static const struct {
    enum col_signal signal;
    const char *bytes;
    size_t len;
    const char *message;
} refused[] = {
    {COL_METRICS, BYTES("\x08\x01"), "request.resource_metrics: wrong wire type"},
    {COL_METRICS, BYTES("\n\x04\n\x00\n\x00"), "resource_metrics.resource: twice"},
    {COL_METRICS, BYTES("\n\x06\x12\x04\n\x00\n\x00"), "scope_metrics.scope: twice"},
    {COL_METRICS, BYTES("\n\x07\x12\x05\x12\x03\n\x01\xff"), "metric.name: not UTF-8"},
    {COL_METRICS, BYTES("\n\x08\x12\x06\x12\x04\x2a\x00\x3a\x00"), "metric.data: twice"},
    {COL_METRICS, BYTES("\n\x06\x12\x04\x12\x02\x28\x01"), "metric.data: wrong wire type"},
    {COL_METRICS, BYTES("\n\x0a\x12\x08\x12\x06\x2a\x04\n\x02\x20\x01"),
     "point.as_double: wrong wire type"},
    {COL_METRICS, BYTES("\n\x0b\x12\x09\x12\x07\x4a\x05\n\x03\x32\x01x"),
     "point.bucket_counts: malformed packed numbers"},
    {COL_METRICS, BYTES("\n\x0d\x12\x0b\x12\x09\x52\x07\n\x05\x42\x03\x12\x01\xff"),
     "buckets.bucket_counts: malformed packed numbers"},
    {COL_METRICS, BYTES("\n\x0c\x12\x0a\x12\x08\x52\x06\n\x04\x42\x00\x42\x00"),
     "point.positive: twice"},
    {COL_METRICS, BYTES("\n\x0d\x12\x0b\x12\x09\x2a\x07\n\x05\x2a\x03\x2a\x01x"),
     "exemplar.trace_id: wrong length of an id"},
    {COL_METRICS, BYTES("\n\x7f"), "request: truncated or malformed field"},
    {COL_LOGS, BYTES("\x08\x01"), "request.resource_logs: wrong wire type"},
    {COL_LOGS, BYTES("\n\x07\x12\x05\x12\x03\x4a\x01x"),
     "log_record.trace_id: wrong length of an id"},
    {COL_LOGS, BYTES("\n\x08\x12\x06\x12\x04\x2a\x00\x2a\x00"), "log_record.body: twice"},
    {COL_LOGS, BYTES("\n\x09\x12\x07\x12\x05\x2a\x03\n\x01\xff"), "value: not UTF-8"},
    {COL_LOGS, BYTES("\n\x06\x12\x04\x12\x02\x08\x01"),
     "log_record.time_unix_nano: wrong wire type"},
};

static void what_is_damaged_is_refused_with_its_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct otl_detail detail = OTL_DETAIL_NONE;
        uint64_t count;
        if (col_request_check(refused[i].signal, otl_view(refused[i].bytes, refused[i].len),
                              &count, &detail) != OTEL_ERR_CORRUPT)
            fail_msg("case %zu was taken", i);
        if (strstr(detail.text, refused[i].message) == NULL)
            fail_msg("case %zu: %s, not %s", i, detail.text, refused[i].message);
    }
}

static void numbers_are_taken_packed_and_one_by_one(void **state)
{
    /* a histogram point: bucket_counts 1 alone, then 2 and 3 packed */
    static const char point[] = "\x31\1\0\0\0\0\0\0\0\x32\x10\2\0\0\0\0\0\0\0\3\0\0\0\0\0\0\0";
    struct col_point ret;
    uint64_t number;

    (void)state;
    col_point_split(COL_METRIC_HISTOGRAM, otl_view(point, sizeof(point) - 1), &ret);
    assert_int_equal(ret.bucket_counts.count, 3);
    for (uint64_t expected = 1; expected <= 3; expected++) {
        assert_true(col_number_next(&ret.bucket_counts, &number));
        assert_int_equal(number, expected);
    }
    assert_false(col_number_next(&ret.bucket_counts, &number));
}

/* The first n, for each n: exactly so many, and a good request. */
static void a_request_is_cut_between_points(void **state)
{
    static const char *const names[COL_SIGNALS] = {NULL, "metrics.bin", "logs.bin"};
    static const uint64_t counts[COL_SIGNALS] = {0, POINTS, RECORDS};

    (void)state;
    for (int s = COL_METRICS; s < COL_SIGNALS; s++) {
        enum col_signal signal = (enum col_signal)s;
        struct col_regroup regroup;
        struct otl_buf buf;
        load(names[s], &buf);
        col_regroup_init(&regroup, 1 << 20);
        for (uint64_t n = 1; n <= counts[s]; n++) {
            struct otl_view part;
            assert_int_equal(col_regroup_first(&regroup, signal, view(&buf), n), OTEL_OK);
            assert_int_equal(regroup.count, n);
            assert_int_equal(col_regroup_finish(&regroup, &part), OTEL_OK);
            assert_int_equal(count_of(signal, part), n);
            assert_int_equal(witness_count(signal, part), n);
        }
        col_regroup_fini(&regroup);
        otl_buf_fini(&buf);
    }
}

static void a_part_of_a_metric_has_all_but_the_other_points(void **state)
{
    struct col_metric metric, part;
    struct col_point point;
    struct otl_buf buf, out;

    (void)state;
    load("metrics.bin", &buf);
    metric_at(view(&buf), "temperature", &metric);
    otl_buf_init(&out, 1 << 20);
    assert_int_equal(col_metric_cut(&metric, 1, 2, &out), OTEL_OK);
    col_metric_split(view(&out), &part);
    assert_true(otl_view_equal(part.name, metric.name));
    assert_true(otl_view_equal(part.description, metric.description));
    assert_int_equal(part.metadata.count, 1);
    assert_int_equal(part.points.count, 2);
    assert_true(col_point_next(part.kind, &part.points, &point));
    assert_true(point.real == 2.5);
    otl_buf_fini(&buf);
    otl_buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_five_kinds_say_what_the_official_encoder_wrote),
        cmocka_unit_test(a_record_says_what_the_official_encoder_wrote),
        cmocka_unit_test(points_and_records_are_counted_as_protobuf_c_counts_them),
        cmocka_unit_test(json_says_the_same),
        cmocka_unit_test(a_request_cut_anywhere_is_safe),
        cmocka_unit_test(what_is_damaged_is_refused_with_its_place),
        cmocka_unit_test(numbers_are_taken_packed_and_one_by_one),
        cmocka_unit_test(a_request_is_cut_between_points),
        cmocka_unit_test(a_part_of_a_metric_has_all_but_the_other_points),
    };

    return cmocka_run_group_tests_name("signals", tests, NULL, NULL);
}
