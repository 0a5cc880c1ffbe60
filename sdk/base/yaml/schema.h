/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_YAML_SCHEMA_H
#define OTL_YAML_SCHEMA_H

#include <stdbool.h>
#include <stdint.h>

#include "sdk/base/yaml/yaml.h"

/*
 * What a document must look like, as constant tables, and the walk that holds a tree against them.
 *
 * One row is one key of a map. A map's table ends with OTL_SCHEMA_END and may hold one row with
 * the key "*", which stands for every key that has no row of its own, or for those of a list that
 * is known only when the program runs. Tables may refer to themselves.
 *
 *     static const struct otl_schema batch[] = {
 *         {.key = "timeout", .type = OTL_SCHEMA_DURATION, .fallback = "200ms"},
 *         {.key = "send_batch_size", .type = OTL_SCHEMA_UINT, .fallback = "8192"},
 *         OTL_SCHEMA_END};
 *     static const struct otl_schema root[] = {
 *         {.type = OTL_SCHEMA_MAP, .child = batch}};     (one row: what the whole document is)
 *
 * Not for rules that join two places (this name must exist there): check those on the tree and
 * report with otl_yaml_error().
 *
 * Threads   tables are constant; no state.
 * Errors    OTEL_ERR_SYNTAX with file:line:column and, for words, the nearest known one:
 *           unknown key, wrong type, missing key, out of range, unknown word.
 */

enum otl_schema_type {
    OTL_SCHEMA_NONE,     /* ends a table */
    OTL_SCHEMA_STRING,   /* min, max: bytes */
    OTL_SCHEMA_INT,      /* min, max: the value */
    OTL_SCHEMA_UINT,     /* >= 0; min, max: the value */
    OTL_SCHEMA_DOUBLE,   /* integers too; real_min, real_max */
    OTL_SCHEMA_BOOL,     /* true or false */
    OTL_SCHEMA_DURATION, /* "250ms" or 0; min, max: nanoseconds */
    OTL_SCHEMA_ENUM,     /* one of words */
    OTL_SCHEMA_MAP,      /* child: table of its keys (NULL: any); min, max: number of keys */
    OTL_SCHEMA_LIST,     /* child: one row, each item (NULL: any); min, max: number of items */
    OTL_SCHEMA_SCALAR,   /* a string, number or bool */
    OTL_SCHEMA_ONE_OF,   /* child: table of rows; the first whose kind of value fits decides */
    OTL_SCHEMA_BY_KEY,   /* a map whose kind is told by the one key it has of child's rows; the
                          * row's own child is the table of the keys of such a map */
    OTL_SCHEMA_ANY       /* not looked at */
};

struct otl_schema {
    const char *key; /* "*" = any other key; not used in rows of lists and one-ofs */
    enum otl_schema_type type;
    bool required;
    bool nullable;        /* null is allowed, too (and stays null) */
    int64_t min, max;     /* both 0 = no limit */
    double real_min, real_max; /* both 0 = no limit */
    const char *const *words;  /* ends with NULL */
    const struct otl_schema *child;
    const char *const *(*names)(void); /* of "*": the keys it stands for, NULL behind the last;
                                        * NULL: any */
    const char *what;     /* "a step"; NULL: the type's words */
    const char *fallback; /* YAML text that otl_schema_fill() puts when the key is missing */
};

#define OTL_SCHEMA_END {.type = OTL_SCHEMA_NONE}

/* Check the whole tree against one row; the first error in file order of maps is reported. */
OTEL_MUST_USE enum otel_err otl_schema_check(const struct otl_yaml *doc,
                                             const struct otl_schema *row,
                                             struct otl_detail *reterr);
/* The same for a part of it: value stands under pos. */
OTEL_MUST_USE enum otel_err otl_schema_check_part(const struct otl_yaml *doc,
                                                  const struct otl_schema *row,
                                                  const json_t *value, struct otl_yaml_pos pos,
                                                  struct otl_detail *reterr);
/* The row that tells the kind of a BY_KEY map, or NULL. */
const struct otl_schema *otl_schema_kind(const struct otl_schema *row, const json_t *map);
/* Put the fallback of every missing key, into maps that are there or that a fallback made. The
 * tree must have passed the check. OTEL_ERR_MEMORY; OTEL_ERR_SYNTAX: a fallback is no YAML. */
OTEL_MUST_USE enum otel_err otl_schema_fill(struct otl_yaml *doc, const struct otl_schema *row,
                                            struct otl_detail *reterr);

/* Typed values of a map that has passed its check; otherwise when the key is missing or null. */
const char *otl_tree_text(const json_t *map, const char *key, const char *otherwise);
int64_t otl_tree_int(const json_t *map, const char *key, int64_t otherwise);
double otl_tree_double(const json_t *map, const char *key, double otherwise);
bool otl_tree_bool(const json_t *map, const char *key, bool otherwise);
uint64_t otl_tree_duration_ns(const json_t *map, const char *key, uint64_t otherwise);

/* "a map", "the number 5", "the text 'x'": what a value is, for messages; returns out. */
const char *otl_tree_describe(const json_t *value, char *out, size_t size);
/* " (did you mean 'x'?)" or "": the key of map that is nearest to word; returns out. */
const char *otl_tree_suggest(const json_t *map, const char *word, char *out, size_t size);
/* The same from a list of words that ends with NULL. */
const char *otl_words_suggest(const char *const *words, const char *word, char *out, size_t size);

#endif
