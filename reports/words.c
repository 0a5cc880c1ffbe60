/* SPDX-License-Identifier: Apache-2.0 */
#include "reports/words.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "reports/model.h"

const char rep_untimely[] = "times are not to be trusted";
const char rep_untimely_note[] =
    "the load client itself, not the fleet, was late or slow, as it is where others use the "
    "machine; claims on time are not judged, verdicts on spans stand";

const char *rep_pauses(const json_t *load, char *out, size_t size)
{
    const json_t *pauses = rep_get(load, "pauses");

    out[0] = '\0';
    if (rep_int(pauses, "count") > 0)
        snprintf(out, size,
                 "the load client was not run %s for more than 100 ms, %s%s at %.1f s, %s in all: "
                 "the machine stood still or others used it, and times contain that",
                 rep_format_things(rep_int(pauses, "count"), "time").text,
                 rep_int(pauses, "count") > 1 ? "longest " : "",
                 rep_format_ns(rep_num(pauses, "longest_ns")).text,
                 rep_num(pauses, "longest_at_s"),
                 rep_format_ns(rep_num(pauses, "total_ns")).text);
    return out;
}

const char *rep_verdict_word(const char *verdict)
{
    if (strcmp(verdict, "pass") == 0)
        return "PASS";
    if (strcmp(verdict, "fail") == 0)
        return "FAIL";
    if (strcmp(verdict, "inconclusive") == 0)
        return "INCONCLUSIVE";
    if (strcmp(verdict, "not_begun") == 0)
        return "NOT BEGUN";
    return "NO VERDICT";
}

const struct rep_word rep_book_terms[] = {
    {"delivered", "delivered", "received at the collector's socket, as asked for"},
    {"not_recorded", "not recorded", "the sampler said no"},
    {"record_only", "record only", "recorded, never to be exported"},
    {"open_at_end", "open at the end", "started, not ended when the process stopped"},
    {"altered", "altered", "received, but not as asked for"},
    {"lost", "lost", "not received, and a reason is on record"},
    {"lost_unexplained", "lost, unexplained", "not received, and nothing says why"},
    {NULL, NULL, NULL},
};

static const struct rep_word lost_words[] = {
    {"counted_only", "claimed, not named",
     "not received; a counter of the SDK claims so many, its drop callback named none of them"},
    {"process_killed", "process killed", "held by a process when it was killed"},
    {"lost_after_ack", "after acknowledgement", "the receiver said yes and has it not"},
    {NULL, NULL, NULL},
};

const struct rep_word *rep_lost_word(const char *reason)
{
    for (const struct rep_word *word = lost_words; word->key != NULL; word++)
        if (strcmp(word->key, reason) == 0)
            return word;
    return NULL;
}

struct rep_text rep_lost_note(const json_t *spans)
{
    long long claimed = rep_int(rep_get(spans, "lost"), "counted_only");
    struct rep_text out;

    if (claimed == 0)
        snprintf(out.text, sizeof(out.text), "for a reason on record");
    else if (claimed == rep_int(spans, "lost_total"))
        snprintf(out.text, sizeof(out.text), "claimed, not named");
    else
        snprintf(out.text, sizeof(out.text), "%.20s of them claimed, not named",
                 rep_format_count(claimed).text);
    return out;
}

struct rep_text rep_latency_text(const json_t *latency, const char *key)
{
    struct rep_text out = {"n/a"};

    return rep_has(latency, key) ? rep_format_ns(rep_num(latency, key)) : out;
}

const char rep_counted_title[] = "delivered, reported lost by count";

const struct rep_word rep_book_notes[] = {
    {"duplicated", "duplicated", "received twice without an excuse"},
    {"retry_duplicates", "retry duplicates", "received twice after an unanswered attempt: legal"},
    {"redelivered", "redelivered", "a message handled again: a second legal consumer span"},
    {"lost_after_ack", "lost after acknowledgement", "the receiver said yes and has it not"},
    {"delivered_reported_lost", "delivered, reported lost", "the SDK gave up on what had arrived"},
    {REP_COUNTED_KEY, rep_counted_title,
     "the Collector's answers refused so many of what had arrived; which ones, nobody says"},
    {"unexpected", "unexpected", "received, never started"},
    {"foreign", "foreign", "of services without a ledger: out of the books"},
    {NULL, NULL, NULL},
};

const struct rep_word rep_trace_rows[] = {
    {"expected", "expected", "traces of which a span was to be sampled"},
    {"complete", "complete", "every span there, every hop joined"},
    {"broken", "broken", "a hop is not joined"},
    {"partial", "partial by sampling", "some of its spans were sampled, others were not"},
    {"incomplete", "incomplete by loss", "a sampled span did not arrive"},
    {"orphaned", "orphaned", "a span whose parent never arrived"},
    {"missing", "missing", "no span arrived"},
    {"not_sampled", "not sampled", "rightly absent"},
    {NULL, NULL, NULL},
};

const struct rep_word rep_latency_kinds[] = {
    {"latency", "response time", "from the intended instant to the end"},
    {"service_time", "service time", "from the bytes sent to the end"},
    {"send_lag", "send lag", "from the intended instant to the bytes sent"},
    {NULL, NULL, NULL},
};

const struct rep_word rep_latency_columns[] = {
    {"min", "min", NULL}, {"mean", "mean", NULL}, {"p50", "p50", NULL}, {"p75", "p75", NULL},
    {"p90", "p90", NULL}, {"p95", "p95", NULL},   {"p99", "p99", NULL}, {"p999", "p99.9", NULL},
    {"max", "max", NULL}, {NULL, NULL, NULL},
};

static const double AT_ONCE_S = 0.05;

bool rep_repeats_event(const json_t *events, size_t index)
{
    const json_t *event = json_array_get(events, index);
    const json_t *before = index > 0 ? json_array_get(events, index - 1) : NULL;

    return before != NULL && strcmp(rep_str(event, "text"), rep_str(before, "text")) == 0 &&
           fabs(rep_num(event, "at_s") - rep_num(before, "at_s")) < AT_ONCE_S &&
           rep_int(event, "requests") == rep_int(before, "requests");
}
