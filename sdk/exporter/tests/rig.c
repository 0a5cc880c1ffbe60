/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/exporter/tests/rig.h"

#include <assert.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "ci/witness/otlp_pb.h"

static void on_error(void *arg, enum otel_err err, const char *text)
{
    struct rig *rig = arg;

    (void)err;
    snprintf(rig->said, sizeof(rig->said), "%s", text);
}

static void on_drop(void *arg, const struct otel_sdk_drop *drop)
{
    struct rig *rig = arg;

    if (drop->span_id != NULL)
        __atomic_fetch_add(&rig->dropped_with_ids, 1, __ATOMIC_RELAXED);
    __atomic_fetch_add(&rig->dropped[drop->reason], drop->count, __ATOMIC_RELEASE);
}

void rig_defaults(struct rig *rig)
{
    memset(rig, 0, sizeof(*rig));
    rig->srv = srv_new();
    snprintf(rig->endpoint, sizeof(rig->endpoint), "http://127.0.0.1:%u/v1/traces",
             (unsigned)srv_port(rig->srv));
    otel_sdk_otlp_options_init(&rig->otlp);
    rig->otlp.endpoint = otel_str(rig->endpoint);
    rig->otlp.initial_backoff_millis = 5;
    rig->otlp.max_backoff_millis = 20;
    rig->otlp.error = on_error;
    rig->otlp.error_arg = rig;
    rig->otlp.seeded = true;
    rig->otlp.seed = 7;
    otel_sdk_batch_options_init(&rig->batch);
    rig->batch.schedule_delay_millis = 3600 * 1000; /* only flush and size trigger */
    rig->batch.export_timeout_millis = 3600 * 1000; /* the exporter's own comes first */
}

void rig_init(struct rig *rig)
{
    struct otel_sdk_provider_options options;
    struct otel_sdk_processor *processor = NULL;
    struct otel_tracer_options tracer;
    enum otel_err err = otel_sdk_otlp_new(&rig->otlp, &rig->exporter);

    assert(err == OTEL_OK);
    err = rig->simple ? otel_sdk_simple_new(NULL, rig->exporter, &processor)
                      : otel_sdk_batch_new(&rig->batch, rig->exporter, &processor);
    assert(err == OTEL_OK);
    otel_sdk_provider_options_init(&options);
    options.processors = &processor;
    options.processor_count = 1;
    if (rig->max_overflow_bytes != 0)
        options.max_overflow_bytes = rig->max_overflow_bytes;
    options.drop = on_drop;
    options.drop_arg = rig;
    err = otel_sdk_provider_new(&options, &rig->provider);
    assert(err == OTEL_OK);
    (void)err;
    otel_tracer_options_init(&tracer);
    tracer.name = otel_str("exporter.test");
    rig->tracer = otel_tracer_provider_tracer(otel_sdk_provider_api(rig->provider), &tracer);
}

void rig_fini(struct rig *rig)
{
    otel_tracer_unref(rig->tracer);
    otel_sdk_provider_free(rig->provider);
    srv_free(rig->srv);
}

void rig_spans(struct rig *rig, unsigned count)
{
    while (count-- > 0) {
        struct otel_span *span = otel_span_start(rig->tracer, "work", NULL);
        otel_span_set_int(span, "n", (int64_t)count);
        otel_span_finish(span);
    }
}

enum otel_err rig_send(struct rig *rig, unsigned count)
{
    rig_spans(rig, count);
    return otel_sdk_provider_force_flush(rig->provider, 120000);
}

void rig_wait_dropped(struct rig *rig, enum otel_sdk_drop_reason reason, uint64_t count)
{
    for (int i = 0; i < 60000; i++) {
        if (__atomic_load_n(&rig->dropped[reason], __ATOMIC_ACQUIRE) >= count)
            return;
        poll(NULL, 0, 1);
    }
}

struct otel_sdk_processor_stats rig_stats(struct rig *rig)
{
    struct otel_sdk_processor_stats stats;

    memset(&stats, 0, sizeof(stats));
    otel_sdk_provider_processor_stats(rig->provider, 0, &stats);
    return stats;
}

struct otel_sdk_otlp_stats rig_otlp(struct rig *rig)
{
    struct otel_sdk_otlp_stats stats;

    otel_sdk_otlp_stats(rig->exporter, &stats);
    return stats;
}

static int count_spans(const void *data, size_t len)
{
    Otlp__ExportTraceServiceRequest *request =
        otlp__export_trace_service_request__unpack(NULL, len, data);
    int count = 0;

    if (request == NULL)
        return -1;
    for (size_t r = 0; r < request->n_resource_spans; r++)
        for (size_t s = 0; s < request->resource_spans[r]->n_scope_spans; s++)
            count += (int)request->resource_spans[r]->scope_spans[s]->n_spans;
    otlp__export_trace_service_request__free_unpacked(request, NULL);
    return count;
}

int rig_span_count(const struct srv_request *request)
{
    static unsigned char plain[1 << 20];
    z_stream stream = {0};
    char coding[32];
    int count = -1;

    if (!srv_header(request, "Content-Encoding", coding, sizeof(coding)))
        return count_spans(request->body, request->body_len);
    if (strcmp(coding, "gzip") != 0 || inflateInit2(&stream, 15 + 16) != Z_OK)
        return -1;
    stream.next_in = (Bytef *)request->body;
    stream.avail_in = (uInt)request->body_len;
    stream.next_out = plain;
    stream.avail_out = sizeof(plain);
    if (inflate(&stream, Z_FINISH) == Z_STREAM_END)
        count = count_spans(plain, stream.total_out);
    inflateEnd(&stream);
    return count;
}
