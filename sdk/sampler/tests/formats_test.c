/* SPDX-License-Identifier: Apache-2.0 */
/* Decisions and headers together: what a parent in any format means here, and what a child says of
 * itself to the next hop. */
#include <stdio.h>
#include <string.h>

#include <otel/propagators.h>
#include <otel/vendor_propagators.h>

#include "sdk/propagation/tests/lines.h"
#include "sdk/tests/rig.h"

#define TRACE "463ac35c9f6413ad48485a3953bb6124"
#define SPAN "0020000000000001"

static const struct format {
    struct otel_propagator *(*make)(void);
    const char *yes, *no;           /* parents that are sampled, and not */
    const char *says_yes, *says_no; /* part of what inject writes of such a span */
} formats[] = {
    {otel_propagator_tracecontext, "traceparent: 00-" TRACE "-" SPAN "-01\n",
     "traceparent: 00-" TRACE "-" SPAN "-00\n", "-01\n", "-00\n"},
    {otel_propagator_b3, "b3: " TRACE "-" SPAN "-1\n", "b3: " TRACE "-" SPAN "-0\n", "-1\n",
     "-0\n"},
    {otel_propagator_b3_multi, "X-B3-TraceId: " TRACE "\nX-B3-SpanId: " SPAN "\nX-B3-Sampled: 1\n",
     "X-B3-TraceId: " TRACE "\nX-B3-SpanId: " SPAN "\nX-B3-Sampled: 0\n", "Sampled: 1\n",
     "Sampled: 0\n"},
    /* the decision was left open: made here, it is said */
    {otel_propagator_b3, "b3: " TRACE "-" SPAN "-1\n", "b3: " TRACE "-" SPAN "\n", "-1\n", "-0\n"},
    {otel_propagator_jaeger, "uber-trace-id: " TRACE ":" SPAN ":0:1\n",
     "uber-trace-id: " TRACE ":" SPAN ":0:0\n", ":1\n", ":0\n"},
    {otel_propagator_xray,
     "X-Amzn-Trace-Id: Root=1-463ac35c-9f6413ad48485a3953bb6124;Parent=" SPAN ";Sampled=1\n",
     "X-Amzn-Trace-Id: Root=1-463ac35c-9f6413ad48485a3953bb6124;Parent=" SPAN ";Sampled=0\n",
     "Sampled=1\n", "Sampled=0\n"},
    {otel_propagator_datadog,
     "x-datadog-trace-id: 1\nx-datadog-parent-id: 2\nx-datadog-sampling-priority: 2\n",
     "x-datadog-trace-id: 1\nx-datadog-parent-id: 2\nx-datadog-sampling-priority: -1\n",
     "priority: 2\n", "priority: -1\n"},
    {otel_propagator_ottrace,
     "ot-tracer-traceid: a3ce929d0e0e4736\not-tracer-spanid: " SPAN "\not-tracer-sampled: true\n",
     "ot-tracer-traceid: a3ce929d0e0e4736\not-tracer-spanid: " SPAN "\not-tracer-sampled: false\n",
     "sampled: true\n", "sampled: false\n"},
};

/* What a service with this sampler sends on after it received these headers. */
static const char *hop(struct rig *rig, const struct format *format, const char *in)
{
    static struct written_lines out;
    const struct lines lines = {in, strlen(in)};
    struct otel_context *received, *inside;
    struct otel_span_options options;
    struct otel_span *span;

    out.len = 0;
    out.text[0] = '\0';
    received = otel_propagator_extract(format->make(), otel_context_root(), &lines, &lines_getter);
    otel_span_options_init(&options);
    options.parent = received;
    span = otel_span_start(rig->tracer, "hop", &options);
    assert_memory_equal(otel_span_get_context(span)->trace_id,
                        otel_context_span_context(received)->trace_id, 16);
    assert_memory_not_equal(otel_span_get_context(span)->span_id,
                            otel_context_span_context(received)->span_id, 8);
    inside = otel_context_with_span(received, span);
    otel_propagator_inject(format->make(), inside, &out, &lines_setter);
    otel_context_unref(inside);
    otel_span_finish(span);
    otel_context_unref(received);
    return out.text;
}

