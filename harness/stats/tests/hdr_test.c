/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/stats/base64.h"
#include "harness/stats/hdr.h"
#include "harness/stats/hdr_codec.h"
#include "harness/stats/hdr_log.h"
#include "harness/stats/hdr_table.h"
#include "sdk/base/file.h"
#include "sdk/base/mem.h"
#include "sdk/base/random.h"

static void assert_close(double value, double expected, double absolute)
{
    if (!(fabs(value - expected) <= absolute))
        fail_msg("%.17g is not %.17g", value, expected);
}

static struct hx_hdr *make(uint64_t lowest, uint64_t highest, unsigned digits)
{
    struct hx_hdr_params params = {lowest, highest, digits};
    struct hx_hdr *hdr = NULL;

    assert_int_equal(hx_hdr_new(&params, &hdr), OTEL_OK);
    return hdr;
}

static void values_keep_their_digits(void **state)
{
    struct hx_hdr *hdr = make(1, 3600000000000ULL, 3);

    (void)state;
    for (uint64_t v = 1; v < 3600000000000ULL; v += v / 7 + 1) {
        uint64_t low = hx_hdr_bucket_low(hdr, v);
        uint64_t high = hx_hdr_bucket_high(hdr, v);
        size_t index = hx_hdr_index(hdr, v);

        assert_true(low <= v && v <= high);
        assert_true((double)(high - low) <= (double)v / 1000);
        assert_int_equal(hx_hdr_index_low(hdr, index), low);
        assert_int_equal(hx_hdr_index(hdr, high), index);
        assert_int_equal(hx_hdr_index(hdr, high + 1), index + 1);
    }
    assert_true(hx_hdr_index(hdr, 3600000000000ULL) < hdr->counts_len);
    hx_hdr_free(hdr);
}

static void out_of_range_is_refused_and_counted(void **state)
{
    struct hx_hdr *hdr = make(1, 1000, 2);

    (void)state;
    assert_true(hx_hdr_record(hdr, 0));
    assert_true(hx_hdr_record(hdr, 1000));
    assert_false(hx_hdr_record(hdr, 1001));
    assert_false(hx_hdr_record_n(hdr, UINT64_MAX, 4));
    assert_int_equal(hdr->total, 2);
    assert_int_equal(hdr->refused, 5);
    assert_int_equal(hx_hdr_max(hdr), 1000);
    hx_hdr_reset(hdr);
    assert_int_equal(hdr->total + hdr->refused + hx_hdr_max(hdr) + hx_hdr_min(hdr), 0);
    assert_int_equal(hx_hdr_value_at(hdr, 99), 0);
    for (size_t i = 0; i < hdr->counts_len; i++)
        assert_int_equal(hdr->counts[i], 0);
    hx_hdr_free(hdr);
}

static void wrong_parameters_are_refused(void **state)
{
    static const struct hx_hdr_params wrong[] = {{0, 100, 3},
                                                 {1, 1, 3},
                                                 {1, 100, 0},
                                                 {1, 100, 6},
                                                 {1, UINT64_MAX, 3},
                                                 {1ULL << 50, 1ULL << 60, 1}};
    struct hx_hdr_params huge = {1, 1ULL << 62, 5};
    struct hx_hdr *hdr = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(hx_hdr_new(&wrong[i], &hdr), OTEL_ERR_ARGUMENT);
    assert_int_equal(hx_hdr_new(&huge, &hdr), OTEL_ERR_LIMIT);
    assert_int_equal(hx_hdr_counts_needed(&HX_HDR_LATENCY_PARAMS), 22528);
    for (unsigned long n = 1; n <= 2; n++) {
        otl_mem_fail_at(n);
        assert_int_equal(hx_hdr_new(&HX_HDR_LATENCY_PARAMS, &hdr), OTEL_ERR_MEMORY);
        otl_mem_fail_at(0);
    }
    assert_null(hdr);
}

static void percentiles_are_nearest_ranks(void **state)
{
    struct hx_hdr *hdr = make(1, 100000, 5);

    (void)state;
    for (uint64_t v = 1; v <= 1000; v++)
        assert_true(hx_hdr_record(hdr, v));
    assert_int_equal(hx_hdr_value_at(hdr, 0), 1);
    assert_int_equal(hx_hdr_value_at(hdr, 50), 500);
    assert_int_equal(hx_hdr_value_at(hdr, 99.9), 999);
    assert_int_equal(hx_hdr_value_at(hdr, 99.91), 1000);
    assert_int_equal(hx_hdr_value_at(hdr, 100), 1000);
    assert_int_equal(hx_hdr_count_below(hdr, 250), 250);
    assert_close(hx_hdr_mean(hdr), 500.5, 1e-6);
    assert_close(hx_hdr_stddev(hdr), 288.675, 1e-3);
    hx_hdr_free(hdr);
}

