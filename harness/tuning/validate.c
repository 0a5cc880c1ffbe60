/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/tuning/validate.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "harness/stats/summary.h"
#include "sdk/base/mem.h"

static const double SIGNIFICANT = 0.05;
static const double CPU_TOLERANCE = 0.15, INSTRUCTIONS_TOLERANCE = 0.01;
static const double LEAK_TOLERANCE = 0.10; /* of what another thread was given */
/* Less is no injection: what a loop that both arms have differs by from arm to arm, on a machine
 * that others use by several per cent. */
static const double TRUTH_MIN_NS = 500, TRUTH_MIN_SHARE = 0.1; /* of the base's loop */
/* Lengths before and after may take a byte more each. */
static const double LENGTHS = 2;

enum { REFERENCE = 200, REFERENCE_WRONG = 17 };

/* ---- the table ---------------------------------------------------------------------------- */

OTEL_PRINTF(2, 3)
static void put(char *out, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(out, HX_VALIDATE_TEXT, format, args);
    va_end(args);
}

static struct hx_validate_row *add(struct hx_validate *table, const char *claim)
{
    static struct hx_validate_row beyond;
    struct hx_validate_row *row =
        table->count < HX_VALIDATE_ROWS ? &table->rows[table->count++] : &beyond;

    memset(row, 0, sizeof(*row));
    put(row->claim, "%s", claim);
    return row;
}

bool hx_validate_held(const struct hx_validate *table)
{
    for (size_t i = 0; i < table->count; i++)
        if (!table->rows[i].held)
            return false;
    return table->count > 0;
}

void hx_validate_print(const struct hx_validate *table)
{
    printf("%-48s  %-38s  %-62s  %s\n", "claim", "must", "measured", "verdict");
    for (size_t i = 0; i < table->count; i++)
        printf("%-48s  %-38s  %-62s  %s\n", table->rows[i].claim, table->rows[i].must,
               table->rows[i].measured, table->rows[i].held ? "held" : "NOT HELD");
}

/* ---- many comparisons --------------------------------------------------------------------- */

/* Of an arm to the base and of what was injected into it; the blocks in which all three have
 * figures. */
struct app {
    double same[HX_PAIRED_MAX], injected[HX_PAIRED_MAX], truth[HX_PAIRED_MAX];
    double base[HX_PAIRED_MAX]; /* the base's own loop */
    size_t count;
};

static double loop_ns(const struct hx_slice *slice)
{
    return slice->injected_app_ns / slice->handled;
}

static void read_app(const struct hx_slices *slices, struct app *ret)
{
    ret->count = 0;
    for (unsigned b = 0; b < slices->plan->blocks && ret->count < HX_PAIRED_MAX; b++) {
        const struct hx_slice *all[3];
        bool known = true;
        for (unsigned arm = HX_ARM_NONE; arm <= HX_ARM_INJECTED; arm++) {
            all[arm] = hx_slice_at(slices, b, HX_OVERHEAD_SATURATION, arm);
            known = known && all[arm]->known[HX_OVERHEAD_APP_CPU];
        }
        if (!known)
            continue;
        ret->same[ret->count] = all[HX_ARM_NONE_AGAIN]->figures[HX_OVERHEAD_APP_CPU] -
                                all[HX_ARM_NONE]->figures[HX_OVERHEAD_APP_CPU];
        ret->injected[ret->count] = all[HX_ARM_INJECTED]->figures[HX_OVERHEAD_APP_CPU] -
                                    all[HX_ARM_NONE]->figures[HX_OVERHEAD_APP_CPU];
        ret->base[ret->count] = loop_ns(all[HX_ARM_NONE]);
        ret->truth[ret->count++] = loop_ns(all[HX_ARM_INJECTED]) - loop_ns(all[HX_ARM_NONE]);
    }
}

bool hx_comparisons_add(struct hx_comparisons *all, const struct hx_slices *slices,
                        hx_estimate_fn *estimate)
{
    struct hx_paired same, injected;
    struct app app;
    double truth;

    read_app(slices, &app);
    if (all->count == HX_VALIDATE_COMPARISONS || app.count < HX_PAIRED_BLOCKS_MIN ||
        !estimate(app.same, app.count, slices->seed, &same) ||
        !estimate(app.injected, app.count, slices->seed, &injected))
        return false;
    truth = hx_hodges_lehmann(app.truth, app.count);
    all->claims += same.p < SIGNIFICANT && same.low * same.high > 0;
    all->covered += injected.low <= truth && truth <= injected.high;
    all->base[all->count] = hx_hodges_lehmann(app.base, app.count);
    all->truth[all->count] = truth;
    all->found[all->count++] = injected.estimate;
    return true;
}

/* More than wrong of count, each with probability 1 in 20. */
static double tail(size_t count, size_t wrong)
{
    double term = pow(0.95, (double)count), below = term;

    for (size_t i = 1; i <= wrong; i++) {
        term *= (double)(count - i + 1) / (double)i * 0.05 / 0.95;
        below += term;
    }
    return 1 - below;
}

