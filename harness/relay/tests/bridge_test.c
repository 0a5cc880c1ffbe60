/* SPDX-License-Identifier: Apache-2.0 */
/* The relay's topics on librdkafka's mock cluster, which fails as it is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <event2/event.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/relay/bridge.h"
#include "sdk/base/clock.h"

#define TOPIC "order.created"
#define OWN "tracerig.audit.order.created"
#define GROUP "tracerig.audit.audit"

enum { NODE = 1, PRODUCE = 0, LIMIT_S = 60, LATE_MILLIS = 300 };

struct world {
    char dir[64];
    rd_kafka_t *host, *producer;
    rd_kafka_mock_cluster_t *cluster;
    struct hx_scenario *scenario;
    struct event_base *base;
    struct hx_relay *relay;
    struct hx_relay_committed *committed;
    unsigned answers, silences;
    int64_t offset;
};

static struct world world;

static const char *bootstrap(void)
{
    return rd_kafka_mock_cluster_bootstraps(world.cluster);
}

static bool in_time(uint64_t *end)
{
    uint64_t now = otl_clock_mono(otl_clock_real());

    if (*end == 0)
        *end = now + LIMIT_S * OTL_NS_PER_S;
    return now < *end;
}

static void turn(void)
{
    const struct timeval soon = {0, 1000};

    event_base_loopexit(world.base, &soon);
    event_base_loop(world.base, EVLOOP_ONCE);
}

static void be_quiet(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    (void)rk, (void)level, (void)facility, (void)text;
}

static rd_kafka_t *client(rd_kafka_type_t type, const char *group)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char text[400];
    rd_kafka_t *rk;

    rd_kafka_conf_set_log_cb(conf, be_quiet);
    if (world.cluster != NULL)
        assert_int_equal(rd_kafka_conf_set(conf, "bootstrap.servers", bootstrap(), text,
                                           sizeof(text)), RD_KAFKA_CONF_OK);
    if (group != NULL)
        assert_int_equal(rd_kafka_conf_set(conf, "group.id", group, text, sizeof(text)),
                         RD_KAFKA_CONF_OK);
    rk = rd_kafka_new(type, conf, text, sizeof(text));
    assert_non_null(rk);
    return rk;
}

static int setup(void **state)
{
    (void)state;
    memset(&world, 0, sizeof(world));
    world.host = client(RD_KAFKA_PRODUCER, NULL);
    world.cluster = rd_kafka_mock_cluster_new(world.host, 1);
    assert_non_null(world.cluster);
    assert_int_equal(rd_kafka_mock_topic_create(world.cluster, TOPIC, 1, 1), 0);
    assert_int_equal(rd_kafka_mock_topic_create(world.cluster, OWN, 1, 1), 0);
    world.base = event_base_new();
    world.producer = client(RD_KAFKA_PRODUCER, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    hx_relay_committed_free(world.committed);
    event_base_free(world.base);
    rd_kafka_destroy(world.producer);
    rd_kafka_mock_cluster_destroy(world.cluster);
    rd_kafka_destroy(world.host);
    return 0;
}

/* ---- what a group has committed ------------------------------------------------------------- */

static void told(void *arg, const rd_kafka_topic_partition_list_t *offsets)
{
    (void)arg;
    world.answers++;
    world.silences += offsets == NULL;
    if (offsets != NULL)
        world.offset = offsets->elems[0].offset;
}

static void open_committed(void)
{
    const struct hx_kafka_group group = {bootstrap(), GROUP, OWN, 1};
    struct otl_detail detail = OTL_DETAIL_NONE;

    assert_int_equal(hx_relay_committed_new(world.base, &group, told, NULL, &world.committed,
                                            &detail), OTEL_OK);
}

static void ask_once(void)
{
    unsigned before = world.answers;
    uint64_t end = 0;

    hx_relay_committed_ask(world.committed);
    hx_relay_committed_ask(world.committed); /* one question at a time */
    while (world.answers == before && in_time(&end))
        turn();
    assert_int_equal(world.answers, before + 1);
}

/* The first ones may come before it has found its broker. */
static void ask_until_it_answers(void)
{
    unsigned silences;
    uint64_t end = 0;

    do {
        silences = world.silences;
        ask_once();
    } while (world.silences > silences && in_time(&end));
    assert_int_equal(world.silences, silences);
}

static void commit(int64_t offset)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_t *rk = client(RD_KAFKA_CONSUMER, GROUP);

    rd_kafka_topic_partition_list_add(list, OWN, 0)->offset = offset;
    assert_int_equal(rd_kafka_commit(rk, list, 0), RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_destroy(rk);
}

static void a_group_tells_where_it_stands(void **state)
{
    (void)state;
    open_committed();
    ask_until_it_answers();
    assert_true(world.offset < 0);
    commit(7);
    ask_until_it_answers();
    assert_int_equal(world.offset, 7);
}

static void a_broker_that_was_silent_for_longer_than_it_is_waited_for_answers_again(void **state)
{
    unsigned before;

    (void)state;
    commit(3);
    open_committed();
    ask_until_it_answers();
    before = world.silences;
    assert_int_equal(rd_kafka_mock_broker_set_down(world.cluster, NODE), 0);
    ask_once();
    assert_int_equal(world.silences, before + 1);
    assert_int_equal(rd_kafka_mock_broker_set_up(world.cluster, NODE), 0);
    ask_until_it_answers();
    assert_int_equal(world.offset, 3);
}

