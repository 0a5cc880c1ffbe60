/* SPDX-License-Identifier: Apache-2.0 */
/* Tail sampling: the collector's decisions, and what stands behind them, against two oracles: one
 * that asks the received spans, and one that asks the ledger. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "harness/ledger/canon.h"
#include "harness/verify/judge/judge.h"
#include "harness/verify/tail/compare.h"
#include "harness/verify/tail/read.h"
#include "harness/verify/tail/rules.h"
#include "sdk/base/file.h"

enum { RECORD_MAX_BYTES = 1 << 30 };

static void tell(void *context, const uint8_t *trace_id, const char *text)
{
    struct hx_judgement *j = context;
    const struct hx_where where = {.trace_id = trace_id};

    hx_fail(&j->checks, HX_CHECK_TAIL_SAMPLING, &where, "%s", text);
}

static enum otel_err take_span(void *context, const struct hx_tail_span *span)
{
    return hx_tail_oracle_span(context, span);
}

static void take_life(void *context)
{
    hx_tail_oracle_life(context);
}

/* ---- what stands behind --------------------------------------------------------------------- */

static bool says(const json_t *row, const char *key, const char *wanted)
{
    const char *text = json_string_value(json_object_get(row, key));

    return text != NULL && strcmp(text, wanted) == 0;
}

/* Some write of the exporter met the fault disk_full: its spans are dropped as export_failed. */
static bool had_no_room(const struct hx_judgement *j, const char *exporter)
{
    char path[4096];
    struct otl_buf bytes;
    bool found = false;

    snprintf(path, sizeof path, "%s/spans/faults.jsonl", j->dir);
    otl_buf_init(&bytes, RECORD_MAX_BYTES);
    if (otl_file_read(path, &bytes, NULL) != OTEL_OK)
        bytes.len = 0; /* there were no faults */
    for (size_t at = 0; at < bytes.len && !found;) {
        const char *line = bytes.data + at;
        const char *end = memchr(line, '\n', bytes.len - at);
        size_t len = end != NULL ? (size_t)(end - line) : bytes.len - at;
        json_t *row = json_loadb(line, len, 0, NULL);
        found = says(row, "event", "hit") && says(row, "kind", "disk_full") &&
                says(row, "exporter", exporter);
        json_decref(row);
        at += len + 1;
    }
    otl_buf_fini(&bytes);
    return found;
}

static void compare_outputs(struct hx_judgement *j, const struct hx_tail_oracle *oracle,
                            struct hx_tail_compare *compare)
{
    json_t *exporters = json_object_get(j->scenario->collector, "exporters"), *config;
    struct otl_detail detail = OTL_DETAIL_NONE;
    char file[4096];
    const char *id, *full = NULL;

    json_object_foreach(exporters, id, config) {
        const char *path = json_string_value(json_object_get(config, "path"));

        if (strncmp(id, "file", 4) != 0 || path == NULL || !hx_tail_oracle_feeds(oracle, id))
            continue;
        if (had_no_room(j, id)) {
            full = id;
            continue;
        }
        snprintf(file, sizeof file, "%s%s%s", path[0] == '/' ? "" : j->dir,
                 path[0] == '/' ? "" : "/", path);
        if (hx_tail_compare_kept(compare, file, &detail) != OTEL_OK)
            hx_unknown(&j->checks, HX_CHECK_TAIL_SAMPLING, 1, "%s: %s", id, detail.text);
        return; /* one is enough: all get the same */
    }
    if (full != NULL)
        hx_unknown(&j->checks, HX_CHECK_TAIL_SAMPLING, 1,
                   "%s found no room (disk_full): not all that was kept stands in its file", full);
}

/* ---- the ledger's oracle -------------------------------------------------------------------- */

/* Clocks of the ledger stand around the span's own: what lies nearer to a threshold than this is
 * not known. */
static const uint64_t GUARD_NS = 50000000;

struct asked { /* of one trace, from the ledger */
    uint64_t start_ns, end_ns; /* wall */
    unsigned codes;            /* status codes that its spans were given, as bits */
    bool whole;                /* every span ended and was received as asked for */
};

