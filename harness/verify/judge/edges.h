/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_EDGES_H
#define HX_EDGES_H

#include "harness/verify/judge/judge.h"

/*
 * Edges: caller entry -> callee entry, found or made.
 *
 * Limits    HX_MAX_EDGES; beyond that calls are not laid on an edge, and the ledger check says so.
 */

/* NULL: no memory or too many (told in the checks). The pointer holds until the next call. */
struct hx_edge *hx_edge_of(struct hx_judgement *j, uint32_t from_op, uint32_t to_op);
/* NULL: not seen. */
const struct hx_edge *hx_edge_find(const struct hx_judgement *j, uint32_t from_op, uint32_t to_op);
/* A latency of the measured phase. */
void hx_edge_latency(struct hx_judgement *j, struct hx_edge *edge, uint64_t from_ns,
                     uint64_t to_ns);
/* The report's "edges"; NULL: no memory. */
json_t *hx_edges_json(struct hx_judgement *j);

#endif
