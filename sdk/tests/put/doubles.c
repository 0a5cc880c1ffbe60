/* SPDX-License-Identifier: Apache-2.0 */
/* A processor that writes down how it was called, and exporters that misbehave. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "sdk/tests/put/put.h"

struct probe {
    struct otel_sdk_processor head;
    char name[16];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char log_text[65536];

static void note(struct otel_sdk_processor *processor, const char *what, struct otel_str name)
{
    struct probe *probe = (struct probe *)processor;
    size_t used;

    pthread_mutex_lock(&lock);
    used = strlen(log_text);
    snprintf(log_text + used, sizeof(log_text) - used, " %s:%s:%.*s", probe->name, what,
             (int)name.len, name.data != NULL ? name.data : "");
    pthread_mutex_unlock(&lock);
}

static struct otel_str name_of(const struct otel_sdk_readable_span *span)
{
    struct otel_sdk_span_info info;

    otel_sdk_span_info(span, &info);
    return info.name;
}

static void on_start(struct otel_sdk_processor *processor, struct otel_span *span,
                     const struct otel_context *parent)
{
    (void)parent;
    otel_span_set_str(span, "probe.start", ((struct probe *)processor)->name);
    note(processor, "start", name_of(otel_sdk_span_readable(span)));
}

static void on_ending(struct otel_sdk_processor *processor, struct otel_span *span)
{
    struct otel_sdk_span_info info;

    otel_sdk_span_info(otel_sdk_span_readable(span), &info);
    otel_span_set_str(span, "probe.ending", ((struct probe *)processor)->name);
    note(processor, info.end_unix_nanos != 0 ? "ending" : "ending-without-end-time", info.name);
}

static void on_end(struct otel_sdk_processor *processor, struct otel_sdk_readable_span *span)
{
    struct otel_sdk_span_info info;

    otel_sdk_span_info(span, &info);
    note(processor, info.context.flags & OTEL_FLAG_SAMPLED ? "end" : "end-not-sampled", info.name);
}

static enum otel_err nothing(struct otel_sdk_processor *processor, uint32_t timeout_millis)
{
    (void)timeout_millis;
    note(processor, "flush", otel_str(""));
    return OTEL_OK;
}

static enum otel_err stopped(struct otel_sdk_processor *processor, uint32_t timeout_millis)
{
    (void)timeout_millis;
    note(processor, "shutdown", otel_str(""));
    return OTEL_OK;
}

static void probe_free(struct otel_sdk_processor *processor)
{
    free(processor);
}

struct otel_sdk_processor *put_probe_new(const char *name)
{
    static const struct otel_sdk_processor_ops ops = {.struct_size = sizeof(ops),
                                                      .on_start = on_start,
                                                      .on_ending = on_ending,
                                                      .on_end = on_end,
                                                      .force_flush = nothing,
                                                      .shutdown = stopped,
                                                      .free = probe_free};
    struct probe *probe = calloc(1, sizeof(*probe));

    if (probe == NULL)
        abort();
    probe->head.ops = &ops;
    snprintf(probe->name, sizeof(probe->name), "%s", name);
    return &probe->head;
}

void put_probe_log(struct put *put)
{
    pthread_mutex_lock(&lock);
    fprintf(put->out, "%s", log_text);
    log_text[0] = '\0';
    pthread_mutex_unlock(&lock);
}

/* --- exporters: "hang" never answers until it is cancelled, "fail" refuses each batch, "reenter"
 * does so after it has called flush and shutdown of the provider --- */

struct otel_sdk_provider *put_reentered;
enum otel_err put_reentered_flush, put_reentered_shutdown;

struct doubled {
    struct otel_sdk_exporter head;
    bool hang, reenter;
    otel_sdk_export_done_fn *done;
    void *done_arg;
};

static void export_batch(struct otel_sdk_exporter *exporter, const struct otel_sdk_batch *batch,
                         otel_sdk_export_done_fn *done, void *done_arg)
{
    static const struct otel_sdk_export_result refused = {.err = OTEL_ERR_REFUSED, .requests = 1};
    struct doubled *doubled = (struct doubled *)exporter;

    (void)batch;
    if (doubled->reenter && put_reentered != NULL) {
        put_reentered_flush = otel_sdk_provider_force_flush(put_reentered, 60000);
        put_reentered_shutdown = otel_sdk_provider_shutdown(put_reentered, 60000);
    }
    if (!doubled->hang) {
        done(done_arg, &refused);
        return;
    }
    doubled->done = done;
    doubled->done_arg = done_arg;
}

static void cancel(struct otel_sdk_exporter *exporter)
{
    static const struct otel_sdk_export_result late = {.err = OTEL_ERR_TIMEOUT, .requests = 1};
    struct doubled *doubled = (struct doubled *)exporter;
    otel_sdk_export_done_fn *done = doubled->done;

    doubled->done = NULL;
    if (done != NULL)
        done(doubled->done_arg, &late);
}

static void double_free(struct otel_sdk_exporter *exporter)
{
    free(exporter);
}

struct otel_sdk_exporter *put_exporter_double(const char *how)
{
    static const struct otel_sdk_exporter_ops ops = {.struct_size = sizeof(ops),
                                                     .export_batch = export_batch,
                                                     .cancel = cancel,
                                                     .free = double_free};
    struct doubled *doubled = calloc(1, sizeof(*doubled));

    if (doubled == NULL)
        abort();
    doubled->head.ops = &ops;
    doubled->hang = strcmp(how, "hang") == 0;
    doubled->reenter = strcmp(how, "reenter") == 0;
    return &doubled->head;
}
