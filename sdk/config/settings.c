/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/config/settings.h"

#include <stdio.h>
#include <string.h>

#include "sdk/base/text.h"
#include "sdk/exporter/headers.h"
#include "sdk/resource/pairs.h"
#include "sdk/transport/url.h"

#define DEFAULT_REMOTE_RATIO 0.001

enum { HEADERS_ARENA_MAX = 256 * 1024, HEADER_LINES_MAX = 24 * 1024 };

static void set_u32(const struct otl_env_number *number, uint32_t *value)
{
    if (number->set)
        *value = (uint32_t)number->value;
}

static void set_propagators(const struct otl_env_source *source, const struct otl_env *env,
                            struct otl_settings *s)
{
    static const int defaults[] = {OTL_PROPAGATOR_TRACECONTEXT, OTL_PROPAGATOR_BAGGAGE};
    const struct otl_env_list *list = &env->propagators;

    s->propagator_count = 2;
    memcpy(s->propagators, defaults, sizeof(defaults));
    if (!list->set)
        return;
    s->propagator_count = list->count;
    memcpy(s->propagators, list->words, sizeof(list->words));
    for (unsigned i = 0; i < list->count; i++)
        if (list->words[i] == OTL_PROPAGATOR_NONE)
            s->propagator_count = 0;
    if (s->propagator_count == 0 && list->count > 1)
        otl_tell(&source->teller, OTEL_OK, "OTEL_PROPAGATORS: none beside others; none is used");
}

static void set_exporters(const struct otl_env_source *source, const struct otl_env *env,
                          struct otl_settings *s)
{
    const struct otl_env_list *list = &env->exporters;

    s->exporters[0] = OTL_EXPORTER_OTLP;
    s->exporter_count = list->set ? 0 : 1;
    for (unsigned i = 0; i < list->count; i++)
        if (list->words[i] != OTL_EXPORTER_NONE)
            s->exporters[s->exporter_count++] = list->words[i];
    if (s->exporter_count != 0 && s->exporter_count < list->count)
        otl_tell(&source->teller, OTEL_OK,
                 "OTEL_TRACES_EXPORTER: none beside others has no effect");
}

static bool set_sampler_endpoint(struct otl_settings *s, const char *value)
{
    struct otl_url url;

    if (strlen(value) >= sizeof(s->sampler_endpoint) ||
        otl_url_parse(otl_view_str(value), &url, NULL) != OTEL_OK)
        return false;
    memcpy(s->sampler_endpoint, value, strlen(value) + 1);
    return true;
}

static bool set_interval(struct otl_settings *s, const char *value, uint32_t unit_millis)
{
    uint64_t units;

    if (otl_parse_uint(value, 1, UINT32_MAX / unit_millis, &units) != OTEL_OK)
        return false;
    s->sampler_interval_millis = (uint32_t)units * unit_millis;
    return true;
}

/* A pair of OTEL_TRACES_SAMPLER_ARG; false: none that the sampler knows. */
typedef bool set_pair_fn(struct otl_settings *s, const char *key, const char *value);

static bool set_jaeger(struct otl_settings *s, const char *key, const char *value)
{
    if (strcmp(key, "initialSamplingRate") == 0)
        return otl_parse_double(value, 0, 1, &s->sampler_ratio) == OTEL_OK;
    if (strcmp(key, "pollingIntervalMs") == 0)
        return set_interval(s, value, 1);
    return strcmp(key, "endpoint") == 0 && set_sampler_endpoint(s, value);
}

static bool set_xray(struct otl_settings *s, const char *key, const char *value)
{
    if (strcmp(key, "polling_interval") == 0)
        return set_interval(s, value, 1000);
    return strcmp(key, "endpoint") == 0 && set_sampler_endpoint(s, value);
}

/* The len bytes at arg as KEY=VALUE. */
static bool set_pair(struct otl_settings *s, const char *arg, size_t len, set_pair_fn *set)
{
    char pair[OTL_SETTINGS_URL_MAX], *value;
    size_t blanks = strspn(arg, " ");

    if (len >= sizeof(pair) || blanks > len)
        return false;
    memcpy(pair, arg + blanks, len - blanks);
    pair[len - blanks] = '\0';
    value = strchr(pair, '=');
    if (value == NULL)
        return false;
    *value = '\0';
    return set(s, pair, value + 1);
}

