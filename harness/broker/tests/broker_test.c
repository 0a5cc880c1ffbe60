/* SPDX-License-Identifier: Apache-2.0 */
/* The embedded broker finds members that its cluster will never answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <librdkafka/rdkafka.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "harness/broker/broker.h"
#include "harness/broker/watch.h"
#include "sdk/base/clock.h"

#define TO_JOINING(group)                                                                          \
    "[thrd:mock]: Mock consumer group " group                                                      \
    " with 2 member(s) changing state Up -> Joining: member join"
#define TO_SYNCING(group)                                                                          \
    "[thrd:mock]: Mock consumer group " group                                                      \
    " with 2 member(s) changing state Joining -> Syncing: leader elected"
#define ACTIVE(member) "[thrd:mock]: Marking mock consumer group member " member " as active"
#define EXPIRED(member, group)                                                                     \
    "[thrd:mock]: Member " member " session timed out for group " group

enum { LIMIT_S = 90 };

static struct hx_broker_watch watch;

static int clean(void **state)
{
    (void)state;
    memset(&watch, 0, sizeof(watch));
    return 0;
}

static bool line(const char *text)
{
    return hx_broker_watch_line(&watch, text);
}

static void one_that_is_put_out_while_it_waits_is_found(void **state)
{
    (void)state;
    assert_false(line(TO_JOINING("a")));
    assert_false(line(ACTIVE("0x1")));
    assert_true(line(EXPIRED("0x1", "a")));
    assert_false(line(EXPIRED("0x1", "a"))); /* once */
}

static void one_that_did_not_join_again_is_not_waiting(void **state)
{
    (void)state;
    line(ACTIVE("0x1")); /* a heartbeat, before */
    line(TO_JOINING("a"));
    line(ACTIVE("0x2"));
    assert_false(line(EXPIRED("0x1", "a")));
    assert_true(line(EXPIRED("0x2", "a")));
}

static void nobody_waits_when_the_round_is_over(void **state)
{
    (void)state;
    line(TO_JOINING("a"));
    line(ACTIVE("0x1"));
    line(TO_SYNCING("a"));
    assert_false(line(EXPIRED("0x1", "a")));
}

static void groups_are_told_apart(void **state)
{
    (void)state;
    line(TO_JOINING("a with 2"));
    line(TO_JOINING("a"));
    line(ACTIVE("0x1"));
    line(TO_SYNCING("a"));
    assert_false(line(EXPIRED("0x1", "a")));
    line(ACTIVE("0x2"));
    assert_true(line(EXPIRED("0x2", "a with 2")));
}

static void more_than_there_is_room_for_are_forgotten_in_their_order(void **state)
{
    char text[200];

    (void)state;
    line(TO_JOINING("a"));
    for (int i = 0; i < HX_WATCH_MEMBERS + 1; i++) {
        snprintf(text, sizeof(text), "Marking mock consumer group member 0x%d as active", i);
        line(text);
    }
    assert_false(line(EXPIRED("0x0", "a")));
    assert_true(line(EXPIRED("0x2", "a")));
    for (int i = 0; i < HX_WATCH_GROUPS; i++) {
        snprintf(text, sizeof(text),
                 "Mock consumer group g%d with 1 member(s) changing state Empty -> Joining: x", i);
        line(text);
    }
    assert_false(line(EXPIRED("0x3", "a")));
    line(ACTIVE("0x4"));
    assert_true(line(EXPIRED("0x4", "g0")));
}

static void other_lines_say_nothing(void **state)
{
    static const char *const texts[] = {
        "", "Member", "Member 0x1 session timed out for group", " session timed out for group ",
        "Mock consumer group ", "Mock consumer group  with  member(s) changing state ",
        "Mock consumer group a member(s) changing state x -> Joining",
        "Marking mock consumer group member ", "Broker 1: Received HeartbeatRequestV3"};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_false(line(texts[i]));
}

/* ---- the cluster itself --------------------------------------------------------------------- */

static void be_quiet(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    (void)rk, (void)level, (void)facility, (void)text;
}

