/* SPDX-License-Identifier: Apache-2.0 */
#include "reports/plot/gnuplot.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct gnuplot {
    pid_t pid;
    int complaints; /* read end of its stderr */
    char text[200]; /* what it said first */
    size_t text_len;
};

/* In the child: gnuplot, or its end with 127. It does not outlive whoever wanted the plot. */
static void become_gnuplot(const struct rep_gnuplot_run *run, int stderr_fd, pid_t parent)
{
    char *argv[] = {(char *)"gnuplot",   (char *)"-c",       (char *)run->script,
                    (char *)run->output, (char *)run->theme, NULL};
    int nothing = open("/dev/null", O_RDWR);
    sigset_t signals;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    sigemptyset(&signals);
    sigprocmask(SIG_SETMASK, &signals, NULL);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    if (getppid() != parent || nothing < 0 || dup2(nothing, 0) < 0 || dup2(nothing, 1) < 0 ||
        dup2(stderr_fd, 2) < 0 || chdir(run->dir) != 0) {
        dprintf(stderr_fd, "cannot start in %s: %s\n", run->dir, strerror(errno));
        _exit(126);
    }
    execvp(argv[0], argv);
    _exit(127);
}

static int spawn(struct gnuplot *g, const struct rep_gnuplot_run *run, int stderr_fd)
{
    pid_t parent = getpid();

    g->pid = fork();
    if (g->pid == 0)
        become_gnuplot(run, stderr_fd, parent);
    return g->pid < 0 ? errno : 0;
}

/* Rounded up: 0 is after the deadline. */
static int remaining_ms(const struct timespec *deadline)
{
    struct timespec now;
    long long left;

    clock_gettime(CLOCK_MONOTONIC, &now);
    left = (long long)(deadline->tv_sec - now.tv_sec) * 1000000000 +
           (deadline->tv_nsec - now.tv_nsec);
    return left > 0 ? (int)((left + 999999) / 1000000) : 0;
}

/* Keep the beginning of what it says, drop the rest, until it ends or the time is over. */
static enum otel_err watch(struct gnuplot *g, int pidfd, unsigned limit_seconds)
{
    struct timespec deadline;

    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += limit_seconds;
    for (;;) {
        struct pollfd fds[2] = {{pidfd, POLLIN, 0}, {g->complaints, POLLIN, 0}};
        int left = remaining_ms(&deadline), ready = poll(fds, 2, left);
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready < 0)
            return OTEL_ERR_IO;
        if (ready == 0 || left == 0) /* whatever it still has to say */
            return fds[0].revents != 0 ? OTEL_OK : OTEL_ERR_TIMEOUT;
        if (fds[1].revents != 0) {
            char block[512];
            ssize_t got = read(g->complaints, block, sizeof(block));
            size_t keep = sizeof(g->text) - 1 - g->text_len;
            if (got > 0 && (size_t)got < keep)
                keep = (size_t)got;
            if (got > 0) {
                memcpy(g->text + g->text_len, block, keep);
                g->text_len += keep;
                continue;
            }
            close(g->complaints);
            g->complaints = -1; /* poll() ignores it from now on */
        }
        if (fds[0].revents != 0)
            return OTEL_OK;
    }
}

/* The last line it said: gnuplot names the place first and the reason last. */
static const char *reason(struct gnuplot *g)
{
    char *last;

    while (g->text_len > 0 && strchr(" \n\t", g->text[g->text_len - 1]) != NULL)
        g->text_len--;
    g->text[g->text_len] = '\0';
    last = strrchr(g->text, '\n');
    return last ? last + 1 : g->text;
}

static enum otel_err finish(struct gnuplot *g, unsigned limit_seconds, char *problem,
                            size_t problem_size)
{
    int pidfd = pidfd_open(g->pid, 0);
    enum otel_err err = pidfd < 0 ? OTEL_ERR_IO : watch(g, pidfd, limit_seconds);
    int status = 0;

    if (err != OTEL_OK)
        kill(g->pid, SIGKILL);
    while (waitpid(g->pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (pidfd >= 0)
        close(pidfd);
    if (err == OTEL_ERR_TIMEOUT)
        snprintf(problem, problem_size, "gnuplot took longer than %u s", limit_seconds);
    else if (err != OTEL_OK)
        snprintf(problem, problem_size, "gnuplot could not be watched");
    else if (WIFSIGNALED(status))
        snprintf(problem, problem_size, "gnuplot was killed by signal %d", WTERMSIG(status));
    else if (WEXITSTATUS(status) == 127)
        err = OTEL_ERR_NOT_FOUND;
    else if (WEXITSTATUS(status) != 0)
        snprintf(problem, problem_size, "gnuplot failed: %s", reason(g));
    if (err == OTEL_OK && status != 0)
        err = OTEL_ERR_IO;
    return err;
}

enum otel_err rep_gnuplot(const struct rep_gnuplot_run *run, char *problem, size_t size)
{
    struct gnuplot g = {.complaints = -1};
    enum otel_err err = OTEL_ERR_IO;
    int ends[2];
    int failed;

    if (pipe2(ends, O_CLOEXEC) != 0) {
        snprintf(problem, size, "no pipe: %s", strerror(errno));
        return OTEL_ERR_IO;
    }
    g.complaints = ends[0];
    failed = spawn(&g, run, ends[1]);
    close(ends[1]);
    if (failed == 0)
        err = finish(&g, run->limit_seconds, problem, size);
    else
        snprintf(problem, size, "gnuplot could not be started: %s", strerror(failed));
    if (err == OTEL_ERR_NOT_FOUND)
        snprintf(problem, size, "gnuplot is not installed");
    if (g.complaints >= 0)
        close(g.complaints);
    return err;
}