static void set_pairs(const struct otl_env_source *source, const char *arg, const char *known,
                      set_pair_fn *set, struct otl_settings *s)
{
    while (arg != NULL && *arg != '\0') {
        size_t len = strcspn(arg, ",");

        if (!set_pair(s, arg, len, set))
            otl_tell(&source->teller, OTEL_OK,
                     "OTEL_TRACES_SAMPLER_ARG: \"%.*s\" is none of %s; left out",
                     len < 80 ? (int)len : 80, arg, known);
        arg += len + (arg[len] == ',');
    }
}

static void set_sampler(const struct otl_env_source *source, const struct otl_env *env,
                        struct otl_settings *s)
{
    s->sampler = OTL_SAMPLER_PARENTBASED + OTL_SAMPLER_ALWAYS_ON;
    s->sampler_ratio = 1.0;
    if (!env->sampler.set) {
        if (env->sampler_arg != NULL)
            otl_tell(&source->teller, OTEL_OK,
                     "OTEL_TRACES_SAMPLER_ARG has no effect: no OTEL_TRACES_SAMPLER is in "
                     "force (parentbased_traceidratio takes a ratio)");
        return;
    }
    s->sampler = env->sampler.word;
    if ((s->sampler & ~OTL_SAMPLER_PARENTBASED) == OTL_SAMPLER_JAEGER_REMOTE) {
        s->sampler_ratio = DEFAULT_REMOTE_RATIO;
        set_pairs(source, env->sampler_arg,
                  "endpoint=URL, pollingIntervalMs=N, initialSamplingRate=RATIO", set_jaeger, s);
    }
    if ((s->sampler & ~OTL_SAMPLER_PARENTBASED) == OTL_SAMPLER_XRAY)
        set_pairs(source, env->sampler_arg, "endpoint=URL, polling_interval=SECONDS", set_xray, s);
    if ((s->sampler & ~OTL_SAMPLER_PARENTBASED) != OTL_SAMPLER_TRACEIDRATIO)
        return;
    if (env->sampler_arg != NULL &&
        otl_parse_double(env->sampler_arg, 0, 1, &s->sampler_ratio) != OTEL_OK) {
        s->sampler_ratio = 1.0;
        otl_tell(&source->teller, OTEL_OK,
                 "OTEL_TRACES_SAMPLER_ARG is not a number from 0 to 1; 1 is used");
    }
}

static void set_ratio_rule(const struct otl_env_source *source, const struct otl_env *env,
                           struct otl_settings *s)
{
    s->ratio_rule = OTEL_SDK_RATIO_GO;
    if (!env->ratio_rule.set)
        return;
    s->ratio_rule = (enum otel_sdk_ratio_rule)env->ratio_rule.word;
    if ((s->sampler & ~OTL_SAMPLER_PARENTBASED) != OTL_SAMPLER_TRACEIDRATIO)
        otl_tell(
            &source->teller, OTEL_OK,
            "OTEL_C_TRACES_SAMPLER_RATIO_RULE is a matter of the samplers traceidratio and "
            "parentbased_traceidratio; it has no effect");
}

static void set_batch(const struct otl_env_source *source, const struct otl_env *env,
                      struct otl_settings *s)
{
    otel_sdk_batch_options_init(&s->batch);
    set_u32(&env->bsp_schedule_delay, &s->batch.schedule_delay_millis);
    set_u32(&env->bsp_export_timeout, &s->batch.export_timeout_millis);
    if (env->bsp_queue.set)
        s->batch.max_queue_size = (size_t)env->bsp_queue.value;
    if (env->bsp_batch.set && env->bsp_batch.value > s->batch.max_queue_size)
        otl_tell(&source->teller, OTEL_OK,
                 "OTEL_BSP_MAX_EXPORT_BATCH_SIZE is larger than the queue; ignored");
    else if (env->bsp_batch.set)
        s->batch.max_export_batch_size = (size_t)env->bsp_batch.value;
    if (s->batch.max_export_batch_size > s->batch.max_queue_size)
        s->batch.max_export_batch_size = s->batch.max_queue_size;
}

