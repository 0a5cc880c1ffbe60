/* SPDX-License-Identifier: Apache-2.0 */
/* An SDK from the environment, or put together piece by piece. */
#include <stdlib.h>
#include <string.h>

#include <otel/sdk/detectors.h>
#include <otel/sdk/file_exporter.h>
#include <otel/sdk/otlp.h>

#include "sdk/tests/put/put.h"

enum { PIECES_MAX = 8 };

/* env [clock=1] [detectors=BITS] [seed=N] [exports=N] [console_fd=N]: OTEL_... of the environment;
 * so many exports at once */
static void do_env(struct put *put, struct put_words *words)
{
    struct otel_sdk_env_options options;
    enum otel_err err;

    otel_sdk_env_options_init(&options);
    options.error = put_report;
    options.drop = put_drop;
    options.detectors = (unsigned)put_option_number(words, "detectors", 0);
    options.seed = put_option_number(words, "seed", 0);
    options.seeded = options.seed != 0;
    options.console_fd = (int)put_option_number(words, "console_fd",
                                                 (uint64_t)options.console_fd);
    options.concurrent_exports = (unsigned)put_option_number(words, "exports", 0);
    if (put_option_number(words, "clock", 0) != 0)
        options.clock = &put_clock;
    if (put_ids_given)
        options.id_generator = &put_ids;
    err = otel_sdk_from_env(&options, &put->sdk);
    if (err != OTEL_OK) {
        put_no(put, otel_err_name(err));
        return;
    }
    otel_sdk_install(put->sdk);
    put->provider = otel_sdk_provider_of(put->sdk);
    put->otlp = otel_sdk_otlp_of(put->sdk);
    fprintf(put->out, "ok");
}

/* The words NAME=VALUE that are left, as headers. */
static size_t read_headers(struct put_words *words, struct otel_sdk_header *headers, size_t most)
{
    size_t count = 0;

    for (; words->at < words->count && count < most; count++) {
        headers[count].name = put_next(words);
        headers[count].value = put_next(words);
    }
    return count;
}

static enum otel_err make_otlp(struct put_words *words, struct otel_sdk_exporter **ret)
{
    struct otel_sdk_header headers[PIECES_MAX];
    struct otel_sdk_otlp_options options;
    struct otel_str text;

    otel_sdk_otlp_options_init(&options);
    if (put_option(words, "endpoint", &text))
        options.endpoint = text;
    if (put_option(words, "protocol", &text))
        options.protocol = strcmp(text.data, "grpc") == 0   ? OTEL_SDK_OTLP_GRPC
                           : strcmp(text.data, "json") == 0 ? OTEL_SDK_OTLP_HTTP_JSON
                                                            : OTEL_SDK_OTLP_HTTP_PROTOBUF;
    if (put_option(words, "user_agent", &text))
        options.user_agent_prefix = text;
    if (put_option_number(words, "gzip", 0) != 0)
        options.compression = OTEL_SDK_COMPRESSION_GZIP;
    options.timeout_millis =
        (uint32_t)put_option_number(words, "timeout", options.timeout_millis);
    options.initial_backoff_millis =
        (uint32_t)put_option_number(words, "backoff", options.initial_backoff_millis);
    options.max_backoff_millis =
        (uint32_t)put_option_number(words, "max_backoff", options.max_backoff_millis);
    options.max_attempts = (uint32_t)put_option_number(words, "attempts", options.max_attempts);
    options.max_request_bytes =
        put_option_number(words, "max_request", options.max_request_bytes);
    options.max_response_bytes =
        put_option_number(words, "max_response", options.max_response_bytes);
    options.max_connection_age_millis =
        (uint32_t)put_option_number(words, "max_connection_age", 0);
    options.error = put_report;
    options.header_count = read_headers(words, headers, PIECES_MAX);
    options.headers = headers;
    return otel_sdk_otlp_new(&options, ret);
}

