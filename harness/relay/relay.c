/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/relay/relay.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness/relay/bridge.h"
#include "harness/topology/port.h"
#include "sdk/base/clock.h"
#include "sdk/base/mem.h"
#include "sdk/base/text.h"

/* ---- what is told --------------------------------------------------------------------------- */

void hx_relay_is_ready(struct hx_relay *relay)
{
    const struct hx_relay_events *events = &relay->options.events;

    for (size_t i = 0; i < relay->node_count; i++)
        if (!relay->nodes[i]->served)
            return;
    for (size_t i = 0; i < relay->bridge_count; i++)
        if (!hx_relay_bridge_is_stable(relay->bridges[i]))
            return;
    if (relay->told_ready)
        return;
    relay->told_ready = true;
    events->ready(events->arg);
}

void hx_relay_trouble(struct hx_relay *relay, uint64_t *counter, const struct hx_relay_gate *gate,
                      const char *why, struct otl_view what)
{
    (*counter)++;
    if (relay->counts.why[0] != '\0')
        return;
    snprintf(relay->counts.why, sizeof(relay->counts.why), "%s %s %s: %s%s%.*s",
             gate->front ? "to" : "from", gate->node->instance,
             gate->front ? "" : gate->to->name, why, what.len > 0 ? ": " : "",
             (int)(what.len < 100 ? what.len : 100), what.len > 0 ? what.data : "");
    for (char *at = relay->counts.why; *at != '\0'; at++)
        if (*at < ' ' || *at > '~')
            *at = '?';
}

static void on_second(evutil_socket_t fd, short what, void *arg)
{
    struct hx_relay *relay = arg;
    const struct hx_relay_events *events = &relay->options.events;
    struct otl_detail detail = OTL_DETAIL_NONE;

    (void)fd, (void)what;
    for (size_t i = 0; i < relay->gate_count; i++)
        if (relay->gates[i]->listener != NULL)
            evconnlistener_enable(relay->gates[i]->listener);
    if (relay->faulted)
        return;
    for (size_t i = 0; i < relay->node_count && detail.code == OTEL_OK; i++)
        (void)!hx_led_writer_fault(relay->nodes[i]->ledger, &detail);
    for (size_t i = 0; i < relay->bridge_count && detail.code == OTEL_OK; i++)
        (void)!hx_led_writer_fault(relay->bridges[i]->ledger, &detail);
    if (detail.code == OTEL_OK)
        return;
    relay->faulted = true;
    events->fault(events->arg, detail.text);
}

/* ---- sockets -------------------------------------------------------------------------------- */

static struct sockaddr_in loopback(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

static uint16_t port_of(int fd)
{
    struct sockaddr_in address;
    socklen_t len = sizeof(address);

    return getsockname(fd, (struct sockaddr *)&address, &len) == 0 ? ntohs(address.sin_port) : 0;
}

static enum otel_err open_gate(struct hx_relay_node *node, const struct hx_service *to, bool front,
                               uint16_t *ret_port, struct otl_detail *reterr)
{
    struct hx_relay *relay = node->relay;
    struct hx_relay_gate *gate = otl_mem_zalloc(sizeof(*gate));
    struct sockaddr_in address = loopback();

    if (gate == NULL || relay->gate_count == HX_RELAY_GATES) {
        otl_mem_free(gate);
        return otl_detail_set(reterr, gate == NULL ? OTEL_ERR_MEMORY : OTEL_ERR_LIMIT, NULL, 0, 0,
                              "no room for the relay's listeners");
    }
    gate->node = node;
    gate->to = to;
    gate->front = front;
    relay->gates[relay->gate_count++] = gate;
    gate->listener = evconnlistener_new_bind(relay->options.base, hx_relay_accept, gate,
                                             LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 1024,
                                             (struct sockaddr *)&address, sizeof(address));
    if (gate->listener == NULL)
        return otl_detail_set(reterr, OTEL_ERR_IO, NULL, 0, 0, "the relay cannot listen: %s",
                              strerror(errno));
    evconnlistener_set_error_cb(gate->listener, hx_relay_shortage);
    *ret_port = port_of(evconnlistener_get_fd(gate->listener));
    return OTEL_OK;
}

/* ---- life ----------------------------------------------------------------------------------- */

enum otel_err hx_relay_new(const struct hx_relay_options *options, struct hx_relay **ret,
                           struct otl_detail *reterr)
{
    struct hx_relay *relay = otl_mem_zalloc(sizeof(*relay));
    const struct timeval second = {1, 0};

    if (relay == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "no memory for a relay");
    relay->options = *options;
    hx_relay_texts_init(&relay->texts);
    relay->second = event_new(options->base, -1, EV_PERSIST, on_second, relay);
    if (relay->second == NULL || event_add(relay->second, &second) != 0) {
        hx_relay_free(relay);
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "no memory for a relay");
    }
    for (size_t i = 0; i < options->scenario->service_count; i++)
        relay->targets[i].service = &options->scenario->services[i];
    *ret = relay;
    return OTEL_OK;
}

