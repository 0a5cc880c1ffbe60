/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_VERIFY_JUDGE_H
#define HX_VERIFY_JUDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <otel/err.h>

#include "harness/stats/hdr.h"
#include "harness/verify/check.h"
#include "harness/verify/facts/facts.h"

/*
 * The judges: each looks at the facts and writes into the checks, the books, the traces or the
 * edges. Their order matters: raw flags and is-recording first, then loss, then sampling; a
 * sampling decision is never inferred from absence.
 *
 * Threads   one owner of the judgement.
 */

struct hx_books {
    uint64_t started, not_recorded, record_only, open_at_end, delivered, altered;
    uint64_t lost[HX_OPINIONS]; /* explained, by the player's opinion */
    uint64_t killed, lost_after_ack, unexplained;
    uint64_t duplicated, retry_duplicates, redelivered, reported_lost, unexpected, foreign;
    uint64_t reported_lost_counted; /* refused by answers at the socket, or dropped by an agent's
                                     * count, and received; which ones, nobody says */
};

struct hx_tally { /* of traces */
    uint64_t expected, not_sampled, complete, broken, partial, incomplete, orphaned, missing;
    uint64_t partial_low, partial_high; /* claimed partial traces: the interval */
    double partial_mean;
    bool partial_held;
};

struct hx_edge {
    uint32_t from_op; /* entry operation of the caller; HX_NONE: the load client */
    uint32_t to_op;
    const char *topic; /* NULL: HTTP */
    enum hx_edge_mode mode;
    const char *expectation; /* "required", ...; NULL */
    uint64_t calls, sampled, complete, broken, errors, redelivered;
    uint64_t not_judged; /* calls to or from a service without ledger of which nobody can say */
    uint64_t tied; /* calls that had a context to pass on; the load client may have none */
    struct hx_hdr *latency;  /* NULL: nothing measured */
    char text[256];          /* "gateway POST /checkout -> order POST /orders" */
    char why[200];
    uint8_t example[16];     /* trace id */
    bool has_example;
    const char *lacks;       /* the first sampled call that is not complete; NULL: none */
    uint32_t lacks_span;     /* its caller's or callee's, HX_NONE: none */
    uint32_t first_span;     /* of the first call; HX_NONE: none */
};

enum { HX_MAX_EDGES = 4096, HX_MAX_WHYS = 32 };

struct hx_judgement {
    const struct hx_facts *facts;
    const struct hx_scenario *scenario;
    const char *dir;
    json_t *namer; /* what the spans alone say (namer/namer.h); NULL: not asked, or nothing */
    json_t *path;  /* what makes slow traces slow (path/paths.h); NULL: not asked, or nothing */
    uint64_t tail_told; /* traces whose sampling the ledger alone tells */
    const char *const *killed; /* instances that the supervisor killed */
    size_t killed_count;
    char missing[200]; /* recordings that are not there or not whole; "" = none */
    struct hx_checks checks;
    struct hx_books books;
    struct hx_tally tally;
    struct hx_edge *edges;
    size_t edge_count, edge_cap;
    const char *whys[HX_MAX_WHYS]; /* what is wrong with hops: constants, numbered from 1 */
    uint64_t strays[HX_MAX_SERVICES]; /* judge/foreign.h */
    uint64_t agent_lost[HX_MAX_AGENTS]; /* missing spans that its own count explains */
    struct hx_facts *marks; /* the same facts, for fate and trace flags */
};

void hx_judge_input(struct hx_judgement *j);    /* not_empty, ledger, tap, calls, messages */
void hx_judge_agents(struct hx_judgement *j);   /* agents, and duplicates of services behind one */
void hx_judge_delivery(struct hx_judgement *j); /* fates, books, losses, duplicates */
void hx_judge_counters(struct hx_judgement *j); /* books, counter_lies against SDK counters */
void hx_judge_spans(struct hx_judgement *j);    /* content, identity, parents */
void hx_judge_propagation(struct hx_judgement *j); /* propagation, and the edges */
void hx_judge_sampling(struct hx_judgement *j); /* sampling_decision */
void hx_judge_shares(struct hx_judgement *j);   /* whole_traces, sampling_share, randomness */
void hx_judge_traces(struct hx_judgement *j);   /* traces, and their tally */
void hx_judge_resources(struct hx_judgement *j);
void hx_judge_baggage(struct hx_judgement *j);
void hx_judge_clocks(struct hx_judgement *j);   /* durations, start_times, containment */
void hx_judge_pipeline(struct hx_judgement *j);
void hx_judge_tail(struct hx_judgement *j);     /* tail_sampling */
void hx_judge_players(struct hx_judgement *j);  /* player_erred */
/* Ledgers and tap that should be there: after all others. What leans on one that is missing
 * becomes inconclusive. */
void hx_judge_recordings(struct hx_judgement *j);

#endif
