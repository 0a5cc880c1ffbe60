/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_JSON_READ_H
#define OTL_JSON_READ_H

#include <stdbool.h>

#include "sdk/base/buf.h"

/*
 * Reader of JSON that goes through the text once and makes no tree, for answers of a known form:
 * the libraries that need it do without a JSON library.
 *
 * Life      a value: what is left, and the first mistake.
 * Threads   no state.
 * Memory    none; strings are views into the text, still escaped.
 * Limits    64 levels of nesting in what is skipped (OTEL_ERR_LIMIT).
 *
 * Functions that return bool say whether to go on; when they say no, err tells why.
 */

struct otl_json_reader {
    struct otl_view rest;
    enum otel_err err;
};

/* Keep the first mistake; false. */
bool otl_json_fail(struct otl_json_reader *r, enum otel_err err);
void otl_json_skip_blanks(struct otl_json_reader *r);
/* The next character that is not blank; NUL at the end. */
char otl_json_peek(struct otl_json_reader *r);
/* Take it if it is c; need: or fail. */
bool otl_json_take(struct otl_json_reader *r, char c);
bool otl_json_need(struct otl_json_reader *r, char c);
/* A string, still escaped. */
bool otl_json_take_string(struct otl_json_reader *r, struct otl_view *ret);
/* A number, true, false or null. */
bool otl_json_take_word(struct otl_json_reader *r, struct otl_view *ret);
/* Whatever comes, at this depth. */
bool otl_json_skip(struct otl_json_reader *r, unsigned depth);
/* Append the string without its escapes. OTEL_ERR_SYNTAX, and those of the buffer. */
OTEL_MUST_USE enum otel_err otl_json_unescape(struct otl_view text, struct otl_buf *out);

#endif