static void set_limits(const struct otl_env *env, struct otl_settings *s)
{
    otel_sdk_span_limits_init(&s->limits);
    set_u32(&env->attribute_count, &s->limits.attribute_count_limit);
    set_u32(&env->span_attribute_count, &s->limits.attribute_count_limit);
    set_u32(&env->attribute_length, &s->limits.attribute_value_length_limit);
    set_u32(&env->span_attribute_length, &s->limits.attribute_value_length_limit);
    set_u32(&env->span_event_count, &s->limits.event_count_limit);
    set_u32(&env->span_link_count, &s->limits.link_count_limit);
    set_u32(&env->event_attribute_count, &s->limits.event_attribute_count_limit);
    set_u32(&env->link_attribute_count, &s->limits.link_attribute_count_limit);
}

struct endpoint {
    const char *name;
    const char *text;
    bool base;     /* v1/traces belongs behind it */
    bool grpc;     /* the scheme may be left out... */
    bool insecure; /* ...which then means http instead of https */
};

/* True: text is a URL; *ret is it, with v1/traces behind an HTTP base. */
static bool read_endpoint(const struct otl_env_source *source, const struct endpoint *endpoint,
                          struct otl_url *ret)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    char whole[OTL_SETTINGS_URL_MAX];
    const char *text = endpoint->text;

    if (text == NULL)
        return false;
    if (endpoint->grpc && strstr(text, "://") == NULL && strlen(text) < sizeof(whole) - 10) {
        snprintf(whole, sizeof(whole), "%s://%s", endpoint->insecure ? "http" : "https", text);
        text = whole;
    }
    if (otl_url_parse(otl_view_str(text), ret, &detail) != OTEL_OK) {
        otl_tell(&source->teller, OTEL_OK, "%s: %s; ignored", endpoint->name, detail.text);
        return false;
    }
    if (endpoint->base && otl_url_append(ret, "v1/traces") != OTEL_OK) {
        otl_tell(&source->teller, OTEL_OK, "%s: the path is too long; ignored", endpoint->name);
        return false;
    }
    return true;
}

static struct otel_str either(const char *own, const char *general)
{
    const char *text = own != NULL ? own : general;

    return text != NULL ? otel_str(text) : otel_strn(NULL, 0);
}

static void set_tls(const struct otl_env_source *source, const struct otl_env *env, bool used,
                    struct otl_settings *s)
{
    const struct otl_env_otlp *own = &env->otlp_traces, *general = &env->otlp;

    s->otlp.tls_ca_file = either(own->certificate, general->certificate);
    s->otlp.tls_cert_file = either(own->client_certificate, general->client_certificate);
    s->otlp.tls_key_file = either(own->client_key, general->client_key);
    if (!used && (s->otlp.tls_ca_file.len > 0 || s->otlp.tls_cert_file.len > 0 ||
                  s->otlp.tls_key_file.len > 0))
        otl_tell(&source->teller, OTEL_OK,
                 "TLS files are named (OTEL_EXPORTER_OTLP_CERTIFICATE and its like), but the "
                 "endpoint is not https; they are not used");
}

static void set_endpoint(const struct otl_env_source *source, const struct otl_env *env,
                         struct otl_settings *s)
{
    const struct otl_env_word *insecure =
        env->otlp_traces.insecure.set ? &env->otlp_traces.insecure : &env->otlp.insecure;
    bool grpc = s->otlp.protocol == OTEL_SDK_OTLP_GRPC;
    struct endpoint own = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", env->otlp_traces.endpoint, false,
                           grpc, insecure->set && insecure->word};
    struct endpoint general = {"OTEL_EXPORTER_OTLP_ENDPOINT", env->otlp.endpoint, !grpc, grpc,
                               own.insecure};
    char authority[OTL_URL_AUTHORITY_SIZE];
    struct otl_url url = {.tls = false};

    if (grpc)
        s->otlp.endpoint = otel_str("http://localhost:4317");
    if (read_endpoint(source, &own, &url) || read_endpoint(source, &general, &url)) {
        snprintf(s->endpoint, sizeof(s->endpoint), "%s://%s%s", url.tls ? "https" : "http",
                 otl_url_authority(&url, authority), url.path);
        s->otlp.endpoint = otel_str(s->endpoint);
    }
    set_tls(source, env, url.tls, s);
}

