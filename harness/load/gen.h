/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_LOAD_GEN_H
#define HX_LOAD_GEN_H

#include <stdbool.h>
#include <stdint.h>

#include <event2/event.h>
#include <otel/err.h>

#include "harness/ledger/writer.h"
#include "harness/load/schedule.h"
#include "harness/load/request.h"
#include "harness/load/series.h"
#include "harness/load/target.h"
#include "harness/load/totals.h"
#include "sdk/base/detail.h"

/*
 * Open-loop load generator: sends each request of a plan when it is due, whatever became of the
 * ones before, and measures from the intended instant.
 *
 * Not a browser: no redirects, no cookies, no pipelining, no retries (a request goes out once, or
 * not at all), plain HTTP/1.1.
 *
 * Life      new -> prepare (opens connections; ready) -> start -> run until finished -> totals ->
 *           free. stop ends the plan early; what is in flight is still awaited.
 * Threads   one: that of run(), which also runs the callbacks.
 * Memory    options are copied; template, plan and ledger writer are borrowed until free.
 * Limits    connections bounds sockets, queue_max the requests that wait for one. When all
 *           connections are busy a due request waits with its intended instant (delayed); when
 *           the queue is full it is dropped and counted. It never becomes a closed loop.
 *
 * Each planned request ends exactly once: answered, or under one of HX_LOAD_ERRORS. With a ledger
 * it is a HX_LED_LOAD row at its sending and a HX_LED_LOAD_CLOSE row at its end.
 *
 * With several addresses (replicas) the n-th request goes to address n mod count.
 */

enum hx_pacer {
    HX_PACER_AUTO, /* a timer for each instant up to 5,000/s, a 0.2 ms tick above */
    HX_PACER_SPIN  /* no timer: a whole core for accuracy below a microsecond */
};

struct hx_gen;

struct hx_load_progress { /* the last second */
    enum hx_load_phase phase;
    double elapsed_s;
    double rate_asked;
    double rate_achieved;
    uint64_t in_flight;
    uint64_t backlog;
    uint64_t p50_ns;
    uint64_t p99_ns;
    uint64_t requests; /* so far */
    uint64_t errors;   /* so far */
};

struct hx_gen_callbacks { /* each may be NULL */
    void (*ready)(void *state);
    void (*progress)(void *state, const struct hx_load_progress *progress);
    void (*finished)(void *state); /* totals may be asked from here on */
    void (*fault)(void *state, const struct otl_detail *detail); /* run() returns after it */
    void *state;
};

struct hx_gen_options {
    struct hx_schedule_options plan;
    const struct hx_request_template *request;
    const struct hx_address *addresses;
    size_t address_count;
    unsigned connections; /* of all addresses together; at least one each */
    uint64_t timeout_ns;  /* of a request, from its intended instant */
    size_t queue_max;     /* init: 65536 for each address */
    enum hx_pacer pacer;
    const char *hdr_dir;          /* NULL: no logs */
    struct hx_led_writer *ledger; /* NULL: no rows */
    struct event_base *base;      /* from hx_gen_base_new(), borrowed; NULL: one of its own */
    uint32_t op;                  /* for the ledger */
    struct hx_gen_callbacks callbacks;
};

enum { HX_GEN_CONNECTIONS_MAX = 60000, HX_GEN_QUEUE_DEFAULT = 65536 };

void hx_gen_options_init(struct hx_gen_options *options);

/* Raise the process's soft limit of open files so that so many connections fit. OTEL_ERR_LIMIT: the
 * hard limit is lower, with *reterr filled. For programs; hx_gen_new() does not touch it. */
OTEL_MUST_USE enum otel_err hx_gen_allow_connections(unsigned connections,
                                                     struct otl_detail *reterr);

/* An event base that suits the generator; event_base_free(). NULL: no memory. */
struct event_base *hx_gen_base_new(void);

/* OTEL_ERR_ARGUMENT, OTEL_ERR_MEMORY, OTEL_ERR_IO, each with *reterr filled. */
OTEL_MUST_USE enum otel_err hx_gen_new(const struct hx_gen_options *options, struct hx_gen **ret,
                                       struct otl_detail *reterr);
void hx_gen_free(struct hx_gen *gen);
/* For events of the caller's, to be freed before the generator. */
struct event_base *hx_gen_base(struct hx_gen *gen);

/* Open the connections; ready is called when each is made or has failed. */
void hx_gen_prepare(struct hx_gen *gen);
/* Connections that stand now. */
size_t hx_gen_connected(const struct hx_gen *gen);
/* The plan's instant 0 is now. OTEL_ERR_IO: the logs or the timer could not be made. */
OTEL_MUST_USE enum otel_err hx_gen_start(struct hx_gen *gen, struct otl_detail *reterr);
bool hx_gen_started(const struct hx_gen *gen);
/* No further request; finished follows when those in flight ended. */
void hx_gen_stop(struct hx_gen *gen);
/* Run the loop until hx_gen_leave(). */
void hx_gen_run(struct hx_gen *gen);
/* Make run() return. */
void hx_gen_leave(struct hx_gen *gen);

/* After finished. Borrowed pointers in *ret live until free. */
void hx_gen_totals(const struct hx_gen *gen, struct hx_load_totals *ret);

#endif
