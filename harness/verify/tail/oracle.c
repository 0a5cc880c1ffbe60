/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/verify/tail/oracle.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "harness/verify/tail/rules.h"
#include "harness/verify/tail/way.h"
#include "sdk/base/mem.h"

/* The traces in order of arrival, each with what the policies may say of it when its time comes. */

#define SECOND_NS 1000000000ULL
/* The collector takes a request a little after its last byte, and its ticks may come late. */
#define EARLY_NS (SECOND_NS / 4)
#define LATE_NS (2 * SECOND_NS)
/* compat.max_bytes bounds the spans of a trace, too: each takes so much when it is decided. */
#define SPAN_BYTES 512

enum trace_flags {
    UNSURE = 1,      /* of a request that perhaps was not taken */
    NEAR = 2,        /* a span came when the decision may have fallen */
    LATE = 4,        /* ... or after it */
    RESTARTED = 8,   /* the collector was started anew while it was open */
    CROWDED = 16,    /* num_traces may have been too small */
    LARGE = 32,      /* over maximum_trace_size_bytes */
    MAYBE_LARGE = 64,
    FORGOTTEN = 128, /* late spans may have begun it anew */
    GUESSED = 512,   /* what a processor made of a span of it is not known */
    FULL = 1024,     /* compat.max_bytes may have been too small */
    PARTS = 2048,    /* it came in several groups: forgotten between them, it begins anew */
    TORN = 4096,     /* a span came when groupbytrace may have handed on those before it */
    HELD = 8192,     /* groupbytrace may have had it in its hands when the collector stopped */
    AGAIN = 16384,   /* groupbytrace had it more than once */
    SQUEEZED = 32768, /* groupbytrace may have had no room for it */
    POLICIES = 256   /* which policy it is depends on the moment, or on what is not known here */
};

struct trace {
    struct hx_tail_state state;
    uint64_t first_ns, from_ns, to_ns; /* the decision falls between, if not at the end */
    uint64_t group_ns; /* when the wait of groupbytrace began that it was in last; 0: in none */
    uint64_t held; /* bytes that it takes in the collector, at most */
    uint32_t late;
    uint32_t life;
    uint32_t before; /* spans that processors before dropped */
    uint16_t policy;
    uint8_t outcomes; /* of the moments when it may have fallen; 0: still all to come */
    uint16_t flags;
};

struct hx_tail_oracle {
    struct hx_rules rules;
    struct trace *traces;
    size_t count, room;
    uint32_t *slots; /* trace + 1 */
    size_t slot_mask;
    uint32_t life;
    uint64_t last_ns; /* arrival of the last span */
    struct hx_draft draft;
};

enum otel_err hx_tail_oracle_new(const struct hx_tail_asked *asked, struct hx_tail_oracle **ret,
                                 struct otl_detail *reterr)
{
    struct hx_tail_oracle *oracle = otl_mem_zalloc(sizeof(*oracle));
    enum otel_err err;

    if (oracle == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    err = hx_rules_load(asked, &oracle->rules, reterr);
    if (err == OTEL_OK)
        *ret = oracle;
    else
        otl_mem_free(oracle);
    return err;
}

void hx_tail_oracle_free(struct hx_tail_oracle *oracle)
{
    if (oracle == NULL)
        return;
    hx_rules_fini(&oracle->rules);
    otl_mem_free(oracle->traces);
    otl_mem_free(oracle->slots);
    otl_mem_free(oracle);
}

/* ---- the table ---- */

static size_t slot_of(const struct hx_tail_oracle *oracle, const uint8_t id[16])
{
    size_t slot = (size_t)XXH3_64bits(id, 16) & oracle->slot_mask;

    while (oracle->slots[slot] != 0 &&
           memcmp(oracle->traces[oracle->slots[slot] - 1].state.id, id, 16) != 0)
        slot = (slot + 1) & oracle->slot_mask;
    return slot;
}

static enum otel_err grow(struct hx_tail_oracle *oracle)
{
    size_t room = oracle->room > 0 ? oracle->room * 2 : 1024;
    struct trace *traces = otl_mem_realloc(oracle->traces, room * sizeof(*traces));
    uint32_t *slots;

