/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "collector-mock/wire/tests/compare.h"
#include "sdk/base/file.h"
#include "sdk/base/mem.h"

static const char *const official[] = {"empty",    "extremes", "full",    "groups",
                                       "minimal",  "no-spans", "strindex"};
enum { OFFICIAL_COUNT = sizeof(official) / sizeof(official[0]) };

static void load(const char *name, struct otl_buf *buf)
{
    char path[256];

    otl_buf_init(buf, 1 << 20);
    snprintf(path, sizeof(path), "ci/witness/official/%s.bin", name);
    assert_int_equal(otl_file_read(path, buf, NULL), OTEL_OK);
}

static Otlp__ExportTraceServiceRequest *unpack(const void *data, size_t len)
{
    return otlp__export_trace_service_request__unpack(NULL, len, data);
}

static void reads_official_bytes_as_protobuf_c_does(void **state)
{
    (void)state;
    for (size_t i = 0; i < OFFICIAL_COUNT; i++) {
        Otlp__ExportTraceServiceRequest *witness;
        const char *difference;
        struct otl_buf buf;
        uint64_t spans;

        load(official[i], &buf);
        witness = unpack(buf.data, buf.len);
        assert_non_null(witness);
        assert_int_equal(col_traces_check(otl_view(buf.data, buf.len), &spans, NULL), OTEL_OK);
        difference = compare_request(otl_view(buf.data, buf.len), witness);
        if (difference != NULL)
            fail_msg("%s: %s differs", official[i], difference);
        otlp__export_trace_service_request__free_unpacked(witness, NULL);
        otl_buf_fini(&buf);
    }
}

/* The comparison itself must see a difference: change one byte of a text or a number. */
static void the_comparison_notices_one_changed_byte(void **state)
{
    Otlp__ExportTraceServiceRequest *witness;
    size_t noticed = 0, taken = 0;
    struct otl_buf buf;
    uint64_t spans;

    (void)state;
    load("full", &buf);
    witness = unpack(buf.data, buf.len);
    assert_non_null(witness);
    for (size_t i = 0; i < buf.len; i++) {
        char old = buf.data[i];
        buf.data[i] = (char)(old ^ 1);
        if (col_traces_check(otl_view(buf.data, buf.len), &spans, NULL) == OTEL_OK) {
            taken++;
            if (compare_request(otl_view(buf.data, buf.len), witness) != NULL)
                noticed++;
        }
        buf.data[i] = old;
    }
    assert_true(taken > 300);
    assert_int_equal(noticed, taken);
    otlp__export_trace_service_request__free_unpacked(witness, NULL);
    otl_buf_fini(&buf);
}

/* Cut at each offset, copied to a heap block of that size so that asan sees any read beyond. What
 * is still whole (a cut between two fields of the request) must read as the witness reads it. */
static void every_truncation_is_refused_or_a_whole_prefix(void **state)
{
    (void)state;
    for (size_t i = 0; i < OFFICIAL_COUNT; i++) {
        struct otl_buf buf;

        load(official[i], &buf);
        for (size_t len = 0; len < buf.len; len++) {
            char *copy = otl_mem_alloc(len + (len == 0));
            struct otl_detail detail = OTL_DETAIL_NONE;
            struct otl_view request = otl_view(copy, len);
            Otlp__ExportTraceServiceRequest *witness;
            uint64_t spans = 77;
            enum otel_err err;

            assert_non_null(copy);
            memcpy(copy, buf.data, len);
            err = col_traces_check(request, &spans, &detail);
            witness = unpack(copy, len);
            assert_int_equal(err == OTEL_OK, witness != NULL);
            if (witness != NULL) {
                assert_null(compare_request(request, witness));
                otlp__export_trace_service_request__free_unpacked(witness, NULL);
            } else {
                assert_int_equal(spans, 77);
                assert_true(strstr(detail.text, "byte ") == detail.text);
            }
            otl_mem_free(copy);
        }
        otl_buf_fini(&buf);
    }
}

#define BYTES(text) text, sizeof(text) - 1

/* Requests by hand. "\n" is field 1 of wire type 2, "\x12" field 2. SPAN(len) opens the three
 * storeys around one span of len bytes. */
