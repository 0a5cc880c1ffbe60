/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_GRPC_H
#define OTL_GRPC_H

#include <stdbool.h>
#include <stdint.h>

#include <otel/err.h>

#include "sdk/base/buf.h"
#include "sdk/base/clock.h"
#include "sdk/transport/http.h"
#include "sdk/transport/resolve.h"
#include "sdk/transport/url.h"

/*
 * gRPC client of one exporter: unary calls of one method over HTTP/2 (nghttp2), one connection,
 * kept, opened again when it is gone or the server has said GOAWAY. Knows no spans
 * and never retries (see retry.h).
 *
 * Not for streaming calls, and not for more than one call at a time.
 *
 * Life      new -> (call -> done | cancel)... -> free.
 * Threads   everything on the thread of the event base; done is called from its loop, never
 *           inside call, and may call call, cancel or free.
 * Memory    a request's message is borrowed until done or cancel. The views of a result live
 *           until the next call, cancel or free.
 * Limits    one call at a time (OTEL_ERR_BLOCKED); an answer of max_response bytes, compressed or
 *           not (many servers answer in the encoding of the request); nghttp2's own limits on
 *           header blocks and control frames.
 *
 * Spec: gRPC over HTTP/2; OTLP 1.x "OTLP/gRPC".
 */

struct otl_grpc;

struct otl_grpc_result {
    enum otl_http_outcome outcome; /* ANSWERED: grpc_status is set */
    enum otel_err err;             /* why there was no connection */
    const char *why;               /* a sentence about a connection that failed; "" = nothing */
    unsigned http_status;          /* 0: none came */
    unsigned grpc_status;          /* 0 OK ... 16; from the HTTP status where there was none */
    struct otl_view message;       /* grpc-message, percent-decoded */
    bool has_retry_info;           /* google.rpc.RetryInfo in grpc-status-details-bin */
    uint64_t retry_delay_ns;
    bool reused;                   /* the connection had carried a call before */
    struct otl_view body;          /* the response message; only with grpc_status 0 */
    const char *encoding;          /* of body where that is not plain: what the server has chosen
                                      and is no gzip, which is undone here; NULL: plain */
    uint64_t bytes_sent;
    uint64_t bytes_received;
};

typedef void (*otl_grpc_done_fn)(void *context, const struct otl_grpc_result *result);

struct otl_grpc_options {
    struct event_base *base;       /* borrowed; outlives the client */
    const struct otl_clock *clock; /* borrowed */
    const struct otl_url *url;     /* copied; its path is ignored; https without tls is
                                      OTEL_ERR_UNSUPPORTED */
    struct otl_tls *tls;           /* borrowed; outlives the client; NULL: none */
    const char *method;            /* "/package.Service/Method"; borrowed, static */
    struct otl_view header_lines;  /* "Name: value\r\n"..., checked by who made them; copied */
    size_t max_response;
    otl_lookup_fn look_up;         /* NULL: the system's */
    struct otl_thread_maker threads; /* of look-ups */
    uint64_t max_age_ns;           /* of a connection; 0: none */
};

struct otl_grpc_request {
    struct otl_view message;  /* as it goes on the wire: compressed if encoding says so */
    const char *encoding;     /* grpc-encoding, "gzip"; NULL: none */
    uint64_t deadline_ns;     /* on the client's clock; UINT64_MAX: none; sent as grpc-timeout */
    otl_grpc_done_fn done;
    void *context;
};

OTEL_MUST_USE enum otel_err otl_grpc_new(const struct otl_grpc_options *options,
                                         struct otl_grpc **ret);
void otl_grpc_free(struct otl_grpc *grpc);

/* OTEL_ERR_BLOCKED: one is under way. OTEL_ERR_MEMORY. Otherwise done will be called once. */
OTEL_MUST_USE enum otel_err otl_grpc_call(struct otl_grpc *grpc,
                                          const struct otl_grpc_request *request);
/* Drop the call under way, and its connection; done will not be called. */
void otl_grpc_cancel(struct otl_grpc *grpc);
/* In a forked child: close the descriptors, touch nothing inherited, leave the memory. */
void otl_grpc_abandon(struct otl_grpc *grpc);

const struct otl_http_stats *otl_grpc_stats(const struct otl_grpc *grpc);

/* Codes that OTLP retries: CANCELLED, DEADLINE_EXCEEDED, ABORTED, OUT_OF_RANGE, UNAVAILABLE,
 * DATA_LOSS, and RESOURCE_EXHAUSTED where there is RetryInfo. */
bool otl_grpc_retryable(unsigned grpc_status, bool has_retry_info);

/* "UNAVAILABLE"; static; "UNKNOWN" for a code that there is not. */
const char *otl_grpc_status_name(unsigned grpc_status);

/* The code for an answer without grpc-status (gRPC's "HTTP to gRPC Status Code Mapping"). */
unsigned otl_grpc_status_of_http(unsigned http_status);

/* Find a google.rpc.RetryInfo in the decoded value of grpc-status-details-bin, a
 * google.rpc.Status. False: none, or damaged. */
bool otl_grpc_retry_info(const void *data, size_t len, uint64_t *ret_delay_ns);

/* Value of grpc-timeout for what is left, at most 8 digits; at least 1n. Returns out. */
const char *otl_grpc_timeout(uint64_t left_ns, char out[16]);

#endif
