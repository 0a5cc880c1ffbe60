/* SPDX-License-Identifier: Apache-2.0 */
/* OTLP/JSON, read back by jansson and held against what the official Python package wrote. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sdk/base/file.h"
#include "sdk/base/mem.h"
#include "sdk/otlp/batch.h"
#include "sdk/otlp/json.h"
#include "sdk/tests/rig.h"

static json_t *parsed(const struct otl_buf *text)
{
    json_error_t error;
    json_t *json =
        json_loadb(text->data, text->len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);

    if (json == NULL)
        fail_msg("%s in %.200s", error.text, text->data);
    return json;
}

static void official_requests_become_their_official_json(void **state)
{
    static const char *const names[] = {"empty",  "minimal",  "full",
                                        "groups", "extremes", "no-spans"};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct otl_buf bytes, text;
        json_t *ours, *theirs;
        char path[128];
        otl_buf_init(&bytes, 1 << 20);
        otl_buf_init(&text, 1 << 20);
        snprintf(path, sizeof(path), "ci/witness/official/%s.bin", names[i]);
        assert_int_equal(otl_file_read(path, &bytes, NULL), OTEL_OK);
        assert_int_equal(otl_json_request(otel_strn(bytes.data, bytes.len), &text), OTEL_OK);
        ours = parsed(&text);
        snprintf(path, sizeof(path), "ci/witness/official/%s.json", names[i]);
        theirs = json_load_file(path, JSON_ALLOW_NUL, NULL);
        assert_non_null(theirs);
        if (!json_equal(ours, theirs))
            fail_msg("%s: %.2000s", names[i], text.data);
        assert_null(memchr(text.data, '\n', text.len)); /* one line */
        json_decref(theirs);
        json_decref(ours);
        otl_buf_fini(&text);
        otl_buf_fini(&bytes);
    }
}

/* One batch of our own. */
struct capture {
    struct otel_sdk_exporter exporter;
    struct otl_buf *bytes;
};

static void capture_batch(struct otel_sdk_exporter *exporter, const struct otel_sdk_batch *batch,
                          otel_sdk_export_done_fn *done, void *done_arg)
{
    const struct otel_sdk_export_result result = {.requests = 1};

    assert_int_equal(otl_otlp_encode_batch(batch, ((struct capture *)exporter)->bytes), OTEL_OK);
    done(done_arg, &result);
}

static void capture_free(struct otel_sdk_exporter *exporter)
{
    (void)exporter;
}

static void fill(struct otel_span *span)
{
    static const struct otel_str words[] = {{"a", 1}, {"b\"", 2}};
    static const struct otel_attribute map[] = {
        {{"k", 1}, {OTEL_VALUE_BOOL, 0, {.boolean = true}}}};
    static const unsigned char bytes[] = {0xfb, 0xff, 0x00, 0x01};
    const struct otel_attribute attributes[] = {
        otel_attr_str("text",
                      "line\nquote\" back\\ tab\t bell\a del\x7f \xc3\xa9 \xf0\x9f\x98\x80"),
        otel_attr_str("broken", "a\xff z"),
        otel_attr_int("least", INT64_MIN),
        otel_attr_double("real", 0.1),
        otel_attr_double("whole", 3),
        otel_attr_double("tiny", 5e-324),
        otel_attr_double("not", NAN),
        otel_attr_bool("no", false),
        otel_attr("empty", otel_value_empty()),
        otel_attr("words", otel_value_many(OTEL_VALUE_STRING_ARRAY, words, 2)),
        otel_attr("map", otel_value_many(OTEL_VALUE_MAP, map, 1)),
        otel_attr("bytes", otel_value_many(OTEL_VALUE_BYTES, bytes, 4)),
    };

    otel_span_set_many(span, attributes, sizeof(attributes) / sizeof(attributes[0]));
    otel_span_set_status(span, OTEL_STATUS_ERROR, "why");
}

static json_t *attribute_of(json_t *span, const char *key)
{
    size_t i;
    json_t *item;

    json_array_foreach(json_object_get(span, "attributes"), i, item)
    {
        if (strcmp(json_string_value(json_object_get(item, "key")), key) == 0)
            return json_object_get(item, "value");
    }
    fail_msg("no attribute %s", key);
    return NULL;
}

static void is_json(json_t *value, const char *text)
{
    json_t *expected = json_loads(text, JSON_DECODE_ANY, NULL);

    assert_non_null(expected);
    if (!json_equal(value, expected)) {
        char *is = json_dumps(value, JSON_ENCODE_ANY);
        fail_msg("%s is not %s", is, text);
    }
    json_decref(expected);
}

