/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_WIRE_JSON_LEX_H
#define COL_WIRE_JSON_LEX_H

#include <stdbool.h>

#include "sdk/base/buf.h"
#include "sdk/base/detail.h"

/* The words of JSON (RFC 8259), one after another; private to this folder. The first error sticks:
 * everything behind it does nothing and says so. */

struct col_json_lex {
    const char *start, *at, *end;
    struct otl_buf text;  /* the last text that had escapes in it */
    enum otel_err err;
    struct otl_detail *reterr;
};

void col_json_lex_init(struct col_json_lex *lex, struct otl_view json, struct otl_detail *reterr);
void col_json_lex_fini(struct col_json_lex *lex);
/* Notes the error with the place; returns false. */
bool col_json_fail(struct col_json_lex *lex, enum otel_err err, const char *why);

/* The first character of what comes next, behind blanks; 0 at the end. */
char col_json_peek(struct col_json_lex *lex);
/* Step over this character. */
bool col_json_expect(struct col_json_lex *lex, char c);
/* Step over this character if it is next. */
bool col_json_accept(struct col_json_lex *lex, char c);
/* Without quotes and escapes; valid UTF-8. Holds until the next text. */
bool col_json_text(struct col_json_lex *lex, struct otl_view *ret);
/* A number as it is written, of JSON's grammar. */
bool col_json_number(struct col_json_lex *lex, struct otl_view *ret);
/* true, false or null, whichever word is. */
bool col_json_word(struct col_json_lex *lex, const char *word);
/* Any value, depth levels of it at most. */
bool col_json_skip(struct col_json_lex *lex, unsigned depth);
/* Between the members of an object or the items of a list: true if another one follows. first is
 * set before the first one. Consumes the closing character. */
bool col_json_more(struct col_json_lex *lex, bool *first, char close);

#endif
