/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/verify/exemplar.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector-mock/wire/traces.h"
#include "harness/verify/facts/ids.h"
#include "harness/verify/path/paths.h"
#include "sdk/base/mem.h"
#include "sdk/base/text.h"

/* ---- choice --------------------------------------------------------------------------------- */

struct choice {
    uint32_t trace;
    uint64_t duration;
};

static bool span_times(const struct hx_facts *facts, uint32_t n, uint64_t *start, uint64_t *end)
{
    const struct hx_fact_span *span = &facts->spans[n];
    uint64_t offset = (uint64_t)facts->processes[span->process].wall_offset_ns;

    if (span->received != HX_NONE) {
        *start = facts->received[span->received].start_ns;
        *end = facts->received[span->received].end_ns;
        return true;
    }
    *start = span->open->mono_before_ns + offset;
    *end = span->close != NULL ? span->close->mono_after_ns + offset : *start;
    return false;
}

static uint64_t duration_of(const struct hx_facts *facts, const struct hx_fact_trace *trace,
                            uint64_t *ret_start)
{
    uint64_t first = UINT64_MAX, last = 0, start, end;

    for (uint32_t n = trace->first; n != HX_NONE; n = facts->spans[n].next_in_trace) {
        span_times(facts, n, &start, &end);
        first = start < first ? start : first;
        last = end > last ? end : last;
    }
    *ret_start = first;
    return last > first ? last - first : 0;
}

static bool trace_fails(const struct hx_facts *facts, const struct hx_fact_trace *trace)
{
    for (uint32_t n = trace->first; n != HX_NONE; n = facts->spans[n].next_in_trace) {
        uint32_t row = facts->spans[n].received;

        if (row != HX_NONE && (facts->received[row].flags & HX_RECEIVED_STATUS_ERROR) != 0)
            return true;
    }
    return false;
}

static bool warm(const struct hx_facts *facts, const struct hx_fact_trace *trace)
{
    return hx_facts_warmup(facts, facts->spans[trace->first].open->request);
}

/* A whole trace of several spans, of the measured phase where there is one. */
static bool whole(const struct hx_facts *facts, const struct hx_fact_trace *trace)
{
    return (trace->flags & HX_TRACE_COMPLETE) != 0 && trace->spans > 1 && !warm(facts, trace);
}

/* What arrived of a trace that is not whole. */
static bool fragment(const struct hx_facts *facts, const struct hx_fact_trace *trace)
{
    return trace->received > 0 && trace->spans > 1 && !warm(facts, trace);
}

typedef bool(fits_fn)(const struct hx_facts *facts, const struct hx_fact_trace *trace);

static uint32_t slowest(const struct hx_facts *facts, fits_fn *fits)
{
    struct choice best = {HX_NONE, 0};
    uint64_t start;

    for (uint32_t i = 0; i < facts->trace_count; i++) {
        uint64_t duration;

        if (!fits(facts, &facts->traces[i]))
            continue;
        duration = duration_of(facts, &facts->traces[i], &start);
        if (best.trace == HX_NONE || duration > best.duration)
            best = (struct choice){i, duration};
    }
    return best.trace;
}

/* Wrong for the referee before wrong for the application. */
static uint32_t failing(const struct hx_facts *facts)
{
    const unsigned wrong =
        HX_TRACE_BROKEN | HX_TRACE_ORPHANED | HX_TRACE_PARTIAL | HX_TRACE_INCOMPLETE;
    uint32_t fallback = HX_NONE;

    for (uint32_t i = 0; i < facts->trace_count; i++) {
        const struct hx_fact_trace *trace = &facts->traces[i];

        if (trace->sampled == 0 || trace->received == 0)
            continue;
        if ((trace->flags & wrong) != 0 && trace->spans > 1)
            return i;
        if (fallback == HX_NONE && trace_fails(facts, trace))
            fallback = i;
    }
    return fallback;
}

static int by_duration(const void *left, const void *right)
{
    const struct choice *a = left, *b = right;

    return a->duration < b->duration ? -1 : a->duration > b->duration;
}

