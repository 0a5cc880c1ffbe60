/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_TELL_H
#define OTL_TELL_H

#include <otel/err.h>

/*
 * A sentence for whoever wants to hear what went wrong: library code tells, and never logs.
 *
 * Threads   any; the callback is called on the thread that tells.
 * Limits    a sentence of 1023 bytes; what is longer is cut.
 */

struct otl_teller {
    void (*error)(void *arg, enum otel_err err, const char *text); /* NULL: nobody listens */
    void *error_arg;
};

/* OTEL_OK marks a warning; teller may be NULL. */
void otl_tell(const struct otl_teller *teller, enum otel_err err, const char *format, ...)
    OTEL_PRINTF(3, 4);

#endif
