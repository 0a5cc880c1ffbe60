/* SPDX-License-Identifier: Apache-2.0 */
/* Processors and their exporters. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <otel/sdk/file_exporter.h>

#include "sdk/config/file/plugin.h"
#include "sdk/exporter/headers.h"
#include "sdk/resource/pairs.h"
#include "sdk/transport/url.h"

enum { HEADERS_MAX = 64, TEXT_MAX = 64 * 1024, NO_LIMIT_BYTES = 1 << 30, EXPORTERS_MAX = 64 };

/* What an OTLP exporter's options point at. */
struct otlp_texts {
    struct otl_arena arena;
    struct otl_buf lines; /* to judge headers */
    struct otel_sdk_header headers[HEADERS_MAX];
    size_t header_count;
    char endpoint[OTL_URL_PATH_MAX + OTL_URL_HOST_MAX + 32];
};

static bool has_header(const struct otlp_texts *t, struct otl_view name)
{
    for (size_t i = 0; i < t->header_count; i++)
        if (t->headers[i].name.len == name.len &&
            strncasecmp(t->headers[i].name.data, name.data, name.len) == 0)
            return true;
    return false;
}

static enum otel_err add_header(struct otlp_texts *t, struct otl_view name, struct otl_view value)
{
    struct otel_sdk_header *header = &t->headers[t->header_count];
    enum otel_err err;

    if (t->header_count == HEADERS_MAX)
        return OTEL_ERR_LIMIT;
    header->name = otel_strn(otl_arena_strndup(&t->arena, name.data, name.len), name.len);
    header->value = otel_strn(otl_arena_strndup(&t->arena, value.data, value.len), value.len);
    if (header->name.data == NULL || header->value.data == NULL)
        return OTEL_ERR_MEMORY;
    err = otl_header_append(header, &t->lines);
    t->header_count += err == OTEL_OK;
    return err;
}

/* The list, then what it does not name yet of the text. Values never reach a message. */
static enum otel_err set_headers(struct otl_config_work *work, const json_t *map,
                                 struct otlp_texts *t)
{
    const json_t *list = json_object_get(map, "headers"), *item;
    struct otl_view name, value;
    struct otl_pairs pairs;
    struct otl_buf decoded;
    enum otel_err err = OTEL_OK;
    size_t i;

    json_array_foreach((json_t *)(uintptr_t)list, i, item) {
        name = otl_view_str(otl_tree_text(item, "name", ""));
        if (json_is_null(json_object_get(item, "value")) || has_header(t, name))
            continue;
        err = add_header(t, name, otl_view_str(otl_tree_text(item, "value", "")));
        if (err != OTEL_OK)
            return otl_config_bad(work, err, item, "name", "header %s cannot be sent: %s",
                                  name.data, otel_err_text(err));
    }
    otl_buf_init(&decoded, TEXT_MAX);
    otl_pairs_init(&pairs, otl_tree_text(map, "headers_list", ""), &decoded);
    for (unsigned n = 1; err == OTEL_OK && otl_pairs_next(&pairs, &err, &name, &value); n++) {
        if (err == OTEL_OK && !has_header(t, name))
            err = add_header(t, name, value);
        if (err != OTEL_OK)
            otl_config_bad(work, err, map, "headers_list", "headers_list: entry %u: %s", n,
                           otel_err_text(err));
    }
    otl_buf_fini(&decoded);
    return err;
}

static enum otel_err set_endpoint(struct otl_config_work *work, const json_t *map, bool grpc,
                                  struct otlp_texts *t, struct otel_sdk_otlp_options *o)
{
    const char *text = otl_tree_text(map, "endpoint", NULL);
    bool insecure = otl_tree_bool(json_object_get(map, "tls"), "insecure", false);
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct otl_url url;
    enum otel_err err;
    int len;

    if (text == NULL) {
        if (grpc)
            o->endpoint = otel_str("http://localhost:4317");
        return OTEL_OK;
    }
    len = snprintf(t->endpoint, sizeof(t->endpoint), "%s%s",
                   !grpc || strstr(text, "://") != NULL ? ""
                   : insecure                           ? "http://"
                                                        : "https://",
                   text);
    if (len < 0 || (size_t)len >= sizeof(t->endpoint))
        return otl_config_bad(work, OTEL_ERR_LIMIT, map, "endpoint", "endpoint: too long");
    err = otl_url_parse(otl_view_str(t->endpoint), &url, &detail);
    if (err != OTEL_OK)
        return otl_config_bad(work, err, map, "endpoint", "endpoint: %s", detail.text);
    o->endpoint = otel_str(t->endpoint);
    return OTEL_OK;
}