/* The median of at most 1,001 whole traces that lie evenly in the run. */
static uint32_t typical(const struct hx_facts *facts)
{
    enum { LOOK = 1001 };
    struct choice *seen = otl_mem_alloc(LOOK * sizeof *seen);
    size_t step = facts->trace_count / LOOK + 1, count = 0;
    uint32_t result = HX_NONE;
    uint64_t start;

    if (seen == NULL)
        return HX_NONE;
    for (size_t i = 0; i < facts->trace_count && count < LOOK; i += step) {
        if (whole(facts, &facts->traces[i]))
            seen[count++] = (struct choice){(uint32_t)i,
                                            duration_of(facts, &facts->traces[i], &start)};
    }
    if (count > 0) {
        qsort(seen, count, sizeof *seen, by_duration);
        result = seen[count / 2].trace;
    }
    otl_mem_free(seen);
    return result;
}

/* ---- one span ------------------------------------------------------------------------------- */

struct picture { /* of one trace */
    const struct hx_judgement *j;
    uint64_t start;
    uint32_t rows[HX_EXEMPLAR_SPANS];
    size_t count;
    json_t *spans;
};

static const char *const KINDS[] = {"internal", "internal", "server",
                                    "client",   "producer", "consumer"};

/* Its parent is in the ledger, was to be received, and was not. */
static bool orphaned(const struct hx_facts *facts, const struct hx_fact_span *span)
{
    const uint8_t *id = span->open->parent_span_id;
    uint32_t parent = hx_id_zero(id, 8) ? HX_NONE
                                        : hx_facts_span_by_ids(facts, span->open->trace_id, id);

    return parent != HX_NONE && facts->spans[parent].received == HX_NONE;
}

static const char *fate_text(const struct hx_fact_span *span)
{
    switch ((enum hx_fate)span->fate) {
    case HX_FATE_NOT_RECORDED:
        return "not sampled";
    case HX_FATE_RECORD_ONLY:
        return "recorded, not sampled";
    case HX_FATE_OPEN_AT_END:
        return "never ended";
    case HX_FATE_ALTERED:
        return "altered";
    case HX_FATE_LOST:
        return span->opinion == HX_OPINION_AGENT ? "lost: dropped by its agent"
                                                 : "lost: dropped by the SDK";
    case HX_FATE_KILLED:
        return "lost: its process was killed";
    case HX_FATE_LOST_AFTER_ACK:
        return "lost after it was acknowledged";
    case HX_FATE_UNEXPLAINED:
        return "lost without explanation";
    case HX_FATE_UNJUDGED:
    case HX_FATE_DELIVERED:
    case HX_FATES:
        return NULL;
    }
    return NULL;
}

/* NULL: nothing is wrong with it. */
static const char *problem_of(const struct hx_judgement *j, const struct hx_fact_span *span,
                              char *out, size_t size)
{
    const char *fate = fate_text(span);

    if (span->hop > 0)
        snprintf(out, size, "%s%sa hop is broken here: %s", fate ? fate : "", fate ? "; " : "",
                 j->whys[span->hop - 1]);
    else if (fate != NULL)
        snprintf(out, size, "%s", fate);
    else if (span->received != HX_NONE && orphaned(j->facts, span))
        snprintf(out, size, "its parent did not arrive");
    else
        return NULL;
    return out;
}

static json_t *text_json(struct otl_view text)
{
    return json_stringn(text.len > 0 ? text.data : "", text.len);
}

static json_t *value_text(const struct col_value *value)
{
    char text[64];

    switch (value->kind) {
    case COL_VALUE_STRING:
        return text_json(value->text);
    case COL_VALUE_BOOL:
        return json_string(value->boolean ? "true" : "false");
    case COL_VALUE_INT:
        snprintf(text, sizeof text, "%lld", (long long)value->integer);
        return json_string(text);
    case COL_VALUE_DOUBLE:
        snprintf(text, sizeof text, "%.15g", value->real);
        return json_string(text);
    case COL_VALUE_ARRAY:
    case COL_VALUE_KVLIST:
        snprintf(text, sizeof text, "(%u items)", (unsigned)value->list.count);
        return json_string(text);
    case COL_VALUE_EMPTY:
    case COL_VALUE_BYTES:
        return json_string("(bytes)");
    }
    return NULL;
}

