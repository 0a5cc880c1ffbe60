/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "collector-mock/config/lint.h"
#include "collector-mock/config/version.h"
#include "collector-mock/pipeline/post.h"
#include "collector-mock/pipeline/service.h"
#include "sdk/base/mem.h"
#include "sdk/base/opts.h"
#include "sdk/base/text.h"

#define COLLECTOR_MOCK_VERSION "0.1.0"

enum { EXIT_OK = 0, EXIT_USAGE = 2, EXIT_FAULT = 3 };

struct words {
    struct otl_opt_list config;
    const char *tap, *ready_fd, *faults, *control_fd, *control, *fault_record, *broken,
        *decisions, *last_metrics, *workers, *as_version;
    bool lenient, lint, help, version, print, status;
};

static int complain(const struct otl_detail *detail)
{
    char text[1024];

    fprintf(stderr, "collector-mock: %s\n", otl_detail_format(detail, text, sizeof(text)));
    return otel_err_class(detail->code) == OTEL_CLASS_USAGE ? EXIT_USAGE : EXIT_FAULT;
}

/* lose-after-ack:N, flip-decision:N, flip-silently:N, blind:POLICY */
static enum otel_err parse_broken(const char *text, struct col_service_options *options,
                                  struct otl_detail *reterr)
{
    const struct {
        const char *prefix;
        uint64_t *target;
    } ways[] = {{"lose-after-ack:", &options->lose_after_ack},
                {"flip-decision:", &options->flip_decision},
                {"flip-silently:", &options->flip_decision}};

    if (text == NULL)
        return OTEL_OK;
    if (strncmp(text, "blind:", 6) == 0) {
        options->blind_policy = text + 6;
        return OTEL_OK;
    }
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        size_t len = strlen(ways[i].prefix);
        if (strncmp(text, ways[i].prefix, len) != 0 ||
            otl_parse_uint(text + len, 1, UINT32_MAX, ways[i].target) != OTEL_OK)
            continue;
        options->flip_silently = i == 2;
        return OTEL_OK;
    }
    return otl_detail_set(reterr, OTEL_ERR_ARGUMENT, NULL, 0, 0,
                          "--broken: '%s' is not lose-after-ack:N, flip-decision:N, "
                          "flip-silently:N or blind:POLICY",
                          text);
}

static enum otel_err parse_workers(const struct words *words, struct col_service_options *options,
                                   struct otl_detail *reterr)
{
    const char *faults = words->faults != NULL       ? "--faults"
                         : words->control_fd != NULL ? "--control-fd"
                         : words->control != NULL    ? "--control"
                                                     : NULL;
    uint64_t workers = 1;

    if (words->workers != NULL &&
        otl_parse_uint(words->workers, 1, COL_WORKERS_MAX, &workers) != OTEL_OK)
        return otl_detail_set(reterr, OTEL_ERR_ARGUMENT, NULL, 0, 0,
                              "--workers: '%s' is no number from 1 to %d", words->workers,
                              COL_WORKERS_MAX);
    if (workers > 1 && faults != NULL)
        return otl_detail_set(reterr, OTEL_ERR_ARGUMENT, NULL, 0, 0,
                              "--workers: %s needs one worker: faults meet requests in one order",
                              faults);
    options->workers = (unsigned)workers;
    return OTEL_OK;
}

static enum otel_err parse_words(const struct words *words, struct col_service_options *options,
                                 struct otl_detail *reterr)
{
    int64_t fd = -1, control = -1;

