/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/pipeline/route.h"

#include <stdio.h>
#include <string.h>

#include "collector-mock/pipeline/crew.h"
#include "collector-mock/pipeline/graph.h"
#include "collector-mock/wire/deal.h"
#include "sdk/base/mem.h"

#define REQUEST_MAX ((size_t)1 << 30)

enum reason { NO_SLOT, NO_BYTES, NO_MEMORY, REASONS };
static const char *const reason_words[REASONS] = {"queue_full", "queue_bytes", "no_memory"};

struct col_route {
    struct col_route_options options;
    struct col_consumer own; /* consume NULL: worker 0 has it */
    struct col_deal deal;
    uint64_t *handed_over, *taken_over, *lost, *refused[REASONS];
};

struct parcel {
    struct col_letter letter;
    struct col_route *to;
    struct col_batch batch; /* its bytes stand behind */
    char bytes[];
};

/* ---- on the worker that owns ---- */

static void take_over(struct col_route *route, const struct col_batch *batch)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    enum otel_err err;

    *route->taken_over += batch->items;
    err = route->own.consume(route->own.self, batch, &detail);
    if (err == OTEL_OK)
        return;
    *route->lost += batch->items;
    otl_log_line(&route->options.host->log, OTL_LOG_WARN,
                 "'%s' on worker %u: %llu %s of another worker are lost: %s",
                 route->options.id, route->options.host->worker,
                 (unsigned long long)batch->items, col_signal_items(batch->signal),
                 detail.text[0] ? detail.text : otel_err_text(err));
}

static void open_parcel(struct col_letter *letter, bool deliver)
{
    struct parcel *parcel = (struct parcel *)(void *)letter;

    if (deliver)
        take_over(parcel->to, &parcel->batch);
    otl_mem_free(parcel);
}

/* ---- on the worker that hands over ---- */

static enum otel_err refuse(struct col_route *route, enum reason reason, uint64_t spans,
                            struct otl_detail *reterr)
{
    *route->refused[reason] += spans;
    return otl_detail_set(reterr, OTEL_ERR_UNAVAILABLE, NULL, 0, 0,
                          "'%s': cannot hand over to its worker: %s", route->options.id,
                          reason_words[reason]);
}

static enum otel_err prepare(struct col_route *route, unsigned to, const struct col_batch *batch,
                             struct parcel **ret, enum reason *ret_reason)
{
    struct col_crew *crew = route->options.host->crew;
    size_t size = sizeof(struct parcel) + batch->request.len;
    enum col_post_full full = col_post_room(crew->post, route->options.host->worker, to, size);
    struct parcel *parcel;

    *ret_reason = full == COL_POST_NO_SLOT ? NO_SLOT : NO_BYTES;
    if (full != COL_POST_ROOM)
        return OTEL_ERR_LIMIT;
    *ret_reason = NO_MEMORY;
    parcel = otl_mem_alloc(size);
    if (parcel == NULL)
        return OTEL_ERR_MEMORY;
    parcel->letter.bytes = size;
    parcel->letter.open = open_parcel;
    parcel->to = col_graph_route(crew->graphs[to], route->options.node);
    parcel->batch = *batch;
    memcpy(parcel->bytes, batch->request.data, batch->request.len);
    parcel->batch.request.data = parcel->bytes;
    *ret = parcel;
    return OTEL_OK;
}

static void hand_over(struct col_route *route, unsigned to, struct parcel *parcel)
{
    uint64_t spans = parcel->batch.items;

    *route->handed_over += spans;
    if (col_post_send(route->options.host->crew->post, route->options.host->worker, to,
                      &parcel->letter))
        return;
    /* there was room: only what was handed over meanwhile can have taken it */
    *route->handed_over -= spans;
    *route->lost += spans;
    otl_mem_free(parcel);
}

/* To another worker alone. */
static enum otel_err hand_over_all(struct col_route *route, unsigned to,
                                   const struct col_batch *batch, struct otl_detail *reterr)
{
    struct col_crew *crew = route->options.host->crew;
    struct parcel *parcel;
    enum reason reason;

    if (crew->joined) { /* at the end there is one thread, and nobody is to be refused */
        struct col_route *there = col_graph_route(crew->graphs[to], route->options.node);
        *route->handed_over += batch->items;
        take_over(there, batch);
        return OTEL_OK;
    }
    if (prepare(route, to, batch, &parcel, &reason) != OTEL_OK)
        return refuse(route, reason, batch->items, reterr);
    hand_over(route, to, parcel);
    return OTEL_OK;
}

static struct col_batch part_of(const struct col_route *route, unsigned owner,
                                const struct col_batch *whole)
{
    const struct col_deal_part *part = &route->deal.parts[owner];
    struct col_batch batch = *whole;

    batch.request = otl_view(part->out.data, part->out.len);
    batch.items = part->count;
    return batch;
}

