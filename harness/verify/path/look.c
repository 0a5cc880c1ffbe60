/* SPDX-License-Identifier: Apache-2.0 */
/* Slow traces held against the others: what do they spend their time with? */
#include "harness/verify/path/paths.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/stats/summary.h"
#include "sdk/base/clock.h"
#include "sdk/base/mem.h"
#include "sdk/base/text.h"

enum {
    TRACES_MIN = 5,     /* of each kind */
    SLOW_RATIO = 3,
    FAST_PERCENTILE = 10,
    MOMENTS_MAX = 256,
    ALL_ROWS = HX_PATHS_OPERATIONS * HX_PATH_GAPS
};

struct sums {
    double slow_ns[ALL_ROWS], typical_ns[ALL_ROWS];
};

struct kind { /* traces of one kind */
    uint64_t *durations;
    uint64_t count;
    double unexplained_ns;
};

static bool seen(const struct hx_paths_trace *trace, uint64_t until_ns, uint16_t entry)
{
    return trace->root == entry && trace->arrived_ns <= until_ns;
}

/* The most frequent root. */
static uint16_t entry_of(const struct hx_paths *paths)
{
    uint32_t counts[HX_PATHS_OPERATIONS] = {0};
    uint16_t best = 0;

    for (size_t i = 0; i < paths->trace_count; i++)
        if (paths->traces[i].root != UINT16_MAX)
            counts[paths->traces[i].root]++;
    for (uint16_t i = 1; i < paths->operation_count; i++)
        if (counts[i] > counts[best])
            best = i;
    return best;
}

static uint64_t limit(const struct hx_paths *paths, uint64_t until_ns, uint16_t entry,
                      uint64_t *durations)
{
    size_t count = 0;

    for (size_t i = 0; i < paths->trace_count; i++)
        if (seen(&paths->traces[i], until_ns, entry))
            durations[count++] = paths->traces[i].duration_ns;
    hx_sort_u64(durations, count);
    return hx_nearest_rank_u64(durations, count, FAST_PERCENTILE) * SLOW_RATIO;
}

static void add_trace(const struct hx_paths *paths, const struct hx_paths_trace *trace,
                      double *sums, struct kind *kind)
{
    for (uint32_t i = 0; i < trace->shares; i++) {
        const struct hx_paths_share *share = &paths->shares[trace->share + i];
        sums[share->row] += (double)share->ns;
        if (share->row % HX_PATH_GAPS != HX_PATH_EXPLAINED)
            kind->unexplained_ns += (double)share->ns;
    }
    kind->durations[kind->count++] = trace->duration_ns;
}

static uint32_t trace_that_took(const struct hx_paths *paths, const struct hx_paths_finding *f,
                                uint64_t until_ns, uint64_t duration_ns)
{
    for (uint32_t i = 0; i < paths->trace_count; i++)
        if (seen(&paths->traces[i], until_ns, f->entry) &&
            paths->traces[i].duration_ns == duration_ns)
            return i;
    return HX_PATH_NONE;
}

static void sum_up(const struct hx_paths *paths, const struct hx_paths_finding *f,
                   uint64_t until_ns, struct kind *kind, struct hx_paths_sum *ret)
{
    hx_sort_u64(kind->durations, kind->count);
    ret->count = kind->count;
    ret->p50_ns = hx_nearest_rank_u64(kind->durations, kind->count, 50);
    ret->median = kind->count > 0 ? trace_that_took(paths, f, until_ns, ret->p50_ns)
                                  : HX_PATH_NONE;
    ret->unexplained_ns = kind->count > 0 ? kind->unexplained_ns / (double)kind->count : 0;
}

static int by_what_it_adds(const void *left, const void *right)
{
    const struct hx_paths_row *a = left, *b = right;
    double more = (b->slow_ns - b->typical_ns) - (a->slow_ns - a->typical_ns);

    if (more != 0)
        return more > 0 ? 1 : -1;
    return a->row < b->row ? -1 : a->row > b->row;
}

