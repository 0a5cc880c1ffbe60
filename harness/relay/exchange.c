/* SPDX-License-Identifier: Apache-2.0 */
/* A request and its answer: bytes go on as they came, rows are written beside them. */
#include <string.h>

#include "harness/relay/bridge.h"
#include "sdk/base/clock.h"

static const char bad_request[] = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n"
                                  "Connection: close\r\n\r\n";

static struct hx_relay *relay_of(const struct hx_relay_link *link)
{
    return link->gate->node->relay;
}

static struct evbuffer *from(struct bufferevent *bev)
{
    return bufferevent_get_input(bev);
}

static struct evbuffer *to(struct bufferevent *bev)
{
    return bufferevent_get_output(bev);
}

static void refuse(struct hx_relay_link *link, const char *why, struct otl_view what)
{
    struct hx_relay *relay = relay_of(link);

    hx_relay_trouble(relay, &relay->counts.refused, link->gate, why, what);
    hx_relay_link_close(link);
}

/* ---- which route ---------------------------------------------------------------------------- */

static struct otl_view path_of(struct otl_view target)
{
    const char *end;

    if (target.len > 7 && memcmp(target.data, "http://", 7) == 0) {
        const char *slash = memchr(target.data + 7, '/', target.len - 7);
        size_t skip = slash != NULL ? (size_t)(slash - target.data) : target.len;
        target = otl_view(target.data + skip, target.len - skip);
    }
    end = target.len > 0 ? memchr(target.data, '?', target.len) : NULL;
    return end != NULL ? otl_view(target.data, (size_t)(end - target.data)) : target;
}

static const struct hx_route *route_of(const struct hx_service *service,
                                       const struct hx_relay_head *head)
{
    struct otl_view path = path_of(head->target);

    for (size_t i = 0; i < service->route_count; i++)
        if (otl_view_is(head->method, service->routes[i].method) &&
            otl_view_is(path, service->routes[i].path))
            return &service->routes[i];
    return NULL;
}

/* ---- rows ----------------------------------------------------------------------------------- */

static void look_at_caller(struct hx_relay_link *link, const struct hx_relay_head *head)
{
    const struct hx_foreign *foreign = link->gate->node->replica.service->foreign;
    const struct hx_relay_header *header = hx_relay_header(head, HX_RELAY_REQUEST_HEADER);
    struct hx_relay_caller *caller = &link->now.caller;

    caller->has_request = header != NULL && hx_relay_request_read(header->value, &caller->request,
                                                                  &caller->caller_seq);
    header = foreign->key_header[0] != '\0' ? hx_relay_header(head, foreign->key_header) : NULL;
    if (header != NULL)
        hx_relay_text_key(header->value, caller->key);
}

static void write_entry(struct hx_relay_link *link, const struct hx_route *route,
                        const struct hx_relay_head *head)
{
    struct hx_relay_node *node = link->gate->node;
    struct hx_led_headers headers = hx_relay_texts_of(&relay_of(link)->texts, head);
    struct hx_relay_entry entry = {.request = link->now.caller.request,
                                   .caller_seq = link->now.caller.caller_seq,
                                   .open = true};
    struct hx_led_entry row = {.request = entry.request,
                               .caller_seq = entry.caller_seq,
                               .op = route->op,
                               .kind = HX_LED_ENTRY_HTTP,
                               .partition = -1,
                               .offset = -1};

    entry.seq = link->now.seq = row.head.seq = hx_led_next_seq(node->ledger);
    memcpy(entry.key, link->now.caller.key, sizeof(entry.key));
    row.mono_ns = otl_clock_mono(otl_clock_real());
    row.wall_ns = otl_clock_wall(otl_clock_real());
    hx_led_entry_row(node->ledger, &row, &headers);
    hx_relay_remember(&node->memory, &entry);
    node->in_hand++;
    link->now.has_row = true;
}

