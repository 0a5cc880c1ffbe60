/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_DRAW_H
#define OTL_DRAW_H

#include <stdbool.h>
#include <stdint.h>

/*
 * What remote samplers keep traces by: a share of all trace ids, so many traces a second.
 *
 * Threads   a budget may be taken from on any; its rate is the owner's to change.
 *
 * A budget of r a second lets max(r, 1) through at once and then one every 1/r s.
 */

struct otl_budget {
    double rate;
    uint64_t full_at; /* atomic: when nothing of it would be used up, on the monotonic clock */
};

bool otl_budget_take(struct otl_budget *budget, uint64_t now_ns);

/* Of a share in [0, 1]. */
uint64_t otl_share_bound(double share);
/* By the rule of Go and Rust, as otel_sdk_sampler_traceidratio_new(). */
bool otl_share_has(uint64_t bound, const uint8_t *trace_id);

#endif
