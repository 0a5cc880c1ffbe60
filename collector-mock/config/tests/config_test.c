/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector-mock/config/config.h"
#include "sdk/base/file.h"
#include "sdk/base/mem.h"

static enum otel_err load_text(const char *text, size_t len, struct col_config **ret,
                               struct otl_detail *reterr)
{
    const struct col_config_options options = {
        .text = text, .text_len = len, .source = "c.yaml"};

    return col_config_load(&options, ret, reterr);
}

#define RECEIVERS "receivers: {otlp: {protocols: {http: }}}\n"
#define EXPORTERS "exporters: {nop: , file: {path: x}}\n"
#define HEAD RECEIVERS EXPORTERS
#define SPANMETRICS "connectors: {spanmetrics: }\n"
#define PIPELINE "service: {pipelines: {traces: {receivers: [otlp], exporters: [nop]}}}\n"

/* What is wrong, and what is said about it. */
static const struct {
    const char *text;
    const char *message;
} wrong[] = {
    {"", "c.yaml: the configuration is empty"},
    {"{}", "c.yaml: the configuration is empty"},
    {"# nothing\n", "c.yaml: the configuration is empty"},
    {"- a\n", "c.yaml:1:1: "},
    {"receivers: [\n", "c.yaml:2:"},
    {EXPORTERS PIPELINE, "c.yaml: no receiver is configured"},
    {"receivers:\n" EXPORTERS PIPELINE, "c.yaml: no receiver is configured"},
    {RECEIVERS PIPELINE, "c.yaml: no exporter is configured"},
    {HEAD, "service has no pipelines"},
    {HEAD "service:\n", "service has no pipelines"},
    {HEAD "service: {pipelines: }\n", "c.yaml:3:1: service has no pipelines"},
    {HEAD PIPELINE "recievers: {}\n", "c.yaml:4:1: unknown key 'recievers'"},
    {HEAD PIPELINE "recievers: {}\n", "did you mean 'receivers'?"},
    {"receivers: {otpl: }\n" EXPORTERS PIPELINE,
     "c.yaml:1:13: unknown type 'otpl' for receiver 'otpl' (did you mean 'otlp'?) (there are: "
     "otlp)"},
    {"receivers: {jaeger/2: }\n" EXPORTERS PIPELINE,
     "c.yaml:1:13: unknown type 'jaeger' for receiver 'jaeger/2' (there are: otlp)"},
    {RECEIVERS "exporters: {logging: }\n" PIPELINE,
     "c.yaml:2:13: exporter 'logging': the logging exporter is deprecated and was removed; use "
     "the debug exporter instead"},
    {RECEIVERS "exporters: {nop: , 2x: }\n" PIPELINE, "c.yaml:2:20: '2x' is no component id"},
    {RECEIVERS "exporters: {nop/: }\n" PIPELINE, "c.yaml:2:13: 'nop/' is no component id"},
    {HEAD PIPELINE "extensions: {health_chek: }\n", "did you mean 'health_check'"},
    {"receivers: {otlp: {protocols: {htp: }}}\n" EXPORTERS PIPELINE,
     "c.yaml:1:32: unknown key 'htp'"},
    {"receivers: {otlp: {protocols: {http: {endpoint: 5}}}}\n" EXPORTERS PIPELINE, "c.yaml:1:49: "},
    {"receivers: {otlp: {protocols: {http: {max_request_body_size: many}}}}\n" EXPORTERS PIPELINE,
     "c.yaml:1:62: "},
    {"receivers: {otlp: {protocol: {http: }}}\n" EXPORTERS PIPELINE,
     "c.yaml:1:20: unknown key 'protocol'"},
    {RECEIVERS "exporters: {nop: , file: {path: x, format: xml}}\n" PIPELINE, "c.yaml:2:44: "},
    {RECEIVERS "exporters: {nop: , file: {format: json}}\n" PIPELINE, "'path'"},
    {RECEIVERS "exporters: {nop: , debug: {verbosity: details}}\n" PIPELINE,
     "did you mean 'detailed'?"},
    {RECEIVERS "exporters: {nop: {a: 1}}\n" PIPELINE, "c.yaml:2:19: unknown key 'a'"},
    {HEAD "service: {pipelines: {traces: {exporters: [nop]}}}\n",
     "c.yaml:3:23: pipeline 'traces' has no receivers"},
    {HEAD "service: {pipelines: {traces: {receivers: [otlp]}}}\n",
     "c.yaml:3:23: pipeline 'traces' has no exporters"},
    {HEAD "service: {pipelines: {traces: }}\n",
     "c.yaml:3:23: pipeline 'traces' has no receivers"},
    {HEAD "service: {pipelines: {traces: {receivers: [otl], exporters: [nop]}}}\n",
     "c.yaml:3:44: pipeline 'traces' references receiver 'otl', which is not configured (did you "
     "mean 'otlp'?)"},
    {HEAD "service: {pipelines: {traces: {receivers: [otlp], exporters: [nop, fil]}}}\n",
     "c.yaml:3:68: pipeline 'traces' references exporter 'fil', which is not configured (did you "
     "mean 'file'?)"},
    {HEAD "service: {pipelines: {traces: {receivers: [otlp], processors: [batch], exporters: "
          "[nop]}}}\n",
     "c.yaml:3:64: pipeline 'traces' references processor 'batch', which is not configured"},
    {HEAD "service: {extensions: [pprof], pipelines: {traces: {receivers: [otlp], exporters: "
          "[nop]}}}\n",
     "c.yaml:3:24: service references extension 'pprof', which is not configured"},
    {HEAD "service: {pipelines: {trace: {receivers: [otlp], exporters: [nop]}}}\n",
     "c.yaml:3:23: pipeline \"trace\": unknown signal \"trace\" (did you mean 'traces'?)"},
    {HEAD "service: {pipelines: {log/2: {receivers: [otlp], exporters: [nop]}}}\n",
     "c.yaml:3:23: pipeline \"log/2\": unknown signal \"log\""},
    {HEAD "service: {pipelines: {metrics/: {receivers: [otlp], exporters: [nop]}}}\n",
     "c.yaml:3:23: in \"metrics/\" id: the part after / should not be empty"},
    {HEAD "service: {pipelines: {/a: {receivers: [otlp], exporters: [nop]}}}\n",
     "c.yaml:3:23: in \"/a\" id: the part before / should not be empty"},
    {HEAD "service: {pipelines: {profiles: {receivers: [otlp], exporters: [nop]}}}\n",
     "c.yaml:3:23: pipeline \"profiles\": profiling signal support is at alpha level, gated under "
     "the \"service.profilesSupport\" feature gate"},
    {HEAD "processors: {groupbytrace: }\n"
          "service: {pipelines: {logs: {receivers: [otlp], processors: [groupbytrace], exporters: "
          "[nop]}}}\n",
     "c.yaml:4:23: failed to create \"groupbytrace\" processor for data type \"logs\": telemetry "
     "type is not supported"},
    {HEAD "processors: {tail_sampling: {policies: [{name: a, type: always_sample}]}}\n"
          "service: {pipelines: {metrics: {receivers: [otlp], processors: [tail_sampling], "
          "exporters: [nop]}}}\n",
     "c.yaml:4:23: failed to create \"tail_sampling\" processor for data type \"metrics\": "
     "telemetry type is not supported"},
    {HEAD SPANMETRICS "service: {pipelines: {traces: {receivers: [otlp], exporters: [spanmetrics]},"
          "\n"
          "traces/2: {receivers: [spanmetrics], exporters: [nop]}}}\n",
     "connector \"spanmetrics\" used as exporter in [traces] pipeline but not used in any "
     "supported receiver pipeline"},
    {RECEIVERS "exporters: {prometheus: {endpoint: '127.0.0.1:0'}}\n"
               "service: {pipelines: {traces: {receivers: [otlp], exporters: [prometheus]}}}\n",
     "failed to create \"prometheus\" exporter for data type \"traces\": telemetry type is not "
     "supported"},
    {HEAD "service: {pipelines: {traces: {receivers: otlp, exporters: [nop]}}}\n", "c.yaml:3:43: "},
    {HEAD "connectors: {nop: }\n" PIPELINE, "c.yaml:3:14: unknown type 'nop' for connector"},
    {"receivers: {otlp: {protocols: {http: {compression_algorithms: [gzip, snapy]}}}}\n" EXPORTERS
         PIPELINE,
     "c.yaml:1:70: unknown word 'snapy'"},
    {HEAD "connectors: {forward: }\n"
          "service: {pipelines: {traces: {receivers: [otlp], exporters: [forward]}}}\n",
     "c.yaml:3:14: connector \"forward\" used as exporter in [traces] pipeline but not used in any "
     "supported receiver pipeline"},
    {HEAD "connectors: {forward: }\n"
          "service: {pipelines: {traces: {receivers: [otlp], exporters: [forward]},\n"
          "logs/a: {receivers: [forward], exporters: [nop]}}}\n",
     "c.yaml:3:14: connector \"forward\" used as exporter in [traces] pipeline but not used in any "
     "supported receiver pipeline"},
    {HEAD "connectors: {forward: }\n"
          "service: {pipelines: {traces: {receivers: [otlp, forward], exporters: [nop]}}}\n",
     "c.yaml:3:14: connector \"forward\" used as receiver in [traces] pipeline but not used in any "
     "supported exporter pipeline"},
    {HEAD "connectors: {forward/a: , forward/b: }\n"
          "service: {pipelines: {traces: {receivers: [otlp, forward/b], exporters: [forward/a]},\n"
          "  traces/2: {receivers: [forward/a], exporters: [nop, forward/b]}}}\n",
     "c.yaml:4:23: cycle of pipelines: traces -> traces/2 -> traces"},
    {HEAD PIPELINE "  telemetry: {}\n", "c.yaml:4:"},
    {HEAD "service: {telemetry: {logs: {level: loud}}, pipelines: {traces: {receivers: [otlp], "
          "exporters: [nop]}}}\n",
     "c.yaml:3:37: "},
    {HEAD "service: {telemetry: {metrics: {address: 8888}}, pipelines: {traces: {receivers: "
          "[otlp], exporters: [nop]}}}\n",
     "c.yaml:3:42: "},
    {HEAD "service: {telemetry: {metrics: {address: here}}, pipelines: {traces: {receivers: "
          "[otlp], exporters: [nop]}}}\n",
     "c.yaml:3:42: 'here' is no HOST:PORT"},
    {HEAD PIPELINE HEAD, "c.yaml:4:1: "},
    {HEAD "service: {telemetry: {logs: {encodng: json}}, pipelines: {traces: {receivers: [otlp], "
          "exporters: [nop]}}}\n",
     "c.yaml:3:30: unknown key 'encodng' (did you mean 'encoding'?)"},
    {HEAD "service: {telemetry: {tracer: {}}, pipelines: {traces: {receivers: [otlp], "
          "exporters: [nop]}}}\n",
     "c.yaml:3:23: unknown key 'tracer' (did you mean 'traces'?)"},
    {HEAD "service: {telemetry: {logs: {output_paths: [/var/log/x]}}, pipelines: {traces: "
          "{receivers: [otlp], exporters: [nop]}}}\n",
     "c.yaml:3:44: service.telemetry: 'output_paths' is a setting of the Collector that this one "
     "does not have yet"},
    {HEAD "service: {telemetry: {traces: {processors: [{batch: {}}]}}, pipelines: {traces: "
          "{receivers: [otlp], exporters: [nop]}}}\n",
     "c.yaml:3:32: service.telemetry: 'processors' is a setting of the Collector"},
    {HEAD "service: {telemetry: {metrics: {readers: [{periodic: {exporter: {otlp: {}}}}]}}, "
          "pipelines: {traces: {receivers: [otlp], exporters: [nop]}}}\n",
     "c.yaml:3:43: service.telemetry: 'periodic' is a setting of the Collector"},
    {HEAD "service: {telemetry: {metrics: {readers: [{}]}}, pipelines: {traces: {receivers: "
          "[otlp], exporters: [nop]}}}\n",
     "c.yaml:3:43: a reader is one of pull and periodic"},
};

