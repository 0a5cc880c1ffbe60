/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "collector-mock/pipeline/registry.h"
#include "collector-mock/receivers/otlp_http.h"
#include "sdk/base/mem.h"

/* otlp receiver: the component around its protocols. */

struct otlp {
    struct col_create create;
    struct col_otlp_http *http;
    char endpoint[256];
    char path[256];
    size_t max_body;
};

/* Keys that a Collector knows and that do nothing here yet: refused by name, not as unknown. */
#define NOT_YET(name) {.key = (name), .type = OTL_SCHEMA_ANY, .nullable = true}

static const char *const http_not_yet[] = {
    "transport",       "tls",      "auth",     "cors",
    "include_metadata", "timeouts", "response_headers", "compression_algorithms",
    "keep_alives_enabled", "metrics_url_path", "logs_url_path", NULL};

static const struct otl_schema http_keys[] = {
    {.key = "endpoint", .type = OTL_SCHEMA_STRING, .min = 1},
    {.key = "traces_url_path", .type = OTL_SCHEMA_STRING, .min = 1, .max = 200},
    {.key = "max_request_body_size", .type = OTL_SCHEMA_UINT, .max = 1 << 30},
    NOT_YET("transport"),
    NOT_YET("tls"),
    NOT_YET("auth"),
    NOT_YET("cors"),
    NOT_YET("include_metadata"),
    NOT_YET("timeouts"),
    NOT_YET("response_headers"),
    NOT_YET("compression_algorithms"),
    NOT_YET("keep_alives_enabled"),
    NOT_YET("metrics_url_path"),
    NOT_YET("logs_url_path"),
    OTL_SCHEMA_END};
static const struct otl_schema protocol_keys[] = {
    {.key = "http", .type = OTL_SCHEMA_MAP, .child = http_keys, .nullable = true},
    NOT_YET("grpc"),
    OTL_SCHEMA_END};
static const struct otl_schema keys[] = {
    {.key = "protocols",
     .type = OTL_SCHEMA_MAP,
     .child = protocol_keys,
     .required = true,
     .nullable = true},
    OTL_SCHEMA_END};
static const struct otl_schema row[] = {{.type = OTL_SCHEMA_MAP, .child = keys}, OTL_SCHEMA_END};

static enum otel_err refuse(const struct col_create *args, const json_t *map, const char *key,
                            struct otl_detail *reterr)
{
    return otl_yaml_error(reterr, otl_yaml_key_pos(args->doc, map, key),
                          "receiver '%s': '%s' is a setting of the Collector that this one does "
                          "not have yet",
                          args->id, key);
}

static enum otel_err check(const struct col_create *args, const json_t *protocols,
                           struct otl_detail *reterr)
{
    const json_t *http = json_object_get(protocols, "http");

    if (json_object_get(protocols, "grpc") != NULL)
        return refuse(args, protocols, "grpc", reterr);
    if (http == NULL)
        return otl_yaml_error(reterr, args->pos,
                              "receiver '%s': must specify at least one protocol: http",
                              args->id);
    for (size_t i = 0; http_not_yet[i] != NULL; i++)
        if (json_object_get(http, http_not_yet[i]) != NULL)
            return refuse(args, http, http_not_yet[i], reterr);
    return OTEL_OK;
}

static enum otel_err create(const struct col_create *args, void **ret, struct otl_detail *reterr)
{
    const json_t *protocols = json_object_get(args->config, "protocols");
    const json_t *http = json_object_get(protocols, "http");
    const char *path = otl_tree_text(http, "traces_url_path", "/v1/traces");
    enum otel_err err = check(args, protocols, reterr);
    char host[256];
    struct otlp *otlp;
    uint16_t port;

    if (err != OTEL_OK)
        return err;
    otlp = otl_mem_zalloc(sizeof(*otlp));
    if (otlp == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    otlp->create = *args;
    otlp->max_body = (size_t)otl_tree_int(http, "max_request_body_size", 0);
    if (otlp->max_body == 0)
        otlp->max_body = 20u << 20;
    snprintf(otlp->path, sizeof(otlp->path), "%s%s", path[0] == '/' ? "" : "/", path);
    snprintf(otlp->endpoint, sizeof(otlp->endpoint), "%s",
             otl_tree_text(http, "endpoint", "localhost:4318"));
    if (col_endpoint_split(otlp->endpoint, host, sizeof(host), &port) != OTEL_OK) {
        err = otl_yaml_error(reterr, otl_yaml_value_pos(args->doc, http, "endpoint"),
                             "receiver '%s': '%s' is no HOST:PORT", args->id, otlp->endpoint);
        otl_mem_free(otlp);
        return err;
    }
    *ret = otlp;
    return OTEL_OK;
}

static enum otel_err start(void *self, struct otl_detail *reterr)
{
    struct otlp *otlp = self;
    struct col_otlp_http_options options = {.id = otlp->create.id,
                                            .endpoint = otlp->endpoint,
                                            .traces_url_path = otlp->path,
                                            .max_request_body_size = otlp->max_body,
                                            .host = otlp->create.host,
                                            .next = otlp->create.next};

    return col_otlp_http_new(&options, &otlp->http, reterr);
}

static void drain(void *self, uint64_t grace_ns)
{
    struct otlp *otlp = self;

    col_otlp_http_drain(otlp->http, grace_ns);
}

static void free_otlp(void *self)
{
    struct otlp *otlp = self;

    col_otlp_http_free(otlp->http);
    otl_mem_free(otlp);
}

const struct col_component_type col_otlp_receiver = {
    .name = "otlp",
    .kind = COL_RECEIVER,
    .schema = row,
    .create = create,
    .start = start,
    .drain = drain,
    .free = free_otlp,
};
