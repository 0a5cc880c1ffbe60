/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_FAULTS_CONTROL_H
#define COL_FAULTS_CONTROL_H

#include "collector-mock/faults/faults.h"

/*
 * The live channel of the fault layer: one JSON object a line over a stream socket. A command has
 * the settings of a fault in a plan (fault.h); delays may be numbers with their unit in the name.
 *
 *   -> {"do":"fault","id":0,"kind":"status","status":503,"retry_after_s":1,"delay_ns":0,
 *       "for_ns":4000000000,"probability":1.0,"seed":7}
 *   -> {"do":"end","id":0}                            before its time; what it delayed is
 *                                                     answered now, what it stalled is dropped
 *   <- {"event":"acted","id":0,"kind":"status","requests":12,"spans":6144,"connections":0,
 *       "began_mono_ns":...,"ended_mono_ns":...}         when it is over
 *   <- {"event":"fault","text":"..."}                    a command that is wrong
 *
 * Life      new -> free, which writes what is queued (at most a second).
 * Threads   the loop's.
 * Limits    a line is at most 64 KiB; a longer one ends the channel. End of file ends the commands,
 *           not what is said of faults, and not the collector.
 */

struct col_control;

/* fd is borrowed and stays open. OTEL_ERR_IO: it is no open descriptor; OTEL_ERR_MEMORY. */
OTEL_MUST_USE enum otel_err col_control_new(struct event_base *base, int fd,
                                            struct col_faults *faults, struct col_control **ret,
                                            struct otl_detail *reterr);
/* The other end has said its last command, or is gone. */
bool col_control_is_over(const struct col_control *control);
void col_control_free(struct col_control *control);

#endif
