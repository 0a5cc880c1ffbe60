/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/relay/committed.h"

#include <errno.h>
#include <event2/event.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "sdk/base/mem.h"

enum { ANSWER_MILLIS = 2000 };

enum state { QUIET, ASKED, ANSWERED, ENDED };

struct hx_relay_committed {
    rd_kafka_t *rk;
    rd_kafka_topic_partition_list_t *partitions;
    hx_relay_committed_fn *told;
    void *arg;
    struct event *wake;
    int fd;
    pthread_t thread;
    bool running;
    pthread_mutex_t mutex;
    pthread_cond_t asked;
    /* under the mutex */
    enum state state;
    rd_kafka_topic_partition_list_t *answer; /* NULL: none came */
};

/* ---- the thread ----------------------------------------------------------------------------- */

static rd_kafka_topic_partition_list_t *question(const struct hx_relay_committed *committed)
{
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_copy(committed->partitions);
    rd_kafka_resp_err_t err = rd_kafka_committed(committed->rk, list, ANSWER_MILLIS);

    for (int i = 0; i < list->cnt && err == RD_KAFKA_RESP_ERR_NO_ERROR; i++)
        err = list->elems[i].err;
    if (err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        rd_kafka_topic_partition_list_destroy(list);
        list = NULL;
    }
    rd_kafka_poll(committed->rk, 0); /* what librdkafka has to say of the connection */
    return list;
}

/* An event descriptor takes 2^64 of these. */
static void wake_loop(const struct hx_relay_committed *committed)
{
    static const uint64_t one = 1;

    (void)!write(committed->fd, &one, sizeof(one));
}

static void *thread_main(void *arg)
{
    struct hx_relay_committed *committed = arg;

    pthread_mutex_lock(&committed->mutex);
    while (committed->state != ENDED) {
        rd_kafka_topic_partition_list_t *answer;
        if (committed->state != ASKED) {
            pthread_cond_wait(&committed->asked, &committed->mutex);
            continue;
        }
        pthread_mutex_unlock(&committed->mutex);
        answer = question(committed);
        pthread_mutex_lock(&committed->mutex);
        committed->answer = answer;
        if (committed->state == ASKED) {
            committed->state = ANSWERED;
            wake_loop(committed);
        }
    }
    pthread_mutex_unlock(&committed->mutex);
    return NULL;
}

/* ---- the loop ------------------------------------------------------------------------------- */

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
    struct hx_relay_committed *committed = arg;
    rd_kafka_topic_partition_list_t *answer = NULL;
    bool answered;
    uint64_t count;

    (void)what;
    (void)!read(fd, &count, sizeof(count));
    pthread_mutex_lock(&committed->mutex);
    answered = committed->state == ANSWERED;
    if (answered) {
        answer = committed->answer;
        committed->answer = NULL;
        committed->state = QUIET;
    }
    pthread_mutex_unlock(&committed->mutex);
    if (!answered)
        return;
    committed->told(committed->arg, answer);
    if (answer != NULL)
        rd_kafka_topic_partition_list_destroy(answer);
}

void hx_relay_committed_ask(struct hx_relay_committed *committed)
{
    pthread_mutex_lock(&committed->mutex);
    if (committed->state == QUIET) {
        committed->state = ASKED;
        pthread_cond_signal(&committed->asked);
    }
    pthread_mutex_unlock(&committed->mutex);
}

/* ---- life ----------------------------------------------------------------------------------- */

static enum otel_err make_handle(struct hx_relay_committed *committed,
                                 const struct hx_kafka_group *group, struct otl_detail *reterr)
{
    const struct hx_kafka_setting settings[] = {{"bootstrap.servers", group->bootstrap},
                                                {"client.id", group->name},
                                                {"group.id", group->name},
                                                {"enable.auto.commit", "false"},
                                                {"socket.nagle.disable", "true"},
                                                {NULL, NULL}};
    rd_kafka_conf_t *conf = NULL;
    char text[400] = "";
    enum otel_err err = hx_kafka_conf_new(settings, NULL, &conf, reterr);

    if (err != OTEL_OK)
        return err;
    committed->rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof(text));
    if (committed->rk == NULL) {
        rd_kafka_conf_destroy(conf);
        return otl_detail_set(reterr, OTEL_ERR_ARGUMENT, NULL, 0, 0, "kafka consumer: %s", text);
    }
    committed->partitions = rd_kafka_topic_partition_list_new((int)group->partitions);
    rd_kafka_topic_partition_list_add_range(committed->partitions, group->topic, 0,
                                            (int32_t)group->partitions - 1);
    return OTEL_OK;
}

static enum otel_err start(struct hx_relay_committed *committed, struct event_base *base,
                           struct otl_detail *reterr)
{
    int error;

    committed->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (committed->fd < 0)
        return otl_detail_set(reterr, OTEL_ERR_IO, NULL, 0, 0, "kafka: no event descriptor: %s",
                              strerror(errno));
    committed->wake = event_new(base, committed->fd, EV_READ | EV_PERSIST, on_wake, committed);
    if (committed->wake == NULL || event_add(committed->wake, NULL) != 0)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "no memory for a relay");
    error = pthread_create(&committed->thread, NULL, thread_main, committed);
    if (error != 0)
        return otl_detail_set(reterr, OTEL_ERR_IO, NULL, 0, 0, "no thread for a relay: %s",
                              strerror(error));
    committed->running = true;
    return OTEL_OK;
}

enum otel_err hx_relay_committed_new(struct event_base *base, const struct hx_kafka_group *group,
                                     hx_relay_committed_fn *told, void *arg,
                                     struct hx_relay_committed **ret, struct otl_detail *reterr)
{
    struct hx_relay_committed *committed = otl_mem_zalloc(sizeof(*committed));
    enum otel_err err;

    if (committed == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "no memory for a relay");
    committed->fd = -1;
    committed->told = told;
    committed->arg = arg;
    pthread_mutex_init(&committed->mutex, NULL);
    pthread_cond_init(&committed->asked, NULL);
    err = make_handle(committed, group, reterr);
    if (err == OTEL_OK)
        err = start(committed, base, reterr);
    if (err != OTEL_OK) {
        hx_relay_committed_free(committed);
        return err;
    }
    *ret = committed;
    return OTEL_OK;
}

void hx_relay_committed_free(struct hx_relay_committed *committed)
{
    if (committed == NULL)
        return;
    if (committed->running) {
        pthread_mutex_lock(&committed->mutex);
        committed->state = ENDED;
        pthread_cond_signal(&committed->asked);
        pthread_mutex_unlock(&committed->mutex);
        pthread_join(committed->thread, NULL);
    }
    if (committed->wake != NULL)
        event_free(committed->wake);
    if (committed->fd >= 0)
        close(committed->fd);
    if (committed->answer != NULL)
        rd_kafka_topic_partition_list_destroy(committed->answer);
    if (committed->partitions != NULL)
        rd_kafka_topic_partition_list_destroy(committed->partitions);
    if (committed->rk != NULL)
        rd_kafka_destroy(committed->rk);
    pthread_cond_destroy(&committed->asked);
    pthread_mutex_destroy(&committed->mutex);
    otl_mem_free(committed);
}
