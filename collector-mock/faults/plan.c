/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/faults/plan.h"

#include <string.h>

#include <event2/event.h>

#include "sdk/base/mem.h"
#include "sdk/base/random.h"
#include "sdk/base/yaml/schema.h"

#define MS ((int64_t)OTL_NS_PER_MS)
#define HOUR (3600 * (int64_t)OTL_NS_PER_S)

struct item {
    struct col_plan *plan;
    struct col_fault_plan fault;
    uint64_t at_ns;
    struct event *timer;
};

struct col_plan {
    struct item *items;
    size_t count;
    struct col_faults *faults;
    const struct otl_log *log;
};

static const char *const kinds[] = {"delay", "status", "stall", "refuse", NULL};
static const struct otl_schema fault[] = {
    {.key = "at", .type = OTL_SCHEMA_DURATION, .required = true, .max = 24 * HOUR},
    {.key = "fault", .type = OTL_SCHEMA_ENUM, .required = true, .words = kinds},
    {.key = "delay", .type = OTL_SCHEMA_DURATION, .min = MS, .max = HOUR},
    {.key = "status", .type = OTL_SCHEMA_UINT, .min = 400, .max = 599},
    {.key = "retry_after", .type = OTL_SCHEMA_DURATION, .min = 1000 * MS, .max = HOUR},
    {.key = "for", .type = OTL_SCHEMA_DURATION, .min = MS, .max = 24 * HOUR},
    {.key = "probability", .type = OTL_SCHEMA_DOUBLE, .real_max = 1},
    OTL_SCHEMA_END};
static const struct otl_schema fault_item[] = {
    {.type = OTL_SCHEMA_MAP, .child = fault, .what = "a fault such as {at: 2s, fault: stall}"}};
static const struct otl_schema keys[] = {
    {.key = "seed", .type = OTL_SCHEMA_UINT},
    {.key = "faults", .type = OTL_SCHEMA_LIST, .child = fault_item, .required = true,
     .max = COL_FAULTS_MAX},
    OTL_SCHEMA_END};
static const struct otl_schema row[] = {
    {.type = OTL_SCHEMA_MAP, .child = keys, .what = "a plan with faults"}};

static enum otel_err read_item(const struct otl_yaml *doc, const json_t *list, size_t index,
                               struct item *ret, struct otl_detail *reterr)
{
    const json_t *map = json_array_get(list, index);
    struct otl_yaml_pos pos = otl_yaml_item_pos(doc, list, index);
    struct col_fault_plan *f = &ret->fault;
    bool has_delay = json_object_get(map, "delay") != NULL;
    bool has_status = json_object_get(map, "status") != NULL;

    col_fault_kind_of(otl_tree_text(map, "fault", ""), &f->kind);
    ret->at_ns = otl_tree_duration_ns(map, "at", 0);
    f->id = (uint32_t)index;
    f->delay_ns = otl_tree_duration_ns(map, "delay", 0);
    f->status = (unsigned)otl_tree_int(map, "status", 0);
    f->retry_after_s = otl_tree_duration_ns(map, "retry_after", 0) / OTL_NS_PER_S;
    f->for_ns = otl_tree_duration_ns(map, "for", 0);
    f->probability = otl_tree_double(map, "probability", 1.0);
    if (has_delay != (f->kind == COL_FAULT_DELAY))
        return otl_yaml_error(reterr, pos, "'delay' %s 'fault: delay'",
                              has_delay ? "belongs to" : "is needed by");
    if (has_status != (f->kind == COL_FAULT_STATUS))
        return otl_yaml_error(reterr, pos, "'status' %s 'fault: status'",
                              has_status ? "belongs to" : "is needed by");
    return OTEL_OK;
}

static enum otel_err read_plan(const struct otl_yaml *doc, struct col_plan *plan,
                               struct otl_detail *reterr)
{
    const json_t *root = otl_yaml_root(doc), *list = json_object_get(root, "faults");
    uint64_t seed = (uint64_t)otl_tree_int(root, "seed", 1);
    size_t count = json_array_size(list);
    enum otel_err err = OTEL_OK;

    plan->items = otl_mem_zalloc((count + 1) * sizeof(*plan->items));
    if (plan->items == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    for (size_t i = 0; i < count && err == OTEL_OK; i++) {
        plan->items[i].plan = plan;
        err = read_item(doc, list, i, &plan->items[i], reterr);
        plan->items[i].fault.seed = otl_random_mix(seed, i + 1);
        plan->count++;
    }
    return err;
}

enum otel_err col_plan_load(const char *path, struct col_plan **ret, struct otl_detail *reterr)
{
    struct col_plan *plan = otl_mem_zalloc(sizeof(*plan));
    struct otl_yaml_options options;
    struct otl_yaml *doc = NULL;
    enum otel_err err;

    if (plan == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    otl_yaml_options_init(&options);
    options.max_bytes = 1024 * 1024;
    err = otl_yaml_load_file(path, &options, &doc, reterr);
    if (err == OTEL_OK)
        err = otl_schema_check(doc, row, reterr);
    if (err == OTEL_OK)
        err = read_plan(doc, plan, reterr);
    otl_yaml_free(doc);
    if (err != OTEL_OK) {
        col_plan_free(plan);
        return err;
    }
    *ret = plan;
    return OTEL_OK;
}

static void on_time(evutil_socket_t fd, short what, void *arg)
{
    struct item *item = arg;
    struct otl_detail detail = OTL_DETAIL_NONE;

    (void)fd;
    (void)what;
    if (col_faults_begin(item->plan->faults, &item->fault, &detail) != OTEL_OK)
        otl_log_line(item->plan->log, OTL_LOG_ERROR, "fault %u of the plan: %s",
                     (unsigned)item->fault.id, detail.text);
}

enum otel_err col_plan_start(struct col_plan *plan, struct event_base *base,
                             struct col_faults *faults, const struct otl_log *log)
{
    plan->faults = faults;
    plan->log = log;
    for (size_t i = 0; i < plan->count; i++) {
        struct item *item = &plan->items[i];
        struct timeval at = {(time_t)(item->at_ns / OTL_NS_PER_S),
                             (suseconds_t)(item->at_ns % OTL_NS_PER_S / OTL_NS_PER_US)};
        item->timer = evtimer_new(base, on_time, item);
        if (item->timer == NULL || evtimer_add(item->timer, &at) != 0)
            return OTEL_ERR_MEMORY;
    }
    return OTEL_OK;
}

void col_plan_free(struct col_plan *plan)
{
    if (plan == NULL)
        return;
    for (size_t i = 0; i < plan->count; i++)
        if (plan->items[i].timer != NULL)
            event_free(plan->items[i].timer);
    otl_mem_free(plan->items);
    otl_mem_free(plan);
}
