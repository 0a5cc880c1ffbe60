/* SPDX-License-Identifier: Apache-2.0 */
/* What changed between versions of the Collector: each row of the table, on both sides of it. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector-mock/config/lint.h"
#include "collector-mock/config/version.h"
#include "collector-mock/processors/tail/policy.h"
#include "collector-mock/tests/rig.h"
#include "sdk/base/mem.h"

#define HEAD "receivers: {otlp: {protocols: {http: {endpoint: 'localhost:4318'}}}}\n"
#define SERVICE(processors, exporter)                                                             \
    "service: {pipelines: {traces: {receivers: [otlp], processors: [" processors                  \
    "], exporters: [" exporter "]}}}\n"
#define NOP "exporters: {nop: }\n"
#define POLICY(words)                                                                             \
    HEAD NOP "processors: {tail_sampling: {policies: [{name: a, " words "}]}}\n"                  \
             SERVICE("tail_sampling", "nop")
#define SETTING(type, words)                                                                      \
    HEAD NOP "processors: {" type ": {" words "}}\n" SERVICE(type, "nop")
#define EXPORTER(type, words) HEAD "exporters: {" type ": {" words "}}\n" SERVICE("", type)
#define ALWAYS "policies: [{name: a, type: always_sample}]"

/* A version and what --lint finds under it: text of a finding, or NULL for none that has "none". */
static const struct {
    const char *yaml;
    unsigned version;
    enum col_severity severity;
    const char *found; /* begins with ! : is not found */
} rows[] = {
    /* names */
    {EXPORTER("otlp_grpc", "endpoint: 'http://x:1'"), 143, COL_ERROR,
     "c.yaml:2:13: exporter 'otlp_grpc': unknown type 'otlp_grpc' in v0.143: it is called so "
     "since v0.144, before it was 'otlp'"},
    {EXPORTER("otlp_grpc", "endpoint: 'http://x:1'"), 144, COL_ERROR, "!unknown type"},
    {EXPORTER("otlp_grpc", "endpoint: 'http://x:1'"), 0, COL_ERROR, "!unknown type"},
    {EXPORTER("otlp", "endpoint: 'http://x:1'"), 143, COL_ADVICE, "!old name"},
    {EXPORTER("otlp", "endpoint: 'http://x:1'"), 144, COL_WARNING, "is the old name of"},
    {EXPORTER("otlphttp", "endpoint: 'http://x:1'"), 143, COL_ADVICE, "!old name"},
    {EXPORTER("otlphttp", "endpoint: 'http://x:1'"), 0, COL_WARNING, "is the old name of"},
    {EXPORTER("load_balancing", ""), 152, COL_ERROR, "before it was 'loadbalancing'"},
    {EXPORTER("load_balancing", ""), 153, COL_ERROR, "!before it was"},
    {EXPORTER("load_balancing", ""), 156, COL_ADVICE,
     "which backend gets a key: before v0.157 there are 36,000 places and 100 points a backend, "
     "since then 131,071 and 200, whatever order backends come in (here: as before)"},
    {EXPORTER("load_balancing", ""), 157, COL_ADVICE, "(here: as since then)"},
    {EXPORTER("loadbalancing", ""), 129, COL_ADVICE,
     "which backend gets a key: before v0.130 a point is left out where its place is taken"},
    {EXPORTER("logging", "loglevel: debug"), 110, COL_ERROR, "!logging"},
    {EXPORTER("logging", "loglevel: debug"), 110, COL_ADVICE, "is there in v0.110"},
    {EXPORTER("logging", "loglevel: debug"), 111, COL_ERROR, "use the debug exporter instead"},
    {EXPORTER("jaeger", ""), 85, COL_ADVICE, "is there in v0.85 (removed in v0.86)"},
    {EXPORTER("jaeger", ""), 86, COL_ERROR, "was removed in v0.86"},
    {EXPORTER("loki", ""), 130, COL_ERROR, "!loki"},
    {EXPORTER("loki", ""), 131, COL_ERROR, "was removed in v0.131"},
    /* settings */
    {SETTING("tail_sampling", ALWAYS ", block_on_overflow: true"), 132, COL_ERROR,
     "unknown key 'block_on_overflow' in v0.132: it is there since v0.133"},
    {SETTING("tail_sampling", ALWAYS ", block_on_overflow: true"), 133, COL_ERROR, "!unknown"},
    {SETTING("tail_sampling", ALWAYS ", decision_wait_after_root_received: 1s"), 143, COL_ERROR,
     "since v0.144"},
    {SETTING("tail_sampling", ALWAYS ", decision_wait_after_root_received: 1s"), 144, COL_ERROR,
     "!unknown"},
    {SETTING("tail_sampling", ALWAYS ", sample_on_first_match: true"), 126, COL_ERROR,
     "since v0.127"},
    {SETTING("tail_sampling", ALWAYS ", drop_pending_traces_on_shutdown: true"), 140, COL_ERROR,
     "since v0.141"},
    {SETTING("tail_sampling", ALWAYS ", maximum_trace_size_bytes: 9"), 144, COL_ERROR,
     "since v0.145"},
    {SETTING("tail_sampling", ALWAYS ", maximum_trace_size_bytes: 9"), 145, COL_ERROR,
     "!unknown"},
    {POLICY("type: trace_flags"), 144, COL_ERROR,
     "c.yaml:3:57: processor 'tail_sampling': unknown sampling policy type 'trace_flags' in "
     "v0.144: it is there since v0.145"},
    {POLICY("type: trace_flags"), 145, COL_ERROR, "!unknown"},
    {POLICY("type: and, and: {and_sub_policy: [{name: b, type: bytes_limiting}]}"), 140, COL_ERROR,
     "unknown sampling policy type 'bytes_limiting' in v0.140: it is there since v0.141"},
    {POLICY("type: not, not: {not_sub_policy: {name: b, type: always_sample}}"), 144, COL_ERROR,
     "unknown sampling policy type 'not'"},
    {POLICY("type: drop, drop: {drop_sub_policy: [{name: b, type: always_sample}]}"), 125,
     COL_ERROR, "since v0.126"},
    {POLICY("type: drop, drop: {drop_sub_policy: [{name: b, type: always_sample}]}"), 126,
     COL_ERROR, "!unknown"},
    {SETTING("tail_sampling", ALWAYS ", sampling_strategy: span-ingest"), 148, COL_ERROR,
     "since v0.149"},
    {SETTING("tail_sampling", ALWAYS ", sampling_strategy: span-ingest"), 149, COL_ERROR,
     "!unknown"},
    {SETTING("tail_sampling", ALWAYS ", num_shards: 2"), 158, COL_ERROR, "since v0.159"},
    {SETTING("tail_sampling", ALWAYS ", num_shards: 2"), 159, COL_ERROR, "!unknown"},
    {SETTING("tail_sampling", ALWAYS ", num_shards: 2"), 0, COL_ADVICE,
     "num_shards: before v0.159 it is an unknown key"},
    {SETTING("memory_limiter", "check_interval: 1s, limit_mib: 9, "
                               "max_gc_interval_when_soft_limited: 60s"),
     155, COL_ERROR, "since v0.156"},
    {SETTING("memory_limiter", "check_interval: 1s, limit_mib: 9, "
                               "max_gc_interval_when_soft_limited: 60s"),
     156, COL_ERROR, "!unknown"},
    {SETTING("tail_sampling", ALWAYS ", decision_wait: 100ms"), 85, COL_ERROR,
     "a decision_wait below 1s is an error before v0.86"},
    {SETTING("tail_sampling", ALWAYS ", decision_wait: 100ms"), 86, COL_ERROR, "!below"},
    {SETTING("tail_sampling", ALWAYS ", decision_wait: 100ms"), 86, COL_ADVICE,
     "a decision_wait below 1s: before v0.86 it is an error, since then it is one bucket"},
    /* what tail_sampling decides */
    {POLICY("type: string_attribute, string_attribute: {key: k, values: [v], invert_match: true}"),
     143, COL_ADVICE, "invert_match: before v0.144 a trace that matches is kept out"},
    {POLICY("type: string_attribute, string_attribute: {key: k, values: [v], invert_match: true}"),
     143, COL_ADVICE, "(here: as before)"},
    {POLICY("type: string_attribute, string_attribute: {key: k, values: [v], invert_match: true}"),
     0, COL_ADVICE, "(here: as since then)"},
    {POLICY("type: string_attribute, string_attribute: {key: k, values: [v]}"), 0, COL_ADVICE,
     "!invert_match"},
    {POLICY("type: latency, latency: {threshold_ms: 5}"), 156, COL_ADVICE,
     "c.yaml:3:41: 'tail_sampling' depends on the version: latency.threshold_ms: before v0.157"},
    {POLICY("type: latency, latency: {threshold_ms: 5, upper_threshold_ms: 9}"), 156, COL_ADVICE,
     "!latency.threshold_ms"},
    {POLICY("type: rate_limiting, rate_limiting: {spans_per_second: 5}"), 0, COL_ADVICE,
     "rate_limiting: before v0.153 spans of each second are counted"},
    {POLICY("type: and, and: {and_sub_policy: [{name: b, type: rate_limiting, rate_limiting: "
            "{spans_per_second: 5}}]}"),
     0, COL_ADVICE, "rate_limiting: before v0.153"},
    {POLICY("type: composite, composite: {max_total_spans_per_second: 9, policy_order: [b], "
            "composite_sub_policy: [{name: b, type: always_sample}]}"),
     0, COL_ADVICE, "a sub-policy without rate_allocation: before v0.158 it never samples"},
    {POLICY("type: composite, composite: {max_total_spans_per_second: 9, policy_order: [b], "
            "composite_sub_policy: [{name: b, type: always_sample}]}"),
     0, COL_ADVICE, "c.yaml:3:41: 'tail_sampling': policy_order is not looked at"},
    {HEAD NOP "processors: {tail_sampling: {policies: [{name: a, type: latency, latency: "
              "{threshold_ms: 5}}], compat: {latency_lower_bound: inclusive}}}\n"
              SERVICE("tail_sampling", "nop"),
     0, COL_ADVICE, "!latency.threshold_ms"},
    {HEAD NOP "processors: {filter: {traces: {span: ['name == nil']}}}\n" SERVICE("filter", "nop"),
     152, COL_ADVICE,
     "c.yaml:3:14: 'filter' depends on the version: what fails where error_mode is not set: before "
     "v0.153 its request is refused, since then it is passed over (here: as before)"},
    {HEAD NOP "processors: {transform: {error_mode: silent}}\n" SERVICE("transform", "nop"), 0,
     COL_ADVICE, "!error_mode"},
    /* addresses */
    {"receivers: {otlp: {protocols: {grpc: }}}\n" NOP SERVICE("", "nop"), 103, COL_ADVICE,
     "c.yaml:1:32: 'otlp' depends on the version: a protocol without endpoint: before v0.104 it "
     "listens on 0.0.0.0, since then it listens on localhost (here: as before)"},
    {"receivers: {otlp: {protocols: {grpc: }}}\n" NOP SERVICE("", "nop"), 104, COL_ADVICE,
     "(here: as since then)"},
    {HEAD NOP "service: {telemetry: {metrics: {address: ':1'}}, pipelines: {traces: {receivers: "
              "[otlp], exporters: [nop]}}}\n",
     110, COL_ADVICE, "!deprecated"},
    {HEAD NOP "service: {telemetry: {metrics: {address: ':1'}}, pipelines: {traces: {receivers: "
              "[otlp], exporters: [nop]}}}\n",
     111, COL_WARNING, "'address' is deprecated since v0.111"},
    /* $NAME */
    {EXPORTER("file", "path: $COL_TEST_VARIABLE"), 106, COL_ERROR,
     "c.yaml:2:26: variables are written ${env:NAME}, not $NAME"},
    {EXPORTER("file", "path: $COL_TEST_VARIABLE"), 104, COL_ERROR, "not $NAME"},
    {EXPORTER("file", "path: $COL_TEST_VARIABLE"), 103, COL_ADVICE, "!COL_TEST_VARIABLE"},
    {EXPORTER("file", "path: $COL_TEST_VARIABLE"), 107, COL_ADVICE,
     "c.yaml:2:26: $COL_TEST_VARIABLE is text since v0.107"},
    {EXPORTER("file", "path: '$$COL_TEST_VARIABLE ${env:HOME} $1'"), 0, COL_ADVICE, "!is text"},
    /* durations without a unit: nanoseconds, in every version */
    {SETTING("batch", "timeout: 5"), 0, COL_ADVICE,
     "c.yaml:3:31: 'batch': timeout without a unit is 5 nanoseconds; write 5s, or ms"},
    {SETTING("batch", "timeout: 0"), 0, COL_ADVICE, "!nanoseconds"},
    {SETTING("batch", "timeout: -5"), 0, COL_ERROR, "timeout"},
};

