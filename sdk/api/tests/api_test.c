/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <otel/baggage.h>
#include <otel/context.h>
#include <otel/propagation.h>
#include <otel/trace.h>
#include <otel/trace_state.h>

#include "sdk/base/mem.h"

static struct otel_span_context a_remote(void)
{
    struct otel_span_context remote;

    memset(&remote, 0, sizeof(remote));
    memset(remote.trace_id, 0x11, sizeof(remote.trace_id));
    memset(remote.span_id, 0x22, sizeof(remote.span_id));
    remote.flags = OTEL_FLAG_SAMPLED;
    remote.is_remote = true;
    return remote;
}

static void without_sdk_a_span_is_invalid_and_allocates_nothing(void **state)
{
    struct otel_tracer *tracer = otel_tracer("lib", "1");
    struct otel_span *span;

    (void)state;
    otl_mem_fail_at(1);
    span = otel_span_start(tracer, "x", NULL);
    otel_span_set_str(span, "k", "v");
    otel_span_set_status(span, OTEL_STATUS_ERROR, "bad");
    otel_span_add_event_named(span, "e");
    otel_span_update_name(span, otel_str("y"));
    otel_span_end(span);
    assert_int_equal(otl_mem_count(), 0);
    otl_mem_fail_at(0);
    assert_false(otel_span_is_recording(span));
    assert_false(otel_span_context_is_valid(otel_span_get_context(span)));
    assert_int_equal(otel_span_get_context(span)->flags, 0);
    assert_false(otel_tracer_enabled(tracer));
    otel_span_unref(span);
    otel_tracer_unref(tracer);
}

static void without_sdk_a_remote_parent_is_passed_through_as_it_is(void **state)
{
    struct otel_span_context remote = a_remote();
    struct otel_context *context = otel_context_with_span_context(NULL, &remote);
    struct otel_tracer *tracer = otel_tracer("lib", NULL);
    struct otel_span_options options;
    struct otel_span *span;

    (void)state;
    otel_span_options_init(&options);
    options.parent = context;
    span = otel_span_start(tracer, "relay", &options);
    assert_ptr_equal(span, otel_context_span(context));
    assert_memory_equal(otel_span_get_context(span)->trace_id, remote.trace_id, 16);
    assert_memory_equal(otel_span_get_context(span)->span_id, remote.span_id, 8);
    otel_span_finish(span);
    options.root = true;
    span = otel_span_start(tracer, "root", &options);
    assert_false(otel_span_context_is_valid(otel_span_get_context(span)));
    otel_span_finish(span);
    otel_context_unref(context);
    otel_tracer_unref(tracer);
}

static void attach_and_detach_restore_what_was_current(void **state)
{
    struct otel_baggage_entry entry = {otel_str("a"), otel_str("1"), otel_str(NULL)};
    struct otel_baggage *baggage = NULL;
    struct otel_context *one, *two;
    struct otel_context_token first, second;

    (void)state;
    assert_int_equal(otel_baggage_set(NULL, &entry, &baggage), OTEL_OK);
    one = otel_context_with_baggage(NULL, baggage);
    two = otel_context_with_baggage(one, NULL);
    assert_ptr_equal(otel_context_current(), otel_context_root());
    first = otel_context_attach(one);
    second = otel_context_attach(two);
    assert_ptr_equal(otel_context_current(), two);
    assert_true(otel_context_detach(second));
    assert_ptr_equal(otel_context_current(), one);
    assert_true(otel_context_detach(first));
    assert_ptr_equal(otel_context_current(), otel_context_root());
    otel_context_unref(one);
    otel_context_unref(two);
    otel_baggage_unref(baggage);
}

static void detach_in_the_wrong_order_says_so_and_leaks_nothing(void **state)
{
    struct otel_context *one = otel_context_with_baggage(NULL, NULL);
    struct otel_context *two = otel_context_with_baggage(NULL, NULL);
    struct otel_context_token first = otel_context_attach(one);
    struct otel_context_token second = otel_context_attach(two);

    (void)state;
    assert_false(otel_context_detach(first));
    assert_ptr_equal(otel_context_current(), otel_context_root());
    assert_false(otel_context_detach(second));
    assert_ptr_equal(otel_context_current(), otel_context_root());
    otel_context_unref(one);
    otel_context_unref(two);
}

