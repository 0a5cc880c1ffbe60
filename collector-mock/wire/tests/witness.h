/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_WIRE_TESTS_WITNESS_H
#define COL_WIRE_TESTS_WITNESS_H

#include "collector-mock/wire/signal.h"

/* Metrics and logs as protobuf-c reads them. */

/* Points or records; UINT64_MAX: protobuf-c does not take it. */
uint64_t witness_count(enum col_signal signal, struct otl_view request);
/* Aborts unless both are the same message: packed anew, they are the same bytes. */
void witness_same(enum col_signal signal, struct otl_view left, struct otl_view right);

#endif
