/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_LIBRARY_H
#define OTL_LIBRARY_H

/*
 * Library that is loaded when it is needed: from beside the library (or program) that this code is
 * part of, else from where the system looks.
 *
 * Threads   any.
 * Limits    it is never unloaded.
 */

/* The address of symbol in library ("libotel_tls.so.0"), or NULL. */
const void *otl_library_symbol(const char *library, const char *symbol);

#endif