    if (traces == NULL || room > UINT32_MAX / 4)
        return OTEL_ERR_MEMORY;
    oracle->traces = traces;
    slots = otl_mem_zalloc(room * 2 * sizeof(*slots));
    if (slots == NULL)
        return OTEL_ERR_MEMORY;
    otl_mem_free(oracle->slots);
    oracle->slots = slots;
    oracle->slot_mask = room * 2 - 1;
    oracle->room = room;
    for (size_t i = 0; i < oracle->count; i++)
        slots[slot_of(oracle, oracle->traces[i].state.id)] = (uint32_t)i + 1;
    return OTEL_OK;
}

size_t hx_tail_oracle_find(const struct hx_tail_oracle *oracle, const uint8_t trace_id[16])
{
    size_t slot;

    if (oracle->count == 0)
        return SIZE_MAX;
    slot = slot_of(oracle, trace_id);
    return oracle->slots[slot] != 0 ? oracle->slots[slot] - 1 : SIZE_MAX;
}

/* ---- spans ---- */

/* When a wait that began then is over for sure, if the collector goes on. */
static uint64_t group_end(const struct hx_rules *rules, uint64_t group_ns)
{
    return group_ns + rules->group.wait_ns + LATE_NS + rules->spread_ns;
}

/* What groupbytrace holds when the collector stops is lost; when that was, only its last span
 * tells. */
static void find_held(struct hx_tail_oracle *oracle)
{
    for (size_t i = 0; i < oracle->count; i++) {
        struct trace *trace = &oracle->traces[i];
        if (trace->group_ns != 0 && group_end(&oracle->rules, trace->group_ns) > oracle->last_ns)
            trace->flags |= HELD;
    }
}

void hx_tail_oracle_life(struct hx_tail_oracle *oracle)
{
    find_held(oracle);
    oracle->life++;
}

static void fix_time(const struct hx_rules *rules, struct trace *trace, uint64_t first_ns,
                     uint64_t wait_ns)
{
    uint64_t from = first_ns + wait_ns - EARLY_NS;
    uint64_t to = first_ns + wait_ns + SECOND_NS + LATE_NS + rules->spread_ns +
                  (rules->group.wait_ns > 0 ? LATE_NS : 0);

    if (trace->to_ns == 0 || from < trace->from_ns)
        trace->from_ns = from;
    if (trace->to_ns == 0 || to < trace->to_ns)
        trace->to_ns = to;
}

static void weigh(const struct hx_rules *rules, struct trace *trace)
{
    const struct hx_tail_state *state = &trace->state;
    uint64_t least = state->bytes > state->slack ? state->bytes - state->slack : 0;

    if (rules->max_bytes == 0)
        return;
    if (least > rules->max_bytes && (trace->flags & NEAR) == 0)
        trace->flags |= LARGE;
    else if (state->bytes + state->slack > rules->max_bytes)
        trace->flags |= MAYBE_LARGE;
}

/* One more moment at which the decision may fall: with what is there now. */
static void may_fall(const struct hx_rules *rules, struct trace *trace)
{
    uint16_t policy;
    unsigned outcomes = hx_rules_outcomes(rules, &trace->state, &policy);

    if ((trace->outcomes != 0 && trace->policy != policy) ||
        (trace->state.unknown & ~trace->state.bits) != 0)
        trace->flags |= POLICIES;
    trace->outcomes |= (uint8_t)outcomes;
    if (trace->policy == 0)
        trace->policy = policy;
}

static struct trace *trace_of(struct hx_tail_oracle *oracle, const struct hx_tail_span *span)
{
    struct trace *trace;
    size_t slot;

