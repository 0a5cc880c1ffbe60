/* SPDX-License-Identifier: Apache-2.0 */
/* The guardian's own process: starts children, reports their exits, keeps what they say in bounds,
 * and when the runner is gone kills whatever descends from it. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness/topology/guardian_wire.h"
#include "harness/topology/output.h"
#include "sdk/base/clock.h"

enum { STRINGS_MAX = 256, CONTROL_FD = 3 };

struct child {
    uint32_t id;
    pid_t pid; /* 0 = free */
    struct hx_output *output; /* NULL: its log has no limit; it may outlive the child */
};

struct guardian {
    int call_fd;
    int exit_fd;
    int signal_fd;
    struct child children[HX_GUARDIAN_CHILDREN];
    struct hx_output outputs[HX_GUARDIAN_CHILDREN];
};

struct request {
    struct hx_guardian_message message;
    char *argv[STRINGS_MAX + 1];
    char *env[STRINGS_MAX + 1];
    const char *directory;
    const char *log;
    int control;
    int output; /* the child's end of its output's pipe; -1: it writes the log itself */
};

static char *next_text(char **at, const char *end)
{
    char *text = *at, *stop = memchr(text, '\0', (size_t)(end - text));

    if (stop == NULL)
        return NULL;
    *at = stop + 1;
    return text;
}

static bool unpack(struct request *request, char *at, const char *end)
{
    if (request->message.argc == 0 || request->message.argc > STRINGS_MAX ||
        request->message.envc > STRINGS_MAX)
        return false;
    for (uint32_t i = 0; i < request->message.argc; i++)
        if ((request->argv[i] = next_text(&at, end)) == NULL)
            return false;
    for (uint32_t i = 0; i < request->message.envc; i++)
        if ((request->env[i] = next_text(&at, end)) == NULL)
            return false;
    request->argv[request->message.argc] = NULL;
    request->env[request->message.envc] = NULL;
    request->directory = next_text(&at, end);
    request->log = request->directory ? next_text(&at, end) : NULL;
    return request->log != NULL;
}

/* In the forked child; on failure the errno goes through status_fd, which exec closes. */
static void become(const struct request *request, int status_fd, pid_t guardian)
{
    sigset_t none;
    int problem;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != guardian)
        _exit(127);
    setpgid(0, 0); /* signals reach what a wrapper has started, too */
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGXFSZ, SIG_DFL);
    if (request->log[0] != '\0') {
        int log = request->output >= 0
                      ? request->output
                      : open(request->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        if (log < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0)
            goto fail;
    }
    if (request->directory[0] != '\0' && chdir(request->directory) != 0)
        goto fail;
    for (uint32_t i = 0; i < request->message.envc; i++)
        putenv(request->env[i]);
    if (request->control >= 0) {
        if (status_fd == CONTROL_FD && (status_fd = fcntl(status_fd, F_DUPFD_CLOEXEC, 4)) < 0)
            _exit(127);
        if (request->control == CONTROL_FD) {
            fcntl(CONTROL_FD, F_SETFD, 0);
        } else if (dup2(request->control, CONTROL_FD) < 0) {
            goto fail;
        }
    }
    execv(request->argv[0], request->argv);
fail:
    problem = errno;
    if (write(status_fd, &problem, sizeof(problem)) < 0)
        _exit(126);
    _exit(127);
}

static int start(const struct request *request, pid_t *ret_pid)
{
    int status[2], problem = 0;
    pid_t self = getpid(), pid;
    ssize_t got;

    if (pipe2(status, O_CLOEXEC) != 0)
        return errno;
    pid = fork();
    if (pid < 0) {
        problem = errno;
        close(status[0]);
        close(status[1]);
        return problem;
    }
    if (pid == 0) {
        close(status[0]);
        become(request, status[1], self);
    }
    close(status[1]);
    do {
        got = read(status[0], &problem, sizeof(problem));
    } while (got < 0 && errno == EINTR);
    close(status[0]);
    if (got == (ssize_t)sizeof(problem)) {
        waitpid(pid, NULL, 0);
        return problem;
    }
    *ret_pid = pid;
    return 0;
}

