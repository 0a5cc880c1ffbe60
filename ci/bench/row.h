/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_ROW_H
#define BENCH_ROW_H

#include <stdint.h>
#include <stdio.h>
#include <time.h>

/*
 * What every benchmark says to the speed table (ci/bench/table): a line "= KEY VALUE UNIT RATIO
 * MALLOCS" on standard output, beside what it prints for people. KEY stands in ci/bench/limits.txt;
 * KEY@WHO is the same work done by WHO of ci/bench/peers.txt in the same run. "! KEY WHY" where it
 * cannot be measured on this machine. For C and C++.
 */

enum { BENCH_LOOP_STEPS = 32 };

/* CPU time of the calling thread. */
static inline uint64_t bench_cpu_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* The calibration loop: CPU nanoseconds of 32 xorshift steps. Take the least of the repeats. */
static inline double bench_loop_ns(void)
{
    enum { ROUNDS = 20000 };
    uint64_t before = bench_cpu_ns(), x = 88172645463325252ULL;
    volatile uint64_t keep;

    for (int i = 0; i < ROUNDS * BENCH_LOOP_STEPS; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
    }
    keep = x;
    (void)keep;
    return (double)(bench_cpu_ns() - before) / ROUNDS;
}

static inline void bench_keep_least(double *least, double value)
{
    if (*least <= 0 || value < *least)
        *least = value;
}

/* CPU nanoseconds of one piece of work, beside loop_ns of the same run. mallocs a piece; negative:
 * not counted. */
static inline void bench_row_ns(const char *key, double ns, double loop_ns, double mallocs)
{
    printf("= %s %.4f ns %.4f ", key, ns, ns / loop_ns);
    if (mallocs < 0)
        printf("-\n");
    else
        printf("%.4f\n", mallocs);
}

/* Not measured, and why: "needs 10,100 descriptors". */
static inline void bench_row_skipped(const char *key, const char *why)
{
    printf("! %s %s\n", key, why);
}

/* A figure that is no CPU time. */
static inline void bench_row(const char *key, double value, const char *unit)
{
    printf("= %s %.4f %s - -\n", key, value, unit);
}

#endif
