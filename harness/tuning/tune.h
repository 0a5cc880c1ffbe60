/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_TUNING_TUNE_H
#define HX_TUNING_TUNE_H

#include <stddef.h>
#include <stdint.h>

#include <otel/err.h>

#include "harness/tuning/dir.h"
#include "harness/tuning/model.h"
#include "sdk/base/buf.h"
#include "sdk/base/detail.h"

/*
 * Inside of tracerig tune: what is asked of it, the scenario that follows, what it found.
 *
 * Threads   one owner.
 * Memory    options are borrowed from argv.
 */

enum { HX_TUNE_PATH = 4096 };

struct hx_tune_typed {
    const char *rate, *spans, *burst, *latency, *memory, *protocol, *out, *seed, *confirm;
};

struct hx_tune_tried {
    struct hx_tune_setting setting;
    double started, dropped, exporter_ns, exports, bytes_per_span, high_water, errors;
    double rate, planned; /* requests a second: made, and due by the schedule that was drawn */
    struct hx_tune_burst burst;
    uint64_t queue_full, others; /* drops */
    int exit_status;
};

struct hx_tune {
    struct hx_tune_asked asked;
    struct hx_tune_advice advice;
    const char *protocol; /* OTEL_EXPORTER_OTLP_PROTOCOL */
    uint64_t seed;
    uint64_t confirm;
    double seconds; /* of a try; the confirming run has twice that */
    char dir[HX_TUNING_DIR];
    char file[HX_TUNE_PATH];
    struct otl_detail detail;
};

/* tune_ask.c. OTEL_ERR_ARGUMENT with tune->detail filled. */
OTEL_MUST_USE enum otel_err hx_tune_parse(struct hx_tune *tune, const struct hx_tune_typed *typed);
/* The load that is asked for, as a scenario. Sets tune->seconds. */
OTEL_MUST_USE enum otel_err hx_tune_scenario(struct hx_tune *tune, struct otl_buf *text);

/* tune_say.c: the recommendation on stdout; the exit status that it deserves. */
int hx_tune_say(const struct hx_tune *tune, const struct hx_tune_tried *tried);

#endif
