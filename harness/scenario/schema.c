/* SPDX-License-Identifier: Apache-2.0 */
/* The grammar of a scenario file. Every default stands here, as the fallback of its key. */
#include "harness/scenario/schema.h"

#include "harness/gate/threshold.h"
#include "harness/scenario/checks.h"
#include "harness/scenario/faults.h"
#include "harness/scenario/internal.h"
#include "harness/scenario/scenario.h"
#include "sdk/base/clock.h"

#define MS ((int64_t)OTL_NS_PER_MS)
#define SECOND ((int64_t)OTL_NS_PER_S)
#define HOUR (3600 * SECOND)
enum { NAME_BYTES = 64, TEXT_BYTES = 1024, STEPS_MAX = 256, BODY_BYTES = 900 * 1000 };

#define ROW(name, kind, ...) {.key = (name), .type = OTL_SCHEMA_##kind, __VA_ARGS__}
#define ITEM(kind, ...) {.type = OTL_SCHEMA_##kind, __VA_ARGS__}

/* ---- words -------------------------------------------------------------------------------- */

static const char *const samplers[] = {"always_on",
                                       "always_off",
                                       "traceidratio",
                                       "parentbased_always_on",
                                       "parentbased_always_off",
                                       "traceidratio_java",
                                       "traceidratio_dotnet",
                                       "traceidratio_cpp",
                                       "traceidratio_js",
                                       "probability",
                                       "parentbased_traceidratio",
                                       "parentbased_traceidratio_java",
                                       "parentbased_traceidratio_dotnet",
                                       "parentbased_traceidratio_cpp",
                                       "parentbased_traceidratio_js",
                                       "parentbased_probability",
                                       NULL};
static const char *const propagators[] = {"tracecontext", "baggage", NULL};
static const char *const processors[] = {"batch", "simple", NULL};
static const char *const compressions[] = {"none", "gzip", NULL};
static const char *const protocols[] = {"http/protobuf", "grpc", NULL};
static const char *const backends[] = {"evhttp", "lean", NULL};
static const char *const stop_ways[] = {"drain", "flush_and_stay", "flush_and_exit", "none", NULL};
static const char *const fault_kinds[] = {"kill", "stop", "continue", "restart",   "remove", "set",
                                          "slow", "sql",  "collector", "broker", NULL};
static const char *const broker_requests[] = {"produce", "fetch", "commit", "heartbeat", NULL};
static const char *const broker_errors[] = {HX_BROKER_ERRORS(HX_BROKER_ERROR_NAME) NULL};
static const char *const edges[] = {"parent", "link", "both", "none", NULL};
static const char *const assignors[] = {"range", "roundrobin", "cooperative-sticky", NULL};
static const char *const arrivals[] = {"constant", "poisson", "burst", NULL};
static const char *const pacers[] = {"auto", "spin", NULL};
static const char *const kinds[] = {"internal", "server", "client", "producer", "consumer", NULL};
static const char *const ledgers[] = {"none", NULL};
static const char *const statuses[] = {"unset", "ok", "error", NULL};
static const char *const check_names[] = {
#define CHECK_NAME(id, name, title, expected) name,
    HX_CHECKS(CHECK_NAME)
#undef CHECK_NAME
    NULL};

/* ---- attributes, delays ------------------------------------------------------------------- */

static const struct otl_schema scalar_item[] = {ITEM(SCALAR, .what = "a scalar")};
static const struct otl_schema attribute_values[] = {
    ITEM(SCALAR, .what = "a text, a number, true or false"),
    ITEM(LIST, .child = scalar_item, .what = "a list of them"), OTL_SCHEMA_END};
static const struct otl_schema attributes[] = {
    ROW("*", ONE_OF, .child = attribute_values), OTL_SCHEMA_END};
static const struct otl_schema event_map[] = {
    ROW("name", STRING, .required = true, .min = 1, .max = TEXT_BYTES),
    ROW("attributes", MAP, .child = attributes), OTL_SCHEMA_END};