static void values_are_found_through_later_contexts(void **state)
{
    static const struct otel_context_key key = {"key", NULL, NULL}, other = {"other", NULL, NULL};
    int value = 7;
    struct otel_context *one = otel_context_with_value(NULL, &key, &value);
    struct otel_context *two = otel_context_with_baggage(one, NULL);
    struct otel_context *three = otel_context_with_value(two, &other, &state);

    assert_ptr_equal(otel_context_value(three, &key), &value);
    assert_ptr_equal(otel_context_value(three, &other), &state);
    assert_null(otel_context_value(one, &other));
    otel_context_unref(one);
    otel_context_unref(two);
    assert_ptr_equal(otel_context_value(three, &key), &value);
    otel_context_unref(three);
}

static int g_held;

static void hold_value(void *value)
{
    (void)value;
    g_held++;
}

static void release_value(void *value)
{
    (void)value;
    g_held--;
}

static void counted_values_are_held_by_their_context(void **state)
{
    static const struct otel_context_key key = {"counted", hold_value, release_value};
    struct otel_context *one = otel_context_with_value(NULL, &key, &g_held);
    struct otel_context *two = otel_context_with_baggage(one, NULL);

    (void)state;
    otel_context_unref(one);
    assert_int_equal(g_held, 1);
    otel_context_unref(two);
    assert_int_equal(g_held, 0);
}

static void a_context_without_memory_is_its_parent(void **state)
{
    struct otel_context *parent = otel_context_with_baggage(NULL, NULL), *child;

    (void)state;
    otl_mem_fail_at(1);
    child = otel_context_with_baggage(parent, NULL);
    otl_mem_fail_at(0);
    assert_ptr_equal(child, parent);
    otel_context_unref(child);
    otel_context_unref(parent);
}

static void baggage_is_immutable_and_replaces_by_name(void **state)
{
    struct otel_baggage_entry a = {otel_str("user"), otel_str("alice"), otel_str("p=1")};
    struct otel_baggage_entry b = {otel_str("user"), otel_str("bob"), otel_str(NULL)};
    struct otel_baggage_entry empty = {otel_str(""), otel_str("x"), otel_str(NULL)};
    struct otel_baggage_entry found;
    struct otel_baggage *one = NULL, *two = NULL, *none = NULL;

    (void)state;
    assert_int_equal(otel_baggage_set(NULL, &a, &one), OTEL_OK);
    assert_int_equal(otel_baggage_set(one, &b, &two), OTEL_OK);
    assert_int_equal(otel_baggage_set(one, &empty, &none), OTEL_ERR_ARGUMENT);
    assert_int_equal(otel_baggage_count(two), 1);
    assert_true(otel_baggage_get(one, otel_str("user"), &found));
    assert_true(otel_str_equal(found.value, otel_str("alice")));
    assert_true(otel_str_equal(found.metadata, otel_str("p=1")));
    assert_true(otel_baggage_get(two, otel_str("user"), &found));
    assert_true(otel_str_equal(found.value, otel_str("bob")));
    assert_int_equal(otel_baggage_remove(two, otel_str("user"), &none), OTEL_OK);
    assert_null(none);
    otel_baggage_unref(one);
    otel_baggage_unref(two);
}

static void baggage_has_a_maximum(void **state)
{
    struct otel_baggage *baggage = NULL, *next = NULL;
    enum otel_err err = OTEL_OK;
    size_t count = 0;

    (void)state;
    while (err == OTEL_OK) {
        char name[32];
        struct otel_baggage_entry entry = {otel_strn(name, 0), otel_str("v"), otel_str(NULL)};
        snprintf(name, sizeof(name), "n%zu", count);
        entry.name = otel_str(name);
        err = otel_baggage_set(baggage, &entry, &next);
        if (err == OTEL_OK) {
            otel_baggage_unref(baggage);
            baggage = next;
            count++;
        }
    }
    assert_int_equal(err, OTEL_ERR_LIMIT);
    assert_int_equal(count, OTEL_BAGGAGE_MAX_ENTRIES);
    otel_baggage_unref(baggage);
}

