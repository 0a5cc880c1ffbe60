/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_FAULTS_DOOR_H
#define COL_FAULTS_DOOR_H

#include "collector-mock/faults/control.h"

/*
 * A Unix socket by which people and programs reach the live channel (control.h) of a collector that
 * they have not started:
 *
 *     collector-mock --control /tmp/collector.sock
 *     echo '{"do":"fault","kind":"status","status":503,"count":2}' | nc -U /tmp/collector.sock
 *
 * One at a time has the channel: another one is told so and closed, until the first has closed its
 * side; it still hears of its faults then, until the next one comes. What faults have done is told
 * to who has the channel.
 *
 * Life      new -> free, which removes the socket.
 * Threads   the loop's.
 * Limits    a path of 107 bytes. Its owner alone may connect (mode 0600).
 */

struct col_door;

/* A socket of this name that nobody answers is left behind by somebody, and replaced.
 * OTEL_ERR_ARGUMENT: the path is empty or too long; OTEL_ERR_IO: it is in use, or cannot be made;
 * OTEL_ERR_MEMORY. *reterr says which. */
OTEL_MUST_USE enum otel_err col_door_new(struct event_base *base, const char *path,
                                         struct col_faults *faults, struct col_door **ret,
                                         struct otl_detail *reterr);
void col_door_free(struct col_door *door); /* may be NULL */

#endif
