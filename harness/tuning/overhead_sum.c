/* SPDX-License-Identifier: Apache-2.0 */
/* From slices to report.json "overhead". Nothing is measured here. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/stats/paired.h"
#include "harness/stats/summary.h"
#include "harness/tuning/overhead.h"
#include "reports/format.h"
#include "sdk/base/mem.h"

static const double SIGNIFICANT = 0.05; /* p of a difference */
/* Sleeps a request: what one costs, a few microseconds, is then some tens of nanoseconds. */
static const double WAITS_TOLD = 0.01;

struct figure {
    const char *key, *title, *unit;
    bool loads[HX_OVERHEAD_LOADS];
    double percentile; /* of the blocks' merged latencies; 0 = a figure of each block */
};

static const struct figure figures[HX_OVERHEAD_FIGURES] = {
    {"app_cpu_ns_per_request", "application thread's CPU a request", "ns", {true, true}, 0},
    {"exporter_cpu_ns_per_request", "exporter thread's CPU a request", "ns", {true, true}, 0},
    {"request_p50_ns", "request p50", "ns", {false, true}, 50},
    {"request_p99_ns", "request p99", "ns", {false, true}, 99},
    {"rate", "requests answered a second", "1/s", {true, false}, 0},
    {"rss_anon_bytes", "the services' own memory (without what is mapped)", "bytes",
     {true, true}, 0},
    {"rss_mapped_bytes", "mapped files of the services (ledger, programs)", "bytes",
     {true, true}, 0},
    /* The ledger is the same in all arms, and hides in the peak what is not. */
    {"rss_ledger_bytes", "the ledger's part of them", "bytes", {false, false}, 0},
    {"rss_peak_bytes", "peak memory of the services, all parts", "bytes", {false, false}, 0},
};

const char *const hx_overhead_reasons[HX_OVERHEAD_REASONS] = {
    "queue_full", "export_failed", "rejected", "after_shutdown", "no_memory"};

static const char *const loads[HX_OVERHEAD_LOADS] = {"saturation", "held"};

struct hx_slice *hx_slice_at(const struct hx_slices *slices, unsigned block, unsigned load,
                             unsigned arm)
{
    return &slices->items[(block * HX_OVERHEAD_LOADS + load) * HX_ARMS + arm];
}

struct sums {
    double asked, failed, handled, waits, spans, dropped, exported, exports, bytes, exporter_ns;
    double slices, queue_high_water;
    double drops[HX_OVERHEAD_REASONS];
    const char *unfinished; /* the first that was */
};

static struct sums sums_of(const struct hx_slices *slices, unsigned load, unsigned arm)
{
    struct sums sums = {.unfinished = ""};

    for (unsigned b = 0; b < slices->plan->blocks; b++) {
        const struct hx_slice *slice = hx_slice_at(slices, b, load, arm);
        if (!slice->ran)
            continue;
        sums.slices++;
        if (sums.unfinished[0] == '\0')
            sums.unfinished = slice->unfinished;
        sums.asked += slice->asked;
        sums.failed += slice->failed;
        sums.handled += slice->handled;
        sums.waits += slice->waits;
        sums.spans += slice->spans;
        sums.dropped += slice->dropped;
        for (size_t i = 0; i < HX_OVERHEAD_REASONS; i++)
            sums.drops[i] += slice->drops[i];
        sums.exported += slice->exported;
        sums.exports += slice->exports;
        sums.bytes += slice->bytes;
        sums.exporter_ns += slice->exporter_ns;
        if (slice->queue_high_water > sums.queue_high_water)
            sums.queue_high_water = slice->queue_high_water;
    }
    return sums;
}

bool hx_overhead_spoilt(const struct hx_slices *slices, unsigned load, unsigned arm)
{
    struct sums sums = sums_of(slices, load, arm);

    return sums.unfinished[0] != '\0' || sums.dropped > 0 || sums.failed > 0;
}

