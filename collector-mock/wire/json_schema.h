/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_WIRE_JSON_SCHEMA_H
#define COL_WIRE_JSON_SCHEMA_H

#include <stdbool.h>
#include <stdint.h>

#include "collector-mock/wire/signal.h"

/*
 * The messages of OTLP as tables: what a field is called in JSON, its number in protobuf, and what
 * it holds. For who turns one form into the other, in either direction; fields stand in the order
 * in which the Collector writes them.
 */

enum col_json_kind {
    COL_JSON_TEXT,
    COL_JSON_BASE64,
    COL_JSON_HEX, /* an id: of 16 or 8 bytes, left out when they are zero */
    COL_JSON_BOOL,
    COL_JSON_INT64,
    COL_JSON_INT32, /* an enum, too */
    COL_JSON_SINT32,
    COL_JSON_UINT32,
    COL_JSON_UINT64,
    COL_JSON_FIXED32,
    COL_JSON_FIXED64,
    COL_JSON_SFIXED64,
    COL_JSON_DOUBLE,
    COL_JSON_MESSAGE
};

enum col_json_rule {
    COL_JSON_DEFAULT,  /* written unless it has its default value; a message: if it is there */
    COL_JSON_PRESENT,  /* written if it is there, whatever its value */
    COL_JSON_ALWAYS,   /* a message: written as {} if it is not there */
    COL_JSON_ONE,      /* as PRESENT; of all these in a message the last one counts */
    COL_JSON_SILENT    /* as ONE, and nothing is written */
};

struct col_json_field {
    const char *name; /* NULL ends a table */
    uint32_t number;
    enum col_json_kind kind;
    bool repeated;
    const struct col_json_field *message;
    const char *const *words; /* of an enum, from 0 */
    enum col_json_rule rule;
};

enum { COL_JSON_FIELDS_MAX = 17 }; /* of one message */

/* The export request of each signal. */
extern const struct col_json_field *const col_json_requests[COL_SIGNALS];

#endif
