/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_FAULTS_RECORD_H
#define COL_FAULTS_RECORD_H

#include "collector-mock/faults/faults.h"

/*
 * The log of faults: what each was told to do, what it did to whom, and when it was over; a line of
 * JSON each.
 *
 *     {"event":"begin","fault":0,"kind":"delay","mono_ns":N,"for_ns":N,"count":N,
 *      "probability":0.5,"seed":N,"distribution":"uniform","delay_ns":N,"delay_max_ns":N}
 *     {"event":"hit","fault":0,"kind":"delay","mono_ns":N,"request":N,"connection":N,"spans":N,
 *      "delay_ns":N}
 *     {"event":"end","fault":0,"kind":"delay","mono_ns":N,"began_mono_ns":N,"requests":N,
 *      "spans":N,"connections":N,"dropped":N}
 *     {"event":"released","fault":0,"kind":"delay","mono_ns":N,"requests":N}
 *
 * released: a delay was ended on command, and so many answers that it held came at once instead of
 * as late as their hits say. dropped, of what was kept until the end, is left out where it is none;
 * likewise limits that a fault does not have. Behind what all have come the settings of its kind;
 * in a hit they are what was done: the delay as it was drawn, the spans that were rejected of this
 * request. request 0: it is a connection that was hit: accepted, or (refuse, restart) ended.
 * "exporter": a write of it, instead of a request. A request that was to be kept and could not be
 * has a line with the event "not_held" behind its hit. Connections that the system refuses while
 * nobody listens are seen by nobody here.
 *
 * Life      open -> lines... -> close.
 * Threads   the loop's.
 * Errors    a line that cannot be written is told to the log, and none is written any more; one
 *           that is too long is told, and left out.
 */

struct col_fault_record {
    int fd; /* -1: none */
    bool torn; /* the line at hand has no room */
    struct otl_buf line;
    const struct otl_clock *clock;
    const struct otl_log *log;
};

/* path NULL: none. OTEL_ERR_IO: it cannot be opened. */
OTEL_MUST_USE enum otel_err col_fault_record_open(struct col_fault_record *record,
                                                  const struct col_faults_options *options,
                                                  struct otl_detail *reterr);
void col_fault_record_close(struct col_fault_record *record);

void col_fault_record_begin(struct col_fault_record *record, const struct col_fault_plan *fault,
                            uint64_t mono_ns);
void col_fault_record_hit(struct col_fault_record *record, const struct col_fault_plan *fault,
                          const struct col_fault_request *request, uint64_t delay_ns);
void col_fault_record_not_held(struct col_fault_record *record,
                               const struct col_fault_plan *fault);
void col_fault_record_released(struct col_fault_record *record,
                               const struct col_fault_plan *fault, uint64_t requests);
void col_fault_record_end(struct col_fault_record *record, const struct col_fault_plan *fault,
                          const struct col_fault_deeds *deeds);

#endif