size_t hx_wrong_allowed(size_t count)
{
    double limit = tail(REFERENCE, REFERENCE_WRONG) * (1 + 1e-9);
    size_t wrong = 0;

    while (wrong < count && tail(count, wrong) > limit)
        wrong++;
    return wrong;
}

static double middle(const double *values, size_t count)
{
    double sorted[HX_VALIDATE_COMPARISONS];

    memcpy(sorted, values, count * sizeof(*values));
    hx_sort_doubles(sorted, count);
    return count > 0 ? hx_median(sorted, count) : 0;
}

void hx_validate_comparisons(const struct hx_comparisons *all, struct hx_validate *table)
{
    size_t allowed = hx_wrong_allowed(all->count);
    double found = middle(all->found, all->count), truth = middle(all->truth, all->count);
    double least = fmax(TRUTH_MIN_NS, TRUTH_MIN_SHARE * middle(all->base, all->count));
    struct hx_validate_row *row = add(table, "two arms that are the same: differences claimed");

    put(row->must, "at most %zu of %zu", allowed, all->count);
    put(row->measured, "%zu of %zu", all->claims, all->count);
    row->held = all->count > 0 && all->claims <= allowed;

    row = add(table, "95 % intervals that cover the injected loop");
    put(row->must, "at least %zu of %zu", all->count - allowed, all->count);
    put(row->measured, "%zu of %zu", all->covered, all->count);
    row->held = all->count > 0 && all->covered >= all->count - allowed;

    row = add(table, "CPU time injected into the application");
    put(row->must, "found within 15 %%");
    put(row->measured, "%.0f ns a request of the loop's own %.0f: %+.1f %%", found, truth,
        truth > 0 ? 100 * (found / truth - 1) : 0);
    row->held = truth > least && fabs(found / truth - 1) <= CPU_TOLERANCE;
}

/* ---- the exporter's thread ---------------------------------------------------------------- */

struct pairs {
    double differences[HX_PAIRED_MAX], truth[HX_PAIRED_MAX];
    size_t count;
};

typedef double hx_figure_fn(const struct hx_slice *slice);

static double exporter_per_span(const struct hx_slice *slice)
{
    return slice->exporter_ns / slice->exported;
}

static double app_per_span(const struct hx_slice *slice)
{
    return slice->figures[HX_OVERHEAD_APP_CPU] * slice->handled / slice->spans;
}

static double bytes_per_span(const struct hx_slice *slice)
{
    return slice->bytes / slice->exported;
}

static bool is_whole(const struct hx_slice *slice)
{
    return slice->ran && slice->unfinished[0] == '\0' && slice->exported > 0 &&
           slice->spans > 0 && !(slice->dropped > 0) && !(slice->failed > 0);
}

/* Of the blocks in which both exported all. */
static bool pair_up(const struct hx_slices *slices, unsigned load, hx_figure_fn *figure,
                    struct pairs *pairs, struct hx_paired *ret)
{
    pairs->count = 0;
    for (unsigned b = 0; b < slices->plan->blocks && pairs->count < HX_PAIRED_MAX; b++) {
        const struct hx_slice *base = hx_slice_at(slices, b, load, HX_ARM_BATCH);
        const struct hx_slice *slice = hx_slice_at(slices, b, load, HX_ARM_BATCH_INJECTED);
        if (!is_whole(base) || !is_whole(slice))
            continue;
        pairs->differences[pairs->count] = figure(slice) - figure(base);
        pairs->truth[pairs->count++] = slice->injected_exporter_ns / slice->exported;
    }
    return pairs->count >= HX_PAIRED_BLOCKS_MIN &&
           hx_paired(pairs->differences, pairs->count, slices->seed, ret);
}

void hx_validate_exporter(const struct hx_slices *slices, double ns, struct hx_validate *table)
{
    struct hx_validate_row *row = add(table, "CPU time injected into the exporter's thread");
    struct pairs *pairs = otl_mem_alloc(sizeof(*pairs));
    struct hx_paired found = {.p = 1};
    double truth;
    bool known = pairs != NULL && pair_up(slices, HX_OVERHEAD_SATURATION, exporter_per_span,
                                          pairs, &found);

    truth = known ? hx_hodges_lehmann(pairs->truth, pairs->count) : 0;
    put(row->must, "%.0f ns a span, found there within 15 %%", ns);
    put(row->measured, "%.0f ns a span, the loop's own %.0f", found.estimate, truth);
    row->held = known && fabs(truth / ns - 1) <= CPU_TOLERANCE &&
                fabs(found.estimate / truth - 1) <= CPU_TOLERANCE;

    row = add(table, "... and not in the application's");
    known = pairs != NULL &&
            pair_up(slices, HX_OVERHEAD_SATURATION, app_per_span, pairs, &found);
    put(row->must, "no difference, or below %.0f ns a span", LEAK_TOLERANCE * ns);
    put(row->measured, "%+.0f ns a span [%+.0f, %+.0f], p %.2f", found.estimate, found.low,
        found.high, found.p);
    /* What could not have told all of it from nothing shows nothing. */
    row->held = known && found.low > -ns && found.high < ns &&
                (fabs(found.estimate) < LEAK_TOLERANCE * ns || found.low * found.high <= 0);
    otl_mem_free(pairs);
}

