/* SPDX-License-Identifier: Apache-2.0 */
/* librdkafka's headers, without a broker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <otel/kafka_carrier.h>
#include <otel/propagators.h>

#define PARENT "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

static void add(rd_kafka_headers_t *headers, const char *name, const char *value)
{
    assert_int_equal(rd_kafka_header_add(headers, name, -1, value,
                                         value != NULL ? (ssize_t)strlen(value) : 0),
                     RD_KAFKA_RESP_ERR_NO_ERROR);
}

static bool finds(const rd_kafka_headers_t *headers)
{
    struct otel_context *context = otel_propagator_extract(
        otel_propagator_w3c(), otel_context_root(), headers, otel_rdkafka_header_getter());
    bool found = otel_span_context_is_valid(otel_context_span_context(context));

    otel_context_unref(context);
    return found;
}

static void a_message_that_is_sent_on_has_one_traceparent(void **state)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_new(4);
    struct otel_context *context;
    const void *value;
    size_t size;

    (void)state;
    add(headers, "other", NULL);
    add(headers, "traceparent", PARENT);
    context = otel_propagator_extract(otel_propagator_w3c(), otel_context_root(), headers,
                                      otel_rdkafka_header_getter());
    assert_true(otel_span_context_is_valid(otel_context_span_context(context)));
    otel_propagator_inject(otel_propagator_w3c(), context, headers, otel_rdkafka_header_setter());
    assert_int_equal(rd_kafka_header_cnt(headers), 2);
    assert_int_equal(rd_kafka_header_get(headers, 0, "traceparent", &value, &size), 0);
    assert_int_equal(size, strlen(PARENT));
    assert_memory_equal(value, PARENT, size);
    otel_context_unref(context);
    rd_kafka_headers_destroy(headers);
}

static void names_have_case_and_values_may_be_null(void **state)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_new(4);
    struct otel_str value = {NULL, 0};

    (void)state;
    add(headers, "Traceparent", PARENT);
    assert_false(finds(headers));
    add(headers, "traceparent", NULL);
    assert_true(otel_rdkafka_get(headers, otel_str("traceparent"), &value));
    assert_non_null(value.data);
    assert_int_equal(value.len, 0);
    assert_false(finds(headers));
    add(headers, "traceparent", PARENT); /* the second of that name */
    assert_false(finds(headers));
    rd_kafka_headers_destroy(headers);
}

static void count(void *arg, struct otel_str text)
{
    (void)text;
    ++*(unsigned *)arg;
}

static void all_values_and_names_are_given(void **state)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_new(4);
    unsigned values = 0, names = 0;

    (void)state;
    add(headers, "tracestate", "a=1");
    add(headers, "x", "y");
    add(headers, "tracestate", "b=2");
    otel_rdkafka_get_all(headers, otel_str("tracestate"), count, &values);
    otel_rdkafka_keys(headers, count, &names);
    assert_int_equal(values, 2);
    assert_int_equal(names, 3);
    rd_kafka_headers_destroy(headers);
}

static void a_name_that_is_too_long_is_left_out(void **state)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_new(4);
    char name[300];

    (void)state;
    memset(name, 'n', sizeof(name));
    otel_rdkafka_set(headers, otel_strn(name, 256), otel_str("v"));
    otel_rdkafka_set(headers, otel_strn("a\0b", 3), otel_str("v"));
    otel_rdkafka_set(headers, otel_str(""), otel_str("v"));
    assert_int_equal(rd_kafka_header_cnt(headers), 0);
    otel_rdkafka_set(headers, otel_strn(name, 255), otel_str("v"));
    assert_int_equal(rd_kafka_header_cnt(headers), 1);
    rd_kafka_headers_destroy(headers);
}

static void no_text(void *arg, struct otel_str text)
{
    (void)text;
    ++*(int *)arg;
}

static void a_message_without_headers_is_read_and_written(void **state)
{
    struct otel_str value;
    int found = 0;

    (void)state;
    assert_false(finds(NULL));
    assert_false(otel_rdkafka_get(NULL, otel_str("a"), &value));
    otel_rdkafka_get_all(NULL, otel_str("a"), no_text, &found);
    otel_rdkafka_keys(NULL, no_text, &found);
    otel_rdkafka_set(NULL, otel_str("a"), otel_str("b"));
    assert_int_equal(found, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_that_is_sent_on_has_one_traceparent),
        cmocka_unit_test(names_have_case_and_values_may_be_null),
        cmocka_unit_test(all_values_and_names_are_given),
        cmocka_unit_test(a_name_that_is_too_long_is_left_out),
        cmocka_unit_test(a_message_without_headers_is_read_and_written),
    };

    return cmocka_run_group_tests_name("kafka_carrier", tests, NULL, NULL);
}
