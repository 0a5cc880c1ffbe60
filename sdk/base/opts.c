/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/base/opts.h"

#include <stdio.h>
#include <string.h>

#include "sdk/base/text.h"

static const struct otl_opt *find(const struct otl_opt *table, const char *name, size_t len)
{
    for (; table->name != NULL; table++)
        if (strlen(table->name) == len && memcmp(table->name, name, len) == 0)
            return table;
    return NULL;
}

static enum otel_err unknown(const struct otl_opt *table, const char *word, size_t len,
                             struct otl_detail *reterr)
{
    const char *names[OTL_OPT_LIST_MAX + 1], *near;
    char name[64];
    size_t count = 0;

    for (; table->name != NULL && count < OTL_OPT_LIST_MAX; table++)
        if (table->help != NULL)
            names[count++] = table->name;
    names[count] = NULL;
    snprintf(name, sizeof(name), "%.*s", (int)len, word);
    near = otl_nearest(name, names);
    return otl_detail_set(reterr, OTEL_ERR_ARGUMENT, NULL, 0, 0, "unknown option --%s%s%s%s", name,
                          near ? " (did you mean --" : "", near ? near : "", near ? "?)" : "");
}

static enum otel_err store(const struct otl_opt *option, const char *value,
                           struct otl_detail *reterr)
{
    struct otl_opt_list *list;

    switch (option->kind) {
    case OTL_OPT_FLAG:
        *(bool *)option->target = true;
        return OTEL_OK;
    case OTL_OPT_TEXT:
        *(const char **)option->target = value;
        return OTEL_OK;
    case OTL_OPT_LIST:
        list = option->target;
        if (list->count == OTL_OPT_LIST_MAX)
            return otl_detail_set(reterr, OTEL_ERR_LIMIT, NULL, 0, 0, "more than %d times --%s",
                                  OTL_OPT_LIST_MAX, option->name);
        list->items[list->count++] = value;
        return OTEL_OK;
    }
    return OTEL_ERR_ARGUMENT;
}

static enum otel_err parse_option(const struct otl_opt *table, char **argv, int argc, int *at,
                                  struct otl_detail *reterr)
{
    const char *word = argv[*at] + 2;
    const char *equals = strchr(word, '=');
    size_t len = equals ? (size_t)(equals - word) : strlen(word);
    const struct otl_opt *option = find(table, word, len);

    if (option == NULL)
        return unknown(table, word, len, reterr);
    if (option->kind == OTL_OPT_FLAG && equals != NULL)
        return otl_detail_set(reterr, OTEL_ERR_ARGUMENT, NULL, 0, 0, "option --%s takes no value",
                              option->name);
    if (option->kind == OTL_OPT_FLAG)
        return store(option, NULL, reterr);
    if (equals != NULL)
        return store(option, equals + 1, reterr);
    if (*at + 1 >= argc)
        return otl_detail_set(reterr, OTEL_ERR_ARGUMENT, NULL, 0, 0,
                              "option --%s needs a value: %s", option->name, option->value);
    return store(option, argv[++*at], reterr);
}

enum otel_err otl_opts_parse(const struct otl_opt *table, int argc, char **argv,
                             struct otl_opt_list *arguments, struct otl_detail *reterr)
{
    bool only_arguments = false;
    enum otel_err err;

    for (int i = 1; i < argc; i++) {
        if (!only_arguments && strcmp(argv[i], "--") == 0) {
            only_arguments = true;
        } else if (!only_arguments && strncmp(argv[i], "--", 2) == 0) {
            err = parse_option(table, argv, argc, &i, reterr);
            if (err != OTEL_OK)
                return err;
        } else if (!only_arguments && argv[i][0] == '-' && argv[i][1] != '\0') {
            return otl_detail_set(reterr, OTEL_ERR_ARGUMENT, NULL, 0, 0,
                                  "unknown option %s (options begin with --)", argv[i]);
        } else if (arguments == NULL) {
            return otl_detail_set(reterr, OTEL_ERR_ARGUMENT, NULL, 0, 0, "unexpected argument '%s'",
                                  argv[i]);
        } else if (arguments->count == OTL_OPT_LIST_MAX) {
            return otl_detail_set(reterr, OTEL_ERR_LIMIT, NULL, 0, 0, "more than %d arguments",
                                  OTL_OPT_LIST_MAX);
        } else {
            arguments->items[arguments->count++] = argv[i];
        }
    }
    return OTEL_OK;
}

void otl_opts_help(const struct otl_opt *table)
{
    for (; table->name != NULL; table++) {
        char left[64];
        if (table->help == NULL)
            continue;
        snprintf(left, sizeof(left), "--%s%s%s", table->name, table->value ? " " : "",
                 table->value ? table->value : "");
        printf("  %-26s %s\n", left, table->help);
    }
}
