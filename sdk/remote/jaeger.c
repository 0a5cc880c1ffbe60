/* SPDX-License-Identifier: Apache-2.0 */
#include <otel/sdk/remote_sampler.h>

#include <event2/event.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "sdk/base/clock.h"
#include "sdk/base/loop/loop.h"
#include "sdk/base/mem.h"
#include "sdk/remote/ask.h"
#include "sdk/remote/strategy.h"

enum {
    INTERVAL_MILLIS = 60000,
    TIMEOUT_MILLIS = 10000,
    ANSWER_MAX = 1 << 20,
    ENDPOINT_MAX = 1024
};

/*
 * Threads   marked at the fields: [t] the sampler's thread, [l] under lock, [a] atomic, else
 *           constant after new.
 */
struct remote {
    struct otel_sdk_sampler sampler;
    struct remote *next; /* in the list of all, under g_all_lock */
    struct otl_ask_target target;
    struct otl_thread_maker threads;
    uint64_t interval_ns, timeout_ns;
    struct otel_sdk_sampler *initial;
    void (*error)(void *arg, enum otel_err err, const char *text);
    void *error_arg;
    char description[ENDPOINT_MAX + 32];

    pthread_rwlock_t lock;
    struct otl_strategy *strategy; /* [l] NULL: initial */

    pthread_mutex_t starting;
    bool started; /* [a] there is a thread; false in a forked child until its first decision */
    bool stop;    /* [a] */
    pthread_t thread;
    struct otel_sdk_loop *loop; /* [t] except wake */
    struct otl_asker *asker;    /* [t] */
    struct event *timer;        /* [t] */
    struct otl_buf last;        /* [t] the answer behind strategy */
    bool told;                  /* [t] a failure, since the last success */
    uint64_t questions, failures, strategies; /* [a] */
};

/* --- fork: every lock is free in the child, and nobody asks until its first decision --- */

static pthread_mutex_t g_all_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t g_fork_once = PTHREAD_ONCE_INIT;
static struct remote *g_all;

static void before_fork(void)
{
    pthread_mutex_lock(&g_all_lock);
    for (struct remote *r = g_all; r != NULL; r = r->next) {
        pthread_mutex_lock(&r->starting);
        pthread_rwlock_wrlock(&r->lock);
    }
}

static void after_fork_in_parent(void)
{
    for (struct remote *r = g_all; r != NULL; r = r->next) {
        pthread_rwlock_unlock(&r->lock);
        pthread_mutex_unlock(&r->starting);
    }
    pthread_mutex_unlock(&g_all_lock);
}

/* What the parent's thread may have been changing is left behind. */
static void forked(struct remote *r)
{
    pthread_rwlock_init(&r->lock, NULL);
    pthread_mutex_init(&r->starting, NULL);
    otl_asker_abandon(r->asker);
    otl_loop_forked(r->loop);
    otl_tls_forked(r->target.tls);
    otl_buf_init(&r->last, ANSWER_MAX);
    r->asker = NULL;
    r->loop = NULL;
    r->timer = NULL;
    r->started = r->told = false;
    r->questions = r->failures = r->strategies = 0;
}

static void after_fork_in_child(void)
{
    for (struct remote *r = g_all; r != NULL; r = r->next)
        forked(r);
    pthread_mutex_init(&g_all_lock, NULL);
}

