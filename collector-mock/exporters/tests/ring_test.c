/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "collector-mock/exporters/ring.h"
#include "sdk/base/mem.h"

/* Which endpoints the Collector's own tests expect for these keys: today's, and those of the time
 * before places were looked for. */
static void test_keys_go_where_the_collector_sends_them(void **state)
{
    static const char *const endpoints[] = {"endpoint-1", "endpoint-2"};
    static const struct {
        const char *key;
        size_t len, endpoint, once;
    } rows[] = {{"\1\2\0", 4, 1, 0}, {"\200\200\0", 4, 0, 1}, {"ad-service-7", 12, 1, 0},
                {"get-recommendations-1", 21, 1, 1}};
    struct col_ring *ring = NULL, *old = NULL;

    (void)state;
    assert_int_equal(col_ring_new(col_ring_rule(0), endpoints, 2, &ring), OTEL_OK);
    assert_int_equal(col_ring_new(col_ring_rule(100), endpoints, 2, &old), OTEL_OK);
    assert_int_equal(col_ring_size(ring), 2 * 200);
    assert_int_equal(col_ring_size(old), 2 * 100);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(col_ring_endpoint(ring, rows[i].key, rows[i].len), rows[i].endpoint);
        assert_int_equal(col_ring_endpoint(old, rows[i].key, rows[i].len), rows[i].once);
    }
    col_ring_free(ring);
    col_ring_free(old);
}

/* Where the first five points of an endpoint stand by the Collector's own tests of that time. */
static void test_old_points_are_the_text_and_one_byte(void **state)
{
    static const uint32_t places[2][5] = {{1401, 4175, 14133, 17836, 21667},
                                          {10240, 15002, 21263, 26806, 27020}};
    static const char *const endpoints[] = {"endpoint-1", "endpoint-2"};

    (void)state;
    for (size_t e = 0; e < 2; e++)
        for (size_t p = 0; p < 5; p++) {
            unsigned found = 0;
            for (unsigned i = 0; i < 5; i++)
                found += col_ring_point(col_ring_rule(100), endpoints[e], i) == places[e][p];
            assert_int_equal(found, 1);
        }
}

/* The upper bytes of a point's number are hashed too: four bytes, not one. */
static void test_a_point_is_the_text_and_its_number_in_four_bytes(void **state)
{
    static const char bytes[] = "host1\5\0\0";

    (void)state;
    assert_int_equal(col_ring_point(col_ring_rule(0), "host1", 5),
                     col_ring_key(col_ring_rule(0), bytes, 9));
}

static size_t walk(const char *const *endpoints, size_t count, uint32_t place)
{
    const struct col_ring_rule *rule = col_ring_rule(0);

    for (uint32_t step = 0; step < rule->positions; step++)
        for (size_t e = 0; e < count; e++)
            for (unsigned i = 0; i < rule->points; i++)
                if (col_ring_point(rule, endpoints[e], i) == (place + step) % rule->positions)
                    return e;
    return SIZE_MAX;
}

/* By the words of the rule: from the key's place upwards until a point is met, and round. */
static void test_a_key_belongs_to_the_next_point_upwards(void **state)
{
    static const char *const endpoints[] = {"a.example:4317", "b.example:4317", "c.example:4317"};
    static const size_t expected[] = {0, 2, 0, 2, 2, 2, 1, 2}; /* of the traces 1 to 8 */
    static const uint8_t past[16] = {[14] = 0, [15] = 105};
    struct col_ring *ring = NULL;

    (void)state;
    assert_int_equal(col_ring_new(col_ring_rule(0), endpoints, 3, &ring), OTEL_OK);
    for (uint32_t number = 1; number <= 400; number++) {
        uint8_t key[16] = {0};
        key[14] = (uint8_t)(number >> 8);
        key[15] = (uint8_t)number;
        size_t got = col_ring_endpoint(ring, key, sizeof(key));
        assert_int_equal(got,
                         walk(endpoints, 3, col_ring_key(col_ring_rule(0), key, sizeof(key))));
        if (number <= 8)
            assert_int_equal(got, expected[number - 1]);
    }
    /* this one stands behind the last point of all, 130559: round to the first */
    assert_true(col_ring_key(col_ring_rule(0), past, sizeof(past)) > 130559);
    assert_int_equal(col_ring_endpoint(ring, past, sizeof(past)), walk(endpoints, 3, 0));
    assert_int_equal(col_ring_endpoint(ring, "checkout", 8), 0);
    assert_int_equal(col_ring_endpoint(ring, "payment", 7), 2);
    col_ring_free(ring);
}

