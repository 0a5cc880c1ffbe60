/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "collector-mock/config/version.h"
#include "collector-mock/processors/tail/tail.h"
#include "sdk/base/mem.h"

/* Metrics under the names of the Collector, our books beside them, and the record of decisions.
 * A series that finds no room in the registry is not counted. */

#define PREFIX "otelcol_processor_tail_sampling_"
#define OURS "collector_mock_tail_sampling_"

enum { LABELS_MAX = 512, DECISIONS = COL_TAIL_DROPPED + 1 };

struct policy_numbers {
    uint64_t *decided[DECISIONS]; /* made when first needed, as in the Collector */
    uint64_t *decided_spans[DECISIONS]; /* compat.count_spans_sampled */
    uint64_t *executions, *execution_us;
    struct col_histogram *latency; /* of old versions */
    uint64_t execution_ns;
};

struct col_tail_numbers {
    struct policy_numbers *policies;
    uint64_t *decided[DECISIONS];
    uint64_t *on_memory, *too_early, *too_large, *new_traces, *errors, *unparseable;
    uint64_t *cached[2];
    struct col_histogram *timer, *removal, *late;
    uint64_t *received, *refused, *kept, *sampled_out, *held, *held_bytes;
    uint64_t *dropped[COL_TAIL_DROPS];
};

static const char *const drop_words[COL_TAIL_DROPS] = {
    "too_early", "too_large", "max_bytes", "drop_policy", "shutdown", "export_failed", "no_memory"};
static const char *const decision_words[DECISIONS] = {NULL, "sampled", "not_sampled", "dropped"};

static uint64_t *counter(struct col_tail *tail, const char *name, const char *labels,
                         const char *help)
{
    return col_metrics_counter(tail->create.host->metrics, name, labels, help);
}

static void add(uint64_t *series, uint64_t n)
{
    if (series != NULL)
        *series += n;
}

static void set(uint64_t *series, uint64_t n)
{
    if (series != NULL)
        *series = n;
}

/* "NAME.policy" for tail_sampling/NAME. */
static void policy_label(const struct col_tail *tail, size_t policy, char out[LABELS_MAX])
{
    const char *slash = strchr(tail->create.id, '/');

    snprintf(out, LABELS_MAX, "policy=\"%s%s%s\"", slash != NULL ? slash + 1 : "",
             slash != NULL ? "." : "", tail->policies->list[policy]->name);
}

/* ---- life ---- */

/* Of milliseconds and microseconds. */
static const double ms[] = {1,   2,   5,   10,  25,   50,   75,   100,  150,   200,   300,  400,
                            500, 750, 1000, 2000, 3000, 4000, 5000, 10000, 20000, 30000, 50000};

static void new_histograms(struct col_tail *tail, const char *labels)
{
    static const double s[] = {0,   5,   10,   25,   50,   75,   100,  250,
                               500, 750, 1000, 2500, 5000, 7500, 10000};
    struct col_metrics *metrics = tail->create.host->metrics;
    struct col_tail_numbers *n = tail->numbers;

    n->timer = col_metrics_histogram(
        metrics, &(struct col_histogram_options){PREFIX "sampling_decision_timer_latency", labels,
                                                 "Milliseconds that a tick took.", ms,
                                                 sizeof(ms) / sizeof(ms[0])});
    n->removal = col_metrics_histogram(
        metrics, &(struct col_histogram_options){PREFIX "sampling_trace_removal_age", labels,
                                                 "Seconds from arrival to removal of a trace.", s,
                                                 sizeof(s) / sizeof(s[0])});
    n->late = col_metrics_histogram(
        metrics, &(struct col_histogram_options){PREFIX "sampling_late_span_age", labels,
                                                 "Seconds from decision to a late span.", s,
                                                 sizeof(s) / sizeof(s[0])});
}

static void new_books(struct col_tail *tail, const char *labels)
{
    struct col_tail_numbers *n = tail->numbers;
    char with_reason[LABELS_MAX + 64];

    n->received = counter(tail, OURS "received_spans", labels, "Spans offered.");
    n->refused = counter(tail, OURS "refused_spans", labels, "Spans refused: no room.");
    n->kept = counter(tail, OURS "kept_spans", labels, "Spans handed on.");
    n->sampled_out =
        counter(tail, OURS "sampled_out_spans", labels, "Spans of traces not sampled.");
    n->held = col_metrics_gauge(tail->create.host->metrics, OURS "held_spans", labels,
                                "Spans in memory.");
    n->held_bytes = col_metrics_gauge(tail->create.host->metrics, OURS "held_bytes", labels,
                                      "Bytes that they take.");
    for (int i = 0; i < COL_TAIL_DROPS; i++) {
        snprintf(with_reason, sizeof(with_reason), "%s,reason=\"%s\"", labels, drop_words[i]);
        n->dropped[i] =
            counter(tail, OURS "dropped_spans", with_reason, "Spans dropped, by reason.");
    }
}

