/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/exporters/otlp_settings.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "collector-mock/extensions/auth.h"
#include "collector-mock/pipeline/header.h"
#include "collector-mock/pipeline/not_yet.h"

enum { DIRECT_CONSUMERS = 64 }; /* where there is no queue */

#define TAKEN(name) {.key = (name), .type = OTL_SCHEMA_ANY, .nullable = true}

/* ---- tables ---- */

static const char *const sizers[] = {"requests", "items", "bytes", NULL};
static const struct otl_schema partition_keys[] = {
    {.key = "metadata_keys", .type = OTL_SCHEMA_LIST, .nullable = true}, OTL_SCHEMA_END};
static const struct otl_schema batch_keys[] = {
    {.key = "flush_timeout", .type = OTL_SCHEMA_DURATION, .min = 1},
    {.key = "sizer", .type = OTL_SCHEMA_ENUM, .words = sizers},
    {.key = "min_size", .type = OTL_SCHEMA_UINT, .max = 1LL << 40},
    {.key = "max_size", .type = OTL_SCHEMA_UINT, .max = 1LL << 40},
    {.key = "partition", .type = OTL_SCHEMA_MAP, .child = partition_keys, .nullable = true},
    OTL_SCHEMA_END};
const struct otl_schema col_otlp_queue_keys[] = {
    {.key = "enabled", .type = OTL_SCHEMA_BOOL},
    {.key = "sizer", .type = OTL_SCHEMA_ENUM, .words = sizers},
    {.key = "queue_size", .type = OTL_SCHEMA_INT, .min = 1, .max = 1LL << 40},
    {.key = "num_consumers", .type = OTL_SCHEMA_INT, .min = 1, .max = COL_CONSUMERS_MAX},
    {.key = "block_on_overflow", .type = OTL_SCHEMA_BOOL},
    {.key = "wait_for_result", .type = OTL_SCHEMA_BOOL},
    TAKEN("storage"),
    {.key = "batch", .type = OTL_SCHEMA_MAP, .child = batch_keys, .nullable = true},
    OTL_SCHEMA_END};
const struct otl_schema col_otlp_retry_keys[] = {
    {.key = "enabled", .type = OTL_SCHEMA_BOOL},
    {.key = "initial_interval", .type = OTL_SCHEMA_DURATION},
    {.key = "randomization_factor", .type = OTL_SCHEMA_DOUBLE, .real_max = 1},
    {.key = "multiplier", .type = OTL_SCHEMA_DOUBLE, .real_max = 1e6},
    {.key = "max_interval", .type = OTL_SCHEMA_DURATION},
    {.key = "max_elapsed_time", .type = OTL_SCHEMA_DURATION},
    OTL_SCHEMA_END};
static const char *const tls_not_yet[] = {
    "ca_pem",        "cert_pem",          "key_pem",         "min_version", "max_version",
    "cipher_suites", "curve_preferences", "reload_interval", "tpm",
    "include_system_ca_certs_pool", "include_insecure_cipher_suites", NULL};
static const struct otl_schema tls_keys[] = {
    {.key = "insecure", .type = OTL_SCHEMA_BOOL},
    {.key = "ca_file", .type = OTL_SCHEMA_STRING},
    {.key = "cert_file", .type = OTL_SCHEMA_STRING},
    {.key = "key_file", .type = OTL_SCHEMA_STRING},
    {.key = "insecure_skip_verify", .type = OTL_SCHEMA_BOOL},
    {.key = "server_name_override", .type = OTL_SCHEMA_STRING, .max = 255},
    TAKEN("ca_pem"), TAKEN("cert_pem"), TAKEN("key_pem"), TAKEN("min_version"),
    TAKEN("max_version"),
    TAKEN("cipher_suites"), TAKEN("curve_preferences"), TAKEN("reload_interval"), TAKEN("tpm"),
    TAKEN("include_system_ca_certs_pool"), TAKEN("include_insecure_cipher_suites"),
    OTL_SCHEMA_END};
