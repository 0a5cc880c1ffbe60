/* SPDX-License-Identifier: Apache-2.0 */
/* The summary that people read. */
#include <inttypes.h>

#include "harness/load/report.h"
#include "harness/stats/summary.h"
#include "harness/load/schedule.h"
#include "sdk/base/text.h"

enum { COLUMN = 14 };

static void print_time(FILE *out, uint64_t ns, bool known)
{
    char text[32];

    fprintf(out, "%*s", COLUMN, known ? otl_format_duration(ns, text, sizeof(text)) : "n/a");
}

static void print_percentile(FILE *out, const struct hx_load_totals *totals, double percentile)
{
    fprintf(out, "  p%-6g", percentile);
    for (int kind = 0; kind < HX_SERIES_KINDS; kind++) {
        const struct hx_hdr *hdr = totals->series[kind];

        print_time(out, hx_hdr_value_at(hdr, percentile),
                   hx_percentile_known(hdr->total, percentile));
    }
    fputc('\n', out);
}

static void print_ends(FILE *out, const struct hx_load_totals *totals)
{
    fprintf(out, "  %-7s", "mean");
    for (int kind = 0; kind < HX_SERIES_KINDS; kind++)
        print_time(out, (uint64_t)hx_hdr_mean(totals->series[kind]),
                   totals->series[kind]->total != 0);
    fprintf(out, "\n  %-7s", "max");
    for (int kind = 0; kind < HX_SERIES_KINDS; kind++)
        print_time(out, hx_hdr_max(totals->series[kind]), totals->series[kind]->total != 0);
    fputc('\n', out);
}

static void print_latency(FILE *out, const struct hx_load_totals *totals)
{
    static const double percentiles[] = {50, 90, 99, 99.9};

    fprintf(out, "\n  %-7s%*s%*s%*s\n", "", COLUMN, "response time", COLUMN, "service time",
            COLUMN, "send lag");
    for (size_t i = 0; i < sizeof(percentiles) / sizeof(percentiles[0]); i++)
        print_percentile(out, totals, percentiles[i]);
    print_ends(out, totals);
    fprintf(out,
            "\n  Response time runs from the instant a request was due, service time from its\n"
            "  first byte sent; send lag is the wait between. Where response time is much\n"
            "  longer, requests had to wait behind slow ones: users would feel the former.\n");
}

static void print_errors(FILE *out, const struct hx_load_counts *counts)
{
    uint64_t sum = hx_load_errors(counts);
    const char *separator = ": ";

    fprintf(out, "  errors       %" PRIu64, sum);
    for (int i = 0; i < HX_LOAD_ERROR_KINDS; i++)
        if (counts->errors[i] != 0) {
            fprintf(out, "%s%s %" PRIu64, separator, hx_load_error_text((enum hx_load_error)i),
                    counts->errors[i]);
            separator = ", ";
        }
    fputc('\n', out);
}

static void print_trust(FILE *out, const struct hx_load_totals *totals)
{
    struct hx_load_trust rows[HX_LOAD_TRUST_ROWS];
    bool limited = hx_load_judge(totals, rows);

    fprintf(out, "\n  is the generator honest?\n");
    for (int i = 0; i < HX_LOAD_TRUST_ROWS; i++)
        fprintf(out, "  %-4s %s: %s (limit: %s)\n", rows[i].warning ? "warn" : "ok",
                rows[i].title, rows[i].observed, rows[i].limit);
    if (limited)
        fprintf(out, "\n  times not to be trusted: the generator itself was late or slow; the\n"
                     "  figures above say more about it and its machine than about the target.\n"
                     "  Lower the rate, or free the machine.\n");
}

/* As the reports say it (rep_pauses). */
static void print_pauses(FILE *out, const struct hx_pauses *pauses)
{
    char longest[32], sum[32];

    if (pauses->count == 0)
        return;
    otl_format_duration(pauses->longest_ns, longest, sizeof(longest));
    otl_format_duration(pauses->total_ns, sum, sizeof(sum));
    fprintf(out,
            "  stood still  %" PRIu64 " times for more than 100 ms, longest %s, %s in all:\n"
            "               the load client was not run, and times contain it\n",
            pauses->count, longest, sum);
}

void hx_load_print(FILE *out, const struct hx_load_totals *totals)
{
    const struct hx_load_counts *counts = &totals->counts[HX_LOAD_MEASURE];
    double measured_s = (double)totals->measured_ns / 1e9;
    double cpu_share =
        totals->elapsed_ns == 0 ? 0 : (double)totals->cpu_ns / (double)totals->elapsed_ns;

    fprintf(out, "  requests     %" PRIu64 " in %.1f s (%s arrivals)", counts->planned, measured_s,
            hx_arrival_word(totals->arrival));
    if (totals->warmup_ns != 0)
        fprintf(out, ", after %" PRIu64 " of warm-up", totals->counts[HX_LOAD_WARM_UP].planned);
    fprintf(out, "\n  rate         %.1f/s asked, %.1f/s achieved\n", totals->rate_asked,
            hx_load_rate_achieved(totals));
    fprintf(out, "  ok           %" PRIu64 "\n", counts->ok);
    print_errors(out, counts);
    fprintf(out,
            "  connections  %" PRIu64 " at most, %" PRIu64 " made; in flight %" PRIu64
            " at most, waiting %" PRIu64 " at most\n",
            totals->connections, totals->connections_made, totals->in_flight_max,
            totals->backlog_max);
    fprintf(out, "  generator    %.1f %% of one core\n", cpu_share * 100);
    print_pauses(out, &totals->pauses);
    print_latency(out, totals);
    print_trust(out, totals);
}