static const struct otl_schema event_values[] = {
    ITEM(STRING, .min = 1, .max = TEXT_BYTES, .what = "an event's name"),
    ITEM(MAP, .child = event_map, .what = "a map with name and attributes"), OTL_SCHEMA_END};
static const struct otl_schema event_item[] = {ITEM(ONE_OF, .child = event_values)};

static const struct otl_schema bound[] = {ITEM(DURATION, .max = HOUR, .min = 0)};
static const struct otl_schema lognormal[] = {
    ROW("median", DURATION, .required = true, .max = HOUR),
    ROW("sigma", DOUBLE, .required = true, .real_max = 10), OTL_SCHEMA_END};
static const struct otl_schema delay_map[] = {
    ROW("uniform", LIST, .child = bound, .min = 2, .max = 2),
    ROW("lognormal", MAP, .child = lognormal), OTL_SCHEMA_END};
static const struct otl_schema delay_values[] = {
    ITEM(DURATION, .max = HOUR),
    ITEM(MAP, .child = delay_map, .min = 1, .max = 1, .what = "a map with uniform or lognormal"),
    OTL_SCHEMA_END};

/* ---- steps -------------------------------------------------------------------------------- */

const struct otl_schema hx_scenario_step[1];

#define SPAN_KEYS                                                                                 \
    ROW("name", STRING, .min = 1, .max = TEXT_BYTES), ROW("attributes", MAP, .child = attributes), \
        ROW("events", LIST, .child = event_item, .max = 64),                                      \
        ROW("status", ENUM, .words = statuses), ROW("status_message", STRING, .max = TEXT_BYTES)

static const struct otl_schema span[] = {
    ROW("span", STRING, .min = 1, .max = TEXT_BYTES),
    ROW("kind", ENUM, .words = kinds, .fallback = "internal"),
    ROW("steps", LIST, .child = hx_scenario_step, .max = STEPS_MAX),
    ROW("attributes", MAP, .child = attributes),
    ROW("events", LIST, .child = event_item, .max = 64),
    ROW("status", ENUM, .words = statuses),
    ROW("status_message", STRING, .max = TEXT_BYTES),
    OTL_SCHEMA_END};
/* For some requests or messages only. */
#define SOMETIMES_KEYS                                                                            \
    ROW("probability", DOUBLE, .real_max = 1), ROW("only_key", STRING, .min = 1, .max = TEXT_BYTES)
static const struct otl_schema work[] = {ROW("work", ONE_OF, .child = delay_values),
                                         SOMETIMES_KEYS, OTL_SCHEMA_END};
static const struct otl_schema wait[] = {ROW("wait", ONE_OF, .child = delay_values),
                                         SOMETIMES_KEYS, OTL_SCHEMA_END};
static const struct otl_schema call[] = {
    ROW("call", STRING, .what = "a call such as 'order POST /orders'"), SPAN_KEYS, SOMETIMES_KEYS,
    ROW("inject", BOOL, .fallback = "true"), OTL_SCHEMA_END};
static const struct otl_schema parallel[] = {
    ROW("parallel", LIST, .child = hx_scenario_step, .min = 1, .max = 64), OTL_SCHEMA_END};
static const struct otl_schema sql[] = {
    ROW("sql", STRING, .min = 1, .max = 4096), SPAN_KEYS,
    ROW("parameters", LIST, .child = scalar_item, .max = 64), OTL_SCHEMA_END};
static const struct otl_schema hot_key[] = {
    ROW("key", STRING, .required = true, .min = 1, .max = TEXT_BYTES),
    ROW("share", DOUBLE, .required = true, .real_max = 1), OTL_SCHEMA_END};
static const struct otl_schema publish[] = {
    ROW("publish", STRING, .what = "a topic's name"), SPAN_KEYS,
    ROW("key", STRING, .max = TEXT_BYTES), ROW("hot_key", MAP, .child = hot_key),
    ROW("bytes", UINT, .max = BODY_BYTES, .fallback = "2048"),
    ROW("inject", BOOL, .fallback = "true"), OTL_SCHEMA_END};