static void on_resume(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    hx_relay_link_resume(arg);
}

static enum otel_err open_node(struct hx_relay_node *node, struct otl_detail *reterr)
{
    const struct hx_relay_options *options = &node->relay->options;
    const struct hx_relay_replica *replica = &node->replica;
    char dir[4096];
    struct hx_led_writer_options ledger = {dir, node->instance, 0, replica->process,
                                           options->seed};
    struct hx_led_process row = {.pid = (uint32_t)getpid(),
                                 .service = replica->service->index,
                                 .replica = replica->replica};
    enum otel_err err;

    snprintf(dir, sizeof(dir), "%s/ledger", options->dir);
    node->resume = event_new(options->base, -1, 0, on_resume, node);
    if (node->resume == NULL || hx_relay_memory_init(&node->memory) != OTEL_OK)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "no memory for a relay");
    err = hx_led_writer_new(&ledger, &node->ledger, reterr);
    if (err != OTEL_OK)
        return err;
    row.mono_ns = otl_clock_mono(otl_clock_real());
    row.wall_ns = otl_clock_wall(otl_clock_real());
    hx_led_process_row(node->ledger, &row, otl_view_str(node->instance), otl_view_str(""));
    return hx_port_hold(node->instance, &node->holder, &node->port, reterr);
}

/* A listener behind the node for each service that its steps call. */
static enum otel_err open_calls(struct hx_relay_node *node, json_t *calls,
                                struct otl_detail *reterr)
{
    const struct hx_scenario *scenario = node->relay->options.scenario;

    for (size_t i = 0; i < scenario->operation_count; i++) {
        const struct hx_operation *op = &scenario->operations[i];
        uint16_t port;
        enum otel_err err;
        if (op->service != node->replica.service || op->step == NULL ||
            op->step->kind != HX_STEP_CALL ||
            json_object_get(calls, op->step->to->name) != NULL)
            continue;
        err = open_gate(node, op->step->to, false, &port, reterr);
        if (err != OTEL_OK)
            return err;
        json_object_set_new(calls, op->step->to->name, json_integer(port));
    }
    return OTEL_OK;
}

enum otel_err hx_relay_add(struct hx_relay *relay, const struct hx_relay_replica *replica,
                           json_t **ret_places, struct otl_detail *reterr)
{
    struct hx_relay_node *node;
    json_t *calls;
    uint16_t front = 0;
    enum otel_err err;

    if (relay->node_count == HX_RELAY_NODES)
        return otl_detail_set(reterr, OTEL_ERR_LIMIT, NULL, 0, 0,
                              "more than %d replicas with a command", HX_RELAY_NODES);
    node = otl_mem_zalloc(sizeof(*node));
    if (node == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "no memory for a relay");
    relay->nodes[relay->node_count++] = node;
    node->relay = relay;
    node->replica = *replica;
    node->holder = -1;
    node->instance = otl_mem_strdup(replica->instance);
    node->slow_ns = otl_mem_zalloc((replica->service->route_count + 1) * sizeof(*node->slow_ns));
    if (node->instance == NULL || node->slow_ns == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "no memory for a relay");
    node->replica.instance = node->instance;
    calls = json_object();
    err = open_node(node, reterr);
    if (err == OTEL_OK)
        err = open_gate(node, replica->service, true, &front, reterr);
    if (err == OTEL_OK)
        err = open_calls(node, calls, reterr);
    if (err != OTEL_OK) {
        json_decref(calls);
        return err;
    }
    *ret_places = json_pack("{s:s, s:i, s:i, s:o}", "instance", node->instance, "listen",
                            (int)front, "port", (int)node->port, "calls", calls);
    return *ret_places ? OTEL_OK : OTEL_ERR_MEMORY;
}

