/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/tuning/one_run.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/cli/commands.h"

extern char **environ;

enum { PATH_SIZE = 4096, WORDS = 2 * HX_ONE_RUN_OVERRIDES + 16 };

static volatile sig_atomic_t signalled;

static void on_signal(int number)
{
    (void)number;
    signalled = 1;
}

bool hx_one_run_interrupted(void)
{
    return signalled != 0;
}

/* Into a process group of its own: a key pressed reaches it once, through us. */
static int spawn(char *const *argv, const char *log, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int failed = posix_spawn_file_actions_init(&actions);

    if (failed)
        return failed;
    failed = posix_spawnattr_init(&attributes);
    if (failed) {
        posix_spawn_file_actions_destroy(&actions);
        return failed;
    }
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    failed = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    if (!failed)
        failed = posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_TRUNC,
                                                  0644);
    if (!failed)
        failed = posix_spawn_file_actions_adddup2(&actions, 1, 2);
    if (!failed)
        failed = posix_spawn(pid, "/proc/self/exe", &actions, &attributes, argv, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return failed;
}

static int await(pid_t pid)
{
    int status = 0;
    bool told = false;

    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR)
            return HX_EXIT_FAULT;
        if (signalled && !told)
            kill(pid, SIGINT);
        told = told || signalled;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : HX_EXIT_FAULT;
}

static void catch_signals(struct sigaction old[2])
{
    struct sigaction action;

    memset(&action, 0, sizeof(action));
    action.sa_handler = on_signal;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, &old[0]);
    sigaction(SIGTERM, &action, &old[1]);
}

enum otel_err hx_one_run(const struct hx_one_run *run, struct hx_one_result *ret,
                         struct otl_detail *reterr)
{
    char log[PATH_SIZE], path[PATH_SIZE], seed[32];
    const char *argv[WORDS] = {"tracerig", "run",    run->scenario, "--quiet",
                               "--out",    run->dir, "--seed",      seed};
    struct sigaction old[2];
    size_t words = 8;
    pid_t pid = 0;
    int failed;

    if (run->override_count > HX_ONE_RUN_OVERRIDES)
        return otl_detail_set(reterr, OTEL_ERR_LIMIT, NULL, 0, 0, "more than %d settings",
                              HX_ONE_RUN_OVERRIDES);
    for (size_t i = 0; i < run->override_count; i++) {
        argv[words++] = "--set";
        argv[words++] = run->overrides[i];
    }
    snprintf(seed, sizeof(seed), "%" PRIu64, run->seed);
    if (snprintf(log, sizeof(log), "%s.log", run->dir) >= PATH_SIZE ||
        snprintf(path, sizeof(path), "%s/report.json", run->dir) >= PATH_SIZE)
        return otl_detail_set(reterr, OTEL_ERR_LIMIT, run->dir, 0, 0, "the path is too long");
    catch_signals(old);
    failed = spawn((char *const *)(uintptr_t)argv, log, &pid);
    ret->exit_status = failed ? HX_EXIT_FAULT : await(pid);
    sigaction(SIGINT, &old[0], NULL);
    sigaction(SIGTERM, &old[1], NULL);
    if (failed)
        return otl_detail_set(reterr, OTEL_ERR_IO, run->dir, 0, 0, "cannot start a run: %s",
                              strerror(failed));
    ret->interrupted = signalled || ret->exit_status == HX_EXIT_INTERRUPTED;
    ret->report = json_load_file(path, 0, NULL);
    return OTEL_OK;
}
