/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/pipeline/crew.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "collector-mock/pipeline/graph.h"
#include "sdk/base/mem.h"

enum { POST_BYTES = 256 << 20 };
#define DRAIN_GRACE_NS (5 * OTL_NS_PER_S)

struct hand {
    struct col_crew *crew;
    struct col_host *host; /* worker 0's is the service's */
    struct col_host own;
    pthread_t thread;
    bool started, draining;
    struct otl_detail detail; /* of a flush */
    enum otel_err err;
    size_t node;
};

struct col_host *col_crew_host(struct col_crew *crew, unsigned worker)
{
    return crew->hands[worker].host;
}

/* ---- the loop of a worker ---- */

static void ring_all(struct col_crew *crew)
{
    for (unsigned i = 0; i < crew->workers; i++)
        col_post_ring(crew->post, i);
}

void col_crew_drain(struct col_crew *crew)
{
    atomic_store(&crew->draining, true);
    ring_all(crew);
}

/* A receiver of some worker is empty. */
static void on_drained(void *context)
{
    struct col_crew *crew = context;

    if (atomic_fetch_sub(&crew->undrained, 1) != 1)
        return;
    atomic_store(&crew->over, true);
    ring_all(crew);
}

/* Something was asked of this worker that it has not seen to yet. */
static bool is_called(const struct hand *hand)
{
    return atomic_load(&hand->crew->over) ||
           (atomic_load(&hand->crew->draining) && !hand->draining);
}

static void work(struct hand *hand)
{
    struct col_crew *crew = hand->crew;
    struct event_base *base = hand->host->base;
    unsigned me = hand->host->worker;

    while (!atomic_load(&crew->over)) {
        if (atomic_load(&crew->draining) && !hand->draining) {
            hand->draining = true;
            col_graph_drain(crew->graphs[me], DRAIN_GRACE_NS);
            continue;
        }
        if (col_post_open_all(crew->post, me)) {
            event_base_loop(base, EVLOOP_NONBLOCK);
            continue;
        }
        if (col_post_sleep(crew->post, me) && !is_called(hand))
            event_base_loop(base, EVLOOP_ONCE);
        col_post_woke(crew->post, me);
    }
}

static void *run_hand(void *arg)
{
    work(arg);
    return NULL;
}

/* Signals are worker 0's. */
static int start_thread(struct hand *hand, void *(*run)(void *))
{
    sigset_t all, before;
    int error;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    error = pthread_create(&hand->thread, NULL, run, hand);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    hand->started = error == 0;
    return error;
}

static void join_all(struct col_crew *crew)
{
    for (unsigned i = 1; i < crew->workers; i++) {
        if (crew->hands[i].started)
            pthread_join(crew->hands[i].thread, NULL);
        crew->hands[i].started = false;
    }
}

enum otel_err col_crew_run(struct col_crew *crew)
{
    enum otel_err err = OTEL_OK;

    crew->joined = false;
    for (unsigned i = 1; i < crew->workers && err == OTEL_OK; i++)
        err = start_thread(&crew->hands[i], run_hand) == 0 ? OTEL_OK : OTEL_ERR_MEMORY;
    if (err == OTEL_OK) {
        work(&crew->hands[0]);
    } else {
        atomic_store(&crew->over, true);
        ring_all(crew);
    }
    join_all(crew);
    crew->joined = true;
    col_post_settle(crew->post);
    return err;
}

/* ---- the end ---- */

static void *flush_hand(void *arg)
{
    struct hand *hand = arg;

    hand->err = col_graph_flush_node(hand->crew->graphs[hand->host->worker], hand->node,
                                     &hand->detail);
    return NULL;
}

/* The same node of all workers. Exporters wait for somebody else: all at once. */
static enum otel_err flush_node(struct col_crew *crew, size_t node, struct otl_detail *reterr)
{
    bool at_once = col_graph_waits(crew->graphs[0], node);
    enum otel_err err = OTEL_OK;

    for (unsigned i = crew->workers; i > 0; i--) { /* worker 0's may be what the others stand on */
        struct hand *hand = &crew->hands[i - 1];
        memset(&hand->detail, 0, sizeof(hand->detail));
        hand->node = node;
        if (i == 1 || !at_once || start_thread(hand, flush_hand) != 0)
            flush_hand(hand);
    }
    join_all(crew);
    for (unsigned i = 0; i < crew->workers; i++)
        if (crew->hands[i].err != OTEL_OK && err == OTEL_OK)
            err = otl_detail_set(reterr, crew->hands[i].err, NULL, 0, 0, "%s",
                                 crew->hands[i].detail.text);
    return err;
}

