/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_LOOP_H
#define OTL_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include <otel/err.h>

/*
 * Event loop of one worker: a libevent base without locks, and one descriptor to wake it.
 *
 * A library apart (it needs libevent_core), so that the rest of base stays free of it.
 *
 * Life      new -> run... -> free. forked() in a child of a fork forgets everything inherited.
 * Threads   everything on one thread at a time, except otl_loop_wake(), which any may call.
 * Memory    one base, one eventfd. In the child of a fork the base's memory stays behind: libevent
 *           offers no way to let go of it without touching the parent's. Its descriptors are
 *           closed, unless other threads opened some of the same kind when the loop was made.
 *
 * No global libevent setting is touched: no locking callbacks, no allocator, no log callback.
 */

struct event_base;
struct otel_sdk_loop;

typedef void otl_loop_wake_fn(void *arg);

/* on_wake runs on the loop's thread after one or more wakes. OTEL_ERR_MEMORY, OTEL_ERR_IO. */
OTEL_MUST_USE enum otel_err otl_loop_new(otl_loop_wake_fn *on_wake, void *arg,
                                         struct otel_sdk_loop **ret);
void otl_loop_free(struct otel_sdk_loop *loop);
/* In a child: close the inherited descriptors, abandon the base, free nothing of libevent. */
void otl_loop_forked(struct otel_sdk_loop *loop);

struct event_base *otl_loop_base(struct otel_sdk_loop *loop);
void otl_loop_wake(struct otel_sdk_loop *loop);
/* Handle events, sleeping until there is one, until otl_loop_stop() is called from a callback. */
void otl_loop_run(struct otel_sdk_loop *loop);
/* Handle events until *done is true (set by a callback) or CLOCK_MONOTONIC reaches the deadline;
 * UINT64_MAX: none. Returns *done. */
bool otl_loop_run_until(struct otel_sdk_loop *loop, const bool *done, uint64_t deadline_mono_ns);
void otl_loop_stop(struct otel_sdk_loop *loop);

#endif