static enum otel_err add_header(struct otl_settings *s, struct otl_view key, struct otl_view value,
                                struct otl_buf *lines)
{
    struct otel_sdk_header header = {otel_strn(key.data, key.len),
                                     otel_strn(value.data, value.len)};
    enum otel_err err = s->otlp.header_count == OTL_SETTINGS_HEADERS_MAX
                            ? OTEL_ERR_LIMIT
                            : otl_header_append(&header, lines);

    if (err != OTEL_OK)
        return err;
    header.name.data = otl_arena_strndup(&s->arena, key.data, key.len);
    header.value.data = otl_arena_strndup(&s->arena, value.data, value.len);
    if (header.name.data == NULL || header.value.data == NULL)
        return OTEL_ERR_MEMORY;
    s->headers[s->otlp.header_count++] = header;
    return OTEL_OK;
}

/* A header that cannot be used is told by its place, never by its content: it may be a secret. */
static enum otel_err set_headers(const struct otl_env_source *source, const struct otl_env *env,
                                 struct otl_settings *s)
{
    bool own = env->otlp_traces.headers != NULL;
    const char *text = own ? env->otlp_traces.headers : env->otlp.headers;
    struct otl_buf decoded, lines;
    struct otl_view key, value;
    struct otl_pairs pairs;
    enum otel_err err = OTEL_OK;

    if (text == NULL)
        return OTEL_OK;
    otl_buf_init(&decoded, 64 * 1024);
    otl_buf_init(&lines, HEADER_LINES_MAX);
    otl_pairs_init(&pairs, text, &decoded);
    for (unsigned n = 1; err != OTEL_ERR_MEMORY && otl_pairs_next(&pairs, &err, &key, &value);
         n++) {
        if (err == OTEL_OK)
            err = add_header(s, key, value, &lines);
        if (err != OTEL_OK)
            otl_tell(&source->teller, OTEL_OK, "%s: entry %u: %s; left out",
                     own ? "OTEL_EXPORTER_OTLP_TRACES_HEADERS" : "OTEL_EXPORTER_OTLP_HEADERS",
                     n, otel_err_text(err));
    }
    s->otlp.headers = s->headers;
    otl_buf_fini(&lines);
    otl_buf_fini(&decoded);
    return err == OTEL_ERR_MEMORY ? err : OTEL_OK;
}

static void set_otlp(const struct otl_env_source *source, const struct otl_env *env,
                     struct otl_settings *s)
{
    const struct otl_env_word *compression =
        env->otlp_traces.compression.set ? &env->otlp_traces.compression : &env->otlp.compression;

    const struct otl_env_word *protocol =
        env->otlp_traces.protocol.set ? &env->otlp_traces.protocol : &env->otlp.protocol;

    otel_sdk_otlp_options_init(&s->otlp);
    if (protocol->set && protocol->word == OTL_PROTOCOL_GRPC)
        s->otlp.protocol = OTEL_SDK_OTLP_GRPC;
    if (protocol->set && protocol->word == OTL_PROTOCOL_HTTP_JSON)
        s->otlp.protocol = OTEL_SDK_OTLP_HTTP_JSON;
    set_u32(&env->otlp.timeout_millis, &s->otlp.timeout_millis);
    set_u32(&env->otlp_traces.timeout_millis, &s->otlp.timeout_millis);
    if (compression->set && compression->word == OTL_COMPRESSION_GZIP)
        s->otlp.compression = OTEL_SDK_COMPRESSION_GZIP;
    set_endpoint(source, env, s);
}

enum otel_err otl_settings_from_env(const struct otl_env_source *source, const struct otl_env *env,
                                    struct otl_settings *ret)
{
    enum otel_err err;

    memset(ret, 0, sizeof(*ret));
    otl_arena_init(&ret->arena, HEADERS_ARENA_MAX);
    ret->disabled = env->disabled.set && env->disabled.word;
    set_propagators(source, env, ret);
    set_exporters(source, env, ret);
    set_sampler(source, env, ret);
    set_ratio_rule(source, env, ret);
    set_batch(source, env, ret);
    set_limits(env, ret);
    set_otlp(source, env, ret);
    err = set_headers(source, env, ret);
    if (err != OTEL_OK)
        otl_settings_fini(ret);
    return err;
}

void otl_settings_fini(struct otl_settings *settings)
{
    if (settings != NULL)
        otl_arena_fini(&settings->arena);
}
