/* SPDX-License-Identifier: Apache-2.0 */
/* B3, Jaeger, X-Ray, Datadog, OT-Trace: what a relay without SDK reads and sends on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <otel/propagators.h>
#include <otel/trace_state.h>
#include <otel/vendor_propagators.h>

#include "sdk/base/mem.h"
#include "sdk/propagation/tests/lines.h"

#define TRACE "463ac35c9f6413ad48485a3953bb6124"
#define SPAN "0020000000000001"
#define SHORT "a3ce929d0e0e4736"
#define PADDED "0000000000000000" SHORT

typedef struct otel_propagator *make_fn(void);

static struct otel_context *read_lines(make_fn *make, struct otel_context *context, const char *in)
{
    const struct lines lines = {in, strlen(in)};

    return otel_propagator_extract(make(), context, &lines, &lines_getter);
}

static const char *write_lines(make_fn *make, const struct otel_context *context)
{
    static struct written_lines out;

    out.len = 0;
    out.full = false;
    out.text[0] = '\0';
    otel_propagator_inject(make(), context, &out, &lines_setter);
    assert_false(out.full);
    return out.text;
}

/* "TRACE-SPAN-FLAGS" of the context's span; "" if it is not valid. */
static const char *span_text(const struct otel_context *context)
{
    const struct otel_span_context *span = otel_context_span_context(context);
    static char text[64];

    text[0] = '\0';
    if (otel_span_context_is_valid(span)) {
        assert_true(span->is_remote);
        otel_trace_id_hex(span->trace_id, text);
        text[32] = '-';
        otel_span_id_hex(span->span_id, text + 33);
        snprintf(text + 49, sizeof(text) - 49, "-%02x", span->flags);
    }
    return text;
}

struct row {
    make_fn *make;
    const char *in;
    const char *span; /* as span_text() */
    const char *out;  /* what inject writes from the same context */
};

#define B3 otel_propagator_b3
#define MULTI otel_propagator_b3_multi
#define JAEGER otel_propagator_jaeger
#define XRAY otel_propagator_xray
#define DATADOG otel_propagator_datadog
#define OTTRACE otel_propagator_ottrace
#define IDS "X-B3-TraceId: " TRACE "\nX-B3-SpanId: " SPAN "\n"
#define YES TRACE "-" SPAN "-01"
#define NO TRACE "-" SPAN "-00"
#define DD "x-datadog-trace-id: 5208512171318403364\nx-datadog-parent-id: 9007199254740993\n"
#define DD_YES                                                                                     \
    "0000000000000000"                                                                             \
    "48485a3953bb6124-" SPAN "-01"
#define DD_TID "_dd.p.tid=463ac35c9f6413ad"

