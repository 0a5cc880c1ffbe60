/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/topology/child.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/topology/control.h"
#include "sdk/base/clock.h"
#include "sdk/base/mem.h"
#include "sdk/base/text.h"

struct hx_child {
    struct bufferevent *stream;
    struct hx_child_handlers handlers;
    bool lost;
    bool in_handler;
    bool free_later;
};

int hx_child_fd(void)
{
    const char *text = getenv(HX_CONTROL_ENV);
    int64_t fd;

    if (text == NULL || otl_parse_int(text, 0, 1 << 20, &fd) != OTEL_OK)
        return -1;
    if (fcntl((int)fd, F_SETFD, FD_CLOEXEC) != 0)
        return -1;
    return (int)fd;
}

static void lose(struct hx_child *child)
{
    if (child->lost)
        return;
    child->lost = true;
    bufferevent_disable(child->stream, EV_READ | EV_WRITE);
    child->handlers.lost(child->handlers.arg);
}

/* One line; false if it is no command. */
static bool dispatch(struct hx_child *child, const char *line, size_t len)
{
    json_t *message = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
    const char *verb = json_string_value(json_object_get(message, "do"));
    bool ok = verb != NULL;

    if (ok)
        child->handlers.command(child->handlers.arg, verb, message);
    json_decref(message);
    return ok;
}

static void on_read(struct bufferevent *stream, void *arg)
{
    struct hx_child *child = arg;
    struct evbuffer *input = bufferevent_get_input(stream);
    bool ok = true;

    child->in_handler = true;
    while (ok && !child->free_later) {
        size_t len;
        char *line = evbuffer_readln(input, &len, EVBUFFER_EOL_LF);
        if (line == NULL)
            break;
        ok = dispatch(child, line, len);
        free(line);
    }
    child->in_handler = false;
    if (child->free_later)
        hx_child_free(child);
    else if (!ok || evbuffer_get_length(input) >= HX_CONTROL_LINE_MAX)
        lose(child);
}

static void on_event(struct bufferevent *stream, short what, void *arg)
{
    (void)stream;
    if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
        lose(arg);
}

enum otel_err hx_child_new(struct event_base *base, int fd,
                           const struct hx_child_handlers *handlers, struct hx_child **ret)
{
    struct hx_child *child = otl_mem_zalloc(sizeof(*child));

    if (child == NULL || evutil_make_socket_nonblocking(fd) != 0)
        goto fail;
    child->handlers = *handlers;
    child->stream = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
    if (child->stream == NULL)
        goto fail;
    bufferevent_setcb(child->stream, on_read, NULL, on_event, child);
    bufferevent_setwatermark(child->stream, EV_READ, 0, HX_CONTROL_LINE_MAX);
    bufferevent_enable(child->stream, EV_READ | EV_WRITE);
    *ret = child;
    return OTEL_OK;

fail:
    close(fd);
    otl_mem_free(child);
    return OTEL_ERR_MEMORY;
}

void hx_child_free(struct hx_child *child)
{
    if (child == NULL)
        return;
    if (child->in_handler) {
        child->free_later = true;
        return;
    }
    bufferevent_free(child->stream);
    otl_mem_free(child);
}

static int append_chunk(const char *text, size_t len, void *arg)
{
    return evbuffer_add(arg, text, len);
}

void hx_child_send(struct hx_child *child, json_t *message)
{
    if (child != NULL && message != NULL && !child->lost) {
        struct evbuffer *output = bufferevent_get_output(child->stream);
        json_dump_callback(message, append_chunk, output, JSON_COMPACT);
        evbuffer_add(output, "\n", 1);
    }
    json_decref(message);
}

void hx_child_send_fault(struct hx_child *child, const char *text)
{
    hx_child_send(child, json_pack("{s:s, s:s}", "event", "fault", "text", text));
}

void hx_child_drain(struct hx_child *child, int timeout_millis)
{
    struct evbuffer *output;
    uint64_t end = otl_clock_mono(otl_clock_real()) + (unsigned)timeout_millis * OTL_NS_PER_MS;

    if (child == NULL || child->lost)
        return;
    output = bufferevent_get_output(child->stream);
    bufferevent_disable(child->stream, EV_WRITE);
    evbuffer_unfreeze(output, 1);
    while (evbuffer_get_length(output) != 0 && otl_clock_mono(otl_clock_real()) < end) {
        struct pollfd pfd = {bufferevent_getfd(child->stream), POLLOUT, 0};
        if (poll(&pfd, 1, timeout_millis) < 0 || (pfd.revents & (POLLERR | POLLHUP)) != 0)
            break;
        if (evbuffer_write(output, pfd.fd) < 0)
            break;
    }
}
