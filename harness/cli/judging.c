/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/cli/judging.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PATH_SIZE = 4096, SIGNALS = 3 };

static const int numbers[SIGNALS] = {SIGINT, SIGTERM, SIGHUP};
static struct sigaction before[SIGNALS];
static char report[PATH_SIZE + 16], without[PATH_SIZE + 160], with[PATH_SIZE + 160];

static void on_signal(int number)
{
    const char *text = access(report, F_OK) == 0 ? with : without;

    (void)!write(STDERR_FILENO, text, strlen(text));
    (void)raise(number); /* to its default action, when this has returned */
}

void hx_judging_begin(const char *dir)
{
    struct sigaction action;

    snprintf(report, sizeof(report), "%s/report.json", dir);
    snprintf(without, sizeof(without),
             "tracerig: interrupted while judging: there is no report; tracerig verify %s judges "
             "what was recorded\n", dir);
    snprintf(with, sizeof(with),
             "tracerig: interrupted while drawing: report.json is whole; tracerig report %s draws "
             "it\n", dir);
    memset(&action, 0, sizeof(action));
    sigemptyset(&action.sa_mask);
    action.sa_handler = on_signal;
    action.sa_flags = (int)SA_RESETHAND;
    for (int i = 0; i < SIGNALS; i++) {
        sigaction(numbers[i], &action, &before[i]);
        if (before[i].sa_handler == SIG_IGN) /* nohup */
            sigaction(numbers[i], &before[i], NULL);
    }
}

void hx_judging_end(void)
{
    for (int i = 0; i < SIGNALS; i++)
        sigaction(numbers[i], &before[i], NULL);
}
