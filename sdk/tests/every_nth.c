/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/tests/every_nth.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sdk/tests/heap.h"

static void judge(enum otel_err err, bool every, unsigned long nth)
{
    const char *which = every ? "every " : "";

    if (err != OTEL_OK && err != OTEL_ERR_MEMORY && err != OTEL_ERR_IO)
        fail_msg("%sallocation %lu fails: %s", which, nth, otel_err_name(err));
    if (every && nth == 1 && err != OTEL_ERR_MEMORY)
        fail_msg("no allocation at all succeeds, yet it ends with %s", otel_err_name(err));
    if (heap_failed() == 0 && err != OTEL_OK)
        fail_msg("every allocation succeeds, yet it ends with %s", otel_err_name(err));
}

/* True: no allocation failed. */
static bool live_once(const struct every_nth *test, bool every, unsigned long nth)
{
    long blocks = heap_live();
    enum otel_err err;
    bool whole;

    if (test->prepare != NULL)
        test->prepare(test->arg);
    if (every)
        heap_fail_every(nth);
    else
        heap_fail_nth(nth);
    err = test->live(test->arg);
    judge(err, every, nth);
    whole = heap_failed() == 0;
    heap_fail_every(0);
    if (test->finish != NULL)
        test->finish(test->arg);
    if (heap_live() != blocks)
        fail_msg("%sallocation %lu fails: %ld blocks are left", every ? "every " : "", nth,
                 heap_live() - blocks);
    return whole;
}

static void series(const struct every_nth *test, bool every)
{
    unsigned long nth = 1;

    while (nth <= test->most && !live_once(test, every, nth))
        nth += nth < (test->slow ? 16 : 64) ? 1 : 1 + nth / 16;
    if (nth > test->most)
        fail_msg("more than %lu allocations in one life", test->most);
}

void every_nth(const struct every_nth *test)
{
    series(test, true);
    series(test, false);
}
