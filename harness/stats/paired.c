/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/stats/paired.h"

#include <math.h>
#include <stdlib.h>

#include "harness/stats/summary.h"
#include "sdk/base/mem.h"
#include "sdk/base/random.h"

enum { EXACT_MAX = 50 };

/* ---- quantiles ---------------------------------------------------------------------------- */

double hx_normal_below(double x)
{
    return 0.5 * erfc(-x / sqrt(2));
}

/* Bisection of the distribution: slow, exact, and asked a few times only. */
double hx_normal_quantile(double p)
{
    double low = -40, high = 40;

    for (int i = 0; i < 200; i++) {
        double middle = (low + high) / 2;
        if (hx_normal_below(middle) < p)
            low = middle;
        else
            high = middle;
    }
    return (low + high) / 2;
}

/* Cornish-Fisher expansion in powers of 1/degrees. */
double hx_t_quantile(double p, double degrees)
{
    double z = hx_normal_quantile(p), z2 = z * z, v = degrees;
    double g1 = z * (z2 + 1) / 4;
    double g2 = z * ((5 * z2 + 16) * z2 + 3) / 96;
    double g3 = z * (((3 * z2 + 19) * z2 + 17) * z2 - 15) / 384;
    double g4 = z * ((((79 * z2 + 776) * z2 + 1482) * z2 - 1920) * z2 - 945) / 92160;

    return z + g1 / v + g2 / (v * v) + g3 / (v * v * v) + g4 / (v * v * v * v);
}

/* ---- estimate ----------------------------------------------------------------------------- */

/* The k-th smallest (Hoare); before it stand no larger ones. */
static double select_rank(double *values, size_t count, size_t k)
{
    size_t first = 0, last = count - 1;

    while (first < last) {
        double pivot = values[first + (last - first) / 2], kept;
        size_t i = first, j = last;
        for (;; i++, j--) {
            for (; values[i] < pivot; i++)
                ;
            for (; values[j] > pivot; j--)
                ;
            if (i >= j)
                break;
            kept = values[i];
            values[i] = values[j];
            values[j] = kept;
        }
        if (k <= j)
            last = j;
        else
            first = j + 1;
    }
    return values[k];
}

static size_t all_means(const double *values, size_t count, double *means)
{
    size_t n = 0;

    for (size_t i = 0; i < count; i++)
        for (size_t j = i; j < count; j++)
            means[n++] = (values[i] + values[j]) / 2;
    return n;
}

/* The same with room for count * (count + 1) / 2 means. */
static double middle_of(const double *values, size_t count, double *means)
{
    size_t n = all_means(values, count, means);
    double upper = select_rank(means, n, n / 2), lower = means[0];

    if (n % 2 == 1)
        return upper;
    for (size_t i = 1; i < n / 2; i++)
        lower = means[i] > lower ? means[i] : lower;
    return (lower + upper) / 2;
}

double hx_hodges_lehmann(const double *values, size_t count)
{
    double *means, middle;

    if (count == 0 || count > HX_PAIRED_MAX)
        return 0;
    means = otl_mem_alloc(count * (count + 1) / 2 * sizeof(*means));
    if (means == NULL)
        return 0;
    middle = middle_of(values, count, means);
    otl_mem_free(means);
    return middle;
}

/* ---- Wilcoxon ----------------------------------------------------------------------------- */

struct signed_rank {
    double size;
    bool above;
    size_t rank; /* doubled, so that the mean rank of ties is whole */
};

static int by_size(const void *a, const void *b)
{
    double x = ((const struct signed_rank *)a)->size, y = ((const struct signed_rank *)b)->size;

    return (x > y) - (x < y);
}

