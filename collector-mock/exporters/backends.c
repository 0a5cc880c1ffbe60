/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/exporters/backends.h"

#include <stdio.h>
#include <string.h>

#include "collector-mock/exporters/otlp_settings.h"
#include "collector-mock/pipeline/registry.h"
#include "sdk/base/mem.h"

enum { REQUEST_MAX = 1 << 30 };

static enum otel_err no_memory(struct otl_detail *reterr)
{
    return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
}

/* ---- one ---- */

static bool count(struct col_backend *backend, const struct col_create *args, const char *endpoint)
{
    static const double ms[] = {5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000};
    struct col_histogram_options options = {
        .name = "otelcol_loadbalancer_backend_latency",
        .help = "Milliseconds until the backend's exporter has answered for a request.",
        .bounds = ms,
        .count = sizeof(ms) / sizeof(ms[0])};
    char labels[320];

    for (size_t i = 0; i < 2; i++) {
        snprintf(labels, sizeof(labels), "exporter=\"%s\",endpoint=\"%s\",success=\"%s\"", args->id,
                 endpoint, i == 0 ? "true" : "false");
        *(i == 0 ? &backend->taken : &backend->refused) = col_metrics_counter(
            args->host->metrics, "otelcol_loadbalancer_backend_outcome", labels,
            "Requests that the backend's queue has taken, or not.");
    }
    snprintf(labels, sizeof(labels), "exporter=\"%s\",endpoint=\"%s\"", args->id, endpoint);
    options.labels = labels;
    backend->latency = col_metrics_histogram(args->host->metrics, &options);
    return backend->taken != NULL && backend->refused != NULL && backend->latency != NULL;
}

static void free_backend(struct col_backend *backend)
{
    if (backend->exporter != NULL)
        col_otlp_exporter.free(backend->exporter);
    col_regroup_fini(&backend->part);
    json_decref(backend->config);
    otl_mem_free(backend);
}

/* protocol.otlp with an endpoint, as a file would have it; NULL: no memory. */
static json_t *config_of(const struct col_create *args, const char *endpoint)
{
    const json_t *otlp = json_object_get(json_object_get(args->config, "protocol"), "otlp");
    json_t *copy = json_is_object(otlp) ? json_copy((json_t *)otlp) : json_object();

    if (copy != NULL && json_object_set_new(copy, "endpoint", json_string(endpoint)) != 0) {
        json_decref(copy);
        return NULL;
    }
    return copy;
}

/* What is found wrong in such a copy has no place in the file of its own. */
static enum otel_err place(const struct col_create *args, enum otel_err err,
                           const struct otl_detail *found, struct otl_detail *reterr)
{
    if (err != OTEL_OK && found->line == 0 && otel_err_class(err) == OTEL_CLASS_USAGE)
        return otl_yaml_error(reterr, args->pos, "%s", found->text);
    if (err != OTEL_OK && reterr != NULL)
        *reterr = *found;
    return err;
}

enum otel_err col_backends_check(const struct col_create *args, struct otl_detail *reterr)
{
    struct col_otlp_settings settings = {.grpc = true};
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct col_create inner = *args;
    json_t *config = config_of(args, "placeholder:4317"); /* the Collector's word for nobody yet */
    enum otel_err err;

    if (config == NULL)
        return no_memory(reterr);
    inner.config = config;
    err = col_otlp_settings_read(&inner, true, &settings, &detail);
    col_otlp_settings_fini(&settings);
    json_decref(config);
    return place(args, err, &detail, reterr);
}

static enum otel_err fill(const struct col_create *args, struct col_backend *backend,
                          struct otl_detail *reterr)
{
    const char *slash = strchr(args->id, '/'), *last = strrchr(backend->name, ']');
    struct col_create inner = *args;
    struct otl_detail detail = OTL_DETAIL_NONE;
    char endpoint[COL_BACKEND_NAME + 8];
    bool port = strchr(last != NULL ? last : backend->name, ':') != NULL;

    snprintf(endpoint, sizeof(endpoint), "%s%s", backend->name, port ? "" : ":4317");
    snprintf(backend->id, sizeof(backend->id), "otlp/%s%s%s", slash != NULL ? slash + 1 : "",
             slash != NULL ? "_" : "", endpoint);
    backend->config = config_of(args, endpoint);
    if (backend->config == NULL || !count(backend, args, endpoint))
        return no_memory(reterr);
    inner.id = backend->id;
    inner.config = backend->config;
    return place(args, col_otlp_exporter.create(&inner, &backend->exporter, &detail), &detail,
                 reterr);
}

static enum otel_err make(const struct col_create *args, const char *name,
                          struct col_backend **ret, struct otl_detail *reterr)
{
    struct col_backend *backend = otl_mem_zalloc(sizeof(*backend));
    enum otel_err err;

