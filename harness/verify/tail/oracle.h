/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_TAIL_ORACLE_H
#define HX_TAIL_ORACLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "sdk/base/buf.h"
#include "sdk/base/detail.h"

/*
 * The oracle of tail sampling: from a Collector's configuration and the spans that it received, in
 * their order and with their times, which traces it keeps. It shares no code with collector-mock.
 *
 * Each trace is answered keep, drop, or depends: where limits remember other traces, where a span
 * came so close to the decision that the clock decides whether it counted, where the table may
 * have been too small. What depends is held against invariants by whoever knows what was decided.
 *
 * Processors before tail_sampling that change spans are mirrored (before.h); what cannot be
 * foretold of them is refused by name.
 *
 * Life      new -> span... in order of arrival, life at each START -> end -> look -> free.
 * Threads   one owner.
 * Memory    about 150 bytes a trace; no span is kept.
 * Limits    64 leaves (conditions on single spans) and 256 policies.
 */

enum hx_tail_where { HX_TAIL_SPAN, HX_TAIL_RESOURCE, HX_TAIL_EVENT };
enum hx_tail_kind {
    HX_TAIL_NOTHING, /* there is no such attribute */
    HX_TAIL_EMPTY,   /* there is, without a value or with bytes of no length */
    HX_TAIL_TEXT,
    HX_TAIL_INT,
    HX_TAIL_REAL,
    HX_TAIL_BOOL,
    HX_TAIL_OTHER
};

struct hx_tail_value {
    enum hx_tail_kind kind;
    struct otl_view text;
    int64_t integer; /* BOOL: 0 or 1 */
    double real;
};

/* A received span, whatever it was read from. */
struct hx_tail_span {
    uint8_t trace_id[16];
    uint8_t span_id[8];
    uint8_t parent_span_id[8];
    uint64_t start_ns, end_ns;
    struct otl_view name, trace_state, status_message;
    int32_t kind, status;
    uint32_t flags;
    uint64_t arrival_ns; /* monotonic; 0: not recorded */
    uint64_t fragment;   /* number of the ResourceSpans it came in, from 1, never the same again */
    uint64_t scope;      /* number of the ScopeSpans in that */
    uint64_t size;       /* of the encoded span */
    unsigned loose;      /* so much larger it may be as the collector writes it */
    uint64_t resource_size, scope_size;
    bool unsure;         /* nobody knows whether the request was taken */
    bool guessed;        /* nobody knows what a processor made of it */
    bool resized;        /* processors may have changed its size */
    /* The value of an attribute; event counts from 0. */
    struct hx_tail_value (*attribute)(const struct hx_tail_span *span, enum hx_tail_where where,
                                      unsigned event, const char *key);
    /* The n-th attribute of span or resource; false: there are no more. */
    bool (*attribute_at)(const struct hx_tail_span *span, enum hx_tail_where where, size_t n,
                         struct otl_view *ret_key, struct hx_tail_value *ret);
    /* The name of an event; kind NOTHING: there are no more. */
    struct hx_tail_value (*event_name)(const struct hx_tail_span *span, unsigned event);
    const void *source; /* the reader's */
};

enum hx_tail_says { HX_TAIL_KEEP, HX_TAIL_DROP, HX_TAIL_DEPENDS };

/* Outcomes that are possible, as bits. */
enum { HX_TAIL_MAY_SAMPLE = 1, HX_TAIL_MAY_NOT = 2, HX_TAIL_MAY_DROP = 4, HX_TAIL_MAY_VANISH = 8 };

struct hx_tail_answer {
    uint8_t trace_id[16];
    enum hx_tail_says says;
    unsigned outcomes;   /* MAY_... */
    const char *policy;  /* that decides, or may; "": none samples */
    bool one_policy;     /* whenever the decision fell, it was that one */
    const char *why;     /* a few words */
    uint64_t first_ns;   /* arrival of its first span; 0: not recorded */
    uint64_t from_ns;    /* when it is decided at the earliest, unless the collector stops */
    uint32_t spans;      /* that arrived */
    uint32_t late;       /* of them, behind the decision for sure */
};

struct hx_tail_oracle;

/* config: the whole Collector configuration; processor: "tail_sampling/x", NULL: the only one.
 * doc gives positions for messages, may be NULL. OTEL_ERR_SYNTAX, OTEL_ERR_UNSUPPORTED. */
struct otl_yaml;
OTEL_MUST_USE enum otel_err hx_tail_oracle_new(const struct otl_yaml *doc, const json_t *config,
                                               const char *processor, struct hx_tail_oracle **ret,
                                               struct otl_detail *reterr);
/* The collector was started (again): what it held is gone. */
void hx_tail_oracle_life(struct hx_tail_oracle *oracle);
OTEL_MUST_USE enum otel_err hx_tail_oracle_span(struct hx_tail_oracle *oracle,
                                                const struct hx_tail_span *span);
OTEL_MUST_USE enum otel_err hx_tail_oracle_end(struct hx_tail_oracle *oracle);
size_t hx_tail_oracle_count(const struct hx_tail_oracle *oracle);
/* In the order of their first spans. */
void hx_tail_oracle_answer(const struct hx_tail_oracle *oracle, size_t n,
                           struct hx_tail_answer *ret);
/* The number of a trace, or SIZE_MAX. */
size_t hx_tail_oracle_find(const struct hx_tail_oracle *oracle, const uint8_t trace_id[16]);
/* Id of the processor. */
const char *hx_tail_oracle_processor(const struct hx_tail_oracle *oracle);
/* Is this exporter fed by that processor alone? */
bool hx_tail_oracle_feeds(const struct hx_tail_oracle *oracle, const char *exporter);
/* Does no policy depend on the traces before? */
bool hx_tail_oracle_stateless(const struct hx_tail_oracle *oracle);
/* Arrival of the last span of all. */
uint64_t hx_tail_oracle_last_ns(const struct hx_tail_oracle *oracle);
void hx_tail_oracle_free(struct hx_tail_oracle *oracle); /* may be NULL */

#endif
