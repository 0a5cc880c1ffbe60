/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/faults/faults.h"

#include <inttypes.h>
#include <stdio.h>

#include <event2/event.h>

#include "collector-mock/faults/record.h"
#include "sdk/base/mem.h"
#include "sdk/base/random.h"

enum { SOCKETS_MAX = 64 };

struct running {
    struct col_fault_plan fault;
    struct col_fault_deeds deeds;
    struct otl_random random;
    struct col_faults *owner;
    struct event *end; /* NULL: it has no time */
    bool spent; /* it has hit as often as it may */
    bool over;
    bool ended; /* on command: what it delayed is no longer late */
};

struct held {
    struct col_faults *owner;
    struct held *next, *previous;
    const struct running *by;
    struct event *timer; /* NULL: a stall */
    uint64_t due_ns;
    col_faults_release_fn *release;
    void *arg;
};

struct col_faults {
    struct col_faults_options options;
    struct col_fault_record record;
    struct running *running[COL_FAULTS_MAX]; /* in the order of their beginning */
    size_t count;
    struct held *held;
    size_t held_count;
    bool all_over; /* by end_all, and none has begun since */
    struct col_fault_socket sockets[SOCKETS_MAX];
    size_t socket_count;
    struct running *ending; /* whose beginning ends connections just now; or NULL */
    col_fault_ended_fn *ended;
    void *ended_arg;
    uint64_t *begun[COL_FAULT_KINDS], *ended_count[COL_FAULT_KINDS];
    uint64_t *requests[COL_FAULT_KINDS], *spans[COL_FAULT_KINDS], *hit_connections[COL_FAULT_KINDS];
    uint64_t *delayed_ns, *not_held, *active, *held_gauge, *connections;
};

/* ---- what is told --------------------------------------------------------------------------- */

/* The counter of each kind; false: there is no room. */
static bool register_kinds(struct col_faults *faults, uint64_t *counters[COL_FAULT_KINDS],
                           const char *name, const char *help)
{
    char labels[64];

    for (unsigned i = 0; i < COL_FAULT_KINDS; i++) {
        snprintf(labels, sizeof(labels), "fault=\"%s\"", col_fault_words[i]);
        counters[i] = col_metrics_counter(faults->options.metrics, name, labels, help);
        if (counters[i] == NULL)
            return false;
    }
    return true;
}

static bool register_counters(struct col_faults *faults)
{
    struct col_metrics *metrics = faults->options.metrics;
    bool ok = register_kinds(faults, faults->begun, "collector_mock_faults_begun",
                             "Faults on command that have begun.") &&
              register_kinds(faults, faults->ended_count, "collector_mock_faults_ended",
                             "Faults on command that are over.") &&
              register_kinds(faults, faults->requests, "collector_mock_fault_requests",
                             "Requests that a fault on command has hit.") &&
              register_kinds(faults, faults->spans, "collector_mock_fault_spans",
                             "Spans of requests that a fault has hit.") &&
              register_kinds(faults, faults->hit_connections,
                             "collector_mock_fault_hit_connections",
                             "Connections that a fault on command has hit, or ended.");

    faults->delayed_ns = col_metrics_counter(metrics, "collector_mock_fault_delay_ns", "",
                                             "Drawn for answers that are late on command, in all.");
    faults->connections = col_metrics_counter(metrics, "collector_mock_fault_connections", "",
                                              "Connections reset by a fault.");
    faults->not_held = col_metrics_counter(metrics, "collector_mock_fault_not_held", "",
                                           "Requests answered at once: too many were held.");
    faults->active = col_metrics_gauge(metrics, "collector_mock_faults_active", "",
                                       "Faults under way.");
    faults->held_gauge = col_metrics_gauge(metrics, "collector_mock_fault_held", "",
                                           "Requests whose answer is held back.");
    return ok && faults->delayed_ns && faults->connections && faults->not_held && faults->active &&
           faults->held_gauge;
}

/* ---- life ----------------------------------------------------------------------------------- */

enum otel_err col_faults_new(const struct col_faults_options *options, struct col_faults **ret,
                             struct otl_detail *reterr)
{
    struct col_faults *faults = otl_mem_zalloc(sizeof(*faults));
    enum otel_err err;

