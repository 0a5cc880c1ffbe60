/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/remote/ask.h"

#include <stdio.h>
#include <string.h>

#include "sdk/base/clock.h"
#include "sdk/base/mem.h"
#include "sdk/base/percent.h"
#include "sdk/otlp/wire.h"
#include "sdk/transport/grpc.h"
#include "sdk/transport/http.h"

enum { ANSWER_MAX = 1 << 20, SERVICE_MAX = OTL_URL_PATH_MAX, JAEGER_HTTP_PORT = 5778 };
enum { ENDPOINT_SHOWN = 1024 };
enum { TAG_SERVICE_NAME = 0x0a, HEAD_MAX = 11 };

struct otl_asker {
    struct otl_asker_options options;
    struct otl_http *http; /* one of the two */
    struct otl_grpc *grpc;
};

/* --- target --- */

/* ENDPOINT?service=NAME, with /sampling where it has no path. */
static enum otel_err put_into_url(struct otl_url *url, struct otl_view service)
{
    struct otl_buf query;
    enum otel_err err = OTEL_OK;
    size_t len;

    if (strcmp(url->path, "/") == 0)
        err = otl_url_append(url, "sampling");
    len = strlen(url->path);
    otl_buf_init(&query, SERVICE_MAX);
    if (err == OTEL_OK)
        err = otl_buf_append_str(&query,
                                 strchr(url->path, '?') != NULL ? "&service=" : "?service=");
    if (err == OTEL_OK)
        err = otl_percent_encode(service, &query);
    if (err == OTEL_OK && len + query.len >= sizeof(url->path))
        err = OTEL_ERR_LIMIT;
    if (err == OTEL_OK) {
        memcpy(url->path + len, query.data, query.len);
        url->path[len + query.len] = '\0';
    }
    otl_buf_fini(&query);
    return err;
}

static enum otel_err put_into_message(struct otl_buf *message, struct otl_view service)
{
    uint8_t head[HEAD_MAX];
    const uint8_t *end = otl_wire_head(head, TAG_SERVICE_NAME, service.len);
    enum otel_err err = otl_buf_append(message, head, (size_t)(end - head));

    return err == OTEL_OK ? otl_buf_append(message, service.data, service.len) : err;
}

static bool is_grpc(const struct otel_sdk_jaeger_remote_options *o, const struct otl_url *url)
{
    if (o->protocol != OTEL_SDK_JAEGER_AUTO)
        return o->protocol == OTEL_SDK_JAEGER_GRPC;
    return strcmp(url->path, "/") == 0 && url->port != JAEGER_HTTP_PORT;
}

static enum otel_err set_endpoint(struct otl_ask_target *target, struct otel_str endpoint)
{
    memset(target, 0, sizeof(*target));
    otl_buf_init(&target->message, SERVICE_MAX + HEAD_MAX);
    return otl_url_parse(otl_view(endpoint.data, endpoint.len), &target->url, NULL);
}

static enum otel_err make_tls(struct otl_ask_target *target)
{
    const struct otl_tls_files trusted_by_the_system = {NULL, NULL, NULL};
    struct otl_detail detail = OTL_DETAIL_NONE;

    return target->url.tls ? otl_tls_new(&trusted_by_the_system, &target->tls, &detail) : OTEL_OK;
}

enum otel_err otl_ask_target_init(struct otl_ask_target *target,
                                  const struct otel_sdk_jaeger_remote_options *o)
{
    struct otl_view service = otl_view(o->service.data, o->service.len);
    enum otel_err err = set_endpoint(target, o->endpoint);

    if (err != OTEL_OK)
        return err;
    target->grpc = is_grpc(o, &target->url);
    err = target->grpc ? put_into_message(&target->message, service)
                       : put_into_url(&target->url, service);
    return err == OTEL_OK ? make_tls(target) : err;
}

enum otel_err otl_ask_target_post(struct otl_ask_target *target, struct otel_str endpoint,
                                  const char *path)
{
    enum otel_err err = set_endpoint(target, endpoint);

    target->post = true;
    if (err == OTEL_OK)
        err = otl_url_append(&target->url, path);
    return err == OTEL_OK ? make_tls(target) : err;
}

void otl_ask_target_fini(struct otl_ask_target *target)
{
    otl_tls_free(target->tls);
    otl_buf_fini(&target->message);
    target->tls = NULL;
}

void otl_ask_describe(char *out, const char *sampler, struct otel_str endpoint)
{
    snprintf(out, OTL_ASK_DESCRIPTION_SIZE, "%s{%.*s}", sampler,
             (int)(endpoint.len < ENDPOINT_SHOWN ? endpoint.len : ENDPOINT_SHOWN), endpoint.data);
}

/* --- answers --- */

static void tell(struct otl_asker *a, enum otel_err err, const char *why)
{
    struct otl_answer answer = {.err = err != OTEL_OK ? err : OTEL_ERR_IO, .why = why};

    a->options.answered(a->options.arg, &answer);
}

