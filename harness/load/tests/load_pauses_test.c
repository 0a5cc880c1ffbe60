/* SPDX-License-Identifier: Apache-2.0 */
/* A machine that stood still is known by a timer that came late. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "harness/load/pauses.h"

#define MS UINT64_C(1000000)

/* Looks at these instants, the measured time beginning at from_ms. */
static struct hx_pauses looked(const unsigned *at_ms, size_t count, unsigned from_ms)
{
    struct hx_pauses pauses = {0};

    for (size_t i = 0; i < count; i++)
        hx_pauses_look(&pauses, at_ms[i] * MS, from_ms * MS);
    return pauses;
}

#define LOOKED(from, ...)                                                                          \
    looked((const unsigned[]){__VA_ARGS__},                                                        \
           sizeof((const unsigned[]){__VA_ARGS__}) / sizeof(unsigned), from)

static void a_timer_in_time_tells_none(void **state)
{
    struct hx_pauses pauses = LOOKED(0, 1000, 1020, 1041, 1060, 1180, 1200);

    (void)state;
    assert_int_equal(pauses.count, 0);
    assert_int_equal(pauses.longest_ns, 0);
}

static void what_stood_still_is_counted_with_its_longest(void **state)
{
    struct hx_pauses pauses = LOOKED(0, 1000, 1020, 1340, 1360, 2380, 2400, 2621, 2640);

    (void)state;
    assert_int_equal(pauses.count, 3);
    assert_int_equal(pauses.longest_ns, 1000 * MS);
    assert_int_equal(pauses.longest_at, 2380 * MS);
    assert_int_equal(pauses.total_ns, (300 + 1000 + 201) * MS);
}

/* Of a pause that reaches into the measured time that part counts. */
static void before_the_measured_time_nothing_counts(void **state)
{
    struct hx_pauses before = LOOKED(5000, 1000, 2000, 3000);
    struct hx_pauses into = LOOKED(5000, 1000, 4990, 5300);
    struct hx_pauses over = LOOKED(5000, 1000, 5250);

    (void)state;
    assert_int_equal(before.count, 0);
    assert_int_equal(into.longest_ns, 290 * MS);
    assert_int_equal(over.longest_ns, 250 * MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_timer_in_time_tells_none),
        cmocka_unit_test(what_stood_still_is_counted_with_its_longest),
        cmocka_unit_test(before_the_measured_time_nothing_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