/* False: no memory. */
static bool fill_rows(const struct hx_paths *paths, const struct sums *sums,
                      struct hx_paths_finding *f)
{
    size_t all = paths->operation_count * HX_PATH_GAPS;

    f->rows = otl_mem_zalloc((all + 1) * sizeof *f->rows);
    if (f->rows == NULL)
        return false;
    for (uint32_t i = 0; i < all; i++) {
        struct hx_paths_row *row = &f->rows[f->row_count];
        if (sums->slow_ns[i] <= 0 && sums->typical_ns[i] <= 0)
            continue;
        row->row = i;
        row->slow_ns = f->slow.count > 0 ? sums->slow_ns[i] / (double)f->slow.count : 0;
        row->typical_ns = f->typical.count > 0 ? sums->typical_ns[i] / (double)f->typical.count : 0;
        f->row_count++;
    }
    if (f->row_count > 0)
        qsort(f->rows, f->row_count, sizeof *f->rows, by_what_it_adds);
    return true;
}

/* ---- what it says --------------------------------------------------------------------------- */

static void tell(const struct hx_paths *paths, struct hx_paths_finding *f)
{
    char one[32], two[32], three[32];
    const struct hx_paths_operation *operation = &paths->operations[f->row / HX_PATH_GAPS];
    enum hx_path_gap gap = (enum hx_path_gap)(f->row % HX_PATH_GAPS);
    bool statement = operation->statement[0] != '\0';

    otl_format_duration(f->limit_ns / 1000 * 1000, one, sizeof one);
    if (f->slow.count < TRACES_MIN) {
        snprintf(f->reason, sizeof f->reason,
                 "%" PRIu64 " of %" PRIu64 " traces took longer than %s, three times what the "
                 "fastest tenth takes: nothing to compare",
                 f->slow.count, f->slow.count + f->typical.count, one);
        return;
    }
    otl_format_duration((uint64_t)(f->added_ns > 0 ? f->added_ns : 0) / 1000 * 1000, two,
                        sizeof two);
    otl_format_duration(f->typical.p50_ns / 1000 * 1000, three, sizeof three);
    snprintf(f->reason, sizeof f->reason,
             "%" PRIu64 " slow traces spend %s more on their critical path in %.60s %.180s%s%s%s, "
             "%.0f %% of what they take above the others' %s%s",
             f->slow.count, two, operation->service, statement ? operation->statement
                                                               : operation->name,
             gap != HX_PATH_EXPLAINED ? " (a gap: " : "", hx_path_gap_text(gap),
             gap != HX_PATH_EXPLAINED ? ")" : "", f->added_share * 100, three,
             f->named ? "" : ": not enough to name it");
}

static void choose(const struct hx_paths *paths, struct hx_paths_finding *f)
{
    double all = 0;

    for (size_t i = 0; i < f->row_count; i++)
        all += f->rows[i].slow_ns - f->rows[i].typical_ns;
    f->row = f->row_count > 0 ? f->rows[0].row : 0;
    if (f->row_count > 0 && f->slow.count > 0) {
        f->added_ns = f->rows[0].slow_ns - f->rows[0].typical_ns;
        f->added_share = all > 0 ? f->added_ns / all : 0;
    }
    f->named = f->slow.count >= TRACES_MIN && f->typical.count >= TRACES_MIN &&
               f->added_share > 0.5;
    tell(paths, f);
}

static void find_symptom(const struct hx_paths *paths, uint64_t until_ns,
                         struct hx_paths_finding *f)
{
    uint64_t first = UINT64_MAX;

    for (size_t i = 0; i < paths->trace_count; i++)
        if (seen(&paths->traces[i], until_ns, f->entry) &&
            paths->traces[i].duration_ns > f->limit_ns && paths->traces[i].start_ns < first)
            first = paths->traces[i].start_ns;
    if (first != UINT64_MAX)
        f->symptom_s = (double)(first - paths->first_ns) / 1e9;
}

