/* SPDX-License-Identifier: Apache-2.0 */
/* Two columns a span: what the player thinks became of it, how often it was received. */
#include <inttypes.h>
#include <string.h>

#include "harness/verify/facts/ids.h"
#include "harness/verify/judge/agents.h"
#include "sdk/base/mem.h"
#include "sdk/base/text.h"

/* What is known of one process, for the opinions that only counters hold. */
struct account {
    uint64_t sampled;  /* sampled spans that ended */
    uint64_t named;    /* of those, in the drop record */
    uint64_t drops;    /* all spans in the drop record */
    uint64_t counted;  /* the player counts them as dropped, but names none; they are missing */
    uint64_t claimed;  /* the same before any was found missing */
    uint64_t strict;   /* of those, such as cannot have arrived */
    uint64_t refused;  /* counted likewise, but received: answers refused so many */
    uint64_t unknown;  /* neither exported nor dropped by its own counters */
    uint64_t bound;    /* what a killed process may have held */
};

static uint64_t above(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

static bool was_killed(const struct hx_judgement *j, const struct hx_fact_process *p)
{
    size_t len = p->instance != NULL ? strlen(p->instance) : 0;

    for (size_t i = 0; i < j->killed_count && len > 0; i++) {
        const char *name = j->killed[i];
        uint64_t incarnation;

        if (strcmp(name, p->instance) == 0)
            return true;
        if (strncmp(name, p->instance, len) == 0 && name[len] == '.' && p->open != NULL &&
            otl_parse_uint(name + len + 1, 0, UINT32_MAX, &incarnation) == OTEL_OK &&
            incarnation == p->open->incarnation)
            return true;
    }
    return false;
}

/* ---- opinions ------------------------------------------------------------------------------- */

static void first_opinions(struct hx_facts *facts, struct account *accounts)
{
    for (size_t i = 0; i < facts->span_count; i++) {
        struct hx_fact_span *span = &facts->spans[i];
        struct account *account = &accounts[span->process];
        unsigned flags = span->open->head.flags;

        account->drops += span->opinion != HX_OPINION_UNKNOWN;
        if ((flags & HX_LED_SPAN_RECORDING) == 0) {
            /* no_memory: sampled, but no room to record it */
            if (span->opinion != HX_OPINION_NO_MEMORY)
                span->opinion = HX_OPINION_NOT_RECORDED;
        } else if ((flags & HX_LED_SPAN_SAMPLED) == 0) {
            span->opinion = HX_OPINION_RECORD_ONLY;
        } else if (span->opinion != HX_OPINION_UNKNOWN) {
            account->sampled++;
            account->named++;
        } else if (span->close == NULL) {
            span->opinion = HX_OPINION_OPEN;
        } else {
            account->sampled++;
        }
    }
}

static void weigh_counters(const struct hx_fact_process *p, struct account *account)
{
    const struct hx_led_process_close *close = p->close;
    uint64_t dropped, rejected;

    if (p->service != NULL)
        account->bound = p->service->tracing.max_queue_size +
                         2 * (uint64_t)p->service->tracing.max_export_batch_size;
    if (close == NULL)
        return;
    dropped = close->queue_full + close->export_failed + close->rejected + close->after_shutdown +
              close->no_memory;
    rejected = above(close->rejected, p->drops_named[HX_DROP_REJECTED]);
    account->refused = rejected < p->tap_rejected ? rejected : p->tap_rejected;
    account->claimed = above(dropped, account->drops + account->refused);
    account->counted = account->claimed;
    account->strict = above(close->queue_full, p->drops_named[HX_DROP_QUEUE_FULL]) +
                      above(close->after_shutdown, p->drops_named[HX_DROP_AFTER_SHUTDOWN]) +
                      rejected - account->refused;
    account->unknown = above(account->sampled, account->named + account->counted +
                                                   account->refused + close->exported);
}

/* After those that are missing were taken from what is counted: the rest is not missing. */
static void judge_counted(struct hx_judgement *j, const struct hx_fact_process *p,
                          const struct account *account)
{
    uint64_t missing = account->claimed - account->counted;

    j->books.reported_lost_counted += account->refused;
    if (account->strict > missing)
        hx_fail(&j->checks, HX_CHECK_COUNTER_LIES, &(struct hx_where){.service = p->instance},
                "%s: %" PRIu64 " spans are counted as dropped and not named: %" PRIu64
                " are missing, and answers at the socket refused %" PRIu64 " others",
                p->instance, account->strict + account->refused, missing, p->tap_rejected);
}

/* Opinions about spans that no drop record names. Which of them are "counted" is not known; those
 * that are missing are taken first. */
static void last_opinions(struct hx_facts *facts, struct account *accounts)
{
    for (size_t i = 0; i < facts->span_count; i++) {
        struct hx_fact_span *span = &facts->spans[i];
        struct account *account = &accounts[span->process];

        if (span->opinion != HX_OPINION_UNKNOWN || facts->processes[span->process].close == NULL)
            continue;
        if (span->received != HX_NONE) {
            span->opinion = HX_OPINION_ACKNOWLEDGED;
        } else if (account->counted > 0) {
            account->counted--;
            span->opinion = HX_OPINION_COUNTED;
        } else if (account->unknown > 0) {
            account->unknown--;
        } else {
            span->opinion = HX_OPINION_ACKNOWLEDGED;
        }
    }
}

/* ---- fates ---------------------------------------------------------------------------------- */

static enum hx_fate received_fate(struct hx_judgement *j, uint32_t n)
{
    const struct hx_fact_span *span = &j->facts->spans[n];

    switch ((enum hx_opinion)span->opinion) {
    case HX_OPINION_NOT_RECORDED:
        hx_fail(&j->checks, HX_CHECK_UNEXPECTED, HX_AT_SPAN(n),
                "received, though the API said that it is not recorded");
        j->books.unexpected++;
        return HX_FATE_NOT_RECORDED;
    case HX_OPINION_RECORD_ONLY:
        hx_fail(&j->checks, HX_CHECK_UNEXPECTED, HX_AT_SPAN(n),
                "received, though it was not sampled");
        j->books.unexpected++;
        return HX_FATE_RECORD_ONLY;
    case HX_OPINION_OPEN:
        if (j->facts->processes[span->process].close != NULL)
            hx_fail(&j->checks, HX_CHECK_UNEXPECTED, HX_AT_SPAN(n), "received while still open");
        break;
    case HX_OPINION_QUEUE_FULL:
    case HX_OPINION_AFTER_SHUTDOWN:
    case HX_OPINION_NO_MEMORY:
        hx_fail(&j->checks, HX_CHECK_COUNTER_LIES, HX_AT_SPAN(n),
                "named in the drop record, but received");
        j->books.reported_lost++;
        break;
    case HX_OPINION_EXPORT_FAILED:
    case HX_OPINION_REJECTED:
        j->books.reported_lost++;
        break;
    case HX_OPINION_UNKNOWN:
    case HX_OPINION_ACKNOWLEDGED:
    case HX_OPINION_COUNTED:
    case HX_OPINION_AGENT:
    case HX_OPINIONS:
        break;
    }
    return span->altered != 0 ? HX_FATE_ALTERED : HX_FATE_DELIVERED;
}

/* Acknowledged and not received is the receiver's fault only if the socket saw fewer requests than
 * the player says it made; else the player never sent the span that it counts as exported. */
static enum hx_fate acknowledged_fate(struct hx_judgement *j, uint32_t n)
{
    const struct hx_fact_process *p = &j->facts->processes[j->facts->spans[n].process];

    if (p->close->export_requests > p->tap_requests) {
        hx_fail(&j->checks, HX_CHECK_LOST_AFTER_ACK, HX_AT_SPAN(n),
                "acknowledged and not received: %" PRIu64 " requests made, %" PRIu64
                " seen at the socket",
                p->close->export_requests, p->tap_requests);
        return HX_FATE_LOST_AFTER_ACK;
    }
    hx_fail(&j->checks, HX_CHECK_LOST_UNEXPLAINED, HX_AT_SPAN(n),
            "counted as exported, but in none of the %" PRIu64 " requests at the socket",
            p->tap_requests);
    return HX_FATE_UNEXPLAINED;
}

static enum hx_fate missing_fate(struct hx_judgement *j, uint32_t n, struct account *account)
{
    const struct hx_fact_span *span = &j->facts->spans[n];
    const struct hx_fact_process *p = &j->facts->processes[span->process];

    switch ((enum hx_opinion)span->opinion) {
    case HX_OPINION_NOT_RECORDED:
        return HX_FATE_NOT_RECORDED;
    case HX_OPINION_RECORD_ONLY:
        return HX_FATE_RECORD_ONLY;
    case HX_OPINION_OPEN:
        return HX_FATE_OPEN_AT_END;
    case HX_OPINION_QUEUE_FULL:
    case HX_OPINION_EXPORT_FAILED:
    case HX_OPINION_REJECTED:
    case HX_OPINION_AFTER_SHUTDOWN:
    case HX_OPINION_NO_MEMORY:
    case HX_OPINION_COUNTED:
        return HX_FATE_LOST;
    case HX_OPINION_ACKNOWLEDGED:
        return hx_agent_promised(j->facts, n) ? hx_agent_lost(j, n) : acknowledged_fate(j, n);
    case HX_OPINION_UNKNOWN:
    case HX_OPINION_AGENT:
    case HX_OPINIONS:
        break;
    }
    if (hx_agent_promised(j->facts, n))
        return hx_agent_lost(j, n);
    if (p->close != NULL) {
        hx_fail(&j->checks, HX_CHECK_LOST_UNEXPLAINED, HX_AT_SPAN(n),
                "neither exported nor dropped by the player's own counters");
        return HX_FATE_UNEXPLAINED;
    }
    if (account->bound > 0) {
        account->bound--;
        return HX_FATE_KILLED;
    }
    hx_fail(&j->checks, HX_CHECK_PROCESS_KILLED, HX_AT_SPAN(n),
            "lost beyond what the process can have held when it ended");
    return HX_FATE_UNEXPLAINED;
}

static void enter(struct hx_books *books, const struct hx_fact_span *span)
{
    books->started++;
    switch ((enum hx_fate)span->fate) {
    case HX_FATE_NOT_RECORDED:
        books->not_recorded++;
        break;
    case HX_FATE_RECORD_ONLY:
        books->record_only++;
        break;
    case HX_FATE_OPEN_AT_END:
        books->open_at_end++;
        break;
    case HX_FATE_DELIVERED:
        books->delivered++;
        break;
    case HX_FATE_ALTERED:
        books->altered++;
        break;
    case HX_FATE_LOST:
        books->lost[span->opinion]++;
        break;
    case HX_FATE_KILLED:
        books->killed++;
        break;
    case HX_FATE_LOST_AFTER_ACK:
        books->lost_after_ack++;
        break;
    case HX_FATE_UNEXPLAINED:
        books->unexplained++;
        break;
    case HX_FATE_UNJUDGED:
    case HX_FATES:
        break;
    }
}

/* ---- more than once ------------------------------------------------------------------------- */

bool hx_retry_of(const struct hx_fact_request *earlier, const struct hx_fact_request *later)
{
    if (earlier == later)
        return false;
    return earlier->answered_ns == 0 || earlier->unsent || !earlier->success ||
           earlier->answered_ns > later->mono_ns;
}

static void judge_receipts(struct hx_judgement *j, uint32_t n)
{
    const struct hx_facts *facts = j->facts;
    uint32_t before = facts->spans[n].received, at = facts->received[before].next;

    for (; at != HX_NONE; before = at, at = facts->received[at].next) {
        const struct hx_fact_request *earlier = &facts->requests[facts->received[before].request];
        const struct hx_fact_request *later = &facts->requests[facts->received[at].request];

        if (hx_retry_of(earlier, later)) {
            j->books.retry_duplicates++;
            continue;
        }
        j->books.duplicated++;
        hx_fail(&j->checks, HX_CHECK_DUPLICATES, HX_AT_SPAN(n), "received again in %s, request %"
                PRIu64 ", though the first was answered with %u",
                earlier == later ? "the same request" : "another request", later->number,
                (unsigned)earlier->status);
    }
}

/* ---- ids ------------------------------------------------------------------------------------ */

static void judge_ids(struct hx_judgement *j)
{
    const struct hx_facts *facts = j->facts;

    hx_judged(&j->checks, HX_CHECK_ID_COLLISIONS, facts->span_count);
    for (uint32_t i = 0; i < facts->span_count; i++) {
        const struct hx_led_span *open = facts->spans[i].open;
        uint32_t first = hx_table_get(&facts->span_by_ids, hx_span_key(open->span_id));

        if (first != i)
            hx_fail(&j->checks, HX_CHECK_ID_COLLISIONS, HX_AT_SPAN(i),
                    "the API gave the span id of %s of %s again",
                    hx_facts_op_name(facts, facts->spans[first].open->op),
                    hx_facts_service(facts, facts->spans[first].process));
        if (hx_id_zero(open->trace_id, 16) || hx_id_zero(open->span_id, 8))
            hx_fail(&j->checks, HX_CHECK_ID_COLLISIONS, HX_AT_SPAN(i), "an id of zeros");
    }
}

static void judge_received(struct hx_judgement *j)
{
    const struct hx_facts *facts = j->facts;

    hx_judged(&j->checks, HX_CHECK_UNEXPECTED, facts->received_count);
    for (uint32_t i = 0; i < facts->received_count; i++) {
        const struct hx_fact_received *row = &facts->received[i];
        uint32_t other;

        if ((row->flags & HX_RECEIVED_FOREIGN) != 0) {
            j->books.foreign++;
            continue;
        }
        if (row->span == HX_NONE) {
            j->books.unexpected++;
            hx_fail(&j->checks, HX_CHECK_UNEXPECTED, HX_AT_RECEIVED(i),
                    row->seq != 0 ? "tracerig.seq is in no ledger"
                                  : "neither tracerig.seq nor ids are in a ledger");
            continue;
        }
        if ((row->altered & HX_ALTERED_IDS) == 0)
            continue;
        other = hx_table_get(&facts->span_by_ids, hx_span_key(row->span_id));
        if (other != HX_NONE && other != row->span)
            hx_fail(&j->checks, HX_CHECK_ID_COLLISIONS, HX_AT_RECEIVED(i),
                    "received with the span id of another span");
    }
}

/* ---- all ------------------------------------------------------------------------------------ */

static void judge_stops(struct hx_judgement *j)
{
    for (size_t i = 0; i < j->facts->process_count; i++) {
        const struct hx_fact_process *p = &j->facts->processes[i];

        if (p->open != NULL && p->service == NULL)
            continue;
        hx_judged(&j->checks, HX_CHECK_CLEAN_STOP, 1);
        if (p->close != NULL)
            continue;
        hx_judged(&j->checks, HX_CHECK_PROCESS_KILLED, 1);
        if (!was_killed(j, p))
            hx_fail(&j->checks, HX_CHECK_CLEAN_STOP, &(struct hx_where){.service = p->instance},
                    "%s ended without closing its ledger", p->instance);
    }
}

void hx_judge_delivery(struct hx_judgement *j)
{
    struct hx_facts *facts = j->marks;
    struct account *accounts = otl_mem_zalloc((facts->process_count + 1) * sizeof *accounts);

    if (accounts == NULL) {
        j->checks.memory = true;
        return;
    }
    first_opinions(facts, accounts);
    for (size_t i = 0; i < facts->process_count; i++)
        weigh_counters(&facts->processes[i], &accounts[i]);
    last_opinions(facts, accounts);
    for (size_t i = 0; i < facts->process_count; i++)
        judge_counted(j, &facts->processes[i], &accounts[i]);
    for (uint32_t i = 0; i < facts->span_count; i++) {
        struct hx_fact_span *span = &facts->spans[i];

        if (span->received != HX_NONE) {
            span->fate = (uint8_t)received_fate(j, i);
            if (hx_facts_agent(facts, span->process) == NULL)
                judge_receipts(j, i);
        } else {
            span->fate = (uint8_t)missing_fate(j, i, &accounts[span->process]);
        }
        enter(&j->books, span);
    }
    otl_mem_free(accounts);
    hx_judged(&j->checks, HX_CHECK_LOST_UNEXPLAINED, facts->span_count);
    hx_judged(&j->checks, HX_CHECK_LOST_AFTER_ACK, facts->span_count);
    hx_judged(&j->checks, HX_CHECK_DUPLICATES, facts->received_count);
    judge_received(j);
    judge_ids(j);
    judge_stops(j);
    for (size_t i = 0; i < facts->entry_count; i++)
        j->books.redelivered += facts->entries[i].again;
    hx_observed(&j->checks, HX_CHECK_LOST_UNEXPLAINED, "%" PRIu64 " of %" PRIu64 " started",
                j->books.unexplained, j->books.started);
    hx_observed(&j->checks, HX_CHECK_DUPLICATES, "%" PRIu64 " duplicates, %" PRIu64
                " retries, of %zu received", j->books.duplicated, j->books.retry_duplicates,
                facts->received_count);
}
