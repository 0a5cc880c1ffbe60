/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_TAIL_RULES_H
#define HX_TAIL_RULES_H

#include "harness/verify/tail/before.h"
#include "sdk/base/arena.h"

/* Between the files of the oracle: what the configuration says, and what it says of a trace. */

enum { HX_TAIL_LEAVES = 64, HX_TAIL_RULES = 256 };

enum hx_rule_kind {
    HX_RULE_ALWAYS,
    HX_RULE_LEAF,    /* true once any span has its bit; latency too */
    HX_RULE_HASH,
    HX_RULE_COUNT,
    HX_RULE_LIMIT,   /* rate_limiting, bytes_limiting */
    HX_RULE_ALL,     /* and, drop */
    HX_RULE_NOT,
    HX_RULE_BUDGET   /* composite */
};

enum hx_leaf_kind {
    HX_LEAF_LATENCY,
    HX_LEAF_STATUS,
    HX_LEAF_FLAGS,
    HX_LEAF_STATE,
    HX_LEAF_TEXT,
    HX_LEAF_NUMBER,
    HX_LEAF_TRUTH,
    HX_LEAF_OTTL
};

struct hx_ottl;

struct hx_leaf {
    enum hx_leaf_kind kind;
    const char *key;
    const json_t *values; /* texts */
    void **patterns;      /* compiled, one a value; NULL: exact */
    int64_t low, high;
    bool truth;
    bool inclusive;       /* latency: compat */
    struct hx_ottl *ottl;
};

struct hx_rule {
    const char *name;
    enum hx_rule_kind kind;
    bool invert, veto; /* veto: legacy inverted decisions */
    bool drop;         /* of all: sampled means dropped */
    unsigned leaf;
    uint64_t threshold;
    uint64_t at_least; /* ... for traces that say something of sampling: of 56 bits */
    const char *salt;
    int64_t low, high;
    int64_t rate, burst;
    bool bytes;
    bool window;
    struct hx_rule *children[64];
    int64_t shares[64];
    size_t child_count;
    int64_t total;
};

/* Opinions as bits; a rule that cannot be known has several. */
enum {
    HX_SAYS_NOT = 1,
    HX_SAYS_YES = 2,
    HX_SAYS_DROP = 4,
    HX_SAYS_VETO = 8,
    HX_SAYS_INVERT_YES = 16
};

struct hx_rules {
    struct otl_arena arena;
    json_t *tree; /* a reference of our own */
    const char *processor;
    struct hx_rule *list[HX_TAIL_RULES]; /* drop first */
    size_t count;
    struct hx_leaf leaves[HX_TAIL_LEAVES];
    size_t leaf_count;
    uint64_t wait_ns, root_wait_ns, spread_ns; /* spread: of a batch processor before */
    uint64_t traces, sampled_cache, other_cache, max_bytes, max_held;
    bool tracestate; /* compat.use_tracestate */
    bool first_match, legacy, block, drop_pending, at_ingest, stateful, bytes;
    size_t rule_count; /* with children */
    bool forks;        /* others get the same spans before it: a bad answer may be theirs */
    unsigned parts;    /* workers or shards: each has its part of what is for all */
    struct {           /* a groupbytrace before; wait_ns 0: none */
        uint64_t wait_ns, traces, max_bytes;
        size_t at; /* so many stages of before stand before it */
    } group;
    struct hx_before before;
};

/* A trace so far. */
struct hx_tail_state {
    uint8_t id[16];
    uint64_t bits;
    uint64_t unknown; /* leaves that may be true or not, unless their bit is set */
    uint64_t start_ns, end_ns;
    uint64_t bytes, slack; /* the size is bytes, give or take slack */
    uint64_t fragment, scope;
    uint64_t randomness; /* if has_rv */
    bool told, has_rv;   /* its spans said something of sampling, and how random they are */
    uint32_t spans;
    uint16_t policy;  /* first that may sample or drops, from 1 */
};

const struct hx_rules *hx_tail_oracle_rules(const struct hx_tail_oracle *oracle);

OTEL_MUST_USE enum otel_err hx_rules_load(const struct hx_tail_asked *asked, struct hx_rules *ret,
                                          struct otl_detail *reterr);
void hx_rules_fini(struct hx_rules *rules);

/* Add the span's bits; latency goes by the spans before. */
void hx_rules_look(const struct hx_rules *rules, struct hx_tail_state *state,
                   const struct hx_tail_span *span);
/* MAY_... of the state, by all policies; *ret_policy from 1. */
unsigned hx_rules_outcomes(const struct hx_rules *rules, const struct hx_tail_state *state,
                           uint16_t *ret_policy);

bool hx_leaf_true(const struct hx_leaf *leaf, const struct hx_tail_span *span);
uint64_t hx_rules_threshold(double percentage);
uint64_t hx_rules_hash(const char *salt, const uint8_t id[16]);

/* A second reading of the transformation language (ottl.c). OTEL_ERR_UNSUPPORTED: not read here. */
OTEL_MUST_USE enum otel_err hx_ottl_load(struct otl_arena *arena, const json_t *span,
                                         const json_t *event, struct hx_ottl **ret,
                                         struct otl_detail *reterr);
bool hx_ottl_true(const struct hx_ottl *ottl, const struct hx_tail_span *span);
/* One of the conditions on events, on this event. */
bool hx_ottl_event_true(const struct hx_ottl *ottl, const struct hx_tail_span *span,
                        unsigned event);
/* Whether a value whose text is not known here was met since the last time. */
bool hx_ottl_unsure(struct hx_ottl *ottl);
void hx_ottl_fini(struct hx_ottl *ottl);

/* pcre2, wrapped once: NULL: it does not compile. */
void *hx_pattern_new(const char *text);
bool hx_pattern_in(const void *pattern, struct otl_view text);
void hx_pattern_free(void *pattern);

#endif