static void mistakes_are_told_with_place_and_nearest_word(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct otl_detail detail = OTL_DETAIL_NONE;
        struct col_config *config = NULL;
        char text[1024];
        enum otel_err err = load_text(wrong[i].text, strlen(wrong[i].text), &config, &detail);

        if (err == OTEL_OK)
            fail_msg("taken: %s", wrong[i].text);
        otl_detail_format(&detail, text, sizeof(text));
        if (strstr(text, wrong[i].message) == NULL)
            fail_msg("%s\nsaid:     %s\nexpected: %s", wrong[i].text, text, wrong[i].message);
        assert_int_equal(otel_err_class(err), OTEL_CLASS_USAGE);
        assert_null(config);
    }
}

static struct col_config *load(const char *text)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct col_config *config = NULL;

    if (load_text(text, strlen(text), &config, &detail) != OTEL_OK)
        fail_msg("refused: %s\n%s", detail.text, text);
    return config;
}

static void references_become_components_in_their_order(void **state)
{
    struct col_config *config;

    (void)state;
    config = load("receivers: {otlp: {protocols: {http: }}, otlp/2: {protocols: {http: }}}\n"
                  "exporters: {nop: , nop/b: }\n"
                  "connectors: {forward: }\n"
                  "service:\n"
                  "  pipelines:\n"
                  "    traces: {receivers: [otlp/2, otlp, otlp], exporters: [nop/b, forward]}\n"
                  "    traces/2: {receivers: [forward], exporters: [nop, nop]}\n");
    assert_int_equal(config->component_count, 5);
    assert_int_equal(config->pipeline_count, 2);
    assert_string_equal(config->pipelines[0].name, "traces");
    assert_int_equal(config->pipelines[0].receiver_count, 2);
    assert_string_equal(config->components[config->pipelines[0].receivers[0]].id, "otlp/2");
    assert_string_equal(config->components[config->pipelines[0].exporters[1]].id, "forward");
    assert_int_equal(config->pipelines[1].exporter_count, 1);
    assert_string_equal(config->metrics_endpoint, "");
    assert_int_equal(config->log_level, OTL_LOG_INFO);
    col_config_free(config);
}

