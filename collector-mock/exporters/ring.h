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
 * So since the Collector of mid-2026 (0.159); before, there were 36000 places and 100 points, and
 * keys went elsewhere.
 *
 * Life      new -> endpoint... -> free; a change of backends is another ring.
 * Threads   constant once made.
 * Memory    the endpoints are borrowed and outlive the ring.
 * Limits    COL_RING_ENDPOINTS_MAX endpoints.
 *
 * The same key and the same set of endpoints give the same endpoint, also in the real Collector.
 */

enum { COL_RING_POSITIONS = 131071, COL_RING_POINTS = 200, COL_RING_ENDPOINTS_MAX = 1024 };

struct col_ring;

/* OTEL_ERR_ARGUMENT: no endpoint. OTEL_ERR_LIMIT: too many. OTEL_ERR_MEMORY. */
OTEL_MUST_USE enum otel_err col_ring_new(const char *const *endpoints, size_t count,
                                         struct col_ring **ret);
void col_ring_free(struct col_ring *ring);
/* The index in the endpoints given to new; equal ones share their keys, under either index. */
size_t col_ring_endpoint(const struct col_ring *ring, const void *key, size_t len);
/* How many places are taken. */
size_t col_ring_size(const struct col_ring *ring);

/* Where point i (< COL_RING_POINTS) of an endpoint stands, and where a key does. */
uint32_t col_ring_point(const char *endpoint, unsigned i);
uint32_t col_ring_key(const void *key, size_t len);

#endif
