/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/stats/id_bits.h"

#include <math.h>
#include <string.h>

#include "harness/stats/tails.h"

void hx_id_bits_init(struct hx_id_bits *bits, unsigned first_bit, unsigned end_bit)
{
    memset(bits, 0, sizeof(*bits));
    bits->end = end_bit > HX_ID_BITS_MAX ? HX_ID_BITS_MAX : end_bit;
    bits->first = first_bit < bits->end ? first_bit : bits->end;
}

void hx_id_bits_add(struct hx_id_bits *bits, const uint8_t *id)
{
    unsigned previous = 0;

    for (unsigned i = bits->first; i < bits->end; i++) {
        unsigned bit = ((unsigned)id[i / 8] >> (7 - i % 8)) & 1U;

        bits->ones[i] += bit;
        if (i > bits->first)
            bits->equal_pairs[i - 1] += bit == previous;
        previous = bit;
    }
    bits->count++;
}

/* Squared deviation of a fair coin's count, in its variance. */
static double deviation(uint64_t ones, uint64_t count)
{
    double n = (double)count;
    double off = (double)ones - n / 2;

    return off * off / (n / 4);
}

struct hx_id_bits_result hx_id_bits_judge(const struct hx_id_bits *bits)
{
    struct hx_id_bits_result result = {false, 1, 1, bits->first, 0.5};
    double worst = -1;
    double sum = 0;

    if (bits->count < HX_ID_BITS_MIN || bits->first == bits->end)
        return result;
    for (unsigned i = bits->first; i < bits->end; i++) {
        double here = deviation(bits->ones[i], bits->count);

        sum += here;
        if (i + 1 < bits->end)
            sum += deviation(bits->equal_pairs[i], bits->count);
        if (here > worst) {
            worst = here;
            result.worst = i;
            result.worst_share = (double)bits->ones[i] / (double)bits->count;
        }
    }
    result.known = true;
    result.p_high = hx_chi_square_above(sum, 2.0 * (bits->end - bits->first) - 1);
    result.p_low = hx_chi_square_below(sum, 2.0 * (bits->end - bits->first) - 1);
    return result;
}
