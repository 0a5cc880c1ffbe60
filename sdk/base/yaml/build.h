/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_YAML_BUILD_H
#define OTL_YAML_BUILD_H

#include <yaml.h>

#include "sdk/base/yaml/document.h"

/*
 * Inside of one load, shared by build.c (libyaml's events), nodes.c (what goes into the tree) and
 * problem.c (what libyaml complains about). Not for anybody else.
 */

struct otl_yaml_anchor {
    char *name;
    json_t *value; /* a reference of our own */
};

struct otl_yaml_builder {
    yaml_parser_t parser;
    const struct otl_yaml_options *options;
    const char *source; /* in the document's arena */
    const char *text;
    size_t len;
    struct otl_yaml *doc;
    struct otl_detail *reterr;
    struct otl_yaml_anchor *anchors;
    size_t anchor_count, anchor_cap;
    size_t nodes;
    struct otl_yaml_pos copying; /* the alias or map for which values are being copied */
};

/* One value and where it began. */
struct otl_yaml_node {
    json_t *value;
    struct otl_yaml_pos pos;
};

/* The place of a mark. */
struct otl_yaml_pos otl_yaml_at(const struct otl_yaml_builder *b, yaml_mark_t mark);
/* Sets OTEL_ERR_LIMIT. */
enum otel_err otl_yaml_over(struct otl_yaml_builder *b, struct otl_yaml_pos pos, const char *what,
                            size_t max);
/* The parser has failed: say why. */
enum otel_err otl_yaml_problem(struct otl_yaml_builder *b);

/* One value more at this depth. */
OTEL_MUST_USE enum otel_err otl_yaml_count(struct otl_yaml_builder *b, struct otl_yaml_pos pos,
                                           size_t depth);
/* A new map or list, kept by the document, its place noted. */
OTEL_MUST_USE enum otel_err otl_yaml_new_container(struct otl_yaml_builder *b, bool map,
                                                   struct otl_yaml_pos pos, json_t **ret);
/* The value is consumed. */
OTEL_MUST_USE enum otel_err otl_yaml_add_entry(struct otl_yaml_builder *b, json_t *map,
                                               const char *key, struct otl_yaml_pos key_pos,
                                               struct otl_yaml_node entry);
OTEL_MUST_USE enum otel_err otl_yaml_add_item(struct otl_yaml_builder *b, json_t *list,
                                              struct otl_yaml_node item);
/* A deep copy with its places; b->copying is to blame when it grows too large. */
OTEL_MUST_USE enum otel_err otl_yaml_copy_value(struct otl_yaml_builder *b, const json_t *value,
                                                struct otl_yaml_pos pos, size_t depth,
                                                json_t **ret);
/* Copies of the entries that to does not have itself. */
OTEL_MUST_USE enum otel_err otl_yaml_copy_entries(struct otl_yaml_builder *b, const json_t *from,
                                                  json_t *to, size_t depth);
/* The anchor (NULL = none) of a value that has just been read is known from here on. */
OTEL_MUST_USE enum otel_err otl_yaml_remember(struct otl_yaml_builder *b, const char *name,
                                              const struct otl_yaml_node *node);

#endif