static const struct row good[] = {
    /* b3 single */
    {B3, "b3: " TRACE "-" SPAN "-1\n", YES, "b3: " TRACE "-" SPAN "-1\n"},
    {B3, "b3: " TRACE "-" SPAN "-0\n", NO, "b3: " TRACE "-" SPAN "-0\n"},
    {B3, "b3: " TRACE "-" SPAN "-d\n", YES, "b3: " TRACE "-" SPAN "-d\n"},
    {B3, "b3: " TRACE "-" SPAN "\n", NO, "b3: " TRACE "-" SPAN "\n"},
    {B3, "b3: " TRACE "-" SPAN "-1-" SHORT "\n", YES, "b3: " TRACE "-" SPAN "-1\n"},
    {B3, "B3: " SHORT "-" SPAN "-1\n", PADDED "-" SPAN "-01", "b3: " PADDED "-" SPAN "-1\n"},
    {B3, "b3:  \t" TRACE "-" SPAN "-1 \n", YES, "b3: " TRACE "-" SPAN "-1\n"},
    {B3, "b3: 463AC35C9F6413AD48485A3953BB6124-" SPAN "-1\n", YES, "b3: " TRACE "-" SPAN "-1\n"},
    /* decisions without ids reach a relay's other side, and are no parent */
    {B3, "b3: 0\n", "", "b3: 0\n"},
    {B3, "b3: 1\n", "", "b3: 1\n"},
    {B3, "b3: d\n", "", "b3: d\n"},
    {MULTI, "X-B3-Sampled: 0\n", "", "X-B3-Sampled: 0\n"},
    {MULTI, "X-B3-Flags: 1\n", "", "X-B3-Flags: 1\n"},
    /* b3 multi */
    {MULTI, IDS "X-B3-Sampled: 1\n", YES, IDS "X-B3-Sampled: 1\n"},
    {MULTI, IDS "X-B3-Sampled: true\n", YES, IDS "X-B3-Sampled: 1\n"},
    {MULTI, IDS "X-B3-Sampled: 0\n", NO, IDS "X-B3-Sampled: 0\n"},
    {MULTI, IDS "X-B3-Sampled: false\n", NO, IDS "X-B3-Sampled: 0\n"},
    {MULTI, IDS "X-B3-Flags: 1\n", YES, IDS "X-B3-Flags: 1\n"},
    {MULTI, IDS "X-B3-Sampled: 0\nX-B3-Flags: 1\n", YES, IDS "X-B3-Flags: 1\n"},
    {MULTI, IDS "X-B3-Sampled: 1\nX-B3-Flags: 0\n", YES, IDS "X-B3-Sampled: 1\n"},
    {MULTI, IDS, NO, IDS},
    {MULTI, IDS "X-B3-Sampled: 1\nX-B3-ParentSpanId: " SHORT "\n", YES, IDS "X-B3-Sampled: 1\n"},
    {MULTI, "x-b3-traceid: " SHORT "\nx-b3-spanid: " SPAN "\nx-b3-sampled: 1\n",
     PADDED "-" SPAN "-01", "X-B3-TraceId: " PADDED "\nX-B3-SpanId: " SPAN "\nX-B3-Sampled: 1\n"},
    /* single beats multi; an invalid single gives way to it */
    {B3, "b3: " SHORT "-" SPAN "-0\n" IDS "X-B3-Sampled: 1\n", PADDED "-" SPAN "-00",
     "b3: " PADDED "-" SPAN "-0\n"},
    {B3, "b3: nonsense\n" IDS "X-B3-Sampled: 1\n", YES, "b3: " TRACE "-" SPAN "-1\n"},
    {MULTI, "b3: " TRACE "-" SPAN "-1\n", YES, IDS "X-B3-Sampled: 1\n"},
    /* jaeger */
    {JAEGER, "uber-trace-id: " TRACE ":" SPAN ":0:1\n", YES,
     "uber-trace-id: " TRACE ":" SPAN ":0:1\n"},
    {JAEGER, "uber-trace-id: " TRACE ":" SPAN ":" SHORT ":0\n", NO,
     "uber-trace-id: " TRACE ":" SPAN ":0:0\n"},
    {JAEGER, "uber-trace-id: " TRACE ":" SPAN "::01\n", YES,
     "uber-trace-id: " TRACE ":" SPAN ":0:1\n"},
    {JAEGER, "uber-trace-id: " TRACE ":" SPAN ":0:3\n", YES,
     "uber-trace-id: " TRACE ":" SPAN ":0:3\n"},
    {JAEGER, "uber-trace-id: " TRACE ":" SPAN ":0:2\n", YES,
     "uber-trace-id: " TRACE ":" SPAN ":0:3\n"},
    {JAEGER, "uber-trace-id: " TRACE "%3A" SPAN "%3a0%3A1\n", YES,
     "uber-trace-id: " TRACE ":" SPAN ":0:1\n"},
    {JAEGER, "uber-trace-id: a3:2:0:1\n", "000000000000000000000000000000a3-0000000000000002-01",
     "uber-trace-id: 000000000000000000000000000000a3:0000000000000002:0:1\n"},
    {JAEGER, "uber-trace-id: a3:2:0:9\nuberctx-user: al%20ice\nUberctx-Plan: 50%\n",
     "000000000000000000000000000000a3-0000000000000002-01",
     "uber-trace-id: 000000000000000000000000000000a3:0000000000000002:0:1\n"
     "uberctx-user: al%20ice\nuberctx-Plan: 50%25\n"},
    {JAEGER, "uberctx-user: bob\n", "", "uberctx-user: bob\n"},
    /* x-ray */
    {XRAY, "X-Amzn-Trace-Id: Root=1-463ac35c-9f6413ad48485a3953bb6124;Parent=" SPAN ";Sampled=1\n",
     YES, "X-Amzn-Trace-Id: Root=1-463ac35c-9f6413ad48485a3953bb6124;Parent=" SPAN ";Sampled=1\n"},
    {XRAY,
     "x-amzn-trace-id: Sampled=0; Parent=" SPAN " ;Lineage=a:1;Root=1-463ac35c-"
     "9f6413ad48485a3953bb6124;\n",
     NO, "X-Amzn-Trace-Id: Root=1-463ac35c-9f6413ad48485a3953bb6124;Parent=" SPAN ";Sampled=0\n"},
    {XRAY, "X-Amzn-Trace-Id: Root=1-463ac35c-9f6413ad48485a3953bb6124;Parent=" SPAN ";Sampled=?\n",
     NO, "X-Amzn-Trace-Id: Root=1-463ac35c-9f6413ad48485a3953bb6124;Parent=" SPAN ";Sampled=0\n"},
    /* datadog */
    {DATADOG, DD "x-datadog-sampling-priority: 1\n", DD_YES, DD "x-datadog-sampling-priority: 1\n"},
    {DATADOG, DD "x-datadog-sampling-priority: 2\nx-datadog-origin: rum\n", DD_YES,
     DD "x-datadog-sampling-priority: 2\nx-datadog-origin: rum\n"},
    {DATADOG, DD "x-datadog-sampling-priority: -1\nx-datadog-tags: " DD_TID "\n", NO,
     DD "x-datadog-sampling-priority: -1\nx-datadog-tags: " DD_TID "\n"},
    {DATADOG,
     DD "x-datadog-sampling-priority: 2\nx-datadog-tags: _dd.p.dm=-4," DD_TID
        ",other=1,_dd.p.usr.id=Zm9v==\n",
     YES,
     DD "x-datadog-sampling-priority: 2\nx-datadog-tags: " DD_TID
        ",_dd.p.dm=-4,_dd.p.usr.id=Zm9v==\n"},
    {DATADOG, DD, "000000000000000048485a3953bb6124-" SPAN "-00", DD},
    {DATADOG, DD "x-datadog-sampling-priority: yes\n",
     "000000000000000048485a3953bb6124-" SPAN "-00", DD},
    {DATADOG, DD "x-datadog-sampling-priority: 1\nx-datadog-tags: _dd.p.tid=xyz\n", DD_YES,
     DD "x-datadog-sampling-priority: 1\n"},
    {DATADOG,
     "x-datadog-trace-id: 18446744073709551615\nx-datadog-parent-id: 1\n"
     "x-datadog-sampling-priority: 0\n",
     "0000000000000000ffffffffffffffff-0000000000000001-00",
     "x-datadog-trace-id: 18446744073709551615\nx-datadog-parent-id: 1\n"
     "x-datadog-sampling-priority: 0\n"},
    /* ot-trace: the lower half of the trace id alone is written */
    {OTTRACE, "ot-tracer-traceid: " SHORT "\not-tracer-spanid: " SPAN "\not-tracer-sampled: true\n",
     PADDED "-" SPAN "-01",
     "ot-tracer-traceid: " SHORT "\not-tracer-spanid: " SPAN "\not-tracer-sampled: true\n"},
    {OTTRACE, "ot-tracer-traceid: " TRACE "\not-tracer-spanid: " SPAN "\nOt-Baggage-k: v\n", NO,
     "ot-tracer-traceid: 48485a3953bb6124\not-tracer-spanid: " SPAN "\not-tracer-sampled: false\n"
     "ot-baggage-k: v\n"},
};