    if (backend == NULL)
        return no_memory(reterr);
    snprintf(backend->name, sizeof(backend->name), "%s", name);
    col_regroup_init(&backend->part, REQUEST_MAX);
    err = fill(args, backend, reterr);
    if (err == OTEL_OK)
        *ret = backend;
    else
        free_backend(backend);
    return err;
}

/* ---- all ---- */

void col_backends_begin(struct col_backends *backends, const struct col_create *create)
{
    backends->create = *create;
}

/* It is taken out of the list; NULL: it is not in it. */
static struct col_backend *take(struct col_backend **list, size_t *count_of, const char *name)
{
    for (size_t i = 0; i < *count_of; i++)
        if (strcmp(list[i]->name, name) == 0) {
            struct col_backend *found = list[i];
            --*count_of;
            memmove(&list[i], &list[i + 1], (*count_of - i) * sizeof(list[0]));
            return found;
        }
    return NULL;
}

static void retire(struct col_backends *backends, struct col_backend *backend)
{
    if (backends->gone_count == COL_BACKENDS_MAX) {
        free_backend(backends->gone[0]);
        backends->gone_count--;
        memmove(&backends->gone[0], &backends->gone[1],
                backends->gone_count * sizeof(backends->gone[0]));
    }
    backends->gone[backends->gone_count++] = backend;
}

static bool is_among(const struct col_backend *const *list, size_t count_of, const char *name)
{
    for (size_t i = 0; i < count_of; i++)
        if (strcmp(list[i]->name, name) == 0)
            return true;
    return false;
}

static enum otel_err new_ring(struct col_backends *backends, struct otl_detail *reterr)
{
    const char *names[COL_BACKENDS_MAX];

    col_ring_free(backends->ring);
    backends->ring = NULL;
    for (size_t i = 0; i < backends->count; i++)
        names[i] = backends->list[i]->name;
    if (backends->count > 0 &&
        col_ring_new(col_ring_rule(backends->create.host->as_version), names, backends->count,
                     &backends->ring) != OTEL_OK)
        return no_memory(reterr);
    return OTEL_OK;
}

enum otel_err col_backends_set(struct col_backends *backends, const char *const *names,
                               size_t count_of, struct otl_detail *reterr)
{
    struct col_backend *list[COL_BACKENDS_MAX];
    enum otel_err err = OTEL_OK, ring;
    size_t found = 0;

    for (size_t i = 0; i < count_of && found < COL_BACKENDS_MAX && err == OTEL_OK; i++) {
        if (is_among((const struct col_backend *const *)list, found, names[i]))
            continue;
        list[found] = take(backends->list, &backends->count, names[i]);
        if (list[found] == NULL)
            list[found] = take(backends->gone, &backends->gone_count, names[i]);
        if (list[found] == NULL)
            err = make(&backends->create, names[i], &list[found], reterr);
        found += err == OTEL_OK;
    }
    for (size_t i = 0; i < backends->count; i++)
        retire(backends, backends->list[i]);
    memcpy(backends->list, list, found * sizeof(list[0]));
    backends->count = found;
    ring = new_ring(backends, reterr);
    return err != OTEL_OK ? err : ring;
}

enum otel_err col_backends_send(struct col_backends *backends, size_t at,
                                const struct col_batch *batch, struct otl_detail *reterr)
{
    const struct otl_clock *clock = backends->create.host->clock;
    struct col_backend *backend = backends->list[at];
    uint64_t start_ns = otl_clock_mono(clock);
    enum otel_err err = col_otlp_exporter.consume(backend->exporter, batch, reterr);

    col_histogram_observe(backend->latency,
                          (double)((otl_clock_mono(clock) - start_ns) / OTL_NS_PER_MS));
    ++*(err == OTEL_OK ? backend->taken : backend->refused);
    return err;
}

enum otel_err col_backends_flush(struct col_backends *backends, struct otl_detail *reterr)
{
    enum otel_err result = OTEL_OK;

    for (size_t i = 0; i < backends->count + backends->gone_count; i++) {
        struct col_backend *backend = i < backends->count
                                          ? backends->list[i]
                                          : backends->gone[i - backends->count];
        enum otel_err err = col_otlp_exporter.flush(backend->exporter, reterr);
        if (result == OTEL_OK)
            result = err;
    }
    return result;
}

void col_backends_fini(struct col_backends *backends)
{
    for (size_t i = 0; i < backends->count; i++)
        free_backend(backends->list[i]);
    for (size_t i = 0; i < backends->gone_count; i++)
        free_backend(backends->gone[i]);
    backends->count = backends->gone_count = 0;
    col_ring_free(backends->ring);
    backends->ring = NULL;
}
