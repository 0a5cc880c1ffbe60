/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "collector-mock/config/version.h"
#include "collector-mock/extensions/auth.h"
#include "collector-mock/extensions/guard.h"
#include "collector-mock/pipeline/not_yet.h"
#include "collector-mock/pipeline/registry.h"
#include "collector-mock/receivers/http_headers.h"
#include "collector-mock/receivers/otlp_grpc.h"
#include "collector-mock/receivers/otlp_http.h"
#include "collector-mock/receivers/tls_settings.h"
#include "sdk/base/mem.h"

/* otlp receiver: the component around its protocols. */

enum { ENCODINGS_MAX = 8 };

struct otlp {
    struct col_create create;
    struct col_otlp_http *http; /* NULL: not enabled */
    struct col_otlp_grpc *grpc;
    struct col_tls *http_tls, *grpc_tls; /* NULL: in the clear */
    const char *http_auth, *grpc_auth;   /* extensions; NULL: everybody may send */
    bool http_enabled, grpc_enabled;
    bool http_metadata, grpc_metadata; /* include_metadata */
    struct col_http_headers *headers;  /* of answers over HTTP; NULL: none more */
    bool close_each;
    size_t draining; /* protocols that are not empty yet */
    char http_endpoint[256];
    char grpc_endpoint[256];
    char paths[COL_SIGNALS][256];
    const char *encodings[ENCODINGS_MAX + 1]; /* Content-Encodings that are taken */
    size_t max_body;
    size_t max_message;
    uint32_t max_streams;
    const json_t *server_parameters; /* of gRPC's keepalive; NULL: none */
    const json_t *http_settings;     /* NULL: none */
};

enum { MAX_MESSAGE_MIB = 256 }; /* half of what all requests may hold */

static const struct otl_schema auth_keys[] = {
    {.key = "authenticator", .type = OTL_SCHEMA_STRING, .required = true, .min = 1},
    COL_NOT_YET("request_params"),
    OTL_SCHEMA_END};
static const char *const transports[] = {"tcp", "tcp4", "tcp6", "unix", NULL};

/* What a list may name: "" is no compression; what the Collector has behind the first five is not
 * here yet. */
enum { COMPRESSIONS_HERE = 5 };
static const char *const compressions[] = {"",       "gzip", "zstd",            "zlib", "deflate",
                                           "snappy", "lz4",  "x-snappy-framed", NULL};
static const struct otl_schema compression_item[] = {
    {.type = OTL_SCHEMA_ENUM, .words = compressions}};
static const struct otl_schema http_keys[] = {
    {.key = "endpoint", .type = OTL_SCHEMA_STRING, .min = 1},
    {.key = "traces_url_path", .type = OTL_SCHEMA_STRING, .min = 1, .max = 200},
    {.key = "metrics_url_path", .type = OTL_SCHEMA_STRING, .min = 1, .max = 200},
    {.key = "logs_url_path", .type = OTL_SCHEMA_STRING, .min = 1, .max = 200},
    {.key = "max_request_body_size", .type = OTL_SCHEMA_UINT, .max = 1 << 30},
    {.key = "tls", .type = OTL_SCHEMA_MAP, .child = col_tls_keys, .nullable = true},
    {.key = "transport", .type = OTL_SCHEMA_ENUM, .words = transports},
    {.key = "auth", .type = OTL_SCHEMA_MAP, .child = auth_keys, .nullable = true},
    {.key = "cors", .type = OTL_SCHEMA_MAP, .child = col_cors_keys, .nullable = true},
    {.key = "include_metadata", .type = OTL_SCHEMA_BOOL},
    {.key = "read_header_timeout", .type = OTL_SCHEMA_DURATION},
    {.key = "read_timeout", .type = OTL_SCHEMA_DURATION},
    {.key = "write_timeout", .type = OTL_SCHEMA_DURATION},
    {.key = "idle_timeout", .type = OTL_SCHEMA_DURATION},
    {.key = "response_headers",
     .type = OTL_SCHEMA_MAP,
     .child = col_response_headers_keys,
     .nullable = true},
    {.key = "compression_algorithms",
     .type = OTL_SCHEMA_LIST,
     .child = compression_item,
     .max = ENCODINGS_MAX},
    {.key = "keep_alives_enabled", .type = OTL_SCHEMA_BOOL},
    COL_NOT_YET("middlewares"),
    COL_NOT_YET("dialer"),
    OTL_SCHEMA_END};

static const struct otl_schema server_parameter_keys[] = {
    {.key = "max_connection_idle", .type = OTL_SCHEMA_DURATION},
    {.key = "max_connection_age", .type = OTL_SCHEMA_DURATION},
    {.key = "max_connection_age_grace", .type = OTL_SCHEMA_DURATION},
    /* nobody is asked whether he is still there, and nobody asks too often */
    {.key = "time", .type = OTL_SCHEMA_DURATION},
    {.key = "timeout", .type = OTL_SCHEMA_DURATION},
    OTL_SCHEMA_END};