static size_t rank_all(const double *differences, size_t count, struct signed_rank *all,
                       double *ret_ties)
{
    size_t n = 0;

    for (size_t i = 0; i < count; i++)
        if (differences[i] > 0 || differences[i] < 0)
            all[n++] = (struct signed_rank){fabs(differences[i]), differences[i] > 0, 0};
    qsort(all, n, sizeof(*all), by_size);
    *ret_ties = 0;
    for (size_t i = 0, end; i < n; i = end) {
        double ties;
        for (end = i + 1; end < n && !(all[end].size > all[i].size); end++)
            ;
        ties = (double)(end - i);
        *ret_ties += ties * ties * ties - ties;
        for (size_t k = i; k < end; k++)
            all[k].rank = i + 1 + end;
    }
    return n;
}

/* Every way to give the ranks a sign is as likely as any other. */
static double exact_p(const struct signed_rank *all, size_t n, double above)
{
    size_t total = n * (n + 1);
    double *ways = otl_mem_zalloc((total + 1) * sizeof(*ways)), away = 0;
    double middle = (double)total / 2;

    if (ways == NULL)
        return 1;
    ways[0] = 1;
    for (size_t i = 0; i < n; i++)
        for (size_t sum = total; sum >= all[i].rank; sum--)
            ways[sum] += ways[sum - all[i].rank];
    for (size_t sum = 0; sum <= total; sum++)
        if (fabs((double)sum - middle) >= fabs(above - middle) - 0.25)
            away += ways[sum];
    otl_mem_free(ways);
    return away / pow(2, (double)n);
}

double hx_wilcoxon(const double *differences, size_t count)
{
    struct signed_rank *all = otl_mem_alloc((count ? count : 1) * sizeof(*all));
    double ties, above = 0, n, variance, p = 1;
    size_t used;

    if (all == NULL)
        return 1;
    used = rank_all(differences, count, all, &ties);
    for (size_t i = 0; i < used; i++)
        above += all[i].above ? (double)all[i].rank : 0;
    n = (double)used;
    if (used > 0 && used <= EXACT_MAX) {
        p = exact_p(all, used, above);
    } else if (used > 0) {
        variance = n * (n + 1) * (2 * n + 1) / 24 - ties / 48;
        p = 2 * hx_normal_below(-(fabs(above / 2 - n * (n + 1) / 4) - 0.5) / sqrt(variance));
    }
    otl_mem_free(all);
    return p < 1 ? p : 1;
}

/* ---- BCa bootstrap ------------------------------------------------------------------------ */

struct room {
    double *sample;
    double *means;
    double *found; /* resamples, or as many as there are values */
    size_t resamples;
};

static bool make_room(struct room *room, size_t count)
{
    size_t kept = room->resamples > count ? room->resamples : count;

    room->sample = otl_mem_alloc(count * sizeof(double));
    room->means = otl_mem_alloc(count * (count + 1) / 2 * sizeof(double));
    room->found = otl_mem_alloc(kept * sizeof(double));
    return room->sample != NULL && room->means != NULL && room->found != NULL;
}

static void free_room(struct room *room)
{
    otl_mem_free(room->sample);
    otl_mem_free(room->means);
    otl_mem_free(room->found);
}

/* How much the estimate's spread changes with its value, from leaving out one block at a time. */
static double acceleration(const double *values, size_t count, struct room *room)
{
    double sum = 0, squares = 0, cubes = 0;

    for (size_t out = 0; out < count; out++) {
        size_t n = 0;
        for (size_t i = 0; i < count; i++)
            if (i != out)
                room->sample[n++] = values[i];
        room->found[out] = middle_of(room->sample, n, room->means);
        sum += room->found[out];
    }
    for (size_t out = 0; out < count; out++) {
        double away = sum / (double)count - room->found[out];
        squares += away * away;
        cubes += away * away * away;
    }
    return squares > 0 ? cubes / (6 * pow(squares, 1.5)) : 0;
}

/* Share of the resamples at which the interval's end lies, for the normal quantile z. */
static double place(double z, double bias, double a)
{
    double moved = bias + z;

    return hx_normal_below(bias + moved / (1 - a * moved));
}

