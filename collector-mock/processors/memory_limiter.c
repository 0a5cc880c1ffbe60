/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "collector-mock/pipeline/registry.h"
#include "collector-mock/processors/memory_total.h"
#include "sdk/base/mem.h"

/*
 * memory_limiter processor: refuses what comes while the process uses too much memory.
 *
 * Every check_interval the resident memory is compared with the soft limit (limit minus spike);
 * from there to the next check everything is refused, without Retry-After, so that the client
 * sees 503. The Collector compares its Go heap and forces collections; there is no such heap
 * here, so the settings about collections are checked and have nothing to do. limit_percentage is
 * of the control group's limit, if it has one, else of the machine's memory.
 *
 * The fault memory_pressure is usage over the limit for the requests that it hits.
 */

#define MIB ((uint64_t)1 << 20)

struct limiter {
    struct col_create create;
    uint64_t interval_ns, limit, spike; /* bytes */
    bool refusing;
    bool pressed; /* the last request was refused on command */
    struct event *timer;
    uint64_t *accepted, *refused, *old_accepted, *old_refused;
};

static const struct otl_schema keys[] = {
    {.key = "check_interval", .type = OTL_SCHEMA_DURATION},
    {.key = "limit_mib", .type = OTL_SCHEMA_UINT, .max = UINT32_MAX},
    {.key = "spike_limit_mib", .type = OTL_SCHEMA_UINT, .max = UINT32_MAX},
    {.key = "limit_percentage", .type = OTL_SCHEMA_UINT, .max = UINT32_MAX},
    {.key = "spike_limit_percentage", .type = OTL_SCHEMA_UINT, .max = UINT32_MAX},
    {.key = "min_gc_interval_when_soft_limited", .type = OTL_SCHEMA_DURATION},
    {.key = "min_gc_interval_when_hard_limited", .type = OTL_SCHEMA_DURATION},
    {.key = "max_gc_interval_when_soft_limited", .type = OTL_SCHEMA_DURATION},
    {.key = "max_gc_interval_when_hard_limited", .type = OTL_SCHEMA_DURATION},
    OTL_SCHEMA_END};
static const struct otl_schema row[] = {{.type = OTL_SCHEMA_MAP, .child = keys}, OTL_SCHEMA_END};

