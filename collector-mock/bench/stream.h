/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_BENCH_STREAM_H
#define COL_BENCH_STREAM_H

#include <stddef.h>

#include "sdk/base/buf.h"

/*
 * Prepared OTLP requests and who sends them, so that the sender is not the limit. A span has 8
 * attributes, 4 texts of 19 or 20 characters and 4 numbers.
 *
 * Memory    what is made stays until the end of the program.
 * Threads   a stream is only read; each sender has its own copy and its own thread.
 * Errors    end the program with status 3.
 */

enum { STREAM_SPANS = 512, STREAM_CONNECTIONS = 2 };

struct stream {
    struct otl_view bytes; /* one request: head and body, or frames */
    int spans;             /* in it */
    int requests;
    int grpc;
    int polite;        /* gRPC: within the windows that the peer opens */
    const size_t *ids; /* NULL: each request is the same; else where its trace ids stand, */
    size_t id_count;   /* and pairs of requests get trace ids of their own */
};

/* The body of a request of so many spans, at most STREAM_SPANS. */
struct otl_view stream_body(size_t count);
struct otl_view stream_http(struct otl_view body);
struct otl_view stream_grpc(struct otl_view body);
/* The same with trace ids that change from one pair of requests to the next: five neighbours, and
 * as many in the next request, share one. body is what the stream was made of. */
struct stream stream_tail(const struct stream *stream, struct otl_view body);

/* Send all of it over STREAM_CONNECTIONS connections at once, each request after the answer to the
 * one before. */
void stream_send(const struct stream *stream, unsigned port);

/* A connection to a port of this machine. */
int stream_connect(unsigned port);
/* 0: it cannot be sent. */
int stream_send_whole(int fd, const void *data, size_t len);
/* Write the number of an HTTP/2 stream into each of its frames. */
void stream_number(char *frames, size_t len, unsigned number);
/* What comes before the first request of a connection; 0: it cannot be sent. */
int stream_greet(int fd, const struct stream *stream);
/* The number'th request of a connection, from 0, and its answer; bytes is the caller's own copy of
 * the stream's. 0: not answered with success. */
int stream_exchange(int fd, const struct stream *stream, char *bytes, unsigned number);

_Noreturn void stream_die(const char *what);

#endif
