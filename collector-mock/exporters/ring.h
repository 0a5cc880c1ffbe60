/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_EXPORTERS_RING_H
#define COL_EXPORTERS_RING_H

#include "sdk/base/buf.h"

/*
 * The consistent-hash ring of the Collector's load balancing exporter: which backend gets a key.
 *
 * Point i of an endpoint stands at CRC-32 (IEEE) of its text and i in four bytes, the lowest first,
 * modulo 131071. Places are taken in order of place, hash and text, whatever order the endpoints
 * come in; a point whose place is taken goes on upwards, and is left out after ten steps. A key
 * stands at its CRC-32 modulo 131071 and belongs to the next point upwards, its own place included,
 * after the last one to the first. The text is hashed as it is given, without a default port.
 *
 * So since v0.157 of the Collector. Before, keys went elsewhere: col_ring_rule() has what
 * applied when. What a service's key is made of (routing_key service) is that of today for all.
 *
 * Life      new -> endpoint... -> free; a change of backends is another ring.
 * Threads   constant once made.
 * Memory    the endpoints are borrowed and outlive the ring.
 * Limits    COL_RING_ENDPOINTS_MAX endpoints.
 *
 * The same key and the same set of endpoints give the same endpoint, also in the real Collector.
 */

enum { COL_RING_ENDPOINTS_MAX = 1024 };

/* How points and keys are placed. */
struct col_ring_rule {
    unsigned since;        /* the version of the Collector that began with it */
    uint32_t positions;
    unsigned points;       /* of an endpoint */
    unsigned number_bytes; /* of a point's number that are hashed */
    unsigned steps;        /* upwards from a place that is taken; 0: it is left out at once */
    bool by_place;         /* places are taken in their order, else by endpoints in order of text */
};

struct col_ring;

/* That of the Collector of v0.N; 0: the latest. */
const struct col_ring_rule *col_ring_rule(unsigned as_version);

/* OTEL_ERR_ARGUMENT: no endpoint. OTEL_ERR_LIMIT: too many. OTEL_ERR_MEMORY. */
OTEL_MUST_USE enum otel_err col_ring_new(const struct col_ring_rule *rule,
                                         const char *const *endpoints, size_t count,
                                         struct col_ring **ret);
void col_ring_free(struct col_ring *ring);
/* The index in the endpoints given to new; equal ones share their keys, under either index. */
size_t col_ring_endpoint(const struct col_ring *ring, const void *key, size_t len);
/* How many places are taken. */
size_t col_ring_size(const struct col_ring *ring);

/* Where point i (< points) of an endpoint stands, and where a key does. */
uint32_t col_ring_point(const struct col_ring_rule *rule, const char *endpoint, unsigned i);
uint32_t col_ring_key(const struct col_ring_rule *rule, const void *key, size_t len);

#endif
