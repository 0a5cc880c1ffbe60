/* SPDX-License-Identifier: Apache-2.0 */
/* The SDK's own counters at a clean stop, against the ledger, the drop record and the missing. */
#include <inttypes.h>
#include <string.h>

#include "harness/verify/judge/judge.h"
#include "sdk/base/mem.h"

static const char *const REASONS[] = {
    [HX_DROP_QUEUE_FULL] = "queue_full",     [HX_DROP_EXPORT_FAILED] = "export_failed",
    [HX_DROP_REJECTED] = "rejected",         [HX_DROP_AFTER_SHUTDOWN] = "after_shutdown",
    [HX_DROP_NO_MEMORY] = "no_memory",
};

enum { REASON_END = HX_DROP_NO_MEMORY + 1 };

struct seen { /* by the ledger and the drop record, for one process */
    uint64_t started, not_recorded, record_only, open;
};

static void count_spans(const struct hx_facts *facts, struct seen *seen)
{
    for (size_t i = 0; i < facts->span_count; i++) {
        const struct hx_fact_span *span = &facts->spans[i];
        struct seen *s = &seen[span->process];
        unsigned flags = span->open->head.flags;

        s->started++;
        if ((flags & HX_LED_SPAN_RECORDING) == 0)
            s->not_recorded++;
        else if ((flags & HX_LED_SPAN_SAMPLED) == 0)
            s->record_only++;
        if (span->close == NULL && (flags & HX_LED_SPAN_RECORDING) != 0)
            s->open++;
    }
}

static void compare(struct hx_judgement *j, const struct hx_fact_process *p, const char *what,
                    uint64_t counter, uint64_t ledger)
{
    hx_judged(&j->checks, HX_CHECK_BOOKS, 1);
    if (counter != ledger)
        hx_fail(&j->checks, HX_CHECK_BOOKS, &(struct hx_where){.service = p->instance},
                "%s: the SDK of %s counts %" PRIu64 ", the ledger has %" PRIu64, what,
                p->instance, counter, ledger);
}

static void judge_drops(struct hx_judgement *j, const struct hx_fact_process *p)
{
    const struct hx_led_process_close *close = p->close;
    const uint64_t counters[REASON_END] = {
        [HX_DROP_QUEUE_FULL] = close->queue_full, [HX_DROP_EXPORT_FAILED] = close->export_failed,
        [HX_DROP_REJECTED] = close->rejected, [HX_DROP_AFTER_SHUTDOWN] = close->after_shutdown,
        [HX_DROP_NO_MEMORY] = close->no_memory,
    };
    bool cut = p->drops != NULL && p->drops->header->count > p->drops->kept;

    for (int r = 1; r < REASON_END; r++) {
        uint64_t told = p->drops_named[r] + p->drops_unnamed[r];

        hx_judged(&j->checks, HX_CHECK_COUNTER_LIES, 1);
        if (counters[r] == told)
            continue;
        if (p->drops == NULL || (cut && counters[r] > told))
            hx_unknown(&j->checks, HX_CHECK_COUNTER_LIES, 1,
                       "%s: %" PRIu64 " %s drops are explained by count only", p->instance,
                       counters[r] - told, REASONS[r]);
        else
            hx_fail(&j->checks, HX_CHECK_COUNTER_LIES, &(struct hx_where){.service = p->instance},
                    "%s: the SDK counts %" PRIu64 " %s, its drop callback named %" PRIu64,
                    p->instance, counters[r], REASONS[r], told);
    }
}

/* Explained by count: a lower class than by identity, and told as such. */
static void tell_counted(struct hx_judgement *j)
{
    const struct hx_check *check = &j->checks.list[HX_CHECK_COUNTER_LIES];
    uint64_t spans = j->books.reported_lost_counted + j->books.lost[HX_OPINION_COUNTED];

    if (spans > 0)
        hx_observed(&j->checks, HX_CHECK_COUNTER_LIES,
                    "%" PRIu64 " wrong of %" PRIu64 " judged; %" PRIu64
                    " spans by count only, nobody knows which",
                    check->failed, check->judged, spans);
}

void hx_judge_counters(struct hx_judgement *j)
{
    const struct hx_facts *facts = j->facts;
    struct seen *seen = otl_mem_zalloc((facts->process_count + 1) * sizeof *seen);

    if (seen == NULL) {
        j->checks.memory = true;
        return;
    }
    count_spans(facts, seen);
    for (size_t i = 0; i < facts->process_count; i++) {
        const struct hx_fact_process *p = &facts->processes[i];

        if (p->close == NULL || p->service == NULL || !p->service->tracing.enabled ||
            p->service->foreign != NULL)
            continue;
        compare(j, p, "started", p->close->started, seen[i].started);
        compare(j, p, "not recorded", p->close->not_recorded, seen[i].not_recorded);
        compare(j, p, "record only", p->close->record_only, seen[i].record_only);
        compare(j, p, "open at the end", p->close->open_spans, seen[i].open);
        judge_drops(j, p);
    }
    if (facts->drops_unknown > 0)
        hx_fail(&j->checks, HX_CHECK_COUNTER_LIES, HX_NOWHERE,
                "%" PRIu64 " rows of the drop record name spans that nobody started",
                facts->drops_unknown);
    tell_counted(j);
    otl_mem_free(seen);
}
