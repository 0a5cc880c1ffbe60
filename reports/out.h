/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REP_OUT_H
#define REP_OUT_H

#include <stddef.h>

#include <otel/err.h>

#include "sdk/base/buf.h"

/*
 * What a renderer writes to: a buffer that remembers the first error, so that drawing code reads as
 * the drawing and looks at the error once, at the end; and one escaping writer a target language.
 *
 * Every text out of report.json is hostile: it goes through one of the escaping writers, never
 * through rep_put() or a "%s" of rep_putf().
 *
 * Life      rep_out_init() -> put... -> err, buf -> rep_out_fini().
 * Limits    64 MiB of output.
 */

struct rep_out {
    struct otl_buf buf;
    enum otel_err err; /* the first; later puts do nothing */
};

void rep_out_init(struct rep_out *out);
void rep_out_fini(struct rep_out *out);

/* Trusted text only: markup, numbers. */
void rep_put(struct rep_out *out, const char *text);
void rep_putn(struct rep_out *out, const char *text, size_t len);
void rep_putf(struct rep_out *out, const char *format, ...) OTEL_PRINTF(2, 3);

/* HTML text and attribute values (in double quotes), SVG likewise. Control characters and those
 * that turn the direction of text become U+FFFD. */
void rep_put_html(struct rep_out *out, const char *text);
/* XML 1.0 text and attribute values: what XML 1.0 cannot hold is left out; line breaks and tabs are
 * written as references, so that attributes keep them. */
void rep_put_xml(struct rep_out *out, const char *text);
/* One line of Markdown, also inside a table cell. */
void rep_put_md(struct rep_out *out, const char *text);
/* One line on a terminal: control characters become '?'. */
void rep_put_plain(struct rep_out *out, const char *text);
/* The same, cut or padded with blanks to columns (one a code point). */
void rep_put_column(struct rep_out *out, const char *text, size_t columns);
/* Trusted text set to the right of columns; one too long stays whole. */
void rep_put_right(struct rep_out *out, const char *text, size_t columns);

/* Base64 of len bytes. */
void rep_put_base64(struct rep_out *out, const char *data, size_t len);

/* Next code point of well-formed UTF-8, moving *text on; 0 at the end. */
unsigned rep_next_char(const char **text);

#endif
