/* SPDX-License-Identifier: Apache-2.0 */
/* The recommendation: lines for an environment, what they cost and drop. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/cli/commands.h"
#include "harness/tuning/tune.h"
#include "reports/format.h"
#include "sdk/base/text.h"

static const double HELD = 0.97; /* of the planned rate, or the machine was the limit */

/* ---- what is said ------------------------------------------------------------------------- */

static void print_load(const struct hx_tune *tune)
{
    char latency[40];

    otl_format_duration(tune->asked.latency_ns, latency, sizeof(latency));
    printf("# For %g requests/s of %u spans", tune->asked.rate, tune->asked.spans);
    if (tune->asked.burst > 1)
        printf(", in bursts of %u requests", tune->asked.burst);
    if (tune->asked.latency_ns > 0)
        printf(", a collector that answers after %s", latency);
    if (tune->asked.memory_bytes > 0)
        printf(", %s for queued spans", rep_format_bytes((double)tune->asked.memory_bytes).text);
    printf(", over %s (seed %" PRIu64 ")\n", tune->protocol, tune->seed);
}

/* Rounded down: no more than what holds is said. */
static void print_standstill(const struct hx_tune *tune, const struct hx_tune_tried *tried)
{
    double stands_s = hx_tune_standstill_s(&tune->asked, &tried->setting);
    double told_s = stands_s < 10 ? floor(10 * stands_s) / 10 : floor(stands_s);

    if (!(told_s > 0))
        printf("stands  no standstill of the collector: %s may drop at once\n",
               tune->asked.burst > 1 ? "the next burst" : "spans");
    else
        printf("stands  a standstill of the collector of %g s from an empty queue, then %s\n",
               told_s, stands_s * 1e3 < (double)tried->setting.timeout_ms
                           ? "it drops" : "its exports time out");
}

/* What was dropped cost nothing to send: the base is what was sent. */
static void print_costs(const struct hx_tune *tune, const struct hx_tune_tried *tried)
{
    double spans = tune->asked.rate * tune->asked.spans;
    double sent = tried->started - tried->dropped;
    double share = tried->started > 0 ? sent / tried->started : 0;

    if (tried->dropped > 0)
        printf("\ncosts   only of the %.3g %% of the spans that were sent in the confirming runs, "
               "%.0f of %.0f spans/s:\n        ", 100 * share, spans * share, spans);
    else
        printf("\ncosts   ");
    printf("exporter thread %.0f ns a span, %.2g %% of a core at %.0f spans/s; "
           "%.1f exports/s of %.0f spans; %.3g MB/s on the wire\n",
           tried->exporter_ns, tried->exporter_ns * spans * share / 1e7, spans * share,
           sent > 0 ? spans * share * tried->exports / sent : 0,
           tried->exports > 0 ? sent / tried->exports : 0,
           tried->bytes_per_span * spans * share / 1e6);
    printf("memory  at most %s for spans that wait\n",
           rep_format_bytes((double)hx_tune_memory(&tried->setting)).text);
    print_standstill(tune, tried);
}

static void print_no_promise(const struct hx_tune *tune, const struct hx_tune_tried *tried)
{
    double ended = tune->asked.rate * tune->asked.spans, sent = tune->advice.capacity;

    if (tune->advice.keeps_up)
        printf("\nNo promise: this memory does not hold what must wait (%.0f spans); it drops "
               "%.2g %% of the spans.\n",
               tune->advice.needed,
               tried->started > 0 ? 100 * tried->dropped / tried->started : 0);
    else if (sent < ended)
        printf("\nNo promise: exports of %zu spans send at most %.0f of the %.0f spans a second; "
               "in the long run it drops %.2g %% of them.\n",
               tune->advice.setting.batch, sent, ended, 100 * (1 - sent / ended));
    else
        printf("\nNo promise: exports of %zu spans send at most %.0f spans a second, too little "
               "above the %.0f that end.\n",
               tune->advice.setting.batch, sent, ended);
}