static void list_drops(const struct sums *sums, char *out, size_t size)
{
    size_t len = 0;

    for (size_t i = 0; i < HX_OVERHEAD_REASONS && len < size; i++)
        if (sums->drops[i] > 0)
            len += (size_t)snprintf(out + len, size - len, "%s%s %.0f", len ? ", " : " (",
                                    hx_overhead_reasons[i], sums->drops[i]);
    if (len > 0 && len < size)
        snprintf(out + len, size - len, ")");
}

bool hx_overhead_disqualified(const struct hx_slices *slices, unsigned load, unsigned arm,
                              char *out)
{
    struct sums sums = sums_of(slices, load, arm);
    char reasons[160] = "";

    out[0] = '\0';
    list_drops(&sums, reasons, sizeof(reasons));
    if (sums.unfinished[0] != '\0')
        snprintf(out, HX_OVERHEAD_WHY, "it got stuck: %s", sums.unfinished);
    else if (!(sums.slices > 0) || !(sums.handled > 0))
        snprintf(out, HX_OVERHEAD_WHY, "it handled no request");
    else if (sums.dropped > 0)
        snprintf(out, HX_OVERHEAD_WHY, "it dropped %.0f spans%s", sums.dropped, reasons);
    else if (sums.failed > 0)
        snprintf(out, HX_OVERHEAD_WHY, "%.0f of its requests failed", sums.failed);
    return out[0] != '\0';
}

/* ---- one comparison ----------------------------------------------------------------------- */

struct values {
    double base[HX_PAIRED_MAX], arm[HX_PAIRED_MAX], difference[HX_PAIRED_MAX];
    size_t count;
};

/* Blocks in which both were measured. */
static void pair(const struct hx_slices *slices, unsigned load, unsigned arm, unsigned figure,
                 struct values *ret)
{
    ret->count = 0;
    for (unsigned b = 0; b < slices->plan->blocks && ret->count < HX_PAIRED_MAX; b++) {
        const struct hx_slice *base = hx_slice_at(slices, b, load, HX_ARM_NONE);
        const struct hx_slice *slice = hx_slice_at(slices, b, load, arm);
        if (!base->ran || !slice->ran || !base->known[figure] || !slice->known[figure])
            continue;
        ret->base[ret->count] = base->figures[figure];
        ret->arm[ret->count] = slice->figures[figure];
        ret->difference[ret->count] = slice->figures[figure] - base->figures[figure];
        ret->count++;
    }
}

static double median_of(const double *values, size_t count)
{
    double sorted[HX_PAIRED_MAX];

    memcpy(sorted, values, count * sizeof(*values));
    hx_sort_doubles(sorted, count);
    return hx_median(sorted, count);
}

static const char *amount(double value, const char *unit, bool sign, char *out, size_t size)
{
    const char *plus = value < 0 ? "-" : sign && value > 0 ? "+" : "";

    if (strcmp(unit, "ns") == 0)
        snprintf(out, size, "%s%s", plus, rep_format_ns(fabs(value)).text);
    else if (strcmp(unit, "bytes") == 0)
        snprintf(out, size, "%s%s", plus, rep_format_bytes(fabs(value)).text);
    else
        snprintf(out, size, "%s%.0f/s", plus, fabs(value));
    return out;
}

struct comparison {
    const struct hx_slices *slices;
    unsigned load, arm, figure;
    double floor;    /* of the noise; the A/A arm's own comparison has none */
    double rate;     /* of the base */
    double spans;    /* a request, where this arm makes spans */
    double waits, base_waits; /* a request */
};

static bool is_apart(const struct hx_paired *found)
{
    return found->p < SIGNIFICANT && found->low * found->high > 0;
}

static double larger(double a, double b)
{
    return a > b ? a : b;
}

/* A thread that sleeps less often, because its requests take longer, saves what sleeping costs: no
 * part of the code that was added. */
