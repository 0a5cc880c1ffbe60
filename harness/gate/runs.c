/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/gate/runs.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "reports/model.h"
#include "reports/resources.h"
#include "reports/schema.h"
#include "sdk/base/file.h"
#include "sdk/base/mem.h"
#include "sdk/base/yaml/yaml.h"

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
                                 where.column > 0 ? (unsigned)where.column : 0,
                                 "no report.json: %s", where.text);
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
    otl_detail_format(&place, told, sizeof(told));
    if (name != NULL && strcmp(name, "tracerig.report/1") == 0)
        return otl_detail_set(reterr, err, path, 0, 0, "not what %s says: %.300s", name, told);
    return otl_detail_set(reterr, err, path, 0, 0,
                          "no report of schema tracerig.report/1%s%.60s%s: %.300s",
                          name ? " (it says '" : "", name ? name : "", name ? "')" : "", told);
}

/* ---- runs without a verdict --------------------------------------------------------------- */

static enum otel_err count_without(struct hx_runs *runs, const char *scenario)
{
    if (runs->without == NULL && (runs->without = json_object()) == NULL)
        return OTEL_ERR_MEMORY;
    return json_object_set_new(runs->without, scenario,
                               json_integer((json_int_t)hx_runs_without(runs, scenario) + 1)) == 0
               ? OTEL_OK
               : OTEL_ERR_MEMORY;
}

/* A run directory has had its scenario from the beginning. What is no YAML is no run's either. */
static enum otel_err add_unfinished(struct hx_runs *runs, const char *scenario_file)
{
    struct otl_yaml *doc = NULL;
    const char *name = NULL;
    enum otel_err err = OTEL_OK;

    if (otl_yaml_load_file(scenario_file, NULL, &doc, NULL) == OTEL_OK)
        name = json_string_value(json_object_get(otl_yaml_root(doc), "name"));
    if (name != NULL)
        err = count_without(runs, name);
    otl_yaml_free(doc);
    return err;
}

static enum otel_err add_not_begun(struct hx_runs *runs, const char *set_file)
{
    json_t *set = json_load_file(set_file, 0, NULL), *run;
    enum otel_err err = OTEL_OK;
    size_t i;

    json_array_foreach(json_object_get(set, "runs"), i, run) {
        const char *verdict = json_string_value(json_object_get(run, "verdict"));
        const char *name = json_string_value(json_object_get(run, "scenario"));
        if (err == OTEL_OK && verdict && name && strcmp(verdict, "not_begun") == 0)
            err = count_without(runs, name);
    }
    json_decref(set);
    return err;
}

/* ---- directories and files ---------------------------------------------------------------- */

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
    if (err == OTEL_OK &&
        strcmp(json_string_value(json_object_get(report, "verdict")), "none") != 0) {
        runs->paths[runs->count] = otl_mem_strdup(path);
        runs->reports[runs->count++] = report;
        return OTEL_OK;
    }
    if (err == OTEL_OK)
        err = count_without(runs, hx_run_scenario(report));
    json_decref(report);
    return err;
}

static bool is_there(const char *dir, const char *name, const char *file, char *path)
{
    struct stat info;

    return snprintf(path, PATH_SIZE, "%s/%s/%s", dir, name, file) < PATH_SIZE &&
           stat(path, &info) == 0;
}

static enum otel_err add_dirs(struct hx_runs *runs, const char *path, struct otl_detail *reterr)
{
    struct dirent **entries = NULL;
    char set[PATH_SIZE];
    enum otel_err err = OTEL_OK;
    int count = scandir(path, &entries, NULL, alphasort);

    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;
        char file[PATH_SIZE];
        if (err == OTEL_OK && name[0] != '.' && is_there(path, name, "report.json", file))
            err = add_file(runs, file, reterr);
        else if (err == OTEL_OK && name[0] != '.' && is_there(path, name, "scenario.yaml", file))
            err = add_unfinished(runs, file);
        free(entries[i]);
    }
    free(entries);
    if (err == OTEL_OK && is_there(path, ".", "set.json", set))
        err = add_not_begun(runs, set);
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
    for (size_t i = 0; i < runs->count; i++) {
        json_decref(runs->reports[i]);
        otl_mem_free(runs->paths[i]);
    }
    runs->count = 0;
    json_decref(runs->without);
    runs->without = NULL;
}

const char *hx_run_scenario(const json_t *report)
{
    const char *name =
        json_string_value(json_object_get(json_object_get(report, "scenario"), "name"));

    return name ? name : "";
}

size_t hx_runs_without(const struct hx_runs *runs, const char *scenario)
{
    return (size_t)json_integer_value(json_object_get(runs->without, scenario));
}
