/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_YAML_YAML_H
#define OTL_YAML_YAML_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "sdk/base/detail.h"

/*
 * YAML document: a jansson tree and, beside it, where each key and value stood in the file.
 *
 * What the values must be is said by a table (schema.h), which reports with these positions.
 * Not for JSON that has no positions to report (use jansson) and not for streams of documents.
 *
 * Life      load -> look, put -> free.
 * Threads   one owner; the tree must not outlive the document where positions are asked for.
 * Memory    the document owns the tree (borrow it, or json_incref). Values that put replaces are
 *           kept until free, so that a position never belongs to another container.
 * Limits    see struct otl_yaml_options; more than that is refused with the place.
 *
 * Plain scalars are typed by the YAML 1.2 core schema (null, true, 12, 0x1f, 0o17, 1.5); quoted
 * and block scalars are always strings, so "no" and "10.5" stay what they are. Keys are strings.
 * Aliases are copied (an alias bomb ends at max_nodes); << merges the map, or the maps, of its
 * value. Refused: two equal keys, keys that are maps or lists, a second document, tags other than
 * the core ones, .inf and .nan, NUL in a string.
 */

struct otl_yaml;

/* A place. line and column count from 1; 0 = the source alone is known (a command line). */
struct otl_yaml_pos {
    const char *source; /* lives as long as the document */
    unsigned line;
    unsigned column;
};

/* The value of a variable, or NULL; borrowed until the next call. */
typedef const char *(*otl_yaml_getenv_fn)(void *context, const char *name);

/* What becomes of $NAME in a scalar, which pos says. */
enum otl_yaml_bare { OTL_YAML_BARE_KEEP, OTL_YAML_BARE_REPLACE, OTL_YAML_BARE_REFUSE };
typedef enum otl_yaml_bare (*otl_yaml_bare_fn)(void *context, struct otl_yaml_pos pos,
                                               const char *name);

/* Told of a ${...} in the scalar at pos whose variable is not set and which has no default. */
typedef void (*otl_yaml_unset_fn)(void *context, struct otl_yaml_pos pos, const char *name);

struct otl_yaml_options {
    const char *source;            /* name in messages; init: "<text>"; load_file uses its path */
    size_t max_bytes;              /* init: 4 MiB */
    size_t max_nodes;              /* keys do not count, copies do; init: 200,000 */
    size_t max_depth;              /* init: 64 */
    bool substitute_env;           /* ${env:X}, ${X}, ${env:X:-default}, $$; init: false */
    otl_yaml_bare_fn bare;         /* with substitute_env: asked about $NAME; init: it is kept */
    void *bare_context;
    otl_yaml_unset_fn unset;       /* with substitute_env; init: it is empty, and nobody is told */
    void *unset_context;
    bool integer_durations;        /* a schema takes 5 for a duration, of 5 ns, as Go does; of the
                                    * first text of a document; init: false */
    bool digit_separators;         /* 100_000 is a number, as Go's YAML has it; init: false */
    bool without_lines;            /* positions hold the source alone; init: false */
    otl_yaml_getenv_fn getenv;     /* init: the process environment */
    void *getenv_context;
};

void otl_yaml_options_init(struct otl_yaml_options *options);

/*
 * Read one document. options may be NULL for all defaults; nothing in it is kept.
 *
 * With substitute_env a scalar's references are replaced before it is typed: a plain scalar takes
 * the type of the result (${env:PORT} may become a number), a quoted one stays a string. A value
 * never becomes structure, an unset variable is empty, a reference of another kind is an error.
 *
 * OTEL_ERR_SYNTAX     not YAML, or one of the refusals above; *reterr has the place
 * OTEL_ERR_LIMIT      over a limit
 * OTEL_ERR_NOT_FOUND, OTEL_ERR_IO   the file; OTEL_ERR_MEMORY
 */
OTEL_MUST_USE enum otel_err otl_yaml_load_file(const char *path,
                                               const struct otl_yaml_options *options,
                                               struct otl_yaml **ret, struct otl_detail *reterr);
OTEL_MUST_USE enum otel_err otl_yaml_load_text(const char *text, size_t len,
                                               const struct otl_yaml_options *options,
                                               struct otl_yaml **ret, struct otl_detail *reterr);
/* Read one document more and lay it over doc: maps are merged key by key and deeply, everything
 * else (lists, null too) replaces what was there. An empty document changes nothing;
 * OTEL_ERR_SYNTAX too if one of the two is no map. Afterwards doc is only good for
 * otl_yaml_free() if it failed. */
OTEL_MUST_USE enum otel_err otl_yaml_merge_text(struct otl_yaml *doc, const char *text, size_t len,
                                                const struct otl_yaml_options *options,
                                                struct otl_detail *reterr);
/* A document around a copy of a tree that came from elsewhere: no place is known. */
OTEL_MUST_USE enum otel_err otl_yaml_from_tree(const json_t *tree, const char *source,
                                               struct otl_yaml **ret, struct otl_detail *reterr);
void otl_yaml_free(struct otl_yaml *doc);

/* The tree; borrowed, never NULL. An empty document is json_null(). */
json_t *otl_yaml_root(const struct otl_yaml *doc);

/* Where the key stands; where its value begins; where item index begins; where a map or list of
 * this document begins. What is not known gets the document's source with line 0. */
struct otl_yaml_pos otl_yaml_key_pos(const struct otl_yaml *doc, const json_t *map,
                                     const char *key);
struct otl_yaml_pos otl_yaml_value_pos(const struct otl_yaml *doc, const json_t *map,
                                       const char *key);
struct otl_yaml_pos otl_yaml_item_pos(const struct otl_yaml *doc, const json_t *list,
                                      size_t index);
struct otl_yaml_pos otl_yaml_container_pos(const struct otl_yaml *doc, const json_t *container);

/* Read text as YAML (options as above; source is the name in messages) and put it under key of
 * map, or in the place of item index of list. On failure the tree is as it was. */
OTEL_MUST_USE enum otel_err otl_yaml_put(struct otl_yaml *doc, json_t *map, const char *key,
                                         const char *text, const struct otl_yaml_options *options,
                                         struct otl_detail *reterr);
OTEL_MUST_USE enum otel_err otl_yaml_put_item(struct otl_yaml *doc, json_t *list, size_t index,
                                              const char *text,
                                              const struct otl_yaml_options *options,
                                              struct otl_detail *reterr);

/* Copy the value and its place from one map to another (places inside of it are not copied). */
OTEL_MUST_USE enum otel_err otl_yaml_copy(struct otl_yaml *doc, const json_t *from,
                                          const char *key, json_t *to, struct otl_detail *reterr);

/* otl_detail_set() with a position; returns OTEL_ERR_SYNTAX. */
enum otel_err otl_yaml_error(struct otl_detail *reterr, struct otl_yaml_pos pos,
                             const char *format, ...) OTEL_PRINTF(3, 4);

#endif
