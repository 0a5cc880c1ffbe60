/* SPDX-License-Identifier: Apache-2.0 */
/* What a program's own samplers, processors and exporters see of the instrumentation scope. */
#include <stdio.h>
#include <string.h>

#include "sdk/tests/rig.h"

/* "name version url key=value,..." */
static void read_scope(const struct otel_sdk_scope *scope, char *out, size_t size)
{
    struct otel_sdk_iter iter = otel_sdk_scope_attributes(scope);
    struct otel_sdk_read_attribute attribute;
    int len = snprintf(out, size, "%.*s %.*s %.*s ", (int)scope->name.len, scope->name.data,
                       (int)scope->version.len, scope->version.data, (int)scope->schema_url.len,
                       scope->schema_url.data);

    while (otel_sdk_next_attribute(&iter, &attribute)) {
        len += snprintf(out + len, size - (size_t)len, "%.*s=", (int)attribute.key.len,
                        attribute.key.data);
        if (attribute.type == OTEL_VALUE_STRING)
            len += snprintf(out + len, size - (size_t)len, "%.*s,", (int)attribute.text.len,
                            attribute.text.data);
        else
            len += snprintf(out + len, size - (size_t)len, "%lld,", (long long)attribute.integer);
    }
}

struct looker {
    struct otel_sdk_processor processor;
    char enabled[200], sampled[200], at_start[200], at_end[200];
};

static bool enabled(void *arg, const struct otel_sdk_scope *scope)
{
    read_scope(scope, ((struct looker *)arg)->enabled, 200);
    return true;
}

static void sample(void *arg, const struct otel_sdk_sampling_input *input,
                   struct otel_sdk_sampling_result *result)
{
    read_scope(input->scope, ((struct looker *)arg)->sampled, 200);
    result->decision = OTEL_SDK_RECORD_AND_SAMPLE;
}

static void on_start(struct otel_sdk_processor *processor, struct otel_span *span,
                     const struct otel_context *parent)
{
    (void)parent;
    read_scope(otel_sdk_span_scope(otel_sdk_span_readable(span)),
               ((struct looker *)processor)->at_start, 200);
}

static void on_end(struct otel_sdk_processor *processor, struct otel_sdk_readable_span *span)
{
    read_scope(otel_sdk_span_scope(span), ((struct looker *)processor)->at_end, 200);
}

static void looker_free(struct otel_sdk_processor *processor)
{
    (void)processor; /* the test's */
}

static struct otel_tracer *tracer_of(struct rig *rig)
{
    const struct otel_attribute attributes[] = {otel_attr_str("team", "pay"),
                                                otel_attr_int("tier", 2)};
    struct otel_tracer_options options;

    otel_tracer_options_init(&options);
    options.name = otel_str("lib");
    options.version = otel_str("1.2");
    options.schema_url = otel_str("https://x.test/1");
    options.attributes = attributes;
    options.attribute_count = 2;
    return otel_tracer_provider_tracer(otel_sdk_provider_api(rig->provider), &options);
}

#define WHOLE "lib 1.2 https://x.test/1 team=pay,tier=2,"

static void samplers_and_processors_see_all_of_the_scope(void **state)
{
    static const struct otel_sdk_processor_ops ops = {
        .struct_size = sizeof(ops), .on_start = on_start, .on_end = on_end, .free = looker_free};
    struct looker looker = {.processor.ops = &ops};
    struct otel_tracer *tracer;
    struct rig rig;

    (void)state;
    rig_init(&rig);
    rig.options.tracer_enabled = enabled;
    rig.options.tracer_enabled_arg = &looker;
    assert_int_equal(
        otel_sdk_sampler_custom_new(sample, "Look", NULL, &looker, &rig.options.sampler), OTEL_OK);
    rig_start_with(&rig, &looker.processor);
    otel_sdk_sampler_unref(rig.options.sampler);
    tracer = tracer_of(&rig);
    otel_span_finish(otel_span_start(tracer, "op", NULL));
    otel_tracer_unref(tracer);
    assert_string_equal(looker.enabled, WHOLE);
    assert_string_equal(looker.sampled, WHOLE);
    assert_string_equal(looker.at_start, WHOLE);
    assert_string_equal(looker.at_end, WHOLE);
    one_span(&rig, "of a scope without attributes");
    assert_string_equal(looker.sampled + strlen(looker.sampled) - 2, "  ");
    assert_string_equal(looker.at_end, looker.sampled);
    rig_fini(&rig);
}

static void what_was_exported_still_has_its_scope(void **state)
{
    struct otel_tracer *tracer;
    struct seen seen;
    struct rig rig;
    char text[200];

    (void)state;
    rig_init(&rig);
    rig_start(&rig);
    tracer = tracer_of(&rig);
    otel_span_finish(otel_span_start(tracer, "op", NULL));
    otel_tracer_unref(tracer);
    seen = rig_seen(&rig, "op");
    read_scope(&seen.span.scope, text, sizeof(text));
    assert_string_equal(text, WHOLE);
    rig_fini(&rig);
}

static void without_a_scope_there_are_no_attributes(void **state)
{
    struct otel_sdk_iter iter = otel_sdk_scope_attributes(NULL);
    struct otel_sdk_read_attribute attribute;

    (void)state;
    assert_false(otel_sdk_next_attribute(&iter, &attribute));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samplers_and_processors_see_all_of_the_scope),
        cmocka_unit_test(what_was_exported_still_has_its_scope),
        cmocka_unit_test(without_a_scope_there_are_no_attributes),
    };

    return cmocka_run_group_tests_name("scope", tests, NULL, NULL);
}
