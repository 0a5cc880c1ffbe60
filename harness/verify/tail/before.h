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

struct hx_stage {
    bool (*run)(struct hx_before *before, const struct hx_stage *stage, struct hx_draft *draft);
    const char *id;
    const json_t *config;
    enum hx_tail_where where; /* actions: on what */
    struct hx_ottl *on_span, *on_event;
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
/* Each fills stage and looks through its settings. */
OTEL_MUST_USE enum otel_err hx_before_actions(struct hx_before *before, struct hx_stage *stage,
                                              const char *key);
OTEL_MUST_USE enum otel_err hx_before_share(struct hx_before *before, struct hx_stage *stage);
OTEL_MUST_USE enum otel_err hx_before_statements(struct hx_before *before,
                                                 struct hx_stage *stage);
/* include and exclude */
OTEL_MUST_USE enum otel_err hx_before_match_check(struct hx_before *before,
                                                  const struct hx_stage *stage);
bool hx_before_matches(struct hx_before *before, const json_t *config, struct hx_draft *draft);

#endif
