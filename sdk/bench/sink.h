/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_BENCH_SINK_H
#define OTL_BENCH_SINK_H

#include <stdint.h>
#include <sys/types.h>

/*
 * A receiver that answers at once and drops what it got; a process of its own, so that its CPU is
 * not the program's.
 *
 * Life      start, before the program has threads -> sink_stop.
 * Limits    requests of 4 MiB. One connection at a time over HTTP, 8 over gRPC.
 */

/* Ends the program when there is no socket. */
pid_t sink_http(uint16_t *ret_port);
pid_t sink_grpc(uint16_t *ret_port);
void sink_stop(pid_t sink);

#endif
