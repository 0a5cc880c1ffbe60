/* SPDX-License-Identifier: Apache-2.0 */
/* What a readable span says of its parent: the whole span context, trace state included. */
#include <string.h>

#include <otel/trace_state.h>

#include "sdk/tests/rig.h"

/* A processor that writes down what each span says at its start and at its end. */
struct looker {
    struct otel_sdk_processor processor;
    struct otel_span_context parent;
    char at_start[64], at_end[64], own[64]; /* trace states */
};

static void text_of(const struct otel_trace_state *state, char *out)
{
    struct otel_str text = otel_trace_state_header(state);

    assert_in_range(text.len, 0, 63);
    if (text.len != 0)
        memcpy(out, text.data, text.len);
    out[text.len] = '\0';
}

static void on_start(struct otel_sdk_processor *processor, struct otel_span *span,
                     const struct otel_context *parent)
{
    struct looker *looker = (struct looker *)processor;
    struct otel_sdk_span_info info;

    (void)parent;
    otel_sdk_span_info(otel_sdk_span_readable(span), &info);
    text_of(info.parent.trace_state, looker->at_start);
}

static void on_end(struct otel_sdk_processor *processor, struct otel_sdk_readable_span *span)
{
    struct looker *looker = (struct looker *)processor;
    struct otel_sdk_span_info info;

    otel_sdk_span_info(span, &info);
    looker->parent = info.parent;
    text_of(info.parent.trace_state, looker->at_end);
    text_of(info.context.trace_state, looker->own);
}

static void looker_free(struct otel_sdk_processor *processor)
{
    (void)processor; /* the test's */
}

/* A parent with this trace state, remote, sampled, or without sampling flag. */
static struct otel_context *parent_with(const char *header, uint8_t flags)
{
    struct otel_span_context remote;
    struct otel_context *context;

    memset(&remote, 0, sizeof(remote));
    memset(remote.trace_id, 0xff, sizeof(remote.trace_id));
    memset(remote.span_id, 0xcd, sizeof(remote.span_id));
    remote.flags = flags;
    remote.is_remote = true;
    assert_int_equal(otel_trace_state_parse(otel_str(header), &remote.trace_state), OTEL_OK);
    context = otel_context_with_span_context(NULL, &remote);
    otel_trace_state_unref(remote.trace_state);
    return context;
}

/* A span below context (consumed), which lets go of it before the span ends. */
static void one_below(struct rig *rig, struct otel_context *context)
{
    struct otel_span_options options;
    struct otel_span *span;

    otel_span_options_init(&options);
    options.parent = context;
    span = otel_span_start(rig->tracer, "op", &options);
    otel_context_unref(context);
    otel_span_finish(span);
}

static void start_looking(struct rig *rig, struct looker *looker, struct otel_sdk_sampler *sampler)
{
    static const struct otel_sdk_processor_ops ops = {
        .struct_size = sizeof(ops), .on_start = on_start, .on_end = on_end, .free = looker_free};

    memset(looker, 0, sizeof(*looker));
    looker->processor.ops = &ops;
    rig_init(rig);
    rig->options.sampler = sampler;
    rig_start_with(rig, &looker->processor);
}

static void looks(const struct looker *looker, const char *parent, const char *own)
{
    assert_string_equal(looker->at_start, parent);
    assert_string_equal(looker->at_end, parent);
    assert_string_equal(looker->own, own);
}

static void the_parents_trace_state_is_there_where_the_span_has_it_too(void **state)
{
    struct looker looker;
    struct rig rig;

    (void)state;
    start_looking(&rig, &looker, NULL);
    one_below(&rig, parent_with("v=1,w=2", OTEL_FLAG_SAMPLED));
    looks(&looker, "v=1,w=2", "v=1,w=2");
    assert_true(looker.parent.is_remote);
    assert_int_equal(looker.parent.span_id[0], 0xcd);
    one_below(&rig, parent_with("", OTEL_FLAG_SAMPLED));
    looks(&looker, "", "");
    one_span(&rig, "root");
    looks(&looker, "", "");
    assert_false(otel_span_context_is_valid(&looker.parent));
    rig_fini(&rig);
}

static void it_is_there_where_a_sampler_gave_the_span_another_one(void **state)
{
    struct otel_sdk_probability_options options;
    struct otel_sdk_sampler *sampler = NULL;
    struct looker looker;
    struct rig rig;

    (void)state;
    otel_sdk_probability_options_init(&options);
    options.ratio = 0.5;
    assert_int_equal(otel_sdk_sampler_probability_new(&options, &sampler), OTEL_OK);
    start_looking(&rig, &looker, sampler);
    otel_sdk_sampler_unref(sampler);
    one_below(&rig, parent_with("v=1", OTEL_FLAG_RANDOM));
    looks(&looker, "v=1", "ot=th:8,v=1");
    one_below(&rig, parent_with("", OTEL_FLAG_RANDOM)); /* only the span has one */
    looks(&looker, "", "ot=th:8");
    one_below(&rig, parent_with("ot=th:8,v=1", OTEL_FLAG_RANDOM)); /* the very same */
    looks(&looker, "ot=th:8,v=1", "ot=th:8,v=1");
    rig_fini(&rig);
}

static void clear_it(void *arg, const struct otel_sdk_sampling_input *input,
                     struct otel_sdk_sampling_result *result)
{
    (void)arg, (void)input;
    result->decision = OTEL_SDK_RECORD_AND_SAMPLE;
    result->trace_state = NULL;
}

static void it_is_there_where_a_sampler_took_it_from_the_span(void **state)
{
    struct otel_sdk_sampler *sampler = NULL;
    struct looker looker;
    struct rig rig;

    (void)state;
    assert_int_equal(otel_sdk_sampler_custom_new(clear_it, "Clear", NULL, NULL, &sampler), OTEL_OK);
    start_looking(&rig, &looker, sampler);
    otel_sdk_sampler_unref(sampler);
    one_below(&rig, parent_with("v=1", 0));
    looks(&looker, "v=1", "");
    rig_fini(&rig);
}

static void a_local_parents_is_there_after_the_parent_is_gone(void **state)
{
    struct otel_context *remote = parent_with("v=1", OTEL_FLAG_SAMPLED);
    struct otel_span_options options;
    struct otel_span *parent, *child;
    struct looker looker;
    struct rig rig;

    (void)state;
    start_looking(&rig, &looker, NULL);
    otel_span_options_init(&options);
    options.parent = remote;
    parent = otel_span_start(rig.tracer, "parent", &options);
    child = child_of(rig.tracer, parent, "child");
    otel_context_unref(remote);
    otel_span_finish(parent);
    otel_span_finish(child);
    looks(&looker, "v=1", "v=1");
    assert_false(looker.parent.is_remote);
    rig_fini(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_parents_trace_state_is_there_where_the_span_has_it_too),
        cmocka_unit_test(it_is_there_where_a_sampler_gave_the_span_another_one),
        cmocka_unit_test(it_is_there_where_a_sampler_took_it_from_the_span),
        cmocka_unit_test(a_local_parents_is_there_after_the_parent_is_gone),
    };

    return cmocka_run_group_tests_name("parent", tests, NULL, NULL);
}
