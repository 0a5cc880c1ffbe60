/* SPDX-License-Identifier: Apache-2.0 */
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

#include "collector-mock/grpc/tests/world.h"
#include "sdk/base/mem.h"

/* Limits, floods and memory. */

/* ---- limits ---- */

static void one_connection(struct col_grpc_options *options)
{
    options->max_connections = 1;
}

static void connections_over_the_limit_are_closed(void **state)
{
    struct ask ask = {.path = "/echo", SAY("\0\0\0\0\0")};
    struct client first, second;
    struct world world;

    (void)state;
    world_open(&world, one_connection);
    world_join(&world, &first);
    assert_int_equal(client_call(&first, &ask), 0);
    world_join(&world, &second);
    assert_true(client_until(&second, &second.dead));
    assert_true(second.dead);
    assert_int_equal(col_grpc_counters(world.server)->connections_refused, 1);
    assert_int_equal(client_call(&first, &ask), 0);
    client_close(&first);
    client_close(&second);
    world_close(&world);
}

static void heads_over_the_limit_are_refused(void **state)
{
    static char large[20000];
    struct ask ask = {.path = "/echo", .extra = large, SAY("\0\0\0\0\0")};
    struct client client;
    struct world world;
    struct call *call;

    (void)state;
    memset(large, 'a', sizeof(large) - 1);
    world_open(&world, NULL);
    world_join(&world, &client);
    call = client_ask(&client, &ask);
    client_wait(&client, call);
    assert_int_equal(call->code, 8);
    assert_string_equal(call->text, "the header list is too large");
    ask.extra = "small";
    assert_int_equal(client_call(&client, &ask), 0);
    client_close(&client);
    world_close(&world);
}

static void little_budget(struct col_grpc_options *options)
{
    options->budget->max = 9 << 20;
}

/* Three messages of 3 MiB in a budget of 9: two are admitted, all arrive. */
static void long_messages_wait_for_room_in_the_budget(void **state)
{
    const size_t len = 3 << 20;
    char *body = calloc(1, len + 5);
    struct ask ask = {.path = "/echo", .body = body, .len = len + 5};
    struct ask half = {.path = "/echo", .body = body, .len = 1000, .open = true};
    struct client clients[3];
    struct world world;
    struct call *calls[2];

    (void)state;
    assert_non_null(body);
    memcpy(body, "\0\0\60\0\0", 5);
    world_open(&world, little_budget);
    for (int i = 0; i < 2; i++) {
        world_join(&world, &clients[i]);
        calls[i] = client_ask(&clients[i], &half); /* admitted, and slow */
        world_begun(&world, &clients[i]);
    }
    world_join(&world, &clients[2]);
    assert_int_equal(col_grpc_counters(world.server)->parked, 0);
    client_ask(&clients[2], &ask);
    for (int i = 0; i < 5000 && col_grpc_counters(world.server)->parked == 0; i++) {
        client_turn(&clients[2]);
        poll(NULL, 0, 1);
    }
    /* of 3 + 3 MiB six are taken; the third waits with one window of its message */
    assert_int_equal(col_grpc_counters(world.server)->parked, 1);
    assert_true(world.budget.used <= world.budget.max);
    for (int i = 0; i < 2; i++) {
        calls[i]->left = len + 5 - 1000;
        calls[i]->open = false;
        nghttp2_session_resume_data(clients[i].session, calls[i]->id);
    }
    for (int i = 0; i < 3; i++) {
        client_wait(&clients[i], clients[i].calls[0]);
        assert_int_equal(clients[i].calls[0]->code, 0);
        assert_int_equal(clients[i].calls[0]->body.len, len + 5);
    }
    for (int i = 0; i < 3; i++)
        client_close(&clients[i]);
    world_close(&world);
    free(body);
}

/* What can not even wait is told to come later; the budget is never exceeded. */
static void a_spent_budget_is_unavailable(void **state)
{
    const size_t len = 3 << 20;
    char *body = calloc(1, len + 5);
    struct ask ask = {.path = "/echo", .body = body, .len = 900000, .open = true};
    struct client client;
    struct world world;
    unsigned unavailable = 0;

    (void)state;
    assert_non_null(body);
    memcpy(body, "\0\0\60\0\0", 5);
    world_open(&world, little_budget);
    world_join(&world, &client);
    for (int i = 0; i < 12; i++) {
        client_ask(&client, &ask);
        client_turn(&client);
        assert_true(world.budget.used <= world.budget.max);
    }
    for (int turn = 0; turn < 5000 && unavailable < 12 - 2 - 2; turn++) {
        client_turn(&client);
        poll(NULL, 0, 1);
        unavailable = 0;
        for (size_t i = 0; i < client.count; i++)
            unavailable += client.calls[i]->code == 14;
    }
    assert_int_equal(unavailable, 12 - 2 - 2); /* two admitted, two parked */
    world.now_ns += 31 * OTL_NS_PER_S;
    world_sweep(&world);
    client_wait_all(&client);
    client_close(&client);
    world_close(&world);
    free(body);
}

