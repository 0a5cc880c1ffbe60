/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "harness/service/deliveries.h"

static struct hx_deliveries g_deliveries;

static int set_up(void **state)
{
    (void)state;
    hx_deliveries_init(&g_deliveries);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    hx_deliveries_fini(&g_deliveries);
    return 0;
}

static struct hx_delivery *add(int32_t partition, int64_t offset, uint32_t expected)
{
    struct hx_delivery *delivery = NULL;

    assert_int_equal(hx_deliveries_add(&g_deliveries, partition, offset, &delivery), expected);
    assert_non_null(delivery);
    return delivery;
}

static int64_t done(struct hx_delivery *delivery)
{
    return hx_deliveries_done(&g_deliveries, delivery);
}

static void offsets_are_stored_in_order(void **state)
{
    struct hx_delivery *a, *b, *c;

    (void)state;
    a = add(0, 5, 1);
    b = add(0, 6, 1);
    c = add(0, 7, 1);
    assert_int_equal(done(b), -1);
    assert_int_equal(done(a), 7);
    assert_int_equal(done(c), 8);
}

static void partitions_do_not_wait_for_each_other(void **state)
{
    struct hx_delivery *a, *b;

    (void)state;
    a = add(0, 5, 1);
    b = add(1, 9, 1);
    assert_int_equal(done(b), 10);
    assert_int_equal(done(a), 6);
}

static void deliveries_of_one_offset_are_counted(void **state)
{
    (void)state;
    done(add(3, 1000, 1));
    done(add(3, 1000, 2));
    done(add(3, 1001, 1));
    done(add(3, 2, 1)); /* before the first seen */
    done(add(3, 1000, 3));
    done(add(3, 5000000, 1));
    done(add(3, 2, 2));
    done(add(3, 1001, 2));
}

static void revoked_messages_are_not_stored_any_more(void **state)
{
    struct hx_delivery *a, *b, *again;

    (void)state;
    a = add(0, 5, 1);
    b = add(0, 6, 1);
    assert_int_equal(done(b), -1);
    hx_deliveries_forget(&g_deliveries);
    again = add(0, 5, 2);
    assert_int_equal(done(a), -1);
    assert_int_equal(done(again), 6);
}

static void one_partition_may_be_taken_away_alone(void **state)
{
    struct hx_delivery *a, *b;

    (void)state;
    a = add(0, 5, 1);
    b = add(1, 5, 1);
    hx_deliveries_forget_one(&g_deliveries, 0);
    hx_deliveries_forget_one(&g_deliveries, 7);
    hx_deliveries_forget_one(&g_deliveries, -1);
    assert_int_equal(done(a), -1);
    assert_int_equal(done(b), 6);
}

static void impossible_partition_has_no_delivery(void **state)
{
    struct hx_delivery *delivery = NULL;

    (void)state;
    hx_deliveries_add(&g_deliveries, HX_DELIVERIES_PARTITIONS, 1, &delivery);
    assert_null(delivery);
    assert_int_equal(done(NULL), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        T(offsets_are_stored_in_order),
        T(partitions_do_not_wait_for_each_other),
        T(deliveries_of_one_offset_are_counted),
        T(revoked_messages_are_not_stored_any_more),
        T(one_partition_may_be_taken_away_alone),
        T(impossible_partition_has_no_delivery),
#undef T
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
