/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/load/gen.h"

#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "harness/load/gen_internal.h"
#include "sdk/base/mem.h"

enum { OTHER_FILES = 64 }; /* what a process has open besides connections */
static const char LOGS_FAILED[] = "the histogram logs could not be written: %s";
static const struct timeval ONE_SECOND = {1, 0};
static const struct timeval PAUSE_TICK = {0, HX_PAUSE_TICK_NS / 1000};

void hx_gen_options_init(struct hx_gen_options *options)
{
    memset(options, 0, sizeof(*options));
    options->connections = 64;
    options->timeout_ns = 10 * OTL_NS_PER_S;
    options->queue_max = HX_GEN_QUEUE_DEFAULT;
}

enum otel_err hx_gen_allow_connections(unsigned connections, struct otl_detail *reterr)
{
    rlim_t need = (rlim_t)connections + OTHER_FILES;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= need)
        return OTEL_OK;
    limit.rlim_cur = limit.rlim_max < need ? limit.rlim_max : need;
    if (limit.rlim_cur < need || setrlimit(RLIMIT_NOFILE, &limit) != 0)
        return otl_detail_set(reterr, OTEL_ERR_LIMIT, NULL, 0, 0,
                              "%u connections do not fit the limit of %llu open files", connections,
                              (unsigned long long)limit.rlim_max);
    return OTEL_OK;
}

/* ---- making --------------------------------------------------------------------------------- */

static enum otel_err check(const struct hx_gen_options *options, struct otl_detail *reterr)
{
    const char *wrong = NULL;

    if (options->request == NULL || options->address_count == 0)
        wrong = "no request or no address";
    else if (options->connections < 1 || options->connections > HX_GEN_CONNECTIONS_MAX)
        wrong = "connections must be 1 to 60000";
    else if (options->timeout_ns == 0 || options->queue_max == 0)
        wrong = "timeout and queue must not be 0";
    if (wrong != NULL)
        return otl_detail_set(reterr, OTEL_ERR_ARGUMENT, NULL, 0, 0, "%s", wrong);
    return OTEL_OK;
}

struct event_base *hx_gen_base_new(void)
{
    struct event_config *config = event_config_new();
    struct event_base *base = NULL;

    if (config == NULL)
        return NULL;
    /* Pacing has its own timer. A precise base would set one more on every turn. */
    if (event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK) == 0 &&
        event_config_require_features(config, EV_FEATURE_ET | EV_FEATURE_O1) == 0)
        base = event_base_new_with_config(config);
    event_config_free(config);
    return base;
}

static void on_second(evutil_socket_t fd, short what, void *arg);
static void on_pause_tick(evutil_socket_t fd, short what, void *arg);

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
    struct hx_gen *gen = arg;

    (void)fd;
    (void)what;
    hx_pace_deadlines(gen);
    hx_gen_settle(gen);
}

static enum otel_err make_pools(struct hx_gen *gen)
{
    const struct hx_gen_options *options = &gen->options;
    size_t head_max = hx_request_head_max(options->request);

    gen->addresses = otl_mem_alloc(options->address_count * sizeof(*gen->addresses));
    gen->pools = otl_mem_zalloc(options->address_count * sizeof(*gen->pools));
    gen->conns = otl_mem_zalloc(gen->conn_count * sizeof(*gen->conns));
    if (gen->addresses == NULL || gen->pools == NULL || gen->conns == NULL)
        return OTEL_ERR_MEMORY;
    memcpy(gen->addresses, options->addresses,
           options->address_count * sizeof(*gen->addresses));
    for (size_t i = 0; i < options->address_count; i++) {
        struct hx_pool *pool = &gen->pools[i];

        pool->gen = gen;
        pool->address = &gen->addresses[i];
        pool->queue.max = options->queue_max;
        TAILQ_INIT(&pool->closed);
        TAILQ_INIT(&pool->idle);
        TAILQ_INIT(&pool->flying);
    }
    for (size_t i = 0; i < gen->conn_count; i++) {
        char *head = otl_mem_alloc(head_max);

        if (head == NULL)
            return OTEL_ERR_MEMORY;
        hx_conn_init(&gen->conns[i], &gen->pools[i % options->address_count], head);
    }
    return OTEL_OK;
}

