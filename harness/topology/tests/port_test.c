/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/topology/port.h"

static struct sockaddr_in at(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

/* A socket bound to the port, as servers do it or without a thought; -1: it cannot be. */
static int bind_to(uint16_t port, int reuse)
{
    struct sockaddr_in address = at(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof(reuse)), 0);
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    close(fd);
    return -1;
}

static int join(uint16_t port)
{
    struct sockaddr_in address = at(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), failed;

    assert_true(fd >= 0);
    failed = connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ? errno : 0;
    close(fd);
    return failed;
}

static void a_held_port_is_the_programs_and_nobody_elses(void **state)
{
    uint16_t port = 0;
    int holder = -1, server;

    (void)state;
    assert_int_equal(hx_port_hold("a", &holder, &port, NULL), OTEL_OK);
    assert_true(port != 0);
    assert_int_equal(join(port), ECONNREFUSED);
    assert_int_equal(bind_to(port, 0), -1);
    server = bind_to(port, 1);
    assert_true(server >= 0);
    assert_int_equal(listen(server, 1), 0);
    assert_int_equal(join(port), 0);
    close(server); /* it is gone, the port is not */
    assert_int_equal(bind_to(port, 0), -1);
    close(holder);
}

static void want_of_descriptors_is_said(void **state)
{
    struct rlimit limit, none;
    struct otl_detail detail = OTL_DETAIL_NONE;
    uint16_t port = 0;
    int holder = -1;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none = limit;
    none.rlim_cur = 0;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    assert_int_equal(hx_port_hold("order-1", &holder, &port, &detail), OTEL_ERR_IO);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_non_null(strstr(detail.text, "order-1: no port can be held: Too many open files"));
    assert_int_equal(holder, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_held_port_is_the_programs_and_nobody_elses),
        cmocka_unit_test(want_of_descriptors_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
