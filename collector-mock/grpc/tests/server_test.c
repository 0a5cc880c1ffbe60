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

/* Answers, time and the end, with a clock that the test moves. */

static void an_answer_carries_its_message_or_its_error(void **state)
{
    struct ask ask = {.path = "/echo", SAY("\0\0\0\0\3abc")};
    struct client client;
    struct world world;
    struct call *call;

    (void)state;
    world_open(&world, NULL);
    world_join(&world, &client);
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
    world_close(&world);
}

static void a_large_answer_needs_many_frames(void **state)
{
    struct client client;
    struct world world;
    struct otl_buf body;
    struct call *call;
    struct ask ask;

    (void)state;
    world_open(&world, NULL);
    world_join(&world, &client);
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
    world_close(&world);
    otl_buf_fini(&body);
}

static void answers_may_come_later_and_in_any_order(void **state)
{
    const struct col_grpc_answer answer = {.message = {"now", 3}};
    struct ask ask = {.path = "/late", SAY("\0\0\0\0\0")};
    struct client client;
    struct world world;

    (void)state;
    world_open(&world, NULL);
    world_join(&world, &client);
    for (int i = 0; i < 3; i++)
        client_ask(&client, &ask);
    world_turn(&client, &world.requests, 3);
    for (int i = 2; i >= 0; i--) {
        col_grpc_answer(world.held[i], &answer);
        client_wait(&client, client.calls[i]);
        assert_int_equal(client.calls[i]->code, 0);
    }
    assert_int_equal(world.answered, 3);
    assert_int_equal(world.unsent, 0);
    client_close(&client);
    world_close(&world);
}

/* One of the first connection's streams was reset by its peer. */
static bool is_taken_back(const struct world *world)
{
    const struct col_stream *stream = world->server->conns->streams;

    while (stream != NULL && stream->open)
        stream = stream->next;
    return stream != NULL;
}

static void an_answer_to_nobody_is_reported_unsent(void **state)
{
    const struct col_grpc_answer answer = {.message = {"now", 3}};
    struct ask ask = {.path = "/late", SAY("\0\0\0\0\0")};
    struct linger reset = {1, 0};
    struct client client;
    struct world world;

    (void)state;
    world_open(&world, NULL);
    world_join(&world, &client);
    client_ask(&client, &ask);
    client_ask(&client, &ask);
    client_ask(&client, &ask);
    world_turn(&client, &world.requests, 3);
    /* the stream is taken back */
    nghttp2_submit_rst_stream(client.session, NGHTTP2_FLAG_NONE, client.calls[0]->id,
                              NGHTTP2_CANCEL);
    for (int i = 0; i < 5000 && !is_taken_back(&world); i++) {
        client_turn(&client);
        poll(NULL, 0, 1);
    }
    col_grpc_answer(world.held[0], &answer);
    assert_int_equal(world.unsent, 1);
    /* the connection is gone */
    setsockopt(client.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    client_close(&client);
    for (int i = 0; i < 5000 && world.server->conns->socket.fd >= 0; i++) {
        world_pump(&world);
        poll(NULL, 0, 1);
    }
    assert_int_equal(col_grpc_counters(world.server)->connections_open, 1);
    col_grpc_answer(world.held[1], &answer);
    col_grpc_abandon(world.held[2]);
    assert_int_equal(world.answered, 3);
    assert_int_equal(world.unsent, 3);
    assert_int_equal(col_grpc_counters(world.server)->connections_open, 0);
    world_close(&world);
}

static void an_abandoned_request_resets_its_connection(void **state)
{
    struct ask ask = {.path = "/late", SAY("\0\0\0\0\0")};
    struct client client;
    struct world world;

    (void)state;
    world_open(&world, NULL);
    world_join(&world, &client);
    client_ask(&client, &ask);
    client_ask(&client, &ask);
    world_turn(&client, &world.requests, 2);
    col_grpc_abandon(world.held[0]);
    assert_true(client_until(&client, &client.dead));
    assert_true(client.dead);
    assert_int_equal(world.unsent, 1);
    col_grpc_abandon(world.held[1]);
    assert_int_equal(world.unsent, 2);
    assert_null(world.server->conns);
    client_close(&client);
    world_close(&world);
}

/* ---- time ---- */

static void deadlines_end_requests_that_are_not_whole(void **state)
{
    struct ask ask = {.path = "/echo", .timeout = "2S", .open = true, SAY("\0\0\0\0\3a")};
    struct client client;
    struct world world;
    struct call *call;

    (void)state;
    world_open(&world, NULL);
    world_join(&world, &client);
    call = client_ask(&client, &ask);
    world_begun(&world, &client);
    world.now_ns += OTL_NS_PER_S;
    world_sweep(&world);
    client_turn(&client);
    assert_false(call->closed);
    world.now_ns += OTL_NS_PER_S;
    world_sweep(&world);
    client_wait(&client, call);
    assert_int_equal(call->code, 4);
    assert_int_equal(call->reset, NGHTTP2_NO_ERROR);
    assert_int_equal(world.refused, 1);
    client_close(&client);
    world_close(&world);
}

static void a_deadline_rings_by_itself(void **state)
{
    struct ask ask = {.path = "/echo", .timeout = "50m", .open = true, SAY("\0\0\0\0\3a")};
    struct client client;
    struct world world;
    struct call *call;

    (void)state;
    world_open(&world, NULL);
    world_join(&world, &client);
    call = client_ask(&client, &ask);
    world_begun(&world, &client);
    assert_true(world.server->next_deadline_ns == world.now_ns + 50 * OTL_NS_PER_MS);
    world.now_ns += 60 * OTL_NS_PER_MS;
    client_wait(&client, call); /* in real time, within the second of the sweep or by its event */
    assert_int_equal(call->code, 4);
    client_close(&client);
    world_close(&world);
}

static void messages_that_stand_still_are_ended(void **state)
{
    struct ask ask = {.path = "/echo", .open = true, SAY("\0\0\0\0\3a")};
    struct client client;
    struct world world;
    struct call *call;

    (void)state;
    world_open(&world, NULL);
    world_join(&world, &client);
    call = client_ask(&client, &ask);
    world_begun(&world, &client);
    world.now_ns += 30 * OTL_NS_PER_S;
    world_sweep(&world);
    client_turn(&client);
    assert_false(call->closed);
    world.now_ns += OTL_NS_PER_S;
    world_sweep(&world);
    client_wait(&client, call);
    assert_int_equal(call->code, 4);
    assert_string_equal(call->text, "the message stands still");
    assert_int_equal(col_grpc_counters(world.server)->timeouts, 1);
    client_close(&client);
    world_close(&world);
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

        world_open(&world, NULL);
        fd = world_dial(&world);
        assert_int_equal(send(fd, cases[i].said, cases[i].len, MSG_NOSIGNAL), cases[i].len);
        for (int k = 0; k < 1000 && (world.server->conns == NULL ||
                                     col_grpc_counters(world.server)->bytes_received <
                                         cases[i].len);
             k++) {
            world_pump(&world);
            poll(NULL, 0, 1);
        }
        world.now_ns += 9 * OTL_NS_PER_S;
        world_sweep(&world);
        assert_non_null(world.server->conns);
        world.now_ns += 2 * OTL_NS_PER_S;
        world_sweep(&world);
        assert_null(world.server->conns);
        assert_int_equal(col_grpc_counters(world.server)->timeouts, 1);
        while (got > 0)
            got = recv(fd, sink, sizeof(sink), 0);
        close(fd);
        world_close(&world);
    }
}

