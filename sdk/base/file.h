/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_FILE_H
#define OTL_FILE_H

#include <stddef.h>

#include <otel/err.h>

#include "sdk/base/buf.h"
#include "sdk/base/detail.h"

/*
 * Whole files: read with a limit, written so that a reader sees the old one or the new one.
 *
 * Threads   no state.
 * Errors    OTEL_ERR_NOT_FOUND no such file; OTEL_ERR_IO anything else the system says (named in
 *           *reterr); OTEL_ERR_LIMIT longer than max; OTEL_ERR_MEMORY.
 */

/* Append the file to buf (its max is the limit). reterr may be NULL. */
OTEL_MUST_USE enum otel_err otl_file_read(const char *path, struct otl_buf *buf,
                                          struct otl_detail *reterr);
/* Write path.tmp, then rename it to path; path.tmp is removed on failure. */
OTEL_MUST_USE enum otel_err otl_file_write(const char *path, const void *data, size_t len,
                                           struct otl_detail *reterr);
/* All bytes to a descriptor; retries on EINTR and short writes. */
OTEL_MUST_USE enum otel_err otl_fd_write_all(int fd, const void *data, size_t len);
/* mkdir -p with mode 0755. */
OTEL_MUST_USE enum otel_err otl_make_dirs(const char *path, struct otl_detail *reterr);

#endif