    if (oracle->count == oracle->room && grow(oracle) != OTEL_OK)
        return NULL;
    slot = slot_of(oracle, span->trace_id);
    if (oracle->slots[slot] != 0)
        return &oracle->traces[oracle->slots[slot] - 1];
    trace = &oracle->traces[oracle->count];
    memset(trace, 0, sizeof(*trace));
    memcpy(trace->state.id, span->trace_id, 16);
    trace->first_ns = span->arrival_ns + (span->arrival_ns > 0 ? oracle->rules.group.wait_ns : 0);
    trace->life = oracle->life;
    oracle->slots[slot] = (uint32_t)++oracle->count;
    return trace;
}

/* At most what the collector takes to hold the span: its bytes, the head of a piece, and what the
 * groups around it say, as a part and by themselves. */
static uint64_t held_bytes(const struct trace *trace, const struct hx_tail_span *span)
{
    uint64_t bytes = span->size + span->loose + 16;

    if (span->resized)
        bytes += span->size + span->resource_size + span->grown + 1024;
    if (trace->state.fragment != span->fragment || trace->state.scope != span->scope)
        bytes += span->resource_size + span->scope_size + 128;
    return bytes;
}

static void take(struct hx_tail_oracle *oracle, struct trace *trace,
                 const struct hx_tail_span *span)
{
    static const uint8_t none[8];
    const struct hx_rules *rules = &oracle->rules;

    if (span->arrival_ns != 0 && trace->to_ns == 0)
        fix_time(rules, trace, span->arrival_ns, rules->wait_ns);
    if (span->guessed)
        trace->flags |= GUESSED;
    if (span->unsure)
        trace->flags |= UNSURE;
    if (trace->life != oracle->life)
        trace->flags |= RESTARTED;
    if (trace->state.spans > 0 && span->fragment != trace->state.fragment)
        trace->flags |= PARTS;
    trace->held += held_bytes(trace, span);
    if (trace->to_ns != 0 && span->arrival_ns > trace->to_ns) {
        if (trace->outcomes == 0)
            may_fall(rules, trace);
        trace->flags |= LATE;
        trace->late++;
        return;
    }
    if (trace->to_ns != 0 && span->arrival_ns > trace->from_ns) {
        trace->flags |= NEAR;
        may_fall(rules, trace); /* without this span */
    }
    hx_rules_look(rules, &trace->state, span);
    if ((trace->flags & NEAR) != 0)
        may_fall(rules, trace); /* with it */
    weigh(rules, trace);
    if (rules->root_wait_ns > 0 && span->arrival_ns != 0 &&
        memcmp(span->parent_span_id, none, 8) == 0)
        fix_time(rules, trace, span->arrival_ns, rules->root_wait_ns / SECOND_NS * SECOND_NS);
}

/* When groupbytrace hands the span on: at the end of the wait that its trace is in. */
static uint64_t handed_on(const struct hx_rules *rules, struct trace *trace, uint64_t arrival_ns)
{
    uint64_t wait_ns = rules->group.wait_ns;

    if (arrival_ns == 0)
        return 0;
    if (trace->group_ns == 0 || arrival_ns > group_end(rules, trace->group_ns)) {
        trace->flags |= trace->group_ns != 0 ? AGAIN : 0;
        trace->group_ns = arrival_ns;
    } else if (arrival_ns + EARLY_NS + rules->spread_ns > trace->group_ns + wait_ns) {
        trace->flags |= TORN;
    }
    return trace->group_ns + wait_ns;
}

enum otel_err hx_tail_oracle_span(struct hx_tail_oracle *oracle, const struct hx_tail_span *span)
{
    const struct hx_rules *rules = &oracle->rules;
    struct trace *trace = trace_of(oracle, span);
    struct hx_tail_span later;
    uint64_t arrival_ns = span->arrival_ns;

