/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/processor/account.h"

#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "sdk/base/clock.h"

enum { OWN_ENDS = OTL_ENDS - 2, ATTRIBUTES_MAX = 7, ERROR_TYPE_SIZE = 32 };

static uint64_t now_ns(void)
{
    return otl_clock_mono(otl_clock_real());
}

void otl_account_init(struct otl_account *account)
{
    memset(account, 0, sizeof(*account));
    pthread_mutex_init(&account->lock, NULL);
}

void otl_account_fini(struct otl_account *account)
{
    pthread_mutex_destroy(&account->lock);
}

void otl_account_forked(struct otl_account *account)
{
    otl_account_init(account); /* another thread of the parent may have held the lock */
}

void otl_account_hand(struct otl_account *account, uint64_t count)
{
    uint64_t now = now_ns();

    pthread_mutex_lock(&account->lock);
    account->batches++;
    account->handed += count;
    account->in_flight = count;
    account->began_ns = now;
    pthread_mutex_unlock(&account->lock);
}

/* --- how an export ended --- */

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool is_alike(const struct otl_end *a, const struct otl_end *b)
{
    return a->failed == b->failed && a->err == b->err && a->http_status == b->http_status &&
           same_text(a->error_type, b->error_type) && same_text(a->rpc_status, b->rpc_status);
}

static struct otl_end *end_locked(struct otl_account *account, const struct otl_end *like)
{
    struct otl_end *end = account->ends;

    for (size_t i = 0; i < account->used; i++, end++)
        if (is_alike(end, like))
            return end;
    if (account->used == OWN_ENDS) {
        end = &account->ends[OWN_ENDS + !like->failed];
        end->failed = like->failed;
        end->error_type = like->failed ? "_OTHER" : NULL;
        return end;
    }
    account->used++;
    *end = *like;
    return end;
}

uint64_t otl_account_settle(struct otl_account *account,
                            const struct otel_sdk_export_result *result)
{
    bool partial = result->err == OTEL_OK && result->rejected != 0;
    struct otl_end like = {.failed = result->err != OTEL_OK || partial,
                           .err = result->err,
                           .error_type = partial ? "rejected" : result->error_type,
                           .rpc_status = result->rpc_status,
                           .http_status = result->http_status};
    uint64_t now = now_ns(), took, count, lost;
    struct otl_end *end;

    if (!like.failed)
        like.error_type = NULL;
    pthread_mutex_lock(&account->lock);
    count = account->in_flight;
    lost = result->err == OTEL_OK && result->rejected < count ? result->rejected : count;
    took = now - account->began_ns;
    end = end_locked(account, &like);
    if (end->count == 0 || took < end->min_ns)
        end->min_ns = took;
    if (took > end->max_ns)
        end->max_ns = took;
    end->sum_ns += took;
    end->count++;
    end->lost += lost;
    end->delivered += count - lost;
    account->in_flight = 0;
    pthread_mutex_unlock(&account->lock);
    return lost;
}

uint64_t otl_account_handed(struct otl_account *account)
{
    uint64_t handed;

    pthread_mutex_lock(&account->lock);
    handed = account->handed;
    pthread_mutex_unlock(&account->lock);
    return handed;
}

void otl_account_add(struct otl_account *account, struct otel_sdk_processor_stats *stats)
{
    pthread_mutex_lock(&account->lock);
    stats->batches += account->batches;
    for (size_t i = 0; i < OTL_ENDS; i++) {
        stats->exported += account->ends[i].delivered;
        stats->export_latency_sum_ns += account->ends[i].sum_ns;
        if (account->ends[i].max_ns > stats->export_latency_max_ns)
            stats->export_latency_max_ns = account->ends[i].max_ns;
    }
    pthread_mutex_unlock(&account->lock);
}

/* The value of error.type: in out where it is no text that exists. */
static const char *error_type(const struct otl_end *end, char *out)
{
    const char *name;
    size_t i;

    if (!end->failed || end->error_type != NULL)
        return end->error_type;
    if (end->rpc_status != NULL)
        return end->rpc_status;
    if (end->http_status != 0) {
        snprintf(out, ERROR_TYPE_SIZE, "%u", end->http_status);
        return out;
    }
    name = otel_err_name(end->err) + strlen("OTEL_ERR_"); /* not OTEL_OK: it has failed */
    for (i = 0; name[i] != '\0' && i < ERROR_TYPE_SIZE - 1; i++)
        out[i] = (char)tolower((unsigned char)name[i]);
    out[i] = '\0';
    return out;
}

/* --- metrics --- */

void otl_component_init(struct otl_component *component, struct otel_sdk_metric_sink *sink,
                        const char *type)
{
    component->type = type;
    component->server_address = NULL;
    component->server_port = 0;
    snprintf(component->name, sizeof(component->name), "%.60s/%u", type, sink->next(sink, type));
}

/* Returns how many. */
static size_t describe(const struct otl_component *component, const char *error,
                       struct otel_attribute *attributes)
{
    size_t count = 0;

    attributes[count++] = otel_attr_str("otel.component.name", component->name);
    attributes[count++] = otel_attr_str("otel.component.type", component->type);
    if (component->server_address != NULL)
        attributes[count++] = otel_attr_str("server.address", component->server_address);
    if (component->server_port != 0)
        attributes[count++] = otel_attr_int("server.port", component->server_port);
    if (error != NULL)
        attributes[count++] = otel_attr_str("error.type", error);
    return count;
}