static void trace_state_keeps_order_and_moves_a_changed_member_to_the_front(void **state)
{
    struct otel_trace_state *one = NULL, *two = NULL, *three = NULL;

    (void)state;
    assert_int_equal(otel_trace_state_parse(otel_str("a=1, b=2 ,,c= 3,a=9"), &one), OTEL_OK);
    assert_true(otel_str_equal(otel_trace_state_header(one), otel_str("a=1,b=2,c= 3")));
    assert_int_equal(otel_trace_state_set(one, otel_str("c"), otel_str("4"), &two), OTEL_OK);
    assert_true(otel_str_equal(otel_trace_state_header(two), otel_str("c=4,a=1,b=2")));
    assert_int_equal(otel_trace_state_delete(two, otel_str("a"), &three), OTEL_OK);
    assert_true(otel_str_equal(otel_trace_state_header(three), otel_str("c=4,b=2")));
    otel_trace_state_unref(one);
    otel_trace_state_unref(two);
    otel_trace_state_unref(three);
}

static void trace_state_refuses_what_the_grammar_refuses(void **state)
{
    static const char *const bad[] = {"a", "=1", "A=1", "a=", "a=b=c", "a b=1", "-a=1", "a=\x7f"};
    struct otel_trace_state *parsed = NULL;
    char many[512] = "";

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(otel_trace_state_parse(otel_str(bad[i]), &parsed), OTEL_ERR_SYNTAX);
    for (size_t i = 0, at = 0; i < 33; i++)
        at += (size_t)snprintf(many + at, sizeof(many) - at, "k%zu=v,", i);
    assert_int_equal(otel_trace_state_parse(otel_str(many), &parsed), OTEL_ERR_LIMIT);
    assert_int_equal(otel_trace_state_parse(otel_str("0@-_*/=v"), &parsed), OTEL_OK);
    otel_trace_state_unref(parsed);
}

static void must_not_set(void *carrier, struct otel_str key, struct otel_str value)
{
    (void)carrier, (void)key, (void)value;
    fail();
}

static bool must_not_get(const void *carrier, struct otel_str key, struct otel_str *ret_value)
{
    (void)carrier, (void)key, (void)ret_value;
    fail();
    return false;
}

static void the_global_propagator_does_nothing_until_one_is_set(void **state)
{
    static const struct otel_text_map_setter setter = {must_not_set};
    static const struct otel_text_map_getter getter = {must_not_get, NULL, NULL};
    struct otel_context *context = otel_context_with_baggage(NULL, NULL), *back;

    (void)state;
    otel_propagator_inject(NULL, context, NULL, &setter);
    back = otel_propagator_extract(NULL, context, NULL, &getter);
    assert_ptr_equal(back, context);
    otel_context_unref(back);
    otel_context_unref(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_sdk_a_span_is_invalid_and_allocates_nothing),
        cmocka_unit_test(without_sdk_a_remote_parent_is_passed_through_as_it_is),
        cmocka_unit_test(attach_and_detach_restore_what_was_current),
        cmocka_unit_test(detach_in_the_wrong_order_says_so_and_leaks_nothing),
        cmocka_unit_test(values_are_found_through_later_contexts),
        cmocka_unit_test(counted_values_are_held_by_their_context),
        cmocka_unit_test(a_context_without_memory_is_its_parent),
        cmocka_unit_test(baggage_is_immutable_and_replaces_by_name),
        cmocka_unit_test(baggage_has_a_maximum),
        cmocka_unit_test(trace_state_keeps_order_and_moves_a_changed_member_to_the_front),
        cmocka_unit_test(trace_state_refuses_what_the_grammar_refuses),
        cmocka_unit_test(the_global_propagator_does_nothing_until_one_is_set),
    };

    return cmocka_run_group_tests_name("api", tests, NULL, NULL);
}