static void set_tls(const json_t *tls, struct otel_sdk_otlp_options *o)
{
    o->tls_ca_file = otel_str(otl_tree_text(tls, "ca_file", ""));
    o->tls_cert_file = otel_str(otl_tree_text(tls, "cert_file", ""));
    o->tls_key_file = otel_str(otl_tree_text(tls, "key_file", ""));
}

static void set_numbers(const json_t *map, struct otel_sdk_otlp_options *o)
{
    int64_t request = otl_tree_int(map, "max_request_size", (int64_t)o->max_request_bytes);

    o->timeout_millis = (uint32_t)otl_tree_int(map, "timeout", o->timeout_millis);
    o->max_request_bytes = request == 0 || request > NO_LIMIT_BYTES ? NO_LIMIT_BYTES
                                                                    : (uint64_t)request;
    o->max_response_bytes =
        (uint64_t)otl_tree_int(map, "max_response_size", (int64_t)o->max_response_bytes);
    if (o->max_response_bytes > NO_LIMIT_BYTES)
        o->max_response_bytes = NO_LIMIT_BYTES;
}

/* What otel_sdk_otlp_new() says of a file is the problem's text. */
struct heard {
    char text[400];
};

static void hear(void *arg, enum otel_err err, const char *text)
{
    struct heard *heard = arg;

    (void)err;
    snprintf(heard->text, sizeof(heard->text), "%s", text);
}

static enum otel_err make_otlp(struct otl_config_work *work, const json_t *parent,
                               const char *name, struct otel_sdk_otlp_options *o,
                               struct otel_sdk_exporter **ret)
{
    struct otel_sdk_otlp_options trial = *o;
    struct heard heard = {""};
    enum otel_err err;

    /* The first one is for its words alone: errors that come later have another listener. */
    trial.error = hear;
    trial.error_arg = &heard;
    err = otel_sdk_otlp_new(&trial, ret);
    if (err != OTEL_OK)
        return otl_config_bad(work, err, parent, name, "%s: %s", name,
                              heard.text[0] != '\0' ? heard.text : otel_err_text(err));
    otel_sdk_exporter_free(*ret);
    *ret = NULL;
    o->error = work->options->error;
    o->error_arg = work->options->error_arg;
    err = otel_sdk_otlp_new(o, ret);
    if (err == OTEL_OK && work->otlp == NULL)
        work->otlp = *ret;
    return err;
}

static enum otel_err otlp(struct otl_config_work *work, const json_t *parent, const char *name,
                          struct otel_sdk_exporter **ret)
{
    const json_t *map = json_object_get(parent, name);
    const struct otel_sdk_env_options *options = work->options;
    bool grpc = strcmp(name, "otlp_grpc") == 0;
    struct otel_sdk_otlp_options o;
    struct otlp_texts t = {.header_count = 0};
    enum otel_err err;

    otel_sdk_otlp_options_init(&o);
    if (grpc)
        o.protocol = OTEL_SDK_OTLP_GRPC;
    else if (strcmp(otl_tree_text(map, "encoding", ""), "json") == 0)
        o.protocol = OTEL_SDK_OTLP_HTTP_JSON;
    if (strcmp(otl_tree_text(map, "compression", ""), "gzip") == 0)
        o.compression = OTEL_SDK_COMPRESSION_GZIP;
    set_tls(json_object_get(map, "tls"), &o);
    set_numbers(map, &o);
    o.seeded = options->seeded;
    o.seed = options->seed;
    o.create_thread = options->create_thread;
    o.create_thread_arg = options->create_thread_arg;
    if (options->clock != NULL) {
        o.wall_ns = options->clock->wall_ns;
        o.wall_state = options->clock->state;
    }
    otl_arena_init(&t.arena, 4 * TEXT_MAX);
    otl_buf_init(&t.lines, TEXT_MAX);
    err = set_endpoint(work, map, grpc, &t, &o);
    if (err == OTEL_OK)
        err = set_headers(work, map, &t);
    o.headers = t.headers;
    o.header_count = t.header_count;
    if (err == OTEL_OK)
        err = make_otlp(work, parent, name, &o, ret);
    otl_buf_fini(&t.lines);
    otl_arena_fini(&t.arena);
    return err;
}

static enum otel_err file(struct otl_config_work *work, const json_t *parent, const char *name,
                          struct otel_sdk_exporter **ret)
{
    const json_t *map = json_object_get(parent, name);
    const char *stream = otl_tree_text(map, "output_stream", "stdout");
    struct otel_sdk_file_options o;
    enum otel_err err;

