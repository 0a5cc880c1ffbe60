/* SPDX-License-Identifier: Apache-2.0 */
/* Knocks at a program until it serves its port: that is when it is ready. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "harness/relay/parts.h"
#include "sdk/base/clock.h"
#include "sdk/base/text.h"

enum { AGAIN_MILLIS = 25, ANSWER_S = 2 };

static void end_attempt(struct hx_relay_node *node)
{
    if (node->knock != NULL)
        bufferevent_free(node->knock);
    node->knock = NULL;
}

static void served(struct hx_relay_node *node)
{
    const struct hx_relay_events *events = &node->relay->options.events;

    end_attempt(node);
    if (node->later && events->again != NULL)
        events->again(events->arg, node->instance, NULL);
    node->served = true;
    hx_relay_is_ready(node->relay);
}

static void give_up(struct hx_relay_node *node)
{
    const struct hx_relay_events *events = &node->relay->options.events;
    const struct hx_foreign *foreign = node->replica.service->foreign;
    char text[400], limit[40];

    otl_format_duration(foreign->start_limit_ns, limit, sizeof(limit));
    if (foreign->health[0] == '\0')
        snprintf(text, sizeof(text), "%s does not listen on its PORT %u after %s", node->instance,
                 (unsigned)node->port, limit);
    else if (node->last_status == 0)
        snprintf(text, sizeof(text), "%s does not answer GET %s on its PORT %u after %s",
                 node->instance, foreign->health, (unsigned)node->port, limit);
    else
        snprintf(text, sizeof(text), "%s still answers GET %s with %u after %s", node->instance,
                 foreign->health, node->last_status, limit);
    if (node->later && events->again != NULL)
        events->again(events->arg, node->instance, text);
    else
        events->fault(events->arg, text);
}

static void again(struct hx_relay_node *node)
{
    const struct timeval pause = {0, AGAIN_MILLIS * 1000};

    end_attempt(node);
    if (otl_clock_mono(otl_clock_real()) >= node->deadline_ns)
        give_up(node);
    else
        event_add(node->again, &pause);
}

static void on_read(struct bufferevent *bev, void *arg)
{
    struct hx_relay_node *node = arg;
    struct hx_relay_head *head = &node->relay->head;
    struct evbuffer *in = bufferevent_get_input(bev);
    size_t len = evbuffer_get_length(in);
    const char *raw = (const char *)evbuffer_pullup(in, (ev_ssize_t)len);
    enum hx_relay_parsed parsed = hx_relay_read_response(raw, len, false, head);

    if (parsed == HX_RELAY_MORE)
        return;
    node->last_status = parsed == HX_RELAY_WHOLE ? head->status : 0;
    if (node->last_status == 200)
        served(node);
    else
        again(node);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
    struct hx_relay_node *node = arg;
    const struct hx_foreign *foreign = node->replica.service->foreign;

    if ((what & BEV_EVENT_CONNECTED) == 0) {
        again(node);
        return;
    }
    if (foreign->health[0] == '\0') {
        served(node);
        return;
    }
    evbuffer_add_printf(bufferevent_get_output(bev),
                        "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nConnection: close\r\n\r\n",
                        foreign->health, (unsigned)node->port);
}

static void on_again(evutil_socket_t fd, short what, void *arg)
{
    struct hx_relay_node *node = arg;
    const struct timeval limit = {ANSWER_S, 0};
    struct sockaddr_in address = {.sin_family = AF_INET};

    (void)fd, (void)what;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(node->port);
    node->knock = bufferevent_socket_new(node->relay->options.base, -1,
                                         BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
    if (node->knock == NULL) {
        again(node);
        return;
    }
    bufferevent_setcb(node->knock, on_read, NULL, on_event, node);
    bufferevent_set_timeouts(node->knock, &limit, &limit);
    bufferevent_setwatermark(node->knock, EV_READ, 0, HX_RELAY_HEAD_MAX);
    bufferevent_enable(node->knock, EV_READ | EV_WRITE);
    if (bufferevent_socket_connect(node->knock, (struct sockaddr *)&address, sizeof(address)) != 0)
        again(node);
}

enum otel_err hx_relay_knock(struct hx_relay_node *node)
{
    const struct timeval at_once = {0, 0};
    const struct hx_service *service = node->replica.service;

    if (service->route_count == 0 && service->foreign->health[0] == '\0') {
        served(node); /* it reads topics alone: there is no port to knock at */
        return OTEL_OK;
    }
    node->deadline_ns = otl_clock_mono(otl_clock_real()) +
                        node->replica.service->foreign->start_limit_ns;
    if (node->again == NULL)
        node->again = evtimer_new(node->relay->options.base, on_again, node);
    if (node->again == NULL || event_add(node->again, &at_once) != 0)
        return OTEL_ERR_MEMORY;
    return OTEL_OK;
}

void hx_relay_knock_end(struct hx_relay_node *node)
{
    end_attempt(node);
    if (node->again != NULL)
        event_free(node->again);
    node->again = NULL;
}
