/* SPDX-License-Identifier: Apache-2.0 */
/* One connection that came in, and its partner that went out: a pair for as long as both live. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#include "harness/relay/parts.h"
#include "sdk/base/clock.h"
#include "sdk/base/mem.h"

enum { LAST_BYTES_S = 10 };

static void no_delay(evutil_socket_t fd)
{
    int on = 1;

    (void)!setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

/* ---- life ----------------------------------------------------------------------------------- */

static void leave_queue(struct hx_relay_link *link)
{
    struct hx_relay_node *node = link->gate->node;
    struct hx_relay_link **at = &node->first_waiting, *before = NULL;

    while (*at != NULL && *at != link) {
        before = *at;
        at = &(*at)->next_waiting;
    }
    if (*at == NULL)
        return;
    *at = link->next_waiting;
    if (node->last_waiting == link)
        node->last_waiting = before;
    link->next_waiting = NULL;
    link->waiting = false;
}

void hx_relay_link_wait(struct hx_relay_link *link)
{
    struct hx_relay_node *node = link->gate->node;

    link->waiting = true;
    if (node->last_waiting != NULL)
        node->last_waiting->next_waiting = link;
    else
        node->first_waiting = link;
    node->last_waiting = link;
}

static void on_later(evutil_socket_t fd, short what, void *arg)
{
    struct hx_relay_link *link = arg;

    (void)fd, (void)what;
    link->waiting = false;
    hx_relay_on_request_bytes(link);
    hx_relay_link_flow(link);
    hx_relay_link_settle(link);
}

bool hx_relay_link_delay(struct hx_relay_link *link, uint64_t ns)
{
    const struct timeval delay = {(time_t)(ns / OTL_NS_PER_S),
                                  (suseconds_t)(ns % OTL_NS_PER_S / OTL_NS_PER_US)};

    if (link->later == NULL)
        link->later = evtimer_new(link->gate->node->relay->options.base, on_later, link);
    if (link->later == NULL || event_add(link->later, &delay) != 0)
        return false;
    link->waiting = true;
    return true;
}

void hx_relay_link_resume(struct hx_relay_node *node)
{
    struct hx_relay_link *link = node->first_waiting;

    if (link == NULL)
        return;
    leave_queue(link);
    hx_relay_on_request_bytes(link);
    hx_relay_link_settle(link);
}

void hx_relay_link_free(struct hx_relay_link *link)
{
    struct hx_relay *relay = link->gate->node->relay;

    if (link->now.active)
        hx_relay_exchange_end(link, HX_LED_OUTCOME_UNREACHABLE);
    if (link->waiting)
        leave_queue(link);
    if (link->later != NULL)
        event_free(link->later);
    if (link->before != NULL)
        link->before->next = link->next;
    else
        relay->links = link->next;
    if (link->next != NULL)
        link->next->before = link->before;
    relay->link_count--;
    if (link->up != NULL)
        bufferevent_free(link->up);
    bufferevent_free(link->down);
    otl_buf_fini(&link->key_body);
    otl_mem_free(link);
}

void hx_relay_link_close(struct hx_relay_link *link)
{
    const struct timeval limit = {LAST_BYTES_S, 0};

    if (link->closing)
        return;
    link->closing = true;
    if (link->now.active)
        hx_relay_exchange_end(link, HX_LED_OUTCOME_UNREACHABLE);
    if (link->waiting)
        leave_queue(link);
    if (link->later != NULL)
        event_del(link->later);
    if (link->up != NULL)
        bufferevent_free(link->up);
    link->up = NULL;
    bufferevent_disable(link->down, EV_READ);
    bufferevent_setwatermark(link->down, EV_WRITE, 0, 0);
    bufferevent_set_timeouts(link->down, NULL, &limit);
}

void hx_relay_link_settle(struct hx_relay_link *link)
{
    if (link->closing && evbuffer_get_length(bufferevent_get_output(link->down)) == 0)
        hx_relay_link_free(link);
}

/* ---- flow ----------------------------------------------------------------------------------- */

static void let_read(struct bufferevent *from, struct bufferevent *to)
{
    bool full = evbuffer_get_length(bufferevent_get_output(to)) > HX_RELAY_BUFFER;

    if (full)
        bufferevent_disable(from, EV_READ);
    else if ((bufferevent_get_enabled(from) & EV_READ) == 0)
        bufferevent_enable(from, EV_READ);
}

void hx_relay_link_flow(struct hx_relay_link *link)
{
    if (link->closing || link->up == NULL)
        return;
    if (!link->last)
        let_read(link->down, link->up);
    let_read(link->up, link->down);
}