#define SPAN(outer, inner, len) "\n" outer "\x12" inner "\x12" len
static const struct {
    const char *title;
    const char *data;
    size_t len;
    const char *error; /* NULL: taken */
} hostile[] = {
    {"nothing", BYTES(""), NULL},
    {"field number zero", BYTES("\x02\x00"), "request: truncated or malformed"},
    {"length beyond the end", BYTES("\n\x05" "abc"), "request: truncated or malformed"},
    {"length of 4 GiB", BYTES("\n\xff\xff\xff\xff\x0f"), "request: truncated or malformed"},
    {"length of 2^64-1", BYTES("\n\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), "request: trunc"},
    {"varint of eleven bytes", BYTES("\x10\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"),
     "request: truncated or malformed"},
    {"varint above 64 bits", BYTES("\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"),
     "request: truncated or malformed"},
    {"unknown fields of all wire types",
     BYTES("\x78\x01" "\x79" "12345678" "\x7a\x01z" "\x7b\x78\x01\x7c" "\x7d" "1234"), NULL},
    {"wire type 6", BYTES("\x7e"), "request: truncated or malformed"},
    {"wire type 7", BYTES("\x7f"), "request: truncated or malformed"},
    {"group that never ends", BYTES("\x7b\x7b\x7b"), "request: truncated or malformed"},
    {"group closed by another number", BYTES("\x7b\x74"), "request: truncated or malformed"},
    {"group end alone", BYTES("\x7c"), "request: truncated or malformed"},
    {"resource_spans as a number", BYTES("\x08\x01"), "request.resource_spans: wrong wire type"},
    {"scope_spans as fixed64", BYTES("\n\x09\x11" "12345678"),
     "resource_spans.scope_spans: wrong wire type"},
    {"two resources", BYTES("\n\x04\n\x00\n\x00"), "resource_spans.resource: twice"},
    {"two scopes", BYTES("\n\x06\x12\x04\n\x00\n\x00"), "scope_spans.scope: twice"},
    {"an empty span", BYTES(SPAN("\x04", "\x02", "\x00")), NULL},
    {"trace id of 15 bytes", BYTES(SPAN("\x15", "\x13", "\x11") "\n\x0f" "123456789012345"),
     "span.trace_id: wrong length of an id"},
    {"empty trace id", BYTES(SPAN("\x06", "\x04", "\x02") "\n\x00"), NULL},
    {"span id of 9 bytes", BYTES(SPAN("\x0f", "\x0d", "\x0b") "\x12\x09" "123456789"),
     "span.span_id: wrong length of an id"},
    {"name that is not UTF-8", BYTES(SPAN("\x07", "\x05", "\x03") "\x2a\x01\xff"),
     "span.name: not UTF-8"},
    {"name with a surrogate", BYTES(SPAN("\x09", "\x07", "\x05") "\x2a\x03\xed\xa0\x80"),
     "span.name: not UTF-8"},
    {"long name, bad at its end",
     BYTES(SPAN("\x11", "\x0f", "\x0d") "\x2a\x0b" "0123456789\xc3"), "span.name: not UTF-8"},
    {"start time as a varint", BYTES(SPAN("\x06", "\x04", "\x02") "\x38\x01"),
     "span.start_time_unix_nano: wrong wire type"},
    {"two statuses", BYTES(SPAN("\x08", "\x06", "\x04") "\x7a\x00\x7a\x00"), "span.status: twice"},
    {"status message that is not UTF-8", BYTES(SPAN("\x09", "\x07", "\x05") "\x7a\x03\x12\x01\x80"),
     "status.message: not UTF-8"},
    {"attribute with two values", BYTES(SPAN("\x0a", "\x08", "\x06") "\x4a\x04\x12\x00\x12\x00"),
     "attribute.value: twice"},
    {"attribute key that is not UTF-8", BYTES(SPAN("\x09", "\x07", "\x05") "\x4a\x03\n\x01\x80"),
     "attribute.key: not UTF-8"},
    {"bytes value that is not UTF-8",
     BYTES(SPAN("\x0b", "\x09", "\x07") "\x4a\x05\x12\x03\x3a\x01\x80"), NULL},
    {"int value as a double",
     BYTES(SPAN("\x11", "\x0f", "\x0d") "\x4a\x0b\x12\x09\x19" "12345678"),
     "value: wrong wire type"},
    {"array twice in one value",
     BYTES(SPAN("\x0c", "\x0a", "\x08") "\x4a\x06\x12\x04\x2a\x00\x2a\x00"),
     "value: the same list twice"},
    {"array, text, array: the last one counts",
     BYTES(SPAN("\x0e", "\x0c", "\x0a") "\x4a\x08\x12\x06\x2a\x00\n\x00\x2a\x00"), NULL},
    {"event name that is not UTF-8", BYTES(SPAN("\x09", "\x07", "\x05") "\x5a\x03\x12\x01\x80"),
     "event.name: not UTF-8"},
    {"link id of 3 bytes", BYTES(SPAN("\x0b", "\x09", "\x07") "\x6a\x05\n\x03" "abc"),
     "link.trace_id: wrong length of an id"},
    {"schema url after the spans, not UTF-8", BYTES("\n\x07\x12\x02\x12\x00\x1a\x01\xfe"),
     "resource_spans.schema_url: not UTF-8"},
};

static void hostile_requests_are_refused_with_the_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
        char *copy = otl_mem_alloc(hostile[i].len + 1);
        struct otl_detail detail = OTL_DETAIL_NONE;
        Otlp__ExportTraceServiceRequest *witness;
        uint64_t spans;
        enum otel_err err;

        assert_non_null(copy);
        copy = otl_mem_realloc(copy, hostile[i].len ? hostile[i].len : 1);
        memcpy(copy, hostile[i].data, hostile[i].len);
        err = col_traces_check(otl_view(copy, hostile[i].len), &spans, &detail);
        if (hostile[i].error == NULL && err != OTEL_OK)
            fail_msg("%s: refused: %s", hostile[i].title, detail.text);
        if (hostile[i].error != NULL && strstr(detail.text, hostile[i].error) == NULL)
            fail_msg("%s: '%s', expected '%s'", hostile[i].title, detail.text, hostile[i].error);
        witness = err == OTEL_OK ? unpack(copy, hostile[i].len) : NULL;
        if (witness != NULL) {
            assert_null(compare_request(otl_view(copy, hostile[i].len), witness));
            otlp__export_trace_service_request__free_unpacked(witness, NULL);
        }
        otl_mem_free(copy);
    }
}