enum otel_err hx_relay_add_topics(struct hx_relay *relay, const struct hx_relay_topics *topics,
                                  struct otl_detail *reterr)
{
    enum otel_err err;

    if (relay->bridge_count == HX_MAX_SERVICES)
        return otl_detail_set(reterr, OTEL_ERR_LIMIT, NULL, 0, 0, "too many services with topics");
    err = hx_relay_bridge_new(relay, topics, &relay->bridges[relay->bridge_count], reterr);
    relay->bridge_count += err == OTEL_OK;
    return err;
}

static enum otel_err read_target(struct hx_relay_target *target, const json_t *list,
                                 struct otl_detail *reterr)
{
    target->count = 0;
    for (size_t i = 0; i < json_array_size(list) && i < HX_MAX_REPLICAS; i++) {
        const char *text = json_string_value(json_array_get(list, i));
        const char *colon = text ? strrchr(text, ':') : NULL;
        uint64_t port;
        if (colon == NULL || otl_parse_uint(colon + 1, 1, 65535, &port) != OTEL_OK)
            return otl_detail_set(reterr, OTEL_ERR_SYNTAX, NULL, 0, 0,
                                  "peer of %s is '%s', expected HOST:PORT", target->service->name,
                                  text ? text : "");
        target->ports[target->count++] = (uint16_t)port;
    }
    return OTEL_OK;
}

enum otel_err hx_relay_peers(struct hx_relay *relay, const json_t *services,
                             struct otl_detail *reterr)
{
    enum otel_err err = OTEL_OK;

    for (size_t i = 0; i < relay->options.scenario->service_count && err == OTEL_OK; i++)
        err = read_target(&relay->targets[i],
                          json_object_get(services, relay->targets[i].service->name), reterr);
    for (size_t i = 0; i < relay->gate_count && err == OTEL_OK; i++)
        if (!relay->gates[i]->front && relay->targets[relay->gates[i]->to->index].count == 0)
            err = otl_detail_set(reterr, OTEL_ERR_NOT_FOUND, NULL, 0, 0, "no endpoint of %s",
                                 relay->gates[i]->to->name);
    for (size_t i = 0; i < relay->node_count && err == OTEL_OK; i++)
        err = hx_relay_knock(relay->nodes[i]);
    return err;
}

void hx_relay_counts(const struct hx_relay *relay, struct hx_relay_counts *ret)
{
    *ret = relay->counts;
}

static struct hx_relay_node *node_named(const struct hx_relay *relay, const char *instance)
{
    for (size_t i = 0; i < relay->node_count; i++)
        if (strcmp(relay->nodes[i]->instance, instance) == 0)
            return relay->nodes[i];
    return NULL;
}

/* The topics of a replica's service, if it is the only one. */
static const struct hx_relay_bridge *own_bridge(const struct hx_relay_node *node)
{
    return node->replica.service->replicas == 1
               ? hx_relay_bridge_of(node->relay, node->replica.service)
               : NULL;
}

uint64_t hx_relay_handled(const struct hx_relay *relay, const char *instance)
{
    const struct hx_relay_node *node = node_named(relay, instance);
    const struct hx_relay_bridge *bridge = node != NULL ? own_bridge(node) : NULL;

    return node == NULL ? 0 : node->handled + (bridge != NULL ? bridge->handled : 0);
}

size_t hx_relay_in_hand(const struct hx_relay *relay, const char *instance)
{
    const struct hx_relay_node *node = node_named(relay, instance);
    const struct hx_relay_bridge *bridge = node != NULL ? own_bridge(node) : NULL;

    return node == NULL ? 0 : node->in_hand + (bridge != NULL ? bridge->in_hand : 0);
}

size_t hx_relay_uncommitted(const struct hx_relay *relay, const struct hx_service *service)
{
    const struct hx_relay_bridge *bridge = hx_relay_bridge_of(relay, service);

    return bridge != NULL ? bridge->in_hand : 0;
}

bool hx_relay_slow(struct hx_relay *relay, const char *instance, const char *route, uint64_t ns)
{
    struct hx_relay_node *node = node_named(relay, instance);

    for (size_t i = 0; node != NULL && i < node->replica.service->route_count; i++) {
        if (strcmp(node->replica.service->routes[i].name, route) != 0)
            continue;
        node->slow_ns[i] = ns;
        return true;
    }
    return false;
}