enum otel_err col_tail_numbers_new(struct col_tail *tail)
{
    struct col_tail_numbers *n = otl_mem_zalloc(sizeof(*n));
    char labels[LABELS_MAX];

    if (n == NULL)
        return OTEL_ERR_MEMORY;
    tail->numbers = n;
    n->policies = otl_mem_zalloc(tail->policies->count * sizeof(*n->policies));
    if (n->policies == NULL)
        return OTEL_ERR_MEMORY;
    snprintf(labels, sizeof(labels), "processor=\"%s\"", tail->create.id);
    n->on_memory = col_metrics_gauge(tail->create.host->metrics,
                                     PREFIX "sampling_traces_on_memory", labels,
                                     "Traces in memory, decided ones counted.");
    n->too_early = counter(tail, PREFIX "sampling_trace_dropped_too_early", labels,
                           "Traces forgotten before they were decided.");
    n->too_large = counter(tail, PREFIX "traces_dropped_too_large", labels,
                           "Traces over maximum_trace_size_bytes.");
    n->new_traces =
        counter(tail, PREFIX "new_trace_id_received", labels, "Traces seen for the first time.");
    n->errors = counter(tail, PREFIX "sampling_policy_evaluation_error", labels,
                        "Policies that could not be evaluated.");
    if (tail->policies->compat.use_tracestate)
        n->unparseable = counter(tail, PREFIX "count_spans_with_unparseable_tracestate", labels,
                                 "Spans kept without a threshold in their tracestate.");
    new_histograms(tail, labels);
    new_books(tail, labels);
    return OTEL_OK;
}

void col_tail_numbers_free(struct col_tail *tail)
{
    if (tail->numbers != NULL)
        otl_mem_free(tail->numbers->policies);
    otl_mem_free(tail->numbers);
}

/* ---- policies and decisions ---- */

static const char *sampled_words(enum col_tail_decision decision, char *out, size_t size)
{
    snprintf(out, size, "sampled=\"%s\",decision=\"%s\"",
             decision == COL_TAIL_SAMPLED ? "true" : "false", decision_words[decision]);
    return out;
}

static enum col_tail_decision decision_of(enum col_tail_opinion opinion)
{
    if (opinion == COL_TAIL_SAYS_DROPPED)
        return COL_TAIL_DROPPED;
    return opinion == COL_TAIL_SAYS_SAMPLED || opinion == COL_TAIL_SAYS_INVERT_SAMPLED
               ? COL_TAIL_SAMPLED
               : COL_TAIL_NOT_SAMPLED;
}

/* Time: since v0.SINCE_SUMS its own, summed; before a histogram of how long the trace had been
 * looked at until the policy had answered. */
enum { SINCE_SUMS = 140 };

static void count_time(struct col_tail *tail, size_t policy,
                       const struct col_tail_opinion_row *row)
{
    struct policy_numbers *n = &tail->numbers->policies[policy];
    bool old = col_version_before(tail->create.host->as_version, SINCE_SUMS);
    char labels[LABELS_MAX];

    if (old && n->latency == NULL) {
        policy_label(tail, policy, labels);
        n->latency = col_metrics_histogram(
            tail->create.host->metrics,
            &(struct col_histogram_options){PREFIX "sampling_decision_latency", labels,
                                            "Microseconds until a policy had answered.", ms,
                                            sizeof(ms) / sizeof(ms[0])});
    }
    if (old) {
        col_histogram_observe(n->latency, (double)(row->since_begin_ns / OTL_NS_PER_US));
        return;
    }
    if (n->executions == NULL) {
        policy_label(tail, policy, labels);
        n->executions = counter(tail, PREFIX "sampling_policy_execution_count", labels,
                                "Times that a policy was asked.");
        n->execution_us = counter(tail, PREFIX "sampling_policy_execution_time_sum", labels,
                                  "Microseconds that a policy took.");
    }
    n->execution_ns += row->took_ns;
    add(n->executions, 1);
    set(n->execution_us, n->execution_ns / OTL_NS_PER_US);
}

