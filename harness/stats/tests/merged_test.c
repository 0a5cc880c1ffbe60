/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "harness/stats/merged.h"
#include "sdk/base/random.h"

enum { BLOCKS = 12, VALUES = 1000 };

struct world {
    struct hx_bins bins[2][BLOCKS];
    const struct hx_bins *sides[2][BLOCKS];
};

/* Some 60 us; slow of them 200 us more; in a stalled block one in a hundred met a stall of 5 ms. */
static void record(struct hx_hdr *hdr, double slow, bool stalled, struct otl_random *random)
{
    hx_hdr_reset(hdr);
    for (int i = 0; i < VALUES; i++) {
        double value = 50000 + 10000 * otl_random_exponential(random);
        if (otl_random_unit(random) < slow)
            value += 200000;
        if (stalled && i % 100 == 0)
            value += 5e6 * otl_random_unit(random);
        assert_true(hx_hdr_record(hdr, (uint64_t)value));
    }
}

static void make(struct world *w, uint64_t seed, double slow, double stalls)
{
    const struct hx_hdr_params params = HX_HDR_LATENCY_PARAMS;
    struct hx_hdr *hdr;
    struct otl_random random;

    otl_random_seed(&random, seed);
    assert_int_equal(hx_hdr_new(&params, &hdr), OTEL_OK);
    for (int b = 0; b < BLOCKS; b++)
        for (int side = 0; side < 2; side++) {
            record(hdr, side ? slow : 0, otl_random_unit(&random) < stalls, &random);
            assert_int_equal(hx_bins_take(hdr, &w->bins[side][b]), OTEL_OK);
            w->sides[side][b] = &w->bins[side][b];
        }
    hx_hdr_free(hdr);
}

static void unmake(struct world *w)
{
    for (int b = 0; b < BLOCKS; b++)
        for (int side = 0; side < 2; side++)
            hx_bins_fini(&w->bins[side][b]);
}

static bool is_seen(const struct hx_paired *found)
{
    return found->p < 0.05 && found->low * found->high > 0;
}

static void a_slow_hundredth_is_seen_in_the_tail_though_blocks_stall(void **state)
{
    static struct world w;
    unsigned seen = 0, seen_in_the_middle = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct hx_merged found;
        make(&w, seed, 0.012, 0.1);
        assert_true(hx_merged(w.sides[0], w.sides[1], BLOCKS, 99, seed, &found));
        assert_true(found.difference.low <= found.difference.estimate &&
                    found.difference.estimate <= found.difference.high);
        seen += is_seen(&found.difference) && found.difference.estimate > 50000;
        assert_true(hx_merged(w.sides[0], w.sides[1], BLOCKS, 50, seed, &found));
        seen_in_the_middle += is_seen(&found.difference) && found.difference.estimate > 2000;
        unmake(&w);
    }
    if (seen < 9 || seen_in_the_middle > 0)
        fail_msg("seen in %u of 10, in the median in %u", seen, seen_in_the_middle);
}

static void what_is_not_there_is_seldom_seen(void **state)
{
    static struct world w;
    unsigned claimed = 0, covered = 0;

    (void)state;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct hx_merged found;
        make(&w, seed, 0, 0.2);
        assert_true(hx_merged(w.sides[0], w.sides[1], BLOCKS, 99, seed, &found));
        claimed += is_seen(&found.difference);
        covered += found.difference.low <= 0 && found.difference.high >= 0;
        unmake(&w);
    }
    if (claimed > 5 || covered < 25)
        fail_msg("claimed in %u of 30, covered in %u", claimed, covered);
}

static void percentiles_are_those_of_all_values(void **state)
{
    struct hx_bin low[] = {{10, 1980}, {50, 20}}, high[] = {{10, 1000}, {70, 1000}};
    const struct hx_bins one = {low, 2}, two = {high, 2}, none = {NULL, 0};
    const struct hx_bins *base[] = {&one, &one}, *arm[] = {&one, &two}, *empty[] = {&none, &none};
    struct hx_merged found;

    (void)state;
    assert_true(hx_merged(base, arm, 2, 99, 1, &found));
    assert_true(fabs(found.base - 10) < 1e-9 && fabs(found.arm - 70) < 1e-9);
    assert_true(fabs(found.difference.estimate - 60) < 1e-9);
    assert_true(fabs(found.difference.low) < 1e-9 && fabs(found.difference.high - 60) < 1e-9);
    assert_false(hx_merged(base, arm, 2, 99.99, 1, &found)); /* too few beyond */
    assert_false(hx_merged(base, empty, 2, 99, 1, &found));
    assert_false(hx_merged(base, arm, 0, 99, 1, &found));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slow_hundredth_is_seen_in_the_tail_though_blocks_stall),
        cmocka_unit_test(what_is_not_there_is_seldom_seen),
        cmocka_unit_test(percentiles_are_those_of_all_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
