/* SPDX-License-Identifier: Apache-2.0 */
/* What librdkafka may never answer is not waited for without end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <semaphore.h>

#include "harness/service/kafka.h"
#include "sdk/base/clock.h"

enum {
    POLL_MILLIS = 20,
    PATIENCE_S = 60,
    STUCK_MILLIS = 1000 /* enough for the callback to be called, or nobody is stuck */
};

struct world {
    rd_kafka_t *host, *member;
    rd_kafka_mock_cluster_t *cluster;
    int assigned;
    bool stuck; /* the next callback waits for release */
    sem_t release;
};

static void on_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t err,
                         rd_kafka_topic_partition_list_t *partitions, void *opaque)
{
    struct world *w = opaque;
    bool given = err == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;

    if (w->stuck)
        while (sem_wait(&w->release) != 0) {
        }
    w->assigned = given ? partitions->cnt : 0;
    rd_kafka_assign(rk, given ? partitions : NULL);
}

static rd_kafka_t *client(struct world *w, rd_kafka_type_t type)
{
    const bool reads = type == RD_KAFKA_CONSUMER;
    const struct hx_kafka_setting settings[] = {
        {"bootstrap.servers", rd_kafka_mock_cluster_bootstraps(w->cluster)},
        {reads ? "group.id" : NULL, "group"},
        {"auto.offset.reset", "earliest"},
        {"enable.auto.commit", "false"},
        /* The answer who coordinates is behind that of a fetch, and each of the commits before
         * makes it ask again: by 500 ms that can go on for a minute. */
        {"fetch.wait.max.ms", "10"},
        {NULL, NULL}};
    rd_kafka_conf_t *conf = NULL;
    char text[400] = "";
    rd_kafka_t *rk;

    assert_int_equal(hx_kafka_conf_new(settings, w, &conf, NULL), OTEL_OK);
    rd_kafka_conf_set_log_cb(conf, NULL);
    if (reads)
        rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
    rk = rd_kafka_new(type, conf, text, sizeof(text));
    assert_non_null(rk);
    return rk;
}

/* A member with the partition of a topic; true: it has read the message that is there. */
static bool poll_until(struct world *w, bool read)
{
    uint64_t limit = otl_clock_mono(otl_clock_real()) + PATIENCE_S * OTL_NS_PER_S;
    bool found = false;

    while ((w->assigned == 0 || (read && !found)) && otl_clock_mono(otl_clock_real()) < limit) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(w->member, POLL_MILLIS);
        found = found || (message != NULL && message->err == RD_KAFKA_RESP_ERR_NO_ERROR);
        if (message != NULL)
            rd_kafka_message_destroy(message);
    }
    assert_int_equal(w->assigned, 1);
    return found;
}

static void open_world(struct world *w)
{
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char text[400] = "";

    memset(w, 0, sizeof(*w));
    assert_int_equal(sem_init(&w->release, 0, 0), 0);
    rd_kafka_conf_set_log_cb(conf, NULL);
    w->host = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof(text));
    assert_non_null(w->host);
    w->cluster = rd_kafka_mock_cluster_new(w->host, 1);
    assert_non_null(w->cluster);
    assert_int_equal(rd_kafka_mock_topic_create(w->cluster, "topic", 1, 1), 0);
    w->member = client(w, RD_KAFKA_CONSUMER);
    rd_kafka_poll_set_consumer(w->member);
    rd_kafka_topic_partition_list_add(topics, "topic", RD_KAFKA_PARTITION_UA);
    assert_int_equal(rd_kafka_subscribe(w->member, topics), 0);
    rd_kafka_topic_partition_list_destroy(topics);
}

static void close_world(struct world *w)
{
    rd_kafka_mock_cluster_destroy(w->cluster);
    rd_kafka_destroy(w->host);
    sem_destroy(&w->release);
}

static void test_one_whose_callback_is_stuck_is_abandoned(void **state)
{
    struct world w;
    int threads;

    (void)state;
    open_world(&w);
    poll_until(&w, false);
    threads = rd_kafka_thread_cnt(); /* each counts itself once it runs: by now these do */
    w.stuck = true;
    assert_false(hx_kafka_close(w.member, STUCK_MILLIS));
    sem_post(&w.release); /* it goes on after all, and its handle is gone in the end */
    for (int i = 0; i < PATIENCE_S * 100 && rd_kafka_thread_cnt() >= threads; i++)
        rd_kafka_poll(w.host, 10);
    assert_true(rd_kafka_thread_cnt() < threads);
    close_world(&w);
}

static void test_a_commit_without_an_answer_ends_and_a_member_leaves(void **state)
{
    struct world w;
    rd_kafka_t *producer;
    bool done = false;

    (void)state;
    open_world(&w);
    producer = client(&w, RD_KAFKA_PRODUCER);
    assert_int_equal(rd_kafka_producev(producer, RD_KAFKA_V_TOPIC("topic"),
                                       RD_KAFKA_V_VALUE("x", 1), RD_KAFKA_V_END),
                     0);
    assert_int_equal(rd_kafka_flush(producer, PATIENCE_S * 1000), 0);
    rd_kafka_destroy(producer);
    assert_true(poll_until(&w, true));
    rd_kafka_mock_broker_set_down(w.cluster, 1);
    assert_false(hx_kafka_commit(w.member)); /* by rd_kafka_commit() this test ends by its limit */
    rd_kafka_mock_broker_set_up(w.cluster, 1);
    for (int i = 0; i < PATIENCE_S && !done; i++)
        done = hx_kafka_commit(w.member);
    assert_true(done);
    assert_true(hx_kafka_close(w.member, PATIENCE_S * 1000));
    assert_int_equal(w.assigned, 0); /* the callback was served */
    close_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_whose_callback_is_stuck_is_abandoned),
        cmocka_unit_test(test_a_commit_without_an_answer_ends_and_a_member_leaves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
