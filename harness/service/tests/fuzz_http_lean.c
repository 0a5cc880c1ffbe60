/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever bytes arrive on a connection of the lean server: it answers, waits or closes. */
#include <arpa/inet.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness/service/carrier.h"
#include "harness/service/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
    struct event_base *base;
    struct hx_http_server *server;
    struct otl_arena arena;
};

static void on_request(void *arg, struct hx_http_request *request)
{
    struct world *w = arg;
    struct hx_carrier carrier;
    struct hx_led_headers headers;
    uint64_t number, seq;

    hx_carrier_init(&carrier, &w->arena);
    hx_http_headers(request, hx_carrier_add_header, &carrier);
    hx_carrier_headers(&carrier, &headers);
    (void)hx_request_header_read(&carrier, &number, &seq);
    if (hx_http_path(request).len > HX_HTTP_MAX_HEADER_BYTES + 65536)
        abort();
    hx_http_reply(request, hx_http_method(request).len == 4 ? 200 : 404, otl_view_str("ok\n"));
    otl_arena_reset(&w->arena);
}

static struct world *open_world(void)
{
    static struct world w;
    struct hx_http_server_options options;

    if (w.base != NULL)
        return &w;
    w.base = event_base_new();
    otl_arena_init(&w.arena, 1 << 20);
    options = (struct hx_http_server_options){w.base, "127.0.0.1", 0, on_request, &w};
    if (hx_http_lean.server_new(&options, &w.server, NULL) != OTEL_OK)
        abort();
    return &w;
}

/* The first byte cuts the input into two pieces that arrive one after the other. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct world *w = open_world();
    struct sockaddr_in name = {.sin_family = AF_INET};
    size_t first = size != 0 ? data[0] % size : 0;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    name.sin_port = htons(hx_http_lean.server_port(w->server));
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || connect(fd, (struct sockaddr *)&name, sizeof(name)) != 0)
        abort();
    if (size != 0) {
        (void)!send(fd, data + 1, first, MSG_NOSIGNAL);
        event_base_loop(w->base, EVLOOP_NONBLOCK);
        event_base_loop(w->base, EVLOOP_NONBLOCK);
        (void)!send(fd, data + 1 + first, size - 1 - first, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    event_base_loop(w->base, EVLOOP_NONBLOCK);
    close(fd);
    for (int i = 0; i < 4; i++)
        event_base_loop(w->base, EVLOOP_NONBLOCK);
    return 0;
}
