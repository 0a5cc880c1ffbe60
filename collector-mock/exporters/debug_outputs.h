/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_EXPORTERS_DEBUG_OUTPUTS_H
#define COL_EXPORTERS_DEBUG_OUTPUTS_H

#include "collector-mock/pipeline/component.h"

/*
 * Where the debug exporter writes with use_internal_logger: false: output_paths, "stdout", "stderr"
 * and files, which are appended to. Without output_paths standard output, as in the Collector.
 *
 * Life      read -> open -> write... -> close.
 * Threads   one owner; each write is one write(2) to each where the system lets it.
 * Memory    paths are the configuration's.
 * Limits    COL_DEBUG_OUTPUTS_MAX.
 */

enum { COL_DEBUG_OUTPUTS_MAX = 16 };

struct col_debug_outputs {
    bool own; /* false: the collector's log, and nothing here */
    size_t count;
    struct {
        const char *path;
        int fd; /* -1: not open */
    } list[COL_DEBUG_OUTPUTS_MAX];
};

/* One row: what output_paths is a list of. */
extern const struct otl_schema col_debug_output_row[];
OTEL_MUST_USE enum otel_err col_debug_outputs_read(const struct col_create *args,
                                                   struct col_debug_outputs *ret,
                                                   struct otl_detail *reterr);
/* OTEL_ERR_IO. */
OTEL_MUST_USE enum otel_err col_debug_outputs_open(struct col_debug_outputs *outputs,
                                                   const char *id, struct otl_detail *reterr);
/* To all of them, whatever happens to one; the first error. */
OTEL_MUST_USE enum otel_err col_debug_outputs_write(const struct col_debug_outputs *outputs,
                                                    struct otl_view text);
/* The files; standard output and error stay. 0 or errno. */
int col_debug_outputs_close(struct col_debug_outputs *outputs);

#endif
