/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <sys/stat.h>

#include "collector-mock/config/config.h"
#include "collector-mock/config/version.h"
#include "sdk/base/file.h"

/* The text of a configuration, from one or several files, as one document. */

/* What stands where OpenTelemetry programs look for a collector. */
#define DEFAULT_CONFIG(id, settings)                                                              \
    "receivers: {otlp: {protocols: {grpc: {endpoint: '127.0.0.1:4317'},\n"                        \
    "                              http: {endpoint: '127.0.0.1:4318'}}}}\n"                       \
    "exporters: {" id ": " settings "}\n"                                                         \
    "service: {telemetry: {metrics: {readers: [{pull: {exporter: {prometheus:\n"                  \
    "            {host: '127.0.0.1', port: 8888}}}}]}},\n"                                        \
    "          pipelines: {traces: {receivers: [otlp], exporters: [" id "]},\n"                    \
    "                      metrics: {receivers: [otlp], exporters: [" id "]},\n"                   \
    "                      logs: {receivers: [otlp], exporters: [" id "]}}}\n"

static const char default_config[] = DEFAULT_CONFIG("debug", "{verbosity: normal}");
static const char quiet_config[] = DEFAULT_CONFIG("nop", "");

/* $NAME: expanded until v0.103, an error until v0.106, and text since then. */
static enum otl_yaml_bare on_bare(void *context, struct otl_yaml_pos pos, const char *name)
{
    const struct col_config_options *options = context;

    if (col_version_before(options->as_version, 104))
        return OTL_YAML_BARE_REPLACE;
    if (col_version_before(options->as_version, 107) && !options->lenient)
        return OTL_YAML_BARE_REFUSE;
    if (options->lenient) {
        col_findings_note(options->findings, COL_WARNING, pos,
                          "$%s is not expanded since v0.107; write ${env:%s}, or $$%s for the text "
                          "itself; it is expanded here",
                          name, name, name);
        return OTL_YAML_BARE_REPLACE;
    }
    if (options->all)
        col_findings_note(options->findings, COL_ADVICE, pos,
                          "$%s is text since v0.107; write ${env:%s} for the variable, or $$%s "
                          "to be clear",
                          name, name, name);
    return OTL_YAML_BARE_KEEP;
}

static void on_unset(void *context, struct otl_yaml_pos pos, const char *name)
{
    const struct col_config_options *options = context;

    col_findings_note(options->findings, COL_WARNING, pos,
                      "the environment has no variable %s: it is empty here (${env:%s:-text} has a "
                      "default)",
                      name, name);
}

static enum otel_err add_text(const struct col_config_options *config, struct otl_yaml **doc,
                              const char *text, size_t len, const char *source,
                              struct otl_detail *reterr)
{
    struct otl_yaml_options options;

    otl_yaml_options_init(&options);
    options.source = source;
    options.substitute_env = true;
    options.digit_separators = true;
    options.integer_durations = true;
    options.bare = on_bare;
    options.bare_context = (void *)(uintptr_t)config;
    options.unset = on_unset;
    options.unset_context = (void *)(uintptr_t)config;
    if (*doc == NULL)
        return otl_yaml_load_text(text, len, &options, doc, reterr);
    return otl_yaml_merge_text(*doc, text, len, &options, reterr);
}

static bool is_directory(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static enum otel_err add_file(const struct col_config_options *config, struct otl_yaml **doc,
                              const char *path, struct otl_detail *reterr)
{
    struct otl_yaml_options limits;
    struct otl_buf buf;
    enum otel_err err;

    otl_yaml_options_init(&limits);
    otl_buf_init(&buf, limits.max_bytes);
    if (is_directory(path))
        return otl_detail_set(reterr, OTEL_ERR_ARGUMENT, path, 0, 0,
                              "this is a directory: --config takes files, once for each");
    err = otl_file_read(path, &buf, reterr);
    if (err == OTEL_OK)
        err = add_text(config, doc, buf.data ? buf.data : "", buf.len, path, reterr);
    otl_buf_fini(&buf);
    return err;
}

enum otel_err col_config_read(const struct col_config_options *options, struct otl_yaml **ret,
                              struct otl_detail *reterr)
{
    struct otl_yaml *doc = NULL;
    enum otel_err err = OTEL_OK;

    if (options->text != NULL)
        err = add_text(options, &doc, options->text, options->text_len, options->source, reterr);
    else if (options->path_count == 0)
        err = add_text(options, &doc, options->quiet ? quiet_config : default_config,
                       (options->quiet ? sizeof(quiet_config) : sizeof(default_config)) - 1,
                       "<default configuration>", reterr);
    for (size_t i = 0; i < options->path_count && err == OTEL_OK; i++)
        err = add_file(options, &doc, options->paths[i], reterr);
    if (err == OTEL_OK)
        *ret = doc;
    else
        otl_yaml_free(doc);
    return err;
}
