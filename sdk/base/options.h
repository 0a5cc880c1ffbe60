/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_OPTIONS_H
#define OTL_OPTIONS_H

#include <stddef.h>
#include <string.h>

#include <otel/err.h>

/*
 * Structs of options whose first member is their size: a program that was built against an older
 * header gives fewer members, and the rest stay defaults.
 *
 * Threads   no state.
 */

/* given, of size bytes or fewer, over the defaults that all holds; NULL leaves them.
 * OTEL_ERR_ARGUMENT: its struct_size was not set, or is of a newer header. */
OTEL_MUST_USE static inline enum otel_err otl_options_take(void *all, size_t size,
                                                           const void *given)
{
    size_t given_size = size;

    if (given == NULL)
        return OTEL_OK;
    memcpy(&given_size, given, sizeof(given_size));
    if (given_size == 0 || given_size > size)
        return OTEL_ERR_ARGUMENT;
    memcpy(all, given, given_size);
    return OTEL_OK;
}

#endif
