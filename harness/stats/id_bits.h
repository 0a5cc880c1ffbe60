/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_STATS_ID_BITS_H
#define HX_STATS_ID_BITS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Randomness of ids: are their bits fair coins, and do neighbouring bits ignore each other?
 *
 * A ratio sampler keeps the promised share only if trace ids are random where it looks. The test
 * sees stuck, rare and correlated bits and counters; it is no proof of randomness, and two equal
 * ids are for a table of ids to find.
 *
 * Life      init -> add each DIFFERENT id once -> judge.
 * Threads   one owner.
 * Limits    ids of 1 to 16 bytes; at least HX_ID_BITS_MIN of them, or nothing can be said.
 */

enum { HX_ID_BITS_MAX = 128, HX_ID_BITS_MIN = 100 };

struct hx_id_bits {
    unsigned first; /* first and one past the last bit that is judged; bit 0 = most significant */
    unsigned end;
    uint64_t count;
    uint64_t ones[HX_ID_BITS_MAX];
    uint64_t equal_pairs[HX_ID_BITS_MAX]; /* bit i equals bit i + 1 */
};

struct hx_id_bits_result {
    bool known;       /* false: fewer than HX_ID_BITS_MIN ids */
    double p_high;    /* probability of so much unevenness by chance */
    double p_low;     /* probability of so little: ids that are too even are no accident either */
    unsigned worst;   /* the bit that deviates most */
    double worst_share; /* its share of ones */
};

/* Judge the bits [first_bit, end_bit) of each id; a W3C level 2 trace id is random in
 * [72, 128), version 4 generators in all 128. */
void hx_id_bits_init(struct hx_id_bits *bits, unsigned first_bit, unsigned end_bit);
/* id has at least end_bit / 8 bytes, rounded up. */
void hx_id_bits_add(struct hx_id_bits *bits, const uint8_t *id);
/* Chi-square over the judged bits and their neighbouring pairs, 2 * n - 1 degrees of freedom. */
struct hx_id_bits_result hx_id_bits_judge(const struct hx_id_bits *bits);

#endif
