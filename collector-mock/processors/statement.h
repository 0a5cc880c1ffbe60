/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_PROCESSORS_STATEMENT_H
#define COL_PROCESSORS_STATEMENT_H

#include "collector-mock/processors/condition.h"
#include "sdk/base/arena.h"

/*
 * Statements of the OpenTelemetry Transformation Language on spans and resources: a function, and
 * a condition of condition.h behind where.
 *
 *     set(TARGET, VALUE)                     delete_key(MAP, "k")
 *     keep_keys(MAP, ["k", ...])             delete_matching_keys(MAP, "regex")
 *     keep_matching_keys(MAP, "regex")       merge_maps(MAP, MAP, "insert|update|upsert")
 *     replace_pattern(TARGET, "regex", "with $1")
 *     truncate_all(MAP, n)                   limit(MAP, n, ["k", ...])
 *
 * TARGET: attributes["k"], resource.attributes["k"], name, kind, status.code, status.message,
 * trace_state; MAP: attributes or resource.attributes. VALUE: what conditions compare, and
 * Concat([VALUE, ...], "between"), SHA256(VALUE). Setting nil changes nothing.
 *
 * Life      new -> add... -> run (all, in their order) ... -> free.
 * Threads   one owner.
 * Memory    changed messages are in the arena of the subject.
 * Limits    those of conditions; 256 statements.
 */

struct col_statements;

/* What is changed: raw and what is read from it are kept as one. */
struct col_draft {
    struct otl_arena *arena;
    struct col_span *span;         /* NULL: on a resource */
    struct col_resource *resource;
};

OTEL_MUST_USE enum otel_err col_statements_new(bool on_resource, struct col_statements **ret);
/* OTEL_ERR_SYNTAX: text in *reterr says what and at which character. OTEL_ERR_MEMORY. */
OTEL_MUST_USE enum otel_err col_statements_add(struct col_statements *statements,
                                               const char *text, struct otl_detail *reterr);
/* A condition that one of must hold for any statement to run. */
OTEL_MUST_USE enum otel_err col_statements_add_condition(struct col_statements *statements,
                                                         const char *text,
                                                         struct otl_detail *reterr);
/* OTEL_ERR_ARGUMENT: a value of the wrong kind for its target; failed counts them, and with
 * go_on the others are run all the same. */
OTEL_MUST_USE enum otel_err col_statements_run(struct col_statements *statements,
                                               const struct col_draft *draft, bool go_on,
                                               uint64_t *failed);
void col_statements_free(struct col_statements *statements); /* may be NULL */

#endif