static void write_send(struct hx_relay_link *link, const struct hx_route *route,
                       const struct hx_relay_head *head)
{
    struct hx_relay_node *node = link->gate->node;
    struct hx_led_headers headers = hx_relay_texts_of(&relay_of(link)->texts, head);
    const struct hx_relay_entry *entry = hx_relay_join(node, &link->now.caller);
    struct hx_led_send row = {.request = entry ? entry->request : 0,
                              .entry_seq = entry ? entry->seq : 0,
                              .to_op = route->op,
                              .topic = UINT32_MAX};

    link->now.caller.request = row.request;
    link->now.seq = row.head.seq = hx_led_next_seq(node->ledger);
    row.mono_ns = otl_clock_mono(otl_clock_real());
    hx_led_send_row(node->ledger, &row, &headers);
    link->now.has_row = true;
}

static void close_row(struct hx_relay_link *link, enum hx_led_outcome outcome)
{
    struct hx_relay_node *node = link->gate->node;
    struct hx_relay_bridge *bridge = hx_relay_bridge_of(node->relay, node->replica.service);
    uint64_t now = otl_clock_mono(otl_clock_real());

    if (link->gate->front) {
        struct hx_led_entry_close row = {.head.seq = link->now.seq, .mono_ns = now,
                                         .outcome = outcome, .http_status = link->now.status};
        struct hx_relay_entry *entry = hx_relay_recall(&node->memory, link->now.seq);
        if (entry != NULL)
            entry->open = false;
        node->in_hand--;
        hx_led_entry_close_row(node->ledger, &row);
        event_active(node->resume, 0, 0);
        if (bridge != NULL)
            hx_relay_bridge_resume(bridge);
    } else {
        struct hx_led_send_close row = {.head.seq = link->now.seq, .mono_ns = now,
                                        .outcome = outcome, .status = (int32_t)link->now.status,
                                        .partition = -1, .offset = -1};
        hx_led_send_close_row(node->ledger, &row);
    }
}

void hx_relay_exchange_end(struct hx_relay_link *link, enum hx_led_outcome outcome)
{
    struct hx_relay *relay = relay_of(link);
    const struct hx_relay_events *events = &relay->options.events;

    if (link->now.has_row)
        close_row(link, outcome);
    if (link->gate->front)
        link->gate->node->handled++;
    link->now = (struct hx_relay_exchange){.active = false};
    otl_buf_reset(&link->key_body);
    relay->counts.handled++;
    if (--relay->counts.in_hand == 0 && events->idle != NULL)
        events->idle(events->arg);
}

/* ---- requests ------------------------------------------------------------------------------- */

static void keep_payload(void *arg, const char *data, size_t len)
{
    struct hx_relay_link *link = arg;

    /* What does not fit leaves it cut, and a cut JSON text has no field: no key. */
    (void)!otl_buf_append(&link->key_body, data, len);
}

static bool wants_json(const struct hx_relay_link *link)
{
    return link->now.has_row && link->now.caller.key[0] == '\0' &&
           link->gate->node->replica.service->foreign->key_json[0] != '\0';
}

/* The body as far as it is there; false: it is none. */
static bool forward(struct bufferevent *source, struct bufferevent *sink,
                    struct hx_relay_body *body, hx_relay_payload_fn payload, void *arg)
{
    struct evbuffer *in = from(source);
    size_t len, taken;

    while (!body->over && (len = evbuffer_get_contiguous_space(in)) > 0) {
        const char *data = (const char *)evbuffer_pullup(in, (ev_ssize_t)len);
        taken = hx_relay_body_take(body, data, len, payload, arg);
        if (body->error != NULL)
            return false;
        if (taken == 0 || evbuffer_remove_buffer(in, to(sink), taken) < 0)
            break;
    }
    return true;
}

/* A call's head goes on with the number of its row in tracerig-request. */
static bool send_call(struct hx_relay_link *link, const char *raw,
                      const struct hx_relay_head *head)
{
    char value[HX_RELAY_REQUEST_LEN + 1];
    struct otl_buf out;
    bool sent;

    hx_relay_request_write(link->now.caller.request, link->now.seq, value);
    otl_buf_init(&out, 2 * HX_RELAY_HEAD_MAX);
    sent = hx_relay_rewrite(raw, head, value, &out) == OTEL_OK &&
           evbuffer_add(to(link->up), out.data, out.len) == 0;
    otl_buf_fini(&out);
    evbuffer_drain(from(link->down), head->size);
    return sent;
}

