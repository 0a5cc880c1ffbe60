/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "harness/verify/path/paths.h"
#include "sdk/base/text.h"

enum { ROWS_SHOWN = 12 };

/* service, name, statement and gap of a row of the sums. */
static int put_row(json_t *item, const struct hx_paths *paths, uint32_t row)
{
    const struct hx_paths_operation *operation = &paths->operations[row / HX_PATH_GAPS];
    enum hx_path_gap gap = (enum hx_path_gap)(row % HX_PATH_GAPS);
    int bad = json_object_set_new(item, "service", json_string(operation->service)) |
              json_object_set_new(item, "name", json_string(operation->name));

    if (operation->statement[0] != '\0')
        bad |= json_object_set_new(item, "statement", json_string(operation->statement));
    if (gap != HX_PATH_EXPLAINED)
        bad |= json_object_set_new(item, "gap", json_string(hx_path_gap_text(gap)));
    return bad;
}

static json_t *rows_json(const struct hx_paths *paths, const struct hx_paths_finding *f)
{
    json_t *list = json_array();

    for (size_t i = 0; i < f->row_count && i < ROWS_SHOWN; i++) {
        const struct hx_paths_row *row = &f->rows[i];
        json_t *item = json_pack("{s:f, s:f, s:f}", "typical_ns", row->typical_ns, "slow_ns",
                                 row->slow_ns, "added_ns", row->slow_ns - row->typical_ns);
        if (item == NULL || put_row(item, paths, row->row) != 0 ||
            json_array_append_new(list, item) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *sum_json(const struct hx_paths_sum *sum)
{
    return json_pack("{s:I, s:I, s:f}", "count", (json_int_t)sum->count, "p50_ns",
                     (json_int_t)sum->p50_ns, "unexplained_ns", sum->unexplained_ns);
}

static json_t *path_json(struct hx_paths *paths, uint32_t n, const char *kind)
{
    const struct hx_paths_trace *trace = &paths->traces[n];
    const struct hx_paths_span *spans = &paths->spans[trace->first];
    size_t used = hx_paths_pieces(paths, n);
    json_t *list = json_array();
    char id[33];

    for (size_t i = 0; i < used; i++) {
        const struct hx_path_piece *piece = &paths->pieces[i];
        uint32_t row = (uint32_t)spans[piece->node].operation * HX_PATH_GAPS + piece->gap;
        json_t *item = json_pack("{s:I, s:I}", "start_ns",
                                 (json_int_t)(piece->from_ns - trace->start_ns), "end_ns",
                                 (json_int_t)(piece->to_ns - trace->start_ns));
        if (item == NULL || put_row(item, paths, row) != 0 ||
            json_array_append_new(list, item) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    otl_hex(spans->trace_id, 16, id);
    return json_pack("{s:s, s:s, s:I, s:o}", "kind", kind, "trace_id", id, "duration_ns",
                     (json_int_t)trace->duration_ns, "pieces", list);
}

static json_t *paths_json(struct hx_paths *paths, const struct hx_paths_finding *f)
{
    json_t *list = json_array();
    int bad = 0;

    if (f->slow.count > 0)
        bad |= json_array_append_new(list, path_json(paths, f->slow.median, "slow"));
    if (f->typical.count > 0)
        bad |= json_array_append_new(list, path_json(paths, f->typical.median, "typical"));
    if (bad == 0)
        return list;
    json_decref(list);
    return NULL;
}

json_t *hx_paths_json(struct hx_paths *paths, const struct hx_paths_finding *f)
{
    const struct hx_paths_operation *entry = &paths->operations[f->entry];
    char text[2 * HX_PATHS_TEXT + 2];
    json_t *item;
    int bad = 0;

    snprintf(text, sizeof text, "%s %s", entry->service, entry->name);
    item = json_pack("{s:b, s:s, s:s, s:I, s:o, s:o, s:o, s:o}", "named", (int)f->named, "entry",
                     text, "reason", f->reason, "limit_ns", (json_int_t)f->limit_ns, "slow",
                     sum_json(&f->slow), "typical", sum_json(&f->typical), "rows",
                     rows_json(paths, f), "paths", paths_json(paths, f));
    if (item == NULL)
        return NULL;
    if (f->slow.count > 0 && f->typical.p50_ns > 0)
        bad |= json_object_set_new(item, "ratio", json_real((double)f->slow.p50_ns /
                                                            (double)f->typical.p50_ns));
    if (f->slow.count > 0)
        bad |= json_object_set_new(item, "symptom_s", json_real(f->symptom_s));
    if (f->named)
        bad |= put_row(item, paths, f->row) |
               json_object_set_new(item, "added_ns", json_real(f->added_ns)) |
               json_object_set_new(item, "added_share", json_real(f->added_share)) |
               json_object_set_new(item, "after_s", json_real(f->after_s)) |
               json_object_set_new(item, "named_after_symptom_s",
                                   json_real(f->after_s - f->symptom_s));
    if (bad == 0)
        return item;
    json_decref(item);
    return NULL;
}

enum otel_err hx_paths_run(const char *dir, json_t **ret, struct otl_detail *reterr)
{
    struct hx_paths_finding finding = {.rows = NULL};
    struct hx_paths paths;
    char path[4096];
    enum otel_err err = hx_paths_init(&paths);

    *ret = NULL;
    snprintf(path, sizeof path, "%s/spans/tap.bin", dir);
    if (err == OTEL_OK)
        err = hx_paths_read(path, &paths, reterr);
    if (err == OTEL_ERR_NOT_FOUND) { /* no tap: nothing was received */
        *reterr = (struct otl_detail)OTL_DETAIL_NONE;
        err = OTEL_OK;
    }
    if (err == OTEL_OK && paths.span_count > 0) {
        err = hx_paths_seal(&paths);
        if (err == OTEL_OK)
            err = hx_paths_judge(&paths, &finding);
        if (err == OTEL_OK)
            *ret = hx_paths_json(&paths, &finding);
        if (err == OTEL_OK && *ret == NULL)
            err = OTEL_ERR_MEMORY;
    }
    hx_paths_finding_fini(&finding);
    hx_paths_fini(&paths);
    return err;
}
