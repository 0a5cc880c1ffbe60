/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_GUARDIAN_WIRE_H
#define HX_GUARDIAN_WIRE_H

#include <stdint.h>

#include "harness/topology/guardian.h"

/*
 * Messages between runner and guardian, over two SOCK_SEQPACKET pairs, one message a packet:
 * requests with their answers on one, exits on the other, so that an exit never stands before an
 * answer.
 * A SPAWN packet carries the control descriptor as SCM_RIGHTS and, after the fixed part, the
 * strings argv..., "", env..., "", directory, log, each ended by NUL.
 */

enum hx_guardian_what {
    HX_GUARDIAN_SPAWN = 1,
    HX_GUARDIAN_SIGNAL,
    HX_GUARDIAN_SPAWNED, /* answer to SPAWN: pid, or errno in value */
    HX_GUARDIAN_EXIT
};

struct hx_guardian_message {
    uint32_t what;
    uint32_t id;
    int32_t pid;
    int32_t value; /* SIGNAL: the signal; SPAWNED: errno; EXIT: wait status */
    uint64_t cpu_ns;
    uint64_t rss_peak_bytes;
    uint32_t argc; /* SPAWN: strings of argv and of env */
    uint32_t envc;
    uint64_t log_limit; /* SPAWN */
};

enum { HX_GUARDIAN_PACKET_MAX = 32 * 1024 };

/* The guardian's own process; returns its exit status when the runner is gone. */
int hx_guardian_main(int call_fd, int exit_fd);

#endif