    if (trace == NULL)
        return OTEL_ERR_MEMORY;
    if (span->arrival_ns > oracle->last_ns)
        oracle->last_ns = span->arrival_ns;
    if (rules->before.count > 0)
        span = hx_before_run(&oracle->rules.before, span, &oracle->draft);
    if (rules->group.wait_ns > 0 &&
        (span != NULL || rules->before.dropped_at >= rules->group.at)) /* held all the same */
        arrival_ns = handed_on(rules, trace, arrival_ns);
    if (span != NULL && rules->group.wait_ns > 0) {
        later = *span;
        later.arrival_ns = arrival_ns;
        later.resized = true; /* its groups are made anew */
        span = &later;
    }
    if (span != NULL)
        take(oracle, trace, span);
    else
        trace->before++;
    return OTEL_OK;
}

/* ---- the end ---- */

/* Traces that began between the first span and a moment; they stand in order of their beginning. */
static size_t begun_until(const struct hx_tail_oracle *oracle, size_t n, uint64_t until_ns)
{
    size_t low = n + 1, high = oracle->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (oracle->traces[middle].first_ns <= until_ns)
            low = middle + 1;
        else
            high = middle;
    }
    return low - n - 1;
}

static void find_crowds(struct hx_tail_oracle *oracle)
{
    const struct hx_rules *rules = &oracle->rules;
    size_t again = 0;

    if (oracle->count <= rules->traces)
        return;
    for (size_t i = 0; i < oracle->count; i++)
        again += (oracle->traces[i].flags & (NEAR | LATE)) != 0;
    for (size_t i = 0; i < oracle->count; i++) {
        struct trace *trace = &oracle->traces[i];
        if (trace->to_ns == 0 || begun_until(oracle, i, trace->to_ns) + again >= rules->traces)
            trace->flags |= CROWDED;
        if ((trace->flags & (NEAR | LATE)) != 0)
            trace->flags |= FORGOTTEN;
    }
}

/* While a trace is open, so are those that began within its life, and some that began so long
 * before it: is there room for all that they ever took? Traces that may have begun anew count
 * always. */
static void find_over(struct hx_tail_oracle *oracle, uint64_t life, uint64_t most, unsigned flag)
{
    uint64_t again = 0, all = 0, near = 0;
    size_t low = 0, high = 0;

    for (size_t i = 0; i < oracle->count; i++) {
        const struct trace *trace = &oracle->traces[i];
        all += trace->held;
        again += (trace->flags & (NEAR | LATE | AGAIN | TORN)) != 0 ? trace->held : 0;
    }
    for (size_t i = 0; i < oracle->count; i++) {
        struct trace *trace = &oracle->traces[i];
        for (; high < oracle->count && oracle->traces[high].first_ns <= trace->first_ns + life;
             high++)
            near += oracle->traces[high].held;
        for (; low < high && oracle->traces[low].first_ns + life < trace->first_ns; low++)
            near -= oracle->traces[low].held;
        if ((trace->to_ns == 0 ? all : near + again) > most)
            trace->flags |= (uint16_t)flag;
    }
}

static void find_full(struct hx_tail_oracle *oracle)
{
    const struct hx_rules *rules = &oracle->rules;

    find_over(oracle, rules->wait_ns + SECOND_NS + LATE_NS + rules->spread_ns, rules->max_held,
              FULL);
    for (size_t i = 0; i < oracle->count; i++)
        if (oracle->traces[i].state.spans > rules->max_held / SPAN_BYTES)
            oracle->traces[i].flags |= FULL;
}

/* The same of groupbytrace, whose buffers are up to twice as large as what is in them. */
static void find_squeezed(struct hx_tail_oracle *oracle)
{
    const struct hx_rules *rules = &oracle->rules;
    uint64_t life = group_end(rules, 0);
    size_t again = 0;

    if (rules->group.wait_ns == 0)
        return;
    find_over(oracle, life, rules->group.max_bytes / 3, SQUEEZED);
    for (size_t i = 0; i < oracle->count; i++)
        again += (oracle->traces[i].flags & (AGAIN | TORN)) != 0;
    for (size_t i = 0; i < oracle->count && oracle->count > rules->group.traces; i++) {
        struct trace *trace = &oracle->traces[i];
        if (trace->to_ns == 0 ||
            begun_until(oracle, i, trace->first_ns + life) + again >= rules->group.traces)
            trace->flags |= SQUEEZED;
    }
}

