/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/relay/tests/rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sdk/base/clock.h"

enum { LIMIT_S = 30 };

static uint64_t now(void)
{
    return otl_clock_mono(otl_clock_real());
}

static uint64_t limit(void)
{
    return now() + LIMIT_S * OTL_NS_PER_S;
}

static void on_ready(void *arg)
{
    ((struct rig *)arg)->ready = true;
}

static void on_idle(void *arg)
{
    ((struct rig *)arg)->idles++;
}

static void on_fault(void *arg, const char *text)
{
    struct rig *rig = arg;

    snprintf(rig->fault, sizeof(rig->fault), "%s", text);
}

void rig_turn(struct rig *rig)
{
    const struct timeval soon = {0, 200};

    event_base_loopexit(rig->base, &soon);
    event_base_loop(rig->base, EVLOOP_ONCE);
}

static int listen_on(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 64), 0);
    return fd;
}

static uint16_t port_of(int fd)
{
    struct sockaddr_in address;
    socklen_t len = sizeof(address);

    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    return ntohs(address.sin_port);
}

static uint16_t place_port;

void rig_serve(struct rig *rig)
{
    rig->program = listen_on(place_port);
}

void rig_init(struct rig *rig, const char *extra, bool serve)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct hx_relay_options options = {.events = {on_ready, on_idle, on_fault, rig}, .seed = 1};
    struct hx_relay_replica replica = {.process = 3, .instance = "payment-0"};
    json_t *places = NULL, *peers;
    char text[1024], address[32];

    memset(rig, 0, sizeof(*rig));
    rig->program = -1;
    snprintf(rig->dir, sizeof(rig->dir), "/tmp/relay-test-XXXXXX");
    assert_non_null(mkdtemp(rig->dir));
    snprintf(text, sizeof(text),
             "services:\n  payment:\n    command: none\n%s"
             "    routes:\n      POST /charge:\n        steps: [{call: acquirer POST /authorize}]\n"
             "  acquirer:\n    routes: {POST /authorize: {}}\n"
             "load: {route: payment POST /charge, rate: 1, duration: 2s}\n",
             extra);
    assert_int_equal(hx_scenario_load_text(text, strlen(text), "test.yaml", NULL, &rig->scenario,
                                           &detail), OTEL_OK);
    rig->base = event_base_new();
    options.base = rig->base;
    options.scenario = rig->scenario;
    options.dir = rig->dir;
    replica.service = hx_scenario_service(rig->scenario, "payment");
    assert_int_equal(hx_relay_new(&options, &rig->relay, &detail), OTEL_OK);
    assert_int_equal(hx_relay_add(rig->relay, &replica, &places, &detail), OTEL_OK);
    rig->front = (uint16_t)json_integer_value(json_object_get(places, "listen"));
    place_port = (uint16_t)json_integer_value(json_object_get(places, "port"));
    rig->back = (uint16_t)json_integer_value(
        json_object_get(json_object_get(places, "calls"), "acquirer"));
    json_decref(places);
    rig->callee = listen_on(0);
    if (serve)
        rig_serve(rig);
    snprintf(address, sizeof(address), "127.0.0.1:%u", port_of(rig->callee));
    peers = json_pack("{s:[s]}", "acquirer", address);
    assert_int_equal(hx_relay_peers(rig->relay, peers, &detail), OTEL_OK);
    json_decref(peers);
    for (uint64_t end = limit(); serve && !rig->ready && now() < end;)
        rig_turn(rig);
    assert_true(!serve || rig->ready);
    if (serve)
        close(rig_accept(rig, rig->program)); /* that was its knock */
}

void rig_stop(struct rig *rig)
{
    hx_relay_stop(rig->relay);
    hx_relay_free(rig->relay);
    rig->relay = NULL;
}

void rig_fini(struct rig *rig)
{
    char command[128];

    if (rig->relay != NULL)
        rig_stop(rig);
    event_base_free(rig->base);
    hx_scenario_free(rig->scenario);
    if (rig->program >= 0)
        close(rig->program);
    close(rig->callee);
    snprintf(command, sizeof(command), "%s/ledger/payment-0.0.0000.led", rig->dir);
    unlink(command);
    snprintf(command, sizeof(command), "%s/ledger", rig->dir);
    rmdir(command);
    rmdir(rig->dir);
}

/* ---- sockets -------------------------------------------------------------------------------- */

int rig_connect(struct rig *rig, uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    rig_turn(rig);
    return fd;
}

int rig_accept(struct rig *rig, int listener)
{
    for (uint64_t end = limit(); now() < end; rig_turn(rig)) {
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0)
            return fd;
    }
    fail_msg("nobody connected");
    return -1;
}

void rig_send(struct rig *rig, int fd, const char *text)
{
    size_t len = strlen(text), at = 0;

    for (uint64_t end = limit(); at < len && now() < end; rig_turn(rig)) {
        ssize_t put = send(fd, text + at, len - at, MSG_NOSIGNAL);
        at += put > 0 ? (size_t)put : 0;
    }
    assert_int_equal(at, len);
}

size_t rig_read(struct rig *rig, int fd, char *out, size_t len)
{
    size_t at = 0;

    for (uint64_t end = limit(); at < len && now() < end; at < len ? rig_turn(rig) : (void)0) {
        ssize_t got = recv(fd, out + at, len - at, 0);
        if (got == 0 || (got < 0 && errno != EAGAIN))
            break;
        at += got > 0 ? (size_t)got : 0;
    }
    return at;
}

void rig_read_head(struct rig *rig, int fd, char *out, size_t size)
{
    size_t at = 0;

    out[0] = '\0';
    while (at + 1 < size && strstr(out, "\r\n\r\n") == NULL && rig_read(rig, fd, out + at, 1) == 1)
        out[++at] = '\0';
    assert_non_null(strstr(out, "\r\n\r\n"));
}

void rig_expect(struct rig *rig, int fd, const char *text)
{
    char got[16 * 1024];
    size_t len = strlen(text);

    assert_true(len < sizeof(got));
    got[rig_read(rig, fd, got, len)] = '\0';
    assert_string_equal(got, text);
}

void rig_expect_end(struct rig *rig, int fd)
{
    char byte;

    for (uint64_t end = limit(); now() < end; rig_turn(rig)) {
        ssize_t got = recv(fd, &byte, 1, 0);
        if (got == 0 || (got < 0 && errno == ECONNRESET))
            return;
        assert_true(got < 0);
    }
    fail_msg("the connection was not closed");
}

void rig_expect_silence(struct rig *rig, int fd)
{
    struct pollfd readable = {fd, POLLIN, 0};

    for (uint64_t end = now() + 50 * OTL_NS_PER_MS; now() < end; rig_turn(rig))
        assert_int_equal(poll(&readable, 1, 0), 0);
}

const struct hx_led_record *rig_row(struct rig *rig, struct hx_led_reader *reader,
                                    enum hx_led_type type, size_t n)
{
    const struct hx_led_record *record;
    const struct hx_led_file *file;

    (void)rig;
    hx_led_reader_rewind(reader);
    while ((record = hx_led_reader_next(reader, &file)) != NULL)
        if (record->type == type && n-- == 0)
            return record;
    return NULL;
}