    if (faults == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    faults->options = *options;
    err = col_fault_record_open(&faults->record, options, reterr);
    if (err == OTEL_OK && !register_counters(faults))
        err = otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    if (err != OTEL_OK) {
        col_fault_record_close(&faults->record);
        otl_mem_free(faults);
        return err;
    }
    *ret = faults;
    return OTEL_OK;
}

void col_faults_free(struct col_faults *faults)
{
    if (faults == NULL)
        return;
    faults->socket_count = 0;
    col_faults_end_all(faults);
    for (size_t i = 0; i < faults->count; i++)
        otl_mem_free(faults->running[i]);
    col_fault_record_close(&faults->record);
    otl_mem_free(faults);
}

void col_faults_on_end(struct col_faults *faults, col_fault_ended_fn *ended, void *arg)
{
    faults->ended = ended;
    faults->ended_arg = arg;
}

/* ---- sockets -------------------------------------------------------------------------------- */

enum otel_err col_faults_attach(struct col_faults *faults, const struct col_fault_socket *socket)
{
    if (faults == NULL)
        return OTEL_OK;
    if (faults->socket_count == SOCKETS_MAX)
        return OTEL_ERR_LIMIT;
    faults->sockets[faults->socket_count++] = *socket;
    return OTEL_OK;
}

void col_faults_detach(struct col_faults *faults, const void *arg)
{
    for (size_t i = 0; faults != NULL && i < faults->socket_count; i++)
        if (faults->sockets[i].arg == arg)
            faults->sockets[i--] = faults->sockets[--faults->socket_count];
}

static bool is_refusal(enum col_fault_kind kind)
{
    return kind == COL_FAULT_REFUSE || kind == COL_FAULT_RESTART;
}

static bool someone_refuses(const struct col_faults *faults)
{
    for (size_t i = 0; i < faults->count; i++)
        if (!faults->running[i]->over && is_refusal(faults->running[i]->fault.kind))
            return true;
    return false;
}

static enum otel_err set_refusing(struct col_faults *faults, bool refuse, struct running *by,
                                  struct otl_detail *reterr)
{
    enum otel_err err = OTEL_OK;

    faults->ending = by;
    for (size_t i = 0; i < faults->socket_count; i++) {
        int64_t reset = faults->sockets[i].refuse(
            faults->sockets[i].arg, refuse, by->fault.kind == COL_FAULT_RESTART, reterr);
        if (reset < 0) {
            err = OTEL_ERR_IO;
        } else {
            by->deeds.connections += (uint64_t)reset;
            *faults->connections += (uint64_t)reset;
        }
    }
    faults->ending = NULL;
    return err;
}

void col_faults_ended_connection(struct col_faults *faults, uint64_t connection)
{
    const struct col_fault_request ended = {.connection = connection};

    if (faults == NULL || faults->ending == NULL)
        return;
    ++*faults->hit_connections[faults->ending->fault.kind];
    col_fault_record_hit(&faults->record, &faults->ending->fault, &ended, 0);
}

static void thaw(const struct col_faults *faults)
{
    for (size_t i = 0; i < faults->socket_count; i++)
        if (faults->sockets[i].thaw != NULL)
            faults->sockets[i].thaw(faults->sockets[i].arg);
}

/* What a fault on sockets needs when it begins. */
static enum otel_err prepare(struct col_faults *faults, struct running *by,
                             struct otl_detail *reterr)
{
    const struct col_fault_plan *fault = &by->fault;
    bool secure = false;

    if (is_refusal(fault->kind))
        return set_refusing(faults, true, by, reterr);
    for (size_t i = 0; i < faults->socket_count; i++) {
        const struct col_fault_socket *socket = &faults->sockets[i];
        enum otel_err err = OTEL_ERR_UNSUPPORTED;
        if (fault->kind == COL_FAULT_SLOW_READ && socket->meet != NULL)
            socket->meet(socket->arg);
        if (fault->kind == COL_FAULT_TLS_CERTIFICATE && socket->certificate != NULL)
            err = socket->certificate(socket->arg, fault->cert_file, fault->key_file, reterr);
        if (err != OTEL_OK && err != OTEL_ERR_UNSUPPORTED)
            return err;
        secure |= err == OTEL_OK;
    }
    if (fault->kind == COL_FAULT_TLS_CERTIFICATE && !secure)
        return otl_detail_set(reterr, OTEL_ERR_UNSUPPORTED, NULL, 0, 0,
                              "no receiver speaks TLS: there is no certificate to exchange");
    return OTEL_OK;
}

/* ---- held requests -------------------------------------------------------------------------- */

static void let_go(struct held *held, bool answer)
{
    struct col_faults *faults = held->owner;

    if (held->previous != NULL)
        held->previous->next = held->next;
    else
        faults->held = held->next;
    if (held->next != NULL)
        held->next->previous = held->previous;
    *faults->held_gauge = --faults->held_count;
    if (held->timer != NULL)
        event_free(held->timer);
    held->release(held->arg, answer);
    otl_mem_free(held);
}

static struct timeval to_timeval(uint64_t ns)
{
    struct timeval time = {(time_t)(ns / OTL_NS_PER_S),
                           (suseconds_t)(ns % OTL_NS_PER_S / OTL_NS_PER_US)};

