/* SPDX-License-Identifier: Apache-2.0 */
/* What a ratio says of parents: once in a process, so a program of its own. */
#include <stdio.h>
#include <string.h>

#include <otel/trace_state.h>

#include "sdk/tests/rig.h"

struct heard {
    unsigned count; /* atomic */
    enum otel_err err;
    char text[512];
};

static void hear(void *arg, enum otel_err err, const char *text)
{
    struct heard *heard = arg;

    __atomic_fetch_add(&heard->count, 1, __ATOMIC_RELAXED);
    heard->err = err;
    snprintf(heard->text, sizeof(heard->text), "%s", text);
}

static struct otel_context *parent_with(const char *trace_state)
{
    struct otel_span_context remote;
    struct otel_context *context;

    memset(&remote, 0, sizeof(remote));
    memset(remote.trace_id, 0xab, sizeof(remote.trace_id));
    memset(remote.span_id, 0xcd, sizeof(remote.span_id));
    remote.flags = OTEL_FLAG_SAMPLED;
    remote.is_remote = true;
    assert_int_equal(otel_trace_state_parse(otel_str(trace_state), &remote.trace_state), OTEL_OK);
    context = otel_context_with_span_context(NULL, &remote);
    otel_trace_state_unref(remote.trace_state);
    return context;
}

static void span_under(struct rig *rig, const char *trace_state)
{
    struct otel_context *parent = trace_state != NULL ? parent_with(trace_state) : NULL;
    struct otel_span_options options;

    otel_span_options_init(&options);
    options.parent = parent;
    otel_span_finish(otel_span_start(rig->tracer, "s", &options));
    otel_context_unref(parent);
}

/* A provider over traceidratio, alone or as the root of parentbased. */
static void prepare(struct rig *rig, struct heard *heard, bool parentbased)
{
    struct otel_sdk_parentbased_options options;
    struct otel_sdk_sampler *ratio = NULL;

    memset(heard, 0, sizeof(*heard));
    rig_init(rig);
    assert_int_equal(otel_sdk_sampler_traceidratio_new(0.5, &ratio), OTEL_OK);
    rig->options.sampler = ratio;
    if (parentbased) {
        otel_sdk_parentbased_options_init(&options);
        options.root = ratio;
        assert_int_equal(otel_sdk_sampler_parentbased_new(&options, &rig->options.sampler),
                         OTEL_OK);
        otel_sdk_sampler_unref(ratio);
    }
    rig->options.error = hear;
    rig->options.error_arg = heard;
    rig_start(rig);
}

static void finish(struct rig *rig)
{
    rig_fini(rig);
    otel_sdk_sampler_unref(rig->options.sampler);
}

static void under_parentbased_nothing_is_said(void **state)
{
    struct heard heard;
    struct rig rig;

    (void)state;
    prepare(&rig, &heard, true);
    span_under(&rig, NULL);
    span_under(&rig, "");
    span_under(&rig, "ot=th:8");
    assert_int_equal(heard.count, 0);
    finish(&rig);
}

static void nobody_listening_uses_nothing_up(void **state)
{
    struct heard heard;
    struct rig rig;

    (void)state;
    prepare(&rig, &heard, false);
    rig_fini(&rig);
    rig.options.error = NULL;
    rig_start(&rig);
    span_under(&rig, "");
    span_under(&rig, "ot=th:8");
    assert_int_equal(heard.count, 0);
    finish(&rig);
}

static void a_parent_is_told_once_and_a_consistent_one_once_more(void **state)
{
    struct heard heard;
    struct rig rig;

    (void)state;
    prepare(&rig, &heard, false);
    span_under(&rig, NULL); /* a root */
    assert_int_equal(heard.count, 0);
    span_under(&rig, "vendor=1");
    assert_int_equal(heard.count, 1);
    assert_int_equal(heard.err, OTEL_OK); /* a warning */
    assert_non_null(strstr(heard.text, "TraceIdRatioBased{0.5} decides about a span that has a"));
    span_under(&rig, "");
    span_under(&rig, "vendor=1");
    assert_int_equal(heard.count, 1);
    span_under(&rig, "vendor=1,ot=rv:6e6d1a75832a2f");
    assert_int_equal(heard.count, 2);
    assert_non_null(strstr(heard.text, "sampled consistently"));
    span_under(&rig, "ot=th:8");
    span_under(&rig, "");
    assert_int_equal(heard.count, 2);
    finish(&rig);
    prepare(&rig, &heard, false); /* another provider, the same process */
    span_under(&rig, "ot=th:8");
    span_under(&rig, "");
    assert_int_equal(heard.count, 0);
    finish(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(under_parentbased_nothing_is_said),
        cmocka_unit_test(nobody_listening_uses_nothing_up),
        cmocka_unit_test(a_parent_is_told_once_and_a_consistent_one_once_more),
    };

    return cmocka_run_group_tests_name("parent_warning", tests, NULL, NULL);
}