/* Its output through a pipe of ours, so that the log stays within its limit. */
static int start_bounded(struct guardian *guardian, struct request *request, struct child *place,
                         pid_t *ret_pid)
{
    struct hx_output *output = guardian->outputs;
    int problem;

    while (output < guardian->outputs + HX_GUARDIAN_CHILDREN && output->open)
        output++;
    if (output == guardian->outputs + HX_GUARDIAN_CHILDREN)
        return E2BIG;
    problem = hx_output_open(output, request->log, request->message.log_limit, &request->output);
    if (problem != 0)
        return problem;
    problem = start(request, ret_pid);
    close(request->output);
    if (problem != 0)
        hx_output_close(output);
    else
        place->output = output;
    return problem;
}

static struct child *slot(struct guardian *guardian, pid_t pid)
{
    for (size_t i = 0; i < HX_GUARDIAN_CHILDREN; i++)
        if (guardian->children[i].pid == pid)
            return &guardian->children[i];
    return NULL;
}

static void answer_spawn(struct guardian *guardian, struct request *request, bool valid)
{
    struct hx_guardian_message answer = {.what = HX_GUARDIAN_SPAWNED, .id = request->message.id};
    struct child *place = slot(guardian, 0);
    pid_t pid = 0;

    if (!valid)
        answer.value = EINVAL;
    else if (place == NULL)
        answer.value = E2BIG;
    else if (request->message.log_limit > 0 && request->log[0] != '\0')
        answer.value = start_bounded(guardian, request, place, &pid);
    else
        answer.value = start(request, &pid);
    if (answer.value == 0 && place != NULL) {
        place->id = request->message.id;
        place->pid = pid;
    }
    answer.pid = pid;
    /* If the runner is gone, the next poll says so. */
    (void)!send(guardian->call_fd, &answer, sizeof(answer), MSG_NOSIGNAL);
}

static void send_signal(struct guardian *guardian, const struct hx_guardian_message *message)
{
    for (size_t i = 0; i < HX_GUARDIAN_CHILDREN; i++)
        if (guardian->children[i].pid != 0 && guardian->children[i].id == message->id)
            kill(-guardian->children[i].pid, message->value);
}

/* False when the runner is gone. */
static bool serve(struct guardian *guardian)
{
    static char packet[HX_GUARDIAN_PACKET_MAX];
    char space[CMSG_SPACE(sizeof(int))];
    struct iovec part = {packet, sizeof(packet)};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
    struct request request = {.control = -1, .output = -1};
    struct cmsghdr *rights;
    ssize_t got;

    header.msg_control = space;
    header.msg_controllen = sizeof(space);
    do {
        got = recvmsg(guardian->call_fd, &header, MSG_CMSG_CLOEXEC);
    } while (got < 0 && errno == EINTR);
    if (got <= 0)
        return false;
    rights = CMSG_FIRSTHDR(&header);
    if (rights != NULL && rights->cmsg_type == SCM_RIGHTS)
        memcpy(&request.control, CMSG_DATA(rights), sizeof(int));
    if ((size_t)got >= sizeof(request.message)) {
        memcpy(&request.message, packet, sizeof(request.message));
        if (request.message.what == HX_GUARDIAN_SIGNAL)
            send_signal(guardian, &request.message);
        else if (request.message.what == HX_GUARDIAN_SPAWN)
            answer_spawn(guardian, &request,
                         unpack(&request, packet + sizeof(request.message), packet + got));
    }
    if (request.control >= 0)
        close(request.control);
    return true;
}

static uint64_t time_ns(struct timeval time)
{
    return (uint64_t)time.tv_sec * OTL_NS_PER_S + (uint64_t)time.tv_usec * OTL_NS_PER_US;
}