enum otel_err hx_relay_again(struct hx_relay *relay, const char *instance)
{
    struct hx_relay_node *node = node_named(relay, instance);

    if (node == NULL)
        return OTEL_ERR_NOT_FOUND;
    hx_relay_knock_end(node);
    node->gone = false;
    node->later = true;
    node->last_status = 0;
    return hx_relay_knock(node);
}

void hx_relay_gone(struct hx_relay *relay, const char *instance)
{
    struct hx_relay_node *node = node_named(relay, instance);

    if (node == NULL)
        return;
    hx_relay_knock_end(node);
    node->gone = true;
}

void hx_relay_give_up(struct hx_relay *relay)
{
    uint64_t now = otl_clock_mono(otl_clock_real());
    struct hx_relay_link *next;

    for (struct hx_relay_link *link = relay->links; link != NULL; link = next) {
        next = link->next;
        if (!link->last || link->closing || !link->now.active ||
            now - link->now.begun_ns < relay->options.scenario->load.timeout_ns)
            continue;
        if (link->gate->front)
            link->gate->node->unanswered++;
        hx_relay_exchange_end(link, HX_LED_OUTCOME_TIMEOUT);
        hx_relay_link_close(link);
        hx_relay_link_settle(link);
    }
}

uint64_t hx_relay_unanswered(const struct hx_relay *relay, const char *instance)
{
    const struct hx_relay_node *node = node_named(relay, instance);

    return node != NULL ? node->unanswered : 0;
}

/* Nobody is left who could read or write its topics. */
static bool is_abandoned(const struct hx_relay_bridge *bridge)
{
    const struct hx_relay *relay = bridge->relay;

    for (size_t i = 0; i < relay->node_count; i++)
        if (relay->nodes[i]->replica.service == bridge->service && !relay->nodes[i]->gone)
            return false;
    return true;
}

bool hx_relay_is_idle(struct hx_relay *relay)
{
    bool idle = relay->counts.in_hand == 0;

    for (size_t i = 0; i < relay->bridge_count && idle; i++)
        idle = is_abandoned(relay->bridges[i]) || hx_relay_bridge_is_empty(relay->bridges[i]);
    for (size_t i = 0; i < relay->bridge_count && idle; i++)
        idle = is_abandoned(relay->bridges[i]) || hx_relay_bridge_is_idle(relay->bridges[i]);
    return idle && relay->counts.in_hand == 0;
}

void hx_relay_stop(struct hx_relay *relay)
{
    while (relay->links != NULL) {
        if (relay->links->now.active)
            hx_relay_exchange_end(relay->links, HX_LED_OUTCOME_TIMEOUT);
        hx_relay_link_free(relay->links);
    }
    for (size_t i = 0; i < relay->node_count; i++) {
        struct hx_led_process_close row = {.mono_ns = otl_clock_mono(otl_clock_real())};
        if (relay->nodes[i]->ledger != NULL)
            hx_led_process_close_row(relay->nodes[i]->ledger, &row);
    }
    for (size_t i = 0; i < relay->bridge_count; i++)
        hx_relay_bridge_stop(relay->bridges[i]);
}

void hx_relay_free(struct hx_relay *relay)
{
    if (relay == NULL)
        return;
    while (relay->links != NULL)
        hx_relay_link_free(relay->links);
    for (size_t i = 0; i < relay->bridge_count; i++)
        hx_relay_bridge_free(relay->bridges[i]);
    relay->bridge_count = 0;
    for (size_t i = 0; i < relay->gate_count; i++) {
        if (relay->gates[i]->listener != NULL)
            evconnlistener_free(relay->gates[i]->listener);
        otl_mem_free(relay->gates[i]);
    }
    for (size_t i = 0; i < relay->node_count; i++) {
        struct hx_relay_node *node = relay->nodes[i];
        hx_relay_knock_end(node);
        if (node->resume != NULL)
            event_free(node->resume);
        if (node->holder >= 0)
            close(node->holder);
        hx_led_writer_free(node->ledger);
        hx_relay_memory_fini(&node->memory);
        otl_mem_free(node->slow_ns);
        otl_mem_free(node->instance);
        otl_mem_free(node);
    }
    if (relay->second != NULL)
        event_free(relay->second);
    hx_relay_texts_fini(&relay->texts);
    otl_mem_free(relay);
}
