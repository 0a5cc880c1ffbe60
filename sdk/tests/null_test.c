/* SPDX-License-Identifier: Apache-2.0 */
/* Each function of the API with NULL for each of its pointers: none crashes, what they say is
 * defined, and what they were given besides stays usable. sdk/tests/install.sh looks that none of
 * the headers' functions is missing here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <otel/config_provider.h>
#include <otel/environment_carrier.h>
#include <otel/header_carrier.h>
#include <otel/impl.h>
#include <otel/log_correlation.h>
#include <otel/memory.h>
#include <otel/propagators.h>
#include <otel/trace.h>
#include <otel/trace_state.h>
#include <otel/vendor_propagators.h>

#define NOTHING otel_str(NULL)

static struct otel_span_context a_remote(void)
{
    struct otel_span_context remote;

    memset(&remote, 0, sizeof(remote));
    memset(remote.trace_id, 0x11, sizeof(remote.trace_id));
    memset(remote.span_id, 0x22, sizeof(remote.span_id));
    remote.flags = OTEL_FLAG_SAMPLED;
    return remote;
}

/* --- types.h, err.h, memory.h --- */

static void values_and_errors(void **state)
{
    (void)state;
    assert_int_equal(otel_str(NULL).len, 0);
    assert_int_equal(otel_strn(NULL, 3).len, 0);
    assert_true(otel_str_equal(NOTHING, otel_str("")));
    assert_int_equal(otel_value_empty().count, 0);
    assert_int_equal(otel_value_strn(NULL, 3).count, 0);
    assert_int_equal(otel_value_str(NULL).count, 0);
    assert_int_equal(otel_value_many(OTEL_VALUE_MAP, NULL, 3).count, 0);
    assert_int_equal(otel_attr(NULL, otel_value_bool(true)).key.len, 0);
    assert_int_equal(otel_attr_str(NULL, NULL).value.count, 0);
    assert_int_equal(otel_attr_bool(NULL, true).key.len, 0);
    assert_int_equal(otel_attr_int(NULL, 1).value.as.integer, otel_value_int(1).as.integer);
    assert_true(otel_attr_double(NULL, 1).value.type == otel_value_double(1).type);
    assert_non_null(otel_err_name(OTEL_OK));
    assert_non_null(otel_err_text(OTEL_OK));
    assert_int_equal(otel_err_class(OTEL_OK), OTEL_CLASS_NONE);
    assert_int_equal(otel_set_allocator(NULL), OTEL_ERR_ARGUMENT);
    assert_null(otel_allocator_in_use());
}

/* --- trace.h, span_context.h, impl.h --- */

static void tracers(void **state)
{
    struct otel_tracer_provider *provider = otel_tracer_provider_global();
    struct otel_tracer *tracer = otel_tracer_provider_tracer(provider, NULL);
    struct otel_tracer_options options;

    (void)state;
    otel_tracer_options_init(NULL);
    otel_tracer_options_init(&options);
    otel_tracer_unref(otel_tracer_provider_tracer(NULL, &options));
    otel_tracer_unref(otel_tracer_provider_tracer(NULL, NULL));
    otel_tracer_unref(otel_tracer(NULL, NULL));
    assert_non_null(tracer);
    assert_null(otel_tracer_ref(NULL));
    otel_tracer_unref(NULL);
    assert_false(otel_tracer_enabled(NULL));
    otel_tracer_unref(tracer);
    assert_null(otel_tracer_provider_ref(NULL));
    otel_tracer_provider_unref(NULL);
    otel_tracer_provider_set_global(NULL);
    otel_tracer_provider_unref(provider);
    assert_non_null(otel_tracer_noop());
}

static void change(struct otel_span *span)
{
    otel_span_set(span, NOTHING, NULL);
    otel_span_set_many(span, NULL, 3);
    otel_span_add_event(span, NULL);
    otel_span_add_event_named(span, NULL);
    otel_span_add_link(span, NULL);
    otel_span_record_exception(span, NULL);
    otel_span_set_status_str(span, OTEL_STATUS_ERROR, NOTHING);
    otel_span_set_status(span, OTEL_STATUS_ERROR, NULL);
    otel_span_update_name(span, NOTHING);
    otel_span_set_str(span, NULL, NULL);
    otel_span_set_bool(span, NULL, true);
    otel_span_set_int(span, NULL, 1);
    otel_span_set_double(span, NULL, 1);
    otel_span_end_at(span, 0);
    otel_span_end(span);
}