static double at(const struct room *room, double share)
{
    double index = floor(share * (double)room->resamples), last = (double)room->resamples - 1;

    return room->found[(size_t)fmax(0, fmin(index, last))];
}

/* The interval of all shifts that Wilcoxon's test would not refuse ends at the k-th mean of two
 * from either side. 0: no memory. */
static size_t wilcoxon_rank(size_t count)
{
    size_t total = count * (count + 1) / 2, k = 0;
    double *ways = otl_mem_zalloc((total + 1) * sizeof(*ways)), below = 0;

    if (ways == NULL)
        return 0;
    ways[0] = 1;
    for (size_t rank = 1; rank <= count; rank++)
        for (size_t sum = total; sum >= rank; sum--)
            ways[sum] += ways[sum - rank];
    for (; k <= total; k++) {
        below += ways[k] / pow(2, (double)count);
        if (2 * below > 0.05)
            break;
    }
    otl_mem_free(ways);
    return k;
}

/* Of six blocks the bootstrap alone covers 93 %. */
static void widen(const double *values, size_t count, struct room *room, struct hx_paired *ret)
{
    size_t k = count <= EXACT_MAX ? wilcoxon_rank(count) : 0, last = count * (count + 1) / 2 - 1;

    if (k == 0)
        return;
    hx_sort_doubles(room->means, all_means(values, count, room->means));
    if (room->means[k - 1] < ret->low)
        ret->low = room->means[k - 1];
    if (room->means[last - (k - 1)] > ret->high)
        ret->high = room->means[last - (k - 1)];
}

static void interval(const double *values, size_t count, uint64_t seed, struct room *room,
                     struct hx_paired *ret)
{
    double n = (double)count, below = 0, bias, a = acceleration(values, count, room);
    /* Without this the interval of ten blocks covers as if it were one of 90 %. */
    double z = sqrt(n / (n - 1)) * hx_t_quantile(0.975, n - 1);
    struct otl_random random;

    otl_random_seed(&random, otl_random_mix_text(seed, "bootstrap", 9));
    for (size_t r = 0; r < room->resamples; r++) {
        for (size_t i = 0; i < count; i++)
            room->sample[i] = values[otl_random_below(&random, count)];
        room->found[r] = middle_of(room->sample, count, room->means);
        below += room->found[r] < ret->estimate ? 1 : room->found[r] > ret->estimate ? 0 : 0.5;
    }
    hx_sort_doubles(room->found, room->resamples);
    below /= (double)room->resamples;
    bias = below > 0 && below < 1 ? hx_normal_quantile(below) : 0;
    ret->low = at(room, place(-z, bias, a));
    ret->high = at(room, place(z, bias, a));
    widen(values, count, room, ret);
}

bool hx_paired(const double *differences, size_t count, uint64_t seed, struct hx_paired *ret)
{
    return hx_paired_drawn(differences, count, seed, HX_PAIRED_RESAMPLES, ret);
}

bool hx_paired_drawn(const double *differences, size_t count, uint64_t seed, size_t resamples,
                     struct hx_paired *ret)
{
    struct room room = {.resamples = resamples > 0 ? resamples : 1};

    if (count == 0 || count > HX_PAIRED_MAX || !make_room(&room, count)) {
        if (count != 0 && count <= HX_PAIRED_MAX)
            free_room(&room);
        return false;
    }
    *ret = (struct hx_paired){.count = count, .low = differences[0], .high = differences[0]};
    ret->estimate = middle_of(differences, count, room.means);
    ret->p = hx_wilcoxon(differences, count);
    for (size_t i = 1; i < count; i++) {
        ret->low = differences[i] < ret->low ? differences[i] : ret->low;
        ret->high = differences[i] > ret->high ? differences[i] : ret->high;
    }
    if (count >= HX_PAIRED_BLOCKS_MIN && ret->low < ret->high)
        interval(differences, count, seed, &room, ret);
    free_room(&room);
    return true;
}
