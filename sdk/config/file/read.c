/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/config/file/read.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sdk/base/mem.h"
#include "sdk/base/text.h"

enum { MAJOR = 1, MINOR = 2 };

void otl_config_problem_set(struct otel_config_problem *problem, enum otel_err err,
                            const struct otl_detail *detail)
{
    if (problem == NULL)
        return;
    memset(problem, 0, sizeof(*problem));
    problem->code = err;
    problem->line = detail->line;
    problem->column = detail->column;
    snprintf(problem->source, sizeof(problem->source), "%s", detail->source);
    snprintf(problem->text, sizeof(problem->text), "%s",
             detail->code != OTEL_OK ? detail->text : otel_err_text(err));
}

const char *otel_config_problem_text(const struct otel_config_problem *problem, char *out,
                                     size_t size)
{
    struct otl_detail detail = {.code = problem->code, .line = problem->line,
                                .column = problem->column};

    snprintf(detail.source, sizeof(detail.source), "%s", problem->source);
    snprintf(detail.text, sizeof(detail.text), "%s", problem->text);
    return otl_detail_format(&detail, out, size);
}

/* MAJOR.MINOR, and -rc.1 or /development and the like behind it. */
static bool read_version(const char *text, unsigned long *ret_major, unsigned long *ret_minor)
{
    char *end;

    if (text[0] < '0' || text[0] > '9')
        return false;
    *ret_major = strtoul(text, &end, 10);
    if (end[0] != '.' || end[1] < '0' || end[1] > '9')
        return false;
    *ret_minor = strtoul(end + 1, &end, 10);
    return *end == '\0' || *end == '-' || *end == '/' || *end == '.';
}

bool otl_config_is_newer(const struct otel_config *config)
{
    const char *text = otl_tree_text(otl_yaml_root(config->doc), "file_format", "");
    unsigned long major, minor;

    return read_version(text, &major, &minor) && minor > MINOR;
}

static enum otel_err check_version(const struct otl_yaml *doc, struct otl_detail *detail)
{
    const json_t *root = otl_yaml_root(doc), *value;
    struct otl_yaml_pos pos;
    unsigned long major, minor;

    value = json_is_object(root) ? json_object_get(root, "file_format") : NULL;
    if (!json_is_string(value))
        return OTEL_OK; /* the schema has a word for it */
    pos = otl_yaml_value_pos(doc, root, "file_format");
    if (!read_version(json_string_value(value), &major, &minor))
        return otl_yaml_error(detail, pos, "file_format: '%s' is no version such as \"1.0\"",
                              json_string_value(value));
    if (major != MAJOR)
        return otl_detail_set(detail, OTEL_ERR_UNSUPPORTED, pos.source, pos.line, pos.column,
                              "file_format: version %s is not supported; this is %d.%d",
                              json_string_value(value), MAJOR, MINOR);
    return OTEL_OK;
}

static enum otel_err finish(enum otel_err err, struct otl_yaml *doc, struct otl_detail *detail,
                            struct otel_config **ret, struct otel_config_problem *ret_problem)
{
    struct otel_config *config = NULL;

    if (err == OTEL_OK)
        err = check_version(doc, detail);
    if (err == OTEL_OK)
        err = otl_schema_check(doc, otl_config_schema, detail);
    if (err == OTEL_OK) {
        config = otl_mem_zalloc(sizeof(*config));
        err = config != NULL ? OTEL_OK : OTEL_ERR_MEMORY;
    }
    if (err != OTEL_OK) {
        otl_config_problem_set(ret_problem, err, detail);
        otl_yaml_free(doc);
        return err;
    }
    config->doc = doc;
    *ret = config;
    return OTEL_OK;
}

/* One variable, in the form that YAML asks for it. */
static const char *variable(void *context, const char *name)
{
    const struct otel_config_env *env = context;

    return env->getenv(env->arg, name);
}

static void set_options(struct otl_yaml_options *options, const struct otel_config_env *env)
{
    otl_yaml_options_init(options);
    options->substitute_env = true;
    if (env != NULL && env->getenv != NULL) {
        options->getenv = variable;
        options->getenv_context = (void *)(uintptr_t)env;
    }
}

enum otel_err otel_config_read_file(const char *path, const struct otel_config_env *env,
                                    struct otel_config **ret,
                                    struct otel_config_problem *ret_problem)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct otl_yaml_options options;
    struct otl_yaml *doc = NULL;
    enum otel_err err;

    set_options(&options, env);
    err = otl_yaml_load_file(path, &options, &doc, &detail);
    return finish(err, doc, &detail, ret, ret_problem);
}

enum otel_err otel_config_read_text(struct otel_str text, const char *name,
                                    const struct otel_config_env *env, struct otel_config **ret,
                                    struct otel_config_problem *ret_problem)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct otl_yaml_options options;
    struct otl_yaml *doc = NULL;
    enum otel_err err;

    set_options(&options, env);
    options.source = name;
    err = otl_yaml_load_text(text.len > 0 ? text.data : "", text.len, &options, &doc, &detail);
    return finish(err, doc, &detail, ret, ret_problem);
}

void otel_config_free(struct otel_config *config)
{
    if (config == NULL)
        return;
    otl_yaml_free(config->doc);
    otl_mem_free(config);
}