static enum otel_err make(struct hx_gen *gen)
{
    gen->base = gen->options.base != NULL ? gen->options.base : hx_gen_base_new();
    gen->received = otl_mem_alloc(HX_GEN_RECEIVE_BYTES);
    if (gen->base == NULL || gen->received == NULL)
        return OTEL_ERR_MEMORY;
    gen->second_event = event_new(gen->base, -1, EV_PERSIST, on_second, gen);
    gen->pause_event = event_new(gen->base, -1, EV_PERSIST, on_pause_tick, gen);
    gen->deadline_event = event_new(gen->base, -1, 0, on_deadline, gen);
    if (gen->second_event == NULL || gen->pause_event == NULL || gen->deadline_event == NULL)
        return OTEL_ERR_MEMORY;
    if (hx_hdr_new(&HX_HDR_LATENCY_PARAMS, &gen->own_lag) != OTEL_OK ||
        hx_hdr_new(&HX_HDR_LATENCY_PARAMS, &gen->lateness) != OTEL_OK)
        return OTEL_ERR_MEMORY;
    return make_pools(gen);
}

enum otel_err hx_gen_new(const struct hx_gen_options *options, struct hx_gen **ret,
                         struct otl_detail *reterr)
{
    enum otel_err err = check(options, reterr);
    struct hx_gen *gen;
    struct hx_schedule plan;

    if (err != OTEL_OK)
        return err;
    err = hx_schedule_init(&plan, &options->plan);
    if (err != OTEL_OK)
        return otl_detail_set(reterr, err, NULL, 0, 0,
                              "the rate must be %g to %g a second, and the duration not 0",
                              HX_SCHEDULE_RATE_MIN, HX_SCHEDULE_RATE_MAX);
    gen = otl_mem_zalloc(sizeof(*gen));
    if (gen == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "no memory");
    gen->options = *options;
    gen->plan = plan;
    gen->timer_fd = -1;
    gen->body = hx_request_body(options->request);
    gen->conn_count = options->connections > options->address_count ? options->connections
                                                                    : options->address_count;
    err = make(gen);
    if (err != OTEL_OK) {
        hx_gen_free(gen);
        return otl_detail_set(reterr, err, NULL, 0, 0, "no memory for the load generator");
    }
    *ret = gen;
    return OTEL_OK;
}

static void free_event(struct event *event)
{
    if (event != NULL)
        event_free(event);
}

void hx_gen_free(struct hx_gen *gen)
{
    if (gen == NULL)
        return;
    for (size_t i = 0; gen->conns != NULL && i < gen->conn_count; i++)
        if (gen->conns[i].pool != NULL) {
            hx_conn_fini(&gen->conns[i]);
            otl_mem_free(gen->conns[i].head);
        }
    for (size_t i = 0; gen->pools != NULL && i < gen->options.address_count; i++)
        hx_queue_fini(&gen->pools[i].queue);
    free_event(gen->pace_event);
    free_event(gen->second_event);
    free_event(gen->pause_event);
    free_event(gen->deadline_event);
    if (gen->timer_fd >= 0)
        close(gen->timer_fd);
    if (gen->base != NULL && gen->options.base == NULL)
        event_base_free(gen->base);
    hx_series_free(gen->series);
    hx_hdr_free(gen->own_lag);
    hx_hdr_free(gen->lateness);
    otl_mem_free(gen->received);
    otl_mem_free(gen->conns);
    otl_mem_free(gen->pools);
    otl_mem_free(gen->addresses);
    otl_mem_free(gen);
}

struct event_base *hx_gen_base(struct hx_gen *gen)
{
    return gen->base;
}

/* ---- life ----------------------------------------------------------------------------------- */

void hx_gen_prepare(struct hx_gen *gen)
{
    gen->preparing = true;
    for (size_t i = 0; i < gen->conn_count; i++)
        if (gen->conns[i].state == HX_CONN_CLOSED)
            hx_conn_prepare(&gen->conns[i]);
    hx_gen_settle(gen);
}

size_t hx_gen_connected(const struct hx_gen *gen)
{
    return gen->connected;
}

enum otel_err hx_gen_start(struct hx_gen *gen, struct otl_detail *reterr)
{
    enum otel_err err = hx_series_new(gen->options.hdr_dir, otl_clock_wall(otl_clock_real()),
                                      &gen->series, reterr);

