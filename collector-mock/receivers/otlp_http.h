/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_RECEIVERS_OTLP_HTTP_H
#define COL_RECEIVERS_OTLP_HTTP_H

#include "collector-mock/http/server.h"
#include "collector-mock/pipeline/component.h"

/*
 * OTLP/HTTP side of the otlp receiver: POST /v1/traces, /v1/metrics, /v1/logs, protobuf or JSON.
 *
 * Statuses and bodies are those of the Collector: 404 for an unknown path
 * (that of a signal that no pipeline wants, too), 405 and 415 as plain
 * text, 400 with a google.rpc.Status for what cannot be decompressed or decoded or is too large,
 * 500 or 503 with one for a failing pipeline. A request is in the tap before any processor sees
 * it and before it is answered; a tap that cannot be written is 503.
 *
 * Life      new (listening) -> drain -> free.
 * Threads   that of the event loop.
 */

struct col_otlp_http;
struct col_guard;
struct col_http_headers;
struct col_tls;

struct col_otlp_http_options {
    const char *id;              /* of the receiver; lives as long as this */
    const char *endpoint;        /* "127.0.0.1:4318"; port 0: any */
    unsigned signals;            /* COL_SIGNAL_BIT of those that are taken */
    const char *url_paths[COL_SIGNALS]; /* "/v1/traces"; live as long as this */
    const char *const *encodings; /* Content-Encodings that are taken, ending with NULL; lives as
                                   * long as this */
    size_t max_request_body_size; /* bytes, also after decompression */
    struct col_tls *tls;         /* NULL: in the clear; borrowed */
    /* 0: the server's own; UINT64_MAX: none */
    uint64_t head_timeout_ns, body_timeout_ns, send_timeout_ns, idle_timeout_ns;
    bool include_metadata;       /* processors may read the headers of requests */
    const struct col_http_headers *headers; /* of answers; NULL: none more; borrowed */
    bool close_each;             /* no connection is kept for another request */
    struct col_guard *guard;     /* who may send; NULL: everybody; borrowed */
    struct col_host *host;
    struct col_consumer next;
    const struct col_otlp_http *first; /* worker 0's, which accepts for this one; NULL:
                                        * it listens */
    void (*on_drained)(void *context); /* the last connection is gone after drain */
    void *on_drained_context;
};

OTEL_MUST_USE enum otel_err col_otlp_http_new(const struct col_otlp_http_options *options,
                                              struct col_otlp_http **ret,
                                              struct otl_detail *reterr);
void col_otlp_http_drain(struct col_otlp_http *http, uint64_t grace_ns);
void col_otlp_http_free(struct col_otlp_http *http);

#endif