static void it_ends_with_a_question_under_way(void **state)
{
    (void)state;
    open_committed();
    ask_until_it_answers();
    assert_int_equal(rd_kafka_mock_broker_set_down(world.cluster, NODE), 0);
    hx_relay_committed_ask(world.committed);
    turn();
    /* teardown frees it */
}

/* ---- a topic carried over ------------------------------------------------------------------- */

static void on_event(void *arg)
{
    (void)arg;
}

static void on_fault(void *arg, const char *text)
{
    (void)arg;
    fail_msg("%s", text);
}

static void open_relay(void)
{
    static const char text[] =
        "services:\n"
        "  order: {routes: {POST /orders: {steps: [{publish: order.created}]}}}\n"
        "  audit: {command: none, consumers: {order.created: {session_timeout: 60s}}}\n"
        "topics: {order.created: {partitions: 1}}\n"
        "load: {route: order POST /orders, rate: 1, duration: 2s}\n";
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct hx_relay_options options = {.events = {on_event, on_event, on_fault, NULL, NULL},
                                       .base = world.base, .dir = world.dir, .seed = 1};
    struct hx_relay_topics topics = {.process = 1, .bootstrap = bootstrap()};

    snprintf(world.dir, sizeof(world.dir), "/tmp/bridge-test-XXXXXX");
    assert_non_null(mkdtemp(world.dir));
    if (hx_scenario_load_text(text, sizeof(text) - 1, "test.yaml", NULL, &world.scenario,
                              &detail) != OTEL_OK)
        fail_msg("%s", detail.text);
    options.scenario = world.scenario;
    assert_int_equal(hx_relay_new(&options, &world.relay, &detail), OTEL_OK);
    topics.service = hx_scenario_service(world.scenario, "audit");
    if (hx_relay_add_topics(world.relay, &topics, &detail) != OTEL_OK)
        fail_msg("%s", detail.text);
}

static void close_relay(void)
{
    char path[128];

    hx_relay_stop(world.relay);
    hx_relay_free(world.relay);
    hx_scenario_free(world.scenario);
    snprintf(path, sizeof(path), "%s/ledger/audit-topics.0.0000.led", world.dir);
    unlink(path);
    snprintf(path, sizeof(path), "%s/ledger", world.dir);
    rmdir(path);
    rmdir(world.dir);
}

static void publish(const char *value)
{
    assert_int_equal(rd_kafka_producev(world.producer, RD_KAFKA_V_TOPIC(TOPIC),
                                       RD_KAFKA_V_PARTITION(0),
                                       RD_KAFKA_V_VALUE((char *)(uintptr_t)value, strlen(value)),
                                       RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END),
                     RD_KAFKA_RESP_ERR_NO_ERROR);
    assert_int_equal(rd_kafka_flush(world.producer, LIMIT_S * 1000), RD_KAFKA_RESP_ERR_NO_ERROR);
}

static size_t in_hand(void)
{
    return hx_relay_uncommitted(world.relay, hx_scenario_service(world.scenario, "audit"));
}

/* The test's own request is answered, the relay's next one late, and with an error. */
static void refuse_the_next_but_one(void)
{
    assert_int_equal(rd_kafka_mock_broker_push_request_error_rtts(
                         world.cluster, NODE, PRODUCE, 2, RD_KAFKA_RESP_ERR_NO_ERROR, 0,
                         RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, LATE_MILLIS), 0);
}

static size_t errors_left(void)
{
    size_t left = 0;

    assert_int_equal(rd_kafka_mock_broker_error_stack_cnt(world.cluster, NODE, PRODUCE, &left), 0);
    return left;
}

/* What stands in the program's topic, in its order: "a b c ". */
static void read_own(char *out, size_t size, size_t count)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_t *rk = client(RD_KAFKA_CONSUMER, "reader");
    uint64_t end = 0;

    rd_kafka_topic_partition_list_add(list, OWN, 0)->offset = 0;
    assert_int_equal(rd_kafka_assign(rk, list), RD_KAFKA_RESP_ERR_NO_ERROR);
    for (out[0] = '\0'; count > 0 && in_time(&end);) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(rk, 1);
        turn();
        if (message == NULL)
            continue;
        if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            snprintf(out + strlen(out), size - strlen(out), "%.*s ", (int)message->len,
                     (const char *)message->payload);
            count--;
        }
        rd_kafka_message_destroy(message);
    }
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_consumer_close(rk);
    rd_kafka_destroy(rk);
}

static void a_refused_message_is_neither_lost_nor_overtaken(void **state)
{
    char got[64];
    uint64_t end = 0;

    (void)state;
    open_relay();
    refuse_the_next_but_one();
    publish("first");
    while (errors_left() > 0 && in_time(&end))
        turn(); /* the relay has joined its group, and sent it */
    publish("second");
    publish("third");
    read_own(got, sizeof(got), 3);
    assert_string_equal(got, "first second third ");
    while (in_hand() < 3 && in_time(&end))
        turn();
    commit(2);
    while (in_hand() > 1 && in_time(&end))
        turn();
    assert_int_equal(in_hand(), 1);
    commit(3);
    while (in_hand() > 0 && in_time(&end))
        turn();
    assert_int_equal(in_hand(), 0);
    close_relay();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_group_tells_where_it_stands),
        TEST(a_broker_that_was_silent_for_longer_than_it_is_waited_for_answers_again),
        TEST(it_ends_with_a_question_under_way),
        TEST(a_refused_message_is_neither_lost_nor_overtaken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