/* The whole body of a held call, or as much as is looked at; false: more must come. */
static bool whole_body(struct hx_relay_link *link, const char *raw, size_t len,
                       const struct hx_relay_head *head)
{
    struct hx_relay_body body;

    hx_relay_body_init(&body, head);
    otl_buf_reset(&link->key_body);
    hx_relay_body_take(&body, raw + head->size, len - head->size, keep_payload, link);
    return body.over || body.error != NULL || len - head->size >= HX_RELAY_KEY_BODY;
}

static bool must_hold(const struct hx_relay_link *link, const struct hx_relay_head *head)
{
    const struct hx_foreign *foreign = link->gate->node->replica.service->foreign;

    return !link->gate->front && foreign->key_json[0] != '\0' && !link->now.caller.has_request &&
           head->framing != HX_RELAY_NO_BODY && hx_relay_header(head, "expect") == NULL;
}

/* The head of a request is here. False: it goes no further now. */
static bool begin(struct hx_relay_link *link, const char *raw, size_t len,
                  const struct hx_relay_head *head)
{
    const struct hx_foreign *foreign = link->gate->node->replica.service->foreign;
    const struct hx_route *route = route_of(link->gate->to, head);
    struct hx_relay *relay = relay_of(link);

    if (!link->now.active) {
        link->now.active = true;
        link->now.begun_ns = otl_clock_mono(otl_clock_real());
        relay->counts.in_hand++;
        look_at_caller(link, head);
        link->now.to_head = otl_view_is(head->method, "HEAD");
        hx_relay_body_init(&link->now.request, head);
    }
    if (must_hold(link, head)) {
        link->now.held = !whole_body(link, raw, len, head);
        if (link->now.held)
            return false;
        hx_relay_json_key(link->key_body.data, link->key_body.len, foreign->key_json,
                          link->now.caller.key);
    }
    if (!hx_relay_link_connect(link)) {
        hx_relay_link_close(link);
        return false;
    }
    link->now.head_sent = true;
    if (route == NULL)
        hx_relay_trouble(relay, &relay->counts.unrouted, link->gate,
                         "a request that the scenario does not have",
                         otl_view(head->method.data, head->method.len + 1 + head->target.len));
    else if (link->gate->front)
        write_entry(link, route, head);
    else
        write_send(link, route, head);
    if (link->gate->front || route == NULL)
        return evbuffer_remove_buffer(from(link->down), to(link->up), head->size) >= 0;
    return send_call(link, raw, head);
}

/* With the messages: a service that has topics and max_in_flight has one replica. */
static size_t busy(const struct hx_relay_node *node)
{
    const struct hx_relay_bridge *bridge = hx_relay_bridge_of(node->relay, node->replica.service);

    return node->in_hand + (bridge != NULL ? bridge->in_hand : 0);
}

static uint64_t slowness(const struct hx_relay_link *link, const struct hx_relay_head *head)
{
    const struct hx_relay_node *node = link->gate->node;
    const struct hx_route *route = link->gate->front ? route_of(link->gate->to, head) : NULL;

    return route != NULL ? node->slow_ns[route - node->replica.service->routes] : 0;
}

/* False: nothing more can be done with what is there. */
static bool read_head(struct hx_relay_link *link)
{
    struct hx_relay *relay = relay_of(link);
    const struct hx_relay_node *node = link->gate->node;
    unsigned most = node->replica.service->foreign->max_in_flight;
    struct evbuffer *in = from(link->down);
    size_t len = evbuffer_get_length(in);
    const char *raw = len > 0 ? (const char *)evbuffer_pullup(in, (ev_ssize_t)len) : NULL;

    if (raw == NULL)
        return false;
    switch (hx_relay_read_request(raw, len, &relay->head)) {
    case HX_RELAY_MORE:
        return false;
    case HX_RELAY_BAD:
        evbuffer_add(to(link->down), bad_request, sizeof(bad_request) - 1);
        refuse(link, relay->head.error, otl_view("", 0));
        return false;
    case HX_RELAY_WHOLE:
        break;
    }
    if (!link->now.delayed && !link->now.active && slowness(link, &relay->head) > 0) {
        link->now.delayed = true;
        if (hx_relay_link_delay(link, slowness(link, &relay->head)))
            return false;
    }
    if (link->gate->front && most != 0 && busy(node) >= most && !link->now.active) {
        hx_relay_link_wait(link);
        return false;
    }
    return begin(link, raw, len, &relay->head);
}