    if (err != OTEL_OK)
        return err;
    gen->started = true;
    gen->start_ns = hx_gen_now();
    gen->end_ns = gen->start_ns + hx_schedule_length_ns(&gen->plan);
    gen->rotated_ns = gen->start_ns;
    gen->pauses.due_ns = gen->start_ns + HX_PAUSE_TICK_NS;
    gen->cpu_start_ns = otl_clock_thread_cpu_ns();
    err = hx_pace_start(gen);
    if (err == OTEL_OK && (event_add(gen->second_event, &ONE_SECOND) != 0 ||
                           event_add(gen->pause_event, &PAUSE_TICK) != 0))
        err = OTEL_ERR_MEMORY;
    if (err != OTEL_OK)
        return otl_detail_set(reterr, err, NULL, 0, 0, "the pacing timer could not be made");
    event_base_loopbreak(gen->base); /* run() may now have to spin */
    hx_gen_settle(gen);
    return OTEL_OK;
}

bool hx_gen_started(const struct hx_gen *gen)
{
    return gen->started;
}

void hx_gen_stop(struct hx_gen *gen)
{
    uint64_t now = hx_gen_now();

    if (!gen->started || gen->finished)
        return;
    if (gen->have_next) {
        gen->stopped = true;
        gen->end_ns = now < gen->end_ns ? now : gen->end_ns;
    }
    hx_pace_stop(gen);
    hx_gen_settle(gen);
}

static bool spins(const struct hx_gen *gen)
{
    return gen->options.pacer == HX_PACER_SPIN && gen->started && gen->have_next;
}

void hx_gen_run(struct hx_gen *gen)
{
    int slack = prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0);

    prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
    while (!gen->leaving) {
        if (spins(gen)) {
            hx_pace_pump(gen);
            event_base_loop(gen->base, EVLOOP_NONBLOCK);
            hx_series_write_one(gen->series);
            hx_gen_settle(gen);
        } else {
            event_base_loop(gen->base, EVLOOP_NO_EXIT_ON_EMPTY);
        }
    }
    gen->leaving = false;
    if (slack > 0)
        prctl(PR_SET_TIMERSLACK, slack, 0, 0, 0);
}

void hx_gen_leave(struct hx_gen *gen)
{
    gen->leaving = true;
    event_base_loopbreak(gen->base);
}

/* ---- each second ---------------------------------------------------------------------------- */

static void report_fault(struct hx_gen *gen)
{
    const struct hx_gen_callbacks *callbacks = &gen->options.callbacks;

    if (callbacks->fault != NULL)
        callbacks->fault(callbacks->state, &gen->fault);
    hx_gen_leave(gen);
}

static void fill_progress(const struct hx_gen *gen, uint64_t now, uint64_t sent,
                          struct hx_load_progress *progress)
{
    const struct hx_load_counts *warm = &gen->counts[HX_LOAD_WARM_UP];
    const struct hx_load_counts *measured = &gen->counts[HX_LOAD_MEASURE];
    double interval_s = (double)(now - gen->rotated_ns) / 1e9;
    const struct hx_hdr *last;

    memset(progress, 0, sizeof(*progress));
    progress->phase = now - gen->start_ns <= gen->options.plan.warmup_ns ? HX_LOAD_WARM_UP
                                                                         : HX_LOAD_MEASURE;
    last = hx_series_last(gen->series, HX_SERIES_RESPONSE, progress->phase);
    progress->elapsed_s = (double)(now - gen->start_ns) / 1e9;
    progress->rate_asked = gen->have_next ? gen->options.plan.rate : 0; /* it waits for answers */
    progress->rate_achieved =
        interval_s > 0 ? (double)(sent - gen->last_sent) / interval_s : 0;
    progress->in_flight = gen->in_flight;
    progress->backlog = gen->backlog;
    progress->p50_ns = hx_hdr_value_at(last, 50);
    progress->p99_ns = hx_hdr_value_at(last, 99);
    progress->requests = warm->planned + measured->planned;
    progress->errors = hx_load_errors(warm) + hx_load_errors(measured);
}

static void on_pause_tick(evutil_socket_t fd, short what, void *arg)
{
    struct hx_gen *gen = arg;

    (void)fd;
    (void)what;
    hx_pauses_look(&gen->pauses, hx_gen_now(), gen->start_ns + gen->options.plan.warmup_ns);
}