    if (words->ready_fd != NULL && otl_parse_int(words->ready_fd, 0, 65535, &fd) != OTEL_OK)
        return otl_detail_set(reterr, OTEL_ERR_ARGUMENT, NULL, 0, 0,
                              "--ready-fd: '%s' is no descriptor number", words->ready_fd);
    if (words->control_fd != NULL &&
        otl_parse_int(words->control_fd, 0, 65535, &control) != OTEL_OK)
        return otl_detail_set(reterr, OTEL_ERR_ARGUMENT, NULL, 0, 0,
                              "--control-fd: '%s' is no descriptor number", words->control_fd);
    if (words->control_fd != NULL && words->control != NULL)
        return otl_detail_set(reterr, OTEL_ERR_ARGUMENT, NULL, 0, 0,
                              "--control: --control-fd is a channel already");
    options->control_fd = (int)control;
    options->control_path = words->control;
    options->fault_plan = words->faults;
    options->fault_record = words->fault_record;
    options->decisions = words->decisions;
    options->last_metrics = words->last_metrics;
    options->config.paths = words->config.items;
    options->config.path_count = words->config.count;
    options->config.lenient = words->lenient;
    if (words->as_version != NULL &&
        col_version_read(words->as_version, &options->config.as_version, reterr) != OTEL_OK)
        return OTEL_ERR_SYNTAX;
    options->config.quiet = words->print;
    options->print = words->print;
    options->recent = words->print || words->status || words->config.count == 0;
    options->tap_path = words->tap;
    options->ready_fd = (int)fd;
    if (parse_workers(words, options, reterr) != OTEL_OK)
        return OTEL_ERR_ARGUMENT;
    return parse_broken(words->broken, options, reterr);
}

/* Every finding on a line of its own, and how many there are. */
static int lint(const struct col_service_options *options)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct col_findings *findings = otl_mem_zalloc(sizeof(*findings));
    enum otel_err err = OTEL_ERR_MEMORY;
    size_t counts[COL_ERROR + 1] = {0};
    char text[1024];
    int status;

    if (findings != NULL)
        err = col_lint(&options->config, findings, &detail);
    for (size_t i = 0; findings != NULL && i < findings->count; i++) {
        const struct col_finding *finding = &findings->items[i];
        const char *name = col_severity_name(finding->severity);
        char line[512];
        /* FILE:LINE:COLUMN: error: what */
        struct otl_detail place = finding->detail;
        snprintf(line, sizeof(line), "%s: %.480s", name, place.text);
        memcpy(place.text, line, sizeof(line));
        printf("%s\n", otl_detail_format(&place, text, sizeof(text)));
        counts[finding->severity]++;
    }
    if (err != OTEL_OK) {
        status = complain(&detail);
    } else {
        printf("%zu error%s, %zu warning%s, %zu advice%s\n", findings->errors,
               findings->errors == 1 ? "" : "s", counts[COL_WARNING],
               counts[COL_WARNING] == 1 ? "" : "s", counts[COL_ADVICE],
               findings->more > 0 ? " (and more than can be told)" : "");
        status = findings->errors > 0 ? EXIT_USAGE : EXIT_OK;
    }
    otl_mem_free(findings);
    return status;
}

static int serve(const struct col_service_options *options)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct col_service *service;
    enum otel_err err = col_service_new(options, &service, &detail);

    if (err != OTEL_OK)
        return complain(&detail);
    err = col_service_run(service, &detail);
    col_service_free(service);
    return err == OTEL_OK ? EXIT_OK : complain(&detail);
}

static void help(const struct otl_opt *table)
{
    printf("collector-mock: an OpenTelemetry Collector for tests\n\n"
           "usage: collector-mock [--config FILE]... [--lenient] [--lint] [--as-version X]\n"
           "                      [--tap FILE]\n"
           "                      [--ready-fd N]\n"
           "                      [--faults FILE] [--control PATH] [--control-fd N]\n"
           "                      [--fault-record FILE]\n"
           "                      [--decisions FILE] [--last-metrics FILE]\n"
           "                      [--workers N] [--print] [--status]\n\n");
    otl_opts_help(table);
    printf("\nSIGTERM and SIGINT drain it. Exit status: 0 drained (--lint: no error), 2 bad "
           "configuration\nor option, 3 the environment failed (port, file, disk).\n");
}