static const struct otl_schema fail_map[] = {
    ROW("probability", DOUBLE, .real_max = 1, .fallback = "1.0"),
    ROW("status", UINT, .min = 400, .max = 599, .fallback = "500"),
    ROW("type", STRING, .min = 1, .max = TEXT_BYTES, .fallback = "failed"),
    ROW("message", STRING, .max = TEXT_BYTES), OTL_SCHEMA_END};
static const struct otl_schema fail[] = {ROW("fail", MAP, .child = fail_map), OTL_SCHEMA_END};
static const struct otl_schema exception_map[] = {
    ROW("type", STRING, .required = true, .min = 1, .max = TEXT_BYTES),
    ROW("message", STRING, .max = TEXT_BYTES),
    ROW("probability", DOUBLE, .real_max = 1, .fallback = "1.0"),
    ROW("pass_on", BOOL, .fallback = "true"), OTL_SCHEMA_END};
static const struct otl_schema exception[] = {ROW("exception", MAP, .child = exception_map),
                                              OTL_SCHEMA_END};
static const struct otl_schema event[] = {ROW("event", ONE_OF, .child = event_values),
                                          OTL_SCHEMA_END};
static const struct otl_schema from_header[] = {
    ROW("header", STRING, .required = true, .min = 1, .max = NAME_BYTES), OTL_SCHEMA_END};
static const struct otl_schema baggage_values[] = {
    ITEM(STRING, .max = 4096, .what = "a text"),
    ITEM(MAP, .child = from_header, .what = "a map with header"), OTL_SCHEMA_END};
static const struct otl_schema baggage[] = {ROW("*", ONE_OF, .child = baggage_values),
                                            OTL_SCHEMA_END};
static const struct otl_schema set_baggage[] = {
    ROW("set_baggage", MAP, .child = baggage, .min = 1, .max = 64), OTL_SCHEMA_END};
static const struct otl_schema baggage_name[] = {ITEM(STRING, .min = 1, .max = 256)};
static const struct otl_schema read_baggage[] = {
    ROW("read_baggage", LIST, .child = baggage_name, .min = 1, .max = 64), OTL_SCHEMA_END};

static const struct otl_schema step_kinds[] = {
    ROW("span", MAP, .child = span),
    ROW("work", MAP, .child = work),
    ROW("wait", MAP, .child = wait),
    ROW("call", MAP, .child = call),
    ROW("parallel", MAP, .child = parallel),
    ROW("sql", MAP, .child = sql),
    ROW("publish", MAP, .child = publish),
    ROW("fail", MAP, .child = fail),
    ROW("exception", MAP, .child = exception),
    ROW("event", MAP, .child = event),
    ROW("set_baggage", MAP, .child = set_baggage),
    ROW("read_baggage", MAP, .child = read_baggage),
    OTL_SCHEMA_END};
const struct otl_schema hx_scenario_step[1] = {
    ITEM(BY_KEY, .child = step_kinds, .what = "a step")};

/* ---- services ----------------------------------------------------------------------------- */

static const struct otl_schema propagator[] = {ITEM(ENUM, .words = propagators)};

#define TRACING_KEYS(D)                                                                           \
    ROW("instrumented", BOOL, .fallback = D("true")),                                             \
        ROW("enabled", BOOL, .fallback = D("true")),                                              \
        ROW("sampler", ENUM, .words = samplers, .fallback = D("parentbased_always_on")),          \
        ROW("sampler_arg", DOUBLE, .real_max = 1, .fallback = D("1.0")),                          \
        ROW("propagators", LIST, .child = propagator, .max = 2,                                   \
            .fallback = D("[tracecontext, baggage]")),                                            \
        ROW("processor", ENUM, .words = processors, .fallback = D("batch")),                      \
        ROW("max_queue_size", UINT, .min = 1, .max = 1000000, .fallback = D("2048")),             \
        ROW("max_export_batch_size", UINT, .min = 1, .max = 1000000, .fallback = D("512")),       \
        ROW("schedule_delay", DURATION, .max = HOUR, .fallback = D("5s")),                        \
        ROW("export_timeout", DURATION, .max = HOUR, .fallback = D("30s")),                       \
        ROW("compression", ENUM, .words = compressions, .fallback = D("none")),                   \
        ROW("protocol", ENUM, .words = protocols, .fallback = D("http/protobuf")),                \
        ROW("agent", STRING, .min = 1, .max = NAME_BYTES)
