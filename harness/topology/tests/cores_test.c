/* SPDX-License-Identifier: Apache-2.0 */
/* The load client and the services share no core, where there are two. */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "harness/topology/cores.h"

static void they_share_none(void **state)
{
    cpu_set_t all, alone, beside, both;

    (void)state;
    assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
    if (CPU_COUNT(&all) < 2) {
        assert_false(hx_cores_alone());
        assert_false(hx_cores_beside());
        skip();
    }
    assert_true(hx_cores_alone());
    assert_int_equal(sched_getaffinity(0, sizeof(alone), &alone), 0);
    assert_int_equal(sched_setaffinity(0, sizeof(all), &all), 0);
    assert_true(hx_cores_beside());
    assert_int_equal(sched_getaffinity(0, sizeof(beside), &beside), 0);
    CPU_AND(&both, &alone, &beside);
    assert_int_equal(CPU_COUNT(&both), 0);
    assert_int_equal(CPU_COUNT(&alone), 1);
    CPU_OR(&both, &alone, &beside);
    assert_true(CPU_EQUAL(&both, &all));
    assert_int_equal(sched_setaffinity(0, sizeof(all), &all), 0);
}

static void one_core_stays_as_it_is(void **state)
{
    cpu_set_t all, one, after;

    (void)state;
    assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
    CPU_ZERO(&one);
    for (size_t core = 0; CPU_COUNT(&one) == 0; core++)
        if (CPU_ISSET(core, &all))
            CPU_SET(core, &one);
    assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
    assert_false(hx_cores_alone());
    assert_false(hx_cores_beside());
    assert_int_equal(sched_getaffinity(0, sizeof(after), &after), 0);
    assert_true(CPU_EQUAL(&one, &after));
    assert_int_equal(sched_setaffinity(0, sizeof(all), &all), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_share_none),
        cmocka_unit_test(one_core_stays_as_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