static void find_forgotten(struct hx_tail_oracle *oracle)
{
    const struct hx_rules *rules = &oracle->rules;
    bool small = (rules->sampled_cache > 0 && rules->sampled_cache < oracle->count) ||
                 (rules->other_cache > 0 && rules->other_cache < oracle->count);

    for (size_t i = 0; i < oracle->count && small; i++)
        if ((oracle->traces[i].flags & (NEAR | LATE)) != 0)
            oracle->traces[i].flags |= FORGOTTEN;
}

enum otel_err hx_tail_oracle_end(struct hx_tail_oracle *oracle)
{
    for (size_t i = 0; i < oracle->count; i++)
        if (oracle->traces[i].outcomes == 0 && oracle->traces[i].state.spans > 0)
            may_fall(&oracle->rules, &oracle->traces[i]);
    find_crowds(oracle);
    find_full(oracle);
    find_squeezed(oracle);
    find_held(oracle);
    find_forgotten(oracle);
    return OTEL_OK;
}

/* ---- answers ---- */

static unsigned outcomes_of(const struct hx_tail_oracle *oracle, const struct trace *trace)
{
    unsigned all = HX_TAIL_MAY_SAMPLE | HX_TAIL_MAY_NOT | HX_TAIL_MAY_DROP | HX_TAIL_MAY_VANISH;
    unsigned outcomes = trace->outcomes;

    if ((trace->flags & (UNSURE | RESTARTED | FORGOTTEN | GUESSED | TORN | SQUEEZED)) != 0 ||
        (trace->flags & (HELD | AGAIN)) == (HELD | AGAIN) ||
        ((trace->flags & (FULL | CROWDED)) != 0 && (trace->flags & PARTS) != 0))
        return all;
    if (trace->state.spans == 0)
        return HX_TAIL_MAY_VANISH;
    if ((trace->flags & LARGE) != 0)
        return HX_TAIL_MAY_NOT;
    if ((trace->flags & MAYBE_LARGE) != 0)
        outcomes |= HX_TAIL_MAY_NOT;
    if ((trace->flags & (FULL | CROWDED | HELD)) != 0 ||
        (oracle->rules.drop_pending && trace->to_ns + SECOND_NS > oracle->last_ns))
        outcomes |= HX_TAIL_MAY_VANISH;
    return outcomes;
}

static const char *why_of(const struct hx_tail_oracle *oracle, const struct trace *trace,
                          enum hx_tail_says says)
{
    if ((trace->flags & UNSURE) != 0)
        return "a request of it may not have been taken";
    if ((trace->flags & RESTARTED) != 0)
        return "the collector was restarted while it was open";
    if ((trace->flags & FORGOTTEN) != 0)
        return "spans came when its decision may have been forgotten";
    if ((trace->flags & GUESSED) != 0)
        return "what a processor before made of a span of it is not known";
    if ((trace->flags & TORN) != 0)
        return "spans came when groupbytrace may have handed on those before";
    if ((trace->flags & SQUEEZED) != 0)
        return "groupbytrace may have had no room for it";
    if (trace->state.spans == 0)
        return "no span of it came through the processors before";
    if ((trace->flags & LARGE) != 0)
        return "larger than maximum_trace_size_bytes";
    if (says != HX_TAIL_DEPENDS)
        return trace->policy == 0 ? "no policy samples it"
               : says == HX_TAIL_KEEP ? "the policy samples it"
                                      : "the policy drops it";
    if ((trace->flags & HELD) != 0)
        return "groupbytrace may have held it when the collector stopped";
    if ((trace->flags & FULL) != 0)
        return oracle->rules.parts > 1
                   ? "a worker's part of compat.max_bytes may have been reached before its decision"
                   : "compat.max_bytes may have been reached before its decision";
    if ((trace->flags & CROWDED) != 0)
        return oracle->rules.parts > 1
                   ? "a worker's part of num_traces may have been reached before its decision"
                   : "num_traces may have been reached before its decision";
    if (oracle->rules.drop_pending)
        return "it may have been open at the end (drop_pending_traces_on_shutdown)";
    if ((trace->flags & MAYBE_LARGE) != 0)
        return "close to maximum_trace_size_bytes";
    if ((trace->flags & NEAR) != 0)
        return "spans came when the decision may have fallen";
    return "the policy depends on the traces before";
}

