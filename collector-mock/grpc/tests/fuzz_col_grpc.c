/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "collector-mock/grpc/conn.h"

/*
 * Any bytes on a connection of a real server, over a socket pair. Where they do not begin with
 * HTTP/2's preface they are sent behind it and an empty SETTINGS, so that frames are what is
 * tried. A request for /late is answered only when the loop has nothing else to do. Afterwards no
 * connection may be left, and the budget is whole.
 */

enum { SIZE_MAX_HERE = 60000, ROUNDS = 400, LATE_MAX = 64 };

static struct col_grpc_request *late[LATE_MAX];
static size_t late_count;
static unsigned handed, answered;

static void reply(struct col_grpc_request *request)
{
    struct col_grpc_answer answer = {.message = request->message};

    if (request->compressed)
        answer = (struct col_grpc_answer){.code = COL_GRPC_UNAVAILABLE,
                                          .text = request->message,
                                          .details = request->message};
    col_grpc_answer(request, &answer);
}

static void on_request(void *context, struct col_grpc_request *request)
{
    (void)context;
    handed++;
    if (otl_view_is(request->path, "/late") && late_count < LATE_MAX)
        late[late_count++] = request;
    else if (otl_view_is(request->path, "/never"))
        col_grpc_abandon(request);
    else
        reply(request);
}

static void on_answered(void *context, const struct col_grpc_request *request,
                        enum col_grpc_code code, bool sent)
{
    (void)context;
    (void)request;
    (void)code;
    (void)sent;
    answered++;
}

static void drive(struct event_base *base, struct col_grpc_server *server, int fd)
{
    char sink[4096];

    for (int i = 0; i < ROUNDS && server->conns != NULL; i++) {
        event_base_loop(base, EVLOOP_NONBLOCK);
        while (recv(fd, sink, sizeof(sink), 0) > 0)
            continue;
        while (late_count > 0)
            reply(late[--late_count]);
    }
}

static void say(int fd, const void *data, size_t size)
{
    if (size > 0 && send(fd, data, size, MSG_NOSIGNAL) < 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char hello[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0";
    struct col_budget budget = {1 << 20, 0};
    struct event_base *base = event_base_new();
    struct col_grpc_options options;
    struct col_grpc_server *server;
    int pair[2];

    if (base == NULL || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) != 0)
        abort();
    col_grpc_options_init(&options);
    options.base = base;
    options.clock = otl_clock_real();
    options.budget = &budget;
    options.max_message_bytes = 10000;
    options.on_request = on_request;
    options.on_answered = on_answered;
    late_count = handed = answered = 0;
    if (col_grpc_new(&options, &server, NULL) != OTEL_OK)
        abort();
    col_grpc_take(server, pair[0]);
    if (size < 3 || memcmp(data, "PRI", 3) != 0)
        say(pair[1], hello, sizeof(hello) - 1);
    say(pair[1], data, size > SIZE_MAX_HERE ? SIZE_MAX_HERE : size);
    shutdown(pair[1], SHUT_WR);
    drive(base, server, pair[1]);
    if (server->conns != NULL || budget.used != 0 || server->parked_bytes != 0 ||
        handed != answered)
        abort();
    close(pair[1]);
    col_grpc_free(server);
    event_base_free(base);
    return 0;
}