static void what_can_be_read_is_read_and_sent_on(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct otel_context *context = read_lines(good[i].make, otel_context_root(), good[i].in);
        const char *out;
        assert_string_equal(span_text(context), good[i].span);
        out = write_lines(good[i].make, context);
        assert_string_equal(out, good[i].out);
        otel_context_unref(context);
    }
}

static const struct {
    make_fn *make;
    const char *in;
} garbage[] = {
    {B3, ""},
    {B3, "b3:\n"},
    {B3, "b3: 2\n"},
    {B3, "b3: true\n"},
    {B3, "b3: " TRACE "\n"},
    {B3, "b3: " TRACE "-\n"},
    {B3, "b3: " TRACE "-" SPAN "-\n"},
    {B3, "b3: " TRACE "-" SPAN "-x\n"},
    {B3, "b3: " TRACE "-" SPAN "-1-\n"},
    {B3, "b3: " TRACE "-" SPAN "-1-" SPAN "-1\n"},
    {B3, "b3: " TRACE "-" SPAN "-1-0000\n"},
    {B3, "b3: " TRACE "0-" SPAN "-1\n"},
    {B3, "b3: 63ac35c9f6413ad48485a3953bb6124-" SPAN "-1\n"},
    {B3, "b3: 00000000000000000000000000000000-" SPAN "-1\n"},
    {B3, "b3: " TRACE "-0000000000000000-1\n"},
    {B3, "b3: g63ac35c9f6413ad48485a3953bb6124-" SPAN "-1\n"},
    {MULTI, "X-B3-TraceId: " TRACE "\n"},
    {MULTI, "X-B3-SpanId: " SPAN "\n"},
    {MULTI, "X-B3-TraceId: " TRACE "\nX-B3-SpanId: 1\nX-B3-Sampled: 1\n"},
    {MULTI, IDS "X-B3-Sampled: d\n"},
    {MULTI, IDS "X-B3-Sampled: yes\n"},
    {MULTI, IDS "X-B3-Sampled:\n"},
    {JAEGER, "uber-trace-id: " TRACE ":" SPAN ":0\n"},
    {JAEGER, "uber-trace-id: " TRACE ":" SPAN ":0:1:1\n"},
    {JAEGER, "uber-trace-id: " TRACE ":" SPAN ":0:\n"},
    {JAEGER, "uber-trace-id: " TRACE ":" SPAN ":0:100\n"},
    {JAEGER, "uber-trace-id: " TRACE ":" SPAN ":0:x\n"},
    {JAEGER, "uber-trace-id: 0:" SPAN ":0:1\n"},
    {JAEGER, "uber-trace-id: " TRACE ":0:0:1\n"},
    {JAEGER, "uber-trace-id: :::\n"},
    {JAEGER, "uber-trace-id: " TRACE "1:" SPAN ":0:1\n"},
    {JAEGER, "uber-trace-id: " TRACE "%3" SPAN "\n"},
    {JAEGER, "uberctx-: x\nuberctx-a b: y\n"},
    {XRAY, "X-Amzn-Trace-Id: Root=1-463ac35c-9f6413ad48485a3953bb6124;Sampled=1\n"},
    {XRAY, "X-Amzn-Trace-Id: Parent=" SPAN ";Sampled=1\n"},
    {XRAY, "X-Amzn-Trace-Id: Root=2-463ac35c-9f6413ad48485a3953bb6124;Parent=" SPAN "\n"},
    {XRAY, "X-Amzn-Trace-Id: Root=1-463ac35c9-f6413ad48485a3953bb6124;Parent=" SPAN "\n"},
    {XRAY, "X-Amzn-Trace-Id: Root=1-463ac35c-9f6413ad48485a3953bb612;Parent=" SPAN "\n"},
    {XRAY, "X-Amzn-Trace-Id: Root=1-463ac35c-9f6413ad48485a3953bb6124;Parent=53995\n"},
    {XRAY, "X-Amzn-Trace-Id: Root=1-463ac35c-9f6413ad48485a3953bb6124;Parent=" SPAN ";Sampled=2\n"},
    {XRAY, "X-Amzn-Trace-Id: Root=1-463ac35c-9f6413ad48485a3953bb6124;Parent=" SPAN
           ";Sampled=1;Sampled=0\n"},
    {XRAY, "X-Amzn-Trace-Id: Root=1-463ac35c-9f6413ad48485a3953bb6124;Parent=" SPAN ";junk\n"},
    {XRAY, "X-Amzn-Trace-Id: Root=1-00000000-000000000000000000000000;Parent=" SPAN "\n"},
    {DATADOG, "x-datadog-trace-id: 1\n"},
    {DATADOG, "x-datadog-parent-id: 1\nx-datadog-sampling-priority: 1\n"},
    {DATADOG, "x-datadog-trace-id: 0\nx-datadog-parent-id: 1\n"},
    {DATADOG, "x-datadog-trace-id: 1\nx-datadog-parent-id: 0\n"},
    {DATADOG, "x-datadog-trace-id: 18446744073709551616\nx-datadog-parent-id: 1\n"},
    {DATADOG, "x-datadog-trace-id: -1\nx-datadog-parent-id: 1\n"},
    {DATADOG, "x-datadog-trace-id: 1a\nx-datadog-parent-id: 1\n"},
    {DATADOG, "x-datadog-trace-id: 000000000000000000001\nx-datadog-parent-id: 1\n"},
    {OTTRACE, "ot-tracer-traceid: " SHORT "\n"},
    {OTTRACE, "ot-tracer-traceid: " SHORT "\not-tracer-spanid: 12\n"},
    {OTTRACE, "ot-tracer-traceid: abc\not-tracer-spanid: " SPAN "\n"},
    {OTTRACE,
     "ot-tracer-traceid: " SHORT "\not-tracer-spanid: " SPAN "\not-tracer-sampled: perhaps\n"},
    {OTTRACE, "ot-baggage-k: v\n"},
};