/* So many pipelines behind one receiver, each with an exporter of its own; to be freed. */
static char *many_pipelines(unsigned count)
{
    size_t size = 200 + (size_t)count * 100, at;
    char *text = malloc(size);

    assert_non_null(text);
    at = (size_t)snprintf(text, size, RECEIVERS "exporters:\n");
    for (unsigned i = 0; i < count; i++)
        at += (size_t)snprintf(text + at, size - at, "  nop/%u:\n", i);
    at += (size_t)snprintf(text + at, size - at, "service:\n  pipelines:\n");
    for (unsigned i = 0; i < count; i++)
        at += (size_t)snprintf(text + at, size - at,
                               "    traces/%u: {receivers: [otlp], exporters: [nop/%u]}\n", i, i);
    assert_true(at < size);
    return text;
}

static void hundreds_of_pipelines_are_taken_and_the_limit_is_named(void **state)
{
    char *most = many_pipelines(COL_PIPELINES_MAX), *more = many_pipelines(COL_PIPELINES_MAX + 1);
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct col_config *config = load(most);

    (void)state;
    assert_true(COL_PIPELINES_MAX >= 200);
    assert_int_equal(config->pipeline_count, COL_PIPELINES_MAX);
    assert_string_equal(config->components[config->pipelines[199].exporters[0]].id, "nop/199");
    col_config_free(config);
    assert_int_equal(load_text(more, strlen(more), &config, &detail), OTEL_ERR_SYNTAX);
    assert_string_equal(detail.text, "more than 256 pipelines");
    assert_int_equal(detail.line, 2 + (COL_PIPELINES_MAX + 1) + 2 + (COL_PIPELINES_MAX + 1));
    free(most);
    free(more);
}

