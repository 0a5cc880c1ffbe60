/* SPDX-License-Identifier: Apache-2.0 */
#include <time.h>

#include "sdk/base/clock.h"
#include "sdk/trace/span_impl.h"

enum { LOOKS = 3 };

#define LOOK_NS (20 * OTL_NS_PER_US)  /* a look at both clocks that took longer is repeated */
#define STEP_NS (200 * OTL_NS_PER_US) /* a smaller difference is noise, not a step */

uint64_t otl_mono(const struct otel_sdk_provider *provider)
{
    struct timespec now;

    if (!provider->real_clock)
        return provider->clock.mono_ns(provider->clock.state);
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * OTL_NS_PER_S + (uint64_t)now.tv_nsec;
}

static int64_t look(const struct otel_sdk_provider *provider)
{
    int64_t best = 0;
    uint64_t best_took = UINT64_MAX;

    for (int i = 0; i < LOOKS && best_took > LOOK_NS; i++) {
        uint64_t before = otl_mono(provider);
        uint64_t wall = provider->clock.wall_ns(provider->clock.state);
        uint64_t took = otl_mono(provider) - before;
        if (took < best_took) {
            best_took = took;
            best = (int64_t)(wall - (before + took / 2));
        }
    }
    return best;
}

int64_t otl_anchor_look(struct otel_sdk_provider *provider, uint64_t mono)
{
    uint64_t due = __atomic_load_n(&provider->anchor_due, __ATOMIC_RELAXED);
    int64_t anchor = __atomic_load_n(&provider->anchor, __ATOMIC_RELAXED);
    int64_t seen, moved;

    if (mono < due) /* another thread was faster */
        return anchor;
    if (!__atomic_compare_exchange_n(&provider->anchor_due, &due, mono + OTL_NS_PER_S, false,
                                     __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        return anchor;
    seen = look(provider);
    moved = seen - anchor;
    if (moved < -(int64_t)STEP_NS || moved > (int64_t)STEP_NS) {
        anchor = seen;
        __atomic_store_n(&provider->anchor, anchor, __ATOMIC_RELAXED);
    }
    return anchor;
}
