/* SPDX-License-Identifier: Apache-2.0 */
/* From a name to a connection: look-ups that hang, addresses that refuse or swallow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sdk/transport/tests/http_rig.h"

static void a_refused_connection_is_reported_from_the_loop(void **state)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(in);
    struct rig rig;
    char text[64];
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    (void)state;
    rig_init(&rig, NULL, NULL);
    assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0); /* bound, not listening */
    assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
    snprintf(text, sizeof(text), "http://localhost:%u", (unsigned)ntohs(in.sin_port));
    rig_aim(&rig, text);
    rig_post(&rig, "x");
    assert_int_equal(rig.result.outcome, OTL_HTTP_NO_CONNECTION);
    assert_int_equal(rig.result.err, OTEL_ERR_UNAVAILABLE);
    assert_string_equal(rig.result.why, "Connection refused");
    assert_int_equal(rig.result.bytes_sent, 0);
    close(fd);
    rig_fini(&rig);
}

/* The first refuses; to the second, which is no host's, there is no way, as to ::1 without IPv6. */
static enum otel_err look_up_without_a_way(const char *host, uint16_t port,
                                           struct otl_addresses *ret)
{
    struct otl_addresses second;

    (void)host;
    if (!otl_resolve_now("127.0.0.77", port, ret) ||
        !otl_resolve_now("255.255.255.255", port, &second))
        return OTEL_ERR_NOT_FOUND;
    ret->items[ret->count++] = second.items[0];
    return OTEL_OK;
}

static void an_address_that_there_is_no_way_to_hides_no_refusal(void **state)
{
    struct rig rig;

    (void)state;
    rig_init(&rig, "two.test", look_up_without_a_way);
    rig_post(&rig, "x");
    assert_int_equal(rig.result.outcome, OTL_HTTP_NO_CONNECTION);
    assert_string_equal(rig.result.why, "Connection refused");
    rig_fini(&rig);
}

static enum otel_err look_up_loopback(const char *host, uint16_t port, struct otl_addresses *ret)
{
    /* the first address refuses, the second is the server's */
    struct otl_addresses second;

    assert_string_equal(host, "collector.test");
    if (!otl_resolve_now("127.0.0.77", port, ret) ||
        !otl_resolve_now("127.0.0.1", port, &second))
        return OTEL_ERR_NOT_FOUND;
    ret->items[ret->count++] = second.items[0];
    return OTEL_OK;
}

/* A listener that accepts nobody: its queue is full, so that a connection neither comes about nor
 * fails. */
struct black_hole {
    int listener;
    int fillers[4];
    uint16_t port;
};

static void black_hole_init(struct black_hole *hole, const char *address, uint16_t port)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
    socklen_t len = sizeof(in);

    assert_int_equal(inet_pton(AF_INET, address, &in.sin_addr), 1);
    hole->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(hole->listener, (struct sockaddr *)&in, sizeof(in)), 0);
    assert_int_equal(listen(hole->listener, 0), 0);
    assert_int_equal(getsockname(hole->listener, (struct sockaddr *)&in, &len), 0);
    hole->port = ntohs(in.sin_port);
    for (int i = 0; i < 4; i++) {
        hole->fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)connect(hole->fillers[i], (struct sockaddr *)&in, sizeof(in));
    }
}

static void black_hole_fini(struct black_hole *hole)
{
    for (int i = 0; i < 4; i++)
        close(hole->fillers[i]);
    close(hole->listener);
}

static enum otel_err look_up_black_hole(const char *host, uint16_t port,
                                        struct otl_addresses *ret)
{
    struct otl_addresses second;

    (void)host;
    if (!otl_resolve_now("127.0.0.2", port, ret) || !otl_resolve_now("127.0.0.1", port, &second))
        return OTEL_ERR_NOT_FOUND;
    ret->items[ret->count++] = second.items[0];
    return OTEL_OK;
}

