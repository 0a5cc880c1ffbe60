/* SPDX-License-Identifier: Apache-2.0 */
/* The plan against the clock: due requests, waiting requests, deadlines. */
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "harness/load/gen_internal.h"

static const double TICK_FROM_RATE = 5000; /* above, a wake for each request costs too much */
#define TICK_NS (200 * OTL_NS_PER_US)

/* ---- connections for requests --------------------------------------------------------------- */

static struct hx_conn *free_connection(struct hx_pool *pool)
{
    struct hx_conn *conn = TAILQ_FIRST(&pool->idle);

    return conn != NULL ? conn : TAILQ_FIRST(&pool->closed);
}

void hx_pace_serve(struct hx_pool *pool)
{
    struct hx_waiting *front;
    struct hx_conn *conn;

    while ((front = hx_queue_front(&pool->queue)) != NULL &&
           (conn = free_connection(pool)) != NULL) {
        struct hx_waiting waiting = *front;

        hx_queue_pop(&pool->queue);
        pool->gen->backlog--;
        hx_conn_carry(conn, &waiting, true);
    }
}

static void wait_in_queue(struct hx_pool *pool, const struct hx_waiting *waiting)
{
    struct hx_gen *gen = pool->gen;

    if (!hx_queue_push(&pool->queue, waiting)) {
        hx_flight_never(gen, &waiting->planned, HX_LOAD_ERROR_DROPPED, waiting->taken_ns);
        return;
    }
    gen->counts[hx_phase_of(&waiting->planned)].delayed++;
    gen->backlog++;
    if (gen->backlog > gen->backlog_max)
        gen->backlog_max = gen->backlog;
}

static void hand_on(struct hx_gen *gen, const struct hx_planned *planned, uint64_t now)
{
    struct hx_pool *pool = &gen->pools[(planned->request - 1) % gen->options.address_count];
    struct hx_waiting waiting = {*planned, now};
    struct hx_conn *conn = pool->queue.count == 0 ? free_connection(pool) : NULL;

    gen->counts[hx_phase_of(planned)].planned++;
    if (conn != NULL)
        hx_conn_carry(conn, &waiting, false);
    else
        wait_in_queue(pool, &waiting);
}

/* ---- deadlines ------------------------------------------------------------------------------ */

static uint64_t deadline_of(const struct hx_gen *gen, const struct hx_planned *planned)
{
    return gen->start_ns + planned->offset_ns + gen->options.timeout_ns;
}

static void arm_deadline(struct hx_gen *gen, uint64_t at, uint64_t now)
{
    uint64_t wait_us = at > now ? (at - now) / OTL_NS_PER_US + 1 : 0;
    struct timeval wait = {(time_t)(wait_us / 1000000), (suseconds_t)(wait_us % 1000000)};

    gen->deadline_set = event_add(gen->deadline_event, &wait) == 0;
}

/* End what is over time; the earliest deadline left, UINT64_MAX if none. */
static uint64_t expire(struct hx_pool *pool, uint64_t now)
{
    struct hx_gen *gen = pool->gen;
    uint64_t earliest = UINT64_MAX;
    struct hx_waiting *front;
    struct hx_conn *conn;

    while ((conn = TAILQ_FIRST(&pool->flying)) != NULL &&
           deadline_of(gen, &conn->planned) <= now) {
        hx_flight_failed(conn,
                         conn->sent_ns == 0 ? HX_LOAD_ERROR_CONNECT : HX_LOAD_ERROR_TIMEOUT, now);
        hx_conn_close(conn);
    }
    while ((front = hx_queue_front(&pool->queue)) != NULL &&
           deadline_of(gen, &front->planned) <= now) {
        struct hx_planned planned = front->planned;

        hx_queue_pop(&pool->queue);
        gen->backlog--;
        hx_flight_never(gen, &planned, HX_LOAD_ERROR_NOT_SENT, now);
    }
    hx_pace_serve(pool);
    if ((conn = TAILQ_FIRST(&pool->flying)) != NULL)
        earliest = deadline_of(gen, &conn->planned);
    front = hx_queue_front(&pool->queue);
    if (front != NULL && deadline_of(gen, &front->planned) < earliest)
        earliest = deadline_of(gen, &front->planned);
    return earliest;
}