static void telemetry_is_read_in_old_and_new_form(void **state)
{
    static const struct {
        const char *telemetry;
        const char *endpoint;
        enum otl_log_level level;
    } cases[] = {
        {"{metrics: {address: '127.0.0.1:0'}, logs: {level: DEBUG}}", "127.0.0.1:0",
         OTL_LOG_DEBUG},
        {"{metrics: {level: none, address: ':8888'}, logs: {level: warn}}", "", OTL_LOG_WARN},
        {"{metrics: {readers: [{pull: {exporter: {prometheus: {host: '::1', port: 1}}}}]}}",
         "[::1]:1", OTL_LOG_INFO},
        {"{metrics: {readers: [{pull: {exporter: {prometheus: {port: 8888}}}}]}}",
         "localhost:8888", OTL_LOG_INFO},
        {"{metrics: , logs: }", "", OTL_LOG_INFO},
        {"{logs: {level: warn, encoding: json, development: false, output_paths: [stderr], "
         "sampling: {enabled: true, tick: 10s, initial: 10, thereafter: 100}, initial_fields: "
         "{team: a}}, metrics: {level: detailed, address: '127.0.0.1:0'}, traces: {level: none, "
         "propagators: [tracecontext]}, resource: {service.name: gateway, host.name: }}",
         "127.0.0.1:0", OTL_LOG_WARN},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct col_config *config;
        char text[1024];

        snprintf(text, sizeof(text),
                 HEAD "service: {telemetry: %s, pipelines: {traces: {receivers: [otlp], "
                      "exporters: [nop]}}}\n",
                 cases[i].telemetry);
        config = load(text);
        assert_string_equal(config->metrics_endpoint, cases[i].endpoint);
        assert_int_equal(config->log_level, cases[i].level);
        col_config_free(config);
    }
}