/* ---- floods ---- */

enum flood { PINGS, SETTINGS, RESETS, WINDOWS };

/* Its sweep, which forgives some frames each second, does not come: how fast the test is does not
 * matter. */
static void open_unforgiving(struct world *world)
{
    world_open(world, NULL);
    assert_int_equal(event_del(world->server->sweep), 0);
}

static void flood_with(struct client *client, enum flood flood)
{
    static const nghttp2_settings_entry entry = {NGHTTP2_SETTINGS_ENABLE_PUSH, 0};
    struct ask ask = {.path = "/late", .open = true};
    struct call *call;

    switch (flood) {
    case PINGS:
        nghttp2_submit_ping(client->session, NGHTTP2_FLAG_NONE, NULL);
        return;
    case SETTINGS:
        nghttp2_submit_settings(client->session, NGHTTP2_FLAG_NONE, &entry, 1);
        return;
    case RESETS:
        call = client_ask(client, &ask);
        client_turn(client);
        nghttp2_submit_rst_stream(client->session, NGHTTP2_FLAG_NONE, call->id, NGHTTP2_CANCEL);
        return;
    case WINDOWS:
        nghttp2_submit_window_update(client->session, NGHTTP2_FLAG_NONE, 0, 1);
        return;
    }
}

static void floods_end_the_connection(void **state)
{
    static const enum flood floods[] = {PINGS, SETTINGS, RESETS, WINDOWS};
    struct ask ask = {.path = "/echo", SAY("\0\0\0\0\0")};

    (void)state;
    for (size_t i = 0; i < sizeof(floods) / sizeof(floods[0]); i++) {
        struct client client, other;
        struct world world;

        open_unforgiving(&world);
        world_join(&world, &client);
        world_join(&world, &other);
        client_turn(&client);
        for (int k = 0; k < 3000 && !client.dead; k++) {
            flood_with(&client, floods[i]);
            if (k % 16 == 0)
                client_turn(&client);
        }
        assert_true(client_until(&client, &client.dead));
        if (client.goaway_code != NGHTTP2_ENHANCE_YOUR_CALM)
            fail_msg("flood %zu: %u goaways, code %u", i, client.goaways, client.goaway_code);
        assert_int_equal(col_grpc_counters(world.server)->floods, 1);
        assert_int_equal(col_grpc_counters(world.server)->connections_broken, 1);
        assert_int_equal(client_call(&other, &ask), 0); /* others do not notice */
        client_close(&client);
        client_close(&other);
        world_close(&world);
    }
}

/* Frames that nghttp2's client would not send, by hand. */
static void raw_floods_end_the_connection(void **state)
{
    static const struct {
        const char *name, *first;
        size_t first_len;
        const char *then;
        size_t then_len;
    } cases[] = {
        /* HEADERS of a request that is open, then empty DATA */
        {"empty DATA", "\0\0\4\1\4\0\0\0\1\203\206\204\101", 12,
         "\0\0\0\0\0\0\0\0\1", 9},
        /* HEADERS without END_HEADERS, then CONTINUATION without end */
        {"CONTINUATION", "\0\0\1\1\0\0\0\0\1\203", 10, "\0\0\0\11\0\0\0\0\1", 9},
        {"PRIORITY", "", 0, "\0\0\5\2\0\0\0\0\3\0\0\0\1\20", 14},
    };
    static const char hello[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0";
    struct world world;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int sent = 0, fd;

        open_unforgiving(&world);
        fd = world_dial(&world);
        assert_true(send(fd, hello, sizeof(hello) - 1, MSG_NOSIGNAL) > 0);
        if (cases[i].first_len > 0)
            assert_true(send(fd, cases[i].first, cases[i].first_len, MSG_NOSIGNAL) > 0);
        for (; sent < 100000; sent++) {
            if (send(fd, cases[i].then, cases[i].then_len, MSG_NOSIGNAL) < 0)
                break;
            if (sent % 100 == 0)
                world_pump(&world);
            if (col_grpc_counters(world.server)->connections_broken > 0)
                break;
        }
        if (sent == 100000)
            fail_msg("%s: 100,000 frames were taken", cases[i].name);
        close(fd);
        world_close(&world);
    }
}

