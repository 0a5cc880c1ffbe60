/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_RECEIVERS_DAMAGE_H
#define COL_RECEIVERS_DAMAGE_H

#include "collector-mock/faults/fault.h"
#include "collector-mock/receivers/intake.h"
#include "sdk/base/buf.h"

/*
 * What a fault that comes behind the pipeline makes of the message of a good answer, whatever
 * protocol brings it. How it is sent (cut off, slow, under which type) is the receiver's.
 *
 * Threads   no state.
 */

/* The message into out (reset first), in protobuf or JSON; false: the fault leaves the message as
 * it is. OTEL_ERR_MEMORY, OTEL_ERR_LIMIT leave it too. */
bool col_damage_message(const struct col_fault_plan *fault, const struct col_outcome *outcome,
                        bool json, struct otl_buf *out);
/* "text/html", for wrong_content_type; NULL for the others. */
const char *col_damage_type(const struct col_fault_plan *fault);
/* Bytes of a message of len that leave; 0: all. */
size_t col_damage_cut(const struct col_fault_plan *fault, size_t len);

/* The value of Retry-After: seconds, or the date (RFC 9110) so long after wall_ns; returns out. */
const char *col_damage_retry_after(const struct col_fault_plan *fault, uint64_t wall_ns, char *out,
                                   size_t size);

#endif
