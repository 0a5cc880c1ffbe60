/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/load/tests/test_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ID_NAME "tracerig-request: "

static const char GOOD[] = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";

static void must(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "test server: %s: %s\n", what, strerror(errno));
        abort();
    }
}

static const char *answer_of(struct test_server *server)
{
    switch (server->kind) {
    case SERVER_CHUNKED:
        return "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n"
               "0\r\n\r\n";
    case SERVER_CLOSING:
        return "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhello";
    case SERVER_ERRORS:
        return server->requests % 2 == 0 ? "HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n" : GOOD;
    case SERVER_DROPS:
        return server->requests % 5 == 0 ? NULL : GOOD;
    case SERVER_GARBAGE:
        return "SSH-2.0-OpenSSH\r\n";
    case SERVER_SILENT:
        return "";
    case SERVER_FAST:
    case SERVER_STALLS:
        return GOOD;
    }
    return NULL;
}

static void stall(const struct test_server *server)
{
    struct timespec time = {server->stall_ms / 1000, (server->stall_ms % 1000) * 1000000L};

    if (server->kind == SERVER_STALLS && server->requests == 20)
        nanosleep(&time, NULL);
}

static void note(struct test_server *server, const char *bytes, size_t len)
{
    const char *id = memmem(bytes, len, ID_NAME, sizeof(ID_NAME) - 1);

    if (server->requests == 0)
        snprintf(server->first, sizeof(server->first), "%.*s", (int)len, bytes);
    if (id != NULL && server->requests < TEST_SERVER_IDS)
        server->ids[server->requests] = strtoull(id + sizeof(ID_NAME) - 1, NULL, 16);
    server->requests++;
    server->bytes += len;
}

/* One request (the tests' requests fit one segment). False: close the connection. */
static bool serve(struct test_server *server, int fd)
{
    char bytes[4096];
    ssize_t n = recv(fd, bytes, sizeof(bytes), 0);
    const char *answer;

    if (n <= 0)
        return false;
    note(server, bytes, (size_t)n);
    stall(server);
    answer = answer_of(server);
    if (answer == NULL)
        return false;
    if (*answer != '\0' && send(fd, answer, strlen(answer), MSG_NOSIGNAL) < 0)
        return false;
    return server->kind != SERVER_CLOSING;
}

static void serve_ready(struct test_server *server, struct pollfd *fds, size_t *count)
{
    for (size_t i = *count; i-- > 2;)
        if (fds[i].revents != 0 && !serve(server, fds[i].fd)) {
            close(fds[i].fd);
            fds[i] = fds[--*count];
        }
    if (fds[1].revents != 0 && *count < TEST_SERVER_CONNECTIONS) {
        fds[*count] = (struct pollfd){accept(server->listener, NULL, NULL), POLLIN, 0};
        must(fds[*count].fd >= 0, "accept");
        ++*count;
    }
}

static void *run(void *arg)
{
    struct test_server *server = arg;
    struct pollfd fds[TEST_SERVER_CONNECTIONS];
    size_t count = 2;

    fds[0] = (struct pollfd){server->stop_pipe[0], POLLIN, 0};
    fds[1] = (struct pollfd){server->listener, POLLIN, 0};
    while (poll(fds, count, -1) > 0 && fds[0].revents == 0)
        serve_ready(server, fds, &count);
    for (size_t i = 2; i < count; i++)
        close(fds[i].fd);
    return NULL;
}

static int bound_socket(struct hx_address *address)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in at;

    memset(&at, 0, sizeof(at));
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    must(fd >= 0 && bind(fd, (const struct sockaddr *)&at, sizeof(at)) == 0, "bind");
    memset(address, 0, sizeof(*address));
    address->len = sizeof(address->bytes);
    must(getsockname(fd, (struct sockaddr *)&address->bytes, &address->len) == 0, "getsockname");
    return fd;
}

void test_server_start(struct test_server *server, enum test_server_kind kind, int stall_ms)
{
    memset(server, 0, sizeof(*server));
    server->kind = kind;
    server->stall_ms = stall_ms;
    server->listener = bound_socket(&server->address);
    must(listen(server->listener, 128) == 0, "listen");
    must(pipe(server->stop_pipe) == 0, "pipe");
    must(pthread_create(&server->thread, NULL, run, server) == 0, "thread");
}

void test_server_stop(struct test_server *server)
{
    must(write(server->stop_pipe[1], "x", 1) == 1, "write");
    pthread_join(server->thread, NULL);
    close(server->stop_pipe[0]);
    close(server->stop_pipe[1]);
    close(server->listener);
}

struct hx_address test_refusing_address(int *ret_fd)
{
    struct hx_address address;

    *ret_fd = bound_socket(&address);
    return address;
}