/* ---- memory ---- */

/* All that the client has sent is with the server, or the server has closed the connection: then
 * whatever it allocates for it is allocated. */
static void until_taken(struct world *world, const struct client *client, uint64_t before)
{
    const struct col_grpc_counters *counters = col_grpc_counters(world->server);
    struct pollfd p = {client->fd, POLLRDHUP, 0};

    for (int i = 0; i < 5000 && counters->bytes_received - before < client->sent; i++) {
        world_pump(world);
        if (poll(&p, 1, 1) == 1)
            break;
    }
    assert_true(counters->bytes_received - before == client->sent || p.revents != 0);
    for (int i = 0; i < 20; i++)
        world_pump(world); /* what is left to do needs nobody else */
}

/* Each allocation of a connection's life fails in its turn; the next connection is served. */
static void a_failing_allocation_costs_one_connection_at_most(void **state)
{
    struct ask ask = {.path = "/echo", SAY("\0\0\0\0\5hello")};
    struct ask wrong = {.path = "/fail", .timeout = "5S", SAY("\0\0\0\0\5hello")};
    struct world world;
    bool served = false;

    (void)state;
    world_open(&world, NULL);
    for (unsigned long n = 1; n < 200 && !served; n++) {
        struct client client, next;
        struct call *first, *second;
        uint64_t before = col_grpc_counters(world.server)->bytes_received;

        world_join(&world, &client);
        client.pump = NULL; /* the client's own allocations are not the point */
        first = client_ask(&client, &ask);
        second = client_ask(&client, &wrong);
        client_turn(&client);
        otl_mem_fail_at(n);
        until_taken(&world, &client, before);
        otl_mem_fail_at(0);
        client.pump = world_pump;
        for (int i = 0; i < 5000 && !client.dead && !(first->closed && second->closed); i++) {
            client_turn(&client);
            poll(NULL, 0, 1);
        }
        served = first->code == 0 && second->code == 10;
        if (!served && !client.dead)
            assert_true(first->closed && second->closed);
        client_close(&client);
        world_join(&world, &next);
        assert_int_equal(client_call(&next, &ask), 0);
        assert_int_equal(client_call(&next, &wrong), 10);
        client_close(&next);
        while (world.server->conns != NULL)
            world_pump(&world);
        assert_int_equal(world.budget.used, 0);
        for (size_t i = 0; i < world.server->spare_count; i++) /* so that the next one allocates */
            otl_buf_fini(&world.server->spare[i]);
        world.server->spare_count = 0;
        if (n == 1)
            assert_false(served);
    }
    assert_true(served);
    world_close(&world);
}

static void a_failing_allocation_at_the_start_is_said(void **state)
{
    struct col_budget budget = {64 << 20, 0};
    struct event_base *base = event_base_new();
    struct col_grpc_options options;
    struct col_grpc_server *server;

    (void)state;
    col_grpc_options_init(&options);
    options.base = base;
    options.clock = world_clock();
    options.budget = &budget;
    for (unsigned long n = 1; n <= 2; n++) {
        struct otl_detail detail = OTL_DETAIL_NONE;
        otl_mem_fail_at(n);
        assert_int_equal(col_grpc_new(&options, &server, &detail), OTEL_ERR_MEMORY);
        otl_mem_fail_at(0);
    }
    options.max_message_bytes = 33 << 20;
    assert_int_equal(col_grpc_new(&options, &server, NULL), OTEL_ERR_ARGUMENT);
    event_base_free(base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connections_over_the_limit_are_closed),
        cmocka_unit_test(heads_over_the_limit_are_refused),
        cmocka_unit_test(long_messages_wait_for_room_in_the_budget),
        cmocka_unit_test(a_spent_budget_is_unavailable),
        cmocka_unit_test(floods_end_the_connection),
        cmocka_unit_test(raw_floods_end_the_connection),
        cmocka_unit_test(a_failing_allocation_costs_one_connection_at_most),
        cmocka_unit_test(a_failing_allocation_at_the_start_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
