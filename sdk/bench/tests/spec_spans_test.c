/* SPDX-License-Identifier: Apache-2.0 */
/* The benchmark of the specification measures the spans that the specification says. */
#include "sdk/bench/spec_spans.h"

#include <string.h>

#include "sdk/tests/rig.h"

static void start(struct rig *rig)
{
    rig_init(rig);
    assert_int_equal(spec_resource(&rig->options.resource), OTEL_OK);
    rig_start(rig);
}

static void fini(struct rig *rig)
{
    rig_fini(rig);
    otel_sdk_resource_unref(rig->options.resource);
}

static void the_span_that_is_timed_has_one_number_and_one_empty_event(void **state)
{
    struct otel_sdk_read_attribute attribute;
    struct otel_sdk_read_event event;
    struct otel_sdk_iter events;
    struct rig rig;
    struct seen seen;

    (void)state;
    start(&rig);
    spec_small(rig.tracer);
    seen = rig_seen(&rig, "operation");
    events = otel_sdk_decode_events(seen.span.encoded);
    assert_false(otel_span_context_is_valid(&seen.info.parent));
    assert_int_equal(seen.info.attribute_count, 1);
    assert_int_equal(seen_attribute(&seen, "http.response.status_code").type, OTEL_VALUE_INT);
    assert_true(otel_sdk_next_event(&events, &event));
    assert_false(otel_sdk_next_attribute(&event.attributes, &attribute));
    assert_false(otel_sdk_next_event(&events, &event));
    fini(&rig);
}

static void the_span_that_is_exported_has_ten_attributes_of_20_and_20_characters(void **state)
{
    struct otel_sdk_read_attribute attribute;
    struct otel_sdk_iter attributes;
    struct rig rig;
    struct seen seen;

    (void)state;
    start(&rig);
    spec_large(rig.tracer);
    seen = rig_seen(&rig, "operation");
    attributes = otel_sdk_decode_attributes(seen.span.encoded);
    assert_false(otel_span_context_is_valid(&seen.info.parent));
    assert_int_equal(seen.info.attribute_count, 10);
    while (otel_sdk_next_attribute(&attributes, &attribute)) {
        assert_int_equal(attribute.key.len, 20);
        assert_int_equal(attribute.type, OTEL_VALUE_STRING);
        assert_int_equal(attribute.text.len, 20);
    }
    fini(&rig);
}

static void the_resource_names_service_version_and_instance(void **state)
{
    static const char *const keys[] = {"service.name", "service.version", "service.instance.id"};
    struct otel_sdk_resource *resource = NULL;
    struct otel_value value;

    (void)state;
    assert_int_equal(spec_resource(&resource), OTEL_OK);
    for (size_t i = 0; i < 3; i++)
        assert_true(otel_sdk_resource_get(resource, otel_str(keys[i]), &value));
    otel_sdk_resource_unref(resource);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_span_that_is_timed_has_one_number_and_one_empty_event),
        cmocka_unit_test(the_span_that_is_exported_has_ten_attributes_of_20_and_20_characters),
        cmocka_unit_test(the_resource_names_service_version_and_instance),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