static void our_spans_follow_the_rules_of_json(void **state)
{
    static const struct otel_sdk_exporter_ops ops = {
        .struct_size = sizeof(ops), .export_batch = capture_batch, .free = capture_free};
    struct otel_sdk_processor *processor = NULL;
    struct capture capture = {{&ops}, NULL};
    struct otl_buf bytes, text;
    struct otel_span *span;
    json_t *request, *json;
    struct rig rig;
    char id[33];

    (void)state;
    otl_buf_init(&bytes, 1 << 20);
    otl_buf_init(&text, 1 << 20);
    capture.bytes = &bytes;
    assert_int_equal(otel_sdk_simple_new(NULL, &capture.exporter, &processor), OTEL_OK);
    rig_init(&rig);
    rig_start_with(&rig, processor);
    span = otel_span_start(rig.tracer, "op", NULL);
    otel_trace_id_hex(otel_span_get_context(span)->trace_id, id);
    fill(span);
    otel_span_finish(span);
    assert_int_equal(otl_json_request(otel_strn(bytes.data, bytes.len), &text), OTEL_OK);
    request = parsed(&text);
    json = json_array_get(
        json_object_get(
            json_array_get(
                json_object_get(json_array_get(json_object_get(request, "resourceSpans"), 0),
                                "scopeSpans"),
                0),
            "spans"),
        0);
    assert_string_equal(json_string_value(json_object_get(json, "traceId")), id);
    is_json(json_object_get(json, "kind"), "1");
    is_json(json_object_get(json, "status"), "{\"code\":2,\"message\":\"why\"}");
    assert_true(json_is_string(json_object_get(json, "startTimeUnixNano")));
    is_json(attribute_of(json, "text"),
            "{\"stringValue\":\"line\\nquote\\\" back\\\\ tab\\t bell\\u0007 del\\u007f \\u00e9 "
            "\\ud83d\\ude00\"}");
    is_json(attribute_of(json, "broken"), "{\"stringValue\":\"a\\ufffd z\"}");
    is_json(attribute_of(json, "least"), "{\"intValue\":\"-9223372036854775808\"}");
    is_json(attribute_of(json, "real"), "{\"doubleValue\":0.1}");
    is_json(attribute_of(json, "whole"), "{\"doubleValue\":3.0}");
    is_json(attribute_of(json, "tiny"), "{\"doubleValue\":5e-324}");
    is_json(attribute_of(json, "not"), "{\"doubleValue\":\"NaN\"}");
    is_json(attribute_of(json, "no"), "{\"boolValue\":false}");
    is_json(attribute_of(json, "empty"), "{}");
    is_json(attribute_of(json, "words"),
            "{\"arrayValue\":{\"values\":[{\"stringValue\":\"a\"},{\"stringValue\":\"b\\\"\"}]}}");
    is_json(attribute_of(json, "map"),
            "{\"kvlistValue\":{\"values\":[{\"key\":\"k\",\"value\":{\"boolValue\":true}}]}}");
    is_json(attribute_of(json, "bytes"), "{\"bytesValue\":\"+/8AAQ==\"}");
    json_decref(request);
    rig_fini(&rig);
    otl_buf_fini(&text);
    otl_buf_fini(&bytes);
}

static void a_limit_leaves_the_buffer_as_it_was(void **state)
{
    struct otl_buf bytes, text;

    (void)state;
    otl_buf_init(&bytes, 1 << 20);
    assert_int_equal(otl_file_read("ci/witness/official/full.bin", &bytes, NULL), OTEL_OK);
    for (size_t max = 2; max < 300; max += 7) {
        otl_buf_init(&text, max);
        assert_int_equal(otl_buf_append_str(&text, "x"), OTEL_OK);
        assert_int_equal(otl_json_request(otel_strn(bytes.data, bytes.len), &text), OTEL_ERR_LIMIT);
        assert_int_equal(text.len, 1);
        assert_string_equal(text.data, "x");
        otl_buf_fini(&text);
    }
    otl_buf_fini(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(official_requests_become_their_official_json),
        cmocka_unit_test(our_spans_follow_the_rules_of_json),
        cmocka_unit_test(a_limit_leaves_the_buffer_as_it_was),
    };

    return cmocka_run_group_tests_name("otlp_json", tests, NULL, NULL);
}