static const struct otl_schema header_keys[] = {
    {.key = "*", .type = OTL_SCHEMA_SCALAR}, OTL_SCHEMA_END};
static const char *const grpc_compressions[] = {"gzip", "none", "", "zstd", "snappy", NULL};
static const char *const http_compressions[] = {"gzip",   "none", "",        "zstd",
                                                "snappy", "zlib", "deflate", NULL};
static const char *const encodings[] = {"proto", "json", NULL};

static const struct otl_schema auth_keys[] = {
    {.key = "authenticator", .type = OTL_SCHEMA_STRING, .min = 1}, OTL_SCHEMA_END};

#define COMMON(compressions)                                                                      \
    {.key = "timeout", .type = OTL_SCHEMA_DURATION},                                              \
        {.key = "compression", .type = OTL_SCHEMA_ENUM, .words = compressions},                   \
        {.key = "headers", .type = OTL_SCHEMA_MAP, .child = header_keys, .nullable = true},       \
        {.key = "tls", .type = OTL_SCHEMA_MAP, .child = tls_keys, .nullable = true},              \
        {.key = "sending_queue",                                                                  \
         .type = OTL_SCHEMA_MAP,                                                                  \
         .child = col_otlp_queue_keys,                                                            \
         .nullable = true},                                                                       \
        {.key = "retry_on_failure",                                                               \
         .type = OTL_SCHEMA_MAP,                                                                  \
         .child = col_otlp_retry_keys,                                                            \
         .nullable = true},                                                                       \
        TAKEN("read_buffer_size"), TAKEN("write_buffer_size"), TAKEN("middlewares"),           \
        {.key = "auth", .type = OTL_SCHEMA_MAP, .child = auth_keys, .nullable = true}

static const struct otl_schema grpc_keys[] = {
    {.key = "endpoint", .type = OTL_SCHEMA_STRING}, COMMON(grpc_compressions),
    TAKEN("balancer_name"), TAKEN("user_agent"),
    TAKEN("wait_for_ready"), TAKEN("keepalive"), TAKEN("authority"), OTL_SCHEMA_END};
static const struct otl_schema http_keys[] = {
    {.key = "endpoint", .type = OTL_SCHEMA_STRING},
    {.key = "traces_endpoint", .type = OTL_SCHEMA_STRING},
    {.key = "metrics_endpoint", .type = OTL_SCHEMA_STRING},
    {.key = "logs_endpoint", .type = OTL_SCHEMA_STRING},
    {.key = "profiles_endpoint", .type = OTL_SCHEMA_STRING},
    {.key = "encoding", .type = OTL_SCHEMA_ENUM, .words = encodings},
    COMMON(http_compressions), TAKEN("proxy_url"), TAKEN("cookies"), TAKEN("compression_params"),
    TAKEN("max_idle_conns"), TAKEN("max_idle_conns_per_host"), TAKEN("max_conns_per_host"),
    TAKEN("idle_conn_timeout"), TAKEN("disable_keep_alives"), TAKEN("force_attempt_http2"),
    TAKEN("http2_read_idle_timeout"), TAKEN("http2_ping_timeout"), OTL_SCHEMA_END};
const struct otl_schema col_otlp_grpc_row[] = {{.type = OTL_SCHEMA_MAP, .child = grpc_keys},
                                               OTL_SCHEMA_END};
const struct otl_schema col_otlp_http_row[] = {{.type = OTL_SCHEMA_MAP, .child = http_keys},
                                               OTL_SCHEMA_END};

/* ---- reading ---- */

static enum otel_err wrong(const struct col_create *args, const json_t *map, const char *key,
                           const char *why, struct otl_detail *reterr)
{
    return otl_yaml_error(reterr, otl_yaml_value_pos(args->doc, map, key), "exporter '%s': %s",
                          args->id, why);
}

