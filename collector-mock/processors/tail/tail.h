/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_PROCESSORS_TAIL_TAIL_H
#define COL_PROCESSORS_TAIL_TAIL_H

#include "collector-mock/pipeline/component.h"
#include "collector-mock/processors/rewrite.h"
#include "collector-mock/processors/tail/policy.h"
#include "collector-mock/processors/tail/table.h"

/*
 * Tail sampling: holds the spans of each trace until it is decided whether the trace is kept.
 *
 * Life      new -> take, tick (once a second)... -> finish -> free.
 * Threads   one.
 * Memory    spans are copied as bytes; see store.h, cells.h and table.h. What waits for room under
 *           block_on_overflow is copied whole.
 * Limits    num_traces traces; compat.max_bytes of the store, and of spans read for a decision
 *           (COL_TAIL_SPAN_BYTES each), both by losing the oldest that wait; COL_TAIL_WAITING
 *           requests and COL_TAIL_WAITING_BYTES before new ones are refused.
 * Errors    take: OTEL_ERR_UNAVAILABLE: refused, nothing of the request was taken. Everything else
 *           that goes wrong is counted, and the client does not hear of it, as in the Collector.
 *
 * Books, true whenever no call is under way:
 *     received = refused + kept + sampled_out + sum of dropped + held
 */

enum { COL_TAIL_WAITING = 64, COL_TAIL_WAITING_BYTES = 64 << 20 };
/* What a span takes while its trace is decided, besides its bytes. */
enum { COL_TAIL_SPAN_BYTES = 512 };

/* What spans that are kept get besides, where compat says so. */
struct col_tail_mark {
    uint64_t threshold;              /* into tracestates; COL_TAIL_NO_THRESHOLD */
    const char *policy, *sub_policy; /* into scopes; NULL: none */
    bool cached;                     /* likewise: a decision cache answered */
};
#define COL_TAIL_NO_THRESHOLD UINT64_MAX

enum col_tail_drop {
    COL_TAIL_DROP_TOO_EARLY,     /* evicted undecided: num_traces */
    COL_TAIL_DROP_TOO_LARGE,     /* maximum_trace_size_bytes */
    COL_TAIL_DROP_BYTES,         /* evicted undecided: compat.max_bytes */
    COL_TAIL_DROP_POLICY,        /* a drop policy */
    COL_TAIL_DROP_SHUTDOWN,      /* drop_pending_traces_on_shutdown */
    COL_TAIL_DROP_EXPORT_FAILED, /* what stands behind refused them */
    COL_TAIL_DROP_NO_MEMORY,
    COL_TAIL_DROPS
};

struct col_tail_books { /* spans */
    uint64_t received, refused, kept, sampled_out;
    uint64_t dropped[COL_TAIL_DROPS];
    uint64_t held;
};

struct col_tail_settings {
    uint64_t wait_ns, root_wait_ns;
    uint32_t traces, expected;
    uint32_t sampled_cache, other_cache;
    uint64_t max_trace_bytes; /* 0: none */
    uint64_t max_bytes;       /* of the store */
    bool first_match, block, drop_pending, at_ingest;
};

struct col_tail_item { /* a span of the request at hand */
    const uint8_t *data;
    uint32_t len;
    uint32_t scope;
    uint32_t next;
};

struct col_tail_group { /* the spans of one trace in one ResourceSpans */
    uint8_t id[16];
    uint32_t first, last, spans;
    bool root;
};

/* Scratch for one request; kept for the next one. */
struct col_tail_split {
    struct col_tail_item *items;
    struct col_tail_group *groups;
    struct col_tail_heads *scopes;
    uint32_t *slots; /* group + 1, of those that have the stamp of now */
    uint64_t *stamps;
    uint32_t item_count, item_room, group_count, group_room, scope_count, scope_room, slot_count;
    uint64_t stamp;
};

struct col_tail_waiting {
    char *bytes;
    size_t len;
    uint64_t spans, done; /* groups of it that were taken */
};

struct col_tail_numbers;

struct col_tail {
    struct col_create create;
    struct col_tail_settings settings;
    struct col_tail_policies *policies;
    struct col_tail_table table;
    struct col_tail_store store;
    struct col_lru *sampled, *other; /* decision caches; NULL: off */
    struct col_tail_split split;
    struct col_tail_span *spans; /* scratch for decisions */
    size_t span_room;
    struct otl_buf out;
    struct col_rewrite marked; /* what goes out with a threshold in it */
    struct otl_buf mark_text, mark_span, mark_scope;
    struct col_tail_waiting waiting[COL_TAIL_WAITING];
    size_t waiting_first, waiting_count;
    uint64_t waiting_bytes;
    struct col_tail_books books;
    struct col_tail_numbers *numbers;
    uint64_t decisions; /* for --broken */
    bool finishing;
};

