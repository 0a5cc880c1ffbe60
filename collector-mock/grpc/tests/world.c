/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/grpc/tests/world.h"

#include <arpa/inet.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>

static uint64_t fake_now(void *state)
{
    return ((struct world *)state)->now_ns;
}

static struct otl_clock fake = {fake_now, fake_now, NULL};

/* Answers with what came; /fail with a text that needs escapes, /late when the test says so. */
static void on_request(void *context, struct col_grpc_request *request)
{
    struct col_grpc_answer answer = {.message = request->message};
    struct world *world = context;

    world->requests++;
    if (otl_view_is(request->path, "/late")) {
        assert_true(world->held_count < 8);
        world->held[world->held_count++] = request;
        return;
    }
    if (otl_view_is(request->path, "/fail"))
        answer = (struct col_grpc_answer){.code = COL_GRPC_ABORTED,
                                          .text = otl_view_str("50 % of \303\266l\n"),
                                          .details = otl_view("\10\12\22\1x", 5)};
    col_grpc_answer(request, &answer);
}

static void on_answered(void *context, const struct col_grpc_request *request,
                        enum col_grpc_code code, bool sent)
{
    struct world *world = context;

    (void)request;
    (void)code;
    world->answered++;
    world->unsent += !sent;
}

static void on_refused(void *context, const struct col_grpc_request *request,
                       enum col_grpc_code code)
{
    (void)request;
    (void)code;
    ((struct world *)context)->refused++;
}

static void on_drained(void *context)
{
    ((struct world *)context)->drained++;
}

void world_open(struct world *world, void (*change)(struct col_grpc_options *))
{
    struct col_grpc_options options;
    struct otl_detail detail = OTL_DETAIL_NONE;

    memset(world, 0, sizeof(*world));
    world->now_ns = 1000 * OTL_NS_PER_S;
    world->budget.max = 64 << 20;
    world->base = event_base_new();
    assert_non_null(world->base);
    fake.state = world;
    col_grpc_options_init(&options);
    options.base = world->base;
    options.clock = &fake;
    options.budget = &world->budget;
    options.context = world;
    options.on_request = on_request;
    options.on_answered = on_answered;
    options.on_refused = on_refused;
    options.on_drained = on_drained;
    if (change != NULL)
        change(&options);
    if (col_grpc_new(&options, &world->server, &detail) != OTEL_OK)
        fail_msg("%s", detail.text);
}

void world_close(struct world *world)
{
    col_grpc_free(world->server);
    assert_int_equal(world->budget.used, 0);
    event_base_free(world->base);
}

void world_pump(void *context)
{
    event_base_loop(((struct world *)context)->base, EVLOOP_NONBLOCK);
}

int world_dial(const struct world *world)
{
    const char *colon = strrchr(col_grpc_address(world->server), ':');
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10))};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

void world_join(struct world *world, struct client *client)
{
    client_open(client, world_dial(world), world_pump, world);
}

void world_turn(struct client *client, const unsigned *counter, unsigned wanted)
{
    for (int i = 0; i < 5000 && *counter != wanted; i++) {
        client_turn(client);
        poll(NULL, 0, *counter == wanted ? 0 : 1);
    }
    assert_int_equal(*counter, wanted);
}

void world_sweep(struct world *world)
{
    event_active(world->server->sweep, EV_TIMEOUT, 0);
    world_pump(world);
}

void world_begun(struct world *world, struct client *client)
{
    bool there = false;

    for (int i = 0; i < 5000 && !there; i++) {
        client_turn(client);
        there = world->server->conns != NULL && world->server->conns->streams != NULL &&
                world->server->conns->streams->message.len > 0;
        poll(NULL, 0, there ? 0 : 1);
    }
    assert_true(there);
}

const struct otl_clock *world_clock(void)
{
    return &fake;
}