static void reap(struct guardian *guardian)
{
    struct rusage usage;
    int status;
    pid_t pid;

    while ((pid = wait4(-1, &status, WNOHANG, &usage)) > 0) {
        struct hx_guardian_message message = {.what = HX_GUARDIAN_EXIT, .pid = pid};
        struct child *child = slot(guardian, pid);
        if (child == NULL)
            continue; /* a grandchild that was handed to the subreaper */
        message.id = child->id;
        message.value = status;
        message.cpu_ns = time_ns(usage.ru_utime) + time_ns(usage.ru_stime);
        message.rss_peak_bytes = (uint64_t)usage.ru_maxrss * 1024;
        child->pid = 0;
        if (child->output != NULL && child->output->open)
            hx_output_settle(child->output); /* whoever hears of the exit may read the log */
        child->output = NULL;
        (void)!send(guardian->exit_fd, &message, sizeof(message), MSG_NOSIGNAL);
    }
}

/* Children of pid by /proc; orphans are children of the guardian itself (subreaper). */
static void kill_below(pid_t pid, unsigned depth)
{
    char path[64];
    FILE *list;
    int child;

    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
    list = depth < 64 ? fopen(path, "re") : NULL;
    if (list == NULL)
        return;
    while (fscanf(list, "%d", &child) == 1) {
        kill_below(child, depth + 1);
        kill(child, SIGKILL);
    }
    fclose(list);
}

static void kill_all(void)
{
    const struct timespec pause = {0, 2000000};

    /* What is killed may leave orphans, which come to us and are killed in the next round. */
    for (;;) {
        pid_t pid;
        kill_below(getpid(), 0);
        while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
            ;
        if (pid < 0 && errno == ECHILD)
            return;
        nanosleep(&pause, NULL);
    }
}

enum { CALLS, SIGNALS, OUTPUTS }; /* places among the descriptors polled */

static nfds_t gather(const struct guardian *guardian, struct pollfd *fds,
                     size_t places[HX_GUARDIAN_CHILDREN])
{
    nfds_t count = OUTPUTS;

    fds[CALLS] = (struct pollfd){guardian->call_fd, POLLIN, 0};
    fds[SIGNALS] = (struct pollfd){guardian->signal_fd, POLLIN, 0};
    for (size_t i = 0; i < HX_GUARDIAN_CHILDREN; i++)
        if (guardian->outputs[i].open) {
            places[count - OUTPUTS] = i;
            fds[count++] = (struct pollfd){guardian->outputs[i].pipe_fd, POLLIN, 0};
        }
    return count;
}

/* Until the runner is gone. */
static void watch(struct guardian *guardian)
{
    static struct pollfd fds[OUTPUTS + HX_GUARDIAN_CHILDREN];
    static size_t places[HX_GUARDIAN_CHILDREN];
    struct signalfd_siginfo info;

    for (;;) {
        nfds_t count = gather(guardian, fds, places);
        if (poll(fds, count, -1) < 0 && errno != EINTR)
            return;
        for (nfds_t i = OUTPUTS; i < count; i++)
            if (fds[i].revents != 0)
                hx_output_read(&guardian->outputs[places[i - OUTPUTS]]);
        if (fds[SIGNALS].revents != 0) {
            while (read(guardian->signal_fd, &info, sizeof(info)) > 0)
                ;
            reap(guardian);
        }
        if (fds[CALLS].revents != 0 && !serve(guardian))
            return;
    }
}

int hx_guardian_main(int call_fd, int exit_fd)
{
    static struct guardian guardian;
    sigset_t all;

    guardian.call_fd = call_fd;
    guardian.exit_fd = exit_fd;
    setsid();
    prctl(PR_SET_NAME, "tracerig-guard");
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    sigemptyset(&all);
    sigaddset(&all, SIGCHLD);
    guardian.signal_fd = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
    if (guardian.signal_fd < 0)
        return 3;
    watch(&guardian);
    kill_all();
    for (size_t i = 0; i < HX_GUARDIAN_CHILDREN; i++)
        hx_output_close(&guardian.outputs[i]);
    return 0;
}
