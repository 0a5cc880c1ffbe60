/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_YAML_DOCUMENT_H
#define OTL_YAML_DOCUMENT_H

#include <jansson.h>

#include "sdk/base/arena.h"
#include "sdk/base/yaml/yaml.h"

/*
 * Inside of a document, shared by the files of this folder only: the tree and the position table.
 *
 * The table is keyed by (container, key) for maps, (container, index) for lists and
 * (container, OTL_YAML_SELF) for the container itself. Containers never move and are never freed
 * before the document, so that their address is their name.
 */

#define OTL_YAML_SELF ((size_t)-1)

struct otl_yaml_place {
    const json_t *container; /* NULL = free slot */
    const char *key;         /* NULL: index counts */
    size_t index;
    struct otl_yaml_pos key_pos;
    struct otl_yaml_pos value_pos;
};

struct otl_yaml {
    json_t *root;
    json_t *kept; /* a list of every map and list made here: none is freed before us */
    const char *source;
    bool integer_durations;
    struct otl_arena arena; /* keys and sources */
    struct otl_yaml_place *places;
    size_t place_count;
    size_t place_slots; /* a power of two, or 0 */
};

/* Record a place (a place that is there already is overwritten). key is copied, sources are not. */
OTEL_MUST_USE enum otel_err otl_yaml_note(struct otl_yaml *doc, const struct otl_yaml_place *place);
/* NULL = not known. */
const struct otl_yaml_place *otl_yaml_find(const struct otl_yaml *doc, const json_t *container,
                                           const char *key, size_t index);

/* Parse text into a tree whose places are noted in doc (build.c). */
OTEL_MUST_USE enum otel_err otl_yaml_build(struct otl_yaml *doc, const char *text, size_t len,
                                           const struct otl_yaml_options *options, json_t **ret,
                                           struct otl_yaml_pos *ret_pos,
                                           struct otl_detail *reterr);

#endif