static void merging_equals_recording_all(void **state)
{
    struct hx_hdr *a = make(1, 1000000, 3);
    struct hx_hdr *b = make(1, 1000000, 3);
    struct hx_hdr *all = make(1, 1000000, 3);
    struct hx_hdr *other = make(1, 1000000, 2);
    struct otl_random random;

    (void)state;
    otl_random_seed(&random, 3);
    for (int i = 0; i < 20000; i++) {
        uint64_t v = otl_random_below(&random, 1100000);

        assert_int_equal(hx_hdr_record(i % 3 ? a : b, v), hx_hdr_record(all, v));
    }
    assert_int_equal(hx_hdr_merge(a, b), OTEL_OK);
    assert_int_equal(a->total, all->total);
    assert_int_equal(a->refused, all->refused);
    assert_true(all->refused > 0);
    assert_memory_equal(a->counts, all->counts, all->counts_len * sizeof(*all->counts));
    assert_int_equal(hx_hdr_max(a), hx_hdr_max(all));
    assert_int_equal(hx_hdr_min(a), hx_hdr_min(all));
    assert_int_equal(hx_hdr_merge(a, other), OTEL_ERR_ARGUMENT);
    hx_hdr_free(a);
    hx_hdr_free(b);
    hx_hdr_free(all);
    hx_hdr_free(other);
}

static void assert_same(const struct hx_hdr *a, const struct hx_hdr *b)
{
    assert_int_equal(a->total, b->total);
    assert_int_equal(a->counts_len, b->counts_len);
    assert_memory_equal(a->counts, b->counts, a->counts_len * sizeof(*a->counts));
}

static void what_is_encoded_is_decoded(void **state)
{
    static const uint64_t counts[] = {1, 63, 64, 8191, 1ULL << 40, (1ULL << 55) + 1, 1ULL << 61};
    struct hx_hdr *hdr = make(1000, 600000000000ULL, 3);
    struct hx_hdr *again = NULL;
    struct otl_buf text;

    (void)state;
    otl_buf_init(&text, 1 << 20);
    assert_int_equal(hx_hdr_encode_text(hdr, &text), OTEL_OK); /* empty */
    assert_int_equal(hx_hdr_decode_text(otl_view(text.data, text.len), &again), OTEL_OK);
    assert_same(hdr, again);
    hx_hdr_free(again);
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
        hx_hdr_record_n(hdr, i * i * i * 1000003, counts[i]);
    hx_hdr_record(hdr, 600000000000ULL);
    otl_buf_reset(&text);
    assert_int_equal(hx_hdr_encode_text(hdr, &text), OTEL_OK);
    assert_memory_equal(text.data, "HISTFAAA", 8);
    assert_int_equal(hx_hdr_decode_text(otl_view(text.data, text.len), &again), OTEL_OK);
    assert_same(hdr, again);
    hx_hdr_free(again);
    hx_hdr_free(hdr);
    otl_buf_fini(&text);
}

/* tests/golden_js.txt was written by hdr-histogram-js: tests/golden.js. */
static void a_foreign_histogram_reads_the_same(void **state)
{
    struct hx_hdr *hdr = NULL;
    struct otl_buf text;
    const char *line;
    double percentile, value, total, max, mean, deviation;

    (void)state;
    otl_buf_init(&text, 1 << 16);
    assert_int_equal(otl_file_read("harness/stats/tests/golden_js.txt", &text, NULL), OTEL_OK);
    line = strchr(text.data, '\n');
    assert_non_null(line);
    assert_int_equal(hx_hdr_decode_text(otl_view(text.data, (size_t)(line - text.data)), &hdr),
                     OTEL_OK);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(sscanf(++line, "%lf %lf", &percentile, &value), 2);
        if (percentile > 0) /* at 0 that library answers with 0, whatever was recorded */
            assert_int_equal(hx_hdr_value_at(hdr, percentile), (uint64_t)value);
        line = strchr(line, '\n');
        assert_non_null(line);
    }
    assert_int_equal(sscanf(++line, "%lf %lf %lf %lf", &total, &max, &mean, &deviation), 4);
    assert_int_equal(hdr->total, (uint64_t)total);
    assert_int_equal(hx_hdr_bucket_high(hdr, (uint64_t)max), hx_hdr_max(hdr));
    assert_close(hx_hdr_mean(hdr) / mean, 1, 1e-4);
    assert_close(hx_hdr_stddev(hdr) / deviation, 1, 1e-4);
    hx_hdr_free(hdr);
    otl_buf_fini(&text);
}