static const struct otl_schema enforcement_keys[] = {
    {.key = "min_time", .type = OTL_SCHEMA_DURATION},
    {.key = "permit_without_stream", .type = OTL_SCHEMA_BOOL},
    OTL_SCHEMA_END};
static const struct otl_schema keepalive_keys[] = {
    {.key = "server_parameters",
     .type = OTL_SCHEMA_MAP,
     .child = server_parameter_keys,
     .nullable = true},
    {.key = "enforcement_policy",
     .type = OTL_SCHEMA_MAP,
     .child = enforcement_keys,
     .nullable = true},
    OTL_SCHEMA_END};
static const struct otl_schema grpc_keys[] = {
    {.key = "endpoint", .type = OTL_SCHEMA_STRING, .min = 1},
    {.key = "max_recv_msg_size_mib", .type = OTL_SCHEMA_UINT, .max = MAX_MESSAGE_MIB},
    {.key = "max_concurrent_streams", .type = OTL_SCHEMA_UINT, .max = 1000000},
    {.key = "tls", .type = OTL_SCHEMA_MAP, .child = col_tls_keys, .nullable = true},
    {.key = "transport", .type = OTL_SCHEMA_ENUM, .words = transports},
    {.key = "auth", .type = OTL_SCHEMA_MAP, .child = auth_keys, .nullable = true},
    {.key = "include_metadata", .type = OTL_SCHEMA_BOOL},
    /* they tune grpc-go: the socket here is not its */
    {.key = "read_buffer_size", .type = OTL_SCHEMA_UINT},
    {.key = "write_buffer_size", .type = OTL_SCHEMA_UINT},
    {.key = "keepalive", .type = OTL_SCHEMA_MAP, .child = keepalive_keys, .nullable = true},
    COL_NOT_YET("middlewares"),
    COL_NOT_YET("dialer"),
    OTL_SCHEMA_END};
static const struct otl_schema protocol_keys[] = {
    {.key = "http", .type = OTL_SCHEMA_MAP, .child = http_keys, .nullable = true},
    {.key = "grpc", .type = OTL_SCHEMA_MAP, .child = grpc_keys, .nullable = true},
    OTL_SCHEMA_END};
static const struct otl_schema keys[] = {
    {.key = "protocols",
     .type = OTL_SCHEMA_MAP,
     .child = protocol_keys,
     .required = true,
     .nullable = true},
    OTL_SCHEMA_END};
static const struct otl_schema row[] = {{.type = OTL_SCHEMA_MAP, .child = keys}, OTL_SCHEMA_END};

/* TCP over either version of IP is all that there is. */
static enum otel_err check_protocol(const struct col_create *args, const json_t *protocol,
                                    struct otl_detail *reterr)
{
    static const char *const not_yet[] = {"middlewares", "dialer", NULL};

    if (strcmp(otl_tree_text(protocol, "transport", "tcp"), "tcp") != 0)
        return col_not_yet(args, "receiver", protocol, "transport", reterr);
    return col_refuse_not_yet(args, "receiver", protocol, not_yet, reterr);
}

static enum otel_err check(const struct col_create *args, const json_t *protocols,
                           struct otl_detail *reterr)
{
    const json_t *http = json_object_get(protocols, "http");
    const json_t *grpc = json_object_get(protocols, "grpc");
    enum otel_err err;

    if (http == NULL && grpc == NULL)
        return otl_yaml_error(reterr, args->pos,
                              "receiver '%s': must specify at least one protocol: grpc or http",
                              args->id);
    err = check_protocol(args, http, reterr);
    return err == OTEL_OK ? check_protocol(args, grpc, reterr) : err;
}

/* The endpoint of a protocol into out (256 bytes). */
static enum otel_err read_endpoint(const struct col_create *args, const json_t *protocol,
                                   const char *otherwise, char *out, struct otl_detail *reterr)
{
    char host[256];
    uint16_t port;

    snprintf(out, 256, "%s", otl_tree_text(protocol, "endpoint", otherwise));
    if (col_endpoint_split(out, host, sizeof(host), &port) == OTEL_OK)
        return OTEL_OK;
    return otl_yaml_error(reterr, otl_yaml_value_pos(args->doc, protocol, "endpoint"),
                          "receiver '%s': '%s' is no HOST:PORT", args->id, out);
}

/* The words of the list; all that there are when it is absent. */
static void read_encodings(struct otlp *otlp, const json_t *list)
{
    size_t count = 0;

    for (size_t i = 1; list == NULL && i < COMPRESSIONS_HERE; i++)
        otlp->encodings[count++] = compressions[i];
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *word = json_string_value(json_array_get(list, i));
        for (size_t k = 1; k < COMPRESSIONS_HERE; k++)
            if (strcmp(word, compressions[k]) == 0)
                otlp->encodings[count++] = compressions[k];
    }
}

