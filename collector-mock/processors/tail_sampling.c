/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <event2/event.h>

#include "collector-mock/pipeline/registry.h"
#include "collector-mock/processors/tail/tail.h"
#include "sdk/base/mem.h"

/*
 * tail_sampling processor: keeps or drops whole traces, by policies that see all of their spans.
 * What it does is in tail/; here it gets its seconds from the event loop.
 *
 * Several workers have one each for the traces that they own, or a single one where a policy
 * remembers other traces; num_shards makes no difference but is accepted.
 */

struct tail_sampling {
    struct col_tail *tail;
    struct event *timer;
};

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct tail_sampling *self = arg;

    (void)fd;
    (void)what;
    col_tail_tick(self->tail);
}

static void free_self(void *arg)
{
    struct tail_sampling *self = arg;

    if (self->timer != NULL)
        event_free(self->timer);
    col_tail_free(self->tail);
    otl_mem_free(self);
}

static enum otel_err create(const struct col_create *args, void **ret, struct otl_detail *reterr)
{
    struct tail_sampling *self = otl_mem_zalloc(sizeof(*self));
    enum otel_err err;

    if (self == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    err = col_tail_new(args, &self->tail, reterr);
    if (err == OTEL_OK) {
        self->timer = event_new(args->host->base, -1, EV_PERSIST, on_timer, self);
        if (self->timer == NULL)
            err = otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    }
    if (err == OTEL_OK)
        *ret = self;
    else
        free_self(self);
    return err;
}

static enum otel_err start(void *arg, struct otl_detail *reterr)
{
    static const struct timeval second = {1, 0};
    struct tail_sampling *self = arg;
    const struct col_tail_settings *settings = &self->tail->settings;

    if (settings->block && (settings->sampled_cache == 0 || settings->other_cache == 0))
        otl_log_line(&self->tail->create.host->log, OTL_LOG_WARN,
                     "processor '%s': block_on_overflow without both decision caches: decided "
                     "traces keep their room, after num_traces traces nothing new is taken",
                     self->tail->create.id);
    if (event_add(self->timer, &second) != 0)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    col_tail_record(self->tail, "start", NULL, COL_TAIL_UNDECIDED, 0);
    return OTEL_OK;
}

static enum otel_err consume(void *arg, const struct col_batch *batch, struct otl_detail *reterr)
{
    struct tail_sampling *self = arg;

    return col_tail_take(self->tail, batch, reterr);
}

static enum otel_err flush(void *arg, struct otl_detail *reterr)
{
    struct tail_sampling *self = arg;

    (void)reterr;
    col_tail_finish(self->tail);
    return OTEL_OK;
}

/* Some policy of the tree remembers other traces, which must be those of all workers. */
static bool remembers(const json_t *policies)
{
    static const char *const words[] = {"rate_limiting", "bytes_limiting", "composite"};
    const char *type = json_string_value(json_object_get(policies, "type"));
    const json_t *value;
    const char *key;
    size_t i;

    for (i = 0; type != NULL && i < sizeof(words) / sizeof(words[0]); i++)
        if (strcmp(type, words[i]) == 0)
            return true;
    json_array_foreach((json_t *)(uintptr_t)policies, i, value)
        if (remembers(value))
            return true;
    json_object_foreach((json_t *)(uintptr_t)policies, key, value)
        if (remembers(value))
            return true;
    return false;
}

static enum col_place place_of(const json_t *config)
{
    return remembers(json_object_get(config, "policies")) ? COL_FIRST : COL_BY_TRACE;
}

const struct col_component_type col_tail_sampling_processor = {
    .name = "tail_sampling",
    .kind = COL_PROCESSOR,
    .decouples = true,
    .place_of = place_of,
    .schema = col_tail_schema,
    .create = create,
    .start = start,
    .consume = consume,
    .signals = COL_SIGNAL_BIT(COL_TRACES),
    .flush = flush,
    .free = free_self,
};
