/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_TOPOLOGY_CHILD_H
#define HX_TOPOLOGY_CHILD_H

#include <stdbool.h>

#include <jansson.h>
#include <otel/err.h>

#include "sdk/base/detail.h"

/*
 * The child's end of the control protocol (control.h), on a libevent loop.
 *
 * Life      hx_child_new() -> commands arrive, events are sent -> hx_child_free().
 * Threads   the loop's.
 * Memory    a command's message is borrowed during the handler; a sent message is consumed.
 * Limits    a line over HX_CONTROL_LINE_MAX, or one that is no JSON object with "do", counts as
 *           the loss of the other side.
 *
 * When the other side is gone the lost handler runs once and nothing is sent any more.
 */

struct event_base;
struct hx_child;

struct hx_child_handlers {
    /* verb is the value of "do". */
    void (*command)(void *arg, const char *verb, const json_t *message);
    void (*lost)(void *arg);
    void *arg;
};

/* The descriptor named by TRACERIG_CONTROL_FD, made close-on-exec; -1 if the variable is not set
 * or names no open descriptor. */
int hx_child_fd(void);

/* fd is consumed, also on failure. OTEL_ERR_MEMORY. */
OTEL_MUST_USE enum otel_err hx_child_new(struct event_base *base, int fd,
                                         const struct hx_child_handlers *handlers,
                                         struct hx_child **ret);
void hx_child_free(struct hx_child *child);

/* Queue one line. child NULL (no control connection) and message NULL (no memory) are allowed and
 * do nothing. */
void hx_child_send(struct hx_child *child, json_t *message);
/* {"event":"fault","text":...} */
void hx_child_send_fault(struct hx_child *child, const char *text);
/* Write what is queued, waiting at most timeout_millis; for the last line before the exit. */
void hx_child_drain(struct hx_child *child, int timeout_millis);

#endif
