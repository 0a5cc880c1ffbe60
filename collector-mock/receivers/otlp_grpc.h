/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_RECEIVERS_OTLP_GRPC_H
#define COL_RECEIVERS_OTLP_GRPC_H

#include "collector-mock/pipeline/component.h"

/*
 * OTLP/gRPC side of the otlp receiver: Export of TraceService, MetricsService and LogsService
 * (those that pipelines want), in the clear or under TLS.
 *
 * Codes and texts are those of the Collector: UNIMPLEMENTED for another method or encoding,
 * RESOURCE_EXHAUSTED for a message over the limit, before or after decompression, INTERNAL for
 * what cannot be decompressed or decoded, INTERNAL or UNAVAILABLE for a failing pipeline. What
 * happens to a request is that of every protocol: see intake.h.
 *
 * Life      new (listening) -> drain -> free.
 * Threads   that of the event loop.
 */

struct col_otlp_grpc;
struct col_guard;
struct col_tls;

struct col_otlp_grpc_options {
    const char *id;                  /* of the receiver; lives as long as this */
    const char *endpoint;            /* "127.0.0.1:4317"; port 0: any */
    size_t max_recv_msg_size;        /* bytes, also after decompression */
    uint32_t max_concurrent_streams; /* 0: the server's own limit */
    uint64_t max_age_ns, max_age_grace_ns, max_idle_ns; /* of a connection; 0: none */
    struct col_tls *tls;         /* NULL: in the clear; borrowed */
    bool include_metadata;       /* processors may read the headers of requests */
    struct col_guard *guard;     /* who may send; NULL: everybody; borrowed */
    struct col_host *host;
    unsigned signals; /* COL_SIGNAL_BIT of those that are taken */
    struct col_consumer next;
    const struct col_otlp_grpc *first; /* worker 0's, which accepts for this one; NULL:
                                        * it listens */
    void (*on_drained)(void *context); /* the last connection is gone after drain */
    void *on_drained_context;
};

OTEL_MUST_USE enum otel_err col_otlp_grpc_new(const struct col_otlp_grpc_options *options,
                                              struct col_otlp_grpc **ret,
                                              struct otl_detail *reterr);
void col_otlp_grpc_drain(struct col_otlp_grpc *grpc, uint64_t grace_ns);
void col_otlp_grpc_free(struct col_otlp_grpc *grpc); /* may be NULL */

#endif
