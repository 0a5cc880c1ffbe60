/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/relay/bridge.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sdk/base/clock.h"
#include "sdk/base/mem.h"

enum { FLUSH_MILLIS = 5000 };
#define STABLE_NS (3 * OTL_NS_PER_S)

/* ---- what is carried over ------------------------------------------------------------------- */

static void on_report(rd_kafka_t *rk, const rd_kafka_message_t *report, void *opaque)
{
    struct hx_relay_message *message = report->_private;

    (void)rk, (void)opaque;
    if (message->pipe->consumer != NULL)
        hx_relay_pipe_in_reported(message, report);
    else
        hx_relay_pipe_out_reported(message, report);
}

static void serve_reports(void *arg)
{
    struct hx_relay_bridge *bridge = arg;

    while (rd_kafka_poll(bridge->producer, 0) != 0)
        continue;
}

static enum otel_err make_producer(struct hx_relay_bridge *bridge, struct otl_detail *reterr)
{
    /* A broker that is away for a while loses nothing, and doubles nothing. One request at a time:
     * the embedded broker does not refuse the second request of a partition whose first one failed,
     * as Kafka does, and librdkafka takes its success for that of both: the messages of the first
     * one would be gone. */
    const struct hx_kafka_setting settings[] = {{"bootstrap.servers", bridge->bootstrap},
                                                {"client.id", bridge->instance},
                                                {"linger.ms", "2"},
                                                {"enable.idempotence", "true"},
                                                {"max.in.flight", "1"},
                                                {"message.timeout.ms", "300000"},
                                                {"message.max.bytes", "4000000"},
                                                {"socket.nagle.disable", "true"},
                                                {NULL, NULL}};
    rd_kafka_conf_t *conf = NULL;
    char text[400] = "";
    enum otel_err err = hx_kafka_conf_new(settings, bridge, &conf, reterr);

    if (err != OTEL_OK)
        return err;
    rd_kafka_conf_set_dr_msg_cb(conf, on_report);
    bridge->producer = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof(text));
    if (bridge->producer == NULL) {
        rd_kafka_conf_destroy(conf);
        return otl_detail_set(reterr, OTEL_ERR_ARGUMENT, NULL, 0, 0, "kafka producer: %s", text);
    }
    return hx_kafka_events_init(&bridge->reports, bridge->relay->options.base,
                                rd_kafka_queue_get_main(bridge->producer), serve_reports, bridge,
                                reterr);
}

/* ---- pipes ---------------------------------------------------------------------------------- */

static enum otel_err add_pipe(struct hx_relay_bridge *bridge, const struct hx_topic *topic,
                              const struct hx_consumer *consumer, struct otl_detail *reterr)
{
    struct hx_relay_pipe *pipe = otl_mem_zalloc(sizeof(*pipe));
    enum otel_err err;

    if (pipe == NULL || bridge->pipe_count == HX_RELAY_PIPES) {
        otl_mem_free(pipe);
        return otl_detail_set(reterr, OTEL_ERR_LIMIT, NULL, 0, 0,
                              "no room for the relay's topics");
    }
    bridge->pipes[bridge->pipe_count++] = pipe;
    pipe->events.fd = -1;
    pipe->bridge = bridge;
    pipe->topic = topic;
    pipe->consumer = consumer;
    pipe->next = otl_mem_zalloc(topic->partitions * sizeof(*pipe->next));
    if (pipe->next == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "no memory for a relay");
    hx_foreign_name(bridge->service, topic->name, pipe->name);
    err = hx_relay_topic_known(bridge, consumer != NULL ? pipe->name : topic->name, reterr);
    if (err != OTEL_OK)
        return err;
    if (consumer == NULL)
        return hx_relay_pipe_out(pipe, reterr);
    hx_foreign_name(bridge->service, consumer->group, pipe->group);
    return hx_relay_pipe_in(pipe, reterr);
}