#define AS_IT_IS(text) text
#define NO_FALLBACK(text) NULL

static const struct otl_schema service_tracing[] = {TRACING_KEYS(AS_IT_IS), OTL_SCHEMA_END};
/* The fleet's map has no fallbacks: only what it says goes to the services. */
static const struct otl_schema fleet_tracing[] = {TRACING_KEYS(NO_FALLBACK), OTL_SCHEMA_END};

static const struct otl_schema broken[] = {
    ROW("drop_context", STRING, .min = 1, .max = TEXT_BYTES),
    ROW("sample_on_its_own", BOOL),
    ROW("trust_malformed", BOOL),
    ROW("swap_parents_every", UINT, .max = UINT32_MAX),
    ROW("lose_one_in", UINT, .max = UINT32_MAX),
    ROW("lose_and_overcount", UINT, .max = UINT32_MAX),
    ROW("duplicate_every", UINT, .max = UINT32_MAX),
    ROW("lose_link_every", UINT, .max = UINT32_MAX),
    ROW("reuse_id_every", UINT, .max = UINT32_MAX),
    ROW("alter_every", UINT, .max = UINT32_MAX),
    ROW("stale_log_ids", BOOL),
    ROW("clock_offset_ms", INT, .min = -1000000, .max = 1000000),
    ROW("clock_step_ms", INT, .min = -1000000, .max = 1000000),
    ROW("clock_step_every", UINT, .max = UINT32_MAX),
    OTL_SCHEMA_END};

static const struct otl_schema inject[] = {
    ROW("instructions", UINT, .max = 1000000000),
    ROW("slow_share", DOUBLE, .real_max = 1),
    ROW("slow", DURATION, .max = 10 * SECOND),
    ROW("exporter", DURATION, .max = SECOND),
    ROW("bytes", UINT, .min = 24, .max = 120),
    OTL_SCHEMA_END};

static const struct otl_schema route[] = {
    ROW("span", BOOL, .fallback = "true"),
    ROW("attributes", MAP, .child = attributes),
    ROW("steps", LIST, .child = hx_scenario_step, .max = STEPS_MAX, .fallback = "[]"),
    OTL_SCHEMA_END};
static const struct otl_schema routes[] = {
    ROW("*", MAP, .child = route, .what = "a route's map (steps, attributes, span)"),
    OTL_SCHEMA_END};
static const struct otl_schema consumer[] = {
    ROW("name", STRING, .min = 1, .max = TEXT_BYTES),
    ROW("group", STRING, .min = 1, .max = NAME_BYTES),
    ROW("edge", ENUM, .words = edges, .fallback = "link"),
    ROW("max_in_hand", UINT, .min = 1, .max = 10000, .fallback = "1"),
    ROW("batch", UINT, .min = 1, .max = HX_MAX_BATCH, .fallback = "1"),
    ROW("batch_wait", DURATION, .min = MS, .max = 60 * SECOND, .fallback = "100ms"),
    ROW("session_timeout", DURATION, .min = MS, .max = HOUR, .fallback = "3100ms"),
    ROW("max_poll_interval", DURATION, .min = MS, .max = 24 * HOUR, .fallback = "300s"),
    ROW("assignor", ENUM, .words = assignors, .fallback = "range"),
    ROW("static_membership", BOOL, .fallback = "false"),
    ROW("attributes", MAP, .child = attributes),
    ROW("steps", LIST, .child = hx_scenario_step, .max = STEPS_MAX, .fallback = "[]"),
    OTL_SCHEMA_END};