/* At the key: in lenient mode the list is left out, and all that there are are served. */
static enum otel_err refuse_encodings(const struct col_create *args, const json_t *http,
                                      struct otl_detail *reterr)
{
    const json_t *list = json_object_get(http, "compression_algorithms");

    for (size_t i = 0; i < json_array_size(list); i++)
        for (size_t k = COMPRESSIONS_HERE; compressions[k] != NULL; k++)
            if (strcmp(json_string_value(json_array_get(list, i)), compressions[k]) == 0) {
                struct otl_yaml_pos pos = otl_yaml_key_pos(args->doc, http,
                                                           "compression_algorithms");
                return otl_detail_set(reterr, OTEL_ERR_UNSUPPORTED, pos.source, pos.line,
                                      pos.column,
                                      "receiver '%s': 'compression_algorithms' %s is a setting of "
                                      "the Collector that this one does not have yet (there are: "
                                      "gzip, zstd, zlib, deflate)",
                                      args->id, compressions[k]);
            }
    return OTEL_OK;
}

static void read_paths(struct otlp *otlp, const json_t *http)
{
    for (int s = COL_TRACES; s < COL_SIGNALS; s++) {
        const char *name = col_signal_name((enum col_signal)s), *path;
        char key[32], fallback[32];
        snprintf(key, sizeof(key), "%s_url_path", name);
        snprintf(fallback, sizeof(fallback), "/v1/%s", name);
        path = otl_tree_text(http, key, fallback);
        snprintf(otlp->paths[s], sizeof(otlp->paths[s]), "%s%s", path[0] == '/' ? "" : "/", path);
    }
}

static enum otel_err read_settings(struct otlp *otlp, const json_t *http, const json_t *grpc,
                                   struct otl_detail *reterr)
{
    bool old = col_version_before(otlp->create.host->as_version, 104);
    enum otel_err err;

    otlp->http_enabled = http != NULL;
    otlp->http_settings = http;
    otlp->http_metadata = otl_tree_bool(http, "include_metadata", false);
    otlp->grpc_metadata = otl_tree_bool(grpc, "include_metadata", false);
    otlp->grpc_enabled = grpc != NULL;
    otlp->close_each = !otl_tree_bool(http, "keep_alives_enabled", true);
    otlp->max_body = (size_t)otl_tree_int(http, "max_request_body_size", 0);
    if (otlp->max_body == 0)
        otlp->max_body = 20u << 20;
    read_encodings(otlp, json_object_get(http, "compression_algorithms"));
    otlp->max_message = (size_t)otl_tree_int(grpc, "max_recv_msg_size_mib", 0) << 20;
    if (otlp->max_message == 0)
        otlp->max_message = 4u << 20;
    otlp->max_streams = (uint32_t)otl_tree_int(grpc, "max_concurrent_streams", 0);
    otlp->server_parameters =
        json_object_get(json_object_get(grpc, "keepalive"), "server_parameters");
    read_paths(otlp, http);
    err = read_endpoint(&otlp->create, http, old ? "0.0.0.0:4318" : "localhost:4318",
                        otlp->http_endpoint, reterr);
    if (err == OTEL_OK)
        err = read_endpoint(&otlp->create, grpc, old ? "0.0.0.0:4317" : "localhost:4317",
                            otlp->grpc_endpoint, reterr);
    if (err == OTEL_OK)
        err = col_tls_settings(&otlp->create, http, "http/1.1", false, &otlp->http_tls, reterr);
    if (err == OTEL_OK)
        err = col_tls_settings(&otlp->create, grpc, "h2", true, &otlp->grpc_tls, reterr);
    if (err == OTEL_OK)
        err = col_auth_guard_id(&otlp->create, http, &otlp->http_auth, reterr);
    if (err == OTEL_OK)
        err = col_auth_guard_id(&otlp->create, grpc, &otlp->grpc_auth, reterr);
    if (err == OTEL_OK)
        err = refuse_encodings(&otlp->create, http, reterr);
    if (err == OTEL_OK)
        err = col_http_headers_new(&otlp->create, http, &otlp->headers, reterr);
    return err;
}

static void free_otlp(void *self)
{
    struct otlp *otlp = self;

    col_otlp_grpc_free(otlp->grpc);
    col_otlp_http_free(otlp->http);
    col_http_headers_free(otlp->headers);
    col_tls_free(otlp->http_tls);
    col_tls_free(otlp->grpc_tls);
    otl_mem_free(otlp);
}

static enum otel_err create(const struct col_create *args, void **ret, struct otl_detail *reterr)
{
    const json_t *protocols = json_object_get(args->config, "protocols");
    enum otel_err err = check(args, protocols, reterr);
    struct otlp *otlp;

