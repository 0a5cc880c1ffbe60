/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/broker/broker.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "harness/broker/watch.h"
#include "harness/scenario/foreign.h"
#include "sdk/base/mem.h"

struct hx_broker {
    rd_kafka_t *host; /* a producer that never produces: the mock cluster needs one to live in */
    rd_kafka_mock_cluster_t *cluster;
    int stuck; /* becomes readable */
    struct hx_broker_watch watch;
};

/* What the cluster says goes nowhere else: its host warns that it has no bootstrap servers, and is
 * not meant to have any. */
static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    static const uint64_t one = 1;
    struct hx_broker *broker = rd_kafka_opaque(rk);

    (void)level;
    if (strcmp(facility, "MOCK") == 0 && hx_broker_watch_line(&broker->watch, text))
        (void)!write(broker->stuck, &one, sizeof(one));
}

static enum otel_err make_topic(struct hx_broker *broker, const char *name,
                                const struct hx_topic *topic, struct otl_detail *reterr)
{
    rd_kafka_resp_err_t err =
        rd_kafka_mock_topic_create(broker->cluster, name, (int)topic->partitions, 1);

    return err == RD_KAFKA_RESP_ERR_NO_ERROR
               ? OTEL_OK
               : otl_detail_set(reterr, OTEL_ERR_IO, NULL, 0, 0, "cannot make topic %s: %s", name,
                                rd_kafka_err2str(err));
}

/* The scenario's, and for each service with a command those between it and the relay. */
static enum otel_err make_topics(struct hx_broker *broker, const struct hx_scenario *scenario,
                                 struct otl_detail *reterr)
{
    enum otel_err err = OTEL_OK;
    char name[HX_FOREIGN_NAME_SIZE];

    for (size_t i = 0; i < scenario->topic_count && err == OTEL_OK; i++) {
        const struct hx_topic *topic = &scenario->topics[i];
        err = make_topic(broker, topic->name, topic, reterr);
        for (size_t s = 0; s < scenario->service_count && err == OTEL_OK; s++) {
            const struct hx_service *service = &scenario->services[s];
            if (service->foreign == NULL || hx_foreign_topic_use(scenario, service, topic) == 0)
                continue;
            hx_foreign_name(service, topic->name, name);
            err = make_topic(broker, name, topic, reterr);
        }
    }
    return err;
}

static enum otel_err make_cluster(struct hx_broker *broker, struct otl_detail *reterr)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char text[400] = "";

    rd_kafka_conf_set_log_cb(conf, on_log);
    rd_kafka_conf_set_opaque(conf, broker);
    if (rd_kafka_conf_set(conf, "debug", "mock", text, sizeof(text)) == RD_KAFKA_CONF_OK)
        broker->host = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof(text));
    if (broker->host == NULL) {
        rd_kafka_conf_destroy(conf);
        return otl_detail_set(reterr, OTEL_ERR_IO, NULL, 0, 0, "embedded broker: %s", text);
    }
    broker->cluster = rd_kafka_mock_cluster_new(broker->host, 1);
    return broker->cluster != NULL
               ? OTEL_OK
               : otl_detail_set(reterr, OTEL_ERR_IO, NULL, 0, 0,
                                "embedded broker: the cluster cannot be made");
}

enum otel_err hx_broker_new(const struct hx_scenario *scenario, struct hx_broker **ret,
                            struct otl_detail *reterr)
{
    struct hx_broker *broker = otl_mem_zalloc(sizeof(*broker));
    enum otel_err err = OTEL_OK;

    if (broker == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "no memory for a broker");
    broker->stuck = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (broker->stuck < 0)
        err = otl_detail_set(reterr, OTEL_ERR_IO, NULL, 0, 0,
                             "embedded broker: no event descriptor: %s", strerror(errno));
    if (err == OTEL_OK)
        err = make_cluster(broker, reterr);
    if (err == OTEL_OK)
        err = make_topics(broker, scenario, reterr);
    if (err != OTEL_OK) {
        hx_broker_free(broker);
        return err;
    }
    *ret = broker;
    return OTEL_OK;
}

const char *hx_broker_bootstrap(const struct hx_broker *broker)
{
    return rd_kafka_mock_cluster_bootstraps(broker->cluster);
}

int hx_broker_stuck_fd(const struct hx_broker *broker)
{
    return broker->stuck;
}

void hx_broker_free(struct hx_broker *broker)
{
    if (broker == NULL)
        return;
    if (broker->cluster != NULL)
        rd_kafka_mock_cluster_destroy(broker->cluster);
    if (broker->host != NULL)
        rd_kafka_destroy(broker->host);
    if (broker->stuck >= 0)
        close(broker->stuck);
    otl_mem_free(broker);
}

/* ---- faults --------------------------------------------------------------------------------- */

enum { NODE = 1 };

void hx_broker_set_down(struct hx_broker *broker, bool down)
{
    if (down)
        rd_kafka_mock_broker_set_down(broker->cluster, NODE);
    else
        rd_kafka_mock_broker_set_up(broker->cluster, NODE);
}

void hx_broker_set_delay(struct hx_broker *broker, int millis)
{
    rd_kafka_mock_broker_set_rtt(broker->cluster, NODE, millis);
}

void hx_broker_push_errors(struct hx_broker *broker, int api, int error, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        rd_kafka_mock_broker_push_request_error_rtts(broker->cluster, NODE, (int16_t)api, 1,
                                                     (rd_kafka_resp_err_t)error, 0);
}

size_t hx_broker_errors_left(struct hx_broker *broker, int api)
{
    size_t left = 0;

    return rd_kafka_mock_broker_error_stack_cnt(broker->cluster, NODE, (int16_t)api, &left) ==
                   RD_KAFKA_RESP_ERR_NO_ERROR
               ? left
               : 0;
}
