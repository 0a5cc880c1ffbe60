/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REP_SCHEMA_H
#define REP_SCHEMA_H

#include <jansson.h>
#include <otel/err.h>

#include "sdk/base/detail.h"

/*
 * Checks a JSON document against a JSON Schema, of which it knows the part that our own schemas
 * use.
 *
 * Not a general validator: a schema with a keyword that is not listed here is refused, so that
 * nothing is believed to be checked which is not.
 *
 * Keywords  type (a name or a list), const, enum, required, properties, additionalProperties
 *           (false, true or a schema), items (one schema), minItems, maxItems, minimum, maximum,
 *           pattern (POSIX extended, up to 256 bytes), $ref ("#/$defs/NAME" only, alone in its
 *           object), $defs, and the words that only describe: $schema, $id, title,
 *           description.
 * Threads   no state.
 * Memory    both trees are borrowed.
 * Limits    documents and schemas nest at most REP_SCHEMA_MAX_DEPTH deep.
 */

enum { REP_SCHEMA_MAX_DEPTH = 64 };

/* OTEL_ERR_SYNTAX: the document breaks the schema; *reterr (may be NULL) has the path of the value
 * ("spans.lost.queue_full", "edges[3].kind") in source and what was expected in text.
 * OTEL_ERR_ARGUMENT: the schema itself uses something that is not known here. */
OTEL_MUST_USE enum otel_err rep_schema_check(const json_t *schema, const json_t *document,
                                             struct otl_detail *reterr);

/* The same with files: the schema's and the document's. Also OTEL_ERR_NOT_FOUND, _IO, _LIMIT
 * (64 MiB), _MEMORY, and OTEL_ERR_SYNTAX with line and column for a file that is no JSON. */
OTEL_MUST_USE enum otel_err rep_schema_check_files(const char *schema_path,
                                                   const char *document_path,
                                                   struct otl_detail *reterr);

#endif
