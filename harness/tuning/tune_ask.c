/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked of tracerig tune, and the scenario that has that load. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "harness/tuning/tune.h"
#include "sdk/base/clock.h"
#include "sdk/base/random.h"
#include "sdk/base/text.h"

enum { SPANS_MAX = 200, BURST_MAX = 100000, CONNECTIONS_MAX = 256, CONFIRM_MAX = 50 };

static const double RATE_MAX = 200000;

/* ---- what is asked ------------------------------------------------------------------------ */

static enum otel_err wrong(struct hx_tune *tune, const char *option, const char *text,
                           const char *expected)
{
    if (text == NULL)
        return otl_detail_set(&tune->detail, OTEL_ERR_ARGUMENT, NULL, 0, 0,
                              "--%s is missing: %s", option, expected);
    return otl_detail_set(&tune->detail, OTEL_ERR_ARGUMENT, NULL, 0, 0,
                          "--%s '%.40s': expected %s", option, text, expected);
}

/* "16MiB", "64M", "65536": powers of 1024. */
static bool parse_memory(const char *text, uint64_t *ret)
{
    static const char *const units[] = {"B", "K", "M", "G"};
    size_t digits = strspn(text, "0123456789");
    const char *unit = text + digits;
    char number[24];
    uint64_t value;

    if (digits == 0 || digits >= sizeof(number))
        return false;
    snprintf(number, sizeof(number), "%.*s", (int)digits, text);
    if (otl_parse_uint(number, 1, UINT64_C(1) << 40, &value) != OTEL_OK)
        return false;
    for (unsigned i = 0; i < 4; i++) {
        char words[3][8];
        snprintf(words[0], sizeof(words[0]), "%s", units[i]);
        snprintf(words[1], sizeof(words[1]), "%sB", units[i]);
        snprintf(words[2], sizeof(words[2]), "%siB", units[i]);
        for (unsigned k = 0; k < 3; k++)
            if (strcmp(unit, words[k]) == 0 || (*unit == '\0' && i == 0)) {
                *ret = value << (10 * i);
                return true;
            }
    }
    return false;
}

enum otel_err hx_tune_parse(struct hx_tune *tune, const struct hx_tune_typed *typed)
{
    uint64_t spans = 0, burst = 0;

    if (typed->rate == NULL ||
        otl_parse_double(typed->rate, 0.1, RATE_MAX, &tune->asked.rate) != OTEL_OK)
        return wrong(tune, "rate", typed->rate, "requests a second, 0.1 to 200000");
    if (typed->spans == NULL || otl_parse_uint(typed->spans, 1, SPANS_MAX, &spans) != OTEL_OK)
        return wrong(tune, "spans-per-request", typed->spans, "1 to 200 spans");
    if (otl_parse_uint(typed->burst, 0, BURST_MAX, &burst) != OTEL_OK)
        return wrong(tune, "burst", typed->burst, "0 to 100000 requests");
    if (otl_parse_duration(typed->latency, &tune->asked.latency_ns) != OTEL_OK ||
        tune->asked.latency_ns > 60 * OTL_NS_PER_S)
        return wrong(tune, "collector-latency", typed->latency,
                     "a duration up to 60s, such as 50ms");
    if (typed->memory != NULL && !parse_memory(typed->memory, &tune->asked.memory_bytes))
        return wrong(tune, "memory", typed->memory, "bytes, such as 16MiB");
    if (typed->memory != NULL && tune->asked.memory_bytes < HX_TUNE_MEMORY_MIN)
        return otl_detail_set(&tune->detail, OTEL_ERR_ARGUMENT, NULL, 0, 0,
                              "--memory '%.40s': %" PRIu64 " bytes hold no span that waits and one "
                              "under way (%d bytes); a unit, such as 16MiB?",
                              typed->memory, tune->asked.memory_bytes, HX_TUNE_MEMORY_MIN);
    if (otl_parse_uint(typed->confirm, 1, CONFIRM_MAX, &tune->confirm) != OTEL_OK)
        return wrong(tune, "confirm", typed->confirm, "1 to 50 runs");
    if (strcmp(typed->protocol, "http/protobuf") != 0 && strcmp(typed->protocol, "grpc") != 0)
        return wrong(tune, "protocol", typed->protocol, "http/protobuf or grpc");
    tune->protocol = typed->protocol;
    tune->seed = otl_random_os_seed() >> 16;
    if (typed->seed != NULL && otl_parse_uint(typed->seed, 0, INT64_MAX, &tune->seed) != OTEL_OK)
        return wrong(tune, "seed", typed->seed, "a whole number");
    tune->asked.spans = (unsigned)spans;
    tune->asked.burst = (unsigned)burst;
    return OTEL_OK;
}

/* ---- the load, as a scenario -------------------------------------------------------------- */

static void put_fleet(const struct hx_tune *tune, struct otl_buf *text, enum otel_err *err)
{
#define PUT(...) *err = *err ? *err : otl_buf_printf(text, __VA_ARGS__)
    PUT("# %g requests a second of %u spans each, as asked of tracerig tune.\n", tune->asked.rate,
        tune->asked.spans);
    PUT("title: The load that settings are chosen for\n"
        "tracing: {sampler: parentbased_always_on, protocol: %s}\n"
        "services:\n  app:\n    http: lean\n    routes:\n      POST /work:\n"
        "        attributes: {http.route: /work, http.request.method: POST}\n        steps:\n",
        tune->protocol);
    for (unsigned i = 1; i < tune->asked.spans; i++)
        PUT("          - span: work.step-%u\n"
            "            attributes: {work.item: \"item-${n:1:5000}\", work.count: \"${n:1:90}\","
            " work.place: north}\n",
            i);
    if (tune->asked.spans == 1)
        PUT("          []\n");
}

static void put_load(const struct hx_tune *tune, struct otl_buf *text, enum otel_err *err)
{
    unsigned burst = tune->asked.burst;
    unsigned connections = burst < 32 ? 32 : burst < CONNECTIONS_MAX ? burst : CONNECTIONS_MAX;

    PUT("load:\n  route: app POST /work\n  rate: %.17g\n  arrival: %s\n", tune->asked.rate,
        burst > 1 ? "burst" : "poisson");
    if (burst > 1)
        PUT("  burst: %u\n", burst);
    PUT("  warmup: 300ms\n  duration: %.0fms\n  timeout: 10s\n  connections: %u\n",
        tune->seconds * 1e3, connections);
    if (tune->asked.latency_ns > 0)
        PUT("faults:\n  - {at: 0s, do: collector, fault: delay, delay: %" PRIu64 "us}\n",
            tune->asked.latency_ns / 1000 > 1000 ? tune->asked.latency_ns / 1000 : 1000);
#undef PUT
}

/* Long enough for several bursts and several exports. */
static double seconds_for(const struct hx_tune_asked *asked)
{
    double seconds = 2, bursts = 4 * (double)asked->burst / asked->rate;
    double exports = 6 * (double)asked->latency_ns / 1e9;

    seconds = bursts > seconds ? bursts : seconds;
    seconds = exports > seconds ? exports : seconds;
    seconds = 2 / asked->rate > seconds ? 2 / asked->rate : seconds;
    return seconds < 60 ? seconds : 60;
}

enum otel_err hx_tune_scenario(struct hx_tune *tune, struct otl_buf *text)
{
    enum otel_err err = OTEL_OK;

    tune->seconds = seconds_for(&tune->asked);
    put_fleet(tune, text, &err);
    put_load(tune, text, &err);
    return err;
}
