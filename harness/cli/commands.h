/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_COMMANDS_H
#define HX_COMMANDS_H

#include <stdbool.h>
#include <stddef.h>

#include <otel/err.h>

#include "sdk/base/detail.h"
#include "sdk/base/opts.h"

/*
 * Commands of the program tracerig: one row a command, one file a command.
 *
 * A new command: write int hx_command_NAME(int argc, char **argv) in its own folder, declare it
 * below, add its row to the table in commands.c and its library to tracerig_LIBS in module.mk.
 * argv[0] is the command's name. Its result is the program's exit status.
 *
 * Threads   the table is constant.
 */

/* Exit status of the program (and of our own children: 0, 2 and 3). */
enum hx_exit {
    HX_EXIT_OK = 0,           /* every claim judged and true */
    HX_EXIT_VERDICT = 1,      /* a verdict against the system under test, or a threshold missed */
    HX_EXIT_USAGE = 2,        /* wrong usage or an invalid file */
    HX_EXIT_FAULT = 3,        /* the environment failed: no verdict */
    HX_EXIT_INCONCLUSIVE = 4, /* a claim could not be judged */
    HX_EXIT_INTERRUPTED = 130
};

struct hx_command {
    const char *name;    /* NULL ends the table */
    const char *summary; /* one line of --help; NULL = hidden (our own children) */
    int (*run)(int argc, char **argv);
};

extern const struct hx_command hx_commands[];

int hx_command_compare(int argc, char **argv);
int hx_command_explain(int argc, char **argv);
int hx_command_list(int argc, char **argv);
int hx_command_predict(int argc, char **argv);
int hx_command_report(int argc, char **argv);
int hx_command_load(int argc, char **argv);
int hx_command_load_client(int argc, char **argv);
int hx_command_relay(int argc, char **argv);
int hx_command_broker(int argc, char **argv);
int hx_command_service(int argc, char **argv);
int hx_command_tune(int argc, char **argv);
int hx_command_sweep(int argc, char **argv);
int hx_command_run(int argc, char **argv);
int hx_command_validate(int argc, char **argv);
int hx_command_verify(int argc, char **argv);

/* Several results in one program run: 130, then 1, 3, 4, 2, 0. */
int hx_exit_worst(int a, int b);

/* ---- what every command does (usage.c) ---------------------------------------------------- */

struct hx_usage {
    const char *synopsis;         /* "validate SCENARIO..." */
    const char *text;             /* a few lines for --help, ending with a line break */
    const struct otl_opt *options; /* table of opts.h; --help need not be in it */
    size_t arguments_min;
    size_t arguments_max;
};

/* Parse argv. True: go on. False: return *ret_status (0 after --help, 2 after wrong usage, which
 * has been told on stderr). */
bool hx_usage_parse(const struct hx_usage *usage, int argc, char **argv,
                    struct otl_opt_list *ret_arguments, int *ret_status);
/* Tell *detail on stderr as "tracerig: file:line:column: text"; the exit status that fits it:
 * HX_EXIT_FAULT for memory, threads and I/O other than reading the named input, else USAGE. */
int hx_usage_fail(const struct otl_detail *detail);

#endif