static void watch_forks(void)
{
    pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

/* --- the sampler's thread --- */

static void fail(struct remote *r, enum otel_err err, const char *what)
{
    char text[256];

    __atomic_fetch_add(&r->failures, 1, __ATOMIC_RELAXED);
    if (r->told || r->error == NULL)
        return;
    r->told = true;
    snprintf(text, sizeof(text), "sampling strategy: %s", what);
    r->error(r->error_arg, err, text);
}

/* An answer of the same bytes changes nothing: budgets go on. */
static void understood(struct remote *r, struct otl_view body)
{
    struct otl_strategy *fresh = NULL, *old;
    enum otel_err err;

    if (r->last.len != 0 && otl_view_equal(body, otl_view(r->last.data, r->last.len))) {
        r->told = false;
        return;
    }
    err = r->target.grpc ? otl_strategy_read_message(body, &fresh)
                         : otl_strategy_read(body, &fresh);
    if (err != OTEL_OK) {
        fail(r, err, "the answer is not understood");
        return;
    }
    r->told = false;
    otl_buf_reset(&r->last);
    if (otl_buf_append(&r->last, body.data, body.len) != OTEL_OK)
        otl_buf_reset(&r->last); /* it will be read again, no more */
    pthread_rwlock_wrlock(&r->lock);
    old = r->strategy;
    r->strategy = fresh;
    pthread_rwlock_unlock(&r->lock);
    otl_strategy_free(old);
    __atomic_fetch_add(&r->strategies, 1, __ATOMIC_RELAXED);
}

static void wait_for_next(struct remote *r)
{
    struct timeval wait = {(time_t)(r->interval_ns / OTL_NS_PER_S),
                           (suseconds_t)(r->interval_ns % OTL_NS_PER_S / OTL_NS_PER_US)};

    event_add(r->timer, &wait);
}

static void answered(void *arg, const struct otl_answer *answer)
{
    struct remote *r = arg;

    if (answer->err == OTEL_OK)
        understood(r, answer->body);
    else
        fail(r, answer->err, answer->why);
    __atomic_fetch_add(&r->questions, 1, __ATOMIC_RELEASE);
    wait_for_next(r);
}

static void ask(int fd, short what, void *arg)
{
    struct remote *r = arg;

    (void)fd;
    (void)what;
    if (otl_asker_ask(r->asker, r->timeout_ns) == OTEL_OK)
        return;
    fail(r, OTEL_ERR_MEMORY, "no memory for the question");
    wait_for_next(r);
}

static void woken(void *arg)
{
    struct remote *r = arg;

    if (__atomic_load_n(&r->stop, __ATOMIC_ACQUIRE))
        otl_loop_stop(r->loop);
}

static void *run(void *arg)
{
    struct remote *r = arg;

    ask(-1, 0, r);
    otl_loop_run(r->loop);
    return NULL;
}

static void close_loop(struct remote *r)
{
    otl_asker_free(r->asker);
    if (r->timer != NULL)
        event_free(r->timer);
    otl_loop_free(r->loop);
    r->asker = NULL;
    r->timer = NULL;
    r->loop = NULL;
}

static enum otel_err start(struct remote *r)
{
    struct otl_asker_options asker = {
        .target = &r->target, .threads = r->threads, .answered = answered, .arg = r};
    enum otel_err err = otl_loop_new(woken, r, &r->loop);

    if (err != OTEL_OK)
        return err;
    asker.base = otl_loop_base(r->loop);
    r->timer = event_new(asker.base, -1, 0, ask, r);
    err = r->timer != NULL ? otl_asker_new(&asker, &r->asker) : OTEL_ERR_MEMORY;
    if (err == OTEL_OK)
        err = otl_thread_start(&r->threads, &r->thread, run, r);
    if (err != OTEL_OK)
        close_loop(r);
    else
        __atomic_store_n(&r->started, true, __ATOMIC_RELEASE);
    return err;
}

/* In a forked child; without means for a thread the strategy stays as it is. */
static void start_again(struct remote *r)
{
    pthread_mutex_lock(&r->starting);
    if (!r->started && start(r) != OTEL_OK)
        __atomic_store_n(&r->started, true, __ATOMIC_RELEASE); /* and is not tried again */
    pthread_mutex_unlock(&r->starting);
}

/* --- decisions --- */

static void should_sample(struct otel_sdk_sampler *sampler,
                          const struct otel_sdk_sampling_input *input,
                          struct otel_sdk_sampling_result *result)
{
    struct remote *r = (struct remote *)sampler;
    bool initial;

    pthread_rwlock_rdlock(&r->lock);
    initial = r->strategy == NULL;
    if (!initial && otl_strategy_keeps(r->strategy, input, otl_clock_mono(otl_clock_real())))
        result->decision = OTEL_SDK_RECORD_AND_SAMPLE;
    pthread_rwlock_unlock(&r->lock);
    if (initial)
        r->initial->ops->should_sample(r->initial, input, result);
    if (__builtin_expect(!__atomic_load_n(&r->started, __ATOMIC_ACQUIRE), 0))
        start_again(r); /* behind the decision, which is by what the parent was told */
}

static struct otel_str description(const struct otel_sdk_sampler *sampler)
{
    return otel_str(((const struct remote *)sampler)->description);
}

/* --- life --- */

static void forget(struct remote *r)
{
    pthread_mutex_lock(&g_all_lock);
    for (struct remote **at = &g_all; *at != NULL; at = &(*at)->next)
        if (*at == r) {
            *at = r->next;
            break;
        }
    pthread_mutex_unlock(&g_all_lock);
}

static void free_remote(struct otel_sdk_sampler *sampler)
{
    struct remote *r = (struct remote *)sampler;

    forget(r);
    if (r->loop != NULL) {
        __atomic_store_n(&r->stop, true, __ATOMIC_RELEASE);
        otl_loop_wake(r->loop);
        pthread_join(r->thread, NULL);
        close_loop(r);
    }
    otl_ask_target_fini(&r->target);
    otel_sdk_sampler_unref(r->initial);
    otl_strategy_free(r->strategy);
    otl_buf_fini(&r->last);
    pthread_rwlock_destroy(&r->lock);
    pthread_mutex_destroy(&r->starting);
    otl_mem_free(r);
}

static const struct otel_sdk_sampler_ops remote_ops = {should_sample, description, free_remote};

void otel_sdk_jaeger_remote_options_init(struct otel_sdk_jaeger_remote_options *options)
{
    memset(options, 0, sizeof(*options));
    options->struct_size = sizeof(*options);
    options->endpoint = otel_str("http://localhost:5778/sampling");
    options->polling_interval_millis = INTERVAL_MILLIS;
    options->timeout_millis = TIMEOUT_MILLIS;
}

static enum otel_err set_up(struct remote *r, const struct otel_sdk_jaeger_remote_options *o)
{
    enum otel_err err = otl_ask_target_init(&r->target, o);

    if (err == OTEL_OK && o->initial == NULL)
        err = otel_sdk_sampler_traceidratio_new(0.001, &r->initial);
    if (o->initial != NULL)
        r->initial = otel_sdk_sampler_ref(o->initial);
    r->interval_ns = o->polling_interval_millis * OTL_NS_PER_MS;
    r->timeout_ns = o->timeout_millis * OTL_NS_PER_MS;
    r->threads.create = o->create_thread;
    r->threads.arg = o->create_thread_arg;
    r->error = o->error;
    r->error_arg = o->error_arg;
    snprintf(r->description, sizeof(r->description), "JaegerRemoteSampler{%.*s}",
             (int)(o->endpoint.len < ENDPOINT_MAX ? o->endpoint.len : ENDPOINT_MAX),
             o->endpoint.data);
    return err;
}

enum otel_err otel_sdk_sampler_jaeger_remote_new(
    const struct otel_sdk_jaeger_remote_options *options, struct otel_sdk_sampler **ret)
{
    struct otel_sdk_jaeger_remote_options all;
    struct remote *r;
    enum otel_err err;

    /* A program built against an older header gives fewer members; the rest are defaults. */
    otel_sdk_jaeger_remote_options_init(&all);
    if (options == NULL || options->struct_size == 0 || options->struct_size > sizeof(all))
        return OTEL_ERR_ARGUMENT;
    memcpy(&all, options, options->struct_size);
    options = &all;
    if (options->service.len == 0 || options->polling_interval_millis == 0 ||
        options->timeout_millis == 0 || (unsigned)options->protocol > OTEL_SDK_JAEGER_GRPC)
        return OTEL_ERR_ARGUMENT;
    r = otl_mem_zalloc(sizeof(*r));
    if (r == NULL)
        return OTEL_ERR_MEMORY;
    r->sampler.ops = &remote_ops;
    r->sampler.refs = 1;
    pthread_rwlock_init(&r->lock, NULL);
    pthread_mutex_init(&r->starting, NULL);
    otl_buf_init(&r->last, ANSWER_MAX);
    pthread_once(&g_fork_once, watch_forks);
    err = set_up(r, options);
    if (err == OTEL_OK) {
        pthread_mutex_lock(&g_all_lock); /* no fork between the thread and the list */
        err = start(r);
        if (err == OTEL_OK) {
            r->next = g_all;
            g_all = r;
        }
        pthread_mutex_unlock(&g_all_lock);
    }
    if (err != OTEL_OK) {
        free_remote(&r->sampler);
        return err;
    }
    *ret = &r->sampler;
    return OTEL_OK;
}

enum otel_err otel_sdk_sampler_jaeger_remote_stats(struct otel_sdk_sampler *sampler,
                                                   struct otel_sdk_jaeger_remote_stats *stats)
{
    struct remote *r = (struct remote *)sampler;

    if (sampler == NULL || sampler->ops != &remote_ops || stats->struct_size != sizeof(*stats))
        return OTEL_ERR_ARGUMENT;
    stats->questions = __atomic_load_n(&r->questions, __ATOMIC_ACQUIRE);
    stats->failures = __atomic_load_n(&r->failures, __ATOMIC_RELAXED);
    stats->strategies = __atomic_load_n(&r->strategies, __ATOMIC_RELAXED);
    return OTEL_OK;
}
