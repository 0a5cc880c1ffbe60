/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_EXPORTERS_ROTATION_H
#define COL_EXPORTERS_ROTATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sdk/base/clock.h"
#include "sdk/base/detail.h"

/*
 * A file that becomes another one before it grows over a size, as the Collector's file exporter
 * turns files over: DIR/NAME.EXT is renamed to DIR/NAME-2026-01-02T15-04-05.000-size.EXT and begun
 * anew; of the renamed ones the newest max_backups stay, and none older than max_days.
 *
 * The file is opened by the first record. One that is there is gone on with if the record fits.
 * Names without "-size", as an older library gave them, are given it at the start.
 *
 * Unlike there, a record and its line feed are never torn apart, and two files of one millisecond
 * do not get the same name.
 *
 * Life      init -> start -> (ready -> write to fd, wrote)... -> fini.
 * Threads   one at a time.
 * Limits    COL_ROTATION_PATH_MAX.
 */

enum { COL_ROTATION_PATH_MAX = 4096 };

struct col_rotation_settings {
    const char *path;
    uint64_t max_bytes;
    unsigned max_days, max_backups; /* 0: all stay */
    bool local_time;                /* in names; else UTC */
    const struct otl_clock *clock;
};

struct col_rotation {
    struct col_rotation_settings settings;
    char directory[COL_ROTATION_PATH_MAX];
    const char *name; /* in the path, without the directory */
    char stem[256];   /* the name without its ending */
    size_t stem_len;
    int fd;           /* -1: not open yet */
    uint64_t size;    /* of the file at hand */
};

/* The path is the caller's, and outlives it. OTEL_ERR_LIMIT: it is too long. */
OTEL_MUST_USE enum otel_err col_rotation_init(struct col_rotation *rotation,
                                              const struct col_rotation_settings *settings);
/* OTEL_ERR_IO: the directory cannot be read. */
OTEL_MUST_USE enum otel_err col_rotation_start(struct col_rotation *rotation,
                                               struct otl_detail *reterr);
/* Afterwards fd has room for a record of len bytes. OTEL_ERR_LIMIT: no file is as large;
 * OTEL_ERR_IO. */
OTEL_MUST_USE enum otel_err col_rotation_ready(struct col_rotation *rotation, size_t len,
                                               struct otl_detail *reterr);
/* So many bytes have been written to it. */
void col_rotation_wrote(struct col_rotation *rotation, size_t len);
/* Closes the file. 0 or errno. */
int col_rotation_fini(struct col_rotation *rotation);

#endif
