/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/exporter/otlp_impl.h"

#include <event2/event.h>
#include <limits.h>
#include <otel/sdk/resource.h>
#include <string.h>
#include <strings.h>

#include "sdk/base/loop/loop.h"
#include "sdk/base/mem.h"
#include "sdk/base/options.h"
#include "sdk/exporter/headers.h"

enum { HEADERS_MAX = 64, HEADER_BYTES_MAX = 32 * 1024, LIMIT_MAX = 1 << 30 };

void otel_sdk_otlp_options_init(struct otel_sdk_otlp_options *options)
{
    memset(options, 0, sizeof(*options));
    options->struct_size = sizeof(*options);
    options->endpoint = otel_str("http://localhost:4318/v1/traces");
    options->timeout_millis = 10000;
    options->initial_backoff_millis = 200;
    options->max_backoff_millis = 5000;
    options->max_attempts = 100;
    options->max_request_bytes = 64ULL << 20;
    options->max_response_bytes = 4ULL << 20;
}

const char *otel_sdk_otlp_result_name(enum otel_sdk_otlp_result result)
{
    switch (result) {
#define RESULT_CASE(code, name)                                                                    \
    case code:                                                                                     \
        return name;
        OTEL_SDK_OTLP_RESULT_LIST(RESULT_CASE)
#undef RESULT_CASE
    case OTEL_SDK_OTLP_RESULT_COUNT:
        break;
    }
    return "unknown";
}

void otel_sdk_otlp_stats(const struct otel_sdk_exporter *exporter,
                         struct otel_sdk_otlp_stats *ret_stats)
{
    const struct otl_otlp *e = (const struct otl_otlp *)exporter;
    const uint64_t *from = (const uint64_t *)&e->stats;
    uint64_t *to = (uint64_t *)ret_stats;

    /* the struct holds nothing but counters */
    for (size_t i = 0; i < sizeof(*ret_stats) / sizeof(*to); i++)
        to[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
}

enum otel_err otl_otlp_ready(struct otl_otlp *e)
{
    if (e->base == NULL || e->closed)
        return OTEL_ERR_CLOSED;
    if (e->timer == NULL)
        e->timer = event_new(e->base, -1, 0, otl_otlp_on_timer, e);
    return e->timer == NULL ? OTEL_ERR_MEMORY : e->wire->open(e);
}

static enum otel_err otlp_start(struct otel_sdk_exporter *exporter, struct otel_sdk_loop *loop)
{
    struct otl_otlp *e = (struct otl_otlp *)exporter;

    e->base = otl_loop_base(loop);
    return otl_otlp_ready(e);
}

static void close_all(struct otl_otlp *e)
{
    e->closed = true;
    if (e->http != NULL || e->grpc != NULL)
        otl_otlp_sync(e);
    e->wire->close(e);
    if (e->timer != NULL)
        event_free(e->timer);
    e->timer = NULL;
}

static enum otel_err otlp_shutdown(struct otel_sdk_exporter *exporter, uint64_t deadline_mono_ns)
{
    (void)deadline_mono_ns; /* closing waits for nothing */
    close_all((struct otl_otlp *)exporter);
    return OTEL_OK;
}

static void otlp_forked(struct otel_sdk_exporter *exporter)
{
    struct otl_otlp *e = (struct otl_otlp *)exporter;

    e->wire->abandon(e);
    otl_tls_forked(e->tls);
    e->timer = NULL;
    e->base = NULL;
    e->gzip = NULL;
    otl_buf_init(&e->plain, e->plain.max);
    otl_buf_init(&e->packed, e->packed.max);
    otl_buf_init(&e->json_text, e->json_text.max);
    e->busy = false;
    e->done = NULL;
    otl_random_seed(&e->random, otl_random_os_seed()); /* not the parent's jitter */
    memset(&e->seen, 0, sizeof(e->seen));
    memset(&e->stats, 0, sizeof(e->stats));
}

static void otlp_free(struct otel_sdk_exporter *exporter)
{
    struct otl_otlp *e = (struct otl_otlp *)exporter;

    close_all(e);
    otl_gzip_free(e->gzip);
    otl_buf_fini(&e->plain);
    otl_buf_fini(&e->packed);
    otl_buf_fini(&e->json_text);
    otl_buf_fini(&e->header_lines);
    otl_tls_free(e->tls);
    otl_mem_free(e);
}

static enum otel_err add_headers(struct otl_otlp *e, const struct otel_sdk_otlp_options *options)
{
    enum otel_err err = OTEL_OK;
    bool own_agent = true;

    if (options->header_count > HEADERS_MAX)
        return OTEL_ERR_LIMIT;
    for (size_t i = 0; err == OTEL_OK && i < options->header_count; i++) {
        const struct otel_sdk_header *header = &options->headers[i];
        if (header->name.len == 10 && strncasecmp(header->name.data, "user-agent", 10) == 0)
            own_agent = false;
        err = otl_header_append(header, &e->header_lines);
    }
    if (err == OTEL_OK && own_agent) {
        char agent[256];
        struct otel_sdk_header header = {otel_str("User-Agent"), otel_str("")};
        struct otel_str prefix = options->user_agent_prefix;
        if (prefix.len > 200)
            return OTEL_ERR_LIMIT;
        snprintf(agent, sizeof(agent), "%.*s%sOTel-OTLP-Exporter-C/%s", (int)prefix.len,
                 prefix.len ? prefix.data : "", prefix.len ? " " : "", OTEL_SDK_VERSION);
        header.value = otel_str(agent);
        err = otl_header_append(&header, &e->header_lines);
    }
    return err;
}

static bool limits_good(const struct otel_sdk_otlp_options *o)
{
    return o->max_request_bytes > 0 && o->max_request_bytes <= LIMIT_MAX &&
           o->max_response_bytes > 0 && o->max_response_bytes <= LIMIT_MAX &&
           o->max_attempts > 0 && o->initial_backoff_millis > 0 &&
           o->initial_backoff_millis <= o->max_backoff_millis;
}

/* A path as a C string, in the caller's memory. */
static const char *path_of(struct otel_str path, char *out, size_t size)
{
    if (path.len >= size || (path.len > 0 && memchr(path.data, '\0', path.len) != NULL))
        return NULL;
    if (path.len > 0)
        memcpy(out, path.data, path.len);
    out[path.len] = '\0';
    return out;
}

static enum otel_err set_up_tls(struct otl_otlp *e, const struct otel_sdk_otlp_options *o)
{
    char ca[PATH_MAX], cert[PATH_MAX], key[PATH_MAX], text[800];
    struct otl_tls_files files = {path_of(o->tls_ca_file, ca, sizeof(ca)),
                                  path_of(o->tls_cert_file, cert, sizeof(cert)),
                                  path_of(o->tls_key_file, key, sizeof(key))};
    struct otl_detail detail = OTL_DETAIL_NONE;
    enum otel_err err;