static void damaged_encodings_are_refused(void **state)
{
    struct hx_hdr *hdr = make(1, 100000, 3);
    struct hx_hdr *again = NULL;
    struct otl_buf data;

    (void)state;
    for (uint64_t v = 0; v < 100000; v += 17)
        hx_hdr_record(hdr, v);
    otl_buf_init(&data, 1 << 20);
    assert_int_equal(hx_hdr_encode(hdr, &data), OTEL_OK);
    for (size_t len = 0; len < data.len; len++)
        assert_int_not_equal(hx_hdr_decode(otl_view(data.data, len), &again), OTEL_OK);
    for (size_t i = 0; i < data.len; i++) { /* zlib's checksum sees every single one */
        data.data[i] = (char)(data.data[i] ^ 0x55);
        assert_int_not_equal(hx_hdr_decode(otl_view(data.data, data.len), &again), OTEL_OK);
        data.data[i] = (char)(data.data[i] ^ 0x55);
    }
    assert_int_equal(otl_buf_append_byte(&data, 0), OTEL_OK);
    assert_int_equal(hx_hdr_decode(otl_view(data.data, data.len), &again), OTEL_ERR_CORRUPT);
    assert_int_equal(hx_hdr_decode_text(otl_view("HISTFAA", 7), &again), OTEL_ERR_SYNTAX);
    otl_buf_fini(&data);
    hx_hdr_free(hdr);
}