static void add_waits(const struct comparison *c, char *text, size_t size)
{
    size_t len = strlen(text);

    if (c->figure == HX_OVERHEAD_APP_CPU && larger(c->waits, c->base_waits) > WAITS_TOLD)
        snprintf(text + len, size - len,
                 "; contains what sleeping between requests costs (%.2f times a request, %.2f "
                 "without tracing)",
                 c->waits, c->base_waits);
}

static void put_text(json_t *row, const struct comparison *c, const struct hx_paired *found,
                     double base, bool detected)
{
    const char *unit = figures[c->figure].unit;
    char change[64], low[64], high[64], of[64], floor[64], what[160], text[640];

    amount(base, unit, false, of, sizeof(of));
    amount(c->floor, unit, false, floor, sizeof(floor));
    if (base > 0)
        snprintf(what, sizeof(what), "%+.1f %% of the %s", 100 * found->estimate / base, of);
    else
        snprintf(what, sizeof(what), "there is none");
    if (detected)
        snprintf(text, sizeof(text), "%s [%s, %s], %s without tracing at %.0f requests/s",
                 amount(found->estimate, unit, true, change, sizeof(change)),
                 amount(found->low, unit, true, low, sizeof(low)),
                 amount(found->high, unit, true, high, sizeof(high)), what, c->rate);
    else if (c->arm == HX_ARM_NONE_AGAIN && is_apart(found))
        snprintf(text, sizeof(text), "noise: two that are the same differ by %s [%s, %s]; of other "
                 "arms nothing up to %s counts, of the %s without tracing at %.0f requests/s",
                 amount(found->estimate, unit, true, change, sizeof(change)),
                 amount(found->low, unit, true, low, sizeof(low)),
                 amount(found->high, unit, true, high, sizeof(high)), floor, of, c->rate);
    else
        snprintf(text, sizeof(text), "no difference detected; the smallest that could have been is "
                 "%s of the %s without tracing at %.0f requests/s",
                 floor, of, c->rate);
    add_waits(c, text, sizeof(text));
    json_object_set_new(row, "text", json_string(text));
}

/* What the interval could not tell from nothing: an effect must reach beyond both. */
static double floor_of(const struct hx_paired *found)
{
    return larger(fabs(found->low), fabs(found->high));
}

static json_t *points_of(const struct values *values)
{
    json_t *points = json_array();

    for (size_t i = 0; i < values->count; i++)
        json_array_append_new(points, json_real(values->difference[i]));
    return points;
}

/* An exporter thread that neither arm has is no row. */
static bool any_of(const struct values *values)
{
    for (size_t i = 0; i < values->count; i++)
        if (values->base[i] > 0 || values->arm[i] > 0)
            return true;
    return false;
}

/* Of the blocks in which both have latencies. */
static bool merge(const struct comparison *c, struct hx_merged *ret)
{
    const struct hx_slices *slices = c->slices;
    const struct hx_bins *base[HX_PAIRED_MAX], *arm[HX_PAIRED_MAX];
    size_t count = 0;

    for (unsigned b = 0; b < slices->plan->blocks && count < HX_PAIRED_MAX; b++) {
        base[count] = &hx_slice_at(slices, b, c->load, HX_ARM_NONE)->latency;
        arm[count] = &hx_slice_at(slices, b, c->load, c->arm)->latency;
        count += base[count]->count > 0 && arm[count]->count > 0;
    }
    return hx_merged(base, arm, count, figures[c->figure].percentile, slices->seed + c->figure,
                     ret);
}

/* What is said of each arm, and of their difference. False: there is nothing to compare. */
static bool look(const struct comparison *c, struct values *values, struct hx_merged *ret)
{
    pair(c->slices, c->load, c->arm, c->figure, values);
    if (figures[c->figure].percentile > 0 && merge(c, ret))
        return true;
    if (!any_of(values) || !hx_paired(values->difference, values->count,
                                      c->slices->seed + c->figure, &ret->difference))
        return false;
    ret->base = median_of(values->base, values->count);
    ret->arm = median_of(values->arm, values->count);
    return true;
}

