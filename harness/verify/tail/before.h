/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_TAIL_BEFORE_H
#define HX_TAIL_BEFORE_H

#include "harness/verify/tail/draft.h"

/*
 * The processors before tail_sampling that change spans or drop them, read a second time:
 * attributes, resource, filter, transform, probabilistic_sampler. What of their settings cannot be
 * foretold is refused by name when the configuration is read. No code is shared with
 * collector-mock.
 */

struct hx_before;

enum { HX_BEFORE_STAGES = 16, HX_BEFORE_PATTERNS = 128 };

struct hx_ottl;
struct hx_walk;

struct hx_stage {
    bool (*run)(struct hx_before *before, const struct hx_stage *stage, struct hx_draft *draft);
    const char *id;
    const json_t *config;
    enum hx_tail_where where; /* actions: on what */
    struct hx_ottl *ottl;      /* filter, transform */
};

struct hx_before {
    struct hx_stage stages[HX_BEFORE_STAGES];
    size_t count;
    struct {
        const json_t *text;
        void *pattern;
    } patterns[HX_BEFORE_PATTERNS];
    size_t pattern_count;
    struct otl_arena *arena; /* of the configuration */
    struct otl_arena scratch; /* of one span */
    struct otl_detail *reterr;
    /* Whoever may read what a stage sets: tail_sampling's settings, and those of all stages. */
    const json_t *readers[HX_BEFORE_STAGES + 1];
    size_t reader_count;
    bool all_matters; /* as it asks how large traces are, or there are more stages than that */
    size_t dropped_at; /* the stage that the last one was dropped by */
    bool old_errors; /* filter and transform of before 0.153: error_mode is propagate by itself */
};

void hx_before_init(struct hx_before *before, struct otl_arena *arena);
void hx_before_fini(struct hx_before *before);
/* One more; OTEL_ERR_UNSUPPORTED: what it makes of spans is not predicted. */
OTEL_MUST_USE enum otel_err hx_before_add(struct hx_before *before, const char *id,
                                          const json_t *config, struct otl_detail *reterr);
/* What comes out for this span, valid until the next; NULL: it is dropped. */
const struct hx_tail_span *hx_before_run(struct hx_before *before, const struct hx_tail_span *span,
                                         struct hx_draft *draft);

/* ---- between the files ---- */

/* Compiled once; NULL: it does not compile, or there are too many. */
const void *hx_before_pattern(struct hx_before *before, const json_t *text);
enum otel_err hx_before_refuse(const struct hx_before *before, const struct hx_stage *stage,
                               const char *what);
/* error_mode propagate: what fails takes its whole request with it. unset: so where none is set. */
bool hx_before_propagates(const json_t *config, bool unset);
/* Conditions in this tree can fail. */
bool hx_before_may_refuse(const json_t *tree);
/* The context of a group of texts: said, or EVENT where a path names it, else SPAN. -1: another. */
int hx_before_context(const json_t *group, const json_t *texts);
/* Whether the condition holds where w is; *ret_good: it was understood. */
bool hx_before_holds(struct hx_walk *w, const json_t *text, bool *ret_good);
/* What this statement sets, whatever to, nobody reads. */
bool hx_before_untouched(const struct hx_before *before, const char *statement);
/* Each fills stage and looks through its settings. */
OTEL_MUST_USE enum otel_err hx_before_filter(struct hx_before *before, struct hx_stage *stage);
OTEL_MUST_USE enum otel_err hx_before_actions(struct hx_before *before, struct hx_stage *stage,
                                              const char *key);
OTEL_MUST_USE enum otel_err hx_before_share(struct hx_before *before, struct hx_stage *stage);
OTEL_MUST_USE enum otel_err hx_before_statements(struct hx_before *before,
                                                 struct hx_stage *stage);
/* What a tracestate says of sampling; good: the Collector reads it. */
struct hx_ot {
    bool good, has_rv, has_th;
    uint64_t rv, th; /* of 56 bits */
};
void hx_before_ot(struct otl_view trace_state, struct hx_ot *ret);
/* Of 56 bits; 2^56: none passes. digits of it that mean something, 14 for all. */
uint64_t hx_before_threshold(double probability, int digits);
/* include and exclude */
OTEL_MUST_USE enum otel_err hx_before_match_check(struct hx_before *before,
                                                  const struct hx_stage *stage,
                                                  const json_t *config);
bool hx_before_matches(struct hx_before *before, const json_t *config, struct hx_draft *draft);

#endif