static void spans(void **state)
{
    struct otel_span *span = otel_span_start(NULL, NULL, NULL);
    struct otel_span_options options;

    (void)state;
    otel_span_options_init(NULL);
    otel_span_options_init(&options);
    change(span);
    change(NULL);
    assert_null(otel_span_ref(NULL));
    otel_span_unref(otel_span_ref(span));
    otel_span_unref(NULL);
    assert_false(otel_span_is_recording(NULL));
    assert_false(otel_span_context_is_valid(otel_span_get_context(NULL)));
    assert_ptr_equal(otel_span_passed_through(NULL), otel_span_invalid());
    assert_ptr_equal(otel_span_start_str(NULL, NOTHING, &options), otel_span_invalid());
    otel_span_finish(span);
    otel_span_finish(NULL);
}

static void span_contexts(void **state)
{
    const uint8_t id[OTEL_TRACE_ID_SIZE] = {1};
    char text[2 * OTEL_TRACE_ID_SIZE + 1];

    (void)state;
    assert_false(otel_span_context_is_valid(NULL));
    assert_false(otel_span_context_is_sampled(NULL));
    otel_trace_id_hex(NULL, text);
    assert_string_equal(text, "00000000000000000000000000000000");
    otel_span_id_hex(NULL, text);
    assert_string_equal(text, "0000000000000000");
    otel_trace_id_hex(id, NULL);
    otel_span_id_hex(id, NULL);
}

static void log_lines(void **state)
{
    const struct otel_span_context remote = a_remote();
    char ids[OTEL_LOG_FIELDS_SIZE] = "?";

    (void)state;
    assert_int_equal(otel_log_fields(&remote, NULL), 0);
    assert_int_equal(otel_log_fields(NULL, ids), 0);
    assert_string_equal(ids, "");
    assert_int_equal(otel_log_fields_current(NULL), 0);
}

/* --- context.h --- */

static void contexts(void **state)
{
    static const struct otel_context_key key = {"key", NULL, NULL};
    const struct otel_span_context remote = a_remote();
    struct otel_context *carries = otel_context_with_span_context(NULL, &remote);
    struct otel_context *context = otel_context_with_span_context(carries, NULL);

    (void)state;
    assert_false(otel_span_context_is_valid(otel_context_span_context(context)));
    otel_context_unref(context);
    otel_context_unref(otel_context_with_span_context(NULL, NULL));
    otel_context_unref(otel_context_with_span(carries, NULL));
    otel_context_unref(otel_context_with_span(NULL, NULL));
    otel_context_unref(otel_context_with_baggage(carries, NULL));
    otel_context_unref(otel_context_with_baggage(NULL, NULL));
    otel_context_unref(otel_context_with_value(NULL, &key, NULL));
    context = otel_context_with_value(carries, NULL, NULL);
    assert_ptr_equal(context, carries);
    otel_context_unref(context);
    assert_null(otel_context_value(NULL, &key));
    assert_null(otel_context_value(carries, NULL));
    assert_ptr_equal(otel_context_span(NULL), otel_span_invalid());
    assert_null(otel_context_baggage(NULL));
    assert_false(otel_span_context_is_valid(otel_context_span_context(NULL)));
    assert_ptr_equal(otel_context_ref(NULL), otel_context_root());
    otel_context_unref(NULL);
    assert_true(otel_context_detach(otel_context_attach(NULL)));
    assert_ptr_equal(otel_context_current(), otel_context_root());
    otel_context_unref(carries);
}

/* --- baggage.h, trace_state.h --- */