/* NULL: there is nothing to compare. */
static json_t *compare(struct comparison *c)
{
    struct values *values = otl_mem_alloc(sizeof(*values));
    const struct figure *figure = &figures[c->figure];
    struct hx_merged looked;
    const struct hx_paired *found = &looked.difference;
    char name[120];
    json_t *row;
    double base, floor = c->floor;
    bool detected;

    if (values == NULL)
        return NULL;
    if (!look(c, values, &looked)) {
        otl_mem_free(values);
        return NULL;
    }
    if (c->arm == HX_ARM_NONE_AGAIN)
        floor = c->floor = floor_of(found);
    /* An arm that is noisier than the A/A one sees less than that one could. */
    c->floor = larger(floor, (found->high - found->low) / 2);
    base = looked.base;
    detected = c->arm != HX_ARM_NONE_AGAIN && is_apart(found) && fabs(found->estimate) > floor;
    snprintf(name, sizeof(name), "%s %s %s", hx_arms[c->arm].word, figure->key, loads[c->load]);
    row = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:b, "
                    "s:i, s:o}",
                    "name", name, "arm", hx_arms[c->arm].word, "arm_title", hx_arms[c->arm].title,
                    "load", loads[c->load], "figure", figure->key, "title", figure->title,
                    "unit", figure->unit, "base", base,
                    "value", looked.arm, "difference", found->estimate,
                    "low", found->low, "high", found->high, "p", found->p, "smallest_seen",
                    c->floor, "detected", detected, "blocks", (int)found->count, "points",
                    points_of(values));
    put_text(row, c, found, base, detected);
    if (base > 0)
        json_object_set_new(row, "percent_of_base", json_real(100 * found->estimate / base));
    if (c->spans > 0 && strstr(figure->key, "cpu") != NULL)
        json_object_set_new(row, "per_span", json_real(found->estimate / c->spans));
    c->floor = floor;
    otl_mem_free(values);
    return row;
}

/* ---- all of it ---------------------------------------------------------------------------- */

/* Of its own blocks, compared or not. */
static void put_middles(const struct hx_slices *slices, unsigned load, unsigned arm, json_t *row)
{
    struct values *values = otl_mem_alloc(sizeof(*values));

    for (unsigned f = 0; values != NULL && f < HX_OVERHEAD_FIGURES; f++) {
        size_t count = 0;
        for (unsigned b = 0; b < slices->plan->blocks && count < HX_PAIRED_MAX; b++) {
            const struct hx_slice *slice = hx_slice_at(slices, b, load, arm);
            if (slice->ran && slice->known[f])
                values->arm[count++] = slice->figures[f];
        }
        if (count > 0)
            json_object_set_new(row, figures[f].key, json_real(median_of(values->arm, count)));
    }
    otl_mem_free(values);
}

static json_t *arm_row(const struct hx_slices *slices, unsigned load, unsigned arm)
{
    struct sums sums = sums_of(slices, load, arm);
    char why[HX_OVERHEAD_WHY], name[60];
    json_t *row, *drops = json_object();

    for (size_t i = 0; i < HX_OVERHEAD_REASONS; i++)
        if (sums.drops[i] > 0)
            json_object_set_new(drops, hx_overhead_reasons[i],
                                json_integer((json_int_t)sums.drops[i]));
    snprintf(name, sizeof(name), "%s %s", hx_arms[arm].word, loads[load]);
    row = json_pack("{s:s, s:s, s:s, s:s, s:f, s:f, s:f, s:o, s:f}", "name", name, "arm",
                    hx_arms[arm].word,
                    "title", hx_arms[arm].title, "load", loads[load], "requests", sums.handled,
                    "failed", sums.failed, "dropped", sums.dropped, "drops", drops, "blocks",
                    sums.slices);
    put_middles(slices, load, arm, row);
    if (hx_overhead_disqualified(slices, load, arm, why))
        json_object_set_new(row, "disqualified", json_string(why));
    if (sums.handled > 0) {
        json_object_set_new(row, "spans_per_request", json_real(sums.spans / sums.handled));
        json_object_set_new(row, "waits_per_request", json_real(sums.waits / sums.handled));
    }
    if (sums.queue_high_water > 0)
        json_object_set_new(row, "queue_high_water", json_real(sums.queue_high_water));
    if (sums.exported > 0) {
        json_object_set_new(row, "bytes_per_span", json_real(sums.bytes / sums.exported));
        json_object_set_new(row, "exporter_cpu_ns_per_span",
                            json_real(sums.exporter_ns / sums.exported));
        json_object_set_new(row, "spans_per_export",
                            json_real(sums.exported / larger(sums.exports, 1)));
    }
    return row;
}