static bool has(const struct col_findings *findings, enum col_severity least, const char *text)
{
    char line[1024];

    for (size_t i = 0; i < findings->count; i++)
        if (findings->items[i].severity >= least &&
            strstr(otl_detail_format(&findings->items[i].detail, line, sizeof(line)), text))
            return true;
    return false;
}

static void each_change_is_selected_by_its_version(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct col_config_options options = {.text = rows[i].yaml,
                                                   .text_len = strlen(rows[i].yaml),
                                                   .source = "c.yaml",
                                                   .as_version = rows[i].version};
        struct col_findings *findings = otl_mem_zalloc(sizeof(*findings));
        struct otl_detail detail = OTL_DETAIL_NONE;
        bool absent = rows[i].found[0] == '!';
        assert_non_null(findings);
        assert_int_equal(col_lint(&options, findings, &detail), OTEL_OK);
        if (has(findings, rows[i].severity, rows[i].found + absent) == absent) {
            char line[1024];
            for (size_t k = 0; k < findings->count; k++)
                print_error("%s: %s\n", col_severity_name(findings->items[k].severity),
                            otl_detail_format(&findings->items[k].detail, line, sizeof(line)));
            fail_msg("row %zu, v0.%u: '%s'\n%s", i, rows[i].version, rows[i].found, rows[i].yaml);
        }
        otl_mem_free(findings);
    }
}

