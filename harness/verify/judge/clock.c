/* SPDX-License-Identifier: Apache-2.0 */
/* Times: the ledger's own clock readings around the API calls are the brackets. */
#include <inttypes.h>

#include "harness/verify/judge/judge.h"
#include "sdk/base/text.h"

/* A span's wall clock start and the ledger's reading are two calls; a thread may be preempted
 * between them. A duration is one monotonic clock. */
#define WALL_TOLERANCE_NS (50 * 1000000LL)
#define DURATION_TOLERANCE_NS 10000LL
#define DURATION_TOLERANCE_PARTS 10000

/* Damaged times may be any number: the difference wraps in place of overflowing. */
static int64_t minus(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a - (uint64_t)b);
}

static int64_t plus(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

/* How far value lies below low (negative) or above high. */
static int64_t distance(int64_t value, int64_t low, int64_t high)
{
    if (value < low)
        return minus(value, low);
    return value > high ? minus(value, high) : 0;
}

static int64_t magnitude(int64_t value)
{
    if (value == INT64_MIN)
        return INT64_MAX;
    return value < 0 ? -value : value;
}

static const char *text_of(int64_t ns, char *out, size_t size)
{
    return otl_format_duration((uint64_t)magnitude(ns), out, size);
}

static void judge_duration(struct hx_judgement *j, uint32_t n, const struct hx_fact_received *row)
{
    const struct hx_fact_span *span = &j->facts->spans[n];
    const struct hx_led_span *open = span->open;
    const struct hx_led_span_close *close = span->close;
    int64_t duration = (int64_t)(row->end_ns - row->start_ns);
    int64_t low, high, off, tolerance;
    char text[64], wrong[64];

    hx_judged(&j->checks, HX_CHECK_DURATIONS, 1);
    if (row->end_ns < row->start_ns) {
        hx_fail(&j->checks, HX_CHECK_DURATIONS, HX_AT_SPAN(n), "%s ends %s before it starts",
                hx_facts_op_name(j->facts, open->op), text_of(duration, text, sizeof text));
        return;
    }
    if (close == NULL)
        return;
    low = (int64_t)(close->mono_before_ns - open->mono_after_ns);
    high = (int64_t)(close->mono_after_ns - open->mono_before_ns);
    tolerance = DURATION_TOLERANCE_NS + high / DURATION_TOLERANCE_PARTS;
    off = distance(duration, low, high);
    if (magnitude(off) > tolerance)
        hx_fail(&j->checks, HX_CHECK_DURATIONS, HX_AT_SPAN(n), "%s lasts %s, %s too %s",
                hx_facts_op_name(j->facts, open->op), text_of(duration, text, sizeof text),
                text_of(off, wrong, sizeof wrong), off < 0 ? "short" : "long");
}

/* Two readings of the wall clock may serve: the one beside the call, and the monotonic bracket
 * moved by the offset that the two clocks had when the ledger began. */
static void judge_start(struct hx_judgement *j, uint32_t n, const struct hx_fact_received *row)
{
    const struct hx_fact_span *span = &j->facts->spans[n];
    const struct hx_led_span *open = span->open;
    int64_t offset = j->facts->processes[span->process].wall_offset_ns;
    int64_t width = (int64_t)(open->mono_after_ns - open->mono_before_ns);
    int64_t start = (int64_t)row->start_ns, wall = (int64_t)open->wall_ns;
    int64_t beside = distance(start, minus(wall, width), plus(wall, width));
    int64_t moved = distance(start, plus((int64_t)open->mono_before_ns, offset),
                             plus((int64_t)open->mono_after_ns, offset));
    int64_t off = magnitude(beside) < magnitude(moved) ? beside : moved;
    char text[64];

    hx_judged(&j->checks, HX_CHECK_START_TIMES, 1);
    if (magnitude(off) > WALL_TOLERANCE_NS)
        hx_fail(&j->checks, HX_CHECK_START_TIMES, HX_AT_SPAN(n), "%s starts %s too %s",
                hx_facts_op_name(j->facts, open->op), text_of(off, text, sizeof text),
                off < 0 ? "early" : "late");
}

static void judge_containment(struct hx_judgement *j, uint32_t n,
                              const struct hx_fact_received *row)
{
    const struct hx_facts *facts = j->facts;
    const struct hx_fact_span *span = &facts->spans[n], *parent;
    const struct hx_fact_received *outer;
    int64_t before, after;
    char text[64];

    if (span->parent == HX_NONE || (span->open->head.flags & HX_LED_SPAN_ASYNC) != 0)
        return;
    parent = &facts->spans[span->parent];
    if (parent->received == HX_NONE)
        return;
    outer = &facts->received[parent->received];
    hx_judged(&j->checks, HX_CHECK_CONTAINMENT, 1);
    before = (int64_t)(outer->start_ns - row->start_ns);
    after = (int64_t)(row->end_ns - outer->end_ns);
    if (before <= WALL_TOLERANCE_NS && after <= WALL_TOLERANCE_NS)
        return;
    hx_fail(&j->checks, HX_CHECK_CONTAINMENT, HX_AT_SPAN(n), "%s %s %s %s its parent %s",
            hx_facts_op_name(facts, span->open->op), before > after ? "starts" : "ends",
            text_of(before > after ? before : after, text, sizeof text),
            before > after ? "before" : "after", hx_facts_op_name(facts, parent->open->op));
}

void hx_judge_clocks(struct hx_judgement *j)
{
    const struct hx_facts *facts = j->facts;

    for (uint32_t i = 0; i < facts->span_count; i++) {
        const struct hx_fact_received *row;

        if (facts->spans[i].received == HX_NONE)
            continue;
        row = &facts->received[facts->spans[i].received];
        judge_duration(j, i, row);
        judge_start(j, i, row);
        judge_containment(j, i, row);
    }
}