static void free_pipe(struct hx_relay_pipe *pipe)
{
    if (pipe->second != NULL)
        event_free(pipe->second);
    if (pipe->ask != NULL)
        event_free(pipe->ask);
    hx_relay_committed_free(pipe->committed);
    hx_kafka_events_fini(&pipe->events);
    if (pipe->rk != NULL && !hx_kafka_close(pipe->rk, HX_KAFKA_CLOSE_MILLIS))
        return; /* its callback may still come */
    while (pipe->open != NULL) {
        struct hx_relay_message *message = pipe->open;
        pipe->open = message->next;
        otl_mem_free(message);
    }
    otl_mem_free(pipe->next);
    otl_mem_free(pipe);
}

/* ---- life ----------------------------------------------------------------------------------- */

static enum otel_err open_ledger(struct hx_relay_bridge *bridge,
                                 const struct hx_relay_topics *topics, struct otl_detail *reterr)
{
    const struct hx_relay_options *options = &bridge->relay->options;
    const struct hx_service *service = bridge->service;
    char dir[4096];
    struct hx_led_writer_options ledger = {dir, bridge->instance, 0, topics->process,
                                           options->seed};
    struct hx_led_process row = {.pid = (uint32_t)getpid(), .service = service->index};
    enum otel_err err;

    /* which of several replicas handled a message is not known */
    row.replica = service->replicas == 1 ? 0 : UINT32_MAX;
    snprintf(dir, sizeof(dir), "%s/ledger", options->dir);
    err = hx_led_writer_new(&ledger, &bridge->ledger, reterr);
    if (err != OTEL_OK)
        return err;
    row.mono_ns = otl_clock_mono(otl_clock_real());
    row.wall_ns = otl_clock_wall(otl_clock_real());
    hx_led_process_row(bridge->ledger, &row, otl_view_str(bridge->instance), otl_view_str(""));
    return OTEL_OK;
}

static enum otel_err open_pipes(struct hx_relay_bridge *bridge, struct otl_detail *reterr)
{
    const struct hx_scenario *scenario = bridge->relay->options.scenario;
    const struct hx_service *service = bridge->service;
    enum otel_err err = OTEL_OK;

    for (size_t i = 0; i < service->consumer_count && err == OTEL_OK; i++)
        err = add_pipe(bridge, service->consumers[i].topic, &service->consumers[i], reterr);
    for (size_t i = 0; i < scenario->topic_count && err == OTEL_OK; i++)
        if (hx_foreign_topic_use(scenario, service, &scenario->topics[i]) == HX_FOREIGN_WRITES)
            err = add_pipe(bridge, &scenario->topics[i], NULL, reterr);
    return err;
}

enum otel_err hx_relay_bridge_new(struct hx_relay *relay, const struct hx_relay_topics *topics,
                                  struct hx_relay_bridge **ret, struct otl_detail *reterr)
{
    struct hx_relay_bridge *bridge = otl_mem_zalloc(sizeof(*bridge));
    enum otel_err err;

    if (bridge == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "no memory for a relay");
    bridge->relay = relay;
    bridge->service = topics->service;
    bridge->bootstrap = topics->bootstrap;
    bridge->reports.fd = -1;
    snprintf(bridge->instance, sizeof(bridge->instance), "%s-topics", topics->service->name);
    err = hx_relay_memory_init(&bridge->memory);
    if (err == OTEL_OK)
        err = open_ledger(bridge, topics, reterr);
    if (err == OTEL_OK)
        err = make_producer(bridge, reterr);
    if (err == OTEL_OK)
        err = open_pipes(bridge, reterr);
    if (err != OTEL_OK) {
        hx_relay_bridge_free(bridge);
        return err;
    }
    *ret = bridge;
    return OTEL_OK;
}

