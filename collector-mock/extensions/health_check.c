/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "collector-mock/http/server.h"
#include "collector-mock/pipeline/not_yet.h"
#include "collector-mock/pipeline/registry.h"
#include "sdk/base/mem.h"

/*
 * health_check extension: 200 while requests are taken, 503 before and from the first signal on.
 *
 * The body is the Collector's: {"status":"Server available","upSince":...,"uptime":...}, or what
 * response_body says. With path "/" every path answers, as there.
 */

struct health {
    struct col_host *host;
    const char *id, *path, *healthy, *unhealthy; /* in the configuration; healthy NULL: ours */
    const char *endpoint;
    struct col_http_server *server;
    uint64_t up_mono_ns;
    uint64_t up_wall_ns;
};

static const struct otl_schema body_keys[] = {
    {.key = "healthy", .type = OTL_SCHEMA_STRING},
    {.key = "unhealthy", .type = OTL_SCHEMA_STRING},
    OTL_SCHEMA_END};
static const struct otl_schema pipeline_keys[] = {
    {.key = "enabled", .type = OTL_SCHEMA_BOOL},
    {.key = "interval", .type = OTL_SCHEMA_DURATION},
    {.key = "exporter_failure_threshold", .type = OTL_SCHEMA_INT},
    OTL_SCHEMA_END};
static const struct otl_schema keys[] = {
    {.key = "endpoint", .type = OTL_SCHEMA_STRING, .min = 1},
    {.key = "path", .type = OTL_SCHEMA_STRING, .min = 1},
    {.key = "response_body", .type = OTL_SCHEMA_MAP, .child = body_keys, .nullable = true},
    {.key = "check_collector_pipeline",
     .type = OTL_SCHEMA_MAP,
     .child = pipeline_keys,
     .nullable = true},
    COL_NOT_YET("tls"),
    OTL_SCHEMA_END};
static const struct otl_schema row[] = {{.type = OTL_SCHEMA_MAP, .child = keys}, OTL_SCHEMA_END};

/* ---- the answer ---- */

/* As Go prints a duration: "1h2m3.5s", "49.0132518s", "12.3ms". */
static void go_duration(uint64_t ns, char *out, size_t size)
{
    uint64_t unit = ns < OTL_NS_PER_S ? OTL_NS_PER_MS : OTL_NS_PER_S;
    unsigned digits = unit == OTL_NS_PER_S ? 9 : 6;
    uint64_t hours = ns / (3600 * OTL_NS_PER_S), minutes = ns / (60 * OTL_NS_PER_S) % 60;
    uint64_t whole = (unit == OTL_NS_PER_S ? ns % (60 * OTL_NS_PER_S) : ns) / unit;
    char fraction[16] = "", large[48] = "";
    size_t len;

    snprintf(fraction, sizeof(fraction), ".%0*llu", (int)digits, (unsigned long long)(ns % unit));
    len = strlen(fraction);
    while (len > 0 && (fraction[len - 1] == '0' || fraction[len - 1] == '.'))
        fraction[--len] = '\0';
    if (hours > 0)
        snprintf(large, sizeof(large), "%lluh%llum", (unsigned long long)hours,
                 (unsigned long long)minutes);
    else if (minutes > 0)
        snprintf(large, sizeof(large), "%llum", (unsigned long long)minutes);
    snprintf(out, size, "%s%llu%s%s", large, (unsigned long long)whole, fraction,
             unit == OTL_NS_PER_S ? "s" : "ms");
}