static void holds(const struct format *format, const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("format %zu: no '%s' in %s", (size_t)(format - formats), part, text);
}

static void the_default_sampler_follows_a_remote_parent_in_every_format(void **state)
{
    struct rig rig;

    (void)state;
    rig_init(&rig);
    rig_start(&rig);
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        size_t before = otel_sdk_memory_count(rig.memory);
        holds(&formats[i], hop(&rig, &formats[i], formats[i].no), formats[i].says_no);
        assert_int_equal(otel_sdk_memory_count(rig.memory), before);
        holds(&formats[i], hop(&rig, &formats[i], formats[i].yes), formats[i].says_yes);
        assert_int_equal(otel_sdk_memory_count(rig.memory), before + 1);
    }
    rig_fini(&rig);
}

static void a_dropped_child_does_not_leak_its_parents_flag_in_any_format(void **state)
{
    struct rig rig;

    (void)state;
    rig_init(&rig);
    rig.options.sampler = otel_sdk_sampler_always_off();
    rig_start(&rig);
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        const char *no =
            formats[i].make == otel_propagator_datadog ? "priority: 0\n" : formats[i].says_no;
        holds(&formats[i], hop(&rig, &formats[i], formats[i].yes), no);
    }
    assert_int_equal(otel_sdk_memory_count(rig.memory), 0);
    rig_fini(&rig);
}

static void a_debug_parent_stays_one_for_the_whole_trace(void **state)
{
    struct rig rig;

    (void)state;
    rig_init(&rig);
    rig_start(&rig);
    holds(&formats[1], hop(&rig, &formats[1], "b3: " TRACE "-" SPAN "-d\n"), "-d\n");
    holds(&formats[4], hop(&rig, &formats[4], "uber-trace-id: " TRACE ":" SPAN ":0:3\n"), ":3\n");
    assert_int_equal(otel_sdk_memory_count(rig.memory), 2);
    rig_fini(&rig);
}

/* rv from the wire decides, th goes on to the next hop, other vendors stay. */
static void consistent_sampling_travels_in_the_trace_state(void **state)
{
    struct otel_sdk_probability_options options;
    const char *out;
    struct rig rig;

    (void)state;
    rig_init(&rig);
    otel_sdk_probability_options_init(&options);
    options.ratio = 0.25;
    assert_int_equal(otel_sdk_sampler_probability_new(&options, &rig.options.sampler), OTEL_OK);
    rig_start(&rig);
    otel_sdk_sampler_unref(rig.options.sampler);
    out = hop(&rig, &formats[0],
              "traceparent: 00-" TRACE "-" SPAN "-00\ntracestate: v=1,ot=x:1;rv:c0000000000000\n");
    holds(&formats[0], out, "-01\n");
    holds(&formats[0], out, "tracestate: ot=th:c;rv:c0000000000000;x:1,v=1\n");
    out = hop(&rig, &formats[0],
              "traceparent: 00-" TRACE "-" SPAN "-03\ntracestate: ot=rv:bfffffffffffff;th:8,v=1\n");
    holds(&formats[0], out, "-02\n");
    holds(&formats[0], out, "tracestate: ot=rv:bfffffffffffff,v=1\n");
    rig_fini(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_default_sampler_follows_a_remote_parent_in_every_format),
        cmocka_unit_test(a_dropped_child_does_not_leak_its_parents_flag_in_any_format),
        cmocka_unit_test(a_debug_parent_stays_one_for_the_whole_trace),
        cmocka_unit_test(consistent_sampling_travels_in_the_trace_state),
    };

    return cmocka_run_group_tests_name("sampling_formats", tests, NULL, NULL);
}
