/* SPDX-License-Identifier: Apache-2.0 */
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

#include "collector-mock/grpc/conn.h"
#include "collector-mock/grpc/tests/client.h"
#include "sdk/base/mem.h"

/* The server by itself, in this process, with a clock that the test moves. */

struct world {
    struct event_base *base;
    struct col_grpc_server *server;
    struct col_budget budget;
    uint64_t now_ns;
    struct col_grpc_request *held[8]; /* for /late, not yet answered */
    size_t held_count;
    unsigned requests, answered, unsent, refused, drained;
    bool flag;
};

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

static void open_world(struct world *world, void (*change)(struct col_grpc_options *))
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

static void close_world(struct world *world)
{
    col_grpc_free(world->server);
    assert_int_equal(world->budget.used, 0);
    event_base_free(world->base);
}

static void pump(void *context)
{
    event_base_loop(((struct world *)context)->base, EVLOOP_NONBLOCK);
}

static int dial(const struct world *world)
{
    const char *colon = strrchr(col_grpc_address(world->server), ':');
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10))};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static void join(struct world *world, struct client *client)
{
    client_open(client, dial(world), pump, world);
}

/* Turn client and server until the counter has this value. */
static void turn(struct world *world, struct client *client, const unsigned *counter,
                 unsigned wanted)
{
    for (int i = 0; i < 5000 && *counter != wanted; i++) {
        client_turn(client);
        poll(NULL, 0, *counter == wanted ? 0 : 1);
    }
    (void)world;
    assert_int_equal(*counter, wanted);
}

static void sweep(struct world *world)
{
    struct col_h2_conn *next;

    for (struct col_h2_conn *conn = world->server->conns; conn != NULL; conn = next) {
        next = conn->next;
        col_h2_conn_sweep(conn, world->now_ns);
    }
}

/* Until the server has the beginning of the newest message. */
static void begun(struct world *world, struct client *client)
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

#define SAY(text) .body = (text), .len = sizeof(text) - 1

static void an_answer_carries_its_message_or_its_error(void **state)
{
    struct ask ask = {.path = "/echo", SAY("\0\0\0\0\3abc")};
    struct client client;
    struct world world;
    struct call *call;

    (void)state;
    open_world(&world, NULL);
    join(&world, &client);
    call = client_ask(&client, &ask);
    client_wait(&client, call);
    assert_int_equal(call->code, 0);
    assert_int_equal(call->body.len, 8);
    assert_memory_equal(call->body.data, "\0\0\0\0\3abc", 8);
    ask.path = "/fail";
    call = client_ask(&client, &ask);
    client_wait(&client, call);
    assert_int_equal(call->code, 10);
    assert_string_equal(call->text, "50 %25 of %C3%B6l%0A");
    assert_string_equal(call->details, "CAoSAXg");
    assert_int_equal(world.answered, 2);
    assert_int_equal(world.unsent, 0);
    client_close(&client);
    close_world(&world);
}

static void a_large_answer_needs_many_frames(void **state)
{
    struct client client;
    struct world world;
    struct otl_buf body;
    struct call *call;
    struct ask ask;

    (void)state;
    open_world(&world, NULL);
    join(&world, &client);
    otl_buf_init(&body, 4 << 20);
    assert_int_equal(otl_buf_reserve(&body, 300000), OTEL_OK);
    memset(body.data, 'x', 300000);
    memcpy(body.data, "\0\0\4\0\0", 5); /* 262144 */
    ask = (struct ask){.path = "/echo", .body = body.data, .len = 262144 + 5};
    call = client_ask(&client, &ask);
    client_wait(&client, call);
    assert_int_equal(call->code, 0);
    assert_int_equal(call->body.len, 262144 + 5);
    client_close(&client);
    close_world(&world);
    otl_buf_fini(&body);
}

static void answers_may_come_later_and_in_any_order(void **state)
{
    const struct col_grpc_answer answer = {.message = {"now", 3}};
    struct ask ask = {.path = "/late", SAY("\0\0\0\0\0")};
    struct client client;
    struct world world;

    (void)state;
    open_world(&world, NULL);
    join(&world, &client);
    for (int i = 0; i < 3; i++)
        client_ask(&client, &ask);
    turn(&world, &client, &world.requests, 3);
    for (int i = 2; i >= 0; i--) {
        col_grpc_answer(world.held[i], &answer);
        client_wait(&client, client.calls[i]);
        assert_int_equal(client.calls[i]->code, 0);
    }
    assert_int_equal(world.answered, 3);
    assert_int_equal(world.unsent, 0);
    client_close(&client);
    close_world(&world);
}

