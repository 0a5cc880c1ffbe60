/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTEL_SDK_LOOP_H
#define OTEL_SDK_LOOP_H

#include <stdint.h>

#include <otel/err.h>

/*
 * Loop: what an exporter of your own waits with, so that it need not block: for a descriptor, for
 * a time, for another thread of yours.
 *
 * Use it when export_batch cannot be done at once (otel/sdk/exporter.h): begin, watch, return; call
 * done when the answer is there. An exporter that hands its batch to a thread of its own makes a
 * waker in start, and calls done from what it wakes. One that never waits needs none of this.
 *
 *     start        otel_sdk_watch_new(loop, socket, on_ready, mine, &mine->watch)
 *     export_batch send; otel_sdk_watch_start(mine->watch, OTEL_SDK_WATCH_READ, NO_DELAY)
 *     on_ready     read the answer; done(done_arg, &result)
 *     cancel       otel_sdk_watch_stop(mine->watch); done with OTEL_ERR_TIMEOUT
 *     free         otel_sdk_watch_free(mine->watch)
 *     forked       otel_sdk_watch_forked(mine->watch); start will make a new one
 *
 * Life      the loop is the processor's: it is there from start until free of the exporter, and
 *           runs on the thread that calls the exporter: the worker of a batch processor; under
 *           a simple one the thread that ends a span, only while an export is waited for.
 *           Whatever is made on it must be freed in free at the latest.
 * Threads   everything on that thread, from the exporter's operations or from what the loop calls,
 *           except otel_sdk_waker_wake(), which any may call.
 * Memory    one allocation for each; a waker has a descriptor too.
 * Limits    none but the process's descriptors.
 *
 * Nothing that the loop calls may block: exports and time limits of this processor wait meanwhile.
 */

#ifdef __cplusplus
extern "C" {
#endif

struct otel_sdk_loop;
struct otel_sdk_watch;
struct otel_sdk_waker;

/* What to wait for, and what came. */
enum {
    OTEL_SDK_WATCH_READ = 1,  /* the descriptor can be read: data, the end or an error */
    OTEL_SDK_WATCH_WRITE = 2, /* it can be written: room or an error */
    OTEL_SDK_WATCH_TIME = 4   /* the delay has passed; only came */
};

#define OTEL_SDK_WATCH_NO_DELAY UINT64_MAX

/* came: one or more of the above. The watch has stopped; start it again to go on. It may be freed
 * from here. */
typedef void otel_sdk_watch_fn(void *arg, unsigned came);

/* Waits for nothing yet. fd stays the caller's, to be closed after the watch was stopped; -1: for
 * time only. OTEL_ERR_ARGUMENT: loop or ready is NULL. OTEL_ERR_MEMORY. */
OTEL_API OTEL_MUST_USE enum otel_err otel_sdk_watch_new(struct otel_sdk_loop *loop, int fd,
                                                        otel_sdk_watch_fn *ready, void *arg,
                                                        struct otel_sdk_watch **ret);
/**
 * Wait for what (READ, WRITE, both, or 0) and for delay_ns of the monotonic clock, whichever comes
 * first; once. A watch that waits already waits for this instead.
 *
 * Returns OTEL_OK, or
 *   OTEL_ERR_ARGUMENT  nothing to wait for, an unknown bit, or READ or WRITE without a descriptor
 *   OTEL_ERR_IO        the descriptor is not open, or of a kind that is always ready (a file): do
 *                      without waiting
 *   OTEL_ERR_MEMORY    none to wait with; it may be there later
 */
OTEL_API OTEL_MUST_USE enum otel_err otel_sdk_watch_start(struct otel_sdk_watch *watch,
                                                          unsigned what, uint64_t delay_ns);
/* Wait no more: ready is not called. NULL is allowed, as in the next two. */
OTEL_API void otel_sdk_watch_stop(struct otel_sdk_watch *watch);
OTEL_API void otel_sdk_watch_free(struct otel_sdk_watch *watch);
/* Instead of free, from forked: gives the memory back and touches nothing of the parent's. */
OTEL_API void otel_sdk_watch_forked(struct otel_sdk_watch *watch);

/* woken is called on the loop's thread after one or more wakes. OTEL_ERR_ARGUMENT: loop or woken
 * is NULL. OTEL_ERR_MEMORY. OTEL_ERR_IO: no descriptor. */
typedef void otel_sdk_woken_fn(void *arg);
OTEL_API OTEL_MUST_USE enum otel_err otel_sdk_waker_new(struct otel_sdk_loop *loop,
                                                        otel_sdk_woken_fn *woken, void *arg,
                                                        struct otel_sdk_waker **ret);
/* From any thread, also from a signal handler, as long as the waker is there; never blocks. What
 * the caller wrote before is seen by woken. */
OTEL_API void otel_sdk_waker_wake(struct otel_sdk_waker *waker);
/* No wake may come any more: end your threads first. NULL is allowed, as in forked. */
OTEL_API void otel_sdk_waker_free(struct otel_sdk_waker *waker);
OTEL_API void otel_sdk_waker_forked(struct otel_sdk_waker *waker);

#ifdef __cplusplus
}
#endif
#endif