void hx_relay_bridge_stop(struct hx_relay_bridge *bridge)
{
    struct hx_led_process_close row = {.mono_ns = otl_clock_mono(otl_clock_real())};

    rd_kafka_flush(bridge->producer, FLUSH_MILLIS);
    rd_kafka_purge(bridge->producer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    serve_reports(bridge);
    hx_led_process_close_row(bridge->ledger, &row);
}

void hx_relay_bridge_free(struct hx_relay_bridge *bridge)
{
    if (bridge == NULL)
        return;
    for (size_t i = 0; i < bridge->pipe_count; i++)
        free_pipe(bridge->pipes[i]);
    hx_kafka_events_fini(&bridge->reports);
    if (bridge->producer != NULL)
        rd_kafka_destroy(bridge->producer);
    hx_led_writer_free(bridge->ledger);
    hx_relay_memory_fini(&bridge->memory);
    otl_mem_free(bridge);
}

/* ---- questions ------------------------------------------------------------------------------ */

struct hx_relay_bridge *hx_relay_bridge_of(const struct hx_relay *relay,
                                           const struct hx_service *service)
{
    for (size_t i = 0; i < relay->bridge_count; i++)
        if (relay->bridges[i]->service == service)
            return relay->bridges[i];
    return NULL;
}

bool hx_relay_bridge_is_stable(const struct hx_relay_bridge *bridge)
{
    uint64_t now = otl_clock_mono(otl_clock_real());

    for (size_t i = 0; i < bridge->pipe_count; i++) {
        const struct hx_relay_pipe *pipe = bridge->pipes[i];
        if (pipe->consumer != NULL && (!pipe->assigned || now - pipe->changed_ns < STABLE_NS))
            return false;
    }
    return true;
}

/* Asked through the producer: the reader's connection may have a fetch that waits. */
static bool is_read(const struct hx_relay_pipe *pipe)
{
    for (unsigned p = 0; p < pipe->topic->partitions; p++)
        if (hx_kafka_topic_end(pipe->bridge->producer, pipe->name, (int32_t)p) != pipe->next[p])
            return false;
    return true;
}

bool hx_relay_bridge_is_read(const struct hx_relay_bridge *bridge)
{
    for (size_t i = 0; i < bridge->pipe_count; i++)
        if (bridge->pipes[i]->consumer == NULL && !is_read(bridge->pipes[i]))
            return false;
    return true;
}

static bool pipe_is_idle(const struct hx_relay_pipe *pipe)
{
    if (pipe->consumer != NULL)
        return pipe->assigned && hx_kafka_lag(pipe->rk) == 0;
    return is_read(pipe);
}

bool hx_relay_bridge_is_empty(const struct hx_relay_bridge *bridge)
{
    for (size_t i = 0; i < bridge->pipe_count; i++)
        if (bridge->pipes[i]->unsent != 0)
            return false;
    return bridge->in_hand == 0;
}

bool hx_relay_bridge_is_idle(struct hx_relay_bridge *bridge)
{
    if (!hx_relay_bridge_is_empty(bridge))
        return false;
    for (size_t i = 0; i < bridge->pipe_count; i++)
        if (!pipe_is_idle(bridge->pipes[i]))
            return false;
    return true;
}

size_t hx_relay_bridge_busy(const struct hx_relay_bridge *bridge)
{
    size_t busy = bridge->in_hand;

    for (size_t i = 0; i < bridge->relay->node_count; i++)
        if (bridge->relay->nodes[i]->replica.service == bridge->service)
            busy += bridge->relay->nodes[i]->in_hand;
    return busy;
}

void hx_relay_bridge_resume(struct hx_relay_bridge *bridge)
{
    const struct hx_relay *relay = bridge->relay;

    if (bridge->service->foreign->max_in_flight == 0)
        return;
    for (size_t i = 0; i < bridge->pipe_count; i++)
        if (bridge->pipes[i]->consumer != NULL)
            hx_kafka_events_again(&bridge->pipes[i]->events);
    for (size_t i = 0; i < relay->node_count; i++)
        if (relay->nodes[i]->replica.service == bridge->service)
            event_active(relay->nodes[i]->resume, 0, 0);
}