static void an_answer_to_nobody_is_reported_unsent(void **state)
{
    const struct col_grpc_answer answer = {.message = {"now", 3}};
    struct ask ask = {.path = "/late", SAY("\0\0\0\0\0")};
    struct linger reset = {1, 0};
    struct client client;
    struct world world;

    (void)state;
    open_world(&world, NULL);
    join(&world, &client);
    client_ask(&client, &ask);
    client_ask(&client, &ask);
    client_ask(&client, &ask);
    turn(&world, &client, &world.requests, 3);
    /* the stream is taken back */
    nghttp2_submit_rst_stream(client.session, NGHTTP2_FLAG_NONE, client.calls[0]->id,
                              NGHTTP2_CANCEL);
    client_turn(&client);
    col_grpc_answer(world.held[0], &answer);
    assert_int_equal(world.unsent, 1);
    /* the connection is gone */
    setsockopt(client.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    client_close(&client);
    for (int i = 0; i < 1000 && world.server->conns->fd >= 0; i++) {
        pump(&world);
        poll(NULL, 0, 1);
    }
    assert_int_equal(col_grpc_counters(world.server)->connections_open, 1);
    col_grpc_answer(world.held[1], &answer);
    col_grpc_abandon(world.held[2]);
    assert_int_equal(world.answered, 3);
    assert_int_equal(world.unsent, 3);
    assert_int_equal(col_grpc_counters(world.server)->connections_open, 0);
    close_world(&world);
}

static void an_abandoned_request_resets_its_connection(void **state)
{
    struct ask ask = {.path = "/late", SAY("\0\0\0\0\0")};
    struct client client;
    struct world world;

    (void)state;
    open_world(&world, NULL);
    join(&world, &client);
    client_ask(&client, &ask);
    client_ask(&client, &ask);
    turn(&world, &client, &world.requests, 2);
    col_grpc_abandon(world.held[0]);
    assert_true(client_until(&client, &client.dead));
    assert_true(client.dead);
    assert_int_equal(world.unsent, 1);
    col_grpc_abandon(world.held[1]);
    assert_int_equal(world.unsent, 2);
    assert_null(world.server->conns);
    client_close(&client);
    close_world(&world);
}

/* ---- time ---- */

static void deadlines_end_requests_that_are_not_whole(void **state)
{
    struct ask ask = {.path = "/echo", .timeout = "2S", .open = true, SAY("\0\0\0\0\3a")};
    struct client client;
    struct world world;
    struct call *call;

    (void)state;
    open_world(&world, NULL);
    join(&world, &client);
    call = client_ask(&client, &ask);
    begun(&world, &client);
    world.now_ns += OTL_NS_PER_S;
    sweep(&world);
    client_turn(&client);
    assert_false(call->closed);
    world.now_ns += OTL_NS_PER_S;
    sweep(&world);
    client_wait(&client, call);
    assert_int_equal(call->code, 4);
    assert_int_equal(call->reset, NGHTTP2_NO_ERROR);
    assert_int_equal(world.refused, 1);
    client_close(&client);
    close_world(&world);
}

static void a_deadline_rings_by_itself(void **state)
{
    struct ask ask = {.path = "/echo", .timeout = "50m", .open = true, SAY("\0\0\0\0\3a")};
    struct client client;
    struct world world;
    struct call *call;

    (void)state;
    open_world(&world, NULL);
    join(&world, &client);
    call = client_ask(&client, &ask);
    begun(&world, &client);
    assert_true(world.server->next_deadline_ns == world.now_ns + 50 * OTL_NS_PER_MS);
    world.now_ns += 60 * OTL_NS_PER_MS;
    client_wait(&client, call); /* in real time, within the second of the sweep or by its event */
    assert_int_equal(call->code, 4);
    client_close(&client);
    close_world(&world);
}

static void messages_that_stand_still_are_ended(void **state)
{
    struct ask ask = {.path = "/echo", .open = true, SAY("\0\0\0\0\3a")};
    struct client client;
    struct world world;
    struct call *call;

    (void)state;
    open_world(&world, NULL);
    join(&world, &client);
    call = client_ask(&client, &ask);
    begun(&world, &client);
    world.now_ns += 30 * OTL_NS_PER_S;
    sweep(&world);
    client_turn(&client);
    assert_false(call->closed);
    world.now_ns += OTL_NS_PER_S;
    sweep(&world);
    client_wait(&client, call);
    assert_int_equal(call->code, 4);
    assert_string_equal(call->text, "the message stands still");
    assert_int_equal(col_grpc_counters(world.server)->timeouts, 1);
    client_close(&client);
    close_world(&world);
}

static void heads_and_prefaces_that_do_not_come_close_the_connection(void **state)
{
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    static const struct {
        const char *said;
        size_t len;
    } cases[] = {
        {"", 0},
        {"PRI * HT", 8},
        {preface, 24},
        {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"
         "\0\0\4\1\0\0\0\0\1\202\206\204\101", /* HEADERS without END_HEADERS */
         24 + 9 + 13},
    };
    struct world world;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char sink[4096];
        ssize_t got = 1;
        int fd;

        open_world(&world, NULL);
        fd = dial(&world);
        assert_int_equal(send(fd, cases[i].said, cases[i].len, MSG_NOSIGNAL), cases[i].len);
        for (int k = 0; k < 1000 && (world.server->conns == NULL ||
                                     col_grpc_counters(world.server)->bytes_received <
                                         cases[i].len);
             k++) {
            pump(&world);
            poll(NULL, 0, 1);
        }
        world.now_ns += 9 * OTL_NS_PER_S;
        sweep(&world);
        assert_non_null(world.server->conns);
        world.now_ns += 2 * OTL_NS_PER_S;
        sweep(&world);
        assert_null(world.server->conns);
        assert_int_equal(col_grpc_counters(world.server)->timeouts, 1);
        while (got > 0)
            got = recv(fd, sink, sizeof(sink), 0);
        close(fd);
        close_world(&world);
    }
}

