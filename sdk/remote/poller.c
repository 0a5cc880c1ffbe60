/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/remote/poller.h"

#include <event2/event.h>
#include <sched.h>

#include "sdk/base/clock.h"
#include "sdk/base/loop/loop.h"

/* --- fork: every lock is free in the child, and nobody asks until its first decision --- */

static pthread_mutex_t g_all_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t g_fork_once = PTHREAD_ONCE_INIT;
static struct otl_poller *g_all;

static void before_fork(void)
{
    pthread_mutex_lock(&g_all_lock);
    for (struct otl_poller *p = g_all; p != NULL; p = p->next) {
        pthread_mutex_lock(&p->starting);
        pthread_rwlock_wrlock(&p->lock);
    }
}

static void after_fork_in_parent(void)
{
    for (struct otl_poller *p = g_all; p != NULL; p = p->next) {
        pthread_rwlock_unlock(&p->lock);
        pthread_mutex_unlock(&p->starting);
    }
    pthread_mutex_unlock(&g_all_lock);
}

/* What the parent's thread may have been changing is left behind. */
static void after_fork_in_child(void)
{
    for (struct otl_poller *p = g_all; p != NULL; p = p->next) {
        pthread_mutex_init(&p->starting, NULL);
        pthread_rwlock_init(&p->lock, NULL);
        p->options.ops->forked(p->options.owner);
        otl_loop_forked(p->loop);
        p->loop = NULL;
        p->timer = NULL;
        p->started = p->untimed = p->told = false;
        p->failures = 0;
    }
    pthread_mutex_init(&g_all_lock, NULL);
}

static void watch_forks(void)
{
    pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

/* --- the thread --- */

void otl_poller_failed(struct otl_poller *p, enum otel_err err, const char *what)
{
    __atomic_fetch_add(&p->failures, 1, __ATOMIC_RELAXED);
    if (!p->told)
        otl_tell(&p->options.teller, err, "%s: %s", p->options.about, what);
    p->told = true;
}

void otl_poller_succeeded(struct otl_poller *p)
{
    p->told = false;
}

/* Without memory for the timer it is tried with each turn of the loop, and told once. */
void otl_poller_wait(struct otl_poller *p, uint64_t wait_ns)
{
    struct timeval wait = {(time_t)(wait_ns / OTL_NS_PER_S),
                           (suseconds_t)(wait_ns % OTL_NS_PER_S / OTL_NS_PER_US)};
    bool was_untimed = p->untimed;

    p->wait_ns = wait_ns;
    p->untimed = event_add(p->timer, &wait) != 0;
    if (!p->untimed)
        return;
    if (!was_untimed)
        otl_poller_failed(p, OTEL_ERR_MEMORY, "no memory for the timer of the next question");
    sched_yield();
    otl_loop_wake(p->loop);
}

static void on_timer(int fd, short what, void *poller)
{
    struct otl_poller *p = poller;

    (void)fd;
    (void)what;
    p->options.ops->turn(p->options.owner);
}

static void woken(void *poller)
{
    struct otl_poller *p = poller;

    if (__atomic_load_n(&p->stop, __ATOMIC_ACQUIRE))
        otl_loop_stop(p->loop);
    else if (p->untimed)
        otl_poller_wait(p, p->wait_ns);
}

static void *run(void *poller)
{
    struct otl_poller *p = poller;

    p->options.ops->turn(p->options.owner);
    otl_loop_run(p->loop);
    return NULL;
}

/* --- life --- */

static void close_loop(struct otl_poller *p)
{
    p->options.ops->close(p->options.owner);
    if (p->timer != NULL)
        event_free(p->timer);
    otl_loop_free(p->loop);
    p->timer = NULL;
    p->loop = NULL;
}

static enum otel_err begin(struct otl_poller *p)
{
    enum otel_err err = otl_loop_new(woken, p, &p->loop);

    if (err != OTEL_OK)
        return err;
    p->timer = event_new(otl_loop_base(p->loop), -1, 0, on_timer, p);
    err = p->timer != NULL ? p->options.ops->open(p->options.owner, otl_loop_base(p->loop))
                           : OTEL_ERR_MEMORY;
    if (err == OTEL_OK)
        err = otl_thread_start(&p->options.threads, &p->thread, run, p);
    if (err != OTEL_OK)
        close_loop(p);
    else
        __atomic_store_n(&p->started, true, __ATOMIC_RELEASE);
    return err;
}

void otl_poller_init(struct otl_poller *p, const struct otl_poller_options *options)
{
    p->options = *options;
    pthread_rwlock_init(&p->lock, NULL);
    pthread_mutex_init(&p->starting, NULL);
    pthread_once(&g_fork_once, watch_forks);
}

enum otel_err otl_poller_start(struct otl_poller *p)
{
    enum otel_err err;

    pthread_mutex_lock(&g_all_lock); /* no fork between the thread and the list */
    err = begin(p);
    if (err == OTEL_OK) {
        p->next = g_all;
        g_all = p;
    }
    pthread_mutex_unlock(&g_all_lock);
    return err;
}

/* Without means for a thread what is known stays as it is. */
void otl_poller_start_again(struct otl_poller *p)
{
    pthread_mutex_lock(&p->starting);
    if (!p->started && begin(p) != OTEL_OK)
        __atomic_store_n(&p->started, true, __ATOMIC_RELEASE); /* and is not tried again */
    pthread_mutex_unlock(&p->starting);
}

static void forget(struct otl_poller *p)
{
    pthread_mutex_lock(&g_all_lock);
    for (struct otl_poller **at = &g_all; *at != NULL; at = &(*at)->next)
        if (*at == p) {
            *at = p->next;
            break;
        }
    pthread_mutex_unlock(&g_all_lock);
}

void otl_poller_fini(struct otl_poller *p)
{
    forget(p);
    if (p->loop != NULL) {
        __atomic_store_n(&p->stop, true, __ATOMIC_RELEASE);
        otl_loop_wake(p->loop);
        pthread_join(p->thread, NULL);
        close_loop(p);
    }
    pthread_rwlock_destroy(&p->lock);
    pthread_mutex_destroy(&p->starting);
}
