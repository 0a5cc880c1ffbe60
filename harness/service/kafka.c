/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/service/kafka.h"

#include <errno.h>
#include <event2/event.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "sdk/base/mem.h"

enum otel_err hx_kafka_conf_new(const struct hx_kafka_setting *settings, void *opaque,
                                rd_kafka_conf_t **ret, struct otl_detail *reterr)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char text[400];

    for (; settings->name != NULL; settings++) {
        if (rd_kafka_conf_set(conf, settings->name, settings->value, text, sizeof(text)) ==
            RD_KAFKA_CONF_OK)
            continue;
        rd_kafka_conf_destroy(conf);
        return otl_detail_set(reterr, OTEL_ERR_ARGUMENT, NULL, 0, 0, "kafka: %s", text);
    }
    rd_kafka_conf_set_opaque(conf, opaque);
    *ret = conf;
    return OTEL_OK;
}

struct wake {
    struct hx_kafka_events *events;
    void (*ready)(void *arg);
    void *arg;
};

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
    const struct wake *wake = arg;
    uint64_t count;

    /* Nothing to read when the loop was asked to come back. */
    if ((what & EV_READ) != 0 && read(fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
        return;
    wake->ready(wake->arg);
}

enum otel_err hx_kafka_events_init(struct hx_kafka_events *events, struct event_base *base,
                                   rd_kafka_queue_t *queue, void (*ready)(void *arg), void *arg,
                                   struct otl_detail *reterr)
{
    static const uint64_t one = 1;
    struct wake *wake = otl_mem_zalloc(sizeof(*wake));

    events->queue = queue;
    events->wake = NULL;
    events->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (events->fd >= 0 && wake != NULL)
        events->wake = event_new(base, events->fd, EV_READ | EV_PERSIST, on_wake, wake);
    if (events->wake == NULL || event_add(events->wake, NULL) != 0) {
        otl_mem_free(wake);
        if (events->wake != NULL)
            event_free(events->wake);
        events->wake = NULL;
        hx_kafka_events_fini(events);
        return otl_detail_set(reterr, OTEL_ERR_IO, NULL, 0, 0, "kafka: no event descriptor: %s",
                              strerror(errno));
    }
    wake->events = events;
    wake->ready = ready;
    wake->arg = arg;
    rd_kafka_queue_io_event_enable(queue, events->fd, &one, sizeof(one));
    return OTEL_OK;
}

void hx_kafka_events_again(struct hx_kafka_events *events)
{
    event_active(events->wake, EV_TIMEOUT, 0);
}

void hx_kafka_events_fini(struct hx_kafka_events *events)
{
    if (events->queue != NULL) {
        rd_kafka_queue_io_event_enable(events->queue, -1, NULL, 0);
        rd_kafka_queue_destroy(events->queue);
    }
    if (events->wake != NULL) {
        otl_mem_free(event_get_callback_arg(events->wake));
        event_free(events->wake);
    }
    if (events->fd >= 0)
        close(events->fd);
    events->queue = NULL;
    events->wake = NULL;
    events->fd = -1;
}
