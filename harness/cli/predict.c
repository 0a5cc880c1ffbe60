/* SPDX-License-Identifier: Apache-2.0 */
/* tracerig predict SPANS: which traces a Collector's tail sampling keeps, and why. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/cli/commands.h"
#include "harness/verify/tail/as_version.h"
#include "harness/verify/tail/compare.h"
#include "harness/verify/tail/read.h"
#include "sdk/base/text.h"
#include "sdk/base/yaml/yaml.h"

enum { PATH_BYTES = 4096, WORKERS_MAX = 64 };

struct prediction {
    const char *config, *processor, *kept, *decisions, *as_version, *workers; /* NULL: not given */
    unsigned version, worker_count;
    bool json, quiet;
    char spans_path[PATH_BYTES], config_path[PATH_BYTES];
    struct otl_yaml *doc;
    struct hx_tail_oracle *oracle;
    struct hx_tail_compare *compare;
    struct hx_tail_source source;
};

static bool is_directory(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static enum otel_err too_long(const char *path, struct otl_detail *reterr)
{
    return otl_detail_set(reterr, OTEL_ERR_LIMIT, path, 0, 0, "the path is too long");
}

/* A run directory stands for its tap, and has the configuration beside it. */
static enum otel_err find_files(struct prediction *p, const char *spans, struct otl_detail *reterr)
{
    bool run = is_directory(spans);

    if ((size_t)snprintf(p->spans_path, PATH_BYTES, run ? "%s/spans/tap.bin" : "%s", spans) >=
        PATH_BYTES)
        return too_long(spans, reterr);
    if (p->config == NULL && !run)
        return otl_detail_set(reterr, OTEL_ERR_ARGUMENT, NULL, 0, 0,
                              "--config is missing (only a run directory has one of its own)");
    if ((size_t)snprintf(p->config_path, PATH_BYTES, p->config != NULL ? "%s" : "%s/collector.yaml",
                         p->config != NULL ? p->config : spans) >= PATH_BYTES)
        return too_long(spans, reterr);
    return OTEL_OK;
}

/* As it is said, or as the run's scenario says. */
static enum otel_err find_workers(struct prediction *p, const char *spans,
                                  struct otl_detail *reterr)
{
    struct otl_yaml *scenario = NULL;
    char path[PATH_BYTES];
    int64_t count = 1;

    if (p->workers != NULL &&
        otl_parse_int(p->workers, 1, WORKERS_MAX, &count) != OTEL_OK)
        return otl_detail_set(reterr, OTEL_ERR_SYNTAX, NULL, 0, 0,
                              "--workers: '%s' is no number from 1 to 64", p->workers);
    if (p->workers == NULL && is_directory(spans) &&
        (size_t)snprintf(path, sizeof(path), "%s/scenario.yaml", spans) < sizeof(path) &&
        otl_yaml_load_file(path, NULL, &scenario, NULL) == OTEL_OK)
        count = json_integer_value(
            json_object_get(otl_yaml_root(scenario), "collector_workers"));
    otl_yaml_free(scenario);
    p->worker_count = (unsigned)count;
    return OTEL_OK;
}

static enum otel_err take_span(void *context, const struct hx_tail_span *span)
{
    return hx_tail_oracle_span(context, span);
}

static void take_life(void *context)
{
    hx_tail_oracle_life(context);
}

static enum otel_err compare_kept(struct prediction *p, struct otl_detail *reterr)
{
    const char *obstacle = hx_tail_oracle_obstacle(p->oracle);

    if (obstacle != NULL)
        return otl_detail_set(reterr, OTEL_ERR_UNSUPPORTED, NULL, 0, 0,
                              "--kept: '%s' behind '%s' may drop what that keeps", obstacle,
                              hx_tail_oracle_processor(p->oracle));
    return hx_tail_compare_kept(p->compare, p->kept, reterr);
}

static enum otel_err ask(struct prediction *p, struct otl_detail *reterr)
{
    struct otl_yaml_options options;
    struct hx_tail_sink sink = {take_span, take_life, NULL, false};
    struct hx_tail_asked asked;
    enum otel_err err;

    otl_yaml_options_init(&options);
    options.substitute_env = true;
    options.bare = hx_as_version_bare;
    options.bare_context = &p->version;
    options.digit_separators = true;
    err = otl_yaml_load_file(p->config_path, &options, &p->doc, reterr);
    if (err == OTEL_OK) {
        asked = (struct hx_tail_asked){p->doc, otl_yaml_root(p->doc), p->processor, p->version,
                                       p->worker_count};
        err = hx_tail_oracle_new(&asked, &p->oracle, reterr);
    }
    sink.context = p->oracle;
    sink.refused = err == OTEL_OK && hx_tail_oracle_forks(p->oracle);
    if (err == OTEL_OK)
        err = hx_tail_read(p->spans_path, &sink, &p->source, reterr);
    if (err == OTEL_OK)
        err = hx_tail_oracle_end(p->oracle);
    if (err == OTEL_OK)
        err = hx_tail_compare_new(p->oracle, &p->compare);
    if (err == OTEL_OK && p->decisions != NULL)
        err = hx_tail_compare_decisions(p->compare, p->decisions, reterr);
    if (err == OTEL_OK && p->kept != NULL)
        err = compare_kept(p, reterr);
    return err;
}

static void print_answers(const struct prediction *p)
{
    static const char *const words[] = {"keep", "drop", "depends-on-timing"};

    for (size_t i = 0; i < hx_tail_oracle_count(p->oracle) && !p->quiet; i++) {
        struct hx_tail_answer answer;
        char hex[33];
        hx_tail_oracle_answer(p->oracle, i, &answer);
        otl_hex(answer.trace_id, 16, hex);
        if (p->json) {
            json_t *row = json_pack("{s:s, s:s, s:s, s:s, s:I, s:I}", "trace_id", hex, "answer",
                                    words[answer.says], "policy", answer.policy, "why", answer.why,
                                    "spans", (json_int_t)answer.spans, "late",
                                    (json_int_t)answer.late);
            json_dumpf(row, stdout, JSON_COMPACT);
            printf("\n");
            json_decref(row);
        } else {
            printf("%s  %-17s  %s%s%s\n", hex, words[answer.says], answer.policy,
                   *answer.policy != '\0' ? ": " : "", answer.why);
        }
    }
}

static void print_difference(void *context, const uint8_t *trace_id, const char *text)
{
    const struct prediction *p = context;
    char hex[33] = "";

    if (trace_id != NULL)
        otl_hex(trace_id, 16, hex);
    if (p->json) {
        json_t *row = json_pack("{s:s, s:s}", "difference", text, "trace_id", hex);
        json_dumpf(row, stdout, JSON_COMPACT);
        printf("\n");
        json_decref(row);
    } else {
        printf("difference: %s%s%s\n", hex, *hex != '\0' ? ": " : "", text);
    }
}

static void print_sum(const struct prediction *p, uint64_t differences)
{
    struct hx_tail_counts counts;

    hx_tail_compare_counts(p->compare, &counts);
    fprintf(p->json ? stderr : stdout,
            "%" PRIu64 " trace%s of %" PRIu64 " span%s: keep %" PRIu64 ", drop %" PRIu64
            ", depends on timing %" PRIu64 "%s%s\n",
            counts.traces, counts.traces == 1 ? "" : "s", p->source.spans,
            p->source.spans == 1 ? "" : "s", counts.keep, counts.drop, counts.depends,
            p->source.timed ? "" : "; no times of arrival: every trace is taken as complete",
            p->source.torn ? "; the last record is cut off" : "");
    if (p->decisions != NULL || p->kept != NULL)
        fprintf(p->json ? stderr : stdout,
                "compared: %" PRIu64 " decisions recorded, %" PRIu64
                " traces behind the collector, %" PRIu64 " differences\n",
                counts.recorded, counts.kept, differences);
}

int hx_command_predict(int argc, char **argv)
{
    struct prediction p = {0};
    const struct otl_opt table[] = {
        {"config", "FILE", "the Collector's configuration (default: that of the run directory)",
         OTL_OPT_TEXT, &p.config},
        {"processor", "ID", "which tail_sampling, if there are several", OTL_OPT_TEXT,
         &p.processor},
        {"as-version", "X",
         "the Collector is of this version (0.115, latest): it decides, and refuses, as it did",
         OTL_OPT_TEXT, &p.as_version},
        {"workers", "N",
         "collector-mock ran with so many: each has its part of num_traces, caches and "
         "compat.max_bytes (default: those of the run)",
         OTL_OPT_TEXT, &p.workers},
        {"kept", "FILE",
         "compare with what a collector kept: its file exporter's output, or a tap behind it; "
         "behind tail_sampling only batch, attributes, resource and transform may stand, and "
         "nothing may have been lost there (disk_full)",
         OTL_OPT_TEXT, &p.kept},
        {"decisions", "FILE", "compare with the record of collector-mock --decisions",
         OTL_OPT_TEXT, &p.decisions},
        {"json", NULL, "a line of JSON a trace; the sum on standard error", OTL_OPT_FLAG, &p.json},
        {"quiet", NULL, "differences and the sum alone", OTL_OPT_FLAG, &p.quiet},
        {NULL, NULL, NULL, OTL_OPT_FLAG, NULL},
    };
    const struct hx_usage usage = {
        "predict --config FILE SPANS",
        "Says of each trace whether a Collector with this configuration keeps it: keep, drop, or\n"
        "depends-on-timing, with the policy and why. SPANS is a run directory, a tap, or a file\n"
        "of OTLP/JSON lines or length-prefixed protobuf. Differences make exit status 1.\n"
        "\n"
        "Collectors decided otherwise before: up to 0.143 an inverted match vetoed, up to 0.152\n"
        "rate_limiting counted whole seconds and what failed in filter and transform refused its\n"
        "request, up to 0.156 latency took its threshold in, up to 0.157 what rate_allocation of\n"
        "composite left out got nothing. What a version did not know is refused. Of one of them:\n"
        "    tracerig predict --as-version 0.143 --config old.yaml spans.json --kept kept.json\n",
        table, 1, 1};
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct otl_opt_list files;
    uint64_t differences = 0;
    enum otel_err err;
    int status;

    if (!hx_usage_parse(&usage, argc, argv, &files, &status))
        return status;
    err = find_files(&p, files.items[0], &detail);
    if (err == OTEL_OK && p.as_version != NULL)
        err = hx_as_version_read(p.as_version, &p.version, &detail);
    if (err == OTEL_OK)
        err = find_workers(&p, files.items[0], &detail);
    if (err == OTEL_OK)
        err = ask(&p, &detail);
    if (err == OTEL_OK) {
        print_answers(&p);
        differences = hx_tail_compare_each(p.compare, print_difference, &p);
        print_sum(&p, differences);
        status = differences > 0 ? HX_EXIT_VERDICT : HX_EXIT_OK;
    } else {
        otl_detail_set(&detail, err, NULL, 0, 0, "%s", otel_err_text(err));
        status = hx_usage_fail(&detail);
    }
    hx_tail_compare_free(p.compare);
    hx_tail_oracle_free(p.oracle);
    otl_yaml_free(p.doc);
    return status;
}
