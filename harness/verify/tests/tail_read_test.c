/* SPDX-License-Identifier: Apache-2.0 */
/* Files of spans: what is one, what is cut off, and what is something else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector-mock/wire/tap.h"
#include "harness/verify/tail/read.h"

#define SPAN \
    "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"spanId\":\"eee19b7ec3c1b174\"," \
    "\"traceId\":\"5b8efff798038103d269b633813fc60c\",\"name\":\"x\"}]}]}]}"

static enum otel_err count_span(void *context, const struct hx_tail_span *span)
{
    (void)span;
    ++*(unsigned *)context;
    return OTEL_OK;
}

/* What the bytes are read as; the spans are counted twice, by the sink and by the reader. */
static enum otel_err read_as(const char *bytes, size_t len, struct hx_tail_source *ret,
                             char *error, size_t size)
{
    char path[] = "/tmp/tail-read.XXXXXX";
    struct otl_detail detail = OTL_DETAIL_NONE;
    unsigned seen = 0;
    const struct hx_tail_sink sink = {count_span, NULL, &seen, false};
    enum otel_err err;
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), (ssize_t)len);
    close(fd);
    err = hx_tail_read(path, &sink, ret, &detail);
    unlink(path);
    otl_detail_format(&detail, error, size);
    assert_int_equal(ret->spans, seen);
    return err;
}

static void lines_and_empty_files_are_read(void **state)
{
    struct hx_tail_source source;
    char error[600];

    (void)state;
    assert_int_equal(read_as(SPAN "\n" SPAN "\n", 2 * sizeof(SPAN), &source, error, 600), OTEL_OK);
    assert_int_equal(source.spans, 2);
    assert_false(source.torn);
    assert_int_equal(read_as("", 0, &source, error, 600), OTEL_OK);
    assert_int_equal(source.spans, 0);
    assert_false(source.torn);
}

static void a_record_that_is_cut_off_is_an_end(void **state)
{
    static const char torn[] = {0, 0, 1, 0, 'x'};
    struct hx_tail_source source;
    char error[600];

    (void)state;
    assert_int_equal(read_as(SPAN "\n" SPAN, 2 * sizeof(SPAN) - 9, &source, error, 600), OTEL_OK);
    assert_int_equal(source.spans, 1);
    assert_true(source.torn);
    assert_int_equal(read_as(torn, sizeof(torn), &source, error, 600), OTEL_OK);
    assert_true(source.torn);
}

static enum otel_err count_unsure(void *context, const struct hx_tail_span *span)
{
    assert_true(span->unsure);
    ++*(unsigned *)context;
    return OTEL_OK;
}

/* One span, of a request that was answered 503. */
static void what_was_answered_badly_is_left_out_or_unsure(void **state)
{
    static const char body[] = "\x0a\x20\x12\x1e\x12\x1c\x0a\x10" "0123456789abcdef"
                               "\x12\x08" "01234567";
    const struct col_tap_record records[] = {
        {.type = COL_TAP_START},
        {.type = COL_TAP_REQUEST, .request = 1, .spans = 1,
         .body = otl_view(body, sizeof(body) - 1)},
        {.type = COL_TAP_ANSWER, .request = 1, .status = 503}};
    char path[] = "/tmp/tail-read.XXXXXX";
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    for (size_t i = 0; i < 3; i++) {
        struct col_tap_record record = records[i];
        uint8_t head[COL_TAP_HEADER_SIZE];
        record.encoding = COL_TAP_PROTOBUF;
        record.transport = COL_TAP_HTTP;
        record.signal = COL_TAP_TRACES;
        record.mono_ns = i + 1;
        col_tap_encode(&record, head);
        assert_int_equal(write(fd, head, sizeof(head)), sizeof(head));
        if (record.body.len > 0)
            assert_int_equal(write(fd, record.body.data, record.body.len), record.body.len);
    }
    close(fd);
    for (unsigned refused = 0; refused < 2; refused++) {
        struct otl_detail detail = OTL_DETAIL_NONE;
        struct hx_tail_source source;
        unsigned seen = 0;
        const struct hx_tail_sink sink = {count_unsure, NULL, &seen, refused == 1};
        assert_int_equal(hx_tail_read(path, &sink, &source, &detail), OTEL_OK);
        assert_int_equal(seen, refused);
        assert_int_equal(source.refused, 1 - refused);
    }
    unlink(path);
}

static void other_files_are_refused(void **state)
{
    static const char *const texts[] = {"receivers: {otlp: }\n", "[1]", "x"};
    struct hx_tail_source source;
    char error[600];

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_int_equal(read_as(texts[i], strlen(texts[i]), &source, error, 600),
                         OTEL_ERR_CORRUPT);
        assert_non_null(strstr(error, "holds no spans"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_and_empty_files_are_read),
        cmocka_unit_test(a_record_that_is_cut_off_is_an_end),
        cmocka_unit_test(what_was_answered_badly_is_left_out_or_unsure),
        cmocka_unit_test(other_files_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
