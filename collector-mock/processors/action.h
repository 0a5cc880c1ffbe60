/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_PROCESSORS_ACTION_H
#define COL_PROCESSORS_ACTION_H

#include "collector-mock/pipeline/component.h"
#include "collector-mock/processors/edit.h"

/*
 * The list of actions of the attributes and resource processors: insert, update, upsert, delete,
 * hash, extract, convert, one after another on a list of attributes.
 *
 * from_context: client.address, auth.username and auth.raw (of basicauth), metadata.NAME or NAME (a
 * header, its values joined by ;). What is not known counts as not there, and default_value is
 * taken. Arrays and maps are not converted to text.
 *
 * Life      new -> run... -> free.
 * Threads   one owner.
 * Limits    what the configuration has.
 */

struct col_actions;

extern const struct otl_schema col_action_schema[]; /* one row: an item of the list */

/* key: where the list stands in the configuration. OTEL_ERR_SYNTAX with the place. */
OTEL_MUST_USE enum otel_err col_actions_new(const struct col_create *args, const char *key,
                                            struct col_actions **ret, struct otl_detail *reterr);
void col_actions_free(struct col_actions *actions); /* may be NULL */
OTEL_MUST_USE enum otel_err col_actions_run(struct col_actions *actions,
                                            struct col_attributes *attributes);

/* The hash action: SHA-256 in hexadecimal, of numbers by their eight bytes, little-endian. */
OTEL_MUST_USE enum otel_err col_action_hash(struct otl_arena *arena, const struct col_value *value,
                                            struct col_value *ret);

#endif