static void tail_sampling_decides_as_its_version_did(void **state)
{
    static const char open[] = "{policies: [{name: a, type: always_sample}]}";
    static const char fixed[] =
        "{policies: [{name: a, type: always_sample}], compat: {invert_decisions: plain, "
        "latency_lower_bound: exclusive, rate_limiting: fixed_window, composite_unlisted: zero}}";
    static const struct {
        const char *yaml;
        unsigned version;
        bool invert, latency, window, zero;
    } cases[] = {
        {open, 100, true, true, true, true},     {open, 143, true, true, true, true},
        {open, 144, false, true, true, true},    {open, 152, false, true, true, true},
        {open, 153, false, true, false, true},   {open, 156, false, true, false, true},
        {open, 157, false, false, false, true},  {open, 158, false, false, false, false},
        {open, 0, false, false, false, false},   {fixed, 100, false, false, true, true},
        {fixed, 0, false, false, true, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct col_tail_policies *policies = NULL;
        struct otl_yaml *doc = NULL;
        assert_int_equal(
            otl_yaml_load_text(cases[i].yaml, strlen(cases[i].yaml), NULL, &doc, NULL), OTEL_OK);
        assert_int_equal(col_tail_policies_load(doc, otl_yaml_root(doc), "t", cases[i].version,
                                                &policies, NULL),
                         OTEL_OK);
        assert_int_equal(policies->compat.invert_legacy, cases[i].invert);
        assert_int_equal(policies->compat.latency_inclusive, cases[i].latency);
        assert_int_equal(policies->compat.fixed_window, cases[i].window);
        assert_int_equal(policies->compat.composite_zero, cases[i].zero);
        col_tail_policies_free(policies);
        otl_yaml_free(doc);
    }
}

static void versions_are_written_as_the_collector_writes_them(void **state)
{
    static const struct {
        const char *text;
        unsigned version; /* 1: refused */
    } cases[] = {
        {"latest", 0},   {"0.100", 100}, {"v0.115", 115}, {"0.115.0", 115}, {"v0.115.12", 115},
        {"", 1},         {"0", 1},       {"1.0.0", 1},    {"0.", 1},        {"0.x", 1},
        {"0.115.x", 1},  {"0.115.", 1},  {"0.115.0.1", 1}, {"0.-5", 1},     {"0.115 ", 1},
        {"vlatest", 1},  {"0.0", 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        unsigned version = 7;
        enum otel_err err = col_version_read(cases[i].text, &version, NULL);
        if ((err == OTEL_OK) != (cases[i].version != 1) ||
            (err == OTEL_OK && version != cases[i].version))
            fail_msg("'%s': %u", cases[i].text, version);
    }
}

/* The variable is what stands there, and who says so is the exporter that cannot open it. */
static void names_are_expanded_by_old_versions_and_lenient(void **state)
{
    static const struct {
        const char *option, *value, *said;
    } cases[] = {
        {"--as-version=0.103", NULL, "/nowhere/expanded/x"},
        {"--as-version=0.106", NULL, "not $NAME"},
        {"--as-version=0.107", NULL, "/nowhere/$COL_TEST_VARIABLE/x"},
        {"--as-version=latest", NULL, "/nowhere/$COL_TEST_VARIABLE/x"},
        {"--lenient", NULL, "/nowhere/expanded/x"},
        {"--lenient", NULL, "$COL_TEST_VARIABLE is not expanded since v0.107; write "
                            "${env:COL_TEST_VARIABLE}"},
        {"--as-version=0.1x", NULL, "'0.1x' is no version of the Collector"},
    };
    struct rig rig;

    (void)state;
    assert_int_equal(setenv("COL_TEST_VARIABLE", "expanded", 1), 0);
    rig_init(&rig);
    rig_config(&rig, EXPORTER("file", "path: /nowhere/$COL_TEST_VARIABLE/x"));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *arguments[] = {"--config", rig.config, cases[i].option, NULL};
        struct otl_buf log;
        unlink(rig.log);
        assert_true(rig_run(&rig, arguments) > 0);
        rig_read(rig.log, &log);
        if (strstr(log.data, cases[i].said) == NULL)
            fail_msg("%s: '%s' is not in: %s", cases[i].option, cases[i].said, log.data);
        otl_buf_fini(&log);
    }
    rig_fini(&rig);
}

/* Port 4317 of every address is taken, here or by somebody else: the collector names what it
 * cannot have. */
static void old_versions_listen_on_all_addresses(void **state)
{
    static const struct {
        const char *version, *said;
    } cases[] = {{"--as-version=0.103", "0.0.0.0:4317"}, {"--as-version=0.104", "localhost:4317"}};
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(4317)};
    struct rig rig;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)state;
    if (bind(fd, (const struct sockaddr *)&any, sizeof(any)) == 0)
        assert_int_equal(listen(fd, 1), 0);
    rig_init(&rig);
    rig_config(&rig, "receivers: {otlp: {protocols: {grpc: }}}\n" NOP SERVICE("", "nop"));
    for (size_t i = 0; i < 2; i++) {
        const char *arguments[] = {"--config", rig.config, cases[i].version, NULL};
        struct otl_buf log;
        unlink(rig.log);
        assert_int_equal(rig_run(&rig, arguments), 3);
        rig_read(rig.log, &log);
        if (strstr(log.data, cases[i].said) == NULL)
            fail_msg("%s: '%s' is not in: %s", cases[i].version, cases[i].said, log.data);
        otl_buf_fini(&log);
    }
    rig_fini(&rig);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_change_is_selected_by_its_version),
        cmocka_unit_test(tail_sampling_decides_as_its_version_did),
        cmocka_unit_test(versions_are_written_as_the_collector_writes_them),
        cmocka_unit_test(names_are_expanded_by_old_versions_and_lenient),
        cmocka_unit_test(old_versions_listen_on_all_addresses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