/* exporter E otlp OPTIONS... | file PATH | console | hang | fail | reenter */
static void do_exporter(struct put *put, struct put_words *words)
{
    struct otel_str name = put_next(words), how = put_next(words), path;
    struct otel_sdk_exporter *exporter = NULL;
    struct otel_sdk_console_options console;
    struct otel_sdk_file_options file;
    enum otel_err err = OTEL_OK;

    if (strcmp(how.data, "otlp") == 0) {
        err = make_otlp(words, &exporter);
        put->otlp = exporter;
    } else if (strcmp(how.data, "file") == 0) {
        otel_sdk_file_options_init(&file);
        path = put_next(words);
        file.path = path.data;
        err = otel_sdk_file_exporter_new(&file, &exporter);
    } else if (strcmp(how.data, "console") == 0) {
        otel_sdk_console_options_init(&console);
        console.fd = 2;
        err = otel_sdk_console_exporter_new(&console, &exporter);
    } else {
        exporter = put_exporter_double(how.data);
    }
    if (err != OTEL_OK) {
        put_no(put, otel_err_name(err));
        return;
    }
    put_keep(put, PUT_EXPORTER, name, exporter);
    fprintf(put->out, "ok");
}

/* processor P batch EXPORTER [queue=N] [batch=N] [delay=MS] [timeout=MS] [net=PATH] [MORE...]
 * | simple EXPORTER [timeout=MS] | probe. net: the network that its threads are in;
 * MORE: exporters beside the first, at the same time */
static void do_processor(struct put *put, struct put_words *words)
{
    struct otel_str name = put_next(words), how = put_next(words);
    struct otel_sdk_exporter *exporter = put_take(put, PUT_EXPORTER, put_next(words));
    struct otel_sdk_exporter *more[PIECES_MAX];
    struct otel_sdk_processor *processor = NULL;
    struct otel_sdk_simple_options simple;
    struct otel_sdk_batch_options batch;
    struct otel_str net;
    enum otel_err err = OTEL_OK;

    if (strcmp(how.data, "batch") == 0) {
        otel_sdk_batch_options_init(&batch);
        if (put_option(words, "net", &net)) {
            batch.create_thread = put_thread_in_net;
            batch.create_thread_arg = put_net(net);
        }
        batch.max_queue_size = put_option_number(words, "queue", batch.max_queue_size);
        batch.max_export_batch_size =
            put_option_number(words, "batch", batch.max_export_batch_size);
        batch.schedule_delay_millis =
            (uint32_t)put_option_number(words, "delay", batch.schedule_delay_millis);
        batch.export_timeout_millis =
            (uint32_t)put_option_number(words, "timeout", batch.export_timeout_millis);
        batch.more_exporters = more;
        while (words->at < words->count && batch.more_exporter_count < PIECES_MAX)
            more[batch.more_exporter_count++] = put_take(put, PUT_EXPORTER, put_next(words));
        err = otel_sdk_batch_new(&batch, exporter, &processor);
    } else if (strcmp(how.data, "simple") == 0) {
        otel_sdk_simple_options_init(&simple);
        simple.export_timeout_millis =
            (uint32_t)put_option_number(words, "timeout", simple.export_timeout_millis);
        err = otel_sdk_simple_new(&simple, exporter, &processor);
    } else {
        processor = put_probe_new(name.data);
    }
    if (err != OTEL_OK) {
        put_no(put, otel_err_name(err));
        return;
    }
    put_keep(put, PUT_PROCESSOR, name, processor);
    fprintf(put->out, "ok");
}