/* Who asks and does not read the answers is not read from, and in the end cut off. */
static void peers_that_do_not_read_are_cut_off(void **state)
{
    static char big[256 * 1024];
    struct col_grpc_answer answer = {.message = {big, sizeof(big)}};
    struct ask ask = {.path = "/late", SAY("\0\0\0\0\0")};
    struct client client;
    struct world world;
    int small = 4096;

    (void)state;
    open_world(&world, NULL);
    join(&world, &client);
    /* windows that never stop the server: only the socket does */
    assert_int_equal(nghttp2_session_set_local_window_size(client.session, 0, 0, 1 << 30), 0);
    assert_int_equal(
        nghttp2_submit_settings(
            client.session, 0,
            &(nghttp2_settings_entry){NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1 << 30}, 1),
        0);
    setsockopt(client.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    for (int i = 0; i < 8; i++)
        client_ask(&client, &ask);
    turn(&world, &client, &world.requests, 8);
    setsockopt(world.server->conns->fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
    for (int i = 0; i < 8; i++)
        col_grpc_answer(world.held[i], &answer);
    for (int i = 0; i < 20; i++)
        pump(&world);
    assert_true(world.answered < 8);
    assert_true(world.server->conns->out.len <= 128 * 1024); /* it is not gathered ahead */
    world.now_ns += 31 * OTL_NS_PER_S;
    sweep(&world);
    assert_null(world.server->conns);
    assert_int_equal(world.answered, 8);
    assert_true(world.unsent > 0);
    client_close(&client);
    close_world(&world);
}

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
    open_world(&world, one_connection);
    join(&world, &first);
    assert_int_equal(client_call(&first, &ask), 0);
    join(&world, &second);
    assert_true(client_until(&second, &second.dead));
    assert_true(second.dead);
    assert_int_equal(col_grpc_counters(world.server)->connections_refused, 1);
    assert_int_equal(client_call(&first, &ask), 0);
    client_close(&first);
    client_close(&second);
    close_world(&world);
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
    open_world(&world, NULL);
    join(&world, &client);
    call = client_ask(&client, &ask);
    client_wait(&client, call);
    assert_int_equal(call->code, 8);
    assert_string_equal(call->text, "the header list is too large");
    ask.extra = "small";
    assert_int_equal(client_call(&client, &ask), 0);
    client_close(&client);
    close_world(&world);
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
    struct call *call;

    (void)state;
    assert_non_null(body);
    memcpy(body, "\0\0\60\0\0", 5);
    open_world(&world, little_budget);
    join(&world, &clients[0]);
    call = client_ask(&clients[0], &half); /* admitted, and slow */
    begun(&world, &clients[0]);
    join(&world, &clients[1]);
    join(&world, &clients[2]);
    assert_int_equal(col_grpc_counters(world.server)->parked, 0);
    client_ask(&clients[1], &ask);
    client_turn(&clients[1]);
    client_ask(&clients[2], &ask);
    client_turn(&clients[2]);
    for (int i = 0; i < 50; i++) {
        client_turn(&clients[1]);
        client_turn(&clients[2]);
        poll(NULL, 0, 1);
    }
    /* of 3 + 3 MiB six are taken; the third waits with one window of its message */
    assert_int_equal(col_grpc_counters(world.server)->parked, 1);
    assert_true(world.budget.used <= world.budget.max);
    call->left = len + 5 - 1000;
    call->open = false;
    nghttp2_session_resume_data(clients[0].session, call->id);
    for (int i = 0; i < 3; i++) {
        client_wait(&clients[i], clients[i].calls[0]);
        assert_int_equal(clients[i].calls[0]->code, 0);
        assert_int_equal(clients[i].calls[0]->body.len, len + 5);
    }
    for (int i = 0; i < 3; i++)
        client_close(&clients[i]);
    close_world(&world);
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
    open_world(&world, little_budget);
    join(&world, &client);
    for (int i = 0; i < 12; i++) {
        client_ask(&client, &ask);
        client_turn(&client);
        assert_true(world.budget.used <= world.budget.max);
    }
    for (int i = 0; i < 50; i++) {
        client_turn(&client);
        poll(NULL, 0, 1);
    }
    for (size_t i = 0; i < client.count; i++)
        unavailable += client.calls[i]->code == 14;
    assert_int_equal(unavailable, 12 - 2 - 2); /* two admitted, two parked */
    world.now_ns += 31 * OTL_NS_PER_S;
    sweep(&world);
    client_wait_all(&client);
    client_close(&client);
    close_world(&world);
    free(body);
}

/* ---- floods ---- */

enum flood { PINGS, SETTINGS, RESETS, WINDOWS };

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

        open_world(&world, NULL);
        join(&world, &client);
        join(&world, &other);
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
        close_world(&world);
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

        open_world(&world, NULL);
        fd = dial(&world);
        assert_true(send(fd, hello, sizeof(hello) - 1, MSG_NOSIGNAL) > 0);
        if (cases[i].first_len > 0)
            assert_true(send(fd, cases[i].first, cases[i].first_len, MSG_NOSIGNAL) > 0);
        for (; sent < 100000; sent++) {
            if (send(fd, cases[i].then, cases[i].then_len, MSG_NOSIGNAL) < 0)
                break;
            if (sent % 100 == 0)
                pump(&world);
            if (col_grpc_counters(world.server)->connections_broken > 0)
                break;
        }
        if (sent == 100000)
            fail_msg("%s: 100,000 frames were taken", cases[i].name);
        close(fd);
        close_world(&world);
    }
}

