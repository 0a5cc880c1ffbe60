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
 * foretold of them is refused by name. groupbytrace changes when they come: the spans of its wait
 * come together at its end; those that came near that end, or may have been in its hands when the
 * collector stopped, make their trace depend.
 *
 * Life      new -> span... in order of arrival, life at each START -> end -> look -> free.
 * Threads   one owner.
 * Memory    about 150 bytes a trace; no span is kept.
 * Limits    64 leaves (conditions on single spans) and 256 policies.
 */

/* What stands in what: the later, the deeper. */
enum hx_tail_where { HX_TAIL_RESOURCE, HX_TAIL_SCOPE, HX_TAIL_SPAN, HX_TAIL_EVENT };
enum hx_tail_kind {
    HX_TAIL_NOTHING, /* there is no such attribute */
    HX_TAIL_EMPTY,   /* there is, without a value or with bytes of no length */
    HX_TAIL_TEXT,
    HX_TAIL_INT,
    HX_TAIL_REAL,
    HX_TAIL_BOOL,
    HX_TAIL_MOMENT, /* integer; of paths alone, as ids are */
    HX_TAIL_ID,     /* text: its bytes */
    HX_TAIL_OTHER
};

struct hx_tail_value {
    enum hx_tail_kind kind;
    struct otl_view text;
    int64_t integer; /* BOOL: 0 or 1 */
    double real;
};

struct hx_tail_attribute {
    struct otl_view key;
    struct hx_tail_value value;
};

struct hx_tail_event {
    struct otl_view name;
    uint64_t time_ns;
    uint32_t dropped_attributes;
};

/* A received span, whatever it was read from. */
struct hx_tail_span {
    uint8_t trace_id[16];
    uint8_t span_id[8];
    uint8_t parent_span_id[8];
    uint64_t start_ns, end_ns;
    struct otl_view name, trace_state, status_message;
    struct otl_view scope_name, scope_version;
    int32_t kind, status;
    uint32_t flags;
    uint32_t dropped_attributes, dropped_events, dropped_links;
    uint64_t arrival_ns; /* monotonic; 0: not recorded */
    uint64_t fragment;   /* number of the ResourceSpans it came in, from 1, never the same again */
    uint64_t scope;      /* number of the ScopeSpans in that */
    uint64_t size;       /* of the encoded span */
    unsigned loose;      /* so much larger it may be as the collector writes it */
    uint64_t resource_size, scope_size;
    bool unsure;         /* nobody knows whether the request was taken */
    bool guessed;        /* nobody knows what a processor made of it */
    bool resized;        /* processors may have changed its size */
    uint64_t grown;      /* bytes of texts that they may have added to it */
    /* The value of an attribute; event counts from 0. */
    struct hx_tail_value (*attribute)(const struct hx_tail_span *span, enum hx_tail_where where,
                                      unsigned event, const char *key);
    /* The n-th attribute; false: there are no more. */
    bool (*attribute_at)(const struct hx_tail_span *span, enum hx_tail_where where, unsigned event,
                         size_t n, struct hx_tail_attribute *ret);
    /* An event; false: there are no more. */
    bool (*event_at)(const struct hx_tail_span *span, unsigned event, struct hx_tail_event *ret);
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

struct otl_yaml;

struct hx_tail_asked {
    const struct otl_yaml *doc; /* for positions in messages; may be NULL */
    const json_t *config;       /* the whole Collector configuration */
    const char *processor;      /* "tail_sampling/x"; NULL: the only one */
    unsigned as_version;        /* the Collector is of v0.N (as_version.h); 0: the latest */
    unsigned workers;           /* of collector-mock; they divide what is for all. 0: one */
};

/* OTEL_ERR_SYNTAX, OTEL_ERR_UNSUPPORTED. */
OTEL_MUST_USE enum otel_err hx_tail_oracle_new(const struct hx_tail_asked *asked,
                                               struct hx_tail_oracle **ret,
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
/* Is this exporter fed by that processor alone, with all that it keeps? */
bool hx_tail_oracle_feeds(const struct hx_tail_oracle *oracle, const char *exporter);
/* A processor behind it that may drop what it keeps, if each of its pipelines has one; or NULL. */
const char *hx_tail_oracle_obstacle(const struct hx_tail_oracle *oracle);
/* Do others get the same spans before it? Then a request that was answered badly may have reached
 * it all the same: the answer is the worst of all. */
bool hx_tail_oracle_forks(const struct hx_tail_oracle *oracle);
/* Does no policy depend on the traces before? */
bool hx_tail_oracle_stateless(const struct hx_tail_oracle *oracle);
/* Arrival of the last span of all. */
uint64_t hx_tail_oracle_last_ns(const struct hx_tail_oracle *oracle);
void hx_tail_oracle_free(struct hx_tail_oracle *oracle); /* may be NULL */

#endif
