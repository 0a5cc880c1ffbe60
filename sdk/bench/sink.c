/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/bench/sink.h"

#include <arpa/inet.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sdk/transport/tests/grpc_server.h"

enum { WINDOW = 1 << 20 }; /* as collector-mock's */

static void die(const char *what)
{
    fprintf(stderr, "sink: %s\n", what);
    exit(3);
}

/* One request after the other on one connection; only as much HTTP as our own client speaks. */
static void serve(int fd)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    static char bytes[4 << 20];
    size_t len = 0;

    for (;;) {
        ssize_t n = recv(fd, bytes + len, sizeof(bytes) - 1 - len, 0);
        char *end, *length;
        if (n <= 0)
            return;
        len += (size_t)n;
        bytes[len] = '\0';
        end = memmem(bytes, len, "\r\n\r\n", 4);
        length = end ? strstr(bytes, "Content-Length: ") : NULL;
        if (length == NULL || len < (size_t)(end + 4 - bytes) + strtoul(length + 16, NULL, 10))
            continue;
        len = 0;
        if (send(fd, answer, sizeof(answer) - 1, MSG_NOSIGNAL) < 0)
            return;
    }
}

pid_t sink_http(uint16_t *ret_port)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(in);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    pid_t child;

    if (fd < 0 || bind(fd, (struct sockaddr *)&in, sizeof(in)) != 0 || listen(fd, 4) != 0 ||
        getsockname(fd, (struct sockaddr *)&in, &len) != 0)
        die("no socket");
    *ret_port = ntohs(in.sin_port);
    child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;) {
            int connection = accept(fd, NULL, NULL);
            if (connection >= 0) {
                serve(connection);
                close(connection);
            }
        }
    }
    close(fd);
    return child;
}

pid_t sink_grpc(uint16_t *ret_port)
{
    int ready[2];
    pid_t child;

    if (pipe(ready) != 0)
        die("no pipe");
    child = fork();
    if (child == 0) {
        struct event_base *base = event_base_new();
        struct gsrv *server = gsrv_new(base);
        uint16_t port = gsrv_port(server);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        gsrv_window(server, WINDOW);
        if (write(ready[1], &port, sizeof(port)) != sizeof(port))
            _exit(3);
        event_base_dispatch(base);
        _exit(0);
    }
    if (child < 0 || read(ready[0], ret_port, sizeof(*ret_port)) != sizeof(*ret_port))
        die("no gRPC server");
    close(ready[0]);
    close(ready[1]);
    return child;
}

void sink_stop(pid_t sink)
{
    kill(sink, SIGKILL);
    waitpid(sink, NULL, 0);
}
