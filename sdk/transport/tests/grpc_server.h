/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_TESTS_GRPC_SERVER_H
#define OTL_TESTS_GRPC_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A scripted gRPC server on the test's own event base, loopback, a free port.
 *
 * Every call that arrives whole takes the next step of the script; when the script is used up the
 * answer is OK with an empty message. What arrived last is recorded.
 *
 * Life      new -> (script) -> ... -> free.
 * Threads   that of the event base.
 * Limits    16 steps, 8 connections, messages of 4 MiB.
 */

struct event_base;
struct gsrv;

enum gsrv_then {
    GSRV_ANSWER,  /* headers, message (if grpc_status is 0), trailers */
    GSRV_ERROR,   /* trailers only */
    GSRV_SILENT,  /* never answer */
    GSRV_RESET,   /* RST_STREAM INTERNAL_ERROR */
    GSRV_CLOSE,   /* close the connection without an answer */
    GSRV_GARBAGE, /* bytes that are no HTTP/2 */
    GSRV_PLAIN    /* an HTTP answer without grpc-status */
};

struct gsrv_step {
    enum gsrv_then then;
    unsigned http_status;     /* GSRV_PLAIN */
    const char *grpc_status;  /* "14" */
    const char *grpc_message; /* NULL: none; as it goes on the wire */
    const char *details;      /* grpc-status-details-bin, base64; NULL: none */
    const char *message;      /* the response message */
    size_t message_len;
    const char *encoding;     /* grpc-encoding, the message is flagged; "": without the header */
    bool bad_prefix;          /* the length in front of the message is wrong */
    bool goaway;              /* say GOAWAY after the answer */
};

struct gsrv *gsrv_new(struct event_base *base);
void gsrv_free(struct gsrv *srv);
uint16_t gsrv_port(const struct gsrv *srv);
/* Of a stream, and four times that of a connection, for those that come. */
void gsrv_window(struct gsrv *srv, int32_t bytes);
void gsrv_push(struct gsrv *srv, const struct gsrv_step *step);
unsigned gsrv_calls(const struct gsrv *srv);
unsigned gsrv_connections(const struct gsrv *srv);
/* Of DATA, in all calls: prefixes and messages. */
uint64_t gsrv_data_bytes(const struct gsrv *srv);
/* Of the last call: "name: value\n" lines, and the bytes of DATA (prefix and message). */
const char *gsrv_headers(const struct gsrv *srv);
const char *gsrv_data(const struct gsrv *srv, size_t *ret_len);

#endif