enum otel_err col_crew_flush(struct col_crew *crew, struct otl_detail *reterr)
{
    enum otel_err result = OTEL_OK;

    for (size_t node = col_graph_nodes(crew->graphs[0]); node > 0; node--) {
        enum otel_err err = flush_node(crew, node - 1, reterr);
        if (result == OTEL_OK)
            result = err;
    }
    return result;
}

/* ---- life ---- */

enum otel_err col_crew_new(struct col_host *host, unsigned workers, struct col_crew **ret)
{
    struct col_crew *crew = otl_mem_zalloc(sizeof(*crew));
    enum otel_err err = OTEL_ERR_MEMORY;

    if (crew == NULL)
        return err;
    crew->workers = workers;
    crew->joined = true;
    crew->desk_there = pthread_mutex_init(&crew->desk.lock, NULL) == 0;
    crew->hands = otl_mem_zalloc(workers * sizeof(*crew->hands));
    if (crew->hands != NULL && crew->desk_there)
        err = col_post_new(workers, POST_BYTES / workers, &crew->post);
    if (err == OTEL_OK)
        err = col_post_listen(crew->post, 0, host->base);
    if (err != OTEL_OK) {
        col_crew_free(crew);
        return err;
    }
    crew->hands[0].crew = crew;
    crew->hands[0].host = host;
    host->crew = crew;
    host->workers = workers;
    host->tap_desk = &crew->desk;
    host->on_drained = on_drained;
    host->on_drained_context = crew;
    *ret = crew;
    return OTEL_OK;
}

/* What a worker has of its own; everything else is as with worker 0. */
static enum otel_err make_host(struct hand *hand, unsigned worker, const char *decisions,
                               struct otl_detail *reterr)
{
    const struct col_host *lead = hand->crew->hands[0].host;
    struct col_host *host = &hand->own;
    enum otel_err err;

    *host = *lead;
    hand->host = host;
    host->worker = worker;
    host->endpoint_count = 0;
    host->tap_connections = (uint64_t)worker << 50; /* all of a worker's listeners are below */
    host->tap.records = host->tap.bytes = host->tap.failures = 0;
    host->metrics = NULL;
    host->guards = NULL;
    host->decisions.fd = -1;
    host->base = event_base_new();
    err = host->base != NULL ? col_metrics_new(&host->metrics) : OTEL_ERR_MEMORY;
    if (err == OTEL_OK && decisions != NULL)
        err = col_decisions_open(decisions, &host->decisions, reterr);
    if (err == OTEL_OK)
        err = col_post_listen(hand->crew->post, worker, host->base);
    return err;
}

enum otel_err col_crew_hire(struct col_crew *crew, const struct col_config *config,
                            struct col_graph *lead, const char *decisions,
                            struct otl_detail *reterr)
{
    enum otel_err err = OTEL_OK;
    size_t receivers = col_graph_receivers(lead);

    crew->graphs[0] = lead;
    for (unsigned i = 1; i < crew->workers && err == OTEL_OK; i++) {
        struct hand *hand = &crew->hands[i];
        enum otl_log_level level = crew->hands[0].host->log.level;
        hand->crew = crew;
        err = make_host(hand, i, decisions, reterr);
        hand->own.log.level = OTL_LOG_ERROR; /* worker 0 has warned */
        if (err == OTEL_OK)
            err = col_graph_new(config, hand->host, &crew->graphs[i], reterr);
        hand->own.log.level = level;
        if (err == OTEL_OK)
            receivers += col_graph_receivers(crew->graphs[i]);
    }
    atomic_store(&crew->undrained, (unsigned)receivers);
    return err;
}

void col_crew_free(struct col_crew *crew)
{
    if (crew == NULL)
        return;
    col_post_free(crew->post); /* letters know components */
    for (unsigned i = 1; crew->hands != NULL && i < crew->workers; i++) {
        struct col_host *host = &crew->hands[i].own;
        col_graph_free(crew->graphs[i]);
        if (crew->hands[i].host == NULL)
            continue;
        col_decisions_close(&host->decisions);
        col_metrics_free(host->metrics);
        if (host->base != NULL)
            event_base_free(host->base);
    }
    if (crew->desk_there)
        pthread_mutex_destroy(&crew->desk.lock);
    otl_mem_free(crew->hands);
    otl_mem_free(crew);
}
