/* SPDX-License-Identifier: Apache-2.0 */
#include "reports/sweep/sweep.h"

#include <stdio.h>

#include "reports/resources.h"
#include "reports/schema.h"
#include "sdk/base/file.h"

enum { PATH_BYTES = 4096, SWEEP_BYTES = 64 * 1024 * 1024 };

static enum otel_err load(const char *dir, json_t **ret, struct otl_detail *reterr)
{
    char path[PATH_BYTES];
    struct otl_buf text;
    json_error_t error;
    json_t *schema, *sweep;
    enum otel_err err;

    if (snprintf(path, sizeof(path), "%s/sweep.json", dir) >= PATH_BYTES)
        return otl_detail_set(reterr, OTEL_ERR_LIMIT, dir, 0, 0, "the path is too long");
    otl_buf_init(&text, SWEEP_BYTES);
    err = otl_file_read(path, &text, reterr);
    if (err != OTEL_OK) {
        otl_buf_fini(&text);
        return err;
    }
    sweep = json_loadb(text.data ? text.data : "", text.len, JSON_REJECT_DUPLICATES, &error);
    otl_buf_fini(&text);
    if (sweep == NULL)
        return otl_detail_set(reterr, OTEL_ERR_SYNTAX, path, (unsigned)error.line,
                              (unsigned)error.column, "%s", error.text);
    schema = json_loads(rep_resource_sweep_schema, 0, NULL);
    err = schema ? rep_schema_check(schema, sweep, reterr) : OTEL_ERR_MEMORY;
    json_decref(schema);
    if (err == OTEL_OK)
        *ret = sweep;
    else
        json_decref(sweep);
    return err;
}

static enum otel_err save(const char *dir, const char *name, const struct rep_out *out,
                          struct otl_detail *reterr)
{
    char path[PATH_BYTES];

    if (out->err != OTEL_OK)
        return otl_detail_set(reterr, out->err, name, 0, 0, "%s", otel_err_text(out->err));
    if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= PATH_BYTES)
        return otl_detail_set(reterr, OTEL_ERR_LIMIT, dir, 0, 0, "the path is too long");
    return otl_file_write(path, out->buf.data ? out->buf.data : "", out->buf.len, reterr);
}

enum otel_err rep_sweep_render(const char *dir, struct rep_out *text, struct otl_detail *reterr)
{
    struct rep_heats heats;
    struct rep_out csv, html;
    json_t *sweep = NULL;
    enum otel_err err = load(dir, &sweep, reterr);

    if (err != OTEL_OK)
        return err;
    rep_out_init(&csv);
    rep_out_init(&html);
    rep_sweep_text(sweep, text);
    rep_sweep_csv(sweep, &csv);
    rep_heats_make(&heats, sweep, dir);
    rep_sweep_html(sweep, &heats, dir, &html);
    err = text->err ? text->err : save(dir, "sweep.csv", &csv, reterr);
    if (err == OTEL_OK)
        err = save(dir, "index.html", &html, reterr);
    rep_out_fini(&csv);
    rep_out_fini(&html);
    json_decref(sweep);
    return err;
}
