/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/tuning/dir.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/cli/commands.h"
#include "harness/topology/facts.h"
#include "sdk/base/clock.h"
#include "sdk/base/file.h"

enum { PATH_SIZE = 4096, NAMES_BELOW = 64 };

enum otel_err hx_tuning_dir(const struct hx_tuning_dir *options, char ret_dir[HX_TUNING_DIR],
                            struct otl_detail *reterr)
{
    char stamp[40], path[PATH_SIZE], *full;
    struct stat info;
    enum otel_err err;

    hx_utc_format(otl_clock_wall(otl_clock_real()), true, stamp, sizeof(stamp));
    if (options->out != NULL)
        snprintf(path, sizeof(path), "%s", options->out);
    else
        snprintf(path, sizeof(path), "runs/%s-%s", options->name, stamp);
    err = otl_make_dirs(path, reterr);
    if (err != OTEL_OK)
        return err;
    full = realpath(path, NULL);
    if (full == NULL || strlen(full) >= HX_TUNING_DIR - NAMES_BELOW)
        err = otl_detail_set(reterr, OTEL_ERR_IO, path, 0, 0, "%s",
                             full ? "the path is too long" : strerror(errno));
    else
        snprintf(ret_dir, HX_TUNING_DIR, "%s", full);
    free(full);
    if (err != OTEL_OK)
        return err;
    snprintf(path, sizeof(path), "%s/%s", ret_dir, options->mark);
    if (stat(path, &info) == 0)
        err = otl_detail_set(reterr, OTEL_ERR_ARGUMENT, ret_dir, 0, 0,
                             "holds %s already; choose another --out", options->what);
    return err;
}

int hx_tuning_dir_fail(const struct otl_detail *detail)
{
    int status = hx_usage_fail(detail);

    return detail->code == OTEL_ERR_ARGUMENT ? status : HX_EXIT_FAULT;
}
