/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/verify/namer/namer.h"

#include <stdlib.h>
#include <string.h>

#include "harness/stats/summary.h"
#include "harness/stats/tails.h"
#include "harness/verify/namer/look.h"
#include "sdk/base/clock.h"
#include "sdk/base/mem.h"

/* A handling is long when it takes ten times the median, and never below this. */
#define SLOW_FLOOR_NS (500 * OTL_NS_PER_MS)
/* An innocent instance is named in at most so many runs: by storms, which are few, and by slow
 * handlings alone, which are looked at again and again while they come in. */
#define CHANCE_STORMS 0.01
#define CHANCE_SLOW 1e-5

enum { SUSPECT_MIN = 3, HANDLINGS_MIN = 20 };

/* ---- rows in order -------------------------------------------------------------------------- */

static int compare_u64(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

static int by_message_and_time(const void *left, const void *right)
{
    const struct hx_handling *a = left, *b = right;

    if (a->group != b->group)
        return a->group < b->group ? -1 : 1;
    if (a->partition != b->partition)
        return a->partition < b->partition ? -1 : 1;
    if (a->offset != b->offset)
        return a->offset < b->offset ? -1 : 1;
    if (a->start_ns != b->start_ns)
        return compare_u64(a->start_ns, b->start_ns);
    if (memcmp(a->span_id, b->span_id, sizeof a->span_id) != 0)
        return memcmp(a->span_id, b->span_id, sizeof a->span_id);
    return compare_u64(a->arrived_ns, b->arrived_ns);
}

static bool same_message(const struct hx_handling *a, const struct hx_handling *b)
{
    return a->group == b->group && a->partition == b->partition && a->offset == b->offset;
}

void hx_handlings_seal(struct hx_handlings *h)
{
    size_t kept = 0;

    if (h->count > 0)
        qsort(h->rows, h->count, sizeof *h->rows, by_message_and_time);
    for (size_t i = 0; i < h->count; i++) {
        if (kept > 0 && same_message(&h->rows[kept - 1], &h->rows[i]) &&
            memcmp(h->rows[kept - 1].span_id, h->rows[i].span_id, 8) == 0)
            continue;
        h->rows[kept++] = h->rows[i];
    }
    h->count = kept;
}

/* ---- one look ------------------------------------------------------------------------------- */

static bool seen(const struct hx_look *look, const struct hx_handling *row)
{
    return row->group == look->group && row->arrived_ns <= look->until_ns;
}

static uint64_t duration(const struct hx_handling *row)
{
    return row->end_ns - row->start_ns;
}

/* Later handlings of the same message: the first one, and the first by somebody else. */
static void find_again(const struct hx_look *look, size_t at, struct hx_slow *slow)
{
    const struct hx_handling *rows = look->handlings->rows;

    for (size_t i = at + 1; i < look->handlings->count && same_message(&rows[at], &rows[i]); i++) {
        if (!seen(look, &rows[i]))
            continue;
        if (slow->again == NULL)
            slow->again = &rows[i];
        if (slow->elsewhere == NULL && rows[i].instance != rows[at].instance)
            slow->elsewhere = &rows[i];
    }
}

static int by_start(const void *left, const void *right)
{
    const struct hx_slow *a = left, *b = right;

    return compare_u64(a->row->start_ns, b->row->start_ns);
}

/* Each row of the table, and the threshold. False: no memory. */
static bool measure(struct hx_look *look, struct hx_finding *ret)
{
    const struct hx_handlings *h = look->handlings;
    uint64_t *durations = otl_mem_alloc((h->count + 1) * sizeof *durations);
    size_t all = 0;

    if (durations == NULL)
        return false;
    for (size_t i = 0; i < h->count; i++)
        if (seen(look, &h->rows[i]))
            durations[all++] = duration(&h->rows[i]);
    hx_sort_u64(durations, all);
    look->handled = all;
    look->slow_ns = hx_nearest_rank_u64(durations, all, 50) * 10;
    if (look->slow_ns < SLOW_FLOOR_NS)
        look->slow_ns = SLOW_FLOOR_NS;
    for (size_t n = 0; n < h->instance_count; n++) {
        struct hx_namer_row *row = &ret->rows[n];
        size_t count = 0;
        for (size_t i = 0; i < h->count; i++)
            if (h->rows[i].instance == n && seen(look, &h->rows[i]))
                durations[count++] = duration(&h->rows[i]);
        hx_sort_u64(durations, count);
        row->handled = count;
        row->p50_ns = hx_nearest_rank_u64(durations, count, 50);
        row->p99_ns = hx_nearest_rank_u64(durations, count, 99);
        row->max_ns = count > 0 ? durations[count - 1] : 0;
        look->instances += count > 0;
    }
    otl_mem_free(durations);
    return true;
}

/* The long handlings in the order of their start; a storm lasts from the start of the one that
 * began it until its message is handled again, and what falls into it is its victim. */
static bool find_storms(struct hx_look *look, struct hx_finding *ret)
{
    const struct hx_handlings *h = look->handlings;
    uint64_t until_ns = 0;

    look->slow = otl_mem_zalloc((h->count + 1) * sizeof *look->slow);
    if (look->slow == NULL)
        return false;
    for (size_t i = 0; i < h->count; i++) {
        if (!seen(look, &h->rows[i]) || duration(&h->rows[i]) < look->slow_ns)
            continue;
        look->slow[look->slow_count].row = &h->rows[i];
        find_again(look, i, &look->slow[look->slow_count++]);
    }
    if (look->slow_count > 0)
        qsort(look->slow, look->slow_count, sizeof *look->slow, by_start);
    for (size_t i = 0; i < look->slow_count; i++) {
        struct hx_slow *slow = &look->slow[i];
        struct hx_namer_row *row = &ret->rows[slow->row->instance];
        row->slow++;
        if (slow->row->interval_ns != 0 && duration(slow->row) > slow->row->interval_ns) {
            row->late++;
            ret->late++;
        }
        row->again += slow->elsewhere != NULL;
        if (slow->again == NULL || slow->row->start_ns < until_ns)
            continue;
        slow->storm = true;
        until_ns = slow->again->start_ns;
        row->storms++;
        ret->storms++;
    }
    return true;
}

/* ---- what it says --------------------------------------------------------------------------- */

bool hx_look_alone(const struct hx_look *look, const struct hx_finding *finding, uint16_t instance)
{
    const struct hx_namer_instance *instances = look->handlings->instances;
    const char *other = NULL;

    if (instances[instance].version[0] == '\0')
        return false;
    for (size_t i = 0; i < look->handlings->instance_count; i++) {
        if (i == instance || finding->rows[i].handled == 0)
            continue;
        if (other != NULL && strcmp(instances[i].version, other) != 0)
            return false;
        other = instances[i].version;
    }
    return other != NULL && strcmp(other, instances[instance].version) != 0;
}

/* How often would an instance that does its share and no more stand out as this one does? The one
 * instance of another version is a suspect beforehand; of the others any might have been it. */
static double chance_of(const struct hx_look *look, const struct hx_finding *finding,
                        uint16_t instance, uint64_t count, uint64_t all)
{
    double share = (double)finding->rows[instance].handled / (double)look->handled;
    double even = 1.0 / (double)look->instances, chance;

    share = share < even ? even : share > 0.5 ? 0.5 : share;
    chance = hx_binomial_at_least(count, all, share);
    if (!hx_look_alone(look, finding, instance))
        chance *= (double)look->instances;
    return chance < 1 ? chance : 1;
}

/* Nine of ten long handlings in one partition: is it the data? Not if the same messages were fast
 * another time, with whomever: a pod has few partitions, and may get its own back. */
static int32_t suspect_partition(const struct hx_look *look)
{
    for (size_t i = 0; i < look->slow_count; i++) {
        int32_t partition = look->slow[i].row->partition;
        size_t in = 0, slow_too = 0, fast = 0;
        for (size_t k = 0; k < look->slow_count; k++) {
            const struct hx_slow *slow = &look->slow[k];
            if (slow->row->partition != partition)
                continue;
            in++;
            if (slow->again != NULL && duration(slow->again) >= look->slow_ns)
                slow_too++;
            else if (slow->again != NULL)
                fast++;
        }
        if (in >= SUSPECT_MIN && in * 10 >= look->slow_count * 9)
            return fast > slow_too ? -1 : partition;
    }
    return -1;
}

static void choose(const struct hx_look *look, struct hx_finding *ret)
{
    bool late = ret->late > 0, storms = !late && ret->storms > 0;
    uint64_t all = late ? ret->late : storms ? ret->storms : look->slow_count, most = 0;
    uint16_t best = UINT16_MAX;

    ret->partition = suspect_partition(look);
    ret->chance = 1;
    for (size_t i = 0; i < look->handlings->instance_count && look->handled > 0; i++) {
        const struct hx_namer_row *row = &ret->rows[i];
        uint64_t count = late ? row->late : storms ? row->storms : row->slow;
        if (count <= most)
            continue;
        most = count;
        best = (uint16_t)i;
    }
    if (best == UINT16_MAX || look->instances < 2)
        return;
    ret->chance = chance_of(look, ret, best, most, all);
    if (ret->partition < 0 && most >= 2 && look->handled >= HANDLINGS_MIN &&
        look->handlings->instances[best].instance[0] != '\0' &&
        ret->chance < (late || storms ? CHANCE_STORMS : CHANCE_SLOW))
        ret->instance = best;
}

static enum otel_err look_at(const struct hx_handlings *h, uint16_t group, uint64_t until_ns,
                             struct hx_finding *ret)
{
    struct hx_look look = {.handlings = h, .group = group, .until_ns = until_ns};
    bool ok;

    memset(ret, 0, sizeof *ret);
    ret->group = group;
    ret->instance = UINT16_MAX;
    ret->partition = -1;
    ret->rows = otl_mem_zalloc((h->instance_count + 1) * sizeof *ret->rows);
    ok = ret->rows != NULL && measure(&look, ret) && find_storms(&look, ret);
    ret->slow_ns = look.slow_ns;
    if (ok) {
        choose(&look, ret);
        hx_look_tell(&look, ret);
    }
    otl_mem_free(look.slow);
    if (ok)
        return OTEL_OK;
    hx_finding_fini(ret);
    return OTEL_ERR_MEMORY;
}

/* The group in which an instance is named, or else the one with the most storms. */
enum otel_err hx_namer_look(const struct hx_handlings *h, uint64_t until_ns,
                            struct hx_finding *ret)
{
    struct hx_finding best = {.instance = UINT16_MAX, .partition = -1, .rows = NULL};

    for (uint16_t g = 0; g == 0 || g < h->group_count; g++) {
        struct hx_finding one;
        enum otel_err err = look_at(h, g, until_ns, &one);
        if (err != OTEL_OK) {
            hx_finding_fini(&best);
            return err;
        }
        if (best.rows != NULL && (best.instance != UINT16_MAX ||
                                  (one.instance == UINT16_MAX && one.storms <= best.storms))) {
            hx_finding_fini(&one);
            continue;
        }
        hx_finding_fini(&best);
        best = one;
    }
    *ret = best;
    return OTEL_OK;
}

/* The moments at which something could be learnt: a long handling arrived, or the handling again of
 * its message. In order; NULL: no memory. */
static uint64_t *moments(const struct hx_handlings *h, size_t *ret_count)
{
    uint64_t *list = otl_mem_alloc((h->count + 1) * sizeof *list);
    bool slow = false;
    size_t count = 0;

    for (size_t i = 0; list != NULL && i < h->count; i++) {
        slow = (slow && i > 0 && same_message(&h->rows[i - 1], &h->rows[i])) ||
               duration(&h->rows[i]) >= SLOW_FLOOR_NS;
        if (slow)
            list[count++] = h->rows[i].arrived_ns;
    }
    if (list != NULL)
        hx_sort_u64(list, count);
    *ret_count = count;
    return list;
}

enum otel_err hx_namer_judge(const struct hx_handlings *h, struct hx_finding *ret)
{
    uint64_t first = 0, *list;
    size_t count;
    enum otel_err err = hx_namer_look(h, UINT64_MAX, ret);

    if (err != OTEL_OK || ret->instance == UINT16_MAX)
        return err;
    list = moments(h, &count);
    err = list != NULL ? OTEL_OK : OTEL_ERR_MEMORY;
    for (size_t i = 0; err == OTEL_OK && i < count; i++) {
        struct hx_finding then;
        if (i + 1 < count && list[i + 1] == list[i])
            continue;
        err = hx_namer_look(h, list[i], &then);
        if (err != OTEL_OK)
            break;
        if (then.instance != ret->instance || then.group != ret->group)
            first = 0;
        else if (first == 0)
            first = list[i];
        hx_finding_fini(&then);
    }
    otl_mem_free(list);
    if (err != OTEL_OK)
        hx_finding_fini(ret);
    /* Named only once the last handlings had made its share plain: then that was the moment. */
    ret->after_s = (double)((first != 0 ? first : h->last_ns) - h->first_ns) / 1e9;
    return err;
}

void hx_finding_fini(struct hx_finding *finding)
{
    otl_mem_free(finding->rows);
    finding->rows = NULL;
}
