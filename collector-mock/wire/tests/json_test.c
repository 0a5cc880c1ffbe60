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
#include "collector-mock/wire/tests/compare.h"
#include "sdk/base/file.h"
#include "sdk/base/mem.h"

static const char *const official[] = {"empty",   "extremes", "full",    "groups",
                                       "minimal", "no-spans", "strindex"};

static void load(const char *name, const char *ending, struct otl_buf *buf)
{
    char path[256];

    otl_buf_init(buf, 1 << 20);
    snprintf(path, sizeof(path), "ci/witness/official/%s.%s", name, ending);
    assert_int_equal(otl_file_read(path, buf, NULL), OTEL_OK);
}

static void the_official_requests_say_the_same_in_both_forms(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(official) / sizeof(official[0]); i++) {
        Otlp__ExportTraceServiceRequest *witness;
        struct otl_detail detail = OTL_DETAIL_NONE;
        struct otl_buf json, binary, out;
        const char *difference;
        uint64_t spans;

        load(official[i], "json", &json);
        load(official[i], "bin", &binary);
        otl_buf_init(&out, 1 << 20);
        if (col_json_decode(COL_TRACES, otl_view(json.data, json.len), &out, &detail) != OTEL_OK)
            fail_msg("%s: %s", official[i], detail.text);
        witness = otlp__export_trace_service_request__unpack(NULL, binary.len,
                                                             (const uint8_t *)binary.data);
        assert_non_null(witness);
        assert_int_equal(col_traces_check(otl_view(out.data, out.len), &spans, NULL), OTEL_OK);
        difference = compare_request(otl_view(out.data, out.len), witness);
        if (difference != NULL)
            fail_msg("%s: %s differs", official[i], difference);
        otlp__export_trace_service_request__free_unpacked(witness, NULL);
        otl_buf_fini(&json);
        otl_buf_fini(&binary);
        otl_buf_fini(&out);
    }
}

#define SPAN(members) "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{" members "}]}]}]}"
#define VALUE(member) SPAN("\"attributes\":[{\"key\":\"k\",\"value\":{" member "}}]")
#define BYTES(text) text, sizeof(text) - 1

/* What a span or its one attribute comes out as. */
static const struct {
    const char *json;
    const char *bytes; /* of the span */
    size_t len;
} taken[] = {
    {SPAN(""), BYTES("")},
    {SPAN("\"name\":\"a\",\"name\":\"b\""), BYTES("\x2a\1a\x2a\1b")},
    {SPAN("\"unknown\":{\"a\":[1,2,{\"b\":null}]},\"name\":\"a\""), BYTES("\x2a\1a")},
    {SPAN("\"name\":null"), BYTES("")},
    {SPAN(" \"name\" :\t\"\\u00e4\\ud83d\\ude80\\n\\/\" \n"),
     BYTES("\x2a\x08\xc3\xa4\xf0\x9f\x9a\x80\n/")},
    {SPAN("\"name\":\"\\ud800x\\udc00\""), BYTES("\x2a\7\xef\xbf\xbdx\xef\xbf\xbd")},
    {SPAN("\"name\":\"\\u0000\""), BYTES("\x2a\1\0")},
    {SPAN("\"kind\":3"), BYTES("\x30\3")},
    {SPAN("\"kind\":\"SPAN_KIND_CLIENT\""), BYTES("\x30\3")},
    {SPAN("\"spanId\":\"00000000000000fF\""), BYTES("\x12\x08\0\0\0\0\0\0\0\xff")},
    {SPAN("\"span_id\":\"\",\"parent_span_id\":\"\""), BYTES("")},
    {SPAN("\"startTimeUnixNano\":\"258\""), BYTES("\x39\2\1\0\0\0\0\0\0")},
    {SPAN("\"start_time_unix_nano\":258"), BYTES("\x39\2\1\0\0\0\0\0\0")},
    {SPAN("\"droppedLinksCount\":4294967295"), BYTES("\x70\xff\xff\xff\xff\x0f")},
    {SPAN("\"flags\":257"), BYTES("\x85\x01\1\1\0\0")},
    {SPAN("\"status\":{\"code\":\"STATUS_CODE_ERROR\"}"), BYTES("\x7a\2\x18\2")},
    {VALUE("\"intValue\":-1"),
     BYTES("\x4a\x10\x0a\1k\x12\x0b\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\1")},
    {VALUE("\"doubleValue\":\"NaN\""),
     BYTES("\x4a\x0e\x0a\1k\x12\x09\x21\0\0\0\0\0\0\xf8\x7f")},
    {VALUE("\"doubleValue\":-1.5e0"),
     BYTES("\x4a\x0e\x0a\1k\x12\x09\x21\0\0\0\0\0\0\xf8\xbf")},
    {VALUE("\"bytesValue\":\"-_8=\""), BYTES("\x4a\x09\x0a\1k\x12\4\x3a\2\xfb\xff")},
    {VALUE("\"bytesValue\":\"+/8\""), BYTES("\x4a\x09\x0a\1k\x12\4\x3a\2\xfb\xff")},
    {VALUE("\"boolValue\":false"), BYTES("\x4a\7\x0a\1k\x12\2\x10\0")},
    {VALUE("\"arrayValue\":{\"values\":[{}]}"), BYTES("\x4a\x09\x0a\1k\x12\4\x2a\2\x0a\0")},
};