    if (!e->url.tls)
        return OTEL_OK;
    if (files.ca == NULL || files.cert == NULL || files.key == NULL)
        return OTEL_ERR_LIMIT;
    err = otl_tls_new(&files, &e->tls, &detail);
    if (err != OTEL_OK && detail.code != OTEL_OK && o->error != NULL)
        o->error(o->error_arg, err, otl_detail_format(&detail, text, sizeof(text)));
    return err;
}

static uint64_t wall_of_system(void *state)
{
    (void)state;
    return otl_clock_wall(otl_clock_real());
}

static enum otel_err configure(struct otl_otlp *e, const struct otel_sdk_otlp_options *o)
{
    struct otl_view endpoint = otl_view(o->endpoint.data, o->endpoint.len);
    enum otel_err err = otl_url_parse(endpoint, &e->url, NULL);

    otl_buf_init(&e->header_lines, HEADER_BYTES_MAX);
    otl_buf_init(&e->plain, (size_t)o->max_request_bytes);
    otl_buf_init(&e->packed, (size_t)o->max_request_bytes + 1024);
    otl_buf_init(&e->json_text, (size_t)o->max_request_bytes);
    if (err == OTEL_OK && (unsigned)o->protocol > OTEL_SDK_OTLP_HTTP_JSON)
        err = OTEL_ERR_ARGUMENT;
    e->json = o->protocol == OTEL_SDK_OTLP_HTTP_JSON;
    if (o->protocol == OTEL_SDK_OTLP_GRPC)
        e->wire = &otl_otlp_over_grpc;
    if (err == OTEL_OK && !limits_good(o))
        err = OTEL_ERR_ARGUMENT;
    if (err == OTEL_OK)
        err = set_up_tls(e, o);
    if (err != OTEL_OK)
        return err;
    e->compression = o->compression;
    e->timeout_ns = o->timeout_millis * OTL_NS_PER_MS;
    e->max_response_bytes = o->max_response_bytes;
    e->max_connection_age_ns = o->max_connection_age_millis * OTL_NS_PER_MS;
    otl_retry_options_init(&e->retry_options);
    e->retry_options.initial_ns = o->initial_backoff_millis * OTL_NS_PER_MS;
    e->retry_options.max_ns = o->max_backoff_millis * OTL_NS_PER_MS;
    e->retry_options.max_attempts = o->max_attempts;
    e->teller = (struct otl_teller){o->error, o->error_arg};
    e->threads.create = o->create_thread;
    e->threads.arg = o->create_thread_arg;
    e->clock = *otl_clock_real();
    e->clock.wall_ns = o->wall_ns ? o->wall_ns : wall_of_system;
    e->clock.state = o->wall_state;
    otl_random_seed(&e->random, o->seeded ? o->seed : otl_random_os_seed());
    return add_headers(e, o);
}

static void otlp_describe(const struct otel_sdk_exporter *exporter,
                          struct otel_sdk_exporter_description *ret)
{
    const struct otl_otlp *e = (const struct otl_otlp *)exporter;

    ret->type = e->wire == &otl_otlp_over_grpc ? "otlp_grpc_span_exporter"
                : e->json                      ? "otlp_http_json_span_exporter"
                                               : "otlp_http_span_exporter";
    ret->server_address = e->url.host;
    ret->server_port = e->url.port;
}

enum otel_err otel_sdk_otlp_new(const struct otel_sdk_otlp_options *options,
                                struct otel_sdk_exporter **ret)
{
    static const struct otel_sdk_exporter_ops ops = {.struct_size = sizeof(ops),
                                                     .start = otlp_start,
                                                     .export_batch = otl_otlp_export,
                                                     .cancel = otl_otlp_cancel,
                                                     .shutdown = otlp_shutdown,
                                                     .forked = otlp_forked,
                                                     .free = otlp_free,
                                                     .describe = otlp_describe};
    struct otel_sdk_otlp_options all;
    struct otl_otlp *e;
    enum otel_err err;

    otel_sdk_otlp_options_init(&all);
    if (otl_options_take(&all, sizeof(all), options) != OTEL_OK)
        return OTEL_ERR_ARGUMENT;
    e = otl_mem_zalloc(sizeof(*e));
    if (e == NULL)
        return OTEL_ERR_MEMORY;
    e->exporter.ops = &ops;
    e->wire = &otl_otlp_over_http;
    err = configure(e, &all);
    if (err != OTEL_OK) {
        otlp_free(&e->exporter);
        return err;
    }
    *ret = &e->exporter;
    return OTEL_OK;
}
