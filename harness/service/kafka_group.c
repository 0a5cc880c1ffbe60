/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/service/kafka.h"

#include "sdk/base/clock.h"

enum { BROKER_MILLIS = 10000, BEGIN_MILLIS = 30000, AGAIN_MILLIS = 50 };

static rd_kafka_resp_err_t topic_end(rd_kafka_t *rk, const char *topic, int32_t partition,
                                     int64_t *ret)
{
    int64_t low = 0;

    return rd_kafka_query_watermark_offsets(rk, topic, partition, &low, ret, BROKER_MILLIS);
}

int64_t hx_kafka_topic_end(rd_kafka_t *rk, const char *topic, int32_t partition)
{
    int64_t high = 0;

    return topic_end(rk, topic, partition, &high) == RD_KAFKA_RESP_ERR_NO_ERROR ? high : -1;
}

/* The group stands there already. */
static bool stands_at(rd_kafka_t *rk, const rd_kafka_topic_partition_list_t *list)
{
    rd_kafka_topic_partition_list_t *found = rd_kafka_topic_partition_list_copy(list);
    bool same = rd_kafka_committed(rk, found, BROKER_MILLIS) == RD_KAFKA_RESP_ERR_NO_ERROR;

    for (int i = 0; i < list->cnt && same; i++)
        same = found->elems[i].offset == list->elems[i].offset;
    rd_kafka_topic_partition_list_destroy(found);
    return same;
}

static rd_kafka_resp_err_t try_begin(rd_kafka_t *rk, rd_kafka_topic_partition_list_t *list)
{
    for (int i = 0; i < list->cnt; i++) {
        rd_kafka_topic_partition_t *one = &list->elems[i];
        rd_kafka_resp_err_t err = topic_end(rk, one->topic, one->partition, &one->offset);
        if (err != RD_KAFKA_RESP_ERR_NO_ERROR)
            return err;
    }
    return stands_at(rk, list) ? RD_KAFKA_RESP_ERR_NO_ERROR : rd_kafka_commit(rk, list, 0);
}

/* A Kafka that has just made the topic, or its first group, is not there yet in all its parts. */
static bool is_passing(rd_kafka_resp_err_t err)
{
    switch (err) {
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION:
    case RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS:
    case RD_KAFKA_RESP_ERR_NOT_COORDINATOR:
    case RD_KAFKA_RESP_ERR__WAIT_COORD:
    case RD_KAFKA_RESP_ERR__TIMED_OUT: /* nor is one that stood still */
        return true;
    default:
        return false;
    }
}

static rd_kafka_resp_err_t begin(rd_kafka_t *rk, rd_kafka_topic_partition_list_t *list)
{
    uint64_t limit = otl_clock_mono(otl_clock_real()) + BEGIN_MILLIS * (uint64_t)OTL_NS_PER_MS;
    rd_kafka_resp_err_t err = try_begin(rk, list);

    while (is_passing(err) && otl_clock_mono(otl_clock_real()) < limit) {
        rd_kafka_poll(rk, AGAIN_MILLIS);
        err = try_begin(rk, list);
    }
    return err;
}

enum otel_err hx_kafka_group_begin(const struct hx_kafka_group *group, struct otl_detail *reterr)
{
    const struct hx_kafka_setting settings[] = {{"bootstrap.servers", group->bootstrap},
                                                {"group.id", group->name},
                                                {"enable.auto.commit", "false"},
                                                {NULL, NULL}};
    rd_kafka_topic_partition_list_t *list;
    rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR__FAIL;
    rd_kafka_conf_t *conf = NULL;
    rd_kafka_t *rk;
    char text[400] = "";
    enum otel_err made = hx_kafka_conf_new(settings, NULL, &conf, reterr);

    if (made != OTEL_OK)
        return made;
    list = rd_kafka_topic_partition_list_new((int)group->partitions);
    rd_kafka_topic_partition_list_add_range(list, group->topic, 0, (int32_t)group->partitions - 1);
    rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof(text));
    if (rk != NULL) {
        err = begin(rk, list);
        rd_kafka_destroy(rk);
    } else {
        rd_kafka_conf_destroy(conf);
    }
    rd_kafka_topic_partition_list_destroy(list);
    if (err == RD_KAFKA_RESP_ERR_NO_ERROR)
        return OTEL_OK;
    return otl_detail_set(reterr, OTEL_ERR_IO, NULL, 0, 0,
                          "group %s cannot begin at the end of topic %s (%u partitions): %s%s%s",
                          group->name, group->topic, group->partitions, rd_kafka_err2str(err),
                          text[0] ? ": " : "", text);
}