static void write_body(const struct health *health, bool available, char *out, size_t size)
{
    time_t seconds = (time_t)(health->up_wall_ns / OTL_NS_PER_S);
    char since[32], uptime[96];
    struct tm utc;

    if (!available) {
        snprintf(out, size, "{\"status\":\"Server not available\",\"upSince\":"
                            "\"0001-01-01T00:00:00Z\",\"uptime\":\"\"}");
        return;
    }
    gmtime_r(&seconds, &utc);
    strftime(since, sizeof(since), "%Y-%m-%dT%H:%M:%S", &utc);
    go_duration(otl_clock_mono(health->host->clock) - health->up_mono_ns, uptime, sizeof(uptime));
    snprintf(out, size,
             "{\"status\":\"Server available\",\"upSince\":\"%s.%09lluZ\",\"uptime\":\"%s\"}",
             since, (unsigned long long)(health->up_wall_ns % OTL_NS_PER_S), uptime);
}

static void on_request(void *context, struct col_http_request *request)
{
    struct health *health = context;
    bool available = health->host->available;
    const char *own = available ? health->healthy : health->unhealthy;
    struct col_http_answer reply = {.status = available ? 200 : 503};
    char body[256];

    if (strcmp(health->path, "/") != 0 && !otl_view_is(request->path, health->path)) {
        reply.status = 404;
        reply.content_type = "text/plain; charset=utf-8";
        reply.body = otl_view_str("404 page not found\n");
        col_http_answer(request, &reply);
        return;
    }
    write_body(health, available, body, sizeof(body));
    reply.content_type = own != NULL ? "text/plain; charset=utf-8" : "application/json";
    reply.body = otl_view_str(own != NULL ? own : body);
    col_http_answer(request, &reply);
}

static void on_answered(void *context, const struct col_http_request *request,
                        const struct col_http_answer *reply, bool sent)
{
    (void)context;
    (void)request;
    (void)reply;
    (void)sent;
}

/* ---- life ---- */

static enum otel_err create(const struct col_create *args, void **ret, struct otl_detail *reterr)
{
    const json_t *body = json_object_get(args->config, "response_body");
    const json_t *tls = json_object_get(args->config, "tls");
    struct health *health;

    if (tls != NULL && !json_is_null(tls))
        return col_not_yet(args, "extension", args->config, "tls", reterr);
    health = otl_mem_zalloc(sizeof(*health));
    if (health == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    health->host = args->host;
    health->id = args->id;
    health->endpoint = otl_tree_text(args->config, "endpoint", "localhost:13133");
    health->path = otl_tree_text(args->config, "path", "/");
    if (json_is_object(body)) {
        health->healthy = otl_tree_text(body, "healthy", "");
        health->unhealthy = otl_tree_text(body, "unhealthy", "");
    }
    *ret = health;
    return OTEL_OK;
}

static enum otel_err start(void *self, struct otl_detail *reterr)
{
    struct health *health = self;
    struct col_http_options options;
    enum otel_err err;
    char host[256];

    col_http_options_init(&options);
    if (col_endpoint_split(health->endpoint, host, sizeof(host), &options.port) != OTEL_OK)
        return otl_detail_set(reterr, OTEL_ERR_ARGUMENT, NULL, 0, 0,
                              "extension '%s': '%s' is no HOST:PORT", health->id,
                              health->endpoint);
    options.host = host;
    options.base = health->host->base;
    options.clock = health->host->clock;
    options.max_connections = 64;
    options.max_body_bytes = 64 * 1024;
    options.context = health;
    options.on_request = on_request;
    options.on_answered = on_answered;
    health->up_mono_ns = otl_clock_mono(health->host->clock);
    health->up_wall_ns = otl_clock_wall(health->host->clock);
    err = col_http_new(&options, &health->server, reterr);
    if (err == OTEL_OK)
        err = col_host_endpoint(health->host, health->id, "", col_http_address(health->server));
    return err;
}

static void free_health(void *self)
{
    struct health *health = self;

    col_http_free(health->server);
    otl_mem_free(health);
}

const struct col_component_type col_health_check_extension = {
    .name = "health_check",
    .kind = COL_EXTENSION,
    .place = COL_FIRST,
    .schema = row,
    .create = create,
    .start = start,
    .free = free_health,
};