static void tell_failure(struct otl_asker *a, enum otl_http_outcome outcome, enum otel_err err)
{
    const char *why = outcome == OTL_HTTP_TIMEOUT     ? "the server does not answer"
                      : outcome == OTL_HTTP_TOO_LARGE ? "the answer is too long"
                      : outcome != OTL_HTTP_GARBAGE   ? "the server cannot be reached"
                      : a->options.target->grpc       ? "the answer is not gRPC"
                                                      : "the answer is not HTTP";

    tell(a, err, why);
}

static void http_answered(void *context, const struct otl_http_result *result)
{
    struct otl_asker *a = context;
    struct otl_answer answer = {.err = OTEL_OK, .why = "", .body = result->body};
    char text[64];

    if (result->outcome != OTL_HTTP_ANSWERED) {
        tell_failure(a, result->outcome, result->err);
    } else if (result->status != 200 || result->truncated) {
        snprintf(text, sizeof(text), "the server answers %u", result->status);
        tell(a, OTEL_ERR_REFUSED, text);
    } else {
        a->options.answered(a->options.arg, &answer);
    }
}

static void grpc_answered(void *context, const struct otl_grpc_result *result)
{
    struct otl_asker *a = context;
    struct otl_answer answer = {.err = OTEL_OK, .why = "", .body = result->body};
    char text[64];

    if (result->outcome != OTL_HTTP_ANSWERED) {
        tell_failure(a, result->outcome, result->err);
    } else if (result->grpc_status != 0) {
        snprintf(text, sizeof(text), "the server answers gRPC status %u", result->grpc_status);
        tell(a, OTEL_ERR_REFUSED, text);
    } else if (result->encoding != NULL) {
        tell(a, OTEL_ERR_CORRUPT, "the answer is compressed in a way that nobody asked for");
    } else {
        a->options.answered(a->options.arg, &answer);
    }
}

/* --- askers --- */

static enum otel_err open_http(struct otl_asker *a)
{
    const struct otl_asker_options *o = &a->options;
    struct otl_http_options http = {.base = o->base,
                                    .clock = otl_clock_real(),
                                    .url = &o->target->url,
                                    .tls = o->target->tls,
                                    .header_lines = otl_view_str(
                                        o->target->post ? "Content-Type: application/json\r\n"
                                                        : "Accept: application/json\r\n"),
                                    .max_response = ANSWER_MAX,
                                    .threads = o->threads,
                                    .get = !o->target->post};

    return otl_http_new(&http, &a->http);
}

static enum otel_err open_grpc(struct otl_asker *a)
{
    const struct otl_asker_options *o = &a->options;
    struct otl_grpc_options grpc = {
        .base = o->base,
        .clock = otl_clock_real(),
        .url = &o->target->url,
        .tls = o->target->tls,
        .method = "/jaeger.api_v2.SamplingManager/GetSamplingStrategy",
        .header_lines = otl_view_str("User-Agent: otel-c-jaeger-remote-sampler\r\n"),
        .max_response = ANSWER_MAX,
        .threads = o->threads};

    return otl_grpc_new(&grpc, &a->grpc);
}

enum otel_err otl_asker_new(const struct otl_asker_options *options, struct otl_asker **ret)
{
    struct otl_asker *a = otl_mem_zalloc(sizeof(*a));
    enum otel_err err;

    if (a == NULL)
        return OTEL_ERR_MEMORY;
    a->options = *options;
    err = options->target->grpc ? open_grpc(a) : open_http(a);
    if (err != OTEL_OK) {
        otl_mem_free(a);
        return err;
    }
    *ret = a;
    return OTEL_OK;
}

void otl_asker_free(struct otl_asker *a)
{
    if (a == NULL)
        return;
    otl_http_free(a->http);
    otl_grpc_free(a->grpc);
    otl_mem_free(a);
}

void otl_asker_abandon(struct otl_asker *a)
{
    if (a == NULL)
        return;
    otl_http_abandon(a->http);
    otl_grpc_abandon(a->grpc);
    otl_mem_free(a);
}

enum otel_err otl_asker_ask(struct otl_asker *a, struct otl_view body, uint64_t timeout_ns)
{
    const struct otl_buf *message = &a->options.target->message;
    uint64_t deadline_ns = otl_clock_mono(otl_clock_real()) + timeout_ns;
    struct otl_http_request get = {
        .body = body, .deadline_ns = deadline_ns, .done = http_answered, .context = a};
    struct otl_grpc_request call = {.message = otl_view(message->data, message->len),
                                    .deadline_ns = deadline_ns,
                                    .done = grpc_answered,
                                    .context = a};

    return a->grpc != NULL ? otl_grpc_call(a->grpc, &call) : otl_http_post(a->http, &get);
}
