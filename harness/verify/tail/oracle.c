/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/verify/tail/oracle.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "harness/verify/tail/rules.h"
#include "sdk/base/mem.h"

/* The traces in order of arrival, each with what the policies may say of it when its time comes. */

#define SECOND_NS 1000000000ULL
/* The collector takes a request a little after its last byte, and its ticks may come late. */
#define EARLY_NS (SECOND_NS / 4)
#define LATE_NS (2 * SECOND_NS)

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
    POLICIES = 256   /* which policy it is depends on the moment */
};

struct trace {
    struct hx_tail_state state;
    uint64_t first_ns, from_ns, to_ns; /* the decision falls between, if not at the end */
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

enum otel_err hx_tail_oracle_new(const struct otl_yaml *doc, const json_t *config,
                                 const char *processor, struct hx_tail_oracle **ret,
                                 struct otl_detail *reterr)
{
    struct hx_tail_oracle *oracle = otl_mem_zalloc(sizeof(*oracle));
    enum otel_err err;

    if (oracle == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    err = hx_rules_load(doc, config, processor, &oracle->rules, reterr);
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

void hx_tail_oracle_life(struct hx_tail_oracle *oracle)
{
    oracle->life++;
}

static void fix_time(const struct hx_rules *rules, struct trace *trace, uint64_t first_ns,
                     uint64_t wait_ns)
{
    uint64_t from = first_ns + wait_ns - EARLY_NS;
    uint64_t to = first_ns + wait_ns + SECOND_NS + LATE_NS + rules->spread_ns;

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

    if (trace->outcomes != 0 && trace->policy != policy)
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
    trace->first_ns = span->arrival_ns;
    trace->life = oracle->life;
    oracle->slots[slot] = (uint32_t)++oracle->count;
    return trace;
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

enum otel_err hx_tail_oracle_span(struct hx_tail_oracle *oracle, const struct hx_tail_span *span)
{
    struct trace *trace = trace_of(oracle, span);

    if (trace == NULL)
        return OTEL_ERR_MEMORY;
    if (span->arrival_ns > oracle->last_ns)
        oracle->last_ns = span->arrival_ns;
    if (oracle->rules.before.count > 0)
        span = hx_before_run(&oracle->rules.before, span, &oracle->draft);
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
    find_forgotten(oracle);
    return OTEL_OK;
}

/* ---- answers ---- */

static unsigned outcomes_of(const struct hx_tail_oracle *oracle, const struct trace *trace)
{
    unsigned all = HX_TAIL_MAY_SAMPLE | HX_TAIL_MAY_NOT | HX_TAIL_MAY_DROP | HX_TAIL_MAY_VANISH;
    unsigned outcomes = trace->outcomes;

    if ((trace->flags & (UNSURE | RESTARTED | FORGOTTEN | GUESSED)) != 0)
        return all;
    if (trace->state.spans == 0)
        return HX_TAIL_MAY_VANISH;
    if ((trace->flags & LARGE) != 0)
        return HX_TAIL_MAY_NOT;
    if ((trace->flags & MAYBE_LARGE) != 0)
        outcomes |= HX_TAIL_MAY_NOT;
    if ((trace->flags & CROWDED) != 0 ||
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
    if (trace->state.spans == 0)
        return "no span of it came through the processors before";
    if ((trace->flags & LARGE) != 0)
        return "larger than maximum_trace_size_bytes";
    if (says != HX_TAIL_DEPENDS)
        return trace->policy == 0 ? "no policy samples it"
               : says == HX_TAIL_KEEP ? "the policy samples it"
                                      : "the policy drops it";
    if ((trace->flags & CROWDED) != 0)
        return "num_traces may have been reached before its decision";
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
    ret->first_ns = trace->first_ns;
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

uint64_t hx_tail_oracle_last_ns(const struct hx_tail_oracle *oracle)
{
    return oracle->last_ns;
}

const struct hx_rules *hx_tail_oracle_rules(const struct hx_tail_oracle *oracle)
{
    return &oracle->rules;
}

static bool names(const json_t *list, const char *wanted)
{
    const json_t *item;
    size_t i;

    json_array_foreach(list, i, item)
        if (json_is_string(item) && strcmp(json_string_value(item), wanted) == 0)
            return true;
    return false;
}

bool hx_tail_oracle_feeds(const struct hx_tail_oracle *oracle, const char *exporter)
{
    const json_t *pipelines = json_object_get(
        json_object_get(oracle->rules.tree, "service"), "pipelines");
    const char *name;
    json_t *pipeline;
    size_t fed = 0, by_it = 0;

    json_object_foreach((json_t *)(uintptr_t)pipelines, name, pipeline) {
        if (!names(json_object_get(pipeline, "exporters"), exporter))
            continue;
        fed++;
        by_it += names(json_object_get(pipeline, "processors"), oracle->rules.processor);
    }
    return fed == 1 && by_it == 1;
}
