/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_PROCESSORS_STATEMENT_H
#define COL_PROCESSORS_STATEMENT_H

#include "collector-mock/processors/condition.h"
#include "sdk/base/arena.h"

/*
 * Statements of the OpenTelemetry Transformation Language in one context (spans, events of spans,
 * log records, metrics, data points, scopes, resources): a function, and a condition of
 * condition.h behind where.
 *
 *     set(TARGET, VALUE)                     delete_key(MAP, "k")
 *     keep_keys(MAP, ["k", ...])             delete_matching_keys(MAP, "regex")
 *     keep_matching_keys(MAP, "regex")       merge_maps(MAP, MAP, "insert|update|upsert")
 *     replace_pattern(TARGET, "regex", "with $1")
 *     replace_all_patterns(MAP, "key|value", "regex", "with $1")
 *     replace_match(TARGET, "glob", "with")  replace_all_matches(MAP, "glob", "with")
 *     truncate_all(MAP, n)                   limit(MAP, n, ["k", ...])
 *
 * TARGET: a path of path.c, attributes with a key, a log's body["k"] where it is a map; MAP:
 * attributes of the context or of what it stands in, a metric's metadata. VALUE: what conditions
 * compare, and Concat([VALUE, ...], "between"), SHA256(VALUE), ParseJSON(VALUE), which is a MAP to
 * merge_maps, too (parsed.h). Setting nil changes nothing. Globs: glob.h.
 *
 * Life      new -> add... -> run (all, in their order) ... -> free.
 * Threads   one owner.
 * Memory    changed messages are in the arena of the draft.
 * Limits    those of conditions; 256 statements.
 */

struct col_statements;

/* What is changed, and what that stands in: raw and what is read from it are kept as one. NULL:
 * what the context does not see. */
struct col_draft {
    struct otl_arena *arena;
    struct col_resource *resource;
    struct col_scope *scope;
    struct col_span *span;
    struct col_event *event;
    struct otl_view *event_raw;
    struct col_log *log;
    struct col_metric *metric;
    struct col_point *point;
};

/* named: each path has to say its context. */
OTEL_MUST_USE enum otel_err col_statements_new(enum col_condition_on on, bool named,
                                               struct col_statements **ret);
/* OTEL_ERR_SYNTAX: text in *reterr says what and at which character; OTEL_ERR_UNSUPPORTED: the
 * same, of what the Collector has and this one does not. OTEL_ERR_MEMORY. */
OTEL_MUST_USE enum otel_err col_statements_add(struct col_statements *statements,
                                               const char *text, struct otl_detail *reterr);
/* A condition that one of must hold for any statement to run. */
OTEL_MUST_USE enum otel_err col_statements_add_condition(struct col_statements *statements,
                                                         const char *text,
                                                         struct otl_detail *reterr);
/* OTEL_ERR_ARGUMENT: a value of the wrong kind for its target or a function of its condition;
 * failed counts them, and with go_on the others are run all the same. */
OTEL_MUST_USE enum otel_err col_statements_run(struct col_statements *statements,
                                               const struct col_draft *draft, bool go_on,
                                               uint64_t *failed);
void col_statements_free(struct col_statements *statements); /* may be NULL */

#endif