/* The ledger has hashes: those of UNSET and OK are known, what is neither is ERROR. */
static unsigned code_of(const struct hx_led_content *content)
{
    struct hx_led_content plain[2];
    struct hx_canon canon;

    for (uint32_t code = 0; code < 2; code++) {
        hx_canon_init(&canon, "", 0);
        hx_canon_status(&canon, code, "", 0);
        hx_canon_finish(&canon, &plain[code]);
        if (content->status == plain[code].status)
            return code;
    }
    return 2;
}

static void ask_ledger(const struct hx_facts *facts, const struct hx_fact_trace *trace,
                       struct asked *ret)
{
    *ret = (struct asked){.start_ns = UINT64_MAX, .whole = true};
    for (uint32_t n = trace->first; n != HX_NONE; n = facts->spans[n].next_in_trace) {
        const struct hx_fact_span *span = &facts->spans[n];

        if (span->close == NULL || span->received == HX_NONE || span->altered != 0 ||
            !hx_facts_sampled(span)) {
            ret->whole = false;
            return;
        }
        if (span->open->wall_ns < ret->start_ns)
            ret->start_ns = span->open->wall_ns;
        if (span->close->wall_ns > ret->end_ns)
            ret->end_ns = span->close->wall_ns;
        ret->codes |= 1u << code_of(&span->close->content);
    }
}

/* The bits that the ledger can tell; the others are unknown. */
static void set_leaves(const struct hx_rules *rules, const struct asked *asked,
                       struct hx_tail_state *state)
{
    for (size_t i = 0; i < rules->leaf_count; i++) {
        const struct hx_leaf *leaf = &rules->leaves[i];
        int64_t low = leaf->low * 1000000, high = leaf->high * 1000000;
        int64_t took = (int64_t)(asked->end_ns - asked->start_ns), guard = (int64_t)GUARD_NS;

        if (leaf->kind == HX_LEAF_STATUS)
            state->bits |= (uint64_t)((leaf->low & asked->codes) != 0) << i;
        else if (leaf->kind == HX_LEAF_LATENCY && leaf->high == 0 && took > low + guard)
            state->bits |= 1ULL << i;
        else if (leaf->kind != HX_LEAF_LATENCY || took > low - guard || high > 0)
            state->unknown |= 1ULL << i;
    }
}

static void judge_ledger(struct hx_judgement *j, const struct hx_tail_oracle *oracle,
                         const struct hx_tail_compare *compare)
{
    const struct hx_rules *rules = hx_tail_oracle_rules(oracle);
    const struct hx_facts *facts = j->facts;
    uint64_t told = 0;

    for (size_t i = 0; i < facts->trace_count; i++) {
        const struct hx_fact_trace *trace = &facts->traces[i];
        const uint8_t *id = facts->spans[trace->first].open->trace_id;
        size_t n = hx_tail_oracle_find(oracle, id);
        struct hx_tail_state state = {.spans = trace->spans};
        struct hx_tail_answer answer;
        unsigned outcomes, done;
        struct asked asked;
        uint16_t policy;

        if (n == SIZE_MAX || (done = hx_tail_compare_done(compare, n)) == 0)
            continue;
        hx_tail_oracle_answer(oracle, n, &answer);
        ask_ledger(facts, trace, &asked);
        if (!asked.whole || answer.late > 0 || answer.says == HX_TAIL_DEPENDS || rules->tracestate)
            continue;
        memcpy(state.id, id, 16);
        set_leaves(rules, &asked, &state);
        outcomes = hx_rules_outcomes(rules, &state, &policy);
        told += (outcomes & (outcomes - 1)) == 0;
        if ((done & ~outcomes) != 0)
            hx_fail(&j->checks, HX_CHECK_TAIL_SAMPLING, &(struct hx_where){.trace_id = id},
                    "by the ledger it took %.1f ms%s: %s; the collector decided otherwise",
                    (double)(asked.end_ns - asked.start_ns) / 1e6,
                    (asked.codes & 4) != 0 ? ", with an error" : "",
                    (outcomes & HX_TAIL_MAY_SAMPLE) != 0 ? "it must be kept"
                                                         : "it must not be kept");
    }
    j->tail_told += told;
}