static void baggages(void **state)
{
    const struct otel_baggage_entry entry = {otel_str("a"), otel_str("1"), NOTHING};
    struct otel_baggage *baggage = NULL, *other = NULL;

    (void)state;
    assert_int_equal(otel_baggage_set(NULL, &entry, &baggage), OTEL_OK);
    assert_int_equal(otel_baggage_set(baggage, NULL, &other), OTEL_ERR_ARGUMENT);
    assert_int_equal(otel_baggage_set(baggage, &entry, NULL), OTEL_ERR_ARGUMENT);
    assert_int_equal(otel_baggage_set_many(baggage, NULL, 1, &other), OTEL_ERR_ARGUMENT);
    assert_int_equal(otel_baggage_set_many(baggage, &entry, 1, NULL), OTEL_ERR_ARGUMENT);
    assert_int_equal(otel_baggage_remove(baggage, NOTHING, NULL), OTEL_ERR_ARGUMENT);
    assert_null(other);
    assert_int_equal(otel_baggage_set_many(NULL, NULL, 0, &other), OTEL_OK);
    assert_int_equal(otel_baggage_remove(NULL, NOTHING, &other), OTEL_OK);
    assert_null(other);
    assert_true(otel_baggage_at(baggage, 0, NULL));
    assert_true(otel_baggage_get(baggage, entry.name, NULL));
    assert_false(otel_baggage_at(NULL, 0, NULL));
    assert_false(otel_baggage_get(NULL, NOTHING, NULL));
    assert_int_equal(otel_baggage_count(NULL), 0);
    assert_null(otel_baggage_ref(NULL));
    otel_baggage_unref(NULL);
    otel_baggage_unref(baggage);
}

static void trace_states(void **state)
{
    struct otel_trace_state *one = NULL, *other = NULL;
    struct otel_str key = NOTHING, value = NOTHING;

    (void)state;
    assert_int_equal(otel_trace_state_parse(otel_str("a=1"), &one), OTEL_OK);
    assert_int_equal(otel_trace_state_parse(otel_str("a=1"), NULL), OTEL_ERR_ARGUMENT);
    assert_int_equal(otel_trace_state_parse(NOTHING, &other), OTEL_OK);
    assert_int_equal(otel_trace_state_set(one, otel_str("b"), otel_str("2"), NULL),
                     OTEL_ERR_ARGUMENT);
    assert_int_equal(otel_trace_state_set(one, NOTHING, NOTHING, &other), OTEL_ERR_ARGUMENT);
    assert_int_equal(otel_trace_state_delete(one, NOTHING, NULL), OTEL_ERR_ARGUMENT);
    assert_int_equal(otel_trace_state_delete(NULL, NOTHING, &other), OTEL_OK);
    assert_null(other);
    assert_true(otel_trace_state_at(one, 0, NULL, NULL));
    assert_true(otel_trace_state_at(one, 0, &key, NULL));
    assert_true(otel_trace_state_at(one, 0, NULL, &value));
    assert_true(otel_str_equal(key, otel_str("a")) && otel_str_equal(value, otel_str("1")));
    assert_true(otel_trace_state_get(one, key, NULL));
    assert_false(otel_trace_state_at(NULL, 0, NULL, NULL));
    assert_false(otel_trace_state_get(NULL, NOTHING, NULL));
    assert_int_equal(otel_trace_state_header(NULL).len, 0);
    assert_int_equal(otel_trace_state_count(NULL), 0);
    assert_null(otel_trace_state_ref(NULL));
    otel_trace_state_unref(NULL);
    otel_trace_state_unref(one);
}

/* --- propagation.h and the propagators --- */

static void no_set(void *carrier, struct otel_str key, struct otel_str value)
{
    (void)carrier, (void)key, (void)value;
}

static bool no_get(const void *carrier, struct otel_str key, struct otel_str *ret_value)
{
    (void)carrier, (void)key, (void)ret_value;
    return false;
}

static void no_visit(void *arg, struct otel_str text)
{
    (void)arg, (void)text;
}

