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

#include "collector-mock/http/conn.h"
#include "sdk/base/mem.h"

/* The server by itself, in this process, with a clock that the test moves. */

enum { ROUNDS_MAX = 5000 };

struct world {
    struct event_base *base;
    struct col_http_server *server;
    uint64_t now_ns;
    struct col_http_request *held; /* a request for /late, not yet answered */
    unsigned requests, answered, unsent, refused, drained, gone;
    unsigned last_refused;
    char last_body[64];
};

static uint64_t fake_now(void *state)
{
    return ((struct world *)state)->now_ns;
}

static void on_request(void *context, struct col_http_request *request)
{
    struct col_http_answer answer = {.status = 200, .body = request->body};
    struct world *world = context;

    world->requests++;
    if (otl_view_is(request->path, "/late"))
        world->held = request;
    else
        col_http_answer(request, &answer);
}

static void on_answered(void *context, const struct col_http_request *request,
                        const struct col_http_answer *answer, bool sent)
{
    struct world *world = context;

    (void)request;
    (void)answer;
    world->answered++;
    world->unsent += !sent;
}

static void on_refused(void *context, const struct col_http_request *request,
                       struct col_http_answer *answer)
{
    struct world *world = context;

    (void)request;
    world->refused++;
    world->last_refused = answer->status;
}

static void on_drained(void *context)
{
    ((struct world *)context)->drained++;
}

static void on_gone(void *context, struct col_http_request *request)
{
    struct world *world = context;

    assert_ptr_equal(request, world->held);
    world->gone++;
}

static struct otl_clock fake = {fake_now, fake_now, NULL};

static void open_world(struct world *world, void (*change)(struct col_http_options *))
{
    struct col_http_options options;
    struct otl_detail detail = OTL_DETAIL_NONE;

    memset(world, 0, sizeof(*world));
    world->now_ns = 1000 * OTL_NS_PER_S;
    world->base = event_base_new();
    assert_non_null(world->base);
    fake.state = world;
    col_http_options_init(&options);
    options.base = world->base;
    options.clock = &fake;
    options.context = world;
    options.on_request = on_request;
    options.on_answered = on_answered;
    options.on_refused = on_refused;
    options.on_drained = on_drained;
    options.on_gone = on_gone;
    if (change != NULL)
        change(&options);
    if (col_http_new(&options, &world->server, &detail) != OTEL_OK)
        fail_msg("%s", detail.text);
}

static void close_world(struct world *world)
{
    col_http_free(world->server);
    event_base_free(world->base);
}

static int dial(struct world *world)
{
    const char *colon = strrchr(col_http_address(world->server), ':');
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10))};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* Run the loop until something can be read from fd; returns what recv says, text in out. */
static ssize_t hear(struct world *world, int fd, char *out, size_t size)
{
    for (int i = 0; i < ROUNDS_MAX; i++) {
        struct pollfd p = {fd, POLLIN, 0};
        event_base_loop(world->base, EVLOOP_NONBLOCK);
        if (poll(&p, 1, 5) == 1) {
            ssize_t got = recv(fd, out, size - 1, 0);
            out[got > 0 ? got : 0] = '\0';
            return got;
        }
    }
    fail_msg("nothing was said");
    return -1;
}

static void turn(struct world *world, const unsigned *counter, unsigned wanted)
{
    for (int i = 0; i < ROUNDS_MAX && *counter != wanted; i++) {
        event_base_loop(world->base, EVLOOP_NONBLOCK);
        poll(NULL, 0, *counter == wanted ? 0 : 1);
    }
    assert_int_equal(*counter, wanted);
}