    otel_sdk_file_options_init(&o);
    o.error = work->options->error;
    o.error_arg = work->options->error_arg;
    if (strncmp(stream, "file://", 7) == 0 && stream[7] == '/')
        o.path = stream + 7;
    else if (strcmp(stream, "stdout") != 0)
        return otl_config_bad(work, OTEL_ERR_SYNTAX, map, "output_stream",
                              "output_stream: expected stdout or file:///PATH, found '%s'", stream);
    err = otel_sdk_file_exporter_new(&o, ret);
    if (err == OTEL_ERR_IO)
        return otl_config_bad(work, err, map, "output_stream", "output_stream: %s cannot be opened",
                              stream);
    return err;
}

static enum otel_err console(const struct otel_sdk_env_options *options,
                             struct otel_sdk_exporter **ret)
{
    struct otel_sdk_console_options o;

    otel_sdk_console_options_init(&o);
    o.fd = options->console_fd;
    o.error = options->error;
    o.error_arg = options->error_arg;
    return otel_sdk_console_exporter_new(&o, ret);
}

enum otel_err otl_config_exporter(struct otl_config_work *work, const json_t *node,
                                  struct otel_sdk_exporter **ret)
{
    const json_t *map;
    const char *kind = otl_config_kind(node, &map);
    enum otel_err err;

    if (otl_plugin_exporter(&(struct otl_plugin_place){work, node, kind, kind, map}, ret, &err))
        return err;
    if (strcmp(kind, "console") == 0)
        return console(work->options, ret);
    if (strcmp(kind, "otlp_file/development") == 0)
        return file(work, node, kind, ret);
    return otlp(work, node, kind, ret);
}

static enum otel_err batch_of(struct otl_config_work *work, const json_t *node,
                              struct otel_sdk_batch_options *o, struct otel_sdk_processor **ret)
{
    const char *kind = otl_config_kind(node, NULL);
    bool several = strcmp(kind, "otlp_http") == 0 || strcmp(kind, "otlp_grpc") == 0;
    struct otel_sdk_exporter *exporters[EXPORTERS_MAX];
    size_t wanted = several ? work->options->concurrent_exports : 1, count = 0;
    enum otel_err err;

    do {
        err = otl_config_exporter(work, node, &exporters[count]);
        count += err == OTEL_OK;
    } while (err == OTEL_OK && count < wanted && count < EXPORTERS_MAX);
    if (err != OTEL_OK) {
        while (count > 0)
            otel_sdk_exporter_free(exporters[--count]);
        return err;
    }
    o->more_exporters = exporters + 1;
    o->more_exporter_count = count - 1;
    return otel_sdk_batch_new(o, exporters[0], ret); /* consumes them */
}

static enum otel_err make_batch(struct otl_config_work *work, const json_t *map,
                                struct otel_sdk_processor **ret)
{
    struct otel_sdk_batch_options o;
    int64_t size;

    otel_sdk_batch_options_init(&o);
    o.create_thread = work->options->create_thread;
    o.create_thread_arg = work->options->create_thread_arg;
    o.schedule_delay_millis =
        (uint32_t)otl_tree_int(map, "schedule_delay", o.schedule_delay_millis);
    o.export_timeout_millis =
        (uint32_t)otl_tree_int(map, "export_timeout", o.export_timeout_millis);
    o.max_queue_size = (size_t)otl_tree_int(map, "max_queue_size", (int64_t)o.max_queue_size);
    size = otl_tree_int(map, "max_export_batch_size", -1);
    if (size > (int64_t)o.max_queue_size)
        return otl_config_bad(work, OTEL_ERR_SYNTAX, map, "max_export_batch_size",
                              "max_export_batch_size: %lld is larger than max_queue_size, %zu",
                              (long long)size, o.max_queue_size);
    if (size > 0)
        o.max_export_batch_size = (size_t)size;
    if (o.max_export_batch_size > o.max_queue_size)
        o.max_export_batch_size = o.max_queue_size;
    return batch_of(work, json_object_get(map, "exporter"), &o, ret);
}

enum otel_err otl_config_processor(struct otl_config_work *work, const json_t *node,
                                   struct otel_sdk_processor **ret)
{
    struct otel_sdk_exporter *exporter = NULL;
    const json_t *map;
    const char *kind = otl_config_kind(node, &map);
    enum otel_err err;

    if (otl_plugin_processor(&(struct otl_plugin_place){work, node, kind, kind, map}, ret, &err))
        return err;
    if (strcmp(kind, "batch") == 0)
        return make_batch(work, map, ret);
    err = otl_config_exporter(work, json_object_get(map, "exporter"), &exporter);
    return err == OTEL_OK ? otel_sdk_simple_new(NULL, exporter, ret) : err;
}
