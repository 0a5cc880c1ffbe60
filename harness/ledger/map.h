/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_LEDGER_MAP_H
#define HX_LEDGER_MAP_H

#include <stddef.h>

#include <otel/err.h>

#include "sdk/base/detail.h"

/*
 * New file with all its blocks allocated and touched, mapped shared and writable.
 *
 * A full disk or a file size limit is an error of hx_map_create(); afterwards writing to the
 * mapping raises no SIGBUS, and SIGXFSZ is never delivered.
 *
 * Threads   no state; may be called from any thread.
 */

/* The file is created (an old one of that name is an error), and removed again on failure.
 * OTEL_ERR_IO: *reterr says what the system said about which path. */
OTEL_MUST_USE enum otel_err hx_map_create(const char *path, size_t bytes, void **ret,
                                          struct otl_detail *reterr);
/* Unmap and cut the file to keep bytes (at most bytes). NULL is allowed. */
void hx_map_close(void *map, size_t bytes, const char *path, size_t keep);

#endif
