/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/verify/result.h"

#include "harness/verify/claims.h"
#include "harness/verify/exemplar.h"
#include "harness/verify/judge/edges.h"
#include "harness/verify/logs.h"
#include "harness/verify/series.h"
#include "sdk/base/text.h"

static const struct {
    enum hx_opinion opinion;
    const char *name;
} REASONS[] = {
    {HX_OPINION_QUEUE_FULL, "queue_full"},   {HX_OPINION_EXPORT_FAILED, "export_failed"},
    {HX_OPINION_REJECTED, "rejected"},       {HX_OPINION_AFTER_SHUTDOWN, "after_shutdown"},
    {HX_OPINION_NO_MEMORY, "no_memory"},     {HX_OPINION_COUNTED, "counted_only"},
    {HX_OPINION_AGENT, "agent_dropped"},
};

static int put_count(json_t *object, const char *key, uint64_t value)
{
    return json_object_set_new(object, key, json_integer((json_int_t)value));
}

static json_t *lost_json(const struct hx_books *books, uint64_t *ret_total)
{
    json_t *lost = json_object();
    uint64_t total = books->killed + books->lost_after_ack;
    int bad = lost == NULL;

    for (size_t i = 0; i < sizeof REASONS / sizeof REASONS[0]; i++) {
        uint64_t n = books->lost[REASONS[i].opinion];

        total += n;
        if (n > 0)
            bad |= put_count(lost, REASONS[i].name, n);
    }
    if (books->killed > 0)
        bad |= put_count(lost, "process_killed", books->killed);
    if (books->lost_after_ack > 0)
        bad |= put_count(lost, "lost_after_ack", books->lost_after_ack);
    *ret_total = total;
    if (!bad)
        return lost;
    json_decref(lost);
    return NULL;
}

static json_t *spans_json(const struct hx_judgement *j)
{
    const struct hx_books *b = &j->books;
    uint64_t total, accounted;
    json_t *lost = lost_json(b, &total), *spans = json_object();
    int bad = json_object_set_new(spans, "lost", lost);

    accounted = b->not_recorded + b->record_only + b->open_at_end + b->delivered + b->altered +
                total + b->unexplained;
    bad |= put_count(spans, "started", b->started) |
           put_count(spans, "not_recorded", b->not_recorded) |
           put_count(spans, "record_only", b->record_only) |
           put_count(spans, "open_at_end", b->open_at_end) |
           put_count(spans, "delivered", b->delivered) | put_count(spans, "altered", b->altered) |
           put_count(spans, "duplicated", b->duplicated) |
           put_count(spans, "retry_duplicates", b->retry_duplicates) |
           put_count(spans, "redelivered", b->redelivered) |
           put_count(spans, "lost_total", total) |
           put_count(spans, "lost_after_ack", b->lost_after_ack) |
           put_count(spans, "delivered_reported_lost", b->reported_lost) |
           put_count(spans, "lost_unexplained", b->unexplained) |
           put_count(spans, "unexpected", b->unexpected) | put_count(spans, "accounted", accounted);
    if (b->reported_lost_counted > 0)
        bad |= put_count(spans, "delivered_reported_lost_counted", b->reported_lost_counted);
    if (b->foreign > 0)
        bad |= put_count(spans, "foreign", b->foreign);
    if (j->facts->load_count > 0)
        bad |= json_object_set_new(spans, "per_request",
                                   json_real((double)b->started / (double)j->facts->load_count));
    if (bad == 0)
        return spans;
    json_decref(spans);
    return NULL;
}

static json_t *traces_json(const struct hx_tally *t)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "expected",
                     (json_int_t)t->expected, "not_sampled", (json_int_t)t->not_sampled, "complete",
                     (json_int_t)t->complete, "broken", (json_int_t)t->broken, "partial",
                     (json_int_t)t->partial, "incomplete", (json_int_t)t->incomplete, "orphaned",
                     (json_int_t)t->orphaned, "missing", (json_int_t)t->missing);
}

json_t *hx_result(struct hx_judgement *j)
{
    enum hx_verdict verdict;
    json_t *expectations = hx_claims_judge(j, &verdict);
    json_t *result = json_object(), *logs = hx_logs_json(j);
    int bad = json_object_set_new(result, "expectations", expectations);

    bad |= json_object_set_new(result, "verdict", json_string(hx_verdict_name(verdict)));
    bad |= json_object_set_new(result, "checks", hx_checks_json(&j->checks));
    bad |= json_object_set_new(result, "spans", spans_json(j));
    bad |= json_object_set_new(result, "traces", traces_json(&j->tally));
    bad |= json_object_set_new(result, "edges", hx_edges_json(j));
    bad |= json_object_set_new(result, "exemplar_traces", hx_exemplars_json(j));
    if (hx_series_wanted(j->scenario))
        bad |= json_object_set_new(result, "series", hx_series_json(j->facts));
    if (logs != NULL)
        bad |= json_object_set_new(result, "logs", logs);
    if (j->namer != NULL)
        bad |= json_object_set(result, "namer", j->namer);
    if (j->path != NULL)
        bad |= json_object_set(result, "critical_path", j->path);
    if (bad == 0)
        return result;
    json_decref(result);
    return NULL;
}
