/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "harness/cli/commands.h"

enum { OPTIONS_MAX = 32 };

static void help(const struct hx_usage *usage, const struct otl_opt *options)
{
    printf("usage: tracerig %s\n\n%s", usage->synopsis, usage->text);
    printf("\noptions:\n");
    otl_opts_help(options);
}

static int wrong(const char *command, const char *what)
{
    fprintf(stderr, "tracerig %s: %s\ntry: tracerig %s --help\n", command, what, command);
    return HX_EXIT_USAGE;
}

bool hx_usage_parse(const struct hx_usage *usage, int argc, char **argv,
                    struct otl_opt_list *ret_arguments, int *ret_status)
{
    struct otl_opt options[OPTIONS_MAX + 2];
    struct otl_detail detail = OTL_DETAIL_NONE;
    bool want_help = false;
    size_t count = 0;

    while (usage->options != NULL && usage->options[count].name != NULL && count < OPTIONS_MAX) {
        options[count] = usage->options[count];
        count++;
    }
    options[count++] =
        (struct otl_opt){"help", NULL, "this text", OTL_OPT_FLAG, &want_help};
    options[count] = (struct otl_opt){.name = NULL};
    ret_arguments->count = 0;
    if (otl_opts_parse(options, argc, argv, ret_arguments, &detail) != OTEL_OK) {
        *ret_status = wrong(argv[0], detail.text);
        return false;
    }
    if (want_help) {
        help(usage, options);
        *ret_status = HX_EXIT_OK;
        return false;
    }
    if (ret_arguments->count < usage->arguments_min ||
        ret_arguments->count > usage->arguments_max) {
        char text[160];
        snprintf(text, sizeof(text), "%s; usage: tracerig %s",
                 ret_arguments->count < usage->arguments_min ? "an argument is missing"
                                                             : "too many arguments",
                 usage->synopsis);
        *ret_status = wrong(argv[0], text);
        return false;
    }
    return true;
}

int hx_usage_fail(const struct otl_detail *detail)
{
    char text[sizeof(detail->source) + sizeof(detail->text) + 32];

    fprintf(stderr, "tracerig: %s\n", otl_detail_format(detail, text, sizeof(text)));
    switch (detail->code) {
    case OTEL_ERR_MEMORY:
    case OTEL_ERR_THREAD:
        return HX_EXIT_FAULT;
    default:
        return HX_EXIT_USAGE;
    }
}

int hx_exit_worst(int a, int b)
{
    static const int order[] = {HX_EXIT_INTERRUPTED, HX_EXIT_VERDICT,      HX_EXIT_FAULT,
                                HX_EXIT_USAGE,       HX_EXIT_INCONCLUSIVE, HX_EXIT_OK};

    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
        if (a == order[i] || b == order[i])
            return order[i];
    return HX_EXIT_FAULT;
}