static void values_are_written_as_protobuf_has_them(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
        struct otl_detail detail = OTL_DETAIL_NONE;
        struct otl_buf out;
        size_t head = 6; /* three messages around the span */

        otl_buf_init(&out, 4096);
        if (col_json_decode(COL_TRACES, otl_view_str(taken[i].json), &out, &detail) != OTEL_OK)
            fail_msg("%s: %s", taken[i].json, detail.text);
        assert_int_equal(out.len, head + taken[i].len);
        assert_int_equal((uint8_t)out.data[1], taken[i].len + 4);
        if (memcmp(out.data + head, taken[i].bytes, taken[i].len) != 0)
            fail_msg("%s: other bytes", taken[i].json);
        otl_buf_fini(&out);
    }
}

static const struct {
    const char *json;
    const char *says;
    enum otel_err err;
} refused[] = {
    {"", "expected '{'", OTEL_ERR_CORRUPT},
    {"[]", "expected '{'", OTEL_ERR_CORRUPT},
    {"{", "expected", OTEL_ERR_CORRUPT},
    {"{}x", "byte 2: JSON: something stands behind", OTEL_ERR_CORRUPT},
    {"{} {}", "something stands behind", OTEL_ERR_CORRUPT},
    {"{\"a\":}", "digit", OTEL_ERR_CORRUPT},
    {"{\"a\":1,}", "expected '\"'", OTEL_ERR_CORRUPT},
    {"{\"a\" 1}", "expected ':'", OTEL_ERR_CORRUPT},
    {"{\"a\":01}", "expected ','", OTEL_ERR_CORRUPT},
    {"{\"a\":+1}", "digit", OTEL_ERR_CORRUPT},
    {"{\"a\":tru}", "no value", OTEL_ERR_CORRUPT},
    {"{\"a\":\"\\x\"}", "unknown escape", OTEL_ERR_CORRUPT},
    {"{\"a\":\"\\u12g4\"}", "hex digits", OTEL_ERR_CORRUPT},
    {"{\"a\":\"\n\"}", "control character", OTEL_ERR_CORRUPT},
    {"{\"a\":\"\xff\"}", "not UTF-8", OTEL_ERR_CORRUPT},
    {"{\"a\":\"", "does not end", OTEL_ERR_CORRUPT},
    {"{\"resourceSpans\":{}}", "expected '['", OTEL_ERR_CORRUPT},
    {"{\"resourceSpans\":[1]}", "expected '{'", OTEL_ERR_CORRUPT},
    {SPAN("\"traceId\":\"abc\""), "in hex digits", OTEL_ERR_CORRUPT},
    {SPAN("\"traceId\":\"AAAAAAAAAAAAAAAAAAAAAAA=\""), "in hex digits", OTEL_ERR_CORRUPT},
    {SPAN("\"traceId\":5"), "expected '\"'", OTEL_ERR_CORRUPT},
    {SPAN("\"kind\":\"SERVER\""), "unknown name of an enum", OTEL_ERR_CORRUPT},
    {SPAN("\"kind\":2147483648"), "within its range", OTEL_ERR_CORRUPT},
    {SPAN("\"kind\":1.5"), "a whole number", OTEL_ERR_CORRUPT},
    {SPAN("\"flags\":-1"), "a whole number from 0", OTEL_ERR_CORRUPT},
    {SPAN("\"startTimeUnixNano\":\"18446744073709551616\""), "within its range",
     OTEL_ERR_CORRUPT},
    {SPAN("\"startTimeUnixNano\":\"\""), "a whole number", OTEL_ERR_CORRUPT},
    {VALUE("\"doubleValue\":1e999"), "within its range", OTEL_ERR_CORRUPT},
    {VALUE("\"doubleValue\":\"nan\""), "a number was expected", OTEL_ERR_CORRUPT},
    {VALUE("\"doubleValue\":\"0x10\""), "a number was expected", OTEL_ERR_CORRUPT},
    {VALUE("\"boolValue\":\"true\""), "true or false", OTEL_ERR_CORRUPT},
    {VALUE("\"bytesValue\":\"a\""), "base64", OTEL_ERR_CORRUPT},
    {VALUE("\"bytesValue\":\"a*==\""), "base64", OTEL_ERR_CORRUPT},
};