/* An attribute whose value is depth arrays, one in the other, encoded by the witness. */
static size_t pack_nested(unsigned depth, uint8_t **ret)
{
    Otlp__ExportTraceServiceRequest request = OTLP__EXPORT_TRACE_SERVICE_REQUEST__INIT;
    Otlp__ResourceSpans rs = OTLP__RESOURCE_SPANS__INIT, *rss[] = {&rs};
    Otlp__Resource resource = OTLP__RESOURCE__INIT;
    Otlp__KeyValue kv = OTLP__KEY_VALUE__INIT, *kvs[] = {&kv};
    Otlp__AnyValue *values = calloc(depth + 1, sizeof(*values));
    Otlp__AnyValue **slots = calloc(depth + 1, sizeof(*slots));
    Otlp__ArrayValue *arrays = calloc(depth + 1, sizeof(*arrays));
    size_t len;

    assert_true(values != NULL && slots != NULL && arrays != NULL);
    for (unsigned i = 0; i <= depth; i++) {
        otlp__any_value__init(&values[i]);
        otlp__array_value__init(&arrays[i]);
        slots[i] = &values[i];
        if (i == 0)
            continue;
        arrays[i].n_values = 1;
        arrays[i].values = &slots[i - 1];
        values[i].value_case = OTLP__ANY_VALUE__VALUE_ARRAY_VALUE;
        values[i].array_value = &arrays[i];
    }
    kv.value = &values[depth];
    resource.n_attributes = 1;
    resource.attributes = kvs;
    rs.resource = &resource;
    request.n_resource_spans = 1;
    request.resource_spans = rss;
    len = otlp__export_trace_service_request__get_packed_size(&request);
    *ret = malloc(len);
    assert_non_null(*ret);
    otlp__export_trace_service_request__pack(&request, *ret);
    free(values);
    free(slots);
    free(arrays);
    return len;
}

static void values_nest_to_the_limit_and_no_deeper(void **state)
{
    static const struct {
        unsigned depth;
        bool good;
    } cases[] = {{1, true},
                 {COL_VALUE_DEPTH_MAX - 1, true},
                 {COL_VALUE_DEPTH_MAX, false},
                 {5000, false}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct otl_detail detail = OTL_DETAIL_NONE;
        uint8_t *data;
        size_t len = pack_nested(cases[i].depth, &data);
        uint64_t spans;
        enum otel_err err = col_traces_check(otl_view((char *)data, len), &spans, &detail);

        assert_int_equal(err == OTEL_OK, cases[i].good);
        if (!cases[i].good)
            assert_non_null(strstr(detail.text, "nested too deeply"));
        free(data);
    }
}

static void groups_and_indices_follow_the_request(void **state)
{
    struct col_traces traces;
    struct col_value value;
    struct col_span span;
    struct otl_buf buf;
    char expected[16];

    (void)state;
    load("groups", &buf);
    col_traces_init(&traces, otl_view(buf.data, buf.len));
    while (col_traces_next(&traces, &span)) {
        snprintf(expected, sizeof(expected), "s%d", (int)traces.resources - 1);
        assert_true(col_attribute_find(&span.resource->attributes, "service.name", &value));
        assert_true(otl_view_is(value.text, expected));
        assert_false(col_attribute_find(&span.attributes, "absent", &value));
        assert_true(col_attribute_find(&span.attributes, "n", &value));
        assert_int_equal(value.kind, COL_VALUE_INT);
        assert_int_equal(value.integer, (int64_t)traces.spans);
    }
    assert_int_equal(col_traces_error(&traces, NULL), OTEL_OK);
    assert_int_equal(traces.resources, 3);
    assert_int_equal(traces.scopes, 6);
    assert_int_equal(traces.spans, 24);
    otl_buf_fini(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_official_bytes_as_protobuf_c_does),
        cmocka_unit_test(the_comparison_notices_one_changed_byte),
        cmocka_unit_test(every_truncation_is_refused_or_a_whole_prefix),
        cmocka_unit_test(hostile_requests_are_refused_with_the_place),
        cmocka_unit_test(values_nest_to_the_limit_and_no_deeper),
        cmocka_unit_test(groups_and_indices_follow_the_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
