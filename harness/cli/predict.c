/* SPDX-License-Identifier: Apache-2.0 */
/* tracerig predict SPANS: which traces a Collector's tail sampling keeps, and why. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/cli/commands.h"
#include "harness/verify/tail/compare.h"
#include "harness/verify/tail/read.h"
#include "sdk/base/text.h"
#include "sdk/base/yaml/yaml.h"

enum { PATH_BYTES = 4096 };

struct prediction {
    const char *config, *processor, *kept, *decisions; /* NULL: not given */
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

static enum otel_err take_span(void *context, const struct hx_tail_span *span)
{
    return hx_tail_oracle_span(context, span);
}

static void take_life(void *context)
{
    hx_tail_oracle_life(context);
}

static enum otel_err ask(struct prediction *p, struct otl_detail *reterr)
{
    struct otl_yaml_options options;
    struct hx_tail_sink sink = {take_span, take_life, NULL};
    enum otel_err err;

    otl_yaml_options_init(&options);
    options.substitute_env = true;
    options.digit_separators = true;
    err = otl_yaml_load_file(p->config_path, &options, &p->doc, reterr);
    if (err == OTEL_OK)
        err = hx_tail_oracle_new(p->doc, otl_yaml_root(p->doc), p->processor, &p->oracle, reterr);
    sink.context = p->oracle;
    if (err == OTEL_OK)
        err = hx_tail_read(p->spans_path, &sink, &p->source, reterr);
    if (err == OTEL_OK)
        err = hx_tail_oracle_end(p->oracle);
    if (err == OTEL_OK)
        err = hx_tail_compare_new(p->oracle, &p->compare);
    if (err == OTEL_OK && p->decisions != NULL)
        err = hx_tail_compare_decisions(p->compare, p->decisions, reterr);
    if (err == OTEL_OK && p->kept != NULL)
        err = hx_tail_compare_kept(p->compare, p->kept, reterr);
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
            "%" PRIu64 " traces of %" PRIu64 " spans: keep %" PRIu64 ", drop %" PRIu64
            ", depends on timing %" PRIu64 "%s%s\n",
            counts.traces, p->source.spans, counts.keep, counts.drop, counts.depends,
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
        {"kept", "FILE",
         "compare with what a collector kept: its file exporter's output, or a tap behind it",
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
        "of OTLP/JSON lines or length-prefixed protobuf. Differences make exit status 1.\n",
        table, 1, 1};
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct otl_opt_list files;
    uint64_t differences = 0;
    enum otel_err err;
    int status;

    if (!hx_usage_parse(&usage, argc, argv, &files, &status))
        return status;
    err = find_files(&p, files.items[0], &detail);
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
