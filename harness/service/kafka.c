/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/service/kafka.h"

#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "sdk/base/clock.h"
#include "sdk/base/mem.h"

enum {
    BROKER_TIMEOUT_MILLIS = 1000,
    CLOSE_POLL_MILLIS = 50,
    LAST_CHANCE_MILLIS = 1000 /* had the machine stood still */
};

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

/* ---- how far behind? ------------------------------------------------------------------------ */

/* Where the group stands in a partition of which this member has seen nothing yet. */
static int64_t committed_offset(rd_kafka_t *rk, const rd_kafka_topic_partition_t *partition,
                                int64_t low)
{
    rd_kafka_topic_partition_list_t *one = rd_kafka_topic_partition_list_new(1);
    int64_t offset = -1;

    rd_kafka_topic_partition_list_add(one, partition->topic, partition->partition);
    if (rd_kafka_committed(rk, one, BROKER_TIMEOUT_MILLIS) == RD_KAFKA_RESP_ERR_NO_ERROR)
        offset = one->elems[0].offset >= 0 ? one->elems[0].offset : low;
    rd_kafka_topic_partition_list_destroy(one);
    return offset;
}

static int64_t partition_lag(rd_kafka_t *rk, const rd_kafka_topic_partition_t *partition)
{
    int64_t low = 0, high = 0, at = partition->offset;

    if (rd_kafka_query_watermark_offsets(rk, partition->topic, partition->partition, &low, &high,
                                         BROKER_TIMEOUT_MILLIS) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return -1;
    if (high == 0)
        return 0;
    if (at < 0)
        at = committed_offset(rk, partition, low);
    if (at < 0)
        return -1;
    return high > at ? high - at : 0;
}

int64_t hx_kafka_lag(rd_kafka_t *rk)
{
    rd_kafka_topic_partition_list_t *partitions = NULL;
    int64_t lag = 0;

    if (rd_kafka_assignment(rk, &partitions) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return -1;
    if (rd_kafka_position(rk, partitions) != RD_KAFKA_RESP_ERR_NO_ERROR)
        lag = -1;
    for (int i = 0; lag >= 0 && i < partitions->cnt; i++) {
        int64_t one = partition_lag(rk, &partitions->elems[i]);
        lag = one < 0 ? -1 : lag + one;
    }
    rd_kafka_topic_partition_list_destroy(partitions);
    return lag;
}

int64_t hx_kafka_group_lag(rd_kafka_t *rk, const char *topic, unsigned partitions)
{
    rd_kafka_topic_partition_list_t *all =
        rd_kafka_topic_partition_list_new((int)(partitions > 0 ? partitions : 1));
    int64_t lag = 0;

    rd_kafka_topic_partition_list_add_range(all, topic, 0, (int32_t)partitions - 1);
    if (rd_kafka_committed(rk, all, BROKER_TIMEOUT_MILLIS) != RD_KAFKA_RESP_ERR_NO_ERROR)
        lag = -1;
    for (int i = 0; lag >= 0 && i < all->cnt; i++) {
        int64_t low = 0, high = 0, at = all->elems[i].offset;
        if (rd_kafka_query_watermark_offsets(rk, topic, all->elems[i].partition, &low, &high,
                                             BROKER_TIMEOUT_MILLIS) != RD_KAFKA_RESP_ERR_NO_ERROR) {
            lag = -1;
            break;
        }
        at = at >= 0 ? at : low;
        lag += high > at ? high - at : 0;
    }
    rd_kafka_topic_partition_list_destroy(all);
    return lag;
}

bool hx_kafka_commit(rd_kafka_t *rk)
{
    rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
    rd_kafka_resp_err_t err = rd_kafka_commit_queue(rk, NULL, queue, NULL, NULL);
    rd_kafka_event_t *event = NULL;

    if (err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        event = rd_kafka_queue_poll(queue, BROKER_TIMEOUT_MILLIS);
        err = event != NULL ? rd_kafka_event_error(event) : RD_KAFKA_RESP_ERR__TIMED_OUT;
    }
    if (event != NULL)
        rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(queue);
    return err == RD_KAFKA_RESP_ERR_NO_ERROR || err == RD_KAFKA_RESP_ERR__NO_OFFSET;
}

/* ---- leaving -------------------------------------------------------------------------------- */

struct closing {
    rd_kafka_t *rk;
    unsigned polls;
};

static bool leave_and_destroy(struct closing closing)
{
    rd_kafka_queue_t *queue = rd_kafka_queue_new(closing.rk);
    rd_kafka_error_t *error = rd_kafka_consumer_close_queue(closing.rk, queue);
    bool closed = error != NULL; /* it is no consumer, or closed already */

    while (!closed && closing.polls > 0) {
        rd_kafka_message_t *message = rd_kafka_consume_queue(queue, CLOSE_POLL_MILLIS);
        if (message != NULL)
            rd_kafka_message_destroy(message);
        else /* counted instead of the time: a machine that stands still takes none away */
            closing.polls--;
        closed = rd_kafka_consumer_closed(closing.rk) != 0;
    }
    rd_kafka_error_destroy(error);
    if (closed) {
        rd_kafka_queue_destroy(queue);
        rd_kafka_destroy(closing.rk);
    }
    return closed;
}

static void *close_main(void *arg)
{
    struct closing *own = arg, closing = *own;

    otl_mem_free(own);
    return leave_and_destroy(closing) ? closing.rk : NULL;
}

static bool joined_within(pthread_t thread, void **ret, uint64_t millis)
{
    uint64_t until = otl_clock_mono(otl_clock_real()) + millis * OTL_NS_PER_MS;
    struct timespec limit = {(time_t)(until / OTL_NS_PER_S), (long)(until % OTL_NS_PER_S)};

    return pthread_clockjoin_np(thread, ret, CLOCK_MONOTONIC, &limit) == 0;
}

bool hx_kafka_close(rd_kafka_t *rk, unsigned limit_millis)
{
    struct closing closing = {rk, limit_millis / CLOSE_POLL_MILLIS + 1};
    struct closing *own = otl_mem_alloc(sizeof(*own));
    void *ended = NULL; /* not NULL: the handle is gone */
    pthread_t thread;

    if (own != NULL)
        *own = closing;
    if (own == NULL || pthread_create(&thread, NULL, close_main, own) != 0) {
        otl_mem_free(own);
        ended = leave_and_destroy(closing) ? rk : NULL;
    } else if (!joined_within(thread, &ended, 2 * (uint64_t)limit_millis) &&
               !joined_within(thread, &ended, LAST_CHANCE_MILLIS)) {
        pthread_detach(thread);
    }
    if (ended == NULL)
        rd_kafka_set_log_level(rk, 0); /* whom it would tell is gone soon */
    return ended != NULL;
}
