/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "collector-mock/connectors/exponential.h"

enum { VALUES_MAX = 8, SIZE_MAX_HERE = 160 };

/* Computed apart from this program: the greatest scale up to 20 at which all values have room, and
 * the bucket ceil(log2(value) * 2^scale) - 1 of each. */
static const struct {
    double values[VALUES_MAX];
    size_t count, max_size;
    int32_t scale, offset;
    size_t len;
    uint64_t first, last, zeros;
} rows[] = {
        {{1}, 1, 160, 20, -1, 1, 1, 1, 0},
        {{3}, 1, 160, 20, 1661953, 1, 1, 1, 0},
        {{1, 2, 4}, 3, 4, 0, -1, 3, 1, 1, 0},
        {{1, 2, 4}, 3, 2, -1, -1, 2, 1, 2, 0},
        {{0, 0, 5}, 3, 160, 20, 2434718, 1, 1, 1, 2},
        {{3, 3.0000001}, 2, 160, 20, 1661953, 1, 2, 2, 0},
        {{1e-06, 20000}, 2, 160, 2, -80, 138, 1, 1, 0},
        {{4, 2, 1, 0.5, 0.25}, 5, 3, -1, -2, 3, 1, 2, 0},
        {{1e-300, 1e+300}, 2, 2, -10, -1, 2, 1, 1, 0},
        {{2, 3, 4, 5, 6, 7, 8, 9}, 8, 4, 0, 0, 4, 1, 1, 0},
};

static void check(size_t i, bool backwards)
{
    struct col_exponential histogram;
    uint64_t counts[SIZE_MAX_HERE], sum = 0;

    col_exponential_begin(&histogram, counts, rows[i].max_size);
    for (size_t k = 0; k < rows[i].count; k++)
        col_exponential_add(&histogram,
                            rows[i].values[backwards ? rows[i].count - 1 - k : k], 1);
    assert_int_equal(histogram.scale, rows[i].scale);
    assert_int_equal(histogram.offset, rows[i].offset);
    assert_int_equal(histogram.len, rows[i].len);
    assert_int_equal(counts[0], rows[i].first);
    assert_int_equal(counts[rows[i].len - 1], rows[i].last);
    assert_int_equal(histogram.zeros, rows[i].zeros);
    for (size_t k = 0; k < histogram.len; k++)
        sum += counts[k];
    assert_int_equal(sum + histogram.zeros, rows[i].count);
}

static void buckets_are_as_fine_as_there_is_room(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        check(i, false);
        check(i, true); /* the order makes no difference */
    }
}

static void least_and_greatest_are_kept(void **state)
{
    struct col_exponential histogram;
    uint64_t counts[4];

    (void)state;
    col_exponential_begin(&histogram, counts, 4);
    col_exponential_add(&histogram, 5, 3);
    assert_true(histogram.min == 5 && histogram.max == 5);
    col_exponential_add(&histogram, -1, 1); /* as 0 */
    col_exponential_add(&histogram, 9, 1);
    assert_true(histogram.min == 0 && histogram.max == 9);
    assert_int_equal(histogram.zeros, 1);
    assert_int_equal(counts[0] + counts[histogram.len - 1], 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buckets_are_as_fine_as_there_is_room),
        cmocka_unit_test(least_and_greatest_are_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
