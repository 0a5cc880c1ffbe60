/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_BENCH_POLITE_H
#define COL_BENCH_POLITE_H

#include <stddef.h>
#include <stdint.h>

/*
 * A gRPC client for peers whose windows are small: it sends no more than they let it, and answers
 * what they ask. Ours opens its windows wide, and is sent to without looking (send.c).
 *
 * Life      greet -> exchange...; the descriptor is the caller's.
 * Threads   one owner.
 */

struct polite {
    int fd;
    int64_t connection, stream, initial; /* windows of the peer: left, left, of a new stream */
    int messages, ended;                 /* of the answer at hand */
};

/* 0: it cannot be sent. */
int polite_greet(struct polite *polite, int fd);
/* frames are the caller's own copy of a request: the stream's number is written into each. 0: not
 * answered with success. */
int polite_exchange(struct polite *polite, char *frames, size_t len, uint32_t number);

#endif