static void slow_heads_and_bodies_are_told_408(void **state)
{
    static const struct {
        const char *said;
        uint64_t wait_s;
        bool refused;
    } cases[] = {
        {"", 11, true},
        {"POST / HT", 11, true},
        {"POST / HTTP/1.1\r\nX: y\r\n", 11, true},
        {"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\n12345", 11, false},
        {"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\n12345", 31, true},
        {"GET / HTTP/1.1\r\n\r\n", 100000, false}, /* idle connections may stay */
    };
    struct world world;
    char text[512];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int fd;

        open_world(&world, NULL);
        fd = dial(&world);
        say(fd, cases[i].said);
        for (int k = 0; k < ROUNDS_MAX && col_http_counters(world.server)->bytes_received <
                                      strlen(cases[i].said);
             k++) {
            event_base_loop(world.base, EVLOOP_NONBLOCK);
            poll(NULL, 0, 1);
        }
        while (col_http_counters(world.server)->connections == 0)
            event_base_loop(world.base, EVLOOP_ONCE);
        if (strncmp(cases[i].said, "GET", 3) == 0)
            assert_true(hear(&world, fd, text, sizeof(text)) > 0);
        world.now_ns += cases[i].wait_s * OTL_NS_PER_S;
        if (cases[i].refused) {
            assert_true(hear(&world, fd, text, sizeof(text)) > 0);
            assert_non_null(strstr(text, "HTTP/1.1 408 Request Timeout\r\n"));
            assert_non_null(strstr(text, "Connection: close\r\n"));
            assert_int_equal(col_http_counters(world.server)->timeouts, 1);
        } else { /* let the sweep pass: the connection still works */
            for (struct col_conn *conn = world.server->conns; conn != NULL; conn = conn->next)
                col_conn_sweep(conn, world.now_ns);
            say(fd, strncmp(cases[i].said, "GET", 3) == 0 ? "GET / HTTP/1.1\r\n\r\n" : "67890");
            assert_true(hear(&world, fd, text, sizeof(text)) > 0);
            assert_non_null(strstr(text, "HTTP/1.1 200 OK"));
        }
        close(fd);
        close_world(&world);
    }
}

static void idle_for_a_minute(struct col_http_options *options)
{
    options->idle_timeout_ns = 60 * OTL_NS_PER_S;
}

static void idle_connections_end_where_a_limit_is_given(void **state)
{
    struct world world;
    char text[512];
    int fd;

    (void)state;
    open_world(&world, idle_for_a_minute);
    fd = dial(&world);
    for (int i = 0; i < 2; i++) { /* each request begins the minute anew */
        world.now_ns += 9 * OTL_NS_PER_S;
        say(fd, "GET / HTTP/1.1\r\n\r\n");
        assert_true(hear(&world, fd, text, sizeof(text)) > 0);
        world.now_ns += 45 * OTL_NS_PER_S;
        col_conn_sweep(world.server->conns, world.now_ns);
        assert_non_null(world.server->conns);
    }
    world.now_ns += 16 * OTL_NS_PER_S;
    assert_int_equal(hear(&world, fd, text, sizeof(text)), 0);
    assert_int_equal(col_http_counters(world.server)->timeouts, 0);
    close(fd);
    close_world(&world);
}

static void one_connection(struct col_http_options *options)
{
    options->max_connections = 1;
}

static void connections_over_the_limit_are_closed(void **state)
{
    struct world world;
    char text[512];
    int first, second;

    (void)state;
    open_world(&world, one_connection);
    first = dial(&world);
    say(first, "GET / HTTP/1.1\r\n\r\n");
    assert_true(hear(&world, first, text, sizeof(text)) > 0);
    second = dial(&world);
    assert_true(hear(&world, second, text, sizeof(text)) <= 0);
    assert_int_equal(col_http_counters(world.server)->connections_refused, 1);
    close(first);
    close(second);
    close_world(&world);
}

static void little_memory(struct col_http_options *options)
{
    options->max_memory_bytes = 200000; /* one buffer of 128 KiB, not two */
}

static void bodies_beyond_the_memory_budget_are_told_503(void **state)
{
    static char body[65536];
    struct world world;
    char text[512];
    int first, second;

    (void)state;
    open_world(&world, little_memory);
    first = dial(&world);
    second = dial(&world);
    memset(body, 'x', sizeof(body) - 1);
    say(first, "POST / HTTP/1.1\r\nContent-Length: 70000\r\n\r\n");
    say(first, body);
    while (world.server->memory < 60000)
        event_base_loop(world.base, EVLOOP_ONCE);
    say(second, "POST / HTTP/1.1\r\nContent-Length: 70000\r\n\r\n");
    say(second, body);
    assert_true(hear(&world, second, text, sizeof(text)) > 0);
    assert_non_null(strstr(text, "HTTP/1.1 503 "));
    assert_int_equal(world.last_refused, 503);
    body[70000 - 65535] = '\0';
    say(first, body); /* the first one still gets through */
    assert_true(hear(&world, first, text, sizeof(text)) > 0);
    assert_non_null(strstr(text, "HTTP/1.1 200 "));
    close(first);
    close(second);
    close_world(&world);
}

