/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_EXPORTERS_FILE_GROUPS_H
#define COL_EXPORTERS_FILE_GROUPS_H

#include <sys/types.h>

#include "collector-mock/wire/signal.h"
#include "sdk/base/arena.h"

/*
 * group_by of the file exporter: PREFIX*SUFFIX is a file for each value of an attribute of
 * resources, which stands for the star.
 *
 * What values say of directories above stays below PREFIX, as in the Collector: ./ and ../ at the
 * begin are as if they were / alone; what would lead away from PREFIX all the same stands below the
 * directory PREFIX. Directories on the way are made. Of the files that are open the one that was
 * longest not written to is closed for another one; opened again it begins anew, unless append:
 * as there.
 *
 * Life      new -> (split -> open for each)... -> close -> free.
 * Threads   one at a time.
 * Limits    max_open files at once; a path of COL_FILE_PATH_MAX bytes with its end; of what is on
 *           the disk none, as there: the values decide.
 */

enum { COL_FILE_PATH_MAX = 4096, COL_FILE_GROUPS_OPEN_MAX = 10000 };

struct col_file_groups_settings {
    const char *path;
    size_t max_open;
    mode_t directory_mode;
    bool append;
};

struct col_file_groups;

/* The path has one star, not as its first. OTEL_ERR_MEMORY; OTEL_ERR_LIMIT: it is too long. */
OTEL_MUST_USE enum otel_err col_file_groups_new(const struct col_file_groups_settings *settings,
                                                struct col_file_groups **ret);
void col_file_groups_free(struct col_file_groups *groups); /* may be NULL; closes */
/* Closes all. 0 or errno. */
int col_file_groups_close(struct col_file_groups *groups);

/* A part of a request: what stands below one value. */
struct col_file_part {
    struct otl_view value;
    struct otl_view request; /* its resources with all of theirs, in the arena */
};

/* The request by the values of the attribute; of resources whose attribute is none or no text
 * nothing is left: *ret_without counts them. Values in the order of their bytes. OTEL_ERR_MEMORY,
 * OTEL_ERR_LIMIT. */
OTEL_MUST_USE enum otel_err col_file_groups_split(const char *attribute, enum col_signal signal,
                                                  struct otl_view request,
                                                  struct otl_arena *arena,
                                                  struct col_file_part **ret, size_t *ret_count,
                                                  uint64_t *ret_without);
/* Where the value's file is. False: it is too long, or has a NUL in it. */
bool col_file_groups_path(const struct col_file_groups *groups, struct otl_view value,
                          char ret[COL_FILE_PATH_MAX]);
/* The value's file, open for appending to; it stays the groups'. 0 or errno. */
int col_file_groups_open(struct col_file_groups *groups, struct otl_view value, int *ret_fd);

#endif
