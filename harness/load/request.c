/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/load/request.h"

#include <string.h>
#include <strings.h>

#include "sdk/base/mem.h"
#include "sdk/base/text.h"

enum { HEADERS_MAX = 64, REQUEST_DIGITS = 16 };

/* A header whose value is drawn: the lines "name: value\r\n" are prebuilt. */
struct drawn_header {
    struct otl_view *lines;
    size_t count;
};

struct hx_request_template {
    struct otl_buf prefix; /* up to the drawn headers; fixed ones are in it */
    size_t number_at;      /* where the request's number goes */
    struct otl_buf lines;  /* memory behind all drawn lines */
    struct drawn_header drawn[HEADERS_MAX];
    size_t drawn_count;
    size_t head_max;
    char *body;
    size_t body_len;
    struct hx_incoming_shares incoming;
    bool head_only;
};

static bool is_token(const char *text)
{
    static const char others[] = "!#$%&'*+-.^_`|~";

    if (*text == '\0')
        return false;
    for (; *text != '\0'; text++) {
        bool letter = (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z');

        if (!letter && !(*text >= '0' && *text <= '9') && strchr(others, *text) == NULL)
            return false;
    }
    return true;
}

static bool is_value(const char *text)
{
    for (; *text != '\0'; text++)
        if (((unsigned char)*text < ' ' && *text != '\t') || *text == 0x7f)
            return false;
    return true;
}

static bool is_path(const char *path)
{
    if (*path != '/')
        return false;
    for (; *path != '\0'; path++)
        if ((unsigned char)*path <= ' ' || *path == 0x7f || *path == '#')
            return false;
    return true;
}

static bool is_own(const char *name, bool parents)
{
    static const char *const own[] = {"content-length", "transfer-encoding", "connection",
                                      "tracerig-request"};

    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        if (strcasecmp(name, own[i]) == 0)
            return true;
    return parents && strcasecmp(name, "traceparent") == 0;
}

static enum otel_err wrong(struct otl_detail *reterr, const char *what, const char *text)
{
    return otl_detail_set(reterr, OTEL_ERR_ARGUMENT, NULL, 0, 0, "%s: '%s'", what, text);
}

static enum otel_err check(const struct hx_request_options *options, struct otl_detail *reterr)
{
    bool any = hx_incoming_any(&options->incoming);

    if (!is_token(options->method))
        return wrong(reterr, "not an HTTP method", options->method);
    if (!is_path(options->path))
        return wrong(reterr, "not a path of an HTTP request", options->path);
    if (!hx_incoming_shares_valid(&options->incoming))
        return otl_detail_set(reterr, OTEL_ERR_ARGUMENT, NULL, 0, 0,
                              "shares of remote parents must be within 0 and 1 together");
    if (options->header_count > HEADERS_MAX)
        return otl_detail_set(reterr, OTEL_ERR_LIMIT, NULL, 0, 0, "more than %d headers",
                              HEADERS_MAX);
    if (options->body.len > HX_REQUEST_BODY_MAX)
        return otl_detail_set(reterr, OTEL_ERR_LIMIT, NULL, 0, 0, "a body of more than %d bytes",
                              HX_REQUEST_BODY_MAX);
    for (size_t i = 0; i < options->header_count; i++) {
        const struct hx_load_header *header = &options->headers[i];

        if (!is_token(header->name))
            return wrong(reterr, "not a header name", header->name);
        if (is_own(header->name, any))
            return wrong(reterr, "a header that the load generator writes itself", header->name);
        for (size_t k = 0; k < header->value_count; k++)
            if (!is_value(header->values[k]))
                return wrong(reterr, "a header value with control characters", header->name);
    }
    return OTEL_OK;
}

static bool has_header(const struct hx_request_options *options, const char *name)
{
    for (size_t i = 0; i < options->header_count; i++)
        if (strcasecmp(options->headers[i].name, name) == 0)
            return true;
    return false;
}

static enum otel_err build_prefix(struct hx_request_template *request,
                                  const struct hx_request_options *options)
{
    struct otl_buf *out = &request->prefix;
    bool sends_body = options->body.len != 0 || strcmp(options->method, "POST") == 0 ||
                      strcmp(options->method, "PUT") == 0;
    enum otel_err err = otl_buf_printf(out, "%s %s HTTP/1.1\r\ntracerig-request: ",
                                       options->method, options->path);

    request->number_at = out->len;
    if (err == OTEL_OK)
        err = otl_buf_append_str(out, "0000000000000000-0000000000000000\r\n");
    if (err == OTEL_OK && !has_header(options, "host"))
        err = otl_buf_printf(out, "host: %s\r\n", options->authority);
    if (err == OTEL_OK && !has_header(options, "user-agent"))
        err = otl_buf_append_str(out, "user-agent: tracerig\r\n");
    if (err == OTEL_OK && sends_body)
        err = otl_buf_printf(out, "content-length: %zu\r\n", options->body.len);
    for (size_t i = 0; i < options->header_count && err == OTEL_OK; i++)
        if (options->headers[i].value_count == 1)
            err = otl_buf_printf(out, "%s: %s\r\n", options->headers[i].name,
                                 options->headers[i].values[0]);
    return err;
}

/* Append the lines of one header; until the end their views hold offsets, as lines may move. */
static enum otel_err build_lines(struct hx_request_template *request,
                                 const struct hx_load_header *header, size_t *longest)
{
    struct drawn_header *drawn = &request->drawn[request->drawn_count];

    drawn->lines = otl_mem_zalloc(header->value_count * sizeof(*drawn->lines));
    if (drawn->lines == NULL)
        return OTEL_ERR_MEMORY;
    request->drawn_count++;
    for (size_t i = 0; i < header->value_count; i++) {
        size_t start = request->lines.len;
        enum otel_err err =
            otl_buf_printf(&request->lines, "%s: %s\r\n", header->name, header->values[i]);

        if (err != OTEL_OK)
            return err;
        drawn->lines[i] = otl_view(NULL, request->lines.len - start);
        if (drawn->lines[i].len > *longest)
            *longest = drawn->lines[i].len;
    }
    drawn->count = header->value_count;
    return OTEL_OK;
}

static void fix_lines(struct hx_request_template *request)
{
    const char *at = request->lines.data;

    for (size_t i = 0; i < request->drawn_count; i++)
        for (size_t k = 0; k < request->drawn[i].count; k++) {
            request->drawn[i].lines[k].data = at;
            at += request->drawn[i].lines[k].len;
        }
}

static enum otel_err build(struct hx_request_template *request,
                           const struct hx_request_options *options)
{
    enum otel_err err = build_prefix(request, options);
    size_t drawn_len = 0;

    for (size_t i = 0; i < options->header_count && err == OTEL_OK; i++) {
        size_t longest = 0;

        if (options->headers[i].value_count > 1)
            err = build_lines(request, &options->headers[i], &longest);
        drawn_len += longest;
    }
    if (err != OTEL_OK)
        return err;
    fix_lines(request);
    request->head_max = request->prefix.len + drawn_len + hx_incoming_max(&options->incoming) + 2;
    if (request->head_max > HX_REQUEST_HEAD_MAX)
        return OTEL_ERR_LIMIT;
    request->body_len = options->body.len;
    request->body = otl_mem_strndup(options->body.data, options->body.len);
    return request->body == NULL ? OTEL_ERR_MEMORY : OTEL_OK;
}

enum otel_err hx_request_template_new(const struct hx_request_options *options,
                                      struct hx_request_template **ret, struct otl_detail *reterr)
{
    struct hx_request_template *request;
    enum otel_err err = check(options, reterr);

    if (err != OTEL_OK)
        return err;
    request = otl_mem_zalloc(sizeof(*request));
    if (request == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "no memory for the request");
    otl_buf_init(&request->prefix, HX_REQUEST_HEAD_MAX);
    otl_buf_init(&request->lines, (size_t)16 * HX_REQUEST_HEAD_MAX);
    request->incoming = options->incoming;
    request->head_only = strcmp(options->method, "HEAD") == 0;
    err = build(request, options);
    if (err != OTEL_OK) {
        hx_request_template_free(request);
        return otl_detail_set(reterr, err, NULL, 0, 0, "the request's head: %s",
                              otel_err_text(err));
    }
    *ret = request;
    return OTEL_OK;
}

void hx_request_template_free(struct hx_request_template *request)
{
    if (request == NULL)
        return;
    for (size_t i = 0; i < request->drawn_count; i++)
        otl_mem_free(request->drawn[i].lines);
    otl_buf_fini(&request->prefix);
    otl_buf_fini(&request->lines);
    otl_mem_free(request->body);
    otl_mem_free(request);
}

size_t hx_request_head_max(const struct hx_request_template *request)
{
    return request->head_max;
}

struct otl_view hx_request_body(const struct hx_request_template *request)
{
    return otl_view(request->body, request->body_len);
}

static void write_number(char *out, uint64_t number)
{
    static const char digits[] = "0123456789abcdef";

    for (int i = REQUEST_DIGITS - 1; i >= 0; i--) {
        out[i] = digits[number & 15];
        number >>= 4;
    }
}

void hx_request_render(const struct hx_request_template *request, const struct hx_planned *planned,
                       char *out, struct hx_rendered *ret)
{
    struct otl_random random;
    char *at = out + request->prefix.len;

    memcpy(out, request->prefix.data, request->prefix.len);
    write_number(out + request->number_at, planned->request);
    ret->incoming = (struct hx_incoming){otl_view(NULL, 0), false, false};
    ret->head_only = request->head_only;
    if (request->drawn_count != 0 || hx_incoming_any(&request->incoming))
        otl_random_seed(&random, planned->draw);
    for (size_t i = 0; i < request->drawn_count; i++) {
        const struct drawn_header *drawn = &request->drawn[i];
        struct otl_view line = drawn->lines[otl_random_below(&random, drawn->count)];

        memcpy(at, line.data, line.len);
        at += line.len;
    }
    if (hx_incoming_any(&request->incoming))
        at = hx_incoming_write(&request->incoming, &random, at, &ret->incoming);
    memcpy(at, "\r\n", 2);
    ret->len = (size_t)(at + 2 - out);
}