static double base_rate(const struct hx_slices *slices, unsigned load)
{
    struct values *values = otl_mem_alloc(sizeof(*values));
    double rate = slices->held_rate;

    if (values != NULL && load == HX_OVERHEAD_SATURATION) {
        pair(slices, load, HX_ARM_NONE, HX_OVERHEAD_RATE, values);
        rate = median_of(values->base, values->count);
    }
    otl_mem_free(values);
    return rate;
}

static void put_load(const struct hx_slices *slices, unsigned load, json_t *rows, json_t *all_arms)
{
    struct comparison c = {.slices = slices, .load = load, .rate = base_rate(slices, load)};
    char why[HX_OVERHEAD_WHY];
    struct sums sums;

    for (unsigned arm = 0; arm < HX_ARMS; arm++)
        if (slices->plan->arms[arm])
            json_array_append_new(all_arms, arm_row(slices, load, arm));
    if (hx_overhead_disqualified(slices, load, HX_ARM_NONE, why))
        return;
    sums = sums_of(slices, load, HX_ARM_NONE);
    c.base_waits = sums.handled > 0 ? sums.waits / sums.handled : 0;
    for (c.figure = 0; c.figure < HX_OVERHEAD_FIGURES; c.figure++) {
        c.floor = 0;
        for (c.arm = HX_ARM_NONE_AGAIN; c.arm < HX_ARMS && figures[c.figure].loads[load]; c.arm++) {
            json_t *row;
            sums = sums_of(slices, load, c.arm);
            if (!slices->plan->arms[c.arm] ||
                hx_overhead_disqualified(slices, load, c.arm, why))
                continue;
            c.spans = sums.handled > 0 ? sums.spans / sums.handled : 0;
            c.waits = sums.handled > 0 ? sums.waits / sums.handled : 0;
            row = compare(&c);
            if (row != NULL)
                json_array_append_new(rows, row);
        }
    }
}

json_t *hx_overhead_sum(const struct hx_slices *slices)
{
    const struct hx_overhead *plan = slices->plan;
    json_t *rows = json_array(), *all_arms = json_array(), *result;
    struct sums sums = sums_of(slices, HX_OVERHEAD_HELD, HX_ARM_BATCH);

    if (plan->saturation_rate > 0)
        put_load(slices, HX_OVERHEAD_SATURATION, rows, all_arms);
    put_load(slices, HX_OVERHEAD_HELD, rows, all_arms);
    result = json_pack("{s:s, s:i, s:f, s:I, s:f, s:f, s:o, s:o}", "base",
                       hx_arms[HX_ARM_NONE].word, "blocks", (int)plan->blocks, "slice_s",
                       (double)plan->slice_ns / 1e9, "seed", (json_int_t)slices->seed,
                       "held_rate", slices->held_rate, "saturation_rate_asked",
                       plan->saturation_rate, "arms", all_arms, "rows", rows);
    if (slices->ledger_ns_per_span > 0) {
        json_object_set_new(result, "ledger_ns_per_span", json_real(slices->ledger_ns_per_span));
        if (sums.handled > 0)
            json_object_set_new(
                result, "ledger_ns_per_request",
                json_real(slices->ledger_ns_per_span * sums.spans / sums.handled));
    }
    return result;
}