void hx_tail_oracle_answer(const struct hx_tail_oracle *oracle, size_t n,
                           struct hx_tail_answer *ret)
{
    const struct trace *trace = &oracle->traces[n];
    unsigned outcomes = outcomes_of(oracle, trace);
    bool kept = (outcomes & HX_TAIL_MAY_SAMPLE) != 0;
    bool lost = (outcomes & ~(unsigned)HX_TAIL_MAY_SAMPLE) != 0;

    memset(ret, 0, sizeof(*ret));
    memcpy(ret->trace_id, trace->state.id, 16);
    ret->outcomes = outcomes;
    ret->says = kept && lost ? HX_TAIL_DEPENDS : kept ? HX_TAIL_KEEP : HX_TAIL_DROP;
    ret->policy = trace->policy > 0 && (trace->flags & LARGE) == 0
                      ? oracle->rules.list[trace->policy - 1]->name
                      : "";
    ret->one_policy = (trace->flags & POLICIES) == 0;
    ret->why = why_of(oracle, trace, ret->says);
    ret->first_ns = trace->first_ns - (trace->first_ns > 0 ? oracle->rules.group.wait_ns : 0);
    ret->from_ns = trace->from_ns;
    ret->spans = trace->state.spans + trace->late;
    ret->late = trace->late;
}

size_t hx_tail_oracle_count(const struct hx_tail_oracle *oracle)
{
    return oracle->count;
}

const char *hx_tail_oracle_processor(const struct hx_tail_oracle *oracle)
{
    return oracle->rules.processor;
}

bool hx_tail_oracle_stateless(const struct hx_tail_oracle *oracle)
{
    return !oracle->rules.stateful;
}

bool hx_tail_oracle_forks(const struct hx_tail_oracle *oracle)
{
    return oracle->rules.forks;
}

uint64_t hx_tail_oracle_last_ns(const struct hx_tail_oracle *oracle)
{
    return oracle->last_ns;
}

const struct hx_rules *hx_tail_oracle_rules(const struct hx_tail_oracle *oracle)
{
    return &oracle->rules;
}

/* What stands in the way from it to what its pipeline exports; NULL: nothing. */
static const char *obstacle(const struct hx_tail_oracle *oracle, const json_t *pipeline)
{
    return hx_way_obstacle(oracle->rules.tree, pipeline, oracle->rules.processor,
                           oracle->rules.before.old_errors);
}

static json_t *pipelines_of(const struct hx_tail_oracle *oracle)
{
    return json_object_get(json_object_get(oracle->rules.tree, "service"), "pipelines");
}

bool hx_tail_oracle_feeds(const struct hx_tail_oracle *oracle, const char *exporter)
{
    const char *name;
    json_t *pipeline;
    size_t fed = 0, by_it = 0;

    json_object_foreach(pipelines_of(oracle), name, pipeline) {
        if (!hx_way_names(json_object_get(pipeline, "exporters"), exporter))
            continue;
        fed++;
        by_it += hx_way_names(json_object_get(pipeline, "processors"), oracle->rules.processor) &&
                 obstacle(oracle, pipeline) == NULL;
    }
    return fed == 1 && by_it == 1;
}

const char *hx_tail_oracle_obstacle(const struct hx_tail_oracle *oracle)
{
    const char *name, *first = NULL;
    json_t *pipeline;

    json_object_foreach(pipelines_of(oracle), name, pipeline) {
        if (!hx_way_names(json_object_get(pipeline, "processors"), oracle->rules.processor))
            continue;
        first = obstacle(oracle, pipeline);
        if (first == NULL)
            return NULL;
    }
    return first;
}