static void environment_variables_are_replaced(void **state)
{
    const json_t *exporter;
    struct col_config *config;

    (void)state;
    setenv("COL_TEST_PATH", "spans.json", 1);
    unsetenv("COL_TEST_NONE");
    config = load(RECEIVERS "exporters:\n"
                            "  file:\n"
                            "    path: ${env:COL_TEST_PATH}\n"
                            "    append: ${env:COL_TEST_NONE:-true}\n"
                            "service: {pipelines: {traces: {receivers: [otlp], exporters: "
                            "[file]}}}\n");
    exporter = config->components[1].config;
    assert_string_equal(otl_tree_text(exporter, "path", ""), "spans.json");
    assert_true(otl_tree_bool(exporter, "append", false));
    col_config_free(config);
}

/* jansson and libyaml allocate by themselves; what goes through our own door fails here, each
 * allocation in its turn. */
static void every_failing_allocation_is_reported(void **state)
{
    bool loaded = false;

    (void)state;
    for (unsigned long n = 1; n < 10000 && !loaded; n++) {
        static const char text[] = HEAD PIPELINE;
        struct otl_detail detail = OTL_DETAIL_NONE;
        struct col_config *config = NULL;
        enum otel_err err;

        otl_mem_fail_at(n);
        err = load_text(text, sizeof(text) - 1, &config, &detail);
        otl_mem_fail_at(0);
        loaded = err == OTEL_OK;
        if (!loaded)
            assert_int_equal(err, OTEL_ERR_MEMORY);
        col_config_free(config);
    }
    assert_true(loaded);
}

static void the_default_configuration_is_a_good_one(void **state)
{
    const struct col_config_options quiet = {.quiet = true};
    struct col_config *config = NULL;

    (void)state;
    assert_int_equal(col_config_load(NULL, &config, NULL), OTEL_OK);
    assert_int_equal(config->pipeline_count, COL_SIGNALS);
    assert_string_equal(config->metrics_endpoint, "127.0.0.1:8888");
    col_config_free(config);
    assert_int_equal(col_config_load(&quiet, &config, NULL), OTEL_OK);
    assert_int_equal(config->component_count, 2);
    assert_string_equal(config->components[1].id, "nop");
    col_config_free(config);
}

static enum otel_err load_files(const char *const *paths, size_t count, struct col_config **ret,
                                struct otl_detail *reterr)
{
    const struct col_config_options options = {.paths = paths, .path_count = count};

    return col_config_load(&options, ret, reterr);
}

static void a_missing_file_is_named(void **state)
{
    static const char *const nowhere[] = {"/nonexistent/c.yaml"};
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct col_config *config = NULL;
    char text[1024];

    (void)state;
    assert_int_equal(load_files(nowhere, 1, &config, &detail), OTEL_ERR_NOT_FOUND);
    assert_non_null(strstr(otl_detail_format(&detail, text, sizeof(text)), "/nonexistent/c.yaml"));
}

static void write_file(const char *path, const char *text)
{
    assert_int_equal(otl_file_write(path, text, strlen(text), NULL), OTEL_OK);
}

/* a.yaml, b.yaml and empty.yaml in a directory of their own; paths in the order of names. */
static void with_files(const char *a, const char *b,
                       void (*look)(const char *const *paths, const char *b))
{
    char dir[] = "/tmp/col-config-XXXXXX";
    char names[3][64];
    const char *const paths[] = {names[0], names[1], names[2]};

    assert_non_null(mkdtemp(dir));
    snprintf(names[0], sizeof(names[0]), "%s/a.yaml", dir);
    snprintf(names[1], sizeof(names[1]), "%s/empty.yaml", dir);
    snprintf(names[2], sizeof(names[2]), "%s/b.yaml", dir);
    write_file(names[0], a);
    write_file(names[1], "# nothing\n");
    write_file(names[2], b);
    look(paths, names[2]);
    for (size_t i = 0; i < 3; i++)
        unlink(names[i]);
    rmdir(dir);
}