static void garbage_changes_nothing(void **state)
{
    struct otel_context *before;

    (void)state;
    before = read_lines(otel_propagator_tracecontext, otel_context_root(),
                        "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03\n");
    /* the lines carrier keeps blanks; the W3C reader trims them */
    assert_string_equal(span_text(before), "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-03");
    for (size_t i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++) {
        struct otel_context *after = read_lines(garbage[i].make, before, garbage[i].in);
        if (after != before)
            fail_msg("row %zu changed the context: %s", i, garbage[i].in);
        otel_context_unref(after);
    }
    otel_context_unref(before);
}

static void every_format_carries_a_span_to_the_other_side(void **state)
{
    static make_fn *const all[] = {B3, MULTI, JAEGER, XRAY, DATADOG};

    (void)state;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        for (int sampled = 0; sampled < 2; sampled++) {
            struct otel_context *from =
                read_lines(otel_propagator_tracecontext, otel_context_root(),
                           sampled ? "traceparent: 00-" TRACE "-" SPAN "-01"
                                   : "traceparent: 00-" TRACE "-" SPAN "-00");
            struct otel_context *to =
                read_lines(all[i], otel_context_root(), write_lines(all[i], from));
            assert_string_equal(span_text(to), sampled ? YES : NO);
            otel_context_unref(to);
            otel_context_unref(from);
        }
}

