/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "harness/cli/commands.h"
#include "harness/cli/version.h"
#include "sdk/base/text.h"

enum { COMMANDS_MAX = 64 };

static int help(void)
{
    printf("tracerig: load-generating benchmark and conformance harness for distributed tracing\n\n"
           "usage: tracerig COMMAND [ARGUMENTS]\n\ncommands:\n");
    for (const struct hx_command *c = hx_commands; c->name != NULL; c++)
        if (c->summary != NULL)
            printf("  %-12s %s\n", c->name, c->summary);
    printf("\n'tracerig COMMAND --help' says more. Exit status: 0 every claim judged and true,\n"
           "1 a verdict against the system under test, 2 wrong usage or an invalid file,\n"
           "3 the environment failed, 4 a claim could not be judged, 130 interrupted.\n");
    return HX_EXIT_OK;
}

static int unknown(const char *word)
{
    const char *names[COMMANDS_MAX + 1], *near;
    size_t count = 0;

    for (const struct hx_command *c = hx_commands; c->name != NULL && count < COMMANDS_MAX; c++)
        if (c->summary != NULL)
            names[count++] = c->name;
    names[count] = NULL;
    near = otl_nearest(word, names);
    fprintf(stderr, "tracerig: unknown %s '%s'%s%s%s\n", *word == '-' ? "option" : "command", word,
            near ? " (did you mean '" : "; try: tracerig --help", near ? near : "",
            near ? "'?)" : "");
    return HX_EXIT_USAGE;
}

int main(int argc, char **argv)
{
    signal(SIGXFSZ, SIG_IGN); /* a file over its limit is an error of write(), not a death */
    if (argc < 2) {
        fprintf(stderr, "usage: tracerig COMMAND [ARGUMENTS]; try: tracerig --help\n");
        return HX_EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)
        return help();
    if (strcmp(argv[1], "--version") == 0) {
        printf("tracerig %s\n", HX_VERSION);
        return HX_EXIT_OK;
    }
    for (const struct hx_command *c = hx_commands; c->name != NULL; c++)
        if (strcmp(c->name, argv[1]) == 0)
            return c->run(argc - 1, argv + 1);
    return unknown(argv[1]);
}
