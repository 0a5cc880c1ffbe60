/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_BENCH_STANDING_H
#define COL_BENCH_STANDING_H

#include "collector-mock/bench/stream.h"

/*
 * What does not go by the span: connections that stand idle, and starts.
 *
 * Errors    end the program with status 3; where too few descriptors are allowed the rows say so.
 */

/* 10,000 connections, 100 of them active at once, beside these 100 alone: CPU of a span, memory of
 * an idle connection, memory of all. batches: HTTP, gRPC; dir: where files may be. */
void bench_standing(const char *dir, const struct stream batches[2]);
/* From start to ready; and from SIGTERM over the end to the first answer of the next one, which is
 * started on the same port. stream: by HTTP. */
void bench_starts(const char *dir, const struct stream *stream);

#endif
