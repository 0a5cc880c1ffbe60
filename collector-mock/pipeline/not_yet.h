/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_PIPELINE_NOT_YET_H
#define COL_PIPELINE_NOT_YET_H

#include "collector-mock/pipeline/component.h"

/*
 * Settings that the Collector has and this one does not: refused by name, each with its place.
 *
 * Errors    OTEL_ERR_UNSUPPORTED, by which lenient mode knows what it may leave out. A setting
 *           without which a component means something else is no such one: otl_yaml_error().
 */

/* For a table of keys: any value passes it. */
#define COL_NOT_YET(name) {.key = (name), .type = OTL_SCHEMA_ANY, .nullable = true}

/* This one, at its key. kind: "exporter". */
enum otel_err col_not_yet(const struct col_create *args, const char *kind, const json_t *map,
                          const char *key, struct otl_detail *reterr);

/* The first of words, which end with NULL, that map has; null and false are none. */
OTEL_MUST_USE enum otel_err col_refuse_not_yet(const struct col_create *args, const char *kind,
                                               const json_t *map, const char *const *words,
                                               struct otl_detail *reterr);

#endif
