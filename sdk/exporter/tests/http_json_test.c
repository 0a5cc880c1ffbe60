/* SPDX-License-Identifier: Apache-2.0 */
/* The OTLP exporter speaking JSON, against a scripted server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "sdk/exporter/json_response.h"
#include "sdk/exporter/tests/rig.h"

#define JSON "Content-Type: application/json\r\n"

static void rig_json(struct rig *rig)
{
    rig_defaults(rig);
    rig->otlp.protocol = OTEL_SDK_OTLP_HTTP_JSON;
}

static void a_batch_arrives_as_json(void **state)
{
    const struct srv_request *request;
    json_t *json, *spans;
    struct rig rig;
    char value[64];

    (void)state;
    rig_json(&rig);
    rig_init(&rig);
    assert_int_equal(rig_send(&rig, 5), OTEL_OK);
    request = srv_request(rig.srv, 0);
    assert_true(srv_header(request, "Content-Type", value, sizeof(value)));
    assert_string_equal(value, "application/json");
    json = json_loadb(request->body, request->body_len, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(json);
    spans = json_object_get(
        json_array_get(json_object_get(json_array_get(json_object_get(json, "resourceSpans"), 0),
                                       "scopeSpans"),
                       0),
        "spans");
    assert_int_equal(json_array_size(spans), 5);
    assert_int_equal(json_string_length(json_object_get(json_array_get(spans, 0), "traceId")), 32);
    assert_int_equal(rig_otlp(&rig).bytes_encoded, request->body_len);
    assert_int_equal(rig_otlp(&rig).spans_delivered, 5);
    json_decref(json);
    rig_fini(&rig);
}

static void a_retry_brings_the_same_json(void **state)
{
    struct rig rig;

    (void)state;
    rig_json(&rig);
    rig_init(&rig);
    srv_push_answer(rig.srv, 503, "", "", 0);
    assert_int_equal(rig_send(&rig, 3), OTEL_OK);
    assert_int_equal(srv_count(rig.srv), 2);
    assert_int_equal(srv_request(rig.srv, 1)->body_len, srv_request(rig.srv, 0)->body_len);
    assert_memory_equal(srv_request(rig.srv, 1)->body, srv_request(rig.srv, 0)->body,
                        srv_request(rig.srv, 0)->body_len);
    rig_fini(&rig);
}

static void a_compressed_request_is_smaller(void **state)
{
    struct rig rig;
    char value[64];

    (void)state;
    rig_json(&rig);
    rig.otlp.compression = OTEL_SDK_COMPRESSION_GZIP;
    rig_init(&rig);
    assert_int_equal(rig_send(&rig, 100), OTEL_OK);
    assert_true(srv_header(srv_request(rig.srv, 0), "Content-Encoding", value, sizeof(value)));
    assert_string_equal(value, "gzip");
    assert_true(rig_otlp(&rig).bytes_sent * 4 < rig_otlp(&rig).bytes_encoded);
    rig_fini(&rig);
}

static void a_partial_success_in_json_is_counted_and_told(void **state)
{
    static const char body[] =
        "{\"partialSuccess\":{\"rejectedSpans\":\"2\",\"errorMessage\":\"too \\\"big\\\"\"}}";
    struct rig rig;

    (void)state;
    rig_json(&rig);
    rig_init(&rig);
    srv_push_answer(rig.srv, 200, JSON, body, strlen(body));
    assert_int_equal(rig_send(&rig, 5), OTEL_OK);
    assert_int_equal(rig_otlp(&rig).results[OTEL_SDK_OTLP_PARTIAL], 1);
    assert_int_equal(rig_otlp(&rig).spans_rejected, 2);
    assert_int_equal(rig.dropped[OTEL_SDK_DROP_REJECTED], 2);
    assert_non_null(strstr(rig.said, "2 rejected: too \"big\""));
    rig_fini(&rig);
}

static void an_answer_in_another_type_is_not_understood_but_accepted(void **state)
{
    struct rig rig;

    (void)state;
    rig_json(&rig);
    rig_init(&rig);
    srv_push_answer(rig.srv, 200, "Content-Type: application/x-protobuf\r\n", "\x0a", 1);
    assert_int_equal(rig_send(&rig, 1), OTEL_OK);
    srv_push_answer(rig.srv, 200, JSON, "{]", 2);
    assert_int_equal(rig_send(&rig, 1), OTEL_OK);
    assert_int_equal(rig_otlp(&rig).answers_unread, 2);
    assert_int_equal(rig_otlp(&rig).spans_delivered, 2);
    rig_fini(&rig);
}

static void what_is_over_the_limit_as_json_is_not_sent(void **state)
{
    struct rig rig;

    (void)state;
    rig_json(&rig);
    rig.otlp.max_request_bytes = 900;
    rig_init(&rig);
    assert_int_not_equal(rig_send(&rig, 5), OTEL_OK);
    assert_int_equal(rig_otlp(&rig).results[OTEL_SDK_OTLP_REQUEST_TOO_LARGE], 1);
    assert_int_equal(srv_count(rig.srv), 0);
    rig_fini(&rig);
}

static void answers_in_json_are_read(void **state)
{
    static const struct {
        const char *body;
        enum otel_err err;
        uint64_t rejected;
        const char *message;
    } rows[] = {
        {"", OTEL_OK, 0, ""},
        {" \r\n", OTEL_OK, 0, ""},
        {"{}", OTEL_OK, 0, ""},
        {" { } ", OTEL_OK, 0, ""},
        {"{\"partialSuccess\":null}", OTEL_OK, 0, ""},
        {"{\"partialSuccess\":{}}", OTEL_OK, 0, ""},
        {"{\"partialSuccess\":{\"rejectedSpans\":3}}", OTEL_OK, 3, ""},
        {"{\"partialSuccess\":{\"rejectedSpans\":\"9223372036854775807\"}}", OTEL_OK, INT64_MAX,
         ""},
        {"{\"partialSuccess\":{\"rejectedSpans\":null,\"errorMessage\":null}}", OTEL_OK, 0, ""},
        {"{\"x\":[{\"y\":[1,-2.5e3,true,null,\"]\"]},{}],\"partialSuccess\":{\"z\":{\"a\":[]},"
         "\"errorMessage\":\"m\"}}",
         OTEL_OK, 0, "m"},
        {"{\"partialSuccess\":{\"errorMessage\":\"\\u00e9\\ud83d\\ude00\\ud800x\\t\\/\"}}", OTEL_OK,
         0, "\xc3\xa9\xf0\x9f\x98\x80\xef\xbf\xbdx\t/"},
        {"{\"partialSuccess\":{\"rejectedSpans\":-1}}", OTEL_ERR_ARGUMENT, 0, ""},
        {"{\"partialSuccess\":{\"rejectedSpans\":1.5}}", OTEL_ERR_SYNTAX, 0, ""},
        {"{\"partialSuccess\":{\"rejectedSpans\":\"x\"}}", OTEL_ERR_SYNTAX, 0, ""},
        {"{\"partialSuccess\":{\"errorMessage\":7}}", OTEL_ERR_SYNTAX, 0, ""},
        {"{\"partialSuccess\":{\"errorMessage\":\"\\q\"}}", OTEL_ERR_SYNTAX, 0, ""},
        {"{\"partialSuccess\":[]}", OTEL_ERR_SYNTAX, 0, ""},
        {"{\"partialSuccess\":{}", OTEL_ERR_SYNTAX, 0, ""},
        {"{} x", OTEL_ERR_SYNTAX, 0, ""},
        {"[]", OTEL_ERR_SYNTAX, 0, ""},
        {"{\"a\"}", OTEL_ERR_SYNTAX, 0, ""},
        {"{\"a\":1,}", OTEL_ERR_SYNTAX, 0, ""},
        {"{\"a\":\"\\", OTEL_ERR_SYNTAX, 0, ""},
        {"{\"a\":\"\n\"}", OTEL_ERR_SYNTAX, 0, ""},
    };
    char deep[300] = "{\"a\":";

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct otl_otlp_response response = {77, {"old", 3}};
        struct otl_buf text;
        enum otel_err err;
        otl_buf_init(&text, 1000);
        err = otl_json_response_read(otl_view_str(rows[i].body), &text, &response);
        if (err != rows[i].err)
            fail_msg("%s: %s", rows[i].body, otel_err_name(err));
        if (err == OTEL_OK) {
            assert_int_equal(response.rejected, rows[i].rejected);
            assert_true(otl_view_is(response.message, rows[i].message));
        } else {
            assert_int_equal(response.rejected, 77);
        }
        otl_buf_fini(&text);
    }
    for (size_t i = strlen(deep); i < 200; i++)
        deep[i] = '[';
    assert_int_equal(otl_json_response_read(otl_view_str(deep), NULL, NULL), OTEL_ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_arrives_as_json),
        cmocka_unit_test(a_retry_brings_the_same_json),
        cmocka_unit_test(a_compressed_request_is_smaller),
        cmocka_unit_test(a_partial_success_in_json_is_counted_and_told),
        cmocka_unit_test(an_answer_in_another_type_is_not_understood_but_accepted),
        cmocka_unit_test(what_is_over_the_limit_as_json_is_not_sent),
        cmocka_unit_test(answers_in_json_are_read),
    };

    return cmocka_run_group_tests_name("otlp_http_json", tests, NULL, NULL);
}