static void request_over(struct hx_relay_link *link)
{
    struct hx_relay_node *node = link->gate->node;
    struct hx_relay_entry *entry;

    if (!link->gate->front || !wants_json(link) || link->key_body.len == 0)
        return;
    entry = hx_relay_recall(&node->memory, link->now.seq);
    if (entry != NULL)
        hx_relay_json_key(link->key_body.data, link->key_body.len,
                          node->replica.service->foreign->key_json, entry->key);
    otl_buf_reset(&link->key_body);
}

void hx_relay_on_request_bytes(struct hx_relay_link *link)
{
    if (link->closing || link->waiting)
        return;
    if (!link->now.head_sent && !read_head(link))
        return;
    if (link->closing || link->now.request.framing == HX_RELAY_NO_BODY)
        return; /* what follows is the next request: it waits for this one's answer */
    if (!forward(link->down, link->up, &link->now.request,
                 link->gate->front && wants_json(link) ? keep_payload : NULL, link))
        refuse(link, link->now.request.error, otl_view("", 0));
    else if (link->now.request.over)
        request_over(link);
}

/* ---- answers -------------------------------------------------------------------------------- */

/* Heads up to the final one; false: it is not there yet, or the link is closing. */
static bool read_answer(struct hx_relay_link *link)
{
    struct hx_relay *relay = relay_of(link);
    struct evbuffer *in = from(link->up);

    while (!link->now.answering) {
        size_t len = evbuffer_get_length(in);
        const char *raw = len > 0 ? (const char *)evbuffer_pullup(in, (ev_ssize_t)len) : NULL;
        enum hx_relay_parsed parsed =
            raw ? hx_relay_read_response(raw, len, link->now.to_head, &relay->head) : HX_RELAY_MORE;
        if (parsed == HX_RELAY_MORE)
            return false;
        if (parsed == HX_RELAY_BAD || relay->head.status == 101) {
            refuse(link, parsed == HX_RELAY_BAD ? relay->head.error : "an upgrade",
                   otl_view("", 0));
            return false;
        }
        link->now.answering = relay->head.status >= 200;
        if (link->now.answering) {
            link->now.status = relay->head.status;
            hx_relay_body_init(&link->now.response, &relay->head);
        }
        if (evbuffer_remove_buffer(in, to(link->down), relay->head.size) < 0)
            return false;
    }
    return true;
}

static enum hx_led_outcome outcome_of(const struct hx_relay_link *link)
{
    return link->now.status < 400 ? HX_LED_OUTCOME_OK : HX_LED_OUTCOME_FAILED;
}

static void answered(struct hx_relay_link *link)
{
    bool whole = link->now.request.over;

    hx_relay_exchange_end(link, outcome_of(link));
    if (!whole || link->last)
        hx_relay_link_close(link); /* an answer before the end of its request */
    else
        hx_relay_on_request_bytes(link);
}

void hx_relay_on_response_bytes(struct hx_relay_link *link)
{
    if (link->closing)
        return;
    if (!link->now.active || !link->now.head_sent) {
        if (evbuffer_get_length(from(link->up)) > 0)
            refuse(link, "an answer that nobody asked for", otl_view("", 0));
        return;
    }
    if (!read_answer(link))
        return;
    if (!forward(link->up, link->down, &link->now.response, NULL, NULL))
        refuse(link, link->now.response.error, otl_view("", 0));
    else if (link->now.response.over)
        answered(link);
}

void hx_relay_on_response_end(struct hx_relay_link *link)
{
    if (link->closing || !link->now.answering ||
        link->now.response.framing != HX_RELAY_UNTIL_CLOSE)
        return;
    hx_relay_exchange_end(link, outcome_of(link));
}