/* Each allocation of a connection's life fails in its turn; the next connection is served. */
static void a_failing_allocation_costs_one_request(void **state)
{
    static const char request[] = "POST / HTTP/1.1\r\nX: y\r\nTransfer-Encoding: chunked\r\n\r\n"
                                  "5\r\nhello\r\n0\r\n\r\n";
    struct world world;
    bool served = false;
    char text[512];

    (void)state;
    open_world(&world, NULL);
    for (unsigned long n = 1; n < 100 && !served; n++) {
        int fd = dial(&world);
        ssize_t got;

        otl_mem_fail_at(n);
        say(fd, request);
        got = hear(&world, fd, text, sizeof(text));
        otl_mem_fail_at(0);
        served = got > 0 && strstr(text, "hello") != NULL;
        if (got > 0 && !served)
            assert_non_null(strstr(text, "HTTP/1.1 503 Service Unavailable\r\n"));
        close(fd);
        fd = dial(&world);
        say(fd, request);
        assert_true(hear(&world, fd, text, sizeof(text)) > 0);
        assert_non_null(strstr(text, "hello"));
        close(fd);
        otl_mem_fail_at(0);
        for (size_t i = 0; i < world.server->spare_count; i++) /* so that the next one allocates */
            otl_buf_fini(&world.server->spare[i]);
        world.server->spare_count = 0;
    }
    assert_true(served);
    assert_true(world.refused >= 2);
    close_world(&world);
}

static void answers_may_come_later(void **state)
{
    const struct col_http_answer answer = {.status = 200, .body = {"now", 3}};
    struct world world;
    char text[512];
    int fd;

    (void)state;
    open_world(&world, NULL);
    fd = dial(&world);
    say(fd, "GET /late HTTP/1.1\r\n\r\nGET /late HTTP/1.1\r\n\r\n");
    for (unsigned i = 1; i <= 2; i++) {
        turn(&world, &world.requests, i);
        event_base_loop(world.base, EVLOOP_NONBLOCK);
        assert_int_equal(world.requests, i); /* the second one waits for the first answer */
        col_http_answer(world.held, &answer);
        assert_true(hear(&world, fd, text, sizeof(text)) > 0);
        assert_non_null(strstr(text, "\r\n\r\nnow"));
        assert_int_equal(world.answered, i);
    }
    assert_int_equal(world.unsent, 0);
    close(fd);
    close_world(&world);
}

static void an_answer_to_nobody_is_reported_unsent(void **state)
{
    const struct col_http_answer answer = {.status = 200, .body = {"now", 3}};
    struct linger reset = {1, 0};
    struct world world;
    int fd;

    (void)state;
    open_world(&world, NULL);
    fd = dial(&world);
    say(fd, "GET /late HTTP/1.1\r\n\r\n");
    turn(&world, &world.requests, 1);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    close(fd); /* a reset */
    for (int i = 0; i < ROUNDS_MAX && world.server->conns->state != COL_CONN_DEAD; i++) {
        event_base_loop(world.base, EVLOOP_NONBLOCK);
        poll(NULL, 0, 1);
    }
    col_http_answer(world.held, &answer);
    assert_int_equal(world.answered, 1);
    assert_int_equal(world.unsent, 1);
    assert_int_equal(col_http_counters(world.server)->connections_open, 0);
    close_world(&world);
}

/* An answer that the socket does not take at once is reported when the last byte has left. */
static void a_large_answer_waits_for_its_reader(void **state)
{
    static char big[8 << 20], text[65536];
    struct col_http_answer answer = {.status = 200, .body = {big, sizeof(big)}};
    size_t heard = 0;
    struct world world;
    int fd;

    (void)state;
    open_world(&world, NULL);
    fd = dial(&world);
    say(fd, "GET /late HTTP/1.1\r\n\r\n");
    turn(&world, &world.requests, 1);
    col_http_answer(world.held, &answer);
    assert_int_equal(world.answered, 0);
    while (heard < sizeof(big)) {
        ssize_t got = hear(&world, fd, text, sizeof(text));
        assert_true(got > 0);
        heard += (size_t)got;
    }
    turn(&world, &world.answered, 1);
    assert_int_equal(world.unsent, 0);
    say(fd, "GET / HTTP/1.1\r\n\r\n");
    turn(&world, &world.answered, 2);
    close(fd);
    close_world(&world);
}