/* ---- events --------------------------------------------------------------------------------- */

static void on_down_read(struct bufferevent *bev, void *arg)
{
    struct hx_relay_link *link = arg;

    (void)bev;
    hx_relay_on_request_bytes(link);
    hx_relay_link_flow(link);
    hx_relay_link_settle(link);
}

static void on_write(struct bufferevent *bev, void *arg)
{
    struct hx_relay_link *link = arg;

    (void)bev;
    hx_relay_link_flow(link);
    hx_relay_link_settle(link);
}

static void on_down_event(struct bufferevent *bev, short what, void *arg)
{
    struct hx_relay_link *link = arg;

    (void)bev;
    if ((what & BEV_EVENT_EOF) != 0 && (what & BEV_EVENT_ERROR) == 0 && !link->closing &&
        link->now.active && link->now.request.over) {
        link->last = true; /* half closed: it still waits for its answer */
        return;
    }
    hx_relay_link_free(link);
}

static void on_up_read(struct bufferevent *bev, void *arg)
{
    struct hx_relay_link *link = arg;

    (void)bev;
    hx_relay_on_response_bytes(link);
    hx_relay_link_flow(link);
    hx_relay_link_settle(link);
}

static void on_up_event(struct bufferevent *bev, short what, void *arg)
{
    struct hx_relay_link *link = arg;

    (void)bev;
    if ((what & BEV_EVENT_CONNECTED) != 0)
        return;
    if ((what & BEV_EVENT_EOF) != 0)
        hx_relay_on_response_end(link);
    hx_relay_link_close(link);
    hx_relay_link_settle(link);
}

static uint16_t port_of(struct hx_relay_gate *gate)
{
    struct hx_relay_target *target = &gate->node->relay->targets[gate->to->index];

    if (gate->front)
        return gate->node->port;
    return target->count > 0 ? target->ports[target->turn++ % target->count] : 0;
}

bool hx_relay_link_connect(struct hx_relay_link *link)
{
    struct hx_relay *relay = link->gate->node->relay;
    struct sockaddr_in address = {.sin_family = AF_INET};

    if (link->up != NULL)
        return true;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port_of(link->gate));
    if (address.sin_port == 0)
        return false;
    link->up = bufferevent_socket_new(relay->options.base, -1, BEV_OPT_CLOSE_ON_FREE);
    if (link->up == NULL)
        return false;
    bufferevent_setcb(link->up, on_up_read, on_write, on_up_event, link);
    bufferevent_setwatermark(link->up, EV_READ, 0, HX_RELAY_BUFFER);
    bufferevent_setwatermark(link->up, EV_WRITE, HX_RELAY_BUFFER / 4, 0);
    bufferevent_enable(link->up, EV_READ | EV_WRITE);
    if (bufferevent_socket_connect(link->up, (struct sockaddr *)&address, sizeof(address)) != 0) {
        bufferevent_free(link->up);
        link->up = NULL;
        return false;
    }
    no_delay(bufferevent_getfd(link->up));
    return true;
}

void hx_relay_shortage(struct evconnlistener *listener, void *arg)
{
    (void)arg;
    evconnlistener_disable(listener);
}

void hx_relay_accept(struct evconnlistener *listener, evutil_socket_t fd,
                     struct sockaddr *address, int len, void *arg)
{
    struct hx_relay_gate *gate = arg;
    struct hx_relay *relay = gate->node->relay;
    struct hx_relay_link *link = NULL;

    (void)listener, (void)address, (void)len;
    if (relay->link_count < HX_RELAY_LINKS)
        link = otl_mem_zalloc(sizeof(*link));
    if (link != NULL)
        link->down = bufferevent_socket_new(relay->options.base, fd, BEV_OPT_CLOSE_ON_FREE);
    if (link == NULL || link->down == NULL) {
        relay->counts.turned_away++;
        otl_mem_free(link);
        close(fd);
        return;
    }
    no_delay(fd);
    link->gate = gate;
    otl_buf_init(&link->key_body, HX_RELAY_KEY_BODY);
    link->next = relay->links;
    if (link->next != NULL)
        link->next->before = link;
    relay->links = link;
    relay->link_count++;
    bufferevent_setcb(link->down, on_down_read, on_write, on_down_event, link);
    bufferevent_setwatermark(link->down, EV_READ, 0, HX_RELAY_BUFFER);
    bufferevent_setwatermark(link->down, EV_WRITE, HX_RELAY_BUFFER / 4, 0);
    bufferevent_enable(link->down, EV_READ | EV_WRITE);
}