/* All parcels are made before one leaves, so that a refusal leaves nothing behind. */
static enum otel_err hand_over_parts(struct col_route *route, const struct col_batch *whole,
                                     struct otl_detail *reterr)
{
    struct parcel *parcels[COL_DEAL_MAX] = {NULL};
    unsigned me = route->options.host->worker, owners = route->deal.owners;
    enum otel_err err = OTEL_OK;
    enum reason reason = NO_MEMORY;

    for (unsigned i = 0; i < owners && err == OTEL_OK; i++) {
        struct col_batch part = part_of(route, i, whole);
        if (i != me && part.items > 0)
            err = prepare(route, i, &part, &parcels[i], &reason);
    }
    if (err != OTEL_OK)
        refuse(route, reason, whole->items, reterr);
    if (err == OTEL_OK && route->deal.parts[me].count > 0) {
        struct col_batch own = part_of(route, me, whole);
        err = route->own.consume(route->own.self, &own, reterr);
    } else if (err != OTEL_OK) {
        err = OTEL_ERR_UNAVAILABLE;
    }
    for (unsigned i = 0; i < owners; i++) {
        if (parcels[i] != NULL && err == OTEL_OK)
            hand_over(route, i, parcels[i]);
        else
            otl_mem_free(parcels[i]);
    }
    return err;
}

/* The same without queues. */
static enum otel_err give_parts(struct col_route *route, const struct col_batch *whole,
                                struct otl_detail *reterr)
{
    unsigned me = route->options.host->worker;
    enum otel_err err = OTEL_OK;

    for (unsigned i = 0; i < route->deal.owners; i++) {
        struct col_batch part = part_of(route, i, whole);
        enum otel_err one = OTEL_OK;
        if (part.items > 0 && i == me)
            one = route->own.consume(route->own.self, &part, reterr);
        else if (part.items > 0)
            one = hand_over_all(route, i, &part, reterr);
        err = err == OTEL_OK ? one : err;
    }
    return err;
}

enum otel_err col_route_consume(void *self, const struct col_batch *batch,
                                struct otl_detail *reterr)
{
    struct col_route *route = self;
    unsigned me = route->options.host->worker, only;

    if (route->options.place == COL_FIRST)
        return hand_over_all(route, 0, batch, reterr);
    if (col_deal(&route->deal, batch->request, &only) != OTEL_OK)
        return refuse(route, NO_MEMORY, batch->items, reterr);
    if (only == me)
        return route->own.consume(route->own.self, batch, reterr);
    if (only < route->deal.owners)
        return hand_over_all(route, only, batch, reterr);
    return route->options.host->crew->joined ? give_parts(route, batch, reterr)
                                             : hand_over_parts(route, batch, reterr);
}

/* ---- life ---- */

static uint64_t *counter(const struct col_route *route, const char *name, const char *labels,
                         const char *help)
{
    return col_host_items(route->options.host, route->options.signal, name, labels, help);
}

static bool count(struct col_route *route)
{
    char labels[160], with_reason[200];
    bool good = true;

    snprintf(labels, sizeof(labels), "component=\"%s\"", route->options.id);
    route->handed_over = counter(route, "collector_mock_worker_handed_over", labels,
                                 "What is for the worker that owns it.");
    route->taken_over = counter(route, "collector_mock_worker_taken_over", labels,
                                "Of this: what it has taken out of its queue.");
    route->lost = counter(route, "collector_mock_worker_lost", labels,
                          "Of this: what it then refused.");
    for (size_t i = 0; i < REASONS; i++) {
        snprintf(with_reason, sizeof(with_reason), "%s,reason=\"%s\"", labels, reason_words[i]);
        route->refused[i] = counter(route, "collector_mock_worker_refused", with_reason,
                                    "What was refused because it could not be handed over.");
        good = good && route->refused[i] != NULL;
    }
    return good && route->handed_over != NULL && route->taken_over != NULL && route->lost != NULL;
}

enum otel_err col_route_new(const struct col_route_options *options, struct col_route **ret,
                            struct otl_detail *reterr)
{
    struct col_route *route = otl_mem_zalloc(sizeof(*route));

    if (route == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    route->options = *options;
    col_deal_init(&route->deal, options->host->workers, REQUEST_MAX);
    if (!count(route)) {
        col_route_free(route);
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    }
    *ret = route;
    return OTEL_OK;
}

void col_route_free(struct col_route *route)
{
    if (route == NULL)
        return;
    col_deal_fini(&route->deal);
    otl_mem_free(route);
}

void col_route_own(struct col_route *route, struct col_consumer own)
{
    route->own = own;
}

bool col_route_is_first(const struct col_route *route)
{
    return route->options.place == COL_FIRST;
}
