/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_SERVICE_PEERS_H
#define HX_SERVICE_PEERS_H

#include <jansson.h>
#include <otel/err.h>

#include "harness/scenario/scenario.h"
#include "harness/service/http.h"
#include "sdk/base/detail.h"

/*
 * Peers: where the other services' replicas listen, each with its pool of connections.
 *
 * Life      new -> next... -> free.
 * Threads   the loop's.
 * Limits    HX_MAX_REPLICAS endpoints a service.
 */

struct hx_peers;

struct hx_endpoint {
    struct hx_http_client *client;
    char host[64];
    uint16_t port;
    char url[80]; /* "http://HOST:PORT" */
    size_t url_len;
};

/* services: {"order": ["127.0.0.1:40125", ...]}; every service that self calls must be there.
 * OTEL_ERR_SYNTAX, _NOT_FOUND, _MEMORY with *reterr filled. */
OTEL_MUST_USE enum otel_err hx_peers_new(struct event_base *base, const struct hx_http_ops *ops,
                                         const struct hx_scenario *scenario,
                                         const struct hx_service *self, const json_t *services,
                                         struct hx_peers **ret, struct otl_detail *reterr);
void hx_peers_free(struct hx_peers *peers);
/* The next replica of a service, in turn; NULL if none is known. */
const struct hx_endpoint *hx_peers_next(struct hx_peers *peers, const struct hx_service *service);

#endif