static void on_second(evutil_socket_t fd, short what, void *arg)
{
    struct hx_gen *gen = arg;
    const struct hx_gen_callbacks *callbacks = &gen->options.callbacks;
    uint64_t sent = gen->counts[HX_LOAD_WARM_UP].sent + gen->counts[HX_LOAD_MEASURE].sent;
    uint64_t now = hx_gen_now();
    struct hx_load_progress progress;

    (void)fd;
    (void)what;
    if (gen->finished)
        return;
    hx_series_rotate(gen->series, gen->rotated_ns - gen->start_ns, now - gen->rotated_ns);
    fill_progress(gen, now, sent, &progress);
    gen->rotated_ns = now;
    gen->last_sent = sent;
    if (hx_series_failed(gen->series) != 0)
        otl_detail_set(&gen->fault, OTEL_ERR_IO, NULL, 0, 0, LOGS_FAILED,
                       strerror(hx_series_failed(gen->series)));
    if (gen->options.ledger != NULL)
        (void)hx_led_writer_fault(gen->options.ledger, &gen->fault);
    if (gen->fault.code != OTEL_OK)
        report_fault(gen);
    else if (callbacks->progress != NULL)
        callbacks->progress(callbacks->state, &progress);
}

/* ---- the end -------------------------------------------------------------------------------- */

static void finish(struct hx_gen *gen)
{
    const struct hx_gen_callbacks *callbacks = &gen->options.callbacks;
    enum otel_err err;

    gen->finished = true;
    gen->finished_ns = hx_gen_now();
    gen->cpu_end_ns = otl_clock_thread_cpu_ns();
    on_pause_tick(-1, 0, gen);
    event_del(gen->second_event);
    event_del(gen->pause_event);
    event_del(gen->deadline_event);
    event_del(gen->pace_event);
    err = hx_series_finish(gen->series, gen->rotated_ns - gen->start_ns,
                           gen->finished_ns - gen->rotated_ns);
    if (err != OTEL_OK)
        otl_detail_set(&gen->fault, err, NULL, 0, 0, LOGS_FAILED,
                       strerror(hx_series_failed(gen->series)));
    if (gen->options.ledger != NULL)
        (void)hx_led_writer_fault(gen->options.ledger, &gen->fault);
    if (gen->fault.code != OTEL_OK)
        report_fault(gen);
    else if (callbacks->finished != NULL)
        callbacks->finished(callbacks->state);
}

void hx_gen_settle(struct hx_gen *gen)
{
    const struct hx_gen_callbacks *callbacks = &gen->options.callbacks;

    if (gen->preparing && gen->opening == 0) {
        gen->preparing = false;
        if (callbacks->ready != NULL)
            callbacks->ready(callbacks->state);
    }
    if (gen->started && !gen->finished && !gen->have_next && gen->in_flight == 0 &&
        gen->backlog == 0)
        finish(gen);
}

static uint64_t measured_ns(const struct hx_gen *gen)
{
    uint64_t begin = gen->start_ns + gen->options.plan.warmup_ns;

    return gen->end_ns > begin ? gen->end_ns - begin : 0;
}

void hx_gen_totals(const struct hx_gen *gen, struct hx_load_totals *ret)
{
    memset(ret, 0, sizeof(*ret));
    ret->rate_asked = gen->options.plan.rate;
    ret->arrival = gen->options.plan.arrival;
    ret->warmup_ns = gen->options.plan.warmup_ns;
    ret->measured_ns = measured_ns(gen);
    ret->drain_ns = gen->finished_ns > gen->end_ns ? gen->finished_ns - gen->end_ns : 0;
    memcpy(ret->counts, gen->counts, sizeof(ret->counts));
    ret->backlog_max = gen->backlog_max;
    ret->in_flight_max = gen->in_flight_max;
    ret->connections = gen->conn_count;
    ret->connections_made = gen->connections_made;
    ret->cpu_ns = gen->cpu_end_ns - gen->cpu_start_ns;
    ret->elapsed_ns = gen->finished_ns - gen->start_ns;
    ret->stopped = gen->stopped;
    for (int kind = 0; kind < HX_SERIES_KINDS; kind++)
        ret->series[kind] = hx_series_total(gen->series, (enum hx_series_kind)kind);
    ret->own_lag = gen->own_lag;
    ret->lateness = gen->lateness;
    ret->pauses = gen->pauses;
    if (ret->pauses.count > 0)
        ret->pauses.longest_at -= gen->start_ns;
}