static enum col_otlp_sizer sizer_of(const char *word)
{
    return word[0] == 'r' ? COL_SIZE_REQUESTS : word[0] == 'i' ? COL_SIZE_ITEMS : COL_SIZE_BYTES;
}

/* `batch:` with nothing in it is one with the defaults. Its sizer is the queue's if that is given
 * and something is. */
static enum otel_err read_batch(const struct col_create *args, const json_t *queue,
                                struct col_otlp_settings *s, struct otl_detail *reterr)
{
    const json_t *batch = json_object_get(queue, "batch");
    const json_t *keys = json_object_get(json_object_get(batch, "partition"), "metadata_keys");
    bool given = json_object_size(batch) > 0;

    s->queue.batches = batch != NULL;
    if (batch == NULL)
        return OTEL_OK;
    if (json_array_size(keys) > 0)
        return col_not_yet(args, "exporter", json_object_get(batch, "partition"),
                           "metadata_keys", reterr);
    s->queue.batch_sizer = sizer_of(otl_tree_text(
        batch, "sizer", otl_tree_text(given ? queue : NULL, "sizer", "items")));
    s->queue.batch_flush_ns = otl_tree_duration_ns(batch, "flush_timeout", 200 * OTL_NS_PER_MS);
    s->queue.batch_min = (uint64_t)otl_tree_int(batch, "min_size", 8192);
    s->queue.batch_max = (uint64_t)otl_tree_int(batch, "max_size", 0);
    if (s->queue.batch_sizer == COL_SIZE_REQUESTS)
        return wrong(args, queue, "batch",
                     "`batch` supports only `items` or `bytes` sizer, found \"requests\"", reterr);
    if (s->queue.batch_max > 0 && s->queue.batch_max < s->queue.batch_min)
        return wrong(args, queue, "batch",
                     "`max_size` must be greater or equal to `min_size`", reterr);
    if (s->queue.batch_sizer == s->queue.sizer && s->queue.batch_min > s->queue.size)
        return wrong(args, queue, "batch",
                     "`min_size` must be less than or equal to `queue_size`", reterr);
    return OTEL_OK;
}

/* Each request is sent by who brings it, and that one waits. */
static void read_no_queue(struct col_otlp_settings *s)
{
    s->queue.enabled = false;
    s->queue.waits = s->queue.blocks = true;
    s->queue.size = UINT64_MAX;
    s->queue.consumers = DIRECT_CONSUMERS;
}

static enum otel_err read_queue(const struct col_create *args, struct col_otlp_settings *s,
                                struct otl_detail *reterr)
{
    const json_t *queue = json_object_get(args->config, "sending_queue");
    const json_t *storage = json_object_get(queue, "storage");
    enum otel_err err;

    s->queue.enabled = otl_tree_bool(queue, "enabled", true);
    if (!s->queue.enabled) {
        read_no_queue(s);
        return OTEL_OK;
    }
    s->queue.sizer = sizer_of(otl_tree_text(queue, "sizer", "requests"));
    s->queue.size = (uint64_t)otl_tree_int(queue, "queue_size", 1000);
    s->queue.consumers =
        (unsigned)col_share(args, (uint64_t)otl_tree_int(queue, "num_consumers", 10));
    s->queue.blocks = otl_tree_bool(queue, "block_on_overflow", false);
    s->queue.waits = otl_tree_bool(queue, "wait_for_result", false);
    err = read_batch(args, queue, s, reterr);
    s->queue.size = col_share(args, s->queue.size);
    if (s->queue.batch_sizer == s->queue.sizer && s->queue.batch_min > s->queue.size)
        s->queue.size = s->queue.batch_min; /* a share must hold a batch */
    if (err != OTEL_OK || storage == NULL || json_is_null(storage))
        return err;
    if (s->queue.waits)
        return wrong(args, queue, "wait_for_result",
                     "`wait_for_result` is not supported with a persistent queue configured with "
                     "`storage`",
                     reterr);
    return col_not_yet(args, "exporter", queue, "storage", reterr);
}

