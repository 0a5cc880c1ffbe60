/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_RANDOM_H
#define OTL_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/*
 * Repeatable random numbers (xoshiro256**), seeded by SplitMix64. Not for secrets.
 *
 * Life      a value; seed it, copy it freely.
 * Threads   one owner for each state.
 */

struct otl_random {
    uint64_t s[4];
};

void otl_random_seed(struct otl_random *random, uint64_t seed);
/* A seed from the operating system, for programs that were given none. */
uint64_t otl_random_os_seed(void);

static inline uint64_t otl_random_rotl(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

static inline uint64_t otl_random_next(struct otl_random *random)
{
    uint64_t *s = random->s;
    uint64_t result = otl_random_rotl(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = otl_random_rotl(s[3], 45);
    return result;
}

/* [0, 1) with 53 bits; (0, 1) exclusive of 0 where a logarithm follows. */
double otl_random_unit(struct otl_random *random);
/* [0, bound), without modulo bias; bound > 0. */
uint64_t otl_random_below(struct otl_random *random, uint64_t bound);
/* Standard normal and unit exponential deviates. */
double otl_random_normal(struct otl_random *random);
double otl_random_exponential(struct otl_random *random);

/* Mix words into one seed: streams that depend on (seed, service, replica, ...). */
uint64_t otl_random_mix(uint64_t a, uint64_t b);
uint64_t otl_random_mix_text(uint64_t a, const char *text, size_t len);

#endif
