/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/service/work.h"

#include "sdk/base/clock.h"

/* Reading the thread's CPU clock costs some 200 ns: shorter pieces are counted, not measured. */
enum { PIECE_NS = 10000, CALIBRATION_ROUNDS = 200000, CALIBRATIONS = 5 };

static void turn(struct hx_work *work, uint64_t rounds)
{
    uint64_t x = work->sink | 1;

    for (uint64_t i = 0; i < rounds; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
    }
    *(volatile uint64_t *)&work->sink = x;
}

void hx_work_calibrate(struct hx_work *work)
{
    uint64_t best = UINT64_MAX;

    work->sink = 88172645463325252ULL;
    for (int i = 0; i < CALIBRATIONS; i++) {
        uint64_t start = otl_clock_thread_cpu_ns(), took;
        turn(work, CALIBRATION_ROUNDS);
        took = otl_clock_thread_cpu_ns() - start;
        if (took != 0 && took < best)
            best = took;
    }
    work->rounds_per_ns = best != UINT64_MAX ? (double)CALIBRATION_ROUNDS / (double)best : 1.0;
}

void hx_work_burn(struct hx_work *work, uint64_t ns)
{
    uint64_t start, spent = 0;

    if (ns <= PIECE_NS) {
        turn(work, (uint64_t)((double)ns * work->rounds_per_ns));
        return;
    }
    start = otl_clock_thread_cpu_ns();
    while (spent < ns) {
        uint64_t piece = ns - spent < PIECE_NS ? ns - spent : PIECE_NS;
        turn(work, (uint64_t)((double)piece * work->rounds_per_ns) + 1);
        spent = otl_clock_thread_cpu_ns() - start;
    }
}