    return time;
}

/* The loop's clock stands still while it works, so that a timer may ring too early: never late by
 * less than asked for. */
static void on_late(evutil_socket_t fd, short what, void *arg)
{
    struct held *held = arg;
    uint64_t now_ns = otl_clock_mono(held->owner->options.clock);
    struct timeval rest;

    (void)fd;
    (void)what;
    if (now_ns < held->due_ns) {
        rest = to_timeval(held->due_ns - now_ns + OTL_NS_PER_US);
        if (evtimer_add(held->timer, &rest) == 0)
            return;
    }
    let_go(held, true);
}

static uint64_t draw_delay(struct running *by)
{
    const struct col_fault_plan *fault = &by->fault;
    double mean = (double)fault->delay_ns;
    double most = fault->delay_max_ns != 0 ? (double)fault->delay_max_ns : 3600.0 * OTL_NS_PER_S;
    double drawn = mean;

    if (fault->kind != COL_FAULT_DELAY)
        return 0;
    if (fault->law == COL_DELAY_FIXED)
        return fault->delay_ns;
    if (fault->law == COL_DELAY_UNIFORM)
        drawn = mean + (most - mean) * otl_random_unit(&by->random);
    else
        drawn = mean * otl_random_exponential(&by->random);
    return (uint64_t)(drawn < most ? drawn : most);
}

static bool not_held(struct col_faults *faults, const struct col_fault_plan *fault)
{
    ++*faults->not_held;
    col_fault_record_not_held(&faults->record, fault);
    return false;
}

bool col_faults_hold(struct col_faults *faults, const struct col_fault_plan *fault,
                     uint64_t delay_ns, col_faults_release_fn *release, void *arg)
{
    struct running *by = (struct running *)(uintptr_t)(const void *)fault; /* its first member */
    struct timeval delay = to_timeval(delay_ns);
    struct held *held =
        faults->held_count < COL_FAULTS_HELD_MAX ? otl_mem_zalloc(sizeof(*held)) : NULL;

    if (by->ended && fault->kind == COL_FAULT_DELAY) {
        otl_mem_free(held);
        return false;
    }
    /* A delay that is over was drawn before. */
    if (held == NULL || faults->all_over || (by->over && fault->kind != COL_FAULT_DELAY)) {
        otl_mem_free(held);
        return not_held(faults, fault);
    }
    if (fault->kind == COL_FAULT_DELAY) {
        /* From now, not from when this turn of the loop began. */
        (void)event_base_update_cache_time(faults->options.base);
        held->timer = evtimer_new(faults->options.base, on_late, held);
        if (held->timer == NULL || evtimer_add(held->timer, &delay) != 0) {
            if (held->timer != NULL)
                event_free(held->timer);
            otl_mem_free(held);
            return not_held(faults, fault);
        }
    }
    *held = (struct held){.owner = faults,
                          .next = faults->held,
                          .by = by,
                          .timer = held->timer,
                          .due_ns = otl_clock_mono(faults->options.clock) + delay_ns,
                          .release = release,
                          .arg = arg};
    if (held->next != NULL)
        held->next->previous = held;
    faults->held = held;
    *faults->held_gauge = ++faults->held_count;
    return true;
}

/* ---- begin, strike, end --------------------------------------------------------------------- */

static void end(struct running *by)
{
    struct col_faults *faults = by->owner;
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct held *next;

    if (by->over)
        return;
    by->over = true;
    by->deeds.ended_mono_ns = otl_clock_mono(faults->options.clock);
    if (by->end != NULL)
        event_free(by->end);
    by->end = NULL;
    --*faults->active;
    ++*faults->ended_count[by->fault.kind];
    if (by->fault.kind == COL_FAULT_ACCEPT_STALL || by->fault.kind == COL_FAULT_SLOW_READ)
        thaw(faults);
    if (is_refusal(by->fault.kind) && !someone_refuses(faults) &&
        set_refusing(faults, false, by, &detail) != OTEL_OK)
        otl_log_line(faults->options.log, OTL_LOG_ERROR, "cannot listen again: %s", detail.text);
    /* What is only late still comes late, unless release() follows. */
    for (struct held *held = faults->held; held != NULL; held = next) {
        next = held->next;
        if (held->by == by && by->fault.kind != COL_FAULT_DELAY) {
            by->deeds.dropped++;
            let_go(held, false);
        }
    }
    otl_log_line(faults->options.log, OTL_LOG_INFO,
                 "fault %" PRIu32 " (%s) is over: %" PRIu64 " requests, %" PRIu64
                 " connections reset",
                 by->fault.id, col_fault_word(by->fault.kind), by->deeds.requests,
                 by->deeds.connections);
    col_fault_record_end(&faults->record, &by->fault, &by->deeds);
    if (faults->ended != NULL)
        faults->ended(faults->ended_arg, &by->fault, &by->deeds);
}

static void on_end(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    end(arg);
}

static enum otel_err check(const struct col_faults *faults, const struct col_fault_plan *fault,
                           struct otl_detail *reterr)
{
    if (faults->count == COL_FAULTS_MAX)
        return otl_detail_set(reterr, OTEL_ERR_LIMIT, NULL, 0, 0, "more than %d faults",
                              COL_FAULTS_MAX);
    if (fault->kind == COL_FAULT_STATUS && !(fault->status == 0 && fault->code != 0) &&
        (fault->status < 400 || fault->status > 599))
        return otl_detail_set(reterr, OTEL_ERR_ARGUMENT, NULL, 0, 0,
                              "the status of a fault must be from 400 to 599, found %u",
                              fault->status);
    if (fault->kind == COL_FAULT_DELAY && fault->delay_ns == 0)
        return otl_detail_set(reterr, OTEL_ERR_ARGUMENT, NULL, 0, 0, "a delay must be above 0");
    if (!(fault->probability >= 0 && fault->probability <= 1))
        return otl_detail_set(reterr, OTEL_ERR_ARGUMENT, NULL, 0, 0,
                              "the probability of a fault must be from 0 to 1");
    return OTEL_OK;
}

enum otel_err col_faults_begin(struct col_faults *faults, const struct col_fault_plan *fault,
                               struct otl_detail *reterr)
{
    struct timeval length = to_timeval(fault->for_ns);
    enum otel_err err = check(faults, fault, reterr);
    struct running *by = err == OTEL_OK ? otl_mem_zalloc(sizeof(*by)) : NULL;