static void read_limits(struct put_words *words, struct otel_sdk_span_limits *limits)
{
    limits->attribute_count_limit =
        (uint32_t)put_option_number(words, "attributes", limits->attribute_count_limit);
    limits->attribute_value_length_limit =
        (uint32_t)put_option_number(words, "length", limits->attribute_value_length_limit);
    limits->attribute_value_depth_limit =
        (uint32_t)put_option_number(words, "depth", limits->attribute_value_depth_limit);
    limits->event_count_limit =
        (uint32_t)put_option_number(words, "events", limits->event_count_limit);
    limits->link_count_limit =
        (uint32_t)put_option_number(words, "links", limits->link_count_limit);
}

/* resource SCHEMA_URL KEY VALUE... is kept for the next provider */
static struct otel_sdk_resource *resource_given;

static void do_resource(struct put *put, struct put_words *words)
{
    struct otel_str url = put_next(words);
    size_t count;
    struct otel_attribute *attributes = put_attributes(put, words, &count);

    otel_sdk_resource_unref(resource_given);
    resource_given = NULL;
    if (otel_sdk_resource_new(attributes, count, url, &resource_given) != OTEL_OK)
        put_no(put, "resource");
    else
        fprintf(put->out, "ok");
}

/* provider [sampler=S] [clock=1] [overflow=BYTES] [LIMIT=N]... PROCESSOR...: the global one */
static void do_provider(struct put *put, struct put_words *words)
{
    struct otel_sdk_processor *processors[PIECES_MAX];
    struct otel_sdk_provider_options options;
    struct otel_str sampler;
    struct otel_sdk_provider *made = NULL;
    enum otel_err err;

    otel_sdk_provider_options_init(&options);
    if (put_option(words, "sampler", &sampler))
        options.sampler = put_find(put, PUT_SAMPLER, sampler);
    if (put_option_number(words, "clock", 0) != 0)
        options.clock = &put_clock;
    if (put_ids_given)
        options.id_generator = &put_ids;
    options.max_overflow_bytes =
        put_option_number(words, "overflow", options.max_overflow_bytes);
    read_limits(words, &options.limits);
    while (words->at < words->count && options.processor_count < PIECES_MAX)
        processors[options.processor_count++] = put_take(put, PUT_PROCESSOR, put_next(words));
    options.processors = processors;
    options.resource = resource_given;
    options.error = put_report;
    options.drop = put_drop;
    err = otel_sdk_provider_new(&options, &made);
    if (err != OTEL_OK) {
        put_no(put, otel_err_name(err));
        return;
    }
    otel_sdk_provider_free(put->other);
    put->other = put->provider;
    put->provider = made;
    put_reentered = made;
    otel_tracer_provider_set_global(otel_sdk_provider_api(put->provider));
    fprintf(put->out, "ok");
}

/* swap: the provider before this one is meant again */
static void do_swap(struct put *put, struct put_words *words)
{
    struct otel_sdk_provider *other = put->other;

    (void)words;
    put->other = put->provider;
    put->provider = other;
    fprintf(put->out, "ok");
}

/* add PROCESSOR: to the provider that runs */
static void do_add(struct put *put, struct put_words *words)
{
    struct otel_sdk_processor *processor = put_take(put, PUT_PROCESSOR, put_next(words));
    enum otel_err err = otel_sdk_provider_add_processor(put->provider, processor);

    fprintf(put->out, "ok %s", otel_err_name(err));
}

/* reentered -> FLUSH SHUTDOWN: what the exporter "reenter" was answered */
static void do_reentered(struct put *put, struct put_words *words)
{
    (void)words;
    fprintf(put->out, "ok %s %s", otel_err_name(put_reentered_flush),
            otel_err_name(put_reentered_shutdown));
}

static void do_log(struct put *put, struct put_words *words)
{
    (void)words;
    fprintf(put->out, "ok");
    put_probe_log(put);
}

const struct put_command put_setup_commands[] = {
    {"env", do_env},           {"exporter", do_exporter}, {"processor", do_processor},
    {"resource", do_resource}, {"provider", do_provider}, {"add", do_add},
    {"log", do_log},           {"swap", do_swap},         {"reentered", do_reentered},
    {NULL, NULL}};
