/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "collector-mock/config/lint.h"
#include "sdk/base/mem.h"

static struct col_findings *lint(const char *text, bool lenient)
{
    const struct col_config_options options = {
        .text = text, .text_len = strlen(text), .source = "c.yaml", .lenient = lenient};
    struct col_findings *findings = otl_mem_zalloc(sizeof(*findings));
    struct otl_detail detail = OTL_DETAIL_NONE;

    assert_non_null(findings);
    if (col_lint(&options, findings, &detail) != OTEL_OK)
        fail_msg("%s", detail.text);
    return findings;
}

/* "error c.yaml:1:2: text" */
static const char *line_of(const struct col_findings *findings, size_t i, char *out, size_t size)
{
    char text[1024];

    snprintf(out, size, "%s %s", col_severity_name(findings->items[i].severity),
             otl_detail_format(&findings->items[i].detail, text, sizeof(text)));
    return out;
}

/* Exactly these, in any order; each expected line is the beginning of one. */
static void expect(const char *text, bool lenient, const char *const *lines)
{
    struct col_findings *findings = lint(text, lenient);
    char line[1200];
    size_t wanted = 0, found = 0;

    for (; lines[wanted] != NULL; wanted++)
        for (size_t i = 0; i < findings->count; i++)
            if (strncmp(line_of(findings, i, line, sizeof(line)), lines[wanted],
                        strlen(lines[wanted])) == 0) {
                found++;
                break;
            }
    if (found != wanted || findings->count != wanted) {
        for (size_t i = 0; i < findings->count; i++)
            print_error("%s\n", line_of(findings, i, line, sizeof(line)));
        fail_msg("%zu of %zu lines, %zu findings\n%s", found, wanted, findings->count, text);
    }
    otl_mem_free(findings);
}

static void every_mistake_is_reported_at_once(void **state)
{
    static const char text[] =
        "receivers:\n"
        "  otlp:\n"
        "    protocols:\n"
        "      grpc: {endpont: 'x:1', max_recv_msg_size_mib: much}\n"
        "  otlp/b: {protocols: {http: {endpoint: here}}}\n"
        "processors:\n"
        "  bacth:\n"
        "  memory_limiter: {limit_mib: 512}\n"
        "exporters:\n"
        "  nop: {a: 1, b: 2}\n"
        "  file: {format: json}\n"
        "  loki: {endpoint: x}\n"
        "extension: {}\n"
        "service:\n"
        "  extensions: [pporf]\n"
        "  pipelines:\n"
        "    traces:\n"
        "      receivers: [otpl, otlp, otlp/b]\n"
        "      processors: [memory_limiter, batch, memory_limiter]\n"
        "      exporters: [nop, fil, file, loki]\n"
        "    trace:\n"
        "      receivers: [otlp]\n"
        "      exporters: [nop]\n";
    static const char *const lines[] = {
        "error c.yaml:4:14: unknown key 'endpont' (did you mean 'endpoint'?)",
        "error c.yaml:4:53: ",
        "error c.yaml:5:41: receiver 'otlp/b': 'here' is no HOST:PORT",
        "error c.yaml:7:3: unknown type 'bacth' for processor 'bacth' (did you mean 'batch'?)",
        "error c.yaml:8:3: processor 'memory_limiter': check_interval must be greater than zero",
        "error c.yaml:10:9: unknown key 'a'",
        "error c.yaml:10:15: unknown key 'b'",
        "error c.yaml:11:9: ",
        "error c.yaml:12:3: exporter 'loki': the loki exporter was removed in v0.131",
        "error c.yaml:13:1: unknown key 'extension' (did you mean 'extensions'?)",
        "error c.yaml:15:16: service references extension 'pporf', which is not configured",
        "error c.yaml:18:19: pipeline 'traces' references receiver 'otpl'",
        "error c.yaml:19:36: pipeline 'traces' references processor 'batch'",
        "error c.yaml:19:43: pipeline 'traces' names processor 'memory_limiter' twice",
        "error c.yaml:20:24: pipeline 'traces' references exporter 'fil'",
        "error c.yaml:21:5: pipeline \"trace\": unknown signal \"trace\"",
        "advice c.yaml:4:7: 'otlp' depends on the version: a protocol without endpoint",
        "advice c.yaml:7:3: processor 'bacth' is used by no pipeline",
        NULL};

    (void)state;
    expect(text, false, lines);
}