static void look_merged(const char *const *paths, const char *b)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct col_config *config = NULL;
    const json_t *root, *file, *traces;

    if (load_files(paths, 3, &config, &detail) != OTEL_OK)
        fail_msg("%s", detail.text);
    root = otl_yaml_root(config->doc);
    file = json_object_get(json_object_get(root, "exporters"), "file");
    assert_string_equal(otl_tree_text(file, "path", ""), "other"); /* b over a */
    assert_string_equal(otl_tree_text(file, "format", ""), "proto"); /* a stays */
    traces = json_object_get(json_object_get(json_object_get(root, "service"), "pipelines"),
                             "traces");
    assert_int_equal(json_array_size(json_object_get(traces, "exporters")), 1); /* replaced */
    assert_int_equal(json_array_size(json_object_get(traces, "receivers")), 1); /* a's */
    assert_int_equal(config->pipeline_count, 2);
    assert_string_equal(config->components[2].id, "file");
    assert_string_equal(config->components[2].pos.source, paths[0]);
    assert_string_equal(config->pipelines[1].pos.source, b);
    assert_int_equal(config->pipelines[1].pos.line, 3);
    col_config_free(config);
}

static void several_files_are_merged_in_their_order(void **state)
{
    (void)state;
    with_files(RECEIVERS "exporters: {nop: , file: {path: x, format: proto}}\n"
                         "service: {pipelines: {traces: {receivers: [otlp], exporters: [nop, "
                         "file]}}}\n",
               "exporters: {file: {path: other}}\n"
               "service: {pipelines: {traces: {exporters: [file]},\n"
               "  traces/b: {receivers: [otlp], exporters: [nop]}}}\n",
               look_merged);
}

static void look_wrong(const char *const *paths, const char *b)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct col_config *config = NULL;

    assert_int_equal(load_files(paths, 3, &config, &detail), OTEL_ERR_SYNTAX);
    assert_string_equal(detail.source, b);
    assert_int_equal(detail.line, 2);
    assert_int_equal(detail.column, 12);
    assert_non_null(strstr(detail.text, "unknown key 'pth' (did you mean 'path'?)"));
}

static void look_list(const char *const *paths, const char *b)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct col_config *config = NULL;

    assert_int_equal(load_files(paths, 3, &config, &detail), OTEL_ERR_SYNTAX);
    assert_string_equal(detail.source, b);
    assert_string_equal(detail.text, "only maps can be merged");
}

static void a_mistake_is_placed_in_the_file_that_holds_it(void **state)
{
    (void)state;
    with_files(HEAD PIPELINE, "exporters:\n    file: {pth: y}\n", look_wrong);
    with_files(HEAD PIPELINE, "- a\n", look_list);
}

static void endpoints_are_split_strictly(void **state)
{
    static const struct {
        const char *endpoint;
        const char *host; /* NULL: refused */
        unsigned port;
    } cases[] = {
        {"localhost:4318", "localhost", 4318},
        {":4318", "", 4318},
        {"[::1]:0", "::1", 0},
        {"127.0.0.1:65535", "127.0.0.1", 65535},
        {"127.0.0.1:65536", NULL, 0},
        {"127.0.0.1", NULL, 0},
        {"127.0.0.1:", NULL, 0},
        {"::1:4318", NULL, 0},
        {"[::1:4318", NULL, 0},
        {"http://x:1", NULL, 0},
        {"x:-1", NULL, 0},
        {"", NULL, 0},
        {"[", NULL, 0},
        {"[:1", NULL, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint16_t port = 0;
        char host[64];
        enum otel_err err = col_endpoint_split(cases[i].endpoint, host, sizeof(host), &port);

        if ((err == OTEL_OK) != (cases[i].host != NULL))
            fail_msg("%s", cases[i].endpoint);
        if (err != OTEL_OK)
            continue;
        assert_string_equal(host, cases[i].host);
        assert_int_equal(port, cases[i].port);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mistakes_are_told_with_place_and_nearest_word),
        cmocka_unit_test(references_become_components_in_their_order),
        cmocka_unit_test(hundreds_of_pipelines_are_taken_and_the_limit_is_named),
        cmocka_unit_test(telemetry_is_read_in_old_and_new_form),
        cmocka_unit_test(environment_variables_are_replaced),
        cmocka_unit_test(every_failing_allocation_is_reported),
        cmocka_unit_test(the_default_configuration_is_a_good_one),
        cmocka_unit_test(a_missing_file_is_named),
        cmocka_unit_test(several_files_are_merged_in_their_order),
        cmocka_unit_test(a_mistake_is_placed_in_the_file_that_holds_it),
        cmocka_unit_test(endpoints_are_split_strictly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
