/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_PROCESSORS_PATH_H
#define COL_PROCESSORS_PATH_H

#include "collector-mock/processors/condition.h"
#include "collector-mock/processors/edit.h"

/*
 * The paths of the transformation language: what there is in each context, where it stands in
 * memory and in the message. One table for conditions, which read them, and for statements, which
 * set them.
 *
 * Threads   constants only.
 */

enum col_path_type {
    COL_PATH_TEXT,
    COL_PATH_INT,     /* int32, a varint */
    COL_PATH_COUNT,   /* uint32, a varint */
    COL_PATH_FLAGS,   /* uint32, four bytes */
    COL_PATH_NANO,    /* a moment as a number */
    COL_PATH_TIME,    /* the same as a moment */
    COL_PATH_ID,      /* 16 bytes, or 8 */
    COL_PATH_ID_TEXT, /* the same in hexadecimal */
    COL_PATH_KIND_TEXT,
    COL_PATH_MAP,
    COL_PATH_BODY,
    COL_PATH_BODY_TEXT,
    COL_PATH_SCHEMA, /* stands beside the message */
    COL_PATH_METRIC_TYPE,
    COL_PATH_TEMPORALITY,
    COL_PATH_MONOTONIC,
    COL_PATH_POINT_INT,
    COL_PATH_POINT_REAL,
    COL_PATH_POINT_COUNT,
    COL_PATH_POINT_SUM
};

struct col_path {
    const char *name; /* without that of its context */
    enum col_condition_on of;
    enum col_path_type type;
    size_t offset;   /* in the struct of what it is of */
    uint32_t field;  /* in the message; 0: the kind of metric says */
    uint32_t within; /* the message that field stands in; 0: that of the item itself */
    size_t size;     /* of an id */
};

/* What values of a path can be held against and set to: their own kind alone. */
enum col_value_type { COL_TYPE_PLAIN, COL_TYPE_TIME, COL_TYPE_TRACE_ID, COL_TYPE_SPAN_ID };

/* "span", "scope"... */
const char *col_context_name(enum col_condition_on on);
/* false: there is none of this name. instrumentation_scope is scope. */
bool col_context_find(const char *name, size_t len, enum col_condition_on *ret);
/* A set of 1u << enum col_condition_on: the contexts whose paths are known in this one. */
unsigned col_context_sees(enum col_condition_on on);
/* The context that statements or conditions with these paths are of, as they name it: the innermost
 * of those named that has the functions and constants that stand there, too. text may be asked
 * for one after another, *state begins as zeros. */
struct col_inference {
    unsigned named, able; /* sets of contexts; able: the bits of those that cannot */
};
void col_context_infer(struct col_inference *state, const char *text);
bool col_context_inferred(const struct col_inference *state, unsigned of_signal,
                          enum col_condition_on *ret);

/* The path that a word names in a context; NULL: none, and said gets why, with those that there
 * are. named: the name of the context has to stand before it. */
const struct col_path *col_path_find(enum col_condition_on on, bool named, const char *word,
                                     size_t len, char *said, size_t size);
/* The number that a constant of the context stands for. */
bool col_path_constant(enum col_condition_on on, const char *word, size_t len, int64_t *ret);

enum col_value_type col_path_value_type(const struct col_path *path);
/* The body is a map. */
bool col_path_has_parts(const struct col_log *log);
/* key: of a map, or of a body (NULL: the whole body). A value may point into scratch. */
struct col_value col_path_value(const struct col_path *path, const char *key,
                                const struct col_condition_subject *subject,
                                char scratch[COL_SCALAR_TEXT]);

#endif