/* False: the load that was asked for was not there, so nothing is promised. */
static bool say_burst(const struct hx_tune *tune, const struct hx_tune_tried *tried)
{
    const struct hx_tune_burst *burst = &tried->burst;
    double spans = (double)tune->asked.burst * tune->asked.spans;
    struct rep_text within = rep_format_ns(burst->within_ns);
    struct rep_text period = rep_format_ns(hx_tune_burst_period_ns(&tune->asked));

    switch (hx_tune_burst_made(&tune->asked, burst)) {
    case HX_TUNE_NOT_ANSWERED:
        printf("\nNot proved: the burst was not made: of %" PRIu64 " requests that were due "
               "%" PRIu64 " were answered.\n", burst->requests, burst->answered);
        return false;
    case HX_TUNE_TOO_SLOW:
        printf("\nNot proved: the burst was not made: its %.0f spans took %s, and the next "
               "comes after %s; within a quarter of that it is one.\n", spans, within.text,
               period.text);
        return false;
    case HX_TUNE_MADE:
        break;
    }
    printf("burst   the burst was made: %.0f spans within %s, every %s", spans, within.text,
           period.text);
    if (!(tried->dropped > 0))
        printf("; at one instant the queue would hold at most %.0f",
               hx_tune_burst_at_once(&tune->asked, tried->setting.batch, burst));
    printf("\n");
    return true;
}

static int conclude(const struct hx_tune *tune, const struct hx_tune_tried *tried)
{
    bool promised = tune->advice.keeps_up && tune->advice.fits;

    printf("drops   %.0f of %.0f spans in %" PRIu64 " confirming run%s; the queue held %.0f of %zu "
           "at most\n",
           tried->dropped, tried->started, tune->confirm, tune->confirm == 1 ? "" : "s",
           tried->high_water, tried->setting.queue);
    if (tune->asked.burst > 1 && !say_burst(tune, tried))
        return HX_EXIT_INCONCLUSIVE;
    if (tried->rate < HELD * tried->planned && tune->asked.burst < 2) {
        printf("\nNot proved: this machine made only %.0f of the %.0f requests/s that were due.\n",
               tried->rate, tried->planned);
        return HX_EXIT_INCONCLUSIVE;
    }
    if (tried->exit_status != HX_EXIT_OK) {
        printf("\nNot proved: a confirming run failed; see %s.\n", tune->dir);
        return tried->exit_status;
    }
    if (!promised) {
        print_no_promise(tune, tried);
        return HX_EXIT_OK;
    }
    if (tried->dropped > 0) {
        printf("\nThe promise to drop nothing does not hold here.\n");
        return HX_EXIT_VERDICT;
    }
    printf("\nPromised and proved: it drops nothing under this load.\n");
    return HX_EXIT_OK;
}

int hx_tune_say(const struct hx_tune *tune, const struct hx_tune_tried *tried)
{
    int status;

    print_load(tune);
    if (strcmp(tune->protocol, "grpc") == 0)
        printf("OTEL_EXPORTER_OTLP_PROTOCOL=grpc\n");
    printf("OTEL_BSP_MAX_QUEUE_SIZE=%zu\nOTEL_BSP_MAX_EXPORT_BATCH_SIZE=%zu\n"
           "OTEL_BSP_SCHEDULE_DELAY=%" PRIu64 "\nOTEL_BSP_EXPORT_TIMEOUT=%" PRIu64 "\n"
           "OTEL_EXPORTER_OTLP_TIMEOUT=%" PRIu64 "\n",
           tried->setting.queue, tried->setting.batch, tried->setting.delay_ms,
           tried->setting.timeout_ms, tried->setting.timeout_ms);
    print_costs(tune, tried);
    status = conclude(tune, tried);
    printf("runs: %s\n", tune->dir);
    return status;
}