/* settings.c */
extern const struct otl_schema col_tail_schema[];
OTEL_MUST_USE enum otel_err col_tail_settings_load(const struct col_create *create,
                                                   struct col_tail_settings *ret,
                                                   struct otl_detail *reterr);

/* tail.c: what the processor does. */
OTEL_MUST_USE enum otel_err col_tail_new(const struct col_create *create, struct col_tail **ret,
                                         struct otl_detail *reterr);
OTEL_MUST_USE enum otel_err col_tail_take(struct col_tail *tail, const struct col_batch *batch,
                                          struct otl_detail *reterr);
void col_tail_tick(struct col_tail *tail);
/* Decide, or drop, what is left. */
void col_tail_finish(struct col_tail *tail);
void col_tail_free(struct col_tail *tail);
bool col_tail_balanced(const struct col_tail_books *books);

/* ---- between the files of this folder ---- */

/* split.c: a ResourceSpans into groups by trace, in the order of their first spans. */
OTEL_MUST_USE enum otel_err col_tail_split_resource(struct col_tail_split *split,
                                                    struct otl_view resource_spans);
void col_tail_split_fini(struct col_tail_split *split);
/* The next ResourceSpans of a request; false: no more. */
bool col_tail_split_next(struct col_cursor *request, struct otl_view *ret);
/* Copy a group's spans into pieces; OTEL_ERR_MEMORY leaves nothing behind. */
OTEL_MUST_USE enum otel_err col_tail_split_pieces(const struct col_tail_split *split,
                                                  const struct col_tail_group *group,
                                                  struct col_tail_store *store,
                                                  struct col_tail_piece **ret_first,
                                                  struct col_tail_piece **ret_last);

/* decide.c */
/* By all policies, for the trace with these pieces; *ret_policy: from 1; 0: none. */
enum col_tail_decision col_tail_decide(struct col_tail *tail, struct col_tail_trace *trace,
                                       const struct col_tail_piece *pieces, uint16_t *ret_policy,
                                       struct col_tail_mark *ret_mark);
/* When spans arrive: SAMPLED, DROPPED or UNDECIDED. */
enum col_tail_decision col_tail_decide_at_ingest(struct col_tail *tail,
                                                 struct col_tail_trace *trace,
                                                 const struct col_tail_piece *pieces,
                                                 uint16_t *ret_policy);

/* mark.c: the request with the threshold in the tracestate of each span that may have it; holds
 * until the next. */
OTEL_MUST_USE enum otel_err col_tail_mark_spans(struct col_tail *tail, struct col_batch *batch,
                                                uint64_t threshold);
/* The attributes that say what the mark says, as fields of a scope; hold until the next. */
OTEL_MUST_USE enum otel_err col_tail_mark_scopes(struct col_tail *tail,
                                                 const struct col_tail_mark *mark,
                                                 struct otl_view *ret);

/* numbers.c: metrics and the record of decisions */
OTEL_MUST_USE enum otel_err col_tail_numbers_new(struct col_tail *tail);
void col_tail_numbers_free(struct col_tail *tail);
struct col_tail_opinion_row {
    enum col_tail_opinion opinion;
    uint64_t spans; /* of the trace */
    uint64_t took_ns, since_begin_ns; /* of the policy; of all so far */
};

void col_tail_count_opinion(struct col_tail *tail, size_t policy,
                            const struct col_tail_opinion_row *row);
void col_tail_count_decision(struct col_tail *tail, enum col_tail_decision decision);
void col_tail_count_new(struct col_tail *tail);
void col_tail_count_cached(struct col_tail *tail, bool sampled, uint64_t spans);
void col_tail_count_too_early(struct col_tail *tail);
void col_tail_count_too_large(struct col_tail *tail);
void col_tail_count_unparseable(struct col_tail *tail);
void col_tail_count_late(struct col_tail *tail, uint64_t age_ns);
void col_tail_count_removal(struct col_tail *tail, uint64_t age_ns);
void col_tail_count_tick(struct col_tail *tail, uint64_t took_ns);
/* The books into /metrics. */
void col_tail_count_books(struct col_tail *tail);
void col_tail_record(struct col_tail *tail, const char *event, const struct col_tail_trace *trace,
                     enum col_tail_decision decision, uint64_t spans);

#endif
