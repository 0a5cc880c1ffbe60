/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/tuning/added.h"

#include <math.h>

#include "harness/stats/summary.h"
#include "harness/tuning/figures.h"

static const char P99[] = "request_p99_ns";

/* ---- a place ------------------------------------------------------------------------------ */

static void add_drops(json_t *drops, const json_t *run)
{
    const char *reason;
    json_t *value;

    json_object_foreach(json_object_get(run, "drops"), reason, value)
        json_object_set_new(drops, reason,
                            json_integer(json_integer_value(json_object_get(drops, reason)) +
                                         json_integer_value(value)));
}

/* The figures of the runs of a group; of all for a group below 0. */
static json_t *median_of(const json_t *place, json_int_t group)
{
    json_t *all = json_array(), *row, *median;
    size_t index;

    json_array_foreach(json_object_get(place, "runs"), index, row)
        if (json_object_get(row, "figures") != NULL &&
            (group < 0 || json_integer_value(json_object_get(row, "group")) == group))
            json_array_append(all, json_object_get(row, "figures"));
    median = hx_tuning_median(all);
    json_decref(all);
    return median;
}

void hx_added_settle(json_t *place)
{
    json_t *drops = json_object(), *row;
    size_t index;

    json_array_foreach(json_object_get(place, "runs"), index, row)
        add_drops(drops, row);
    json_object_set_new(place, "figures", median_of(place, -1));
    json_object_set_new(place, "drops", drops);
}

/* ---- the band ------------------------------------------------------------------------------- */

void hx_added_noise(json_t *base, size_t groups)
{
    double values[HX_ADDED_GROUPS_MAX];
    json_t *list = json_array();
    size_t count = 0;

    for (size_t i = 0; i < groups && i < HX_ADDED_GROUPS_MAX; i++) {
        json_t *figures = median_of(base, (json_int_t)i);
        const json_t *p99 = json_object_get(figures, P99);
        if (p99 != NULL) {
            values[count] = json_number_value(p99);
            json_array_append_new(list, json_real(values[count++]));
        }
        json_decref(figures);
    }
    hx_sort_doubles(values, count);
    if (count == groups && count >= HX_ADDED_GROUPS)
        json_object_set_new(base, "noise",
                            json_pack("{s:I, s:O, s:f}", "groups", (json_int_t)count, "p99_ns",
                                      list, "band_ns", values[count - 1] - values[0]));
    json_decref(list);
}

void hx_added_to(json_t *point, const json_t *base)
{
    json_t *figures = json_object_get(point, "figures");
    const json_t *with = json_object_get(figures, P99);
    const json_t *without = json_object_get(json_object_get(base, "figures"), P99);
    const json_t *noise = json_object_get(base, "noise");
    double band = json_number_value(json_object_get(noise, "band_ns"));
    double added;

    json_object_del(point, "undetected");
    if (with == NULL || without == NULL)
        return;
    added = json_number_value(with) - json_number_value(without);
    json_object_set_new(figures, HX_TUNING_ADDED_P99, json_real(added));
    if (noise == NULL)
        return;
    json_object_set_new(figures, HX_TUNING_P99_NOISE, json_real(band));
    if (fabs(added) <= band)
        json_object_set_new(point, "undetected", json_pack("[s]", HX_TUNING_ADDED_P99));
}