static enum otel_err read_retry(const struct col_create *args, struct col_otlp_settings *s,
                                struct otl_detail *reterr)
{
    const json_t *retry = json_object_get(args->config, "retry_on_failure");

    s->retry.enabled = otl_tree_bool(retry, "enabled", true);
    s->retry.initial_ns = otl_tree_duration_ns(retry, "initial_interval", 5 * OTL_NS_PER_S);
    s->retry.max_ns = otl_tree_duration_ns(retry, "max_interval", 30 * OTL_NS_PER_S);
    s->retry.max_elapsed_ns = otl_tree_duration_ns(retry, "max_elapsed_time", 300 * OTL_NS_PER_S);
    s->retry.multiplier = otl_tree_double(retry, "multiplier", 1.5);
    s->retry.randomization = otl_tree_double(retry, "randomization_factor", 0.5);
    if (!s->retry.enabled || s->retry.max_elapsed_ns == 0)
        return OTEL_OK;
    if (s->retry.max_elapsed_ns < s->retry.initial_ns)
        return wrong(args, args->config, "retry_on_failure",
                     "'max_elapsed_time' must not be less than 'initial_interval'", reterr);
    if (s->retry.max_elapsed_ns < s->retry.max_ns)
        return wrong(args, args->config, "retry_on_failure",
                     "'max_elapsed_time' must not be less than 'max_interval'", reterr);
    return OTEL_OK;
}

static const char *const own_headers[] = {"content-type", "content-length", "content-encoding",
                                          "host", "connection", NULL};

static enum otel_err read_headers(const struct col_create *args, struct col_otlp_settings *s,
                                  struct otl_detail *reterr)
{
    json_t *headers = json_object_get(args->config, "headers"), *value;
    enum otel_err err = OTEL_OK;
    bool agent = false;
    const char *name;

    json_object_foreach(headers, name, value)
    {
        char number[64];
        const char *text = json_string_value(value);
        if (text == NULL) {
            if (json_is_integer(value))
                snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(value));
            else if (json_is_real(value))
                snprintf(number, sizeof(number), "%.17g", json_real_value(value));
            else
                snprintf(number, sizeof(number), "%s", json_is_true(value) ? "true" : "false");
            text = number;
        }
        if (!col_header_may_be_set(name, text, own_headers))
            return wrong(args, headers, name, "this is no header that one may set", reterr);
        agent = agent || strcasecmp(name, "user-agent") == 0;
        if (err == OTEL_OK)
            err = otl_buf_printf(&s->header_lines, "%s: %s\r\n", name, text);
    }
    if (err == OTEL_OK && !agent)
        err = otl_buf_append_str(&s->header_lines, "User-Agent: collector-mock\r\n");
    if (err == OTEL_OK && !s->grpc)
        err = otl_buf_printf(&s->header_lines, "Content-Type: application/%s\r\n",
                             s->json ? "json" : "x-protobuf");
    return err == OTEL_OK ? OTEL_OK : wrong(args, args->config, "headers", "too many headers",
                                            reterr);
}

static const char *after(const char *text, const char *prefix)
{
    size_t len = strlen(prefix);

    return strncmp(text, prefix, len) == 0 ? text + len : NULL;
}

/* "host:port", with or without a scheme, as gRPC has it: encrypted unless something says no. */
static enum otel_err read_target(const struct col_create *args, struct col_otlp_settings *s,
                                 struct otl_detail *reterr)
{
    const char *endpoint = otl_tree_text(args->config, "endpoint", ""), *rest;
    bool insecure = otl_tree_bool(json_object_get(args->config, "tls"), "insecure", false);
    struct otl_detail why = OTL_DETAIL_NONE;
    char text[512];