/* Windows that never stop the server: only the socket does. */
static void open_windows(struct client *client)
{
    const nghttp2_settings_entry window = {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1 << 30};

    assert_int_equal(nghttp2_session_set_local_window_size(client->session, 0, 0, 1 << 30), 0);
    assert_int_equal(nghttp2_submit_settings(client->session, 0, &window, 1), 0);
}

/* More than a connection keeps of what it says, for one that is always a little behind. */
static void an_answer_of_many_megabytes_arrives_whole(void **state)
{
    enum { LARGE = 9 << 20 };
    static char large[LARGE];
    const struct col_grpc_answer answer = {.message = {large, LARGE}};
    struct ask ask = {.path = "/late", SAY("\0\0\0\0\0")};
    struct client client;
    struct world world;
    struct call *call;
    int small = 4096;

    (void)state;
    world_open(&world, NULL);
    world.budget.max = 256 << 20;
    world_join(&world, &client);
    open_windows(&client);
    call = client_ask(&client, &ask);
    world_turn(&client, &world.requests, 1);
    setsockopt(world.server->conns->socket.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
    col_grpc_answer(world.held[0], &answer);
    client_wait(&client, call);
    assert_int_equal(call->code, 0);
    assert_int_equal(call->body.len, LARGE + 5);
    client_close(&client);
    world_close(&world);
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
    world_open(&world, NULL);
    world_join(&world, &client);
    open_windows(&client);
    setsockopt(client.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    for (int i = 0; i < 8; i++)
        client_ask(&client, &ask);
    world_turn(&client, &world.requests, 8);
    setsockopt(world.server->conns->socket.fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
    for (int i = 0; i < 8; i++)
        col_grpc_answer(world.held[i], &answer);
    for (int i = 0; i < 20; i++)
        world_pump(&world);
    assert_true(world.answered < 8);
    assert_true(world.server->conns->out.len <= 128 * 1024); /* it is not gathered ahead */
    world.now_ns += 31 * OTL_NS_PER_S;
    world_sweep(&world);
    assert_null(world.server->conns);
    assert_int_equal(world.answered, 8);
    assert_true(world.unsent > 0);
    client_close(&client);
    world_close(&world);
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
    world_open(&world, NULL);
    world_join(&world, &idle);
    assert_int_equal(client_call(&idle, &ask), 0);
    world_join(&world, &busy);
    client_ask(&busy, &late);
    call = client_ask(&busy, &slow);
    world_turn(&busy, &world.requests, 2);
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
    world_turn(&busy, &world.drained, 1);
    client_close(&idle);
    client_close(&busy);
    world_close(&world);
}

static void draining_gives_up_after_its_grace(void **state)
{
    struct ask slow = {.path = "/echo", .open = true, SAY("\0\0\0\0\3a")};
    struct client busy;
    struct world world;

    (void)state;
    world_open(&world, NULL);
    world_join(&world, &busy);
    client_ask(&busy, &slow);
    world_begun(&world, &busy);
    col_grpc_drain(world.server, 5 * OTL_NS_PER_S);
    world_sweep(&world);
    assert_int_equal(world.drained, 0);
    world.now_ns += 5 * OTL_NS_PER_S;
    world_sweep(&world);
    assert_int_equal(world.drained, 1);
    client_close(&busy);
    world_close(&world);
}

static void age(struct col_grpc_options *options)
{
    options->max_age_ns = 10 * OTL_NS_PER_S;
    options->max_age_grace_ns = 5 * OTL_NS_PER_S;
    options->max_idle_ns = 4 * OTL_NS_PER_S;
}

static void pass(struct world *world, unsigned seconds)
{
    for (unsigned i = 0; i < seconds; i++) {
        world->now_ns += OTL_NS_PER_S;
        world_sweep(world);
    }
}

/* An idle one goes at once, a busy one finishes what it has, and one that does not is closed. */
static void old_and_idle_connections_are_told_to_go(void **state)
{
    const struct col_grpc_answer answer = {.message = {"now", 3}};
    struct ask ask = {.path = "/echo", SAY("\0\0\0\0\0")};
    struct ask late = {.path = "/late", SAY("\0\0\0\0\0")};
    struct client idle, busy, stuck;
    struct world world;

    (void)state;
    world_open(&world, age);
    world_join(&world, &idle);
    assert_int_equal(client_call(&idle, &ask), 0);
    world_join(&world, &busy);
    client_ask(&busy, &late);
    world_turn(&busy, &world.requests, 2);
    pass(&world, 3);
    assert_int_equal(col_grpc_counters(world.server)->connections_retired, 0);
    pass(&world, 1); /* without a request for 4 s */
    assert_true(client_until(&idle, &idle.dead));
    assert_int_equal(idle.goaways, 1);
    assert_int_equal(col_grpc_counters(world.server)->connections_retired, 1);
    assert_int_equal(busy.goaways, 0);
    world_join(&world, &stuck);
    client_ask(&stuck, &late);
    world_turn(&stuck, &world.requests, 3);
    pass(&world, 6); /* the second one is 10 s old */
    assert_int_equal(col_grpc_counters(world.server)->connections_retired, 2);
    col_grpc_answer(world.held[0], &answer);
    client_wait(&busy, busy.calls[0]);
    assert_int_equal(busy.calls[0]->code, 0); /* what was begun is finished */
    assert_true(client_until(&busy, &busy.dead));
    assert_true(busy.goaways >= 1);
    pass(&world, 4);
    client_turn(&stuck);
    assert_int_equal(col_grpc_counters(world.server)->connections_retired, 3);
    assert_false(stuck.dead);
    pass(&world, 5);
    assert_true(client_until(&stuck, &stuck.dead));
    col_grpc_answer(world.held[1], &answer); /* to nobody */
    client_close(&idle);
    client_close(&busy);
    client_close(&stuck);
    world_close(&world);
}

static void refusing_resets_and_listens_again(void **state)
{
    struct ask ask = {.path = "/echo", SAY("\0\0\0\0\0")};
    struct client client;
    struct world world;
    size_t reset = 0;

    (void)state;
    world_open(&world, NULL);
    world_join(&world, &client);
    assert_int_equal(client_call(&client, &ask), 0);
    assert_int_equal(col_grpc_refuse(world.server, true, false, &reset, NULL), OTEL_OK);
    assert_int_equal(reset, 1);
    assert_true(client_until(&client, &client.dead));
    client_close(&client);
    assert_int_equal(col_grpc_refuse(world.server, false, false, &reset, NULL), OTEL_OK);
    assert_int_equal(reset, 0);
    world_join(&world, &client);
    assert_int_equal(client_call(&client, &ask), 0);
    client_close(&client);
    world_close(&world);
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
        cmocka_unit_test(an_answer_of_many_megabytes_arrives_whole),
        cmocka_unit_test(peers_that_do_not_read_are_cut_off),
        cmocka_unit_test(draining_closes_the_idle_and_finishes_the_busy),
        cmocka_unit_test(draining_gives_up_after_its_grace),
        cmocka_unit_test(old_and_idle_connections_are_told_to_go),
        cmocka_unit_test(refusing_resets_and_listens_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
