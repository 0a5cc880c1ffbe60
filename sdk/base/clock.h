/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_CLOCK_H
#define OTL_CLOCK_H

#include <stdint.h>

/*
 * Clock: the only source of time, injected wherever time matters so that tests move it by hand.
 *
 * Life      a const record plus a state pointer; the real one is static, a fake one is the test's.
 * Threads   both functions may be called from any thread.
 * Units     nanoseconds. mono never steps and has no epoch; wall is since 1970-01-01T00:00:00Z.
 */

struct otl_clock {
    uint64_t (*mono_ns)(void *state);
    uint64_t (*wall_ns)(void *state);
    void *state;
};

const struct otl_clock *otl_clock_real(void);

static inline uint64_t otl_clock_mono(const struct otl_clock *clock)
{
    return clock->mono_ns(clock->state);
}

static inline uint64_t otl_clock_wall(const struct otl_clock *clock)
{
    return clock->wall_ns(clock->state);
}

/* CPU time of the calling thread, for figures only. */
uint64_t otl_clock_thread_cpu_ns(void);

#define OTL_NS_PER_S 1000000000ULL
#define OTL_NS_PER_MS 1000000ULL
#define OTL_NS_PER_US 1000ULL

#endif
