/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/verify/judge/ratio.h"

static uint64_t big_endian(const uint8_t *bytes, int count)
{
    uint64_t value = 0;

    while (count-- > 0)
        value = value << 8 | *bytes++;
    return value;
}

/* Two's complement, without leaving unsigned arithmetic. The least number has no magnitude in its
 * own type: it stays negative, below every bound but that of ratio 0. */
static bool signed_below(uint64_t word, double ratio)
{
    const uint64_t least = UINT64_C(0x8000000000000000);
    uint64_t bound = ratio >= 1.0 ? least - 1 : (uint64_t)(ratio * 9223372036854775808.0);

    if (ratio <= 0.0)
        return false;
    if (word == least)
        return true;
    return (word > least ? ~word + 1 : word) < bound;
}

/* The sign bit is nobody's. */
static bool unsigned_below(uint64_t word, double ratio)
{
    const uint64_t most = UINT64_C(0x7fffffffffffffff);
    uint64_t bound = ratio >= 1.0 ? most : (uint64_t)(ratio * 9223372036854775808.0);

    return (word & most) < bound;
}

static bool share_of_first(const uint8_t *trace_id, double ratio)
{
    double share = (double)big_endian(trace_id, 8) / 18446744073709551616.0;

    return ratio > 0.0 && share <= ratio;
}

static bool words_below(const uint8_t *trace_id, double ratio)
{
    uint32_t word = 0;

    for (int i = 0; i < 16; i += 4)
        word ^= (uint32_t)big_endian(trace_id + i, 4);
    return ratio >= 1.0 || word < (uint64_t)(ratio * 4294967295.0);
}

static bool at_threshold(const uint8_t *trace_id, double ratio)
{
    double rest = ratio < 0.5 ? ratio : 1.0 - ratio;
    long double scale = 65536.0L; /* 16^4 */
    int digits = 4;
    uint64_t threshold;

    if (ratio >= 1.0)
        return true;
    if (ratio <= 0.0)
        return false;
    for (; rest < 0.0625 && digits < 14; rest *= 16.0, digits++)
        scale *= 16.0L;
    threshold = (uint64_t)((1.0L - (long double)ratio) * scale + 0.5L);
    for (; digits < 14; digits++)
        threshold *= 16;
    return big_endian(trace_id + 9, 7) >= threshold;
}

bool hx_ratio_says(enum hx_ratio_rule rule, double ratio, const uint8_t trace_id[16])
{
    switch (rule) {
    case HX_RULE_JAVA:
        return signed_below(big_endian(trace_id + 8, 8), ratio);
    case HX_RULE_DOTNET:
        return unsigned_below(big_endian(trace_id, 8), ratio);
    case HX_RULE_CPP:
        return share_of_first(trace_id, ratio);
    case HX_RULE_JS:
        return words_below(trace_id, ratio);
    case HX_RULE_PROBABILITY:
        return at_threshold(trace_id, ratio);
    case HX_RULE_GO:
    case HX_RULES:
        break;
    }
    if (ratio >= 1.0)
        return true;
    if (ratio <= 0.0)
        return false;
    return big_endian(trace_id + 8, 8) >> 1 < (uint64_t)(ratio * 9223372036854775808.0);
}

void hx_ratio_bounds_init(struct hx_ratio_bounds *bounds)
{
    for (int i = 0; i < HX_RULES; i++) {
        bounds->low[i] = 1.0;
        bounds->high[i] = 0.0;
    }
}

void hx_ratio_bounds_add(struct hx_ratio_bounds *bounds, enum hx_ratio_rule rule, double share)
{
    if (share < bounds->low[rule])
        bounds->low[rule] = share;
    if (share > bounds->high[rule])
        bounds->high[rule] = share;
}

/* Both keep: go the ids below a of the circle, java those within b/2 of its ends. */
static double go_and_java(double go, double java)
{
    double front = go < java / 2 ? go : java / 2;
    double back = go + java / 2 - 1.0;

    return java >= 1.0 ? go : front + (back > 0.0 ? back : 0.0);
}

/* Both keep: cpp the ids below c of the circle, dotnet those within d/2 behind its start and behind
 * its middle. */
static double dotnet_and_cpp(double dotnet, double cpp)
{
    double start = cpp < dotnet / 2 ? cpp : dotnet / 2;
    double middle = cpp - 0.5 < dotnet / 2 ? cpp - 0.5 : dotnet / 2;

    return start + (middle > 0.0 ? middle : 0.0);
}

double hx_ratio_partial(const struct hx_ratio_bounds *bounds)
{
    const double *low = bounds->low, *high = bounds->high;
    double all = go_and_java(low[HX_RULE_GO], low[HX_RULE_JAVA]) *
                 dotnet_and_cpp(low[HX_RULE_DOTNET], low[HX_RULE_CPP]);
    double none = (1.0 - high[HX_RULE_GO] - high[HX_RULE_JAVA] +
                   go_and_java(high[HX_RULE_GO], high[HX_RULE_JAVA])) *
                  (1.0 - high[HX_RULE_DOTNET] - high[HX_RULE_CPP] +
                   dotnet_and_cpp(high[HX_RULE_DOTNET], high[HX_RULE_CPP]));

    for (int i = HX_RULE_JS; i < HX_RULES; i++) {
        all *= low[i];
        none *= 1.0 - high[i];
    }
    return 1.0 - all - none > 1e-15 ? 1.0 - all - none : 0.0;
}