void hx_validate_bytes(const struct hx_slices *slices, double bytes, struct hx_validate *table)
{
    struct hx_validate_row *row = add(table, "bytes added to a span on the wire");
    struct pairs *pairs = otl_mem_alloc(sizeof(*pairs));
    struct hx_paired found = {.p = 1};
    bool known =
        pairs != NULL && pair_up(slices, HX_OVERHEAD_HELD, bytes_per_span, pairs, &found);

    put(row->must, "%.0f, lengths up to %.0f more", bytes, LENGTHS);
    put(row->measured, "%.2f", found.estimate);
    row->held = known && found.estimate > bytes - 0.5 && found.estimate < bytes + LENGTHS + 0.5;
    otl_mem_free(pairs);
}

/* ---- what the report says ----------------------------------------------------------------- */

static const json_t *named(const json_t *rows, const char *name)
{
    size_t index;
    json_t *row;

    json_array_foreach(rows, index, row)
        if (strcmp(json_string_value(json_object_get(row, "name")), name) == 0)
            return row;
    return NULL;
}

static double number(const json_t *row, const char *key)
{
    return json_number_value(json_object_get(row, key));
}

/* A share of the requests slower and a hundredth that are slow by nature make a larger share: where
 * the two are a fiftieth, or the first alone is, the new p99 lies among the slow, so at least where
 * the fastest half of them is. */
static double p99_above_p50(const json_t *rows)
{
    return number(named(rows, "injected request_p99_ns held"), "base") -
           number(named(rows, "injected request_p50_ns held"), "base");
}

double hx_tail_slow_ns(const json_t *overhead, double ns)
{
    double above = p99_above_p50(json_object_get(overhead, "rows"));

    return ns + (above > 0 ? above : 0);
}

/* Beyond what the report says it could have seen, what was there must have been seen. On a machine
 * whose p99 is far off nothing need have been: then what it says is put to the test. */
double hx_validate_tail(const json_t *overhead, double ns, struct hx_validate *table)
{
    struct hx_validate_row *row = add(table, "a hundredth of the requests slower");
    const json_t *rows = json_object_get(overhead, "rows");
    const json_t *p99 = named(rows, "injected request_p99_ns held");
    const char *text = json_string_value(json_object_get(p99, "text"));
    double least = ns - p99_above_p50(rows);
    double seen = number(p99, "smallest_seen"), more = number(p99, "difference");

    put(row->must, "%.0f us in p99, or the smallest told", ns / 1000);
    if (text == NULL || named(rows, "injected request_p50_ns held") == NULL) {
        put(row->measured, "no row");
        return 0;
    }
    if (json_is_true(json_object_get(p99, "detected"))) {
        put(row->measured, "p99 %+.0f us of %.0f us", more / 1000, number(p99, "base") / 1000);
        row->held = more > 0;
        return 0;
    }
    put(row->measured, "not seen; smallest told %.0f us, at least %.0f us was there", seen / 1000,
        least > 0 ? least / 1000 : 0);
    row->held = strstr(text, "the smallest that could have been") != NULL && seen > 0 &&
                seen >= least;
    return row->held ? seen : 0;
}

void hx_validate_told(const json_t *overhead, double told_ns, struct hx_validate *table)
{
    struct hx_validate_row *row = add(table, "... twice the smallest that was told");
    const json_t *p99 =
        named(json_object_get(overhead, "rows"), "injected request_p99_ns held");
    bool detected = json_is_true(json_object_get(p99, "detected"));
    double more = number(p99, "difference");

    put(row->must, "seen, and p99 at least %.0f us more", told_ns / 1000);
    if (p99 == NULL)
        put(row->measured, "no row");
    else
        put(row->measured, "%s: p99 %+.0f us of %.0f us", detected ? "seen" : "not seen",
            more / 1000, number(p99, "base") / 1000);
    row->held = detected && more >= told_ns;
}

void hx_validate_instructions(const json_t *rows, double count, struct hx_validate *table)
{
    struct hx_validate_row *row = add(table, "instructions injected into the application");
    const json_t *injected = named(rows, "injected");
    double found = number(injected, "app_difference");

    put(row->must, "%.0f a request, found within 1 %%", count);
    put(row->measured, "%.0f: %+.2f %%", found, 100 * (found / count - 1));
    row->held = injected != NULL && fabs(found / count - 1) <= INSTRUCTIONS_TOLERANCE;
}