static json_t *attributes_json(struct col_list list)
{
    json_t *object = json_object();
    struct col_attribute a;

    while (col_attribute_next(&list, &a)) {
        char key[256];

        snprintf(key, sizeof key, "%.*s", (int)(a.key.len < 255 ? a.key.len : 255), a.key.data);
        key[otl_utf8_prefix(key, strlen(key))] = '\0';
        json_object_set_new(object, key, value_text(&a.value));
    }
    return object;
}

static json_t *events_json(struct col_list list, uint64_t start)
{
    json_t *array = json_array();
    struct col_event event;

    while (col_event_next(&list, &event))
        json_array_append_new(
            array, json_pack("{s:o, s:I}", "name", text_json(event.name), "at_ns",
                             (json_int_t)(event.time_unix_nano - start)));
    return array;
}

static json_t *links_json(struct col_list list)
{
    json_t *array = json_array();
    struct col_link link;
    char id[17];

    while (col_link_next(&list, &link)) {
        otl_hex(link.span_id, 8, id);
        json_array_append_new(array, json_string(id));
    }
    return array;
}

/* What arrived, read once more from the request that carried it. */
static void add_received(struct picture *p, uint32_t row, json_t *item)
{
    static const char *const status[] = {"unset", "ok", "error"};
    const struct hx_facts *facts = p->j->facts;
    const struct hx_fact_received *received = &facts->received[row];
    struct col_traces traces;
    struct col_span span;

    col_traces_init(&traces, facts->requests[received->request].body);
    while (col_traces_next(&traces, &span)) {
        if (memcmp(span.span_id, received->span_id, 8) != 0 ||
            memcmp(span.trace_id, received->trace_id, 16) != 0)
            continue;
        json_object_set_new(item, "name", text_json(span.name));
        if (span.status_code >= 0 && span.status_code <= 2)
            json_object_set_new(item, "status", json_string(status[span.status_code]));
        if (span.status_message.len > 0)
            json_object_set_new(item, "status_message", text_json(span.status_message));
        json_object_set_new(item, "attributes", attributes_json(span.attributes));
        if (span.events.count > 0)
            json_object_set_new(item, "events", events_json(span.events, p->start));
        if (span.links.count > 0)
            json_object_set_new(item, "links", links_json(span.links));
        return;
    }
}

static void parent_id(const struct hx_facts *facts, const struct hx_fact_span *span,
                      uint8_t out[8])
{
    memcpy(out, span->received != HX_NONE ? facts->received[span->received].parent_span_id
                                          : span->open->parent_span_id, 8);
}

static json_t *span_json(struct picture *p, uint32_t n, unsigned depth)
{
    const struct hx_facts *facts = p->j->facts;
    const struct hx_fact_span *span = &facts->spans[n];
    char text[240];
    const char *problem = problem_of(p->j, span, text, sizeof text);
    uint8_t parent[8];
    uint64_t start, end;
    bool received = span_times(facts, n, &start, &end);
    char id[17];
    json_t *item;

    otl_hex(span->open->span_id, 8, id);
    item = json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:s, s:b, s:I}", "id", id, "service",
                     hx_facts_service(facts, span->process), "instance",
                     facts->processes[span->process].instance, "name",
                     hx_facts_op_name(facts, span->open->op), "kind",
                     KINDS[span->open->kind <= HX_CONSUMER ? span->open->kind : 0], "start_ns",
                     (json_int_t)(start - p->start), "end_ns", (json_int_t)(end - p->start),
                     "status", "unset", "received", (int)received, "depth", (json_int_t)depth);
    if (item == NULL)
        return NULL;
    parent_id(facts, span, parent);
    if (!hx_id_zero(parent, 8)) {
        otl_hex(parent, 8, id);
        json_object_set_new(item, "parent", json_string(id));
    }
    if (problem != NULL)
        json_object_set_new(item, "problem", hx_text_json(problem, strlen(problem)));
    if (received)
        add_received(p, span->received, item);
    return item;
}

/* ---- one trace ------------------------------------------------------------------------------ */

static uint32_t parent_row(const struct picture *p, uint32_t n)
{
    const struct hx_facts *facts = p->j->facts;
    uint8_t parent[8];

    parent_id(facts, &facts->spans[n], parent);
    return hx_id_zero(parent, 8)
               ? HX_NONE
               : hx_facts_span_by_ids(facts, facts->spans[n].open->trace_id, parent);
}