/* ---- memory ---- */

/* Each allocation of a connection's life fails in its turn; the next connection is served. */
static void a_failing_allocation_costs_one_connection_at_most(void **state)
{
    struct ask ask = {.path = "/echo", SAY("\0\0\0\0\5hello")};
    struct ask wrong = {.path = "/fail", .timeout = "5S", SAY("\0\0\0\0\5hello")};
    struct world world;
    bool served = false;

    (void)state;
    open_world(&world, NULL);
    for (unsigned long n = 1; n < 200 && !served; n++) {
        struct client client, next;
        struct call *first, *second;

        join(&world, &client);
        client.pump = NULL; /* the client's own allocations are not the point */
        first = client_ask(&client, &ask);
        second = client_ask(&client, &wrong);
        client_turn(&client);
        otl_mem_fail_at(n);
        for (int i = 0; i < 20; i++)
            pump(&world);
        otl_mem_fail_at(0);
        client.pump = pump;
        for (int i = 0; i < 200 && !client.dead && !(first->closed && second->closed); i++) {
            client_turn(&client);
            poll(NULL, 0, 1);
        }
        served = first->code == 0 && second->code == 10;
        if (!served && !client.dead)
            assert_true(first->closed && second->closed);
        client_close(&client);
        join(&world, &next);
        assert_int_equal(client_call(&next, &ask), 0);
        assert_int_equal(client_call(&next, &wrong), 10);
        client_close(&next);
        while (world.server->conns != NULL)
            pump(&world);
        assert_int_equal(world.budget.used, 0);
        for (size_t i = 0; i < world.server->spare_count; i++) /* so that the next one allocates */
            otl_buf_fini(&world.server->spare[i]);
        world.server->spare_count = 0;
        if (n == 1)
            assert_false(served);
    }
    assert_true(served);
    close_world(&world);
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
    options.clock = &fake;
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

/* ---- the end ---- */

static void draining_closes_the_idle_and_finishes_the_busy(void **state)
{
    const struct col_grpc_answer answer = {.message = {"now", 3}};
    struct ask ask = {.path = "/echo", SAY("\0\0\0\0\0")};
    struct ask late = {.path = "/late", SAY("\0\0\0\0\0")};
    struct ask slow = {.path = "/echo", .open = true, SAY("\0\0\0\0\3a")};
    struct client idle, busy;
    struct world world;
    struct call *call;

    (void)state;
    open_world(&world, NULL);
    join(&world, &idle);
    assert_int_equal(client_call(&idle, &ask), 0);
    join(&world, &busy);
    client_ask(&busy, &late);
    call = client_ask(&busy, &slow);
    turn(&world, &busy, &world.requests, 2);
    col_grpc_drain(world.server, 5 * OTL_NS_PER_S);
    assert_true(client_until(&idle, &idle.dead));
    assert_int_equal(idle.goaways, 1);
    client_ask(&busy, &ask); /* it has not heard yet */
    client_wait(&busy, busy.calls[2]);
    assert_int_equal(busy.calls[2]->code, 0);
    assert_int_equal(world.drained, 0);
    call->data = "bc";
    call->left = 2;
    call->open = false;
    nghttp2_session_resume_data(busy.session, call->id);
    client_wait(&busy, call);
    assert_int_equal(call->code, 0);
    col_grpc_answer(world.held[0], &answer);
    client_wait(&busy, busy.calls[0]);
    assert_int_equal(busy.calls[0]->code, 0);
    assert_true(client_until(&busy, &busy.dead));
    assert_int_equal(busy.goaways, 2);
    assert_int_equal(busy.goaway_last, busy.calls[2]->id);
    turn(&world, &busy, &world.drained, 1);
    client_close(&idle);
    client_close(&busy);
    close_world(&world);
}

static void draining_gives_up_after_its_grace(void **state)
{
    struct ask slow = {.path = "/echo", .open = true, SAY("\0\0\0\0\3a")};
    struct client busy;
    struct world world;

    (void)state;
    open_world(&world, NULL);
    join(&world, &busy);
    client_ask(&busy, &slow);
    begun(&world, &busy);
    col_grpc_drain(world.server, 5 * OTL_NS_PER_S);
    sweep(&world);
    assert_int_equal(world.drained, 0);
    world.now_ns += 5 * OTL_NS_PER_S;
    sweep(&world);
    assert_int_equal(world.drained, 1);
    client_close(&busy);
    close_world(&world);
}

static void refusing_resets_and_listens_again(void **state)
{
    struct ask ask = {.path = "/echo", SAY("\0\0\0\0\0")};
    struct client client;
    struct world world;
    size_t reset = 0;

    (void)state;
    open_world(&world, NULL);
    join(&world, &client);
    assert_int_equal(client_call(&client, &ask), 0);
    assert_int_equal(col_grpc_refuse(world.server, true, &reset, NULL), OTEL_OK);
    assert_int_equal(reset, 1);
    assert_true(client_until(&client, &client.dead));
    client_close(&client);
    assert_int_equal(col_grpc_refuse(world.server, false, &reset, NULL), OTEL_OK);
    assert_int_equal(reset, 0);
    join(&world, &client);
    assert_int_equal(client_call(&client, &ask), 0);
    client_close(&client);
    close_world(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_carries_its_message_or_its_error),
        cmocka_unit_test(a_large_answer_needs_many_frames),
        cmocka_unit_test(answers_may_come_later_and_in_any_order),
        cmocka_unit_test(an_answer_to_nobody_is_reported_unsent),
        cmocka_unit_test(an_abandoned_request_resets_its_connection),
        cmocka_unit_test(deadlines_end_requests_that_are_not_whole),
        cmocka_unit_test(a_deadline_rings_by_itself),
        cmocka_unit_test(messages_that_stand_still_are_ended),
        cmocka_unit_test(heads_and_prefaces_that_do_not_come_close_the_connection),
        cmocka_unit_test(peers_that_do_not_read_are_cut_off),
        cmocka_unit_test(connections_over_the_limit_are_closed),
        cmocka_unit_test(heads_over_the_limit_are_refused),
        cmocka_unit_test(long_messages_wait_for_room_in_the_budget),
        cmocka_unit_test(a_spent_budget_is_unavailable),
        cmocka_unit_test(floods_end_the_connection),
        cmocka_unit_test(raw_floods_end_the_connection),
        cmocka_unit_test(a_failing_allocation_costs_one_connection_at_most),
        cmocka_unit_test(a_failing_allocation_at_the_start_is_said),
        cmocka_unit_test(draining_closes_the_idle_and_finishes_the_busy),
        cmocka_unit_test(draining_gives_up_after_its_grace),
        cmocka_unit_test(refusing_resets_and_listens_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
