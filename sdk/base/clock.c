/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/base/clock.h"

#include <stddef.h>
#include <time.h>

static uint64_t read_clock(clockid_t id)
{
    struct timespec now;

    clock_gettime(id, &now);
    return (uint64_t)now.tv_sec * OTL_NS_PER_S + (uint64_t)now.tv_nsec;
}

static uint64_t real_mono(void *state)
{
    (void)state;
    return read_clock(CLOCK_MONOTONIC);
}

static uint64_t real_wall(void *state)
{
    (void)state;
    return read_clock(CLOCK_REALTIME);
}

const struct otl_clock *otl_clock_real(void)
{
    static const struct otl_clock real = {real_mono, real_wall, NULL};
    return &real;
}

uint64_t otl_clock_thread_cpu_ns(void)
{
    return read_clock(CLOCK_THREAD_CPUTIME_ID);
}