#define SERVED                                                                                     \
    "receivers: {otlp: {protocols: {grpc: {endpoint: '0.0.0.0:4317'}}}}\n"                         \
    "exporters: {nop: }\n"
#define TAIL "{policies: [{name: a, type: always_sample}]}"

#define GUARDED(first, second)                                                                     \
    "receivers: {otlp: {protocols: {\n    " first ",\n    " second "}}}\n"                         \
    "exporters: {nop: }\n"                                                                         \
    "extensions: {basicauth: {htpasswd: {inline: 'a:b'}}}\n"                                       \
    "processors: {memory_limiter: {limit_mib: 512, check_interval: 1s}}\n"                         \
    "service: {extensions: [basicauth], pipelines: {traces: {receivers: [otlp],\n"                 \
    "  processors: [memory_limiter], exporters: [nop]}}}\n"

static const struct {
    const char *text;
    const char *lines[4];
} advice[] = {
    {SERVED "processors: {memory_limiter: {limit_mib: 512, check_interval: 1s}}\n"
            "service: {pipelines: {traces: {receivers: [otlp], processors: [memory_limiter], "
            "exporters: [nop]}}}\n",
     {NULL}},
    {SERVED "service: {pipelines: {traces: {receivers: [otlp], exporters: [nop]}}}\n",
     {"advice c.yaml:3:23: pipeline 'traces' has no memory_limiter", NULL}},
    {SERVED "processors: {memory_limiter: {limit_mib: 512, check_interval: 1s}, batch: }\n"
            "extensions: {pprof: }\n"
            "service: {pipelines: {traces: {receivers: [otlp],\n"
            "  processors: [batch, memory_limiter], exporters: [nop]}}}\n",
     {"advice c.yaml:4:14: extension 'pprof' is used by no service",
      "advice c.yaml:6:23: pipeline 'traces': memory_limiter should be the first", NULL}},
    {SERVED "processors: {memory_limiter: {limit_mib: 512, check_interval: 1s}, batch: ,\n"
            "  tail_sampling: " TAIL "}\n"
            "service: {pipelines: {traces: {receivers: [otlp],\n"
            "  processors: [memory_limiter, batch, tail_sampling], exporters: [nop]}}}\n",
     {"advice c.yaml:6:39: pipeline 'traces': tail_sampling stands behind batch", NULL}},
    {"receivers: {otlp: {protocols: {grpc: , http: {endpoint: '127.0.0.1:4318'}}}}\n"
     "exporters: {nop: , debug: }\n"
     "processors: {memory_limiter: {limit_mib: 512, check_interval: 1s},\n"
     "  tail_sampling: " TAIL "}\n"
     "service: {pipelines: {traces: {receivers: [otlp],\n"
     "  processors: [memory_limiter, tail_sampling], exporters: [nop]}}}\n",
     {"advice c.yaml:1:32: 'otlp' depends on the version: a protocol without endpoint",
      "advice c.yaml:2:20: exporter 'debug' is used by no pipeline",
      "advice c.yaml:6:32: pipeline 'traces': tail_sampling sees whole traces only where", NULL}},
    {GUARDED("grpc: {endpoint: '127.0.0.1:1', auth: {authenticator: basicauth}}",
             "http: {endpoint: '127.0.0.1:2'}"),
     {"advice c.yaml:3:5: receiver 'otlp' asks for credentials over gRPC alone: over HTTP "
      "everybody may send", NULL}},
    {GUARDED("http: {endpoint: '127.0.0.1:1', auth: {authenticator: basicauth}}",
             "grpc: {endpoint: '127.0.0.1:2'}"),
     {"advice c.yaml:3:5: receiver 'otlp' asks for credentials over HTTP alone: over gRPC "
      "everybody may send", NULL}},
    {GUARDED("http: {endpoint: '127.0.0.1:1', auth: {authenticator: basicauth}}",
             "grpc: {endpoint: '127.0.0.1:2', auth: {authenticator: basicauth}}"),
     {NULL}},
};