void otl_component_put(const struct otl_component *component, struct otel_sdk_metric_sink *sink,
                       struct otel_sdk_metric metric, const char *error)
{
    struct otel_attribute attributes[ATTRIBUTES_MAX];

    metric.attributes = attributes;
    metric.attribute_count = describe(component, error, attributes);
    sink->put(sink, &metric);
}

struct otel_sdk_metric otl_processed(uint64_t count)
{
    struct otel_sdk_metric metric = {.name = "otel.sdk.processor.span.processed",
                                     .unit = "{span}",
                                     .description = "Spans that a processor has done with",
                                     .type = OTEL_SDK_METRIC_COUNTER,
                                     .value = (int64_t)count};

    return metric;
}

static void put_exported(const struct otl_component *component, struct otel_sdk_metric_sink *sink,
                         uint64_t count, const char *error)
{
    struct otel_sdk_metric metric = {.name = "otel.sdk.exporter.span.exported",
                                     .unit = "{span}",
                                     .description = "Spans whose export is over, well or not",
                                     .type = OTEL_SDK_METRIC_COUNTER,
                                     .value = (int64_t)count};

    otl_component_put(component, sink, metric, error);
}

static void put_inflight(const struct otl_component *component, struct otel_sdk_metric_sink *sink,
                         uint64_t count)
{
    struct otel_sdk_metric metric = {.name = "otel.sdk.exporter.span.inflight",
                                     .unit = "{span}",
                                     .description = "Spans that are with an exporter",
                                     .type = OTEL_SDK_METRIC_UPDOWNCOUNTER,
                                     .value = (int64_t)count};

    otl_component_put(component, sink, metric, NULL);
}

static double seconds(uint64_t nanos)
{
    return (double)nanos / (double)OTL_NS_PER_S;
}

static void put_duration(const struct otl_component *component, struct otel_sdk_metric_sink *sink,
                         const struct otl_end *end)
{
    struct otel_attribute attributes[ATTRIBUTES_MAX];
    char text[ERROR_TYPE_SIZE];
    size_t count = describe(component, error_type(end, text), attributes);
    struct otel_sdk_metric metric = {.name = "otel.sdk.exporter.operation.duration",
                                     .unit = "s",
                                     .description = "How long the export of a batch took",
                                     .type = OTEL_SDK_METRIC_HISTOGRAM,
                                     .attributes = attributes,
                                     .count = end->count,
                                     .sum = seconds(end->sum_ns),
                                     .min = seconds(end->min_ns),
                                     .max = seconds(end->max_ns)};

    if (end->http_status != 0)
        attributes[count++] = otel_attr_int("http.response.status_code", end->http_status);
    if (end->rpc_status != NULL)
        attributes[count++] = otel_attr_str("rpc.status_code", end->rpc_status);
    metric.attribute_count = count;
    sink->put(sink, &metric);
}

/* Ends that differ in their status alone are one series of exported. */
static void put_all_exported(const struct otl_component *component,
                             struct otel_sdk_metric_sink *sink, struct otl_end *ends)
{
    char text[ERROR_TYPE_SIZE], other[ERROR_TYPE_SIZE];
    uint64_t delivered = 0;

    for (size_t i = 0; i < OTL_ENDS; i++)
        delivered += ends[i].delivered;
    put_exported(component, sink, delivered, NULL);
    for (size_t i = 0; i < OTL_ENDS; i++) {
        uint64_t lost = ends[i].lost;
        const char *type = error_type(&ends[i], text);
        if (lost == 0)
            continue;
        for (size_t j = i + 1; j < OTL_ENDS; j++)
            if (ends[j].lost != 0 && strcmp(type, error_type(&ends[j], other)) == 0) {
                lost += ends[j].lost;
                ends[j].lost = 0;
            }
        put_exported(component, sink, lost, type);
    }
}

static const char *type_of(const struct otel_sdk_exporter *exporter,
                           struct otel_sdk_exporter_description *description)
{
    const struct otel_sdk_exporter_ops *ops = exporter->ops;

    memset(description, 0, sizeof(*description));
    if (ops->struct_size >=
            offsetof(struct otel_sdk_exporter_ops, describe) + sizeof(ops->describe) &&
        ops->describe != NULL) /* an older header has no such operation */
        ops->describe(exporter, description);
    return description->type != NULL ? description->type : "other_span_exporter";
}

void otl_account_put(struct otl_account *account, const struct otel_sdk_exporter *exporter,
                     struct otel_sdk_metric_sink *sink)
{
    struct otel_sdk_exporter_description description;
    struct otl_component component;
    struct otl_end ends[OTL_ENDS];
    uint64_t in_flight;

    otl_component_init(&component, sink, type_of(exporter, &description));
    component.server_address = description.server_address;
    component.server_port = description.server_port;
    pthread_mutex_lock(&account->lock);
    memcpy(ends, account->ends, sizeof(ends));
    in_flight = account->in_flight;
    pthread_mutex_unlock(&account->lock);
    put_inflight(&component, sink, in_flight);
    for (size_t i = 0; i < OTL_ENDS; i++)
        if (ends[i].count != 0)
            put_duration(&component, sink, &ends[i]);
    put_all_exported(&component, sink, ends);
}