static uint64_t resident(void)
{
    unsigned long size = 0, pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");

    if (file == NULL)
        return 0;
    if (fscanf(file, "%lu %lu", &size, &pages) != 2)
        pages = 0;
    fclose(file);
    return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void say(const struct limiter *limiter, bool over, const char *why)
{
    otl_log_line(&limiter->create.host->log, OTL_LOG_WARN, "processor '%s': memory usage is %s%s",
                 limiter->create.id,
                 over ? "above the soft limit: refusing data" : "back within limits", why);
}

static void look(struct limiter *limiter)
{
    bool over = resident() >= limiter->limit - limiter->spike;

    if (over != limiter->refusing)
        say(limiter, over, "");
    limiter->refusing = over;
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    look(arg);
}

static enum otel_err consume(void *self, const struct col_batch *batch, struct otl_detail *reterr)
{
    struct limiter *limiter = self;
    bool pressed = limiter->create.host->pressed;

    if (pressed != limiter->pressed && !limiter->refusing)
        say(limiter, pressed, " (fault memory_pressure)");
    limiter->pressed = pressed;
    if (limiter->refusing || pressed) {
        *limiter->refused += batch->items;
        *limiter->old_refused += batch->items;
        return otl_detail_set(reterr, OTEL_ERR_UNAVAILABLE, NULL, 0, 0,
                              "data refused due to high memory usage");
    }
    *limiter->accepted += batch->items;
    *limiter->old_accepted += batch->items;
    return limiter->create.next.consume(limiter->create.next.self, batch, reterr);
}

static enum otel_err complain(const struct col_create *args, const char *key, const char *text,
                              struct otl_detail *reterr)
{
    bool there = json_object_get(args->config, key) != NULL;

    return otl_yaml_error(reterr,
                          there ? otl_yaml_value_pos(args->doc, args->config, key) : args->pos,
                          "processor '%s': %s", args->id, text);
}

/* Of garbage collections: nothing here, but wrong is wrong. A maximum of 0 is none. */
static enum otel_err check_intervals(const struct col_create *args, struct otl_detail *reterr)
{
    const json_t *map = args->config;
    uint64_t ten = 10 * OTL_NS_PER_S, thirty = 30 * OTL_NS_PER_S;
    uint64_t min_soft = otl_tree_duration_ns(map, "min_gc_interval_when_soft_limited", ten);
    uint64_t min_hard = otl_tree_duration_ns(map, "min_gc_interval_when_hard_limited", 0);
    uint64_t max_soft = otl_tree_duration_ns(map, "max_gc_interval_when_soft_limited", thirty);
    uint64_t max_hard = otl_tree_duration_ns(map, "max_gc_interval_when_hard_limited", thirty);

    if (min_soft < min_hard)
        return complain(args, "min_gc_interval_when_soft_limited",
                        "'min_gc_interval_when_soft_limited' should be larger than "
                        "'min_gc_interval_when_hard_limited'",
                        reterr);
    if (max_soft > 0 && max_soft < min_soft)
        return complain(args, "max_gc_interval_when_soft_limited",
                        "'max_gc_interval_when_soft_limited' must be greater than or equal to "
                        "'min_gc_interval_when_soft_limited' (or 0 to disable)",
                        reterr);
    if (max_hard > 0 && max_hard < min_hard)
        return complain(args, "max_gc_interval_when_hard_limited",
                        "'max_gc_interval_when_hard_limited' must be greater than or equal to "
                        "'min_gc_interval_when_hard_limited' (or 0 to disable)",
                        reterr);
    if (max_soft > 0 && max_hard > 0 && max_soft < max_hard)
        return complain(args, "max_gc_interval_when_soft_limited",
                        "'max_gc_interval_when_soft_limited' should be larger than or equal to "
                        "'max_gc_interval_when_hard_limited' (when both are set)",
                        reterr);
    return OTEL_OK;
}

static enum otel_err read_limits(struct limiter *limiter, struct otl_detail *reterr)
{
    const struct col_create *args = &limiter->create;
    uint64_t mib = (uint64_t)otl_tree_int(args->config, "limit_mib", 0);
    uint64_t spike_mib = (uint64_t)otl_tree_int(args->config, "spike_limit_mib", 0);
    uint64_t percent = (uint64_t)otl_tree_int(args->config, "limit_percentage", 0);
    uint64_t spike_percent = (uint64_t)otl_tree_int(args->config, "spike_limit_percentage", 0);
    uint64_t total;

    limiter->interval_ns = otl_tree_duration_ns(args->config, "check_interval", 0);
    if (limiter->interval_ns == 0)
        return complain(args, "check_interval", "check_interval must be greater than zero",
                        reterr);
    if (mib == 0 && percent == 0)
        return complain(args, "limit_mib",
                        "limit_mib or limit_percentage must be greater than zero", reterr);
    if (check_intervals(args, reterr) != OTEL_OK)
        return OTEL_ERR_SYNTAX;
    if (percent > 100)
        return complain(args, "limit_percentage", "limit_percentage must not exceed 100", reterr);
    if (spike_percent > 100)
        return complain(args, "spike_limit_percentage",
                        "spike_limit_percentage must not exceed 100", reterr);
    if (mib > 0) {
        limiter->limit = mib * MIB;
        limiter->spike = spike_mib > 0 ? spike_mib * MIB : limiter->limit / 5;
        if (limiter->spike >= limiter->limit)
            return complain(args, "spike_limit_mib", "spike_limit_mib must be below limit_mib",
                            reterr);
        return OTEL_OK;
    }
    total = col_memory_total(args->host->root != NULL ? args->host->root : "");
    limiter->limit = total / 100 * percent;
    limiter->spike = spike_percent > 0 ? total / 100 * spike_percent : limiter->limit / 5;
    if (limiter->spike >= limiter->limit)
        return complain(args, "spike_limit_percentage",
                        "spike_limit_percentage must be below limit_percentage", reterr);
    return OTEL_OK;
}

static bool count(struct limiter *limiter)
{
    enum col_signal signal = limiter->create.signal;
    struct col_host *host = limiter->create.host;
    char labels[160];

    snprintf(labels, sizeof(labels), "processor=\"%s\"", limiter->create.id);
    limiter->accepted = col_host_items(host, signal, "otelcol_processor_memory_limiter_accepted",
                                       labels, "What the memory limiter let pass.");
    limiter->refused = col_host_items(host, signal, "otelcol_processor_memory_limiter_refused",
                                      labels, "What the memory limiter refused.");
    /* the names before v0.155, which dashboards still ask for */
    limiter->old_accepted = col_host_items(host, signal, "otelcol_processor_accepted", labels,
                                           "What the processor let pass.");
    limiter->old_refused = col_host_items(host, signal, "otelcol_processor_refused", labels,
                                          "What the processor refused.");
    return limiter->accepted != NULL && limiter->refused != NULL &&
           limiter->old_accepted != NULL && limiter->old_refused != NULL;
}

static void free_limiter(void *self)
{
    struct limiter *limiter = self;

    if (limiter->timer != NULL)
        event_free(limiter->timer);
    otl_mem_free(limiter);
}

static enum otel_err create(const struct col_create *args, void **ret, struct otl_detail *reterr)
{
    struct limiter *limiter = otl_mem_zalloc(sizeof(*limiter));
    enum otel_err err;

    if (limiter == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    limiter->create = *args;
    err = read_limits(limiter, reterr);
    if (err == OTEL_OK) {
        limiter->timer = event_new(args->host->base, -1, EV_PERSIST, on_timer, limiter);
        if (limiter->timer == NULL || !count(limiter))
            err = otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    }
    if (err == OTEL_OK)
        *ret = limiter;
    else
        free_limiter(limiter);
    return err;
}

/* An interval of nearly nothing is a millisecond: one of 0 us libevent takes once only. */
static enum otel_err start(void *self, struct otl_detail *reterr)
{
    struct limiter *limiter = self;
    uint64_t rest_ns =
        limiter->interval_ns > OTL_NS_PER_MS ? limiter->interval_ns : OTL_NS_PER_MS;
    const struct timeval every = {(time_t)(rest_ns / OTL_NS_PER_S),
                                  (suseconds_t)(rest_ns % OTL_NS_PER_S / 1000)};

    if (limiter->create.host->worker == 0)
        otl_log_line(&limiter->create.host->log, OTL_LOG_INFO,
                     "processor '%s': limit %llu MiB, spike %llu MiB", limiter->create.id,
                     (unsigned long long)(limiter->limit / MIB),
                     (unsigned long long)(limiter->spike / MIB));
    look(limiter);
    limiter->create.host->limiters++;
    if (event_add(limiter->timer, &every) != 0)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    return OTEL_OK;
}

const struct col_component_type col_memory_limiter_processor = {
    .name = "memory_limiter",
    .kind = COL_PROCESSOR,
    .schema = row,
    .create = create,
    .start = start,
    .consume = consume,
    .signals = COL_ALL_SIGNALS,
    .free = free_limiter,
};