static void nothing_is_written_without_a_span(void **state)
{
    static make_fn *const all[] = {B3, MULTI, JAEGER, XRAY, DATADOG, OTTRACE};

    (void)state;
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        assert_string_equal(write_lines(all[i], otel_context_root()), "");
}

/* A datadog priority survives a W3C hop in between, as Datadog's own clients do it. */
static void datadogs_state_rides_in_the_trace_state(void **state)
{
    struct otel_context *first = read_lines(DATADOG, otel_context_root(),
                                            DD "x-datadog-sampling-priority: 2\nx-datadog-origin: "
                                               "a;b=c,d\nx-datadog-tags: _dd.p.dm=-4," DD_TID "\n");
    struct otel_context *second;

    (void)state;
    assert_string_equal(write_lines(otel_propagator_tracecontext, first),
                        "traceparent: 00-" TRACE "-" SPAN "-01\n"
                        "tracestate: dd=s:2;o:a_b~c_d;t.dm:-4\n");
    second = read_lines(otel_propagator_tracecontext, otel_context_root(),
                        write_lines(otel_propagator_tracecontext, first));
    assert_string_equal(write_lines(DATADOG, second),
                        DD "x-datadog-sampling-priority: 2\nx-datadog-origin: a_b=c_d\n"
                           "x-datadog-tags: " DD_TID ",_dd.p.dm=-4\n");
    otel_context_unref(second);
    otel_context_unref(first);
    /* a priority that contradicts the flag: another sampler decided since */
    second = read_lines(otel_propagator_tracecontext, otel_context_root(),
                        "traceparent: 00-" TRACE "-" SPAN "-00\ntracestate: dd=s:2\n");
    assert_non_null(strstr(write_lines(DATADOG, second), "x-datadog-sampling-priority: 0\n"));
    otel_context_unref(second);
}