/* With NULL for each pointer, for every carrier of ours, and for one that has the least. */
static void carry(struct otel_propagator *propagator, struct otel_context *context)
{
    const struct otel_text_map_setter setter = {no_set}, no_setter = {NULL};
    const struct otel_text_map_getter getter = {no_get, NULL, NULL}, no_getter = {NULL, NULL, NULL};
    const struct otel_text_map_setter *setters[] = {
        NULL, &no_setter, &setter, otel_http_header_setter(), otel_kafka_header_setter(),
        otel_environment_setter()};
    const struct otel_text_map_getter *getters[] = {
        NULL, &no_getter, &getter, otel_http_header_getter(), otel_kafka_header_getter(),
        otel_environment_getter()};

    for (size_t i = 0; i < sizeof(setters) / sizeof(setters[0]); i++) {
        struct otel_context *found = otel_propagator_extract(propagator, context, NULL, getters[i]);
        if (getters[i] != otel_environment_getter()) /* of NULL it reads the test's environment */
            assert_ptr_equal(found, context != NULL ? context : otel_context_root());
        otel_context_unref(found);
        otel_propagator_inject(propagator, context, NULL, setters[i]);
    }
    otel_propagator_fields(propagator, NULL, NULL);
    otel_propagator_fields(propagator, no_visit, NULL);
}

static void propagators(void **state)
{
    struct otel_propagator *all[] = {
        NULL, otel_propagator_noop(), otel_propagator_tracecontext(), otel_propagator_baggage(),
        otel_propagator_w3c(), otel_propagator_b3(), otel_propagator_b3_multi(),
        otel_propagator_jaeger(), otel_propagator_xray(), otel_propagator_datadog(),
        otel_propagator_ottrace()};
    const struct otel_baggage_entry entry = {otel_str("a"), otel_str("1"), NOTHING};
    const struct otel_span_context remote = a_remote();
    struct otel_context *with_span = otel_context_with_span_context(NULL, &remote);
    struct otel_baggage *baggage = NULL;
    struct otel_context *context;

    (void)state;
    assert_int_equal(otel_baggage_set(NULL, &entry, &baggage), OTEL_OK);
    context = otel_context_with_baggage(with_span, baggage);
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        carry(all[i], context);
        carry(all[i], NULL);
    }
    otel_context_unref(context);
    otel_context_unref(with_span);
    otel_baggage_unref(baggage);
}

static void composites_and_the_global_propagator(void **state)
{
    struct otel_propagator *none[] = {NULL}, *composite = NULL;

    (void)state;
    assert_int_equal(otel_propagator_composite_new(NULL, 1, &composite), OTEL_ERR_ARGUMENT);
    assert_int_equal(otel_propagator_composite_new(none, 1, NULL), OTEL_ERR_ARGUMENT);
    assert_null(composite);
    assert_int_equal(otel_propagator_composite_new(NULL, 0, &composite), OTEL_OK);
    carry(composite, NULL);
    otel_propagator_unref(composite);
    assert_int_equal(otel_propagator_composite_new(none, 1, &composite), OTEL_OK);
    carry(composite, NULL);
    otel_propagator_unref(composite);
    assert_null(otel_propagator_ref(NULL));
    otel_propagator_unref(NULL);
    otel_propagator_set_global(NULL);
    composite = otel_propagator_global();
    assert_ptr_equal(composite, otel_propagator_noop());
    otel_propagator_unref(composite);
}

/* --- header_carrier.h, environment_carrier.h --- */

static void header_lists(void **state)
{
    struct otel_headers *list = NULL;

    (void)state;
    assert_int_equal(otel_headers_new(NULL), OTEL_ERR_ARGUMENT);
    assert_int_equal(otel_headers_new(&list), OTEL_OK);
    assert_int_equal(otel_headers_add(list, NOTHING, NOTHING), OTEL_OK);
    assert_int_equal(otel_headers_add(NULL, NOTHING, NOTHING), OTEL_ERR_ARGUMENT);
    assert_int_equal(otel_headers_view(list)->count, 1);
    assert_int_equal(otel_headers_view(NULL)->count, 0);
    assert_int_equal(otel_headers_left_out(NULL), 0);
    otel_http_header_getter()->get_all(NULL, NOTHING, no_visit, NULL);
    otel_kafka_header_getter()->get_all(NULL, NOTHING, no_visit, NULL);
    otel_http_header_getter()->keys(NULL, no_visit, NULL);
    otel_headers_free(list);
    otel_headers_free(NULL);
}

