/* SPDX-License-Identifier: Apache-2.0 */
/* The directory of a run: where it is, and files that the runner itself writes there. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/cli/request.h"
#include "sdk/base/clock.h"
#include "sdk/base/file.h"

enum otel_err hx_run_dir_choose(const struct hx_request *request,
                                const struct hx_scenario *scenario, unsigned nth, char *dir,
                                size_t size, struct otl_detail *detail)
{
    char stamp[40], path[HX_RUN_PATH], *full;
    struct stat info;
    enum otel_err err;

    hx_utc_format(otl_clock_wall(otl_clock_real()), true, stamp, sizeof(stamp));
    if (request->set.tree != NULL)
        hx_set_run_dir(&request->set, scenario->name, nth, dir, size);
    else if (request->out != NULL)
        snprintf(dir, size, "%s", request->out);
    else
        snprintf(dir, size, "runs/%s-%s", scenario->name, stamp);
    for (int i = 2; i < 1000 && request->out == NULL && stat(dir, &info) == 0; i++)
        snprintf(dir, size, "runs/%s-%s.%d", scenario->name, stamp, i);
    err = otl_make_dirs(dir, detail);
    if (err != OTEL_OK)
        return err;
    snprintf(path, sizeof(path), "%s/report.json", dir);
    if (stat(path, &info) == 0)
        return otl_detail_set(detail, OTEL_ERR_ARGUMENT, dir, 0, 0,
                              "holds a report already; choose another --out");
    full = realpath(dir, NULL);
    if (full == NULL)
        return otl_detail_set(detail, OTEL_ERR_IO, dir, 0, 0, "%s", strerror(errno));
    if (strlen(full) >= size)
        err = otl_detail_set(detail, OTEL_ERR_LIMIT, dir, 0, 0, "the path is too long");
    else
        memcpy(dir, full, strlen(full) + 1);
    free(full);
    return err;
}

enum otel_err hx_run_dir_write(const char *dir, const char *name, const void *data, size_t len,
                               struct otl_detail *detail)
{
    char path[HX_RUN_PATH];

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return otl_file_write(path, data, len, detail);
}

enum otel_err hx_run_dir_write_tree(const char *dir, const char *name, const json_t *tree,
                                    struct otl_detail *detail)
{
    char *text = json_dumps(tree, JSON_INDENT(2));
    enum otel_err err =
        text ? hx_run_dir_write(dir, name, text, strlen(text), detail) : OTEL_ERR_MEMORY;

    free(text);
    return err;
}

enum otel_err hx_run_dir_write_scenario(const char *dir, const struct hx_scenario *scenario,
                                        struct otl_detail *detail)
{
    struct otl_buf text;
    enum otel_err err;

    otl_buf_init(&text, 4u << 20);
    err = hx_scenario_emit(scenario, &text);
    if (err == OTEL_OK)
        err = hx_run_dir_write(dir, "scenario.yaml", text.data, text.len, detail);
    otl_buf_fini(&text);
    return err;
}