static void base64_follows_the_rfc(void **state)
{
    static const char *const pairs[][2] = {{"", ""},         {"f", "Zg=="},     {"fo", "Zm8="},
                                           {"foo", "Zm9v"},  {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="}, {"\xff\xfe\xfd", "//79"}};
    static const char *const wrong[] = {"Zg=", "Zg", "Zh==", "Z===", "====", "Zg==Zg==", "Zm9\n"};
    struct otl_buf out;

    (void)state;
    otl_buf_init(&out, 100);
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        struct otl_view plain = otl_view_str(pairs[i][0]);

        otl_buf_reset(&out);
        assert_int_equal(hx_base64_encode(plain.data, plain.len, &out), OTEL_OK);
        assert_true(otl_view_equal(otl_view(out.data, out.len), otl_view_str(pairs[i][1])));
        otl_buf_reset(&out);
        assert_int_equal(hx_base64_decode(otl_view_str(pairs[i][1]), &out), OTEL_OK);
        assert_true(otl_view_equal(otl_view(out.data, out.len), plain));
    }
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(hx_base64_decode(otl_view_str(wrong[i]), &out), OTEL_ERR_SYNTAX);
    otl_buf_fini(&out);
}

static void read_log(const char *path, uint64_t wall_ns, uint64_t total)
{
    struct hx_hdr_log_reader reader;
    struct hx_hdr_log_entry entry;
    struct otl_buf text;

    otl_buf_init(&text, 1 << 20);
    assert_int_equal(otl_file_read(path, &text, NULL), OTEL_OK);
    assert_non_null(strstr(text.data, "#[Histogram log format version 1.3]\n"));
    assert_non_null(strstr(text.data, "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\","
                                      "\"Interval_Compressed_Histogram\"\n"));
    hx_hdr_log_reader_init(&reader, otl_view(text.data, text.len));
    for (int i = 0; i < 3; i++) {
        assert_int_equal(hx_hdr_log_next(&reader, &entry, NULL), OTEL_OK);
        assert_true(otl_view_is(entry.tag, i == 1 ? "" : "warmup"));
        assert_close(entry.start_s, i, 1e-9);
        assert_close(entry.length_s, 0.5, 1e-9);
        assert_close(entry.max_ms, 7, 1e-9);
        assert_int_equal(entry.hdr->total, total);
        hx_hdr_free(entry.hdr);
    }
    assert_close(reader.wall_start_s, (double)wall_ns / 1e9, 1e-3);
    assert_int_equal(hx_hdr_log_next(&reader, &entry, NULL), OTEL_ERR_CLOSED);
    otl_buf_fini(&text);
}

static void a_log_is_read_as_it_was_written(void **state)
{
    char dir[] = "/tmp/hdr-test-XXXXXX";
    char path[64];
    struct hx_hdr *hdr = make(1000, 600000000000ULL, 3);
    struct hx_hdr_log log;
    struct otl_detail detail = OTL_DETAIL_NONE;

    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/x.hlog", dir);
    hx_hdr_record_n(hdr, 5000000, 10);
    hx_hdr_record(hdr, 7000000);
    assert_int_equal(hx_hdr_log_open(&log, path, 1763679600500000000ULL, NULL), OTEL_OK);
    for (uint64_t i = 0; i < 3; i++)
        assert_int_equal(hx_hdr_log_write(&log, i == 1 ? NULL : "warmup", i * 1000000000,
                                          500000000, hdr),
                         OTEL_OK);
    assert_int_equal(hx_hdr_log_write(&log, "a,b", 0, 1, hdr), OTEL_ERR_ARGUMENT);
    assert_int_equal(hx_hdr_log_write(&log, "a b", 0, 1, hdr), OTEL_ERR_ARGUMENT);
    assert_int_equal(hx_hdr_log_close(&log), OTEL_OK);
    read_log(path, 1763679600500000000ULL, 11);
    unlink(path);
    rmdir(dir);
    assert_int_equal(hx_hdr_log_open(&log, path, 0, &detail), OTEL_ERR_IO);
    assert_non_null(strstr(detail.text, "No such file"));
    hx_hdr_free(hdr);
}

static void a_bad_log_line_is_named_and_passed_over(void **state)
{
    static const char text[] = "#[Histogram log format version 1.3]\n"
                               "Tag=a b,0.0,1.0,1.0,HISTFAAA\n"
                               "0.0,x,1.0,HISTFAAA\n"
                               "0.0,1.0,1.0,HISTFAAA\n";
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct hx_hdr_log_reader reader;
    struct hx_hdr_log_entry entry;

    (void)state;
    hx_hdr_log_reader_init(&reader, otl_view_str(text));
    assert_int_equal(hx_hdr_log_next(&reader, &entry, &detail), OTEL_ERR_SYNTAX);
    assert_int_equal(detail.line, 2);
    assert_int_equal(hx_hdr_log_next(&reader, &entry, NULL), OTEL_ERR_SYNTAX);
    assert_int_equal(hx_hdr_log_next(&reader, &entry, NULL), OTEL_ERR_CORRUPT);
    assert_int_equal(hx_hdr_log_next(&reader, &entry, NULL), OTEL_ERR_CLOSED);
}

static void the_table_ends_at_the_maximum(void **state)
{
    struct hx_hdr *hdr = make(1, 100000000, 3);
    struct hx_hdr_rows rows;
    struct hx_hdr_row row = {0, 0, 0};
    double last = -1;
    struct otl_buf out;
    int count = 0;

    (void)state;
    for (uint64_t v = 1; v <= 100000; v++)
        hx_hdr_record(hdr, v);
    hx_hdr_rows_init(&rows, hdr);
    while (hx_hdr_rows_next(&rows, &row)) {
        assert_true(row.percentile > last);
        assert_true((double)row.count >= row.percentile / 100 * 100000 - 1e-6);
        last = row.percentile;
        count++;
    }
    assert_true(count > 50 && count < 202);
    assert_int_equal(row.value, 100000);
    assert_int_equal(row.count, 100000);
    otl_buf_init(&out, 1 << 16);
    assert_int_equal(hx_hdr_table(hdr, 1000, &out), OTEL_OK);
    assert_non_null(strstr(out.data, "      50.015 0.500000000000      50015           2.00\n"));
    assert_non_null(strstr(out.data, "#[Max     =      100.000, Total count    =       100000]"));
    hx_hdr_reset(hdr);
    otl_buf_reset(&out);
    assert_int_equal(hx_hdr_table(hdr, 1000, &out), OTEL_OK);
    otl_buf_fini(&out);
    hx_hdr_free(hdr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_keep_their_digits),
        cmocka_unit_test(out_of_range_is_refused_and_counted),
        cmocka_unit_test(wrong_parameters_are_refused),
        cmocka_unit_test(percentiles_are_nearest_ranks),
        cmocka_unit_test(merging_equals_recording_all),
        cmocka_unit_test(what_is_encoded_is_decoded),
        cmocka_unit_test(a_foreign_histogram_reads_the_same),
        cmocka_unit_test(damaged_encodings_are_refused),
        cmocka_unit_test(base64_follows_the_rfc),
        cmocka_unit_test(a_log_is_read_as_it_was_written),
        cmocka_unit_test(a_bad_log_line_is_named_and_passed_over),
        cmocka_unit_test(the_table_ends_at_the_maximum),
    };
    return cmocka_run_group_tests_name("hdr", tests, NULL, NULL);
}
