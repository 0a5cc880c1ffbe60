/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_DETAIL_H
#define OTL_DETAIL_H

#include <stddef.h>

#include <otel/err.h>

/*
 * Error detail of a parser or loader: where it went wrong and what was expected.
 *
 * Life      owned by the caller, usually on the stack; start with OTL_DETAIL_NONE.
 * Threads   none; one owner.
 * Limits    texts are cut at the array's size, on a UTF-8 boundary.
 *
 * The first error wins: setting a detail that is already set changes nothing.
 */

struct otl_detail {
    enum otel_err code;
    unsigned line;   /* from 1; 0 = unknown */
    unsigned column; /* from 1; 0 = unknown */
    char source[256];
    char text[512];
};

#define OTL_DETAIL_NONE {OTEL_OK, 0, 0, "", ""}

/* Fill *detail unless it is already set (NULL is allowed). Returns code, so that a parser can
 * write: return otl_detail_set(...). source may be NULL. */
enum otel_err otl_detail_set(struct otl_detail *detail, enum otel_err code, const char *source,
                             unsigned line, unsigned column, const char *format, ...)
    OTEL_PRINTF(6, 7);

/* "file:line:column: text" into out; returns out. Parts that are unknown are left out. */
const char *otl_detail_format(const struct otl_detail *detail, char *out, size_t size);

#endif