enum otel_err hx_paths_look(const struct hx_paths *paths, uint64_t until_ns,
                            struct hx_paths_finding *ret)
{
    struct sums *sums = otl_mem_zalloc(sizeof *sums);
    uint64_t *all = otl_mem_alloc((paths->trace_count + 1) * sizeof *all);
    struct kind slow = {otl_mem_alloc((paths->trace_count + 1) * sizeof *all), 0, 0};
    struct kind typical = {otl_mem_alloc((paths->trace_count + 1) * sizeof *all), 0, 0};
    bool ok = sums != NULL && all != NULL && slow.durations != NULL && typical.durations != NULL;

    memset(ret, 0, sizeof *ret);
    if (ok) {
        ret->entry = entry_of(paths);
        ret->limit_ns = limit(paths, until_ns, ret->entry, all);
        for (size_t i = 0; i < paths->trace_count; i++) {
            const struct hx_paths_trace *trace = &paths->traces[i];
            bool is_slow = trace->duration_ns > ret->limit_ns;
            if (seen(trace, until_ns, ret->entry))
                add_trace(paths, trace, is_slow ? sums->slow_ns : sums->typical_ns,
                          is_slow ? &slow : &typical);
        }
        sum_up(paths, ret, until_ns, &slow, &ret->slow);
        sum_up(paths, ret, until_ns, &typical, &ret->typical);
        ok = fill_rows(paths, sums, ret);
    }
    if (ok) {
        choose(paths, ret);
        find_symptom(paths, until_ns, ret);
    }
    otl_mem_free(sums);
    otl_mem_free(all);
    otl_mem_free(slow.durations);
    otl_mem_free(typical.durations);
    return ok ? OTEL_OK : OTEL_ERR_MEMORY;
}

/* When slow traces had arrived, at most MOMENTS_MAX of these instants. */
static size_t moments(const struct hx_paths *paths, const struct hx_paths_finding *f,
                      uint64_t *list)
{
    size_t count = 0, step;

    for (size_t i = 0; i < paths->trace_count; i++)
        if (seen(&paths->traces[i], UINT64_MAX, f->entry) &&
            paths->traces[i].duration_ns > f->limit_ns)
            list[count++] = paths->traces[i].arrived_ns;
    hx_sort_u64(list, count);
    step = count / MOMENTS_MAX + 1;
    for (size_t i = 0; i * step < count; i++)
        list[i] = list[i * step];
    return (count + step - 1) / step;
}

enum otel_err hx_paths_judge(const struct hx_paths *paths, struct hx_paths_finding *ret)
{
    enum otel_err err = hx_paths_look(paths, UINT64_MAX, ret);
    uint64_t first = 0, *list;
    size_t count;

    if (err != OTEL_OK || !ret->named)
        return err;
    list = otl_mem_alloc((paths->trace_count + 1) * sizeof *list);
    if (list == NULL) {
        hx_paths_finding_fini(ret);
        return OTEL_ERR_MEMORY;
    }
    count = moments(paths, ret, list);
    for (size_t i = 0; err == OTEL_OK && i < count; i++) {
        struct hx_paths_finding then;
        err = hx_paths_look(paths, list[i], &then);
        if (err == OTEL_OK && then.named && then.row == ret->row)
            first = first != 0 ? first : list[i];
        else
            first = 0;
        hx_paths_finding_fini(&then);
    }
    if (first == 0 && count > 0)
        first = list[count - 1];
    ret->after_s = (double)(first - paths->first_ns) / 1e9;
    otl_mem_free(list);
    return err;
}

void hx_paths_finding_fini(struct hx_paths_finding *finding)
{
    otl_mem_free(finding->rows);
    finding->rows = NULL;
}