static void reset(int fd)
{
    const struct linger at_once = {1, 0};

    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
    close(fd);
}

/* Of a request that waits for its answer. Nobody else would hear of it, and the kernel would not
 * cease to tell. */
static void a_client_that_goes_is_noticed_however_it_goes(void **state)
{
    static const char more[] = "GET /more HTTP/1.1\r\n\r\n";
    static const struct {
        bool talks, resets;
    } cases[] = {{false, false}, {false, true}, {true, false}, {true, true}};
    struct col_http_answer answer = {.status = 200};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct world world;
        struct col_conn *conn;
        int fd;

        open_world(&world, NULL);
        fd = dial(&world);
        say(fd, "GET /late HTTP/1.1\r\n\r\n");
        turn(&world, &world.requests, 1);
        conn = world.server->conns;
        col_http_watch(world.held);
        if (cases[i].talks) {
            say(fd, more);
            for (int k = 0; k < ROUNDS_MAX && !conn->talks; k++)
                event_base_loop(world.base, EVLOOP_ONCE);
            assert_null(conn->gone);
        }
        assert_int_equal(world.gone, 0);
        if (cases[i].resets)
            reset(fd);
        else
            assert_int_equal(shutdown(fd, SHUT_WR), 0);
        turn(&world, &world.gone, 1);
        assert_null(conn->gone);
        col_http_answer(world.held, &answer);
        if (!cases[i].resets)
            close(fd);
        close_world(&world);
    }
}

static void draining_closes_the_idle_and_finishes_the_busy(void **state)
{
    struct world world;
    char text[512];
    int idle, fresh, busy;

    (void)state;
    open_world(&world, NULL);
    idle = dial(&world);
    say(idle, "GET / HTTP/1.1\r\n\r\n");
    assert_true(hear(&world, idle, text, sizeof(text)) > 0);
    fresh = dial(&world);
    busy = dial(&world);
    say(busy, "POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\nab");
    while (col_http_counters(world.server)->connections < 3 || world.server->memory == 0)
        event_base_loop(world.base, EVLOOP_ONCE);
    col_http_drain(world.server, 5 * OTL_NS_PER_S);
    assert_true(hear(&world, idle, text, sizeof(text)) <= 0);
    assert_true(hear(&world, fresh, text, sizeof(text)) <= 0);
    assert_int_equal(world.drained, 0);
    say(busy, "cd");
    assert_true(hear(&world, busy, text, sizeof(text)) > 0);
    assert_non_null(strstr(text, "Connection: close\r\n"));
    assert_non_null(strstr(text, "abcd"));
    turn(&world, &world.drained, 1);
    close(idle);
    close(fresh);
    close(busy);
    close_world(&world);
}

static void draining_gives_up_after_its_grace(void **state)
{
    struct world world;
    int busy;

    (void)state;
    open_world(&world, NULL);
    busy = dial(&world);
    say(busy, "POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\nab");
    while (world.server->memory == 0)
        event_base_loop(world.base, EVLOOP_ONCE);
    col_http_drain(world.server, 5 * OTL_NS_PER_S);
    world.now_ns += 6 * OTL_NS_PER_S;
    turn(&world, &world.drained, 1);
    close(busy);
    close_world(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slow_heads_and_bodies_are_told_408),
        cmocka_unit_test(idle_connections_end_where_a_limit_is_given),
        cmocka_unit_test(connections_over_the_limit_are_closed),
        cmocka_unit_test(bodies_beyond_the_memory_budget_are_told_503),
        cmocka_unit_test(a_failing_allocation_costs_one_request),
        cmocka_unit_test(answers_may_come_later),
        cmocka_unit_test(an_answer_to_nobody_is_reported_unsent),
        cmocka_unit_test(a_large_answer_waits_for_its_reader),
        cmocka_unit_test(a_client_that_goes_is_noticed_however_it_goes),
        cmocka_unit_test(draining_closes_the_idle_and_finishes_the_busy),
        cmocka_unit_test(draining_gives_up_after_its_grace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