static void what_is_wrong_is_told_with_its_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct otl_detail detail = OTL_DETAIL_NONE;
        struct otl_buf out;

        otl_buf_init(&out, 4096);
        if (col_json_decode(COL_TRACES, otl_view_str(refused[i].json), &out, &detail) !=
                refused[i].err ||
            strstr(detail.text, refused[i].says) == NULL ||
            strncmp(detail.text, "byte ", 5) != 0)
            fail_msg("%s: '%s'", refused[i].json, detail.text);
        otl_buf_fini(&out);
    }
}

/* open, a hundred thousand times. */
static void nesting_is_bounded(void **state)
{
    static const char *const opens[] = {"[", "{\"a\":", "{\"arrayValue\":{\"values\":[",
                                        "{\"kvlistValue\":{\"values\":[{\"value\":"};
    static const char head[] = "{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"value\":";

    (void)state;
    for (size_t i = 0; i < sizeof(opens) / sizeof(opens[0]); i++) {
        struct otl_detail detail = OTL_DETAIL_NONE;
        struct otl_buf json, out;

        otl_buf_init(&json, 8u << 20);
        otl_buf_init(&out, 8u << 20);
        assert_int_equal(otl_buf_append_str(&json, i < 2 ? "{\"x\":" : head), OTEL_OK);
        for (int k = 0; k < 100000; k++)
            assert_int_equal(otl_buf_append_str(&json, opens[i]), OTEL_OK);
        assert_int_equal(col_json_decode(COL_TRACES, otl_view(json.data, json.len), &out, &detail),
                         OTEL_ERR_LIMIT);
        assert_non_null(strstr(detail.text, "nested too deep"));
        otl_buf_fini(&json);
        otl_buf_fini(&out);
    }
}

static void the_output_is_bounded(void **state)
{
    struct otl_buf json;

    (void)state;
    load("full", "json", &json);
    for (size_t max = 0; max < 3000; max++) {
        struct otl_detail detail = OTL_DETAIL_NONE;
        struct otl_buf out;
        enum otel_err err;

        otl_buf_init(&out, max);
        err = col_json_decode(COL_TRACES, otl_view(json.data, json.len), &out, &detail);
        assert_true(err == OTEL_OK || (err == OTEL_ERR_LIMIT && out.len <= max));
        otl_buf_fini(&out);
    }
    otl_buf_fini(&json);
}

/* Cut at every byte: an error each time, and nothing is read behind the end. */
static void a_cut_request_is_an_error(void **state)
{
    struct otl_buf json;

    (void)state;
    load("full", "json", &json);
    while (json.len > 0 && json.data[json.len - 1] <= ' ')
        json.len--;
    for (size_t len = 0; len < json.len; len++) {
        char *copy = otl_mem_alloc(len + 1);
        struct otl_buf out;

        assert_non_null(copy);
        memcpy(copy + 1, json.data, len);
        otl_buf_init(&out, 1 << 20);
        assert_int_equal(col_json_decode(COL_TRACES, otl_view(copy + 1, len), &out, NULL),
                         OTEL_ERR_CORRUPT);
        otl_buf_fini(&out);
        otl_mem_free(copy);
    }
    otl_buf_fini(&json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_official_requests_say_the_same_in_both_forms),
        cmocka_unit_test(values_are_written_as_protobuf_has_them),
        cmocka_unit_test(what_is_wrong_is_told_with_its_place),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(the_output_is_bounded),
        cmocka_unit_test(a_cut_request_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
