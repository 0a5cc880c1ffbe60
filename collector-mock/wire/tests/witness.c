/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/wire/tests/witness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ci/witness/otlp_pb.h"

static uint64_t points_of(const Otlp__Metric *metric)
{
    switch (metric->data_case) {
    case OTLP__METRIC__DATA_GAUGE:
        return metric->gauge->n_data_points;
    case OTLP__METRIC__DATA_SUM:
        return metric->sum->n_data_points;
    case OTLP__METRIC__DATA_HISTOGRAM:
        return metric->histogram->n_data_points;
    case OTLP__METRIC__DATA_EXPONENTIAL_HISTOGRAM:
        return metric->exponential_histogram->n_data_points;
    case OTLP__METRIC__DATA_SUMMARY:
        return metric->summary->n_data_points;
    default:
        return 0;
    }
}

static uint64_t count_metrics(const Otlp__ExportMetricsServiceRequest *request)
{
    uint64_t count = 0;

    for (size_t r = 0; r < request->n_resource_metrics; r++)
        for (size_t s = 0; s < request->resource_metrics[r]->n_scope_metrics; s++) {
            const Otlp__ScopeMetrics *scope = request->resource_metrics[r]->scope_metrics[s];
            for (size_t m = 0; m < scope->n_metrics; m++)
                count += points_of(scope->metrics[m]);
        }
    return count;
}

static uint64_t count_logs(const Otlp__ExportLogsServiceRequest *request)
{
    uint64_t count = 0;

    for (size_t r = 0; r < request->n_resource_logs; r++)
        for (size_t s = 0; s < request->resource_logs[r]->n_scope_logs; s++)
            count += request->resource_logs[r]->scope_logs[s]->n_log_records;
    return count;
}

static ProtobufCMessage *unpack(enum col_signal signal, struct otl_view request)
{
    const ProtobufCMessageDescriptor *type =
        signal == COL_METRICS ? &otlp__export_metrics_service_request__descriptor
                              : &otlp__export_logs_service_request__descriptor;

    return protobuf_c_message_unpack(type, NULL, request.len, (const uint8_t *)request.data);
}

uint64_t witness_count(enum col_signal signal, struct otl_view request)
{
    ProtobufCMessage *message = unpack(signal, request);
    uint64_t count = UINT64_MAX;

    if (message == NULL)
        return count;
    count = signal == COL_METRICS
                ? count_metrics((const Otlp__ExportMetricsServiceRequest *)message)
                : count_logs((const Otlp__ExportLogsServiceRequest *)message);
    protobuf_c_message_free_unpacked(message, NULL);
    return count;
}

static uint8_t *packed(enum col_signal signal, struct otl_view request, size_t *ret_len)
{
    ProtobufCMessage *message = unpack(signal, request);
    uint8_t *bytes;

    if (message == NULL)
        abort();
    *ret_len = protobuf_c_message_get_packed_size(message);
    bytes = malloc(*ret_len + 1);
    if (bytes == NULL)
        abort();
    protobuf_c_message_pack(message, bytes);
    protobuf_c_message_free_unpacked(message, NULL);
    return bytes;
}

void witness_same(enum col_signal signal, struct otl_view left, struct otl_view right)
{
    size_t left_len, right_len;
    uint8_t *a = packed(signal, left, &left_len), *b = packed(signal, right, &right_len);

    if (left_len != right_len || memcmp(a, b, left_len) != 0) {
        fprintf(stderr, "%s: the two say different things\n", col_signal_name(signal));
        abort();
    }
    free(a);
    free(b);
}