static void a_black_hole_takes_its_share_of_the_time(void **state)
{
    struct black_hole hole;
    struct rig rig;
    uint64_t start = 0;
    unsigned millis = 600;

    (void)state;
    rig_init(&rig, "hole.test", look_up_black_hole);
    black_hole_init(&hole, "127.0.0.2", srv_port(rig.srv));
    do { /* half of it for the hole, the rest for the server: enough unless the machine stops */
        start = otl_clock_mono(otl_clock_real());
        rig_post_for(&rig, "x", 1, millis);
        millis *= 4;
    } while (rig.result.outcome == OTL_HTTP_TIMEOUT && millis < 200000);
    assert_int_equal(rig.result.outcome, OTL_HTTP_ANSWERED);
    assert_true(otl_clock_mono(otl_clock_real()) - start >= millis / 10 * OTL_NS_PER_MS);
    rig_fini(&rig);
    black_hole_fini(&hole);
}

static void a_black_hole_alone_ends_at_the_deadline(void **state)
{
    struct black_hole hole;
    struct rig rig;
    char text[64];

    (void)state;
    rig_init(&rig, NULL, NULL);
    black_hole_init(&hole, "127.0.0.1", 0);
    snprintf(text, sizeof(text), "http://127.0.0.1:%u", (unsigned)hole.port);
    rig_aim(&rig, text);
    rig_post_for(&rig, "x", 1, 150);
    assert_int_equal(rig.result.outcome, OTL_HTTP_TIMEOUT);
    rig_fini(&rig);
    black_hole_fini(&hole);
}

static enum otel_err look_up_nothing(const char *host, uint16_t port, struct otl_addresses *ret)
{
    (void)host;
    (void)port;
    ret->count = 0;
    return OTEL_ERR_NOT_FOUND;
}

static void names_are_looked_up_and_addresses_tried_in_order(void **state)
{
    struct rig rig;

    (void)state;
    rig_init(&rig, "collector.test", look_up_loopback);
    rig_post(&rig, "x");
    assert_int_equal(rig.result.outcome, OTL_HTTP_ANSWERED);
    rig_fini(&rig);
    rig_init(&rig, "collector.test", look_up_nothing);
    rig_post(&rig, "x");
    assert_int_equal(rig.result.outcome, OTL_HTTP_NO_CONNECTION);
    assert_int_equal(rig.result.err, OTEL_ERR_NOT_FOUND);
    assert_string_equal(rig.result.why, "no host of this name is known");
    rig_fini(&rig);
}

struct hook {
    unsigned calls;
    bool refuse, unblocked;
};

static int create(void *arg, pthread_t *ret_thread, void *(*run)(void *), void *run_arg)
{
    struct hook *hook = arg;
    sigset_t mask;

    hook->calls++;
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    hook->unblocked |= !sigismember(&mask, SIGTERM);
    return hook->refuse ? EAGAIN : pthread_create(ret_thread, NULL, run, run_arg);
}

static void the_program_makes_the_threads_of_look_ups(void **state)
{
    struct hook hook = {.refuse = true};
    struct otl_http_options options = {.clock = otl_clock_real(),
                                       .max_response = 100,
                                       .look_up = look_up_loopback,
                                       .threads = {create, &hook}};
    struct otl_url url;
    struct rig rig;
    char text[64];

    (void)state;
    rig_init(&rig, NULL, NULL);
    snprintf(text, sizeof(text), "http://collector.test:%u", (unsigned)srv_port(rig.srv));
    assert_int_equal(otl_url_parse(otl_view_str(text), &url, NULL), OTEL_OK);
    otl_http_free(rig.http);
    options.base = rig.base;
    options.url = &url;
    assert_int_equal(otl_http_new(&options, &rig.http), OTEL_OK);
    for (unsigned i = 0; i < OTL_LOOKUPS_MAX + 2; i++) { /* those that never began do not count */
        rig_post(&rig, "x");
        assert_int_equal(rig.result.outcome, OTL_HTTP_NO_CONNECTION);
        assert_int_equal(rig.result.err, OTEL_ERR_THREAD);
    }
    hook.refuse = false;
    rig_post(&rig, "x");
    assert_int_equal(rig.result.outcome, OTL_HTTP_ANSWERED);
    assert_int_equal(hook.calls, OTL_LOOKUPS_MAX + 3);
    assert_false(hook.unblocked);
    rig_fini(&rig);
}

