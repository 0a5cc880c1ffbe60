/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_LOAD_GEN_INTERNAL_H
#define HX_LOAD_GEN_INTERNAL_H

#include <sys/queue.h>

#include "harness/load/gen.h"
#include "harness/load/response.h"
#include "sdk/base/clock.h"

/*
 * Inside the generator: gen.c (life, loop), pace.c (the plan against the clock), queue.c (requests
 * that wait), flight.c (a request's beginning and end, on every record), conn.c (sockets).
 *
 * Each address has a pool: its connections are in exactly one of the lists closed, idle, flying,
 * or are opening without a request. flying is in the order of intended instants.
 */

enum { HX_GEN_RECEIVE_BYTES = 64 * 1024, HX_GEN_BURST_MAX = 128 };

struct hx_waiting {
    struct hx_planned planned;
    uint64_t taken_ns; /* when the generator took it from the plan */
};

struct hx_queue { /* ring; grows by doubling up to max */
    struct hx_waiting *items;
    size_t cap;
    size_t head;
    size_t count;
    size_t max;
};

enum hx_conn_state {
    HX_CONN_CLOSED,
    HX_CONN_OPENING, /* with a request (busy) or ahead of one */
    HX_CONN_OPEN
};

struct hx_conn {
    TAILQ_ENTRY(hx_conn) links;
    struct hx_pool *pool;
    int fd;
    enum hx_conn_state state;
    bool ahead;              /* counted in opening */
    bool busy;               /* carries the request below; in the list flying */
    bool late;               /* that request had to wait for this connection */
    struct event *read_event;
    struct event *write_event;
    struct hx_response response;
    char *head;              /* hx_request_head_max() bytes */
    struct hx_rendered rendered;
    size_t written;          /* of head and body */
    struct hx_planned planned;
    uint64_t intended_ns;
    uint64_t taken_ns;
    uint64_t sent_ns;        /* 0: not yet */
    uint64_t seq;            /* ledger row; 0: none yet */
};

TAILQ_HEAD(hx_conn_list, hx_conn);

struct hx_pool {
    struct hx_gen *gen;
    const struct hx_address *address;
    struct hx_conn_list closed;
    struct hx_conn_list idle;
    struct hx_conn_list flying;
    struct hx_queue queue;
};

struct hx_gen {
    struct hx_gen_options options;
    struct hx_address *addresses;
    struct hx_pool *pools; /* one an address */
    struct hx_conn *conns;
    size_t conn_count;
    size_t opening;   /* while preparing */
    size_t connected;
    struct event_base *base;
    struct event *pace_event;
    struct event *second_event;
    struct event *pause_event;
    struct event *deadline_event;
    int timer_fd;
    char *received;   /* HX_GEN_RECEIVE_BYTES */
    struct otl_view body;
    /* the plan */
    struct hx_schedule plan;
    struct hx_planned next;
    bool have_next;
    bool ticking;     /* a fixed tick in place of each instant */
    uint64_t armed_ns;
    /* the run */
    bool preparing, started, finished, stopped, leaving, deadline_set;
    uint64_t start_ns;
    uint64_t end_ns;  /* of the measured time, shortened by stop */
    uint64_t finished_ns;
    uint64_t cpu_start_ns, cpu_end_ns;
    struct otl_detail fault;
    /* the record */
    struct hx_series *series;
    struct hx_hdr *own_lag;
    struct hx_hdr *lateness;
    struct hx_pauses pauses;
    uint64_t rotated_ns;
    uint64_t last_sent; /* of both phases, at the last rotation */
    struct hx_load_counts counts[HX_LOAD_PHASES];
    uint64_t in_flight, in_flight_max;
    uint64_t backlog, backlog_max;
    uint64_t connections_made;
};

static inline uint64_t hx_gen_now(void)
{
    return otl_clock_mono(otl_clock_real());
}

static inline enum hx_load_phase hx_phase_of(const struct hx_planned *planned)
{
    return planned->warmup ? HX_LOAD_WARM_UP : HX_LOAD_MEASURE;
}

/* queue.c. push: false = full or no memory. */
bool hx_queue_push(struct hx_queue *queue, const struct hx_waiting *waiting);
struct hx_waiting *hx_queue_front(struct hx_queue *queue); /* NULL: empty */
void hx_queue_pop(struct hx_queue *queue);
void hx_queue_fini(struct hx_queue *queue);

/* flight.c */
void hx_flight_begin(struct hx_conn *conn, const struct hx_waiting *waiting, bool late);
void hx_flight_sending(struct hx_conn *conn); /* right before its first byte goes out */
void hx_flight_answered(struct hx_conn *conn, uint64_t now_ns);
void hx_flight_failed(struct hx_conn *conn, enum hx_load_error error, uint64_t now_ns);
/* A request that never had a connection. */
void hx_flight_never(struct hx_gen *gen, const struct hx_planned *planned,
                     enum hx_load_error error, uint64_t now_ns);

/* conn.c */
void hx_conn_init(struct hx_conn *conn, struct hx_pool *pool, char *head);
void hx_conn_fini(struct hx_conn *conn);
/* Open ahead of a request. */
void hx_conn_prepare(struct hx_conn *conn);
/* Send the request over an idle or a closed connection; it may have ended when this returns. */
void hx_conn_carry(struct hx_conn *conn, const struct hx_waiting *waiting, bool late);
void hx_conn_close(struct hx_conn *conn);

/* pace.c */
OTEL_MUST_USE enum otel_err hx_pace_start(struct hx_gen *gen);
/* Hand on every request that is due, at most HX_GEN_BURST_MAX of them. */
void hx_pace_pump(struct hx_gen *gen);
/* Give waiting requests to connections that became free. */
void hx_pace_serve(struct hx_pool *pool);
void hx_pace_deadlines(struct hx_gen *gen);
void hx_pace_stop(struct hx_gen *gen);

/* gen.c: finish if everything has ended. */
void hx_gen_settle(struct hx_gen *gen);

#endif