    if (err != OTEL_OK)
        return err;
    otlp = otl_mem_zalloc(sizeof(*otlp));
    if (otlp == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    otlp->create = *args;
    err = read_settings(otlp, json_object_get(protocols, "http"),
                        json_object_get(protocols, "grpc"), reterr);
    if (err == OTEL_OK)
        *ret = otlp;
    else
        free_otlp(otlp);
    return err;
}

static void on_protocol_drained(void *context)
{
    struct otlp *otlp = context;
    struct col_host *host = otlp->create.host;

    if (--otlp->draining == 0 && host->on_drained != NULL)
        host->on_drained(host->on_drained_context);
}

/* Extensions are started before receivers. */
static struct col_guard *guard_of(const struct otlp *otlp, const char *id)
{
    return id != NULL ? col_guard_of(otlp->create.host, id) : NULL;
}

/* 0: it is not given; UINT64_MAX: it is, as 0, which is none. */
static uint64_t timeout_ns(const struct otlp *otlp, const char *key)
{
    uint64_t ns = otl_tree_duration_ns(otlp->http_settings, key, 0);

    return ns != 0 || json_object_get(otlp->http_settings, key) == NULL ? ns : UINT64_MAX;
}

static enum otel_err start(void *self, struct otl_detail *reterr)
{
    struct otlp *otlp = self;
    const struct otlp *first = otlp->create.first;
    const json_t *keep = otlp->server_parameters;
    const struct col_otlp_grpc_options grpc = {.id = otlp->create.id,
                                               .endpoint = otlp->grpc_endpoint,
                                               .max_recv_msg_size = otlp->max_message,
                                               .max_concurrent_streams = otlp->max_streams,
                                               .max_age_ns = otl_tree_duration_ns(
                                                   keep, "max_connection_age", 0),
                                               .max_age_grace_ns = otl_tree_duration_ns(
                                                   keep, "max_connection_age_grace", 0),
                                               .max_idle_ns = otl_tree_duration_ns(
                                                   keep, "max_connection_idle", 0),
                                               .tls = otlp->grpc_tls,
                                               .include_metadata = otlp->grpc_metadata,
                                               .guard = guard_of(otlp, otlp->grpc_auth),
                                               .host = otlp->create.host,
                                               .signals = otlp->create.signals,
                                               .next = otlp->create.next,
                                               .first = first != NULL ? first->grpc : NULL,
                                               .on_drained = on_protocol_drained,
                                               .on_drained_context = otlp};
    const struct col_otlp_http_options http = {.id = otlp->create.id,
                                               .endpoint = otlp->http_endpoint,
                                               .url_paths = {otlp->paths[COL_TRACES],
                                                             otlp->paths[COL_METRICS],
                                                             otlp->paths[COL_LOGS]},
                                               .encodings = otlp->encodings,
                                               .max_request_body_size = otlp->max_body,
                                               .head_timeout_ns = timeout_ns(
                                                   otlp, "read_header_timeout"),
                                               .body_timeout_ns = timeout_ns(otlp, "read_timeout"),
                                               .send_timeout_ns = timeout_ns(otlp, "write_timeout"),
                                               .idle_timeout_ns = timeout_ns(otlp, "idle_timeout"),
                                               .tls = otlp->http_tls,
                                               .include_metadata = otlp->http_metadata,
                                               .headers = otlp->headers,
                                               .close_each = otlp->close_each,
                                               .guard = guard_of(otlp, otlp->http_auth),
                                               .host = otlp->create.host,
                                               .signals = otlp->create.signals,
                                               .next = otlp->create.next,
                                               .first = first != NULL ? first->http : NULL,
                                               .on_drained = on_protocol_drained,
                                               .on_drained_context = otlp};
    enum otel_err err = OTEL_OK;

    if (otlp->grpc_enabled)
        err = col_otlp_grpc_new(&grpc, &otlp->grpc, reterr);
    if (err == OTEL_OK && otlp->http_enabled)
        err = col_otlp_http_new(&http, &otlp->http, reterr);
    return err;
}

static void drain(void *self, uint64_t grace_ns)
{
    struct otlp *otlp = self;

    otlp->draining = (size_t)(otlp->http != NULL) + (size_t)(otlp->grpc != NULL);
    if (otlp->grpc != NULL)
        col_otlp_grpc_drain(otlp->grpc, grace_ns);
    if (otlp->http != NULL)
        col_otlp_http_drain(otlp->http, grace_ns);
}

const struct col_component_type col_otlp_receiver = {
    .name = "otlp",
    .kind = COL_RECEIVER,
    .schema = row,
    .create = create,
    .start = start,
    .signals = COL_ALL_SIGNALS,
    .drain = drain,
    .free = free_otlp,
};