static const struct otl_schema consumers[] = {
    ROW("*", MAP, .child = consumer, .what = "a consumer's map (group, steps, ...)"),
    OTL_SCHEMA_END};
static const struct otl_schema resource[] = {ROW("*", STRING, .max = TEXT_BYTES), OTL_SCHEMA_END};

static const struct otl_schema settings[] = {ROW("*", ANY), OTL_SCHEMA_END};
static const struct otl_schema replica_settings[] = {
    ROW("*", MAP, .child = settings, .min = 1, .max = 64,
        .what = "a replica's settings such as {version: 1.3.0}"),
    OTL_SCHEMA_END};
static const struct otl_schema word[] = {ITEM(STRING, .max = 4096, .what = "a word")};
static const struct otl_schema command[] = {
    ITEM(STRING, .min = 1, .max = 4096, .what = "a command line"),
    ITEM(LIST, .child = word, .min = 1, .max = 100, .what = "a list of words"), OTL_SCHEMA_END};
static const struct otl_schema environment[] = {ROW("*", SCALAR), OTL_SCHEMA_END};
static const struct otl_schema business_key[] = {
    ROW("header", STRING, .min = 1, .max = NAME_BYTES),
    ROW("json", STRING, .min = 1, .max = NAME_BYTES), OTL_SCHEMA_END};

static const struct otl_schema statement_item[] = {
    ITEM(STRING, .min = 1, .max = 4096, .what = "an SQL statement")};

static const struct otl_schema service[] = {
    ROW("command", ONE_OF, .child = command),
    ROW("env", MAP, .child = environment, .max = 64),
    ROW("health", STRING, .min = 1, .max = NAME_BYTES),
    ROW("start_timeout", DURATION, .min = 10 * MS, .max = HOUR),
    ROW("max_in_flight", UINT, .min = 1, .max = 1000),
    ROW("key", MAP, .child = business_key, .min = 1, .max = 1),
    ROW("ledger", ENUM, .words = ledgers),
    ROW("replicas", UINT, .min = 1, .max = HX_MAX_REPLICAS, .fallback = "1"),
    ROW("version", STRING, .max = NAME_BYTES),
    ROW("http", ENUM, .words = backends, .fallback = "evhttp"),
    ROW("stop", ENUM, .words = stop_ways, .fallback = "drain"),
    ROW("resource", MAP, .child = resource),
    ROW("tracing", MAP, .child = service_tracing, .fallback = "{}"),
    ROW("broken", MAP, .child = broken),
    ROW("inject", MAP, .child = inject),
    ROW("routes", MAP, .child = routes),
    ROW("consumers", MAP, .child = consumers),
    ROW("replica_settings", MAP, .child = replica_settings, .max = HX_MAX_REPLICAS),
    ROW("database", LIST, .child = statement_item, .min = 1, .max = HX_MAX_STATEMENTS),
    OTL_SCHEMA_END};
static const struct otl_schema services[] = {
    ROW("*", MAP, .child = service, .what = "a service"), OTL_SCHEMA_END};
static const struct otl_schema topic[] = {
    ROW("partitions", UINT, .min = 1, .max = 1000, .fallback = "6"), OTL_SCHEMA_END};
static const struct otl_schema topics[] = {
    ROW("*", MAP, .child = topic, .what = "a topic's map such as {partitions: 6}"),
    OTL_SCHEMA_END};

/* ---- load, claims ------------------------------------------------------------------------- */

static const struct otl_schema header_value[] = {ITEM(STRING, .max = 4096, .what = "a text")};
static const struct otl_schema header_values[] = {
    ITEM(STRING, .max = 4096, .what = "a text"),
    ITEM(LIST, .child = header_value, .min = 1, .max = 1000, .what = "a list of texts"),
    OTL_SCHEMA_END};
static const struct otl_schema headers[] = {ROW("*", ONE_OF, .child = header_values),
                                            OTL_SCHEMA_END};
