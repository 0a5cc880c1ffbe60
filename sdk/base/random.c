/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/base/random.h"

#include <math.h>
#include <sys/random.h>

#include "sdk/base/clock.h"

static uint64_t split_mix(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15ULL);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

void otl_random_seed(struct otl_random *random, uint64_t seed)
{
    for (int i = 0; i < 4; i++)
        random->s[i] = split_mix(&seed);
}

uint64_t otl_random_os_seed(void)
{
    uint64_t seed = 0;

    if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
        seed = otl_clock_mono(otl_clock_real()) ^ otl_clock_wall(otl_clock_real());
    return seed;
}

double otl_random_unit(struct otl_random *random)
{
    return (double)(otl_random_next(random) >> 11) * 0x1.0p-53;
}

uint64_t otl_random_below(struct otl_random *random, uint64_t bound)
{
    uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
    uint64_t x;

    do {
        x = otl_random_next(random);
    } while (x >= limit);
    return x % bound;
}

double otl_random_exponential(struct otl_random *random)
{
    return -log(1.0 - otl_random_unit(random));
}

double otl_random_normal(struct otl_random *random)
{
    double radius = sqrt(2.0 * otl_random_exponential(random));

    return radius * cos(6.283185307179586 * otl_random_unit(random));
}

uint64_t otl_random_mix(uint64_t a, uint64_t b)
{
    uint64_t state = a ^ (b * 0xff51afd7ed558ccdULL);

    return split_mix(&state);
}

uint64_t otl_random_mix_text(uint64_t a, const char *text, size_t len)
{
    uint64_t hash = 0xcbf29ce484222325ULL;

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (unsigned char)text[i]) * 0x100000001b3ULL;
    return otl_random_mix(a, hash ^ len);
}
