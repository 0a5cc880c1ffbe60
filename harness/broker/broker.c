/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/broker/broker.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "sdk/base/mem.h"

struct hx_broker {
    rd_kafka_t *host; /* a producer that never produces: the mock cluster needs one to live in */
    rd_kafka_mock_cluster_t *cluster;
};

/* librdkafka warns that the host has no bootstrap servers; it is not meant to have any. */
static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
    (void)rk;
    (void)level;
    (void)facility;
    (void)text;
}

static enum otel_err make_topics(struct hx_broker *broker, const struct hx_scenario *scenario,
                                 struct otl_detail *reterr)
{
    for (size_t i = 0; i < scenario->topic_count; i++) {
        const struct hx_topic *topic = &scenario->topics[i];
        rd_kafka_resp_err_t err = rd_kafka_mock_topic_create(broker->cluster, topic->name,
                                                             (int)topic->partitions, 1);
        if (err != RD_KAFKA_RESP_ERR_NO_ERROR)
            return otl_detail_set(reterr, OTEL_ERR_IO, NULL, 0, 0, "cannot make topic %s: %s",
                                  topic->name, rd_kafka_err2str(err));
    }
    return OTEL_OK;
}

enum otel_err hx_broker_new(const struct hx_scenario *scenario, struct hx_broker **ret,
                            struct otl_detail *reterr)
{
    struct hx_broker *broker = otl_mem_zalloc(sizeof(*broker));
    rd_kafka_conf_t *conf;
    char text[400] = "";
    enum otel_err err;

    if (broker == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "no memory for a broker");
    conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, on_log);
    broker->host = rd_kafka_new(RD_KAFKA_PRODUCER, conf, text, sizeof(text));
    if (broker->host == NULL) {
        rd_kafka_conf_destroy(conf);
        otl_mem_free(broker);
        return otl_detail_set(reterr, OTEL_ERR_IO, NULL, 0, 0, "embedded broker: %s", text);
    }
    broker->cluster = rd_kafka_mock_cluster_new(broker->host, 1);
    if (broker->cluster == NULL)
        err = otl_detail_set(reterr, OTEL_ERR_IO, NULL, 0, 0,
                             "embedded broker: the cluster cannot be made");
    else
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

void hx_broker_free(struct hx_broker *broker)
{
    if (broker == NULL)
        return;
    if (broker->cluster != NULL)
        rd_kafka_mock_cluster_destroy(broker->cluster);
    rd_kafka_destroy(broker->host);
    otl_mem_free(broker);
}