static void datadog_keeps_the_trace_state_of_the_same_trace(void **state)
{
    struct otel_context *first =
        read_lines(otel_propagator_tracecontext, otel_context_root(),
                   "traceparent: 00-" TRACE "-" SPAN "-01\ntracestate: a=1\n");
    struct otel_context *same, *other;

    (void)state;
    same = read_lines(DATADOG, first,
                      DD "x-datadog-sampling-priority: 1\nx-datadog-tags: " DD_TID "\n");
    other = read_lines(DATADOG, first, DD "x-datadog-sampling-priority: 1\n");
    assert_non_null(strstr(write_lines(otel_propagator_tracecontext, same), "dd=s:1,a=1\n"));
    assert_non_null(strstr(write_lines(otel_propagator_tracecontext, other), "dd=s:1\n"));
    otel_context_unref(other);
    otel_context_unref(same);
    otel_context_unref(first);
}

static void what_does_not_fit_into_dd_is_left_out_whole(void **state)
{
    char in[2000], tag[200];
    struct otel_context *context;
    const char *out;

    (void)state;
    memset(tag, 'x', sizeof(tag));
    tag[sizeof(tag) - 1] = '\0';
    snprintf(in, sizeof(in),
             "%sx-datadog-sampling-priority: 1\nx-datadog-tags: _dd.p.a=%s,_dd.p.b=%s,"
             "_dd.p.c=1\n",
             DD, tag, tag);
    context = read_lines(DATADOG, otel_context_root(), in);
    out = write_lines(DATADOG, context);
    assert_non_null(strstr(out, "_dd.p.a="));
    assert_null(strstr(out, "_dd.p.b="));
    assert_non_null(strstr(out, ",_dd.p.c=1\n"));
    otel_context_unref(context);
}

/* The composite asks in order; the last that finds something wins, garbage never does. */
static void in_a_composite_the_last_readable_format_wins(void **state)
{
    static const struct {
        const char *in, *span;
    } rows[] = {
        {"traceparent: 00-" TRACE "-" SPAN "-01\nb3: " SHORT "-" SPAN "-0\n",
         PADDED "-" SPAN "-00"},
        {"traceparent: 00-" TRACE "-" SPAN "-01\nb3: rubbish\n", YES},
        {"traceparent: rubbish\nb3: " SHORT "-" SPAN "-1\n", PADDED "-" SPAN "-01"},
        {"traceparent: rubbish\nb3: rubbish\n", ""},
    };
    struct otel_propagator *members[] = {otel_propagator_w3c(), B3(), JAEGER()};
    struct otel_propagator *composite = NULL;
    struct otel_context *context;
    struct written_lines out = {.len = 0};

    (void)state;
    assert_int_equal(otel_propagator_composite_new(members, 3, &composite), OTEL_OK);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct lines in = {rows[i].in, strlen(rows[i].in)};
        context = otel_propagator_extract(composite, otel_context_root(), &in, &lines_getter);
        assert_string_equal(span_text(context), rows[i].span);
        otel_context_unref(context);
    }
    context = read_lines(B3, otel_context_root(), "b3: " TRACE "-" SPAN "-1\n");
    otel_propagator_inject(composite, context, &out, &lines_setter);
    assert_string_equal(out.text, "traceparent: 00-" TRACE "-" SPAN "-01\nb3: " TRACE "-" SPAN
                                  "-1\nuber-trace-id: " TRACE ":" SPAN ":0:1\n");
    otel_context_unref(context);
    otel_propagator_unref(composite);
}