/* ---- one processor -------------------------------------------------------------------------- */

static void judge_with(struct hx_judgement *j, struct hx_tail_oracle *oracle,
                       struct hx_tail_compare *compare)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct hx_tail_counts counts;
    char path[4096];

    snprintf(path, sizeof path, "%s/spans/decisions.jsonl", j->dir);
    if (hx_tail_compare_decisions(compare, path, &detail) != OTEL_OK) {
        hx_unknown(&j->checks, HX_CHECK_TAIL_SAMPLING, 1, "the record of decisions: %s",
                   detail.text);
        return;
    }
    compare_outputs(j, oracle, compare);
    (void)hx_tail_compare_each(compare, tell, j);
    judge_ledger(j, oracle, compare);
    hx_tail_compare_counts(compare, &counts);
    hx_judged(&j->checks, HX_CHECK_TAIL_SAMPLING, counts.traces);
    if (j->checks.list[HX_CHECK_TAIL_SAMPLING].failed == 0)
        hx_observed(&j->checks, HX_CHECK_TAIL_SAMPLING,
                    "%" PRIu64 " traces: keep %" PRIu64 ", drop %" PRIu64
                    ", depends on timing %" PRIu64 "; %" PRIu64 " decisions recorded, %" PRIu64
                    " traces behind; the ledger alone tells %" PRIu64,
                    counts.traces, counts.keep, counts.drop, counts.depends, counts.recorded,
                    counts.kept, j->tail_told);
}

static void judge_processor(struct hx_judgement *j, const char *id)
{
    struct hx_tail_sink sink = {take_span, take_life, NULL, false};
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct hx_tail_compare *compare = NULL;
    struct hx_tail_oracle *oracle = NULL;
    struct hx_tail_source source = {0};
    char path[4096];
    enum otel_err err;

    snprintf(path, sizeof path, "%s/spans/tap.bin", j->dir);
    err = hx_tail_oracle_new(
        &(struct hx_tail_asked){.config = j->scenario->collector, .processor = id,
                                .workers = j->scenario->collector_workers},
        &oracle, &detail);
    sink.context = oracle;
    sink.refused = err == OTEL_OK && hx_tail_oracle_forks(oracle);
    if (err == OTEL_OK)
        err = hx_tail_read(path, &sink, &source, &detail);
    if (err == OTEL_OK)
        err = hx_tail_oracle_end(oracle);
    if (err == OTEL_OK)
        err = hx_tail_compare_new(oracle, &compare);
    if (err == OTEL_ERR_MEMORY)
        j->checks.memory = true;
    else if (err != OTEL_OK)
        hx_unknown(&j->checks, HX_CHECK_TAIL_SAMPLING, 1, "%s", detail.text);
    else
        judge_with(j, oracle, compare);
    hx_tail_compare_free(compare);
    hx_tail_oracle_free(oracle);
}

static bool in_a_pipeline(const json_t *collector, const char *id)
{
    const json_t *pipelines = json_object_get(json_object_get(collector, "service"), "pipelines");
    const json_t *item;
    json_t *pipeline;
    const char *name;
    size_t i;

    json_object_foreach((json_t *)(uintptr_t)pipelines, name, pipeline)
        json_array_foreach(json_object_get(pipeline, "processors"), i, item)
            if (json_is_string(item) && strcmp(json_string_value(item), id) == 0)
                return true;
    return false;
}

void hx_judge_tail(struct hx_judgement *j)
{
    json_t *processors = json_object_get(j->scenario->collector, "processors"), *config;
    const char *id;

    json_object_foreach(processors, id, config)
        if (strncmp(id, "tail_sampling", 13) == 0 && (id[13] == '\0' || id[13] == '/') &&
            in_a_pipeline(j->scenario->collector, id))
            judge_processor(j, id);
}
