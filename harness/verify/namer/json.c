/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "harness/verify/namer/namer.h"

static json_t *rows_json(const struct hx_handlings *h, const struct hx_finding *f)
{
    json_t *list = json_array();

    for (size_t i = 0; list != NULL && i < h->instance_count; i++) {
        const struct hx_namer_row *row = &f->rows[i];
        json_t *item;
        if (row->handled == 0)
            continue;
        item = json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "service",
                         h->instances[i].service, "instance", h->instances[i].instance, "handled",
                         (json_int_t)row->handled, "p50_ns", (json_int_t)row->p50_ns, "p99_ns",
                         (json_int_t)row->p99_ns, "max_ns", (json_int_t)row->max_ns, "slow",
                         (json_int_t)row->slow, "again", (json_int_t)row->again, "late",
                         (json_int_t)row->late, "storms", (json_int_t)row->storms);
        if (item != NULL && h->instances[i].version[0] != '\0')
            json_object_set_new(item, "version", json_string(h->instances[i].version));
        json_array_append_new(list, item);
    }
    return list;
}

static json_t *blind_json(const struct hx_finding *blind)
{
    return json_pack("{s:b, s:s}", "named", blind->instance != UINT16_MAX, "reason",
                     blind->reason);
}

json_t *hx_finding_json(const struct hx_handlings *h, const struct hx_finding *f,
                        const struct hx_finding *blind)
{
    bool named = f->instance != UINT16_MAX;
    json_t *list = json_array(), *item;

    for (size_t i = 0; i < f->evidence_count; i++)
        json_array_append_new(list, json_string(f->evidence[i]));
    item = json_pack("{s:b, s:s, s:s, s:s, s:I, s:I, s:I, s:f, s:o, s:o, s:o}", "named", named,
                     "reason", f->reason, "group", h->groups[f->group].name, "topic",
                     h->groups[f->group].topic, "slow_ns", (json_int_t)f->slow_ns, "storms",
                     (json_int_t)f->storms, "late", (json_int_t)f->late, "chance", f->chance,
                     "evidence", list, "instances",
                     rows_json(h, f), "without_instance_id", blind_json(blind));
    if (item == NULL)
        return NULL;
    if (named) {
        json_object_set_new(item, "service", json_string(h->instances[f->instance].service));
        json_object_set_new(item, "instance", json_string(h->instances[f->instance].instance));
        json_object_set_new(item, "after_s", json_real(f->after_s));
        json_object_set_new(item, "symptom_s", json_real(f->symptom_s));
        json_object_set_new(item, "named_after_symptom_s", json_real(f->after_s - f->symptom_s));
    } else if (f->partition >= 0) {
        json_object_set_new(item, "partition", json_integer(f->partition));
    }
    return item;
}

/* The finding over the spans of tap, one attribute of the resource hidden (NULL: none). */
static enum otel_err judge(const char *tap, const char *hide, struct hx_handlings *h,
                           struct hx_finding *ret, struct otl_detail *reterr)
{
    enum otel_err err = hx_handlings_init(h);

    if (err == OTEL_OK)
        err = hx_handlings_read(tap, hide, h, reterr);
    if (err == OTEL_OK) {
        hx_handlings_seal(h);
        err = hx_namer_judge(h, ret);
    }
    return err;
}

enum otel_err hx_namer_run(const char *dir, json_t **ret, struct otl_detail *reterr)
{
    struct hx_handlings with = {.rows = NULL}, without = {.rows = NULL};
    struct hx_finding finding = {.rows = NULL}, blind = {.rows = NULL};
    char path[4096];
    enum otel_err err;

    snprintf(path, sizeof path, "%s/spans/tap.bin", dir);
    *ret = NULL;
    err = judge(path, NULL, &with, &finding, reterr);
    if (err == OTEL_ERR_NOT_FOUND) { /* no tap: nothing was received */
        *reterr = (struct otl_detail)OTL_DETAIL_NONE;
        err = OTEL_OK;
    }
    if (err == OTEL_OK && with.count > 0)
        err = judge(path, "service.instance.id", &without, &blind, reterr);
    if (err == OTEL_OK && with.count > 0) {
        *ret = hx_finding_json(&with, &finding, &blind);
        err = *ret != NULL ? OTEL_OK : OTEL_ERR_MEMORY;
    }
    hx_finding_fini(&finding);
    hx_finding_fini(&blind);
    hx_handlings_fini(&with);
    hx_handlings_fini(&without);
    return err;
}
