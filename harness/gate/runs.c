/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/gate/runs.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "reports/model.h"
#include "reports/resources.h"
#include "reports/schema.h"
#include "sdk/base/file.h"

enum { PATH_SIZE = 4096 };

static enum otel_err parse(const char *path, json_t **ret, struct otl_detail *reterr)
{
    struct otl_buf text;
    json_error_t where;
    enum otel_err err;

    otl_buf_init(&text, REP_MODEL_MAX_BYTES);
    err = otl_file_read(path, &text, reterr);
    if (err == OTEL_OK) {
        *ret = json_loadb(text.data ? text.data : "", text.len, JSON_REJECT_DUPLICATES, &where);
        if (*ret == NULL)
            err = otl_detail_set(reterr, OTEL_ERR_SYNTAX, path, (unsigned)where.line,
                                 where.column > 0 ? (unsigned)where.column : 0, "%s", where.text);
    }
    otl_buf_fini(&text);
    return err;
}

static enum otel_err check(const char *path, const json_t *report, struct otl_detail *reterr)
{
    json_t *schema = json_loads(rep_resource_schema, 0, NULL);
    struct otl_detail place = OTL_DETAIL_NONE;
    char told[sizeof(place.source) + sizeof(place.text) + 32];
    const char *name = json_string_value(json_object_get(report, "schema"));
    enum otel_err err;

    if (schema == NULL)
        return OTEL_ERR_MEMORY;
    err = rep_schema_check(schema, report, &place);
    json_decref(schema);
    if (err == OTEL_OK)
        return OTEL_OK;
    return otl_detail_set(reterr, err, path, 0, 0,
                          "no report of schema tracerig.report/1%s%.60s%s: %.300s",
                          name ? " (it says '" : "", name ? name : "", name ? "')" : "",
                          otl_detail_format(&place, told, sizeof(told)));
}

static enum otel_err add_file(struct hx_runs *runs, const char *path, struct otl_detail *reterr)
{
    json_t *report = NULL;
    enum otel_err err;

    if (runs->count == HX_RUNS_MAX)
        return otl_detail_set(reterr, OTEL_ERR_LIMIT, path, 0, 0, "more than %d reports",
                              HX_RUNS_MAX);
    err = parse(path, &report, reterr);
    if (err == OTEL_OK)
        err = check(path, report, reterr);
    if (err != OTEL_OK ||
        strcmp(json_string_value(json_object_get(report, "verdict")), "none") == 0)
        json_decref(report);
    else
        runs->reports[runs->count++] = report;
    return err;
}

static enum otel_err add_dirs(struct hx_runs *runs, const char *path, struct otl_detail *reterr)
{
    struct dirent **entries = NULL;
    enum otel_err err = OTEL_OK;
    int count = scandir(path, &entries, NULL, alphasort);

    for (int i = 0; i < count; i++) {
        char file[PATH_SIZE];
        struct stat info;
        int put = snprintf(file, sizeof(file), "%s/%s/report.json", path, entries[i]->d_name);
        if (err == OTEL_OK && entries[i]->d_name[0] != '.' && put < (int)sizeof(file) &&
            stat(file, &info) == 0)
            err = add_file(runs, file, reterr);
        free(entries[i]);
    }
    free(entries);
    return err;
}

enum otel_err hx_runs_load(const char *path, struct hx_runs *ret, struct otl_detail *reterr)
{
    char file[PATH_SIZE];
    struct stat info, inside;
    enum otel_err err;

    memset(ret, 0, sizeof(*ret));
    ret->path = path;
    if (snprintf(file, sizeof(file), "%s/report.json", path) >= (int)sizeof(file))
        return otl_detail_set(reterr, OTEL_ERR_LIMIT, path, 0, 0, "the path is too long");
    if (stat(path, &info) != 0 || !S_ISDIR(info.st_mode))
        err = add_file(ret, path, reterr);
    else if (stat(file, &inside) == 0)
        err = add_file(ret, file, reterr);
    else
        err = add_dirs(ret, path, reterr);
    if (err == OTEL_OK && ret->count == 0)
        err = otl_detail_set(reterr, OTEL_ERR_NOT_FOUND, path, 0, 0,
                             "holds no report.json of a judged run, nor run directories with one");
    return err;
}

void hx_runs_fini(struct hx_runs *runs)
{
    for (size_t i = 0; i < runs->count; i++)
        json_decref(runs->reports[i]);
    runs->count = 0;
}

const char *hx_run_scenario(const json_t *report)
{
    const char *name =
        json_string_value(json_object_get(json_object_get(report, "scenario"), "name"));

    return name ? name : "";
}

size_t hx_runs_scenarios(const struct hx_runs *runs, const char **names, size_t max)
{
    size_t count = 0, k;

    for (size_t i = 0; i < runs->count; i++) {
        const char *name = hx_run_scenario(runs->reports[i]);
        for (k = 0; k < count && strcmp(names[k], name) != 0; k++)
            ;
        if (k == count && count < max)
            names[count++] = name;
    }
    return count;
}