    if ((rest = after(endpoint, "http://")) != NULL)
        insecure = true;
    else if ((rest = after(endpoint, "https://")) != NULL)
        insecure = false;
    else if ((rest = after(endpoint, "dns:///")) == NULL &&
             (rest = after(endpoint, "dns://")) == NULL)
        rest = endpoint;
    if (rest[0] == '\0')
        return otl_yaml_error(reterr, args->pos, "exporter '%s': requires a non-empty \"endpoint\"",
                              args->id);
    snprintf(text, sizeof(text), "%s%s", insecure ? "http://" : "https://", rest);
    if (otl_url_parse(otl_view_str(text), &s->url, &why) != OTEL_OK)
        return wrong(args, args->config, "endpoint", why.text, reterr);
    if (!s->url.has_port)
        return wrong(args, args->config, "endpoint", "the endpoint names no port", reterr);
    return OTEL_OK;
}

static enum otel_err read_url(const struct col_create *args, struct col_otlp_settings *s,
                              struct otl_detail *reterr)
{
    const char *name = col_signal_name(args->signal), *key = "endpoint", *endpoint;
    struct otl_detail why = OTL_DETAIL_NONE;
    char own[32], path[32];
    enum otel_err err;
    bool whole; /* the path stands in it */

    snprintf(own, sizeof(own), "%s_endpoint", name);
    snprintf(path, sizeof(path), "v1/%s", name);
    endpoint = otl_tree_text(args->config, own, "");
    whole = endpoint[0] != '\0';
    if (whole)
        key = own;
    else
        endpoint = otl_tree_text(args->config, key, "");

    if (endpoint[0] == '\0')
        return otl_yaml_error(reterr, args->pos,
                              "exporter '%s': at least one endpoint must be specified", args->id);
    err = otl_url_parse(otl_view_str(endpoint), &s->url, &why);
    if (err == OTEL_OK && !whole)
        err = otl_url_append(&s->url, path);
    if (err != OTEL_OK)
        return wrong(args, args->config, key, why.text[0] ? why.text : otel_err_text(err), reterr);
    return OTEL_OK;
}

/* What is wrong with the files, at the setting that names the one at fault. */
static enum otel_err wrong_tls(const struct col_create *args, const json_t *tls, enum otel_err err,
                               const struct otl_detail *why, struct otl_detail *reterr)
{
    static const char *const keys[] = {"ca_file", "cert_file", "key_file"};
    struct otl_yaml_pos pos = otl_yaml_key_pos(args->doc, args->config, "tls");
    const char *key = "tls";
    char text[sizeof(why->text) + sizeof(why->source)];

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        if (why->source[0] != '\0' && strcmp(otl_tree_text(tls, keys[i], ""), why->source) == 0) {
            key = keys[i];
            pos = otl_yaml_value_pos(args->doc, tls, key);
            break;
        }
    if (why->text[0] == '\0')
        return otl_detail_set(reterr, err, pos.source, pos.line, pos.column,
                              "exporter '%s': '%s': %s", args->id, key, otel_err_text(err));
    return otl_detail_set(reterr, err, pos.source, pos.line, pos.column, "exporter '%s': '%s': %s",
                          args->id, key, otl_detail_format(why, text, sizeof(text)));
}

static enum otel_err read_tls(const struct col_create *args, struct col_otlp_settings *s,
                              struct otl_detail *reterr)
{
    const json_t *tls = json_object_get(args->config, "tls");
    const struct otl_tls_files files = {otl_tree_text(tls, "ca_file", NULL),
                                        otl_tree_text(tls, "cert_file", NULL),
                                        otl_tree_text(tls, "key_file", NULL)};
    struct otl_detail why = OTL_DETAIL_NONE;
    const struct otl_tls_checks checks = {otl_tree_bool(tls, "insecure_skip_verify", false),
                                          otl_tree_text(tls, "server_name_override", NULL)};
    enum otel_err err = col_refuse_not_yet(args, "exporter", tls, tls_not_yet, reterr);