static void environments(void **state)
{
    struct otel_environment *environment = NULL;

    (void)state;
    assert_int_equal(otel_environment_new(NULL, NULL), OTEL_ERR_ARGUMENT);
    assert_int_equal(otel_environment_new(NULL, &environment), OTEL_OK);
    assert_null(otel_environment_block(environment)[0]);
    assert_null(otel_environment_block(NULL)[0]);
    assert_int_equal(otel_environment_name(otel_str("a"), NULL), 0);
    otel_environment_getter()->keys(NULL, no_visit, NULL);
    otel_environment_free(environment);
    otel_environment_free(NULL);
}

/* --- config_provider.h --- */

static void no_key_is_found(const struct otel_properties *properties, const char *key)
{
    assert_null(otel_properties_find(properties, key));
    assert_false(otel_properties_string(properties, key, NULL));
    assert_false(otel_properties_bool(properties, key, NULL));
    assert_false(otel_properties_int(properties, key, NULL));
    assert_false(otel_properties_double(properties, key, NULL));
    assert_false(otel_properties_mapping(properties, key, NULL));
    assert_int_equal(otel_properties_length(properties, key), 0);
    assert_false(otel_properties_string_at(properties, key, 0, NULL));
    assert_false(otel_properties_bool_at(properties, key, 0, NULL));
    assert_false(otel_properties_int_at(properties, key, 0, NULL));
    assert_false(otel_properties_double_at(properties, key, 0, NULL));
    assert_false(otel_properties_mapping_at(properties, key, 0, NULL));
}

static void properties_are_found_without_a_place_for_them(void **state)
{
    const struct otel_value list[] = {otel_value_str("text"), otel_value_bool(true),
                                      otel_value_int(1), otel_value_double(1),
                                      otel_value_many(OTEL_VALUE_MAP, NULL, 0)};
    const struct otel_attribute items[] = {
        otel_attr("s", list[0]), otel_attr("b", list[1]), otel_attr("i", list[2]),
        otel_attr("d", list[3]), otel_attr("m", list[4]),
        otel_attr("l", otel_value_many(OTEL_VALUE_ARRAY, list, 5))};
    const struct otel_properties all = {items, 6};

    (void)state;
    assert_true(otel_properties_string(&all, "s", NULL));
    assert_true(otel_properties_bool(&all, "b", NULL));
    assert_true(otel_properties_int(&all, "i", NULL));
    assert_true(otel_properties_double(&all, "d", NULL));
    assert_true(otel_properties_double(&all, "i", NULL));
    assert_true(otel_properties_mapping(&all, "m", NULL));
    assert_true(otel_properties_string_at(&all, "l", 0, NULL));
    assert_true(otel_properties_bool_at(&all, "l", 1, NULL));
    assert_true(otel_properties_int_at(&all, "l", 2, NULL));
    assert_true(otel_properties_double_at(&all, "l", 3, NULL));
    assert_true(otel_properties_mapping_at(&all, "l", 4, NULL));
    no_key_is_found(&all, NULL);
    no_key_is_found(NULL, "s");
    no_key_is_found(NULL, NULL);
}

static void config_providers(void **state)
{
    struct otel_config_provider *provider;

    (void)state;
    assert_null(otel_config_provider_ref(NULL));
    otel_config_provider_unref(NULL);
    assert_int_equal(otel_config_provider_instrumentation(NULL).count, 0);
    otel_config_provider_set_global(NULL);
    provider = otel_config_provider_global();
    assert_ptr_equal(provider, otel_config_provider_noop());
    otel_config_provider_unref(provider);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_and_errors),
        cmocka_unit_test(tracers),
        cmocka_unit_test(spans),
        cmocka_unit_test(span_contexts),
        cmocka_unit_test(log_lines),
        cmocka_unit_test(contexts),
        cmocka_unit_test(baggages),
        cmocka_unit_test(trace_states),
        cmocka_unit_test(propagators),
        cmocka_unit_test(composites_and_the_global_propagator),
        cmocka_unit_test(header_lists),
        cmocka_unit_test(environments),
        cmocka_unit_test(properties_are_found_without_a_place_for_them),
        cmocka_unit_test(config_providers),
    };

    return cmocka_run_group_tests_name("null", tests, NULL, NULL);
}
