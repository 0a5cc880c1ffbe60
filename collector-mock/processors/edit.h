/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_PROCESSORS_EDIT_H
#define COL_PROCESSORS_EDIT_H

#include <jansson.h>

#include "collector-mock/wire/traces.h"
#include "sdk/base/arena.h"

/*
 * Changes to encoded messages: what is not changed is copied as the bytes it is.
 *
 * Not for data that was not checked: messages come from col_traces_next().
 *
 * Threads   no state.
 * Memory    out is the caller's; it is appended to.
 */

/* Numbers of the fields of a Span, below 16. */
enum col_span_field {
    COL_SPAN_TRACE_STATE = 3,
    COL_SPAN_NAME = 5,
    COL_SPAN_KIND = 6,
    COL_SPAN_ATTRIBUTES = 9,
    COL_SPAN_EVENTS = 11,
    COL_SPAN_STATUS = 15
};

enum { COL_RESOURCE_ATTRIBUTES = 1, COL_LOG_ATTRIBUTES = 6 };

/* The message without the fields whose bits (1 << number) are in without; field numbers of 32 and
 * more stay. OTEL_ERR_MEMORY, OTEL_ERR_LIMIT. */
OTEL_MUST_USE enum otel_err col_edit_copy(struct otl_buf *out, struct otl_view raw,
                                          uint32_t without);

/* ---- attributes ---- */

/* The attributes of a message, to be changed. Views point into the message, the arena, or what the
 * caller gave; they must hold until col_attributes_put(). */
struct col_entry {
    struct otl_view key;
    struct otl_view value; /* an AnyValue message */
};

struct col_attributes {
    struct otl_arena *arena;
    struct col_entry *entries;
    size_t count, cap;
    bool changed;
};

/* field: COL_SPAN_ATTRIBUTES; of a resource COL_RESOURCE_ATTRIBUTES. OTEL_ERR_MEMORY. */
OTEL_MUST_USE enum otel_err col_attributes_read(struct otl_arena *arena, struct otl_view raw,
                                                uint32_t field, struct col_attributes *ret);
/* NULL: there is none. Holds until the next change. */
struct col_entry *col_attributes_find(const struct col_attributes *attributes,
                                      struct otl_view key);
OTEL_MUST_USE enum otel_err col_attributes_set(struct col_attributes *attributes,
                                               struct otl_view key, struct otl_view value);
void col_attributes_remove(struct col_attributes *attributes, size_t index);
/* The message with these attributes in place of its own; into the arena. */
OTEL_MUST_USE enum otel_err col_attributes_put(const struct col_attributes *attributes,
                                               struct otl_view raw, uint32_t field,
                                               struct otl_view *ret);

/* ---- values ---- */

/* An AnyValue message, in the arena; arrays and maps cannot be made of a col_value. */
OTEL_MUST_USE enum otel_err col_edit_value(struct otl_arena *arena, const struct col_value *value,
                                           struct otl_view *ret);
/* Of what stands in a configuration, lists and maps too. */
OTEL_MUST_USE enum otel_err col_edit_value_of_tree(struct otl_arena *arena, const json_t *tree,
                                                   struct otl_view *ret);
enum { COL_SCALAR_TEXT = 64 };
/* As the Collector writes it as a text; false: bytes, a list or a map. In scratch or the value
 * itself. */
bool col_edit_scalar_text(const struct col_value *value, char scratch[COL_SCALAR_TEXT],
                          struct otl_view *ret);
/* The same of bytes, and of lists and maps as JSON; false: no memory. In the arena or the value
 * itself. */
bool col_edit_text(struct otl_arena *arena, const struct col_value *value, struct otl_view *ret);

#endif