/* Ten thousand headers of baggage, and bytes that would make a header of their own. */
static void hostile_baggage_is_bounded_and_cannot_break_a_line(void **state)
{
    static char in[700000];
    size_t len = 0, lines = 0;
    struct otel_context *context;
    const char *out;

    (void)state;
    for (unsigned i = 0; i < 10000; i++)
        len += (size_t)snprintf(in + len, sizeof(in) - len, "uberctx-k%u: v%%0d%%0aX-Evil: 1\n", i);
    context = read_lines(JAEGER, otel_context_root(), in);
    assert_int_equal(otel_baggage_count(otel_context_baggage(context)), 64);
    out = write_lines(JAEGER, context);
    assert_null(strchr(out, '\r'));
    assert_null(strstr(out, "\nX-Evil"));
    for (const char *at = out; (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    assert_int_equal(lines, 64);
    otel_context_unref(context);
}

static void collect_field(void *arg, struct otel_str text)
{
    char *out = arg;

    snprintf(out + strlen(out), 256 - strlen(out), "%.*s ", (int)text.len, text.data);
}

static void fields_name_the_keys(void **state)
{
    static const struct {
        make_fn *make;
        const char *fields;
    } rows[] = {{B3, "b3 "},
                {MULTI, "X-B3-TraceId X-B3-SpanId X-B3-Sampled X-B3-Flags "},
                {JAEGER, "uber-trace-id "},
                {XRAY, "X-Amzn-Trace-Id "},
                {DATADOG, "x-datadog-trace-id x-datadog-parent-id x-datadog-sampling-priority "
                          "x-datadog-origin x-datadog-tags "},
                {OTTRACE, "ot-tracer-traceid ot-tracer-spanid ot-tracer-sampled "}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[256] = "";
        otel_propagator_fields(rows[i].make(), collect_field, text);
        assert_string_equal(text, rows[i].fields);
    }
}

static void failing_memory_leaves_whole_headers_and_nothing_behind(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        for (unsigned long n = 1; n < 12; n++) {
            struct otel_context *context;
            otl_mem_fail_at(n);
            context = read_lines(good[i].make, otel_context_root(), good[i].in);
            (void)write_lines(good[i].make, context);
            otl_mem_fail_at(0);
            otel_context_unref(context);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_can_be_read_is_read_and_sent_on),
        cmocka_unit_test(garbage_changes_nothing),
        cmocka_unit_test(every_format_carries_a_span_to_the_other_side),
        cmocka_unit_test(nothing_is_written_without_a_span),
        cmocka_unit_test(datadogs_state_rides_in_the_trace_state),
        cmocka_unit_test(datadog_keeps_the_trace_state_of_the_same_trace),
        cmocka_unit_test(what_does_not_fit_into_dd_is_left_out_whole),
        cmocka_unit_test(in_a_composite_the_last_readable_format_wins),
        cmocka_unit_test(hostile_baggage_is_bounded_and_cannot_break_a_line),
        cmocka_unit_test(fields_name_the_keys),
        cmocka_unit_test(failing_memory_leaves_whole_headers_and_nothing_behind),
    };

    return cmocka_run_group_tests_name("vendor_propagators", tests, NULL, NULL);
}