static sem_t g_entered, g_let_go;

static enum otel_err look_up_blocking(const char *host, uint16_t port, struct otl_addresses *ret)
{
    (void)host;
    (void)port;
    (void)ret;
    sem_post(&g_entered);
    while (sem_wait(&g_let_go) != 0)
        ;
    sem_post(&g_entered);
    return OTEL_ERR_UNAVAILABLE;
}

#ifndef __SANITIZE_THREAD__ /* which does not follow a fork of a threaded process */
/* A child has none of its parent's helpers, so that they do not count against it. */
static void look_up_in_a_child(struct srv *srv)
{
    struct otl_http_options options = {.clock = otl_clock_real(),
                                       .max_response = 100,
                                       .look_up = look_up_loopback};
    struct rig rig;
    struct otl_url url;
    char text[64];
    int status = -1;
    pid_t child = fork();

    if (child == 0) {
        memset(&rig, 0, sizeof(rig));
        snprintf(text, sizeof(text), "http://collector.test:%u", (unsigned)srv_port(srv));
        rig.base = event_base_new();
        options.base = rig.base;
        options.url = &url;
        if (otl_url_parse(otl_view_str(text), &url, NULL) != OTEL_OK ||
            otl_http_new(&options, &rig.http) != OTEL_OK)
            _exit(2);
        rig_post(&rig, "x");
        _exit(rig.result.outcome == OTL_HTTP_ANSWERED ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
#endif

static void a_hanging_name_server_is_left_behind(void **state)
{
    struct otl_http_request request = {.body = otl_view("x", 1),
                                       .deadline_ns = UINT64_MAX,
                                       .done = rig_on_done};
    struct rig rig;

    (void)state;
    sem_init(&g_entered, 0, 0);
    sem_init(&g_let_go, 0, 0);
    rig_init(&rig, "slow.test", look_up_blocking);
    for (int i = 0; i < OTL_LOOKUPS_MAX; i++) { /* the deadline does not wait for it */
        rig_post_for(&rig, "x", 1, 30);
        assert_int_equal(rig.result.outcome, OTL_HTTP_TIMEOUT);
    }
    rig_post_for(&rig, "x", 1, 60000); /* threads are limited */
    assert_int_equal(rig.result.outcome, OTL_HTTP_NO_CONNECTION);
    assert_int_equal(rig.result.err, OTEL_ERR_LIMIT);
#ifndef __SANITIZE_THREAD__
    look_up_in_a_child(rig.srv);
#endif
    request.context = &rig;
    rig.done = false;
    assert_int_equal(otl_http_post(rig.http, &request), OTEL_OK);
    otl_http_cancel(rig.http);
    event_base_loop(rig.base, EVLOOP_NONBLOCK);
    assert_false(rig.done);
    rig_fini(&rig); /* while four helpers still hang */
    for (int i = 0; i < OTL_LOOKUPS_MAX; i++) {
        sem_wait(&g_entered);
        sem_post(&g_let_go);
    }
    for (int i = 0; i < OTL_LOOKUPS_MAX; i++)
        sem_wait(&g_entered);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refused_connection_is_reported_from_the_loop),
        cmocka_unit_test(an_address_that_there_is_no_way_to_hides_no_refusal),
        cmocka_unit_test(a_black_hole_takes_its_share_of_the_time),
        cmocka_unit_test(a_black_hole_alone_ends_at_the_deadline),
        cmocka_unit_test(names_are_looked_up_and_addresses_tried_in_order),
        cmocka_unit_test(the_program_makes_the_threads_of_look_ups),
        cmocka_unit_test(a_hanging_name_server_is_left_behind),
    };

    return cmocka_run_group_tests_name("transport_connect", tests, NULL, NULL);
}
