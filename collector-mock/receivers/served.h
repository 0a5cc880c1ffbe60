/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_RECEIVERS_SERVED_H
#define COL_RECEIVERS_SERVED_H

#include "collector-mock/grpc/code.h"
#include "collector-mock/pipeline/component.h"

/*
 * What the servers of a receiver say of their requests on level detailed, under the names of the
 * Collector of 0.159: http_server_request_duration, http_server_request_body_size and
 * http_server_response_body_size, rpc_server_call_duration.
 *
 * A duration is that from the head of a request until its answer was given to the kernel. Requests
 * whose answer never left, and what the HTTP server refuses by itself, are not in it (they are in
 * collector_mock_http_...). The labels server_address and server_port, which a client chooses with
 * its header Host, are left out.
 *
 * Life      new -> http or call, whenever one was answered -> free.
 * Threads   that of the event loop.
 * Limits    COL_SERVED_ROWS kinds of requests; those of further kinds are counted together, under
 *           otel_metric_overflow="true".
 */

enum { COL_SERVED_ROWS = 64 };

struct col_served;

struct col_served_request {
    struct otl_view method;
    const char *route; /* NULL: nobody serves it. Lives as long as the receiver. */
    unsigned status, minor;
    bool secure; /* by TLS */
    uint64_t begun_ns;
    uint64_t read_bytes, sent_bytes; /* of the bodies */
};

/* *ret is NULL where the level does not ask for it; what follows takes that too.
 * OTEL_ERR_MEMORY. */
OTEL_MUST_USE enum otel_err col_served_new(struct col_host *host, struct col_served **ret);
void col_served_free(struct col_served *served);
void col_served_http(struct col_served *served, const struct col_served_request *request);
/* method: "package.Service/Method"; it lives as long as the receiver. */
void col_served_call(struct col_served *served, const char *method, enum col_grpc_code code,
                     uint64_t begun_ns);

#endif