static const struct otl_schema incoming[] = {
    ROW("sampled", DOUBLE, .real_max = 1, .fallback = "0.0"),
    ROW("not_sampled", DOUBLE, .real_max = 1, .fallback = "0.0"),
    ROW("malformed", DOUBLE, .real_max = 1, .fallback = "0.0"),
    ROW("oversized", DOUBLE, .real_max = 1, .fallback = "0.0"), OTL_SCHEMA_END};
static const struct otl_schema load[] = {
    ROW("route", STRING, .required = true, .what = "a route such as 'gateway POST /checkout'"),
    ROW("rate", DOUBLE, .required = true),
    ROW("arrival", ENUM, .words = arrivals, .fallback = "poisson"),
    ROW("burst", UINT, .min = 1, .max = 1000000, .fallback = "100"),
    ROW("pacer", ENUM, .words = pacers, .fallback = "auto"),
    ROW("warmup", DURATION, .max = HOUR, .fallback = "2s"),
    ROW("duration", DURATION, .min = 10 * MS, .max = 24 * HOUR, .fallback = "10s"),
    ROW("timeout", DURATION, .min = MS, .max = HOUR, .fallback = "10s"),
    ROW("connections", UINT, .min = 1, .max = 10000, .fallback = "32"),
    ROW("queue", UINT, .min = 1, .max = 1000000, .fallback = "65536"),
    ROW("body_bytes", UINT, .max = BODY_BYTES, .fallback = "0"),
    ROW("headers", MAP, .child = headers, .max = 64),
    ROW("incoming", MAP, .child = incoming, .fallback = "{}"),
    OTL_SCHEMA_END};

static const struct otl_schema check_item[] = {ITEM(ENUM, .words = check_names)};
static const struct otl_schema edge_item[] = {
    ITEM(STRING, .what = "an edge such as 'gateway POST /checkout -> order POST /orders'")};
static const struct otl_schema threshold_item[] = {
    ITEM(STRING, .min = 1, .max = HX_THRESHOLD_BYTES - 1,
         .what = "a threshold such as 'load.latency.p99 < 50ms'")};
static const struct otl_schema expect[] = {
    ROW("checks", LIST, .child = check_item, .max = 64),
    ROW("required", LIST, .child = edge_item, .max = 256),
    ROW("forbidden", LIST, .child = edge_item, .max = 256),
    ROW("broken", LIST, .child = edge_item, .max = 256),
    ROW("thresholds", LIST, .child = threshold_item, .max = 64),
    ROW("spans_per_request_min", DOUBLE, .real_max = 1e6, .fallback = "0.0"),
    ROW("partial_traces", BOOL, .fallback = "false"),
    ROW("namer", STRING, .min = 1, .max = NAME_BYTES * 2),
    ROW("critical_path", STRING, .min = 1, .max = 4096 + NAME_BYTES),
    ROW("allow_unknown", BOOL),
    OTL_SCHEMA_END};

static const struct otl_schema overhead_arm[] = {ITEM(ENUM, .words = hx_arm_words)};
static const struct otl_schema overhead[] = {
    ROW("arms", LIST, .child = overhead_arm, .min = 1, .max = HX_ARMS - 2,
        .fallback = "[api, not_sampled, simple, batch]"),
    ROW("blocks", UINT, .min = 6, .max = 200, .fallback = "10"),
    ROW("warmup", DURATION, .min = 10 * MS, .max = 60 * SECOND, .fallback = "150ms"),
    ROW("slice", DURATION, .min = 50 * MS, .max = 60 * SECOND, .fallback = "500ms"),
    ROW("saturation_rate", DOUBLE, .real_max = 1e6, .fallback = "150000.0"),
    ROW("collector_delay", DURATION, .min = MS, .max = 10 * SECOND, .fallback = "200ms"),
    ROW("instructions", BOOL, .fallback = "false"),
    ROW("inject", MAP, .child = inject, .min = 1),
    OTL_SCHEMA_END};

/* ---- faults ------------------------------------------------------------------------------- */