int main(int argc, char **argv)
{
    struct words words = {0};
    const struct otl_opt table[] = {
        {"config", "FILE",
         "a Collector configuration; several are merged in their order (maps key by key, lists "
         "replaced); without one: OTLP on 127.0.0.1, gRPC on 4317, HTTP on 4318, status page and "
         "/metrics on 8888",
         OTL_OPT_LIST, &words.config},
        {"lenient", NULL,
         "old names and settings work with a warning that says what to use; components that are "
         "not here only count, pipelines of profiles are left out",
         OTL_OPT_FLAG, &words.lenient},
        {"as-version", "X",
         "behave as version X of the Collector (0.100, v0.115.0, latest) where it changed: names, "
         "settings, default addresses, $NAME, what tail_sampling decides",
         OTL_OPT_TEXT, &words.as_version},
        {"lint", NULL,
         "report all that is wrong, old or doubtful in the configuration as FILE:LINE:COLUMN and "
         "end with 0, or 2 if there are errors",
         OTL_OPT_FLAG, &words.lint},
        {"tap", "FILE", "append every request and answer to FILE (collector-mock/wire/tap.h)",
         OTL_OPT_TEXT, &words.tap},
        {"ready-fd", "N", "write one line of JSON with the endpoints to descriptor N when ready",
         OTL_OPT_TEXT, &words.ready_fd},
        {"faults", "FILE", "misbehave as this plan says (faults/plan.h)", OTL_OPT_TEXT,
         &words.faults},
        {"control-fd", "N", "misbehave on commands from the socket N (faults/control.h)",
         OTL_OPT_TEXT, &words.control_fd},
        {"control", "PATH", "the same from a Unix socket that is made at PATH (faults/door.h)",
         OTL_OPT_TEXT, &words.control},
        {"fault-record", "FILE",
         "append a line of JSON for each fault that begins or ends, and for each request or "
         "connection that it hits (faults/record.h)",
         OTL_OPT_TEXT, &words.fault_record},
        {"decisions", "FILE", "append a line of JSON for each decision of tail sampling",
         OTL_OPT_TEXT, &words.decisions},
        {"last-metrics", "FILE",
         "when everything is drained and written, write what /metrics would say to FILE",
         OTL_OPT_TEXT, &words.last_metrics},
        {"workers", "N",
         "so many threads with an event loop each, 1 to 64 (default 1); the spans of a trace meet "
         "in one of them",
         OTL_OPT_TEXT, &words.workers},
        {"print", NULL,
         "a line on standard output for each trace, when it has been quiet for a second, and for "
         "each request of metrics or logs",
         OTL_OPT_FLAG, &words.print},
        {"status", NULL, "recent traces on the status page, which is where /metrics is (without "
                         "--config and with --print they are there anyway)",
         OTL_OPT_FLAG, &words.status},
        {"help", NULL, "this text", OTL_OPT_FLAG, &words.help},
        {"version", NULL, "the version", OTL_OPT_FLAG, &words.version},
        {"broken", "WHAT", NULL, OTL_OPT_TEXT, &words.broken}, /* to test the referee */
        {NULL, NULL, NULL, OTL_OPT_FLAG, NULL}};
    struct col_service_options options = {
        .ready_fd = -1, .control_fd = -1, .version = COLLECTOR_MOCK_VERSION};
    struct otl_detail detail = OTL_DETAIL_NONE;

    if (otl_opts_parse(table, argc, argv, NULL, &detail) != OTEL_OK)
        return complain(&detail);
    if (words.help) {
        help(table);
        return EXIT_OK;
    }
    if (words.version) {
        printf("collector-mock %s\n", COLLECTOR_MOCK_VERSION);
        return EXIT_OK;
    }
    if (parse_words(&words, &options, &detail) != OTEL_OK)
        return complain(&detail);
    return words.lint ? lint(&options) : serve(&options);
}