/* The first round takes 3 s, this session is over before. */
static rd_kafka_t *join(const char *bootstrap)
{
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char text[400];
    rd_kafka_t *rk;

    rd_kafka_conf_set_log_cb(conf, be_quiet);
    assert_int_equal(rd_kafka_conf_set(conf, "bootstrap.servers", bootstrap, text, sizeof(text)),
                     RD_KAFKA_CONF_OK);
    assert_int_equal(rd_kafka_conf_set(conf, "group.id", "keepers", text, sizeof(text)),
                     RD_KAFKA_CONF_OK);
    assert_int_equal(rd_kafka_conf_set(conf, "session.timeout.ms", "1000", text, sizeof(text)),
                     RD_KAFKA_CONF_OK);
    /* Each time it is put out it has to be back before the round is over, and by the defaults it
     * waits longer each time, up to 10 s: then it may miss round after round. */
    assert_int_equal(rd_kafka_conf_set(conf, "reconnect.backoff.ms", "10", text, sizeof(text)),
                     RD_KAFKA_CONF_OK);
    assert_int_equal(rd_kafka_conf_set(conf, "reconnect.backoff.max.ms", "50", text, sizeof(text)),
                     RD_KAFKA_CONF_OK);
    rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof(text));
    assert_non_null(rk);
    rd_kafka_topic_partition_list_add(topics, "results", RD_KAFKA_PARTITION_UA);
    assert_int_equal(rd_kafka_subscribe(rk, topics), RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_topic_partition_list_destroy(topics);
    return rk;
}

/* Somebody is stuck: all are connected anew. */
static bool connect_anew(struct hx_broker *broker, int millis)
{
    struct pollfd readable = {hx_broker_stuck_fd(broker), POLLIN, 0};
    uint64_t count;

    if (poll(&readable, 1, millis) != 1)
        return false;
    assert_int_equal(read(readable.fd, &count, sizeof(count)), sizeof(count));
    hx_broker_set_down(broker, true);
    hx_broker_set_down(broker, false);
    return true;
}

static bool is_assigned(rd_kafka_t *rk)
{
    rd_kafka_topic_partition_list_t *list = NULL;
    rd_kafka_message_t *message = rd_kafka_consumer_poll(rk, 0);
    bool assigned;

    if (message != NULL)
        rd_kafka_message_destroy(message);
    assert_int_equal(rd_kafka_assignment(rk, &list), RD_KAFKA_RESP_ERR_NO_ERROR);
    assigned = list->cnt > 0;
    rd_kafka_topic_partition_list_destroy(list);
    return assigned;
}

static void who_is_never_answered_joins_when_it_is_connected_anew(void **state)
{
    static const char text[] = "services:\n"
                               "  push: {routes: {POST /: {steps: [{publish: results}]}}}\n"
                               "  keeper: {consumers: {results: {}}}\n"
                               "topics: {results: {partitions: 1}}\n"
                               "load: {route: push POST /, rate: 1, duration: 2s}\n";
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct hx_scenario *scenario;
    struct hx_broker *broker;
    uint64_t end = otl_clock_mono(otl_clock_real()) + LIMIT_S * OTL_NS_PER_S;
    bool joined;
    rd_kafka_t *rk;

    (void)state;
    if (hx_scenario_load_text(text, sizeof(text) - 1, "test.yaml", NULL, &scenario, &detail) !=
        OTEL_OK)
        fail_msg("%s", detail.text);
    assert_int_equal(hx_broker_new(scenario, &broker, &detail), OTEL_OK);
    rk = join(hx_broker_bootstrap(broker));
    assert_true(connect_anew(broker, LIMIT_S * 1000));
    while (!(joined = is_assigned(rk)) && otl_clock_mono(otl_clock_real()) < end)
        (void)connect_anew(broker, 10); /* that session may be over once more */
    assert_true(joined);
    (void)rd_kafka_consumer_close(rk);
    rd_kafka_destroy(rk);
    hx_broker_free(broker);
    hx_scenario_free(scenario);
}

#define TEST(name) cmocka_unit_test_setup(name, clean)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_that_is_put_out_while_it_waits_is_found),
        TEST(one_that_did_not_join_again_is_not_waiting),
        TEST(nobody_waits_when_the_round_is_over),
        TEST(groups_are_told_apart),
        TEST(more_than_there_is_room_for_are_forgotten_in_their_order),
        TEST(other_lines_say_nothing),
        TEST(who_is_never_answered_joins_when_it_is_connected_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
