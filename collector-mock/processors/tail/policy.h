/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_PROCESSORS_TAIL_POLICY_H
#define COL_PROCESSORS_TAIL_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "collector-mock/processors/tail/lru.h"
#include "collector-mock/processors/tail/store.h"
#include "sdk/base/arena.h"
#include "sdk/base/yaml/schema.h"

/*
 * Policies of tail sampling: what each says of a trace, by the rules of the Collector.
 *
 * Life      col_tail_policies_load() -> col_tail_evaluate()... -> col_tail_policies_free().
 * Threads   one owner; limits and regex caches change as policies are asked.
 * Memory    the policies own copies of all that they need of the configuration.
 * Limits    COL_TAIL_POLICIES_MAX policies, sub-policies counted.
 */

enum { COL_TAIL_POLICIES_MAX = 512 };

struct col_condition;
struct col_patterns;

enum col_tail_kind {
    COL_TAIL_ALWAYS_SAMPLE,
    COL_TAIL_LATENCY,
    COL_TAIL_NUMERIC_ATTRIBUTE,
    COL_TAIL_STRING_ATTRIBUTE,
    COL_TAIL_BOOLEAN_ATTRIBUTE,
    COL_TAIL_STATUS_CODE,
    COL_TAIL_PROBABILISTIC,
    COL_TAIL_RATE_LIMITING,
    COL_TAIL_BYTES_LIMITING,
    COL_TAIL_SPAN_COUNT,
    COL_TAIL_TRACE_STATE,
    COL_TAIL_TRACE_FLAGS,
    COL_TAIL_OTTL_CONDITION,
    COL_TAIL_AND,
    COL_TAIL_NOT,
    COL_TAIL_DROP,
    COL_TAIL_COMPOSITE,
    COL_TAIL_KINDS
};

/* What one policy says. */
enum col_tail_opinion {
    COL_TAIL_SAYS_NOT_SAMPLED,
    COL_TAIL_SAYS_SAMPLED,
    COL_TAIL_SAYS_INVERT_NOT_SAMPLED, /* only under compat.invert_decisions: legacy */
    COL_TAIL_SAYS_INVERT_SAMPLED,
    COL_TAIL_SAYS_DROPPED,
    COL_TAIL_SAYS_ERROR,
    COL_TAIL_OPINIONS
};

/* Behaviour that changed between versions; zero is the newest. */
struct col_tail_compat {
    bool invert_legacy;     /* invert_match vetoes (until v0.155) */
    bool latency_inclusive; /* a lower bound without an upper one is part of the range */
    bool fixed_window;      /* rate_limiting counts by whole seconds */
    bool composite_zero;    /* sub-policies without rate_allocation get nothing */
    bool count_spans;       /* a feature gate there: count_spans_sampled is shown */
    bool record_policy;     /* another: what is kept says in its scopes by which policy */
    bool use_tracestate;    /* another: ot=rv and ot=th of tracestates are read and written */
};

struct col_tail_limit { /* a token bucket, or a second's count */
    int64_t rate, burst;
    double tokens;
    uint64_t last_ns;
    int64_t second, used;
};

struct col_tail_words {
    struct otl_view *items;
    size_t count;
};

struct col_tail_policy {
    const char *name;
    enum col_tail_kind kind;
    bool invert;
    bool flat; /* below and, not, drop, composite: no inverted decisions */
    const struct col_tail_compat *compat;
    const char *key; /* of an attribute or a tracestate member */
    uint64_t threshold; /* of 56 bits: what a trace has come through that it sampled */
    union {
        struct {
            int64_t threshold_ms, upper_ms; /* upper 0: none */
        } latency;
        struct {
            int64_t min, max;
        } numeric;
        struct {
            struct col_tail_words values;
            struct col_patterns *patterns; /* NULL: exact */
        } text;
        bool boolean;
        unsigned status_codes; /* bit by code */
        struct {
            struct otl_view salt;
            uint64_t threshold;
        } probabilistic;
        struct col_tail_limit limit;
        struct {
            int64_t min, max;
        } spans;
        struct {
            struct col_condition *span, *event; /* NULL: none */
            bool propagate; /* what fails is an error, not false */
        } ottl;
        struct {
            int64_t max;
            int64_t second; /* of the wall clock */
            const char *chosen; /* the sub-policy that sampled last */
        } composite;
    } as;
    struct col_tail_policy **children;
    size_t child_count;
    int64_t allocated, used; /* of a child of composite: spans a second */
};

struct col_tail_policies {
    struct otl_arena arena;
    struct col_tail_policy **list; /* in the order of evaluation: drop policies first */
    size_t count;
    struct col_tail_compat compat;
    bool need_size;  /* some policy asks for bytes */
    bool stateful;   /* some policy's answer depends on the traces before */
    struct col_tail_policy *all[COL_TAIL_POLICIES_MAX];
    size_t all_count;
};

/* A span of the trace at hand. */
struct col_tail_span {
    struct col_span span;
    const struct col_list *resource; /* its attributes */
    bool first; /* the first span of its ResourceSpans */
};

struct col_tail_view { /* of a trace, for one decision */
    const uint8_t *id;
    const struct col_tail_span *spans;
    size_t count;
    uint64_t span_count; /* all that ever came */
    uint64_t bytes;      /* as a request, if need_size */
    uint64_t mono_ns;
    uint64_t wall_ns;
};

extern const char *const col_tail_kind_names[]; /* by kind, ending with NULL */
/* A row of policies:, as schema. */
extern const struct otl_schema col_tail_policy_keys[];
extern const struct otl_schema col_tail_compat_keys[];

/* policies: and compat: of the configuration, which has passed its schema; what compat leaves open
 * is as the Collector of this version has it (0: the latest). */
OTEL_MUST_USE enum otel_err col_tail_policies_load(const struct otl_yaml *doc,
                                                   const json_t *config, const char *id,
                                                   unsigned as_version,
                                                   struct col_tail_policies **ret,
                                                   struct otl_detail *reterr);
void col_tail_policies_free(struct col_tail_policies *policies); /* may be NULL */

enum col_tail_opinion col_tail_evaluate(struct col_tail_policy *policy,
                                        const struct col_tail_view *view);

/* ---- between the files of this folder ---- */

enum col_tail_opinion col_tail_attribute(struct col_tail_policy *policy,
                                         const struct col_tail_view *view);
bool col_tail_state_member(struct otl_view trace_state, const char *key, struct otl_view *ret);
bool col_tail_allow(struct col_tail_limit *limit, uint64_t mono_ns, uint64_t cost);
bool col_tail_allow_window(struct col_tail_limit *limit, uint64_t wall_ns, uint64_t cost);
enum col_tail_opinion col_tail_composite(struct col_tail_policy *policy,
                                         const struct col_tail_view *view);
uint64_t col_tail_hash(struct otl_view salt, const uint8_t id[16]);
uint64_t col_tail_threshold(double percentage);
/* 56 bits by which the trace is in a sample or not: ot=rv of the first span that has it, else of
 * the trace id. False: no span says anything of sampling. */
bool col_tail_randomness(const struct col_tail_view *view, uint64_t *ret);

#endif
