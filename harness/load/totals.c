/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/load/totals.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sdk/base/clock.h"
#include "sdk/base/text.h"

static const double RATE_SHARE_MIN = 0.99;
static const double LAG_SHARE_MAX = 0.10;
static const double CPU_SHARE_MAX = 0.80;
#define OWN_LAG_FLOOR_NS OTL_NS_PER_MS
#define LATENESS_MAX_NS OTL_NS_PER_MS

const char *hx_load_error_text(enum hx_load_error error)
{
    static const char *const texts[] = {
#define HX_LOAD_ERROR_TEXT(name, text) text,
        HX_LOAD_ERRORS(HX_LOAD_ERROR_TEXT)
#undef HX_LOAD_ERROR_TEXT
    };

    return texts[error];
}

uint64_t hx_load_errors(const struct hx_load_counts *counts)
{
    uint64_t sum = 0;

    for (int i = 0; i < HX_LOAD_ERROR_KINDS; i++)
        sum += counts->errors[i];
    return sum;
}

static double per_second(uint64_t count, uint64_t ns)
{
    return ns == 0 ? 0 : (double)count / ((double)ns / 1e9);
}

double hx_load_rate_achieved(const struct hx_load_totals *totals)
{
    return per_second(totals->counts[HX_LOAD_MEASURE].sent_inside, totals->measured_ns);
}

double hx_load_rate_planned(const struct hx_load_totals *totals)
{
    return per_second(totals->counts[HX_LOAD_MEASURE].planned, totals->measured_ns);
}

static double cpu_share(const struct hx_load_totals *totals)
{
    return totals->elapsed_ns == 0 ? 0 : (double)totals->cpu_ns / (double)totals->elapsed_ns;
}

struct duration {
    char text[32];
};

static struct duration duration(uint64_t ns)
{
    struct duration result;

    otl_format_duration(ns, result.text, sizeof(result.text));
    return result;
}

static struct hx_load_trust row(const char *id, const char *title)
{
    struct hx_load_trust trust;

    memset(&trust, 0, sizeof(trust));
    trust.id = id;
    trust.title = title;
    return trust;
}

static struct hx_load_trust judge_rate(const struct hx_load_totals *totals)
{
    const struct hx_load_counts *counts = &totals->counts[HX_LOAD_MEASURE];
    struct hx_load_trust trust = row("load_rate", "Requests sent in time, of those planned");
    double share =
        counts->planned == 0 ? 1 : (double)counts->sent_inside / (double)counts->planned;

    snprintf(trust.observed, sizeof(trust.observed), "%.2f %% (%.1f/s of %.1f/s)", share * 100,
             hx_load_rate_achieved(totals), hx_load_rate_planned(totals));
    snprintf(trust.limit, sizeof(trust.limit), "at least %.0f %%", RATE_SHARE_MIN * 100);
    trust.warning = share < RATE_SHARE_MIN;
    trust.limits = trust.warning && (cpu_share(totals) > CPU_SHARE_MAX ||
                                     (counts->delayed == 0 &&
                                      counts->errors[HX_LOAD_ERROR_CONNECT] == 0));
    return trust;
}

static struct hx_load_trust judge_lag(const struct hx_load_totals *totals)
{
    struct hx_load_trust trust = row("load_send_lag", "Lateness of the generator itself, p99");
    uint64_t lag = hx_hdr_value_at(totals->own_lag, 99);
    uint64_t median = hx_hdr_value_at(totals->series[HX_SERIES_RESPONSE], 50);
    uint64_t limit = (uint64_t)((double)median * LAG_SHARE_MAX);

    snprintf(trust.observed, sizeof(trust.observed), "%s (max %s)", duration(lag).text,
             duration(hx_hdr_max(totals->own_lag)).text);
    snprintf(trust.limit, sizeof(trust.limit), "10 %% of the median response time (%s)",
             duration(limit).text);
    trust.warning = lag > limit;
    trust.limits = trust.warning && lag > OWN_LAG_FLOOR_NS;
    return trust;
}

static struct hx_load_trust judge_cpu(const struct hx_load_totals *totals)
{
    struct hx_load_trust trust = row("load_cpu", "CPU of the generator's thread");
    double share = cpu_share(totals);

    snprintf(trust.observed, sizeof(trust.observed), "%.1f %% of one core", share * 100);
    snprintf(trust.limit, sizeof(trust.limit), "at most %.0f %%", CPU_SHARE_MAX * 100);
    trust.warning = share > CPU_SHARE_MAX;
    return trust;
}

static struct hx_load_trust judge_timer(const struct hx_load_totals *totals)
{
    struct hx_load_trust trust = row("load_timer", "Lateness of the pacing timer, p99");
    uint64_t late = hx_hdr_value_at(totals->lateness, 99);

    if (totals->lateness->total == 0)
        snprintf(trust.observed, sizeof(trust.observed), "no timer: the generator span");
    else
        snprintf(trust.observed, sizeof(trust.observed), "%s (max %s)", duration(late).text,
                 duration(hx_hdr_max(totals->lateness)).text);
    snprintf(trust.limit, sizeof(trust.limit), "at most %s", duration(LATENESS_MAX_NS).text);
    trust.warning = late > LATENESS_MAX_NS;
    return trust;
}

static struct hx_load_trust judge_count(const char *id, const char *title, uint64_t count)
{
    struct hx_load_trust trust = row(id, title);

    snprintf(trust.observed, sizeof(trust.observed), "%" PRIu64, count);
    snprintf(trust.limit, sizeof(trust.limit), "0");
    trust.warning = count != 0;
    return trust;
}

static struct hx_load_trust judge_stop(const struct hx_load_totals *totals)
{
    struct hx_load_trust trust = row("load_complete", "The plan was carried out to its end");

    snprintf(trust.observed, sizeof(trust.observed), "%s", totals->stopped ? "stopped" : "yes");
    snprintf(trust.limit, sizeof(trust.limit), "yes");
    trust.warning = totals->stopped;
    return trust;
}

bool hx_load_judge(const struct hx_load_totals *totals,
                   struct hx_load_trust rows[HX_LOAD_TRUST_ROWS])
{
    const struct hx_load_counts *counts = &totals->counts[HX_LOAD_MEASURE];
    bool limits = false;

    rows[0] = judge_rate(totals);
    rows[1] = judge_lag(totals);
    rows[2] = judge_cpu(totals);
    rows[3] = judge_timer(totals);
    rows[4] = judge_count("load_delayed", "Requests that had to wait for a connection",
                          counts->delayed);
    rows[5] = judge_count("load_dropped", "Requests dropped because the queue was full",
                          counts->errors[HX_LOAD_ERROR_DROPPED]);
    rows[6] = judge_stop(totals);
    for (int i = 0; i < HX_LOAD_TRUST_ROWS; i++)
        limits = limits || rows[i].limits;
    return limits;
}
