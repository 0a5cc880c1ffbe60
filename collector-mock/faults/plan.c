/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/faults/plan.h"

#include <string.h>

#include <event2/event.h>

#include "sdk/base/mem.h"
#include "sdk/base/random.h"
#include "sdk/base/yaml/schema.h"

#define HOUR (3600 * (int64_t)OTL_NS_PER_S)

struct item {
    struct col_fault_plan fault;
    uint64_t at_ns;
};

struct col_plan {
    struct item *items; /* by time, then as in the file */
    size_t count, next;
    struct event *timer;
    uint64_t began_ns;
    const struct otl_clock *clock;
    struct col_faults *faults;
    const struct otl_log *log;
};

static const struct otl_schema fault[] = {
    {.key = "at", .type = OTL_SCHEMA_DURATION, .required = true, .max = 24 * HOUR},
    {.key = "fault", .type = OTL_SCHEMA_ENUM, .required = true, .words = col_fault_words},
    COL_FAULT_ROWS,
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

    ret->at_ns = otl_tree_duration_ns(map, "at", 0);
    ret->fault.id = (uint32_t)index;
    return col_fault_read(doc, map, pos, "fault", &ret->fault, reterr);
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
        err = read_item(doc, list, i, &plan->items[i], reterr);
        plan->items[i].fault.seed = otl_random_mix(seed, i + 1);
        plan->count++;
    }
    return err;
}

/* Takes doc. */
static enum otel_err make_plan(struct otl_yaml *doc, struct col_plan **ret,
                               struct otl_detail *reterr)
{
    struct col_plan *plan = otl_mem_zalloc(sizeof(*plan));
    enum otel_err err = otl_schema_check(doc, row, reterr);

    if (err == OTEL_OK && plan == NULL)
        err = otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    if (err == OTEL_OK)
        err = read_plan(doc, plan, reterr);
    otl_yaml_free(doc);
    if (err == OTEL_OK)
        *ret = plan;
    else
        col_plan_free(plan);
    return err;
}

static void init_options(struct otl_yaml_options *options)
{
    otl_yaml_options_init(options);
    options->max_bytes = 1024 * 1024;
}

enum otel_err col_plan_load(const char *path, struct col_plan **ret, struct otl_detail *reterr)
{
    struct otl_yaml_options options;
    struct otl_yaml *doc = NULL;
    enum otel_err err;

    init_options(&options);
    err = otl_yaml_load_file(path, &options, &doc, reterr);
    return err == OTEL_OK ? make_plan(doc, ret, reterr) : err;
}

enum otel_err col_plan_read(const char *text, size_t len, const char *source,
                            struct col_plan **ret, struct otl_detail *reterr)
{
    struct otl_yaml_options options;
    struct otl_yaml *doc = NULL;
    enum otel_err err;

    init_options(&options);
    options.source = source;
    err = otl_yaml_load_text(text, len, &options, &doc, reterr);
    return err == OTEL_OK ? make_plan(doc, ret, reterr) : err;
}

static void set_timer(struct col_plan *plan);

/* What is due begins, in order. */
static void on_time(evutil_socket_t fd, short what, void *arg)
{
    struct col_plan *plan = arg;
    uint64_t age_ns = otl_clock_mono(plan->clock) - plan->began_ns;

    (void)fd;
    (void)what;
    for (; plan->next < plan->count && plan->items[plan->next].at_ns <= age_ns; plan->next++) {
        const struct item *item = &plan->items[plan->next];
        struct otl_detail detail = OTL_DETAIL_NONE;
        if (col_faults_begin(plan->faults, &item->fault, &detail) != OTEL_OK)
            otl_log_line(plan->log, OTL_LOG_ERROR, "fault %u of the plan: %s",
                         (unsigned)item->fault.id, detail.text);
    }
    set_timer(plan);
}

static void set_timer(struct col_plan *plan)
{
    uint64_t age_ns = otl_clock_mono(plan->clock) - plan->began_ns, wait_ns = 0;
    struct timeval wait;

    if (plan->next == plan->count)
        return;
    if (plan->items[plan->next].at_ns > age_ns)
        wait_ns = plan->items[plan->next].at_ns - age_ns;
    wait = (struct timeval){(time_t)(wait_ns / OTL_NS_PER_S),
                            (suseconds_t)(wait_ns % OTL_NS_PER_S / OTL_NS_PER_US + 1)};
    event_add(plan->timer, &wait);
}

/* Few items, and mostly in order: by insertion, which keeps the order of equals. */
static void sort(struct col_plan *plan)
{
    for (size_t i = 1; i < plan->count; i++)
        for (size_t k = i; k > 0 && plan->items[k].at_ns < plan->items[k - 1].at_ns; k--) {
            struct item item = plan->items[k];
            plan->items[k] = plan->items[k - 1];
            plan->items[k - 1] = item;
        }
}

enum otel_err col_plan_start(struct col_plan *plan, struct event_base *base,
                             struct col_faults *faults, const struct otl_clock *clock,
                             const struct otl_log *log)
{
    plan->faults = faults;
    plan->log = log;
    plan->clock = clock;
    plan->began_ns = otl_clock_mono(clock);
    sort(plan);
    plan->timer = evtimer_new(base, on_time, plan);
    if (plan->timer == NULL)
        return OTEL_ERR_MEMORY;
    set_timer(plan);
    return OTEL_OK;
}

void col_plan_free(struct col_plan *plan)
{
    if (plan == NULL)
        return;
    if (plan->timer != NULL)
        event_free(plan->timer);
    otl_mem_free(plan->items);
    otl_mem_free(plan);
}
