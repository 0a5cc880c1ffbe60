/* SPDX-License-Identifier: Apache-2.0 */
/* The runner's side of guardian.h. */
#include "harness/topology/guardian.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/topology/guardian_wire.h"
#include "sdk/base/buf.h"

static void close_pair(const int pair[2])
{
    close(pair[0]);
    close(pair[1]);
}

enum otel_err hx_guardian_start(struct hx_guardian *ret, struct otl_detail *reterr)
{
    int call[2], exits[2];
    pid_t pid;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, call) != 0)
        return otl_detail_set(reterr, OTEL_ERR_IO, NULL, 0, 0, "cannot make a socket pair: %s",
                              strerror(errno));
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, exits) != 0) {
        close_pair(call);
        return otl_detail_set(reterr, OTEL_ERR_IO, NULL, 0, 0, "cannot make a socket pair: %s",
                              strerror(errno));
    }
    pid = fork();
    if (pid < 0) {
        close_pair(call);
        close_pair(exits);
        return otl_detail_set(reterr, OTEL_ERR_IO, NULL, 0, 0, "cannot fork: %s", strerror(errno));
    }
    if (pid == 0) {
        close(call[0]);
        close(exits[0]);
        _exit(hx_guardian_main(call[1], exits[1]));
    }
    close(call[1]);
    close(exits[1]);
    ret->call_fd = call[0];
    ret->fd = exits[0];
    ret->pid = pid;
    return OTEL_OK;
}

static enum otel_err pack(const struct hx_spawn *spawn, struct otl_buf *packet)
{
    struct hx_guardian_message message = {.what = HX_GUARDIAN_SPAWN, .id = spawn->id,
                                          .log_limit = spawn->log_limit};
    enum otel_err err;

    while (spawn->argv[message.argc] != NULL)
        message.argc++;
    while (spawn->env != NULL && spawn->env[message.envc] != NULL)
        message.envc++;
    err = otl_buf_append(packet, &message, sizeof(message));
    for (uint32_t i = 0; i < message.argc && err == OTEL_OK; i++)
        err = otl_buf_append(packet, spawn->argv[i], strlen(spawn->argv[i]) + 1);
    for (uint32_t i = 0; i < message.envc && err == OTEL_OK; i++)
        err = otl_buf_append(packet, spawn->env[i], strlen(spawn->env[i]) + 1);
    if (err == OTEL_OK)
        err = otl_buf_append(packet, spawn->directory ? spawn->directory : "",
                             (spawn->directory ? strlen(spawn->directory) : 0) + 1);
    if (err == OTEL_OK)
        err = otl_buf_append(packet, spawn->log ? spawn->log : "",
                             (spawn->log ? strlen(spawn->log) : 0) + 1);
    return err;
}

static enum otel_err send_packet(int fd, const void *data, size_t len, int control)
{
    struct iovec part = {.iov_base = (void *)(uintptr_t)data, .iov_len = len};
    char space[CMSG_SPACE(sizeof(int))];
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};

    memset(space, 0, sizeof(space));
    if (control >= 0) {
        struct cmsghdr *rights;
        header.msg_control = space;
        header.msg_controllen = sizeof(space);
        rights = CMSG_FIRSTHDR(&header);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(rights), &control, sizeof(int));
    }
    while (sendmsg(fd, &header, MSG_NOSIGNAL) < 0)
        if (errno != EINTR)
            return errno == EMSGSIZE ? OTEL_ERR_LIMIT : OTEL_ERR_CLOSED;
    return OTEL_OK;
}

static enum otel_err receive(int fd, int flags, struct hx_guardian_message *ret)
{
    ssize_t got;

    do {
        got = recv(fd, ret, sizeof(*ret), flags);
    } while (got < 0 && errno == EINTR);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return OTEL_ERR_BLOCKED;
    return got == (ssize_t)sizeof(*ret) ? OTEL_OK : OTEL_ERR_CLOSED;
}

enum otel_err hx_guardian_spawn(struct hx_guardian *guardian, const struct hx_spawn *spawn,
                                pid_t *ret_pid, struct otl_detail *reterr)
{
    struct hx_guardian_message answer;
    struct otl_buf packet;
    enum otel_err err;

    otl_buf_init(&packet, HX_GUARDIAN_PACKET_MAX);
    err = pack(spawn, &packet);
    if (err == OTEL_OK)
        err = send_packet(guardian->call_fd, packet.data, packet.len, spawn->control);
    otl_buf_fini(&packet);
    if (spawn->control >= 0)
        close(spawn->control);
    if (err == OTEL_OK)
        err = receive(guardian->call_fd, 0, &answer);
    if (err != OTEL_OK)
        return otl_detail_set(reterr, err, spawn->argv[0], 0, 0, "cannot be started: %s",
                              otel_err_text(err));
    if (answer.value == E2BIG)
        return otl_detail_set(reterr, OTEL_ERR_LIMIT, spawn->argv[0], 0, 0,
                              "cannot be started: more than %d children", HX_GUARDIAN_CHILDREN);
    if (answer.value != 0)
        return otl_detail_set(reterr, OTEL_ERR_IO, spawn->argv[0], 0, 0, "cannot be started: %s",
                              strerror(answer.value));
    *ret_pid = answer.pid;
    return OTEL_OK;
}

enum otel_err hx_guardian_signal(struct hx_guardian *guardian, uint32_t id, int signal)
{
    struct hx_guardian_message message = {.what = HX_GUARDIAN_SIGNAL, .id = id, .value = signal};

    return send_packet(guardian->call_fd, &message, sizeof(message), -1);
}

enum otel_err hx_guardian_next(struct hx_guardian *guardian, struct hx_child_exit *ret)
{
    struct hx_guardian_message message;
    enum otel_err err = receive(guardian->fd, MSG_DONTWAIT, &message);

    if (err != OTEL_OK)
        return err;
    ret->id = message.id;
    ret->code = WIFEXITED(message.value) ? WEXITSTATUS(message.value) : -1;
    ret->signal = WIFSIGNALED(message.value) ? WTERMSIG(message.value) : 0;
    ret->cpu_ns = message.cpu_ns;
    ret->rss_peak_bytes = message.rss_peak_bytes;
    return OTEL_OK;
}

void hx_guardian_stop(struct hx_guardian *guardian)
{
    if (guardian == NULL || guardian->fd < 0)
        return;
    close(guardian->call_fd);
    close(guardian->fd);
    guardian->fd = -1;
    while (waitpid(guardian->pid, NULL, 0) < 0 && errno == EINTR)
        ;
}
