/* SPDX-License-Identifier: Apache-2.0 */
/* A listener that stops to listen and begins again: who gets through, and that nobody takes its
 * port meanwhile. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>

#include "collector-mock/net/listen.h"
#include "sdk/base/clock.h"

enum { ROUNDS = 2000 };
#define PATIENCE_NS (20 * OTL_NS_PER_S)

struct world {
    struct event_base *base;
    struct col_listener *listener;
    struct sockaddr_in address;
    unsigned accepted;
    atomic_uint tries, stolen;
    atomic_bool over;
};

static void on_accept(void *context, int fd)
{
    ((struct world *)context)->accepted++;
    close(fd);
}

static void on_shortage(void *context)
{
    (void)context;
    fail_msg("no descriptors");
}

static void listen_at(struct world *world, uint16_t port)
{
    const struct col_listen_options options = {.base = world->base,
                                               .host = "127.0.0.1",
                                               .port = port,
                                               .context = world,
                                               .on_accept = on_accept,
                                               .on_shortage = on_shortage};
    struct otl_detail detail = OTL_DETAIL_NONE;
    char address[COL_ADDRESS_SIZE];

    if (col_listener_new(&options, address, &world->listener, &detail) != OTEL_OK)
        fail_msg("%s", detail.text);
    world->address.sin_family = AF_INET;
    world->address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    world->address.sin_port = htons((uint16_t)strtoul(strrchr(address, ':') + 1, NULL, 10));
}

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));

    if (world == NULL)
        return -1;
    world->base = event_base_new();
    *state = world;
    return world->base != NULL ? 0 : -1;
}

static int teardown(void **state)
{
    struct world *world = *state;

    col_listener_free(world->listener);
    event_base_free(world->base);
    free(world);
    return 0;
}

static void refuse(struct world *world, bool refuse_now)
{
    struct otl_detail detail = OTL_DETAIL_NONE;

    if (col_listener_refuse(world->listener, refuse_now, &detail) != OTEL_OK)
        fail_msg("%s", detail.text);
}

/* A socket, and in *ret_error why it is not connected; 0: it is. */
static int join(const struct world *world, int *ret_error)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    *ret_error = 0;
    if (connect(fd, (const struct sockaddr *)&world->address, sizeof(world->address)) != 0)
        *ret_error = errno;
    return fd;
}

static void check_served(struct world *world)
{
    unsigned before = world->accepted;
    int error, fd = join(world, &error);

    assert_int_equal(error, 0);
    while (world->accepted == before) /* the loop waits for it */
        event_base_loop(world->base, EVLOOP_ONCE);
    close(fd);
}

static void check_refused(const struct world *world)
{
    int error, fd = join(world, &error);

    assert_int_equal(error, ECONNREFUSED);
    close(fd);
}

static void it_refuses_and_listens_again_at_its_port(void **state)
{
    struct world *world = *state;

    listen_at(world, 0);
    for (int round = 0; round < 3; round++) {
        check_served(world);
        refuse(world, true);
        refuse(world, true);
        check_refused(world);
        col_listener_wake(world->listener); /* that is not what it was waiting for */
        event_base_loop(world->base, EVLOOP_NONBLOCK);
        check_refused(world);
        refuse(world, false);
        refuse(world, false);
    }
    check_served(world);
}

static void a_port_asked_for_by_number_is_kept_likewise(void **state)
{
    struct world *world = *state;
    int held = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

    listen_at(world, 0);
    refuse(world, true);
    assert_int_equal(setsockopt(held, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)), 0);
    assert_int_equal(bind(held, (struct sockaddr *)&world->address, sizeof(world->address)), 0);
    col_listener_free(world->listener);
    listen_at(world, ntohs(world->address.sin_port));
    refuse(world, true);
    check_refused(world);
    refuse(world, false);
    check_served(world);
    close(held);
}

/* Who has connected and was not accepted yet is reset, as by a server that has died. */
static void what_waits_to_be_accepted_is_reset(void **state)
{
    struct world *world = *state;
    int error, fd;
    char byte;

    listen_at(world, 0);
    fd = join(world, &error);
    assert_int_equal(error, 0);
    refuse(world, true);
    assert_int_equal(recv(fd, &byte, 1, 0), -1);
    assert_int_equal(errno, ECONNRESET);
    close(fd);
    refuse(world, false);
    check_served(world);
    assert_int_equal(world->accepted, 1);
}

/* Wants the port for itself, all the time. */
static void *steal(void *arg)
{
    struct world *world = arg;

    while (!atomic_load(&world->over)) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
            continue;
        if (bind(fd, (const struct sockaddr *)&world->address, sizeof(world->address)) == 0)
            atomic_fetch_add(&world->stolen, 1);
        close(fd);
        atomic_fetch_add(&world->tries, 1);
    }
    return NULL;
}

static void nobody_is_given_its_port_meanwhile(void **state)
{
    struct world *world = *state;
    uint64_t end_ns = otl_clock_mono(otl_clock_real()) + PATIENCE_NS;
    bool kept = true;
    pthread_t thief;

    listen_at(world, 0);
    assert_int_equal(pthread_create(&thief, NULL, steal, world), 0);
    for (int i = 0; kept && (i < ROUNDS || atomic_load(&world->tries) < ROUNDS) &&
                    otl_clock_mono(otl_clock_real()) < end_ns;
         i++)
        kept = col_listener_refuse(world->listener, i % 2 == 0, NULL) == OTEL_OK;
    atomic_store(&world->over, true);
    pthread_join(thief, NULL);
    assert_true(kept);
    assert_true(atomic_load(&world->tries) > 0);
    assert_int_equal(atomic_load(&world->stolen), 0);
    refuse(world, false);
    check_served(world);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(it_refuses_and_listens_again_at_its_port),
        TEST(a_port_asked_for_by_number_is_kept_likewise),
        TEST(what_waits_to_be_accepted_is_reset),
        TEST(nobody_is_given_its_port_meanwhile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