void hx_pace_deadlines(struct hx_gen *gen)
{
    uint64_t now = hx_gen_now();
    uint64_t earliest = UINT64_MAX;

    gen->deadline_set = false;
    for (size_t i = 0; i < gen->options.address_count; i++) {
        uint64_t at = expire(&gen->pools[i], now);

        if (at < earliest)
            earliest = at;
    }
    if (earliest != UINT64_MAX)
        arm_deadline(gen, earliest, now);
}

/* ---- the plan ------------------------------------------------------------------------------- */

static void arm_timer(struct hx_gen *gen)
{
    uint64_t at = gen->start_ns + gen->next.offset_ns;
    struct itimerspec when;

    if (gen->options.pacer == HX_PACER_SPIN)
        return;
    if (gen->ticking) {
        uint64_t tick = hx_gen_now() + TICK_NS;

        if (at < tick)
            at = tick;
    }
    gen->armed_ns = at;
    memset(&when, 0, sizeof(when));
    when.it_value.tv_sec = (time_t)(at / OTL_NS_PER_S);
    when.it_value.tv_nsec = (long)(at % OTL_NS_PER_S);
    timerfd_settime(gen->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
}

void hx_pace_pump(struct hx_gen *gen)
{
    uint64_t now;

    if (!gen->have_next)
        return;
    now = hx_gen_now();
    for (int i = 0; i < HX_GEN_BURST_MAX && gen->have_next; i++) {
        struct hx_planned due = gen->next;

        if (gen->start_ns + due.offset_ns > now)
            break;
        gen->have_next = hx_schedule_next(&gen->plan, &gen->next);
        hand_on(gen, &due, now);
    }
    if (!gen->deadline_set && gen->in_flight + gen->backlog != 0)
        arm_deadline(gen, now + gen->options.timeout_ns, now);
}

/* Edge-triggered: setting the timer again makes the next edge, so nothing is read from it. */
static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct hx_gen *gen = arg;
    uint64_t now = hx_gen_now();

    (void)fd;
    (void)what;
    if (now > gen->armed_ns && gen->have_next && !gen->next.warmup)
        hx_hdr_record(gen->lateness, now - gen->armed_ns);
    hx_pace_pump(gen);
    if (gen->have_next)
        arm_timer(gen);
    hx_series_write_one(gen->series);
    hx_gen_settle(gen);
}

enum otel_err hx_pace_start(struct hx_gen *gen)
{
    gen->ticking = gen->options.plan.rate > TICK_FROM_RATE;
    gen->have_next = hx_schedule_next(&gen->plan, &gen->next);
    gen->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (gen->timer_fd < 0)
        return OTEL_ERR_IO;
    gen->pace_event = event_new(gen->base, gen->timer_fd, EV_READ | EV_PERSIST | EV_ET, on_timer,
                                gen);
    if (gen->pace_event == NULL || event_add(gen->pace_event, NULL) != 0)
        return OTEL_ERR_MEMORY;
    if (gen->have_next)
        arm_timer(gen);
    return OTEL_OK;
}

/* Nothing more of the plan; what waits for a connection will never be sent. */
void hx_pace_stop(struct hx_gen *gen)
{
    uint64_t now = hx_gen_now();

    gen->have_next = false;
    for (size_t i = 0; i < gen->options.address_count; i++) {
        struct hx_queue *queue = &gen->pools[i].queue;
        struct hx_waiting *front;

        while ((front = hx_queue_front(queue)) != NULL) {
            hx_flight_never(gen, &front->planned, HX_LOAD_ERROR_STOPPED, now);
            hx_queue_pop(queue);
            gen->backlog--;
        }
    }
}