void col_tail_count_opinion(struct col_tail *tail, size_t policy,
                            const struct col_tail_opinion_row *row)
{
    struct policy_numbers *n = &tail->numbers->policies[policy];
    enum col_tail_decision decision = decision_of(row->opinion);
    char labels[LABELS_MAX + 64], words[64];

    count_time(tail, policy, row);
    if (row->opinion == COL_TAIL_SAYS_ERROR) {
        add(tail->numbers->errors, 1);
        return;
    }
    if (n->decided[decision] == NULL) {
        policy_label(tail, policy, labels);
        snprintf(labels + strlen(labels), sizeof(labels) - strlen(labels), ",%s",
                 sampled_words(decision, words, sizeof(words)));
        n->decided[decision] = counter(tail, PREFIX "count_traces_sampled", labels,
                                       "Traces by policy and what it said.");
        if (tail->policies->compat.count_spans)
            n->decided_spans[decision] = counter(tail, PREFIX "count_spans_sampled", labels,
                                                 "Spans by policy and what it said.");
    }
    add(n->decided[decision], 1);
    add(n->decided_spans[decision], row->spans);
}

void col_tail_count_decision(struct col_tail *tail, enum col_tail_decision decision)
{
    uint64_t **series = &tail->numbers->decided[decision];
    char words[64];

    if (*series == NULL)
        *series = counter(tail, PREFIX "global_count_traces_sampled",
                          sampled_words(decision, words, sizeof(words)), "Traces by decision.");
    add(*series, 1);
}

void col_tail_count_new(struct col_tail *tail)
{
    add(tail->numbers->new_traces, 1);
}

void col_tail_count_cached(struct col_tail *tail, bool sampled, uint64_t spans)
{
    uint64_t **series = &tail->numbers->cached[sampled];

    if (*series == NULL)
        *series = counter(tail, PREFIX "early_releases_from_cache_decision",
                          sampled ? "sampled=\"true\"" : "sampled=\"false\"",
                          "Spans that a decision cache answered.");
    add(*series, spans);
}

void col_tail_count_too_early(struct col_tail *tail)
{
    add(tail->numbers->too_early, 1);
}

void col_tail_count_too_large(struct col_tail *tail)
{
    add(tail->numbers->too_large, 1);
}

void col_tail_count_unparseable(struct col_tail *tail)
{
    add(tail->numbers->unparseable, 1);
}

void col_tail_count_late(struct col_tail *tail, uint64_t age_ns)
{
    col_histogram_observe(tail->numbers->late, (double)(age_ns / OTL_NS_PER_S));
}

void col_tail_count_removal(struct col_tail *tail, uint64_t age_ns)
{
    col_histogram_observe(tail->numbers->removal, (double)(age_ns / OTL_NS_PER_S));
}

void col_tail_count_tick(struct col_tail *tail, uint64_t took_ns)
{
    col_histogram_observe(tail->numbers->timer, (double)(took_ns / OTL_NS_PER_MS));
    set(tail->numbers->on_memory, tail->table.count);
}

void col_tail_count_books(struct col_tail *tail)
{
    const struct col_tail_books *books = &tail->books;
    struct col_tail_numbers *n = tail->numbers;

    set(n->received, books->received);
    set(n->refused, books->refused);
    set(n->kept, books->kept);
    set(n->sampled_out, books->sampled_out);
    set(n->held, books->held);
    set(n->held_bytes, tail->store.bytes + tail->waiting_bytes +
                           (uint64_t)tail->table.count * sizeof(*tail->table.traces));
    for (int i = 0; i < COL_TAIL_DROPS; i++)
        set(n->dropped[i], books->dropped[i]);
}

/* ---- the record of decisions ---- */

void col_tail_record(struct col_tail *tail, const char *event, const struct col_tail_trace *trace,
                     enum col_tail_decision decision, uint64_t spans)
{
    struct col_host *host = tail->create.host;
    struct col_decision_row row = {.event = event,
                                   .processor = tail->create.id,
                                   .decision = decision_words[decision],
                                   .spans = spans};

    if (host->decisions.fd < 0)
        return;
    row.mono_ns = otl_clock_mono(host->clock);
    row.wall_ns = otl_clock_wall(host->clock);
    if (trace != NULL) {
        row.trace_id = trace->id;
        if (trace->policy > 0)
            row.policy = tail->policies->list[trace->policy - 1]->name;
    }
    col_decisions_write(&host->decisions, &row);
}