static bool shown(const struct picture *p, uint32_t n)
{
    for (size_t i = 0; i < p->count; i++) {
        if (p->rows[i] == n)
            return true;
    }
    return false;
}

/* Children of parent (HX_NONE: those whose parent is not in the picture), by start. */
static void add_below(struct picture *p, uint32_t parent, unsigned depth)
{
    if (depth > HX_EXEMPLAR_SPANS)
        return;
    for (size_t i = 0; i < p->count; i++) {
        uint32_t above = parent_row(p, p->rows[i]);

        if (above != HX_NONE && !shown(p, above))
            above = HX_NONE;
        if (above != parent)
            continue;
        json_array_append_new(p->spans, span_json(p, p->rows[i], depth));
        add_below(p, p->rows[i], depth + 1);
    }
}

static void sort_rows(struct picture *p)
{
    for (size_t i = 1; i < p->count; i++) {
        for (size_t k = i; k > 0; k--) {
            uint64_t a, b, end;
            uint32_t row = p->rows[k];

            span_times(p->j->facts, p->rows[k - 1], &a, &end);
            span_times(p->j->facts, row, &b, &end);
            if (a <= b)
                break;
            p->rows[k] = p->rows[k - 1];
            p->rows[k - 1] = row;
        }
    }
}

static json_t *trace_json(const struct hx_judgement *j, uint32_t n, const char *kind,
                          const char *why)
{
    const struct hx_facts *facts = j->facts;
    const struct hx_fact_trace *trace = &facts->traces[n];
    struct picture *p = otl_mem_zalloc(sizeof *p);
    const struct hx_led_span *first;
    uint64_t duration;
    char id[33];
    json_t *item;

    if (p == NULL)
        return NULL;
    p->j = j;
    p->spans = json_array();
    duration = duration_of(facts, trace, &p->start);
    for (uint32_t s = trace->first; s != HX_NONE && p->count < HX_EXEMPLAR_SPANS;
         s = facts->spans[s].next_in_trace)
        p->rows[p->count++] = s;
    sort_rows(p);
    add_below(p, HX_NONE, 0);
    first = facts->spans[p->rows[0]].open;
    otl_hex(first->trace_id, 16, id);
    item = json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:o}", "title",
                     hx_facts_op_name(facts, first->op), "trace_id", id, "why", why, "kind", kind,
                     "request", (json_int_t)first->request, "duration_ns", (json_int_t)duration,
                     "spans_total", (json_int_t)trace->spans, "spans", p->spans);
    otl_mem_free(p);
    if (item == NULL || hx_path_put(item) == 0)
        return item;
    json_decref(item);
    return NULL;
}

static const char *why_failing(const struct hx_judgement *j, const struct hx_fact_trace *trace)
{
    if ((trace->flags & HX_TRACE_BROKEN) != 0)
        return "its context was lost on a hop";
    if ((trace->flags & HX_TRACE_INCOMPLETE) != 0)
        return "a sampled span of it did not arrive";
    if ((trace->flags & HX_TRACE_PARTIAL) != 0)
        return j->scenario->claims.partial_traces
                   ? "only a part of it was sampled, as the scenario claims"
                   : "only a part of it was sampled";
    if ((trace->flags & HX_TRACE_ORPHANED) != 0)
        return "a span's parent is missing";
    return "a span reports an error";
}

json_t *hx_exemplars_json(const struct hx_judgement *j)
{
    uint32_t slow = slowest(j->facts, whole), wrong = failing(j->facts), usual = typical(j->facts);
    const char *why = "the slowest trace that arrived whole";
    json_t *list = json_array();
    int bad = 0;

    if (slow == HX_NONE) {
        slow = slowest(j->facts, fragment);
        why = "no trace arrived whole: the slowest of what arrived in parts";
    }
    if (slow != HX_NONE)
        bad |= json_array_append_new(list, trace_json(j, slow, "slowest", why));
    if (wrong != HX_NONE)
        bad |= json_array_append_new(list, trace_json(j, wrong, "failing",
                                                      why_failing(j, &j->facts->traces[wrong])));
    if (usual != HX_NONE && usual != slow)
        bad |= json_array_append_new(
            list, trace_json(j, usual, "typical", "of median duration among the whole ones"));
    if (bad == 0)
        return list;
    json_decref(list);
    return NULL;
}
