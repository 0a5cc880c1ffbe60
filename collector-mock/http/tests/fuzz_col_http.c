/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "collector-mock/http/conn.h"

/* Any bytes on a connection of a real server, over a socket pair. A request for /late is answered
 * only when the loop has nothing else to do. Afterwards no connection may be left. */

enum { SIZE_MAX_HERE = 60000, ROUNDS = 400 };

static struct col_http_request *late;

static void reply(struct col_http_request *request)
{
    struct col_http_answer answer = {
        .status = 200, .content_type = "text/plain", .body = request->body};

    for (size_t i = 0; i < request->header_count; i++)
        if (memchr(request->headers[i].name.data, '\0', request->headers[i].name.len) != NULL)
            abort(); /* the parser lets no NUL into a name */
    col_http_answer(request, &answer);
}

static void on_request(void *context, struct col_http_request *request)
{
    (void)context;
    if (otl_view_is(request->path, "/late"))
        late = request;
    else
        reply(request);
}

static void on_answered(void *context, const struct col_http_request *request,
                        const struct col_http_answer *answer, bool sent)
{
    (void)context;
    (void)request;
    (void)answer;
    (void)sent;
}

/* Path and headers are those of this head or none: what stood in the one before has moved. */
static void on_refused(void *context, const struct col_http_request *request,
                       struct col_http_answer *answer)
{
    (void)context;
    if (otl_view_is(request->path, "/late"))
        answer->content_type = "text/html";
    if (col_http_header_of(request, "Content-Type").len > 0)
        answer->content_type = "text/css";
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct event_base *base = event_base_new();
    struct col_http_options options;
    struct col_http_server *server;
    char sink[4096];
    int pair[2];

    if (base == NULL || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) != 0)
        abort();
    col_http_options_init(&options);
    options.base = base;
    options.clock = otl_clock_real();
    options.max_body_bytes = 10000;
    options.on_request = on_request;
    options.on_answered = on_answered;
    options.on_refused = on_refused;
    late = NULL;
    if (col_http_new(&options, &server, NULL) != OTEL_OK)
        abort();
    col_http_take(server, pair[0]);
    if (send(pair[1], data, size > SIZE_MAX_HERE ? SIZE_MAX_HERE : size, MSG_NOSIGNAL) < 0 &&
        size > 0)
        abort();
    shutdown(pair[1], SHUT_WR);
    for (int i = 0; i < ROUNDS && server->conns != NULL; i++) {
        event_base_loop(base, EVLOOP_NONBLOCK);
        while (recv(pair[1], sink, sizeof(sink), 0) > 0)
            continue;
        if (late != NULL) {
            struct col_http_request *request = late;
            late = NULL;
            reply(request);
        }
    }
    if (server->conns != NULL || server->memory != 0)
        abort();
    close(pair[1]);
    col_http_free(server);
    event_base_free(base);
    return 0;
}
