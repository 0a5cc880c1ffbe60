/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_FACTS_H
#define HX_FACTS_H

#include <jansson.h>

#include "harness/stats/hdr.h"
#include "harness/topology/environment.h"
#include "harness/topology/run.h"

/*
 * Facts: what the runner knows of a run, as the members of report.json that are its to fill
 * (scenario, seed, times, load, services, sdk, collector, broker, environment, trust, histograms,
 * series, phases). Nothing here judges.
 *
 * Memory    the result is the caller's; NULL on failing allocation.
 */
json_t *hx_run_facts(const struct hx_run *run, const struct hx_cpu_times *before);

/* rss_peak_bytes, rss_anon_bytes ... of a child, into its row. */
void hx_put_memory(json_t *row, const struct hx_child *child);

/* histograms.c: hdr/NAME.hlog of the measured phase, merged, as report.json's "histograms". */
json_t *hx_histograms_new(const char *dir);
/* Add what one such file says of the measured phase. */
OTEL_MUST_USE enum otel_err hx_histogram_merge(const char *path, struct hx_hdr *whole);

/* latency.c: appends p50 and p99 along the run from hdr/response.hlog. Seconds of fewer than 100
 * requests are joined; where that would leave fewer than five points the slowest of each second
 * takes the place of the p99. The titles say of how many requests a point is. */
void hx_latency_series(const char *dir, json_t *series);

/* "2026-01-02T03:04:05.678Z"; compact: "20260102T030405Z". Returns out. */
const char *hx_utc_format(uint64_t wall_ns, bool compact, char *out, size_t size);

#endif
