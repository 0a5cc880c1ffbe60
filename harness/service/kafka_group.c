/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/service/kafka.h"

enum { BROKER_MILLIS = 10000 };

int64_t hx_kafka_topic_end(rd_kafka_t *rk, const char *topic, int32_t partition)
{
    int64_t low = 0, high = 0;

    return rd_kafka_query_watermark_offsets(rk, topic, partition, &low, &high, BROKER_MILLIS) ==
                   RD_KAFKA_RESP_ERR_NO_ERROR
               ? high
               : -1;
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

enum otel_err hx_kafka_group_begin(const struct hx_kafka_group *group, struct otl_detail *reterr)
{
    const struct hx_kafka_setting settings[] = {{"bootstrap.servers", group->bootstrap},
                                                {"group.id", group->name},
                                                {"enable.auto.commit", "false"},
                                                {NULL, NULL}};
    rd_kafka_topic_partition_list_t *list =
        rd_kafka_topic_partition_list_new((int)group->partitions);
    rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR__FAIL;
    rd_kafka_conf_t *conf = NULL;
    rd_kafka_t *rk = NULL;
    char text[400] = "";

    rd_kafka_topic_partition_list_add_range(list, group->topic, 0, (int32_t)group->partitions - 1);
    if (hx_kafka_conf_new(settings, NULL, &conf, reterr) == OTEL_OK)
        rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, text, sizeof(text));
    if (rk != NULL)
        err = RD_KAFKA_RESP_ERR_NO_ERROR;
    else if (conf != NULL)
        rd_kafka_conf_destroy(conf);
    for (int i = 0; i < list->cnt && err == RD_KAFKA_RESP_ERR_NO_ERROR; i++) {
        list->elems[i].offset = hx_kafka_topic_end(rk, group->topic, list->elems[i].partition);
        if (list->elems[i].offset < 0)
            err = RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    }
    if (err == RD_KAFKA_RESP_ERR_NO_ERROR && !stands_at(rk, list))
        err = rd_kafka_commit(rk, list, 0);
    if (rk != NULL)
        rd_kafka_destroy(rk);
    rd_kafka_topic_partition_list_destroy(list);
    if (err == RD_KAFKA_RESP_ERR_NO_ERROR)
        return OTEL_OK;
    return otl_detail_set(reterr, OTEL_ERR_IO, NULL, 0, 0,
                          "group %s cannot begin at the end of topic %s (%u partitions): %s%s%s",
                          group->name, group->topic, group->partitions, rd_kafka_err2str(err),
                          text[0] ? ": " : "", text);
}
