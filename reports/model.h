/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REP_MODEL_H
#define REP_MODEL_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>
#include <otel/err.h>

#include "sdk/base/detail.h"

/*
 * The model that renderers draw: report.json, read and held against its schema.
 *
 * Renderers compute nothing, so this is a tree and a few ways to read it, no more. Because the
 * schema was checked, a required field has its type; an optional one is asked for with rep_has().
 *
 * Life      rep_model_load() or rep_model_take() -> read only -> rep_model_free().
 * Threads   read only once loaded, but reference counts of the tree are not atomic: one owner.
 * Memory    strings belong to the model.
 * Limits    report.json is at most REP_MODEL_MAX_BYTES.
 */

enum { REP_MODEL_MAX_BYTES = 64 * 1024 * 1024 };

struct rep_model {
    json_t *root;
    char *dir;  /* the run directory, without a slash at the end */
    char *text; /* report.json as read, for pass-through; NULL after rep_model_take() */
    size_t text_len;
};

/* Read DIR/report.json. OTEL_ERR_NOT_FOUND, _IO, _LIMIT, _MEMORY; OTEL_ERR_SYNTAX: no JSON (line
 * and column), or not tracerig.report/1 (the path of the value in *reterr's source). */
OTEL_MUST_USE enum otel_err rep_model_load(const char *dir, struct rep_model **ret,
                                           struct otl_detail *reterr);
/* The same from a tree (consumed, also on failure); dir may not exist. */
OTEL_MUST_USE enum otel_err rep_model_take(json_t *root, const char *dir, struct rep_model **ret,
                                           struct otl_detail *reterr);
void rep_model_free(struct rep_model *model);

/* Fields of an object; NULL object and absent field give NULL, "", 0, false. */
const json_t *rep_get(const json_t *object, const char *key);
bool rep_has(const json_t *object, const char *key);
const char *rep_str(const json_t *object, const char *key);
double rep_num(const json_t *object, const char *key);
long long rep_int(const json_t *object, const char *key);
bool rep_true(const json_t *object, const char *key);
bool rep_is(const json_t *object, const char *key, const char *word);

/* Has any member of the array this field? */
bool rep_any(const json_t *array, const char *key);
/* How many members of the array have .key equal to word. */
size_t rep_count_of(const json_t *array, const char *key, const char *word);

#endif