static const struct otl_schema fault[] = {
    ROW("at", DURATION, .max = 24 * HOUR),
    ROW("when", STRING, .min = 1, .max = NAME_BYTES * 2),
    ROW("do", ENUM, .words = fault_kinds, .required = true),
    ROW("service", STRING, .min = 1, .max = NAME_BYTES),
    ROW("agent", STRING, .min = 1, .max = NAME_BYTES),
    ROW("replica", UINT, .max = HX_MAX_REPLICAS),
    ROW("grace", DURATION, .min = MS, .max = HOUR),
    ROW("set", MAP, .child = settings, .min = 1, .max = 16),
    ROW("statement", STRING, .min = 1, .max = 4096),
    ROW("fault", ENUM, .words = hx_collector_words),
    ROW("delay", DURATION, .min = MS, .max = HOUR),
    ROW("status", UINT, .min = 400, .max = 599),
    ROW("retry_after", DURATION, .min = SECOND, .max = HOUR),
    ROW("with", MAP, .child = hx_collector_with, .min = 1),
    ROW("for", DURATION, .min = MS, .max = 24 * HOUR),
    ROW("probability", DOUBLE, .real_max = 1),
    ROW("route", STRING, .min = 1, .max = TEXT_BYTES),
    ROW("request", ENUM, .words = broker_requests),
    ROW("error", ENUM, .words = broker_errors),
    ROW("count", UINT, .min = 1, .max = 10000),
    OTL_SCHEMA_END};
static const struct otl_schema fault_item[] = {
    ITEM(MAP, .child = fault, .what = "a fault such as {at: 5s, do: kill, service: order}")};

/* A Collector's own sections, what it knows inside of them is its own affair. */
static const struct otl_schema agent[] = {
    ROW("receivers", MAP), ROW("processors", MAP), ROW("exporters", MAP), ROW("connectors", MAP),
    ROW("extensions", MAP), ROW("service", MAP), OTL_SCHEMA_END};
static const struct otl_schema agents[] = {
    ROW("*", MAP, .child = agent,
        .what = "an agent's Collector configuration, {} for one that passes all on"),
    OTL_SCHEMA_END};
static const char collector[] =
    "{receivers: {otlp: {protocols: {grpc: {endpoint: '127.0.0.1:0'},"
    "                               http: {endpoint: '127.0.0.1:0'}}}},"
    " exporters: {file: {path: spans/traces.bin, format: proto}},"
    " service: {telemetry: {metrics: {readers: [{pull: {exporter: {prometheus:"
    "   {host: 127.0.0.1, port: 0}}}}]}},"
    "  pipelines: {traces: {receivers: [otlp], exporters: [file]}}}}";

static const struct otl_schema scenario[] = {
    ROW("name", STRING, .min = 1, .max = NAME_BYTES),
    ROW("title", STRING, .min = 1, .max = TEXT_BYTES),
    ROW("claim", STRING, .max = TEXT_BYTES),
    ROW("seed", UINT),
    ROW("tracing", MAP, .child = fleet_tracing),
    ROW("services", MAP, .child = services, .required = true, .min = 1, .max = HX_MAX_SERVICES),
    ROW("topics", MAP, .child = topics, .max = HX_MAX_TOPICS),
    ROW("broker", STRING, .min = 1, .max = 255),
    ROW("agents", MAP, .child = agents, .min = 1, .max = HX_MAX_AGENTS),
    ROW("collector", MAP, .fallback = collector),
    ROW("collector_workers", UINT, .min = 1, .max = 64),
    ROW("load", MAP, .child = load, .required = true),
    ROW("overhead", MAP, .child = overhead),
    ROW("expect", MAP, .child = expect, .fallback = "{}"),
    ROW("faults", LIST, .child = fault_item, .max = HX_MAX_FAULTS),
    OTL_SCHEMA_END};
const struct otl_schema hx_scenario_schema[1] = {
    ITEM(MAP, .child = scenario, .what = "a scenario")};
