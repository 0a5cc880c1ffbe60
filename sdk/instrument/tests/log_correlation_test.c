/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <otel/log_correlation.h>

#include "sdk/base/mem.h"

static const struct otel_span_context context = {
    .trace_id = {0x4b, 0xf9, 0x2f, 0x35, 0x77, 0xb3, 0x4d, 0xa6, 0xa3, 0xce, 0x92, 0x9d, 0x0e, 0x0e,
                 0x47, 0x36},
    .span_id = {0x00, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 0x02, 0xb7},
    .flags = OTEL_FLAG_SAMPLED | OTEL_FLAG_RANDOM};

#define IDS                                                                                        \
    ",\"trace_id\":\"4bf92f3577b34da6a3ce929d0e0e4736\",\"span_id\":\"00f067aa0ba902b7\","         \
    "\"trace_flags\":"

static void ids_and_flags_are_fields_of_a_json_line(void **state)
{
    char out[OTEL_LOG_FIELDS_SIZE];

    (void)state;
    memset(out, 'x', sizeof(out));
    assert_int_equal(otel_log_fields(&context, out), strlen(IDS "\"03\""));
    assert_string_equal(out, IDS "\"03\"");
}

static void a_span_that_is_not_sampled_says_so(void **state)
{
    struct otel_span_context other = context;
    char out[OTEL_LOG_FIELDS_SIZE];

    (void)state;
    other.flags = 0;
    otel_log_fields(&other, out);
    assert_string_equal(out, IDS "\"00\"");
}

static void without_a_valid_span_the_text_is_empty(void **state)
{
    struct otel_span_context half = context;
    char out[OTEL_LOG_FIELDS_SIZE] = "x";

    (void)state;
    assert_int_equal(otel_log_fields(NULL, out), 0);
    assert_string_equal(out, "");
    memset(half.span_id, 0, sizeof(half.span_id));
    out[0] = 'x';
    assert_int_equal(otel_log_fields(&half, out), 0);
    assert_string_equal(out, "");
    assert_int_equal(otel_log_fields(&context, NULL), 0);
}

static void the_current_span_is_this_threads(void **state)
{
    struct otel_context *with = otel_context_with_span_context(otel_context_root(), &context);
    struct otel_context_token token = otel_context_attach(with);
    char out[OTEL_LOG_FIELDS_SIZE];

    (void)state;
    otel_log_fields_current(out);
    assert_string_equal(out, IDS "\"03\"");
    otel_context_detach(token);
    otel_context_unref(with);
    assert_int_equal(otel_log_fields_current(out), 0);
}

static void no_memory_is_asked_for(void **state)
{
    struct otel_context *with = otel_context_with_span_context(otel_context_root(), &context);
    struct otel_context_token token = otel_context_attach(with);
    char out[OTEL_LOG_FIELDS_SIZE];

    (void)state;
    otl_mem_fail_at(1);
    otel_log_fields_current(out);
    assert_int_equal(otl_mem_count(), 0);
    otl_mem_fail_at(0);
    assert_string_equal(out, IDS "\"03\"");
    otel_context_detach(token);
    otel_context_unref(with);
}

/* The line stays good JSON, without ids. */
static void a_span_that_found_no_memory_to_be_current_has_no_fields(void **state)
{
    char out[OTEL_LOG_FIELDS_SIZE] = "x";
    struct otel_context *with;
    struct otel_context_token token;

    (void)state;
    otl_mem_fail_at(1);
    with = otel_context_with_span_context(otel_context_root(), &context);
    token = otel_context_attach(with);
    assert_int_equal(otel_log_fields_current(out), 0);
    assert_string_equal(out, "");
    otel_context_detach(token);
    otel_context_unref(with);
    otl_mem_fail_at(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_and_flags_are_fields_of_a_json_line),
        cmocka_unit_test(a_span_that_is_not_sampled_says_so),
        cmocka_unit_test(without_a_valid_span_the_text_is_empty),
        cmocka_unit_test(the_current_span_is_this_threads),
        cmocka_unit_test(no_memory_is_asked_for),
        cmocka_unit_test(a_span_that_found_no_memory_to_be_current_has_no_fields),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