    if (err != OTEL_OK || !s->url.tls)
        return err;
    err = otl_tls_new_checking(&files, &checks, &s->tls, &why);
    return err == OTEL_OK ? OTEL_OK : wrong_tls(args, tls, err, &why, reterr);
}

enum otel_err col_otlp_settings_refuse(const struct col_create *args, bool grpc, const json_t *map,
                                       struct otl_detail *reterr)
{
    static const char *const not_yet[] = {"middlewares", "proxy_url",  "cookies",
                                          "authority",   "user_agent", NULL};
    const char *word = otl_tree_text(map, "compression", "");
    enum otel_err err = col_refuse_not_yet(args, "exporter", map, not_yet, reterr);
    struct otl_yaml_pos pos;

    if (err != OTEL_OK || strcmp(word, "snappy") != 0)
        return err;
    pos = otl_yaml_key_pos(args->doc, map, "compression");
    return otl_detail_set(reterr, OTEL_ERR_UNSUPPORTED, pos.source, pos.line, pos.column,
                          "exporter '%s': 'compression' %s is a setting of the Collector that this "
                          "one does not have yet (there are: gzip, zstd%s, none)",
                          args->id, word, grpc ? "" : ", zlib, deflate");
}

/* "none" and "" are none. */
static enum col_compression compression_of(const char *text)
{
    for (int i = COL_GZIP; i < COL_COMPRESSIONS; i++)
        if (strcmp(text, col_compression_word((enum col_compression)i)) == 0)
            return (enum col_compression)i;
    return COL_PLAIN;
}

enum otel_err col_otlp_settings_read(const struct col_create *args, bool grpc,
                                     struct col_otlp_settings *s, struct otl_detail *reterr)
{
    bool authenticates = false;
    enum otel_err err;

    err = col_otlp_settings_refuse(args, grpc, args->config, reterr);
    if (err != OTEL_OK)
        return err;
    otl_buf_init(&s->header_lines, 64 * 1024);
    s->signal = args->signal;
    s->grpc = grpc;
    s->json = strcmp(otl_tree_text(args->config, "encoding", "proto"), "json") == 0;
    s->compression = compression_of(otl_tree_text(args->config, "compression", "gzip"));
    s->timeout_ns =
        otl_tree_duration_ns(args->config, "timeout", (grpc ? 5 : 30) * OTL_NS_PER_S);
    err = grpc ? read_target(args, s, reterr) : read_url(args, s, reterr);
    if (err == OTEL_OK)
        err = read_queue(args, s, reterr);
    if (err == OTEL_OK)
        err = read_retry(args, s, reterr);
    if (err == OTEL_OK)
        err = read_headers(args, s, reterr);
    if (err == OTEL_OK)
        err = col_auth_header(args, &s->header_lines, &authenticates, reterr);
    if (err == OTEL_OK && authenticates && grpc && !s->url.tls)
        return wrong(args, args->config, "auth",
                     "the credentials require transport level security (tls)", reterr);
    return err == OTEL_OK ? read_tls(args, s, reterr) : err;
}

enum otel_err col_otlp_settings_read_around(const struct col_create *args,
                                            struct col_otlp_settings *s,
                                            struct otl_detail *reterr)
{
    const json_t *retry = json_object_get(args->config, "retry_on_failure");
    enum otel_err err = OTEL_OK;

    s->signal = args->signal;
    s->timeout_ns = otl_tree_duration_ns(args->config, "timeout", 0);
    if (s->timeout_ns == 0)
        s->timeout_ns = 5 * OTL_NS_PER_S;
    if (json_object_get(args->config, "sending_queue") != NULL)
        err = read_queue(args, s, reterr);
    else
        read_no_queue(s);
    if (err == OTEL_OK && otl_tree_bool(retry, "enabled", false))
        err = read_retry(args, s, reterr);
    return err;
}

void col_otlp_settings_fini(struct col_otlp_settings *settings)
{
    otl_buf_fini(&settings->header_lines);
    otl_tls_free(settings->tls);
}