    if (err != OTEL_OK)
        return err;
    if (by == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    by->fault = *fault;
    by->owner = faults;
    by->deeds.began_mono_ns = otl_clock_mono(faults->options.clock);
    otl_random_seed(&by->random, fault->seed);
    if (fault->for_ns != 0) {
        by->end = evtimer_new(faults->options.base, on_end, by);
        if (by->end == NULL || evtimer_add(by->end, &length) != 0) {
            if (by->end != NULL)
                event_free(by->end);
            otl_mem_free(by);
            return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
        }
    }
    faults->running[faults->count++] = by;
    faults->all_over = false;
    ++*faults->active;
    ++*faults->begun[fault->kind];
    col_fault_record_begin(&faults->record, &by->fault, by->deeds.began_mono_ns);
    otl_log_line(faults->options.log, OTL_LOG_INFO, "fault %" PRIu32 " (%s) begins", fault->id,
                 col_fault_word(fault->kind));
    err = prepare(faults, by, reterr);
    if (err != OTEL_OK && !is_refusal(fault->kind))
        end(by);
    return err;
}

/* ---- strikes -------------------------------------------------------------------------------- */

/* It has hit as often as it may: over, as soon as nobody holds what it has decided; one that keeps
 * something goes on until its time. */
static void spend(struct running *by)
{
    static const struct timeval now = {0, 0};
    uint64_t hits = by->deeds.requests + by->deeds.connections;

    if (by->fault.count == 0 || hits < by->fault.count)
        return;
    by->spent = true;
    if (by->fault.kind == COL_FAULT_STALL || by->fault.kind == COL_FAULT_HALF_OPEN ||
        by->fault.kind == COL_FAULT_ACCEPT_STALL || by->fault.kind == COL_FAULT_SLOW_READ)
        return;
    if (by->end == NULL)
        by->end = evtimer_new(by->owner->options.base, on_end, by);
    if (by->end != NULL)
        evtimer_add(by->end, &now);
}

enum target { REQUEST = 1, EARLY = 2, CONNECTION = 4, HANDSHAKE = 8, OPEN = 16, DISK = 32 };

/* Where a fault of this kind can hit, bits. */
static unsigned targets_of(enum col_fault_kind kind)
{
    if (kind == COL_FAULT_SLOW_READ)
        return CONNECTION | OPEN;
    if (kind == COL_FAULT_ACCEPT_STALL)
        return CONNECTION;
    if (col_fault_on_connections(kind))
        return HANDSHAKE;
    if (kind == COL_FAULT_DISK_FULL)
        return DISK;
    return kind == COL_FAULT_CLOCK_SKEW ? EARLY : REQUEST;
}

static const struct col_fault_plan *strike(struct col_faults *faults, unsigned targets,
                                           const struct col_fault_request *request,
                                           uint64_t *ret_delay_ns)
{
    uint64_t delay_ns;

    for (size_t i = 0; faults != NULL && i < faults->count; i++) {
        struct running *by = faults->running[i];
        if (by->over || by->spent || is_refusal(by->fault.kind) ||
            (targets_of(by->fault.kind) & targets) == 0 ||
            otl_random_unit(&by->random) >= by->fault.probability)
            continue;
        if ((targets & (REQUEST | EARLY | DISK)) == 0) {
            by->deeds.connections++;
            ++*faults->hit_connections[by->fault.kind];
        } else {
            by->deeds.requests++;
            by->deeds.spans += request->spans;
            ++*faults->requests[by->fault.kind];
            *faults->spans[by->fault.kind] += request->spans;
        }
        delay_ns = draw_delay(by);
        *faults->delayed_ns += delay_ns;
        if (ret_delay_ns != NULL)
            *ret_delay_ns = delay_ns;
        col_fault_record_hit(&faults->record, &by->fault, request, delay_ns);
        spend(by);
        return &by->fault;
    }
    return NULL;
}

const struct col_fault_plan *col_faults_strike(struct col_faults *faults,
                                               const struct col_fault_request *request,
                                               uint64_t *ret_delay_ns)
{
    return strike(faults, REQUEST, request, ret_delay_ns);
}

const struct col_fault_plan *col_faults_strike_early(struct col_faults *faults, bool disk,
                                                     const struct col_fault_request *request)
{
    return strike(faults, EARLY | (disk ? DISK : 0u), request, NULL);
}

bool col_faults_strike_write(struct col_faults *faults, const char *exporter, uint64_t spans)
{
    const struct col_fault_request write = {.spans = spans, .exporter = exporter};

    return strike(faults, DISK, &write, NULL) != NULL;
}

const struct col_fault_plan *col_faults_strike_connection(struct col_faults *faults,
                                                          uint64_t connection, bool open,
                                                          bool secure)
{
    unsigned targets = open ? OPEN : CONNECTION | (secure ? HANDSHAKE : 0u);

    return strike(faults, targets, &(struct col_fault_request){.connection = connection}, NULL);
}

/* What it has delayed and holds is answered now; how many that were. */
static uint64_t release(struct col_faults *faults, struct running *by)
{
    uint64_t released = 0;
    struct held *next;

    by->ended = true;
    for (struct held *held = faults->held; held != NULL; held = next) {
        next = held->next;
        if (held->by != by)
            continue;
        released++;
        let_go(held, true);
    }
    if (released > 0)
        col_fault_record_released(&faults->record, &by->fault, released);
    return released;
}

bool col_faults_end(struct col_faults *faults, uint32_t id)
{
    bool found = false;

    for (size_t i = 0; i < faults->count; i++) {
        struct running *by = faults->running[i];
        if (by->fault.id != id || by->ended)
            continue;
        found |= !by->over;
        end(by);
        found |= release(faults, by) > 0;
    }
    return found;
}

void col_faults_end_all(struct col_faults *faults)
{
    if (faults == NULL)
        return;
    faults->all_over = true;
    for (size_t i = 0; i < faults->count; i++)
        end(faults->running[i]);
    while (faults->held != NULL)
        let_go(faults->held, true);
}
