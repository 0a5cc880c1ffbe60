/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_FAULTS_FAULTS_H
#define COL_FAULTS_FAULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector-mock/faults/fault.h"
#include "collector-mock/telemetry/metrics.h"
#include "sdk/base/clock.h"
#include "sdk/base/detail.h"
#include "sdk/base/log.h"

/*
 * Faults: a layer between the receivers' sockets and the pipelines that misbehaves on command.
 *
 * A request that has been recorded in the tap is shown to it, and a connection that was accepted;
 * the first fault under way, in the order in which they began, whose draw hits it decides. Faults
 * with a count are a queue so: the first two answers, then what the next fault does. Not for what
 * the pipeline itself refuses (memory_limiter).
 *
 * Life      new -> receivers attach -> begin... (each ends by its time or by end_all) -> free,
 *           after end_all; receivers may be gone by then.
 * Threads   that of the event loop.
 * Memory    requests that are held back stay with their receiver; at most COL_FAULTS_HELD_MAX of
 *           them, further ones are answered at once and counted (not_held).
 * Limits    COL_FAULTS_MAX faults in a life.
 *
 * What each did is counted in /metrics, written to the log of faults (record.h: a line when it
 * begins, for each request or connection that it hits, and when it is over), and told when it ends.
 */

struct event_base;
struct col_faults;

enum { COL_FAULTS_MAX = 256, COL_FAULTS_HELD_MAX = 10000 };

/* What a fault has done, told when it ends. */
struct col_fault_deeds {
    uint64_t began_mono_ns;
    uint64_t ended_mono_ns;
    uint64_t requests;
    uint64_t spans;
    uint64_t connections; /* reset, or hit when they were accepted */
    uint64_t dropped;     /* of the requests: kept until its end, and never answered */
};

struct col_faults_options {
    struct event_base *base;
    const struct otl_clock *clock;
    struct col_metrics *metrics;
    const struct otl_log *log;
    const char *record;   /* file for the log of faults; NULL: none */
};

/* OTEL_ERR_IO: the record cannot be opened. OTEL_ERR_MEMORY. */
OTEL_MUST_USE enum otel_err col_faults_new(const struct col_faults_options *options,
                                           struct col_faults **ret, struct otl_detail *reterr);
void col_faults_free(struct col_faults *faults);

/* ended is called once when the fault is over; it may be NULL. OTEL_ERR_ARGUMENT: values that do
 * not belong together; OTEL_ERR_LIMIT: too many; OTEL_ERR_MEMORY. */
typedef void col_fault_ended_fn(void *arg, const struct col_fault_plan *fault,
                                const struct col_fault_deeds *deeds);
void col_faults_on_end(struct col_faults *faults, col_fault_ended_fn *ended, void *arg);
OTEL_MUST_USE enum otel_err col_faults_begin(struct col_faults *faults,
                                             const struct col_fault_plan *fault,
                                             struct otl_detail *reterr);
/* Those with this id that are under way are over, and what they, or such a delay that was over
 * before, still hold back is answered now: on command the fault is gone. (One whose time or count
 * is over lets what it has delayed come as late as was drawn.) False: there is none. */
bool col_faults_end(struct col_faults *faults, uint32_t id);
/* All are over: what was delayed is answered, what was stalled is dropped, sockets listen again. */
void col_faults_end_all(struct col_faults *faults);

/* ---- for receivers -------------------------------------------------------------------------- */

/* What a receiver's listener can be made to do. */
struct col_fault_socket {
    void *arg;
    /* Stop or begin again to listen; returns the connections that were ended (reset; in_order:
     * when what is in hand is answered), negative: it cannot. col_faults_ended_connection() is told
     * of each. */
    int64_t (*refuse)(void *arg, bool refuse, bool in_order, struct otl_detail *reterr);
    /* Show col_faults_strike_connection() the open connections too. NULL: there is nothing. */
    void (*meet)(void *arg);
    /* Connections that are not read, or slowly, are from now on. NULL: there are none ever. */
    void (*thaw)(void *arg);
    /* The other certificate, for those that a fault hits. OTEL_ERR_UNSUPPORTED: no TLS is spoken
     * here. NULL: likewise. */
    enum otel_err (*certificate)(void *arg, const char *cert_file, const char *key_file,
                                 struct otl_detail *reterr);
};

OTEL_MUST_USE enum otel_err col_faults_attach(struct col_faults *faults,
                                              const struct col_fault_socket *socket);
void col_faults_detach(struct col_faults *faults, const void *arg);

struct col_fault_request { /* what the record says of it */
    uint64_t connection, number, spans;
    const char *exporter; /* whose write was hit, instead of a request; or NULL */
};

/* The fault that hits this request, or NULL; it lasts as long as faults. *ret_delay_ns (may be
 * NULL): how late a delay wants the answer, drawn now. faults NULL: none ever. */
const struct col_fault_plan *col_faults_strike(struct col_faults *faults,
                                               const struct col_fault_request *request,
                                               uint64_t *ret_delay_ns);
/* clock_skew, and disk_full if it is the tap's: what hits before the request is in the tap, where
 * a full disk leaves none. */
const struct col_fault_plan *col_faults_strike_early(struct col_faults *faults, bool disk,
                                                     const struct col_fault_request *request);
/* Whether disk_full hits this write of a file exporter. faults NULL: none ever. */
bool col_faults_strike_write(struct col_faults *faults, const char *exporter, uint64_t spans);
/* The fault that hits a new connection; open: an open one, which slow_read alone can; secure: it
 * speaks TLS. */
const struct col_fault_plan *col_faults_strike_connection(struct col_faults *faults,
                                                          uint64_t connection, bool open,
                                                          bool secure);

/* From within refuse(): this connection has been ended. faults NULL: nothing. */
void col_faults_ended_connection(struct col_faults *faults, uint64_t connection);

/* Keep a request that strike() gave to a delay (of so much), a stall or a half-open connection:
 * release is called once, from the loop, with answer true (send it now) or false (never answer:
 * drop the connection). False: it cannot be kept, or its delay was ended on command. */
typedef void col_faults_release_fn(void *arg, bool answer);
bool col_faults_hold(struct col_faults *faults, const struct col_fault_plan *fault,
                     uint64_t delay_ns, col_faults_release_fn *release, void *arg);

#endif