/* An id that names two things is told where it is named, at either end of a pipeline. That needs a
 * connector and another component of one type, which there are none of: one is unknown. */
static void ids_of_two_components_are_ambiguous(void **state)
{
    static const char text[] =
        "receivers: {otlp: {protocols: {http: {endpoint: '127.0.0.1:1'}}}, forward: }\n"
        "exporters: {nop: , forward/b: }\n"
        "connectors: {forward: , forward/b: }\n"
        "service: {pipelines: {traces: {receivers: [otlp], exporters: [forward/b]},\n"
        "  traces/2: {receivers: [forward], exporters: [nop]}}}\n";
    static const char *const lines[] = {
        "error c.yaml:1:67: unknown type 'forward' for receiver 'forward'",
        "error c.yaml:2:20: unknown type 'forward' for exporter 'forward/b'",
        "error c.yaml:4:63: 'forward/b' is ambiguous: it is the id of an exporter and of a "
        "connector",
        "error c.yaml:5:26: 'forward' is ambiguous: it is the id of a receiver and of a connector",
        "advice ", "advice ", "advice ", "advice ", "advice ", "advice ", NULL};

    (void)state;
    expect(text, false, lines);
}

static void what_is_probably_not_meant_is_advised_against(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(advice) / sizeof(advice[0]); i++)
        expect(advice[i].text, false, advice[i].lines);
}

static void a_variable_that_is_not_set_is_warned_of(void **state)
{
    static const char *const lines[] = {
        "warning c.yaml:1:49: the environment has no variable COL_TEST_NO_SUCH: it is empty here "
        "(${env:COL_TEST_NO_SUCH:-text} has a default)",
        "advice c.yaml:3:23: pipeline", NULL};

    (void)state;
    assert_int_equal(unsetenv("COL_TEST_NO_SUCH"), 0);
    expect("receivers: {otlp: {protocols: {http: {endpoint: '${env:COL_TEST_NO_SUCH}:0'}}}}\n"
           "exporters: {nop: {}}\n"
           "service: {pipelines: {traces: {receivers: [otlp], exporters: [nop]}}}\n",
           false, lines);
}

static void what_is_no_yaml_is_one_error_with_its_place(void **state)
{
    static const char *const tls[] = {"error c.yaml:5:18: mapping values are not allowed", NULL};
    static const char *const bomb[] = {"error c.yaml:6:", NULL};
    static const char *const empty[] = {"error c.yaml: the configuration is empty", NULL};

    (void)state;
    expect("exporters:\n"
           "  otlp/tempo:\n"
           "    endpoint: tempo:4317\n"
           "    # one line by mistake\n"
           "    tls: insecure: true\n",
           false, tls);
    expect("", false, empty);
    expect("a: &a [1,1,1,1,1,1,1,1,1,1]\n"
           "b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
           "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
           "d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n"
           "e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\n"
           "f: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\n",
           false, bomb);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_mistake_is_reported_at_once),
        cmocka_unit_test(ids_of_two_components_are_ambiguous),
        cmocka_unit_test(what_is_probably_not_meant_is_advised_against),
        cmocka_unit_test(a_variable_that_is_not_set_is_warned_of),
        cmocka_unit_test(what_is_no_yaml_is_one_error_with_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