static void order_does_not_matter(const struct col_ring_rule *rule)
{
    static const char *const one[] = {"a:4317", "b:4317", "c:4317", "d:4317"};
    static const char *const other[] = {"d:4317", "a:4317", "c:4317", "b:4317"};
    struct col_ring *left = NULL, *right = NULL;

    assert_int_equal(col_ring_new(rule, one, 4, &left), OTEL_OK);
    assert_int_equal(col_ring_new(rule, other, 4, &right), OTEL_OK);
    assert_int_equal(col_ring_size(left), col_ring_size(right));
    for (uint32_t key = 0; key < 5000; key++)
        assert_string_equal(one[col_ring_endpoint(left, &key, sizeof(key))],
                            other[col_ring_endpoint(right, &key, sizeof(key))]);
    col_ring_free(left);
    col_ring_free(right);
}

static void test_the_order_of_the_endpoints_does_not_matter(void **state)
{
    static const unsigned versions[] = {0, 140, 100};

    (void)state;
    for (size_t i = 0; i < 3; i++)
        order_does_not_matter(col_ring_rule(versions[i]));
}

static void test_a_version_has_its_rule(void **state)
{
    static const struct {
        unsigned version, positions, number_bytes;
    } rows[] = {{0, 131071, 4}, {157, 131071, 4}, {156, 36000, 4}, {130, 36000, 4},
                {129, 36000, 1}, {1, 36000, 1}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(col_ring_rule(rows[i].version)->positions, rows[i].positions);
        assert_int_equal(col_ring_rule(rows[i].version)->number_bytes, rows[i].number_bytes);
    }
}

static void test_only_keys_of_a_backend_that_left_move(void **state)
{
    static const char *const endpoints[] = {"a:4317", "b:4317", "c:4317", "d:4317"};
    struct col_ring *four = NULL, *three = NULL;
    unsigned moved = 0, stayed = 0;

    (void)state;
    assert_int_equal(col_ring_new(col_ring_rule(0), endpoints, 4, &four), OTEL_OK);
    assert_int_equal(col_ring_new(col_ring_rule(0), endpoints, 3, &three), OTEL_OK);
    for (uint32_t key = 0; key < 20000; key++) {
        size_t before = col_ring_endpoint(four, &key, sizeof(key));
        size_t after = col_ring_endpoint(three, &key, sizeof(key));
        if (before == 3)
            moved++;
        else if (before == after)
            stayed++;
    }
    /* none moved between those that stayed, but for places that two had wanted */
    assert_true(moved > 20000 / 8 && moved < 20000 / 2);
    assert_true(20000 - moved - stayed < 20000 / 100);
    col_ring_free(four);
    col_ring_free(three);
}

static void test_no_endpoint_and_too_many_are_refused(void **state)
{
    static const char *const none[1] = {NULL};
    struct col_ring *ring = NULL;

    (void)state;
    assert_int_equal(col_ring_new(col_ring_rule(0), none, 0, &ring), OTEL_ERR_ARGUMENT);
    assert_int_equal(col_ring_new(col_ring_rule(0), none, COL_RING_ENDPOINTS_MAX + 1, &ring),
                     OTEL_ERR_LIMIT);
    for (unsigned long n = 1; n <= 2; n++) {
        static const char *const one[] = {"a"};
        otl_mem_fail_at(n);
        assert_int_equal(col_ring_new(col_ring_rule(0), one, 1, &ring), OTEL_ERR_MEMORY);
        otl_mem_fail_at(0);
    }
    assert_null(ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_go_where_the_collector_sends_them),
        cmocka_unit_test(test_old_points_are_the_text_and_one_byte),
        cmocka_unit_test(test_a_point_is_the_text_and_its_number_in_four_bytes),
        cmocka_unit_test(test_a_key_belongs_to_the_next_point_upwards),
        cmocka_unit_test(test_the_order_of_the_endpoints_does_not_matter),
        cmocka_unit_test(test_a_version_has_its_rule),
        cmocka_unit_test(test_only_keys_of_a_backend_that_left_move),
        cmocka_unit_test(test_no_endpoint_and_too_many_are_refused),
    };

    return cmocka_run_group_tests_name("ring", tests, NULL, NULL);
}
