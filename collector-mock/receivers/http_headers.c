/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/receivers/http_headers.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "collector-mock/pipeline/header.h"
#include "sdk/base/mem.h"

enum { LINES_MAX = 1024, LIST_MAX = 64 };

struct col_http_headers {
    char fixed[LINES_MAX]; /* response_headers */
    const json_t *origins; /* NULL or empty: cors does nothing */
    const json_t *allowed, *exposed;
    int64_t max_age_s;
};

static const struct otl_schema word[] = {{.type = OTL_SCHEMA_STRING, .min = 1, .max = 256}};
const struct otl_schema col_cors_keys[] = {
    {.key = "allowed_origins", .type = OTL_SCHEMA_LIST, .child = word, .max = LIST_MAX},
    {.key = "allowed_headers", .type = OTL_SCHEMA_LIST, .child = word, .max = LIST_MAX},
    {.key = "exposed_headers", .type = OTL_SCHEMA_LIST, .child = word, .max = LIST_MAX},
    {.key = "max_age", .type = OTL_SCHEMA_INT, .max = INT32_MAX},
    OTL_SCHEMA_END};
const struct otl_schema col_response_headers_keys[] = {
    {.key = "*", .type = OTL_SCHEMA_STRING}, OTL_SCHEMA_END};

/* ---- lines ---- */

struct lines {
    char *out;
    size_t size, len;
};

/* A whole line, or nothing of it. */
OTEL_PRINTF(2, 3) static bool put(struct lines *lines, const char *format, ...)
{
    size_t room = lines->size - lines->len;
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(lines->out + lines->len, room, format, args);
    va_end(args);
    if (len < 0 || (size_t)len >= room) {
        lines->out[lines->len] = '\0';
        return false;
    }
    lines->len += (size_t)len;
    return true;
}

/* "a, b", each word of the list as it is written; whole or not at all. */
static void put_list(struct lines *lines, const char *name, const json_t *list)
{
    size_t start = lines->len;
    bool all = put(lines, "%s: ", name);

    for (size_t i = 0; i < json_array_size(list) && all; i++)
        all = put(lines, "%s%s", i > 0 ? ", " : "", json_string_value(json_array_get(list, i)));
    if (all && put(lines, "\r\n"))
        return;
    lines->len = start;
    lines->out[start] = '\0';
}

/* ---- who may ---- */

static bool same(struct otl_view text, const char *other, size_t len)
{
    return text.len == len && strncasecmp(text.data, other, len) == 0;
}

/* "https://a.example", "https://?.example" with a star for the question mark, or the star alone. */
static bool fits(const char *pattern, struct otl_view origin)
{
    const char *star = strchr(pattern, '*');
    size_t before = star != NULL ? (size_t)(star - pattern) : strlen(pattern), after;

    if (star == NULL)
        return same(origin, pattern, before);
    after = strlen(star + 1);
    return origin.len >= before + after &&
           same(otl_view(origin.data, before), pattern, before) &&
           same(otl_view(origin.data + origin.len - after, after), star + 1, after);
}

static bool lists(const json_t *list, const char *text)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (strcmp(json_string_value(json_array_get(list, i)), text) == 0)
            return true;
    return false;
}

static bool is_allowed(const struct col_http_headers *headers, struct otl_view origin)
{
    for (size_t i = 0; i < json_array_size(headers->origins) && origin.len > 0; i++)
        if (fits(json_string_value(json_array_get(headers->origins, i)), origin))
            return true;
    return false;
}

static bool takes_header(const struct col_http_headers *headers, struct otl_view name)
{
    static const char *const always[] = {"accept", "content-type", "x-requested-with"};
    size_t count = json_array_size(headers->allowed);

    for (size_t i = 0; i < 3 && count == 0; i++)
        if (same(name, always[i], strlen(always[i])))
            return true;
    for (size_t i = 0; i < count; i++) {
        const char *allowed = json_string_value(json_array_get(headers->allowed, i));
        if (same(name, allowed, strlen(allowed)))
            return true;
    }
    return same(name, "origin", 6);
}

/* Each name of "a, b". */
static bool takes_headers(const struct col_http_headers *headers, struct otl_view names)
{
    if (lists(headers->allowed, "*"))
        return true;
    while (names.len > 0) {
        const char *comma = memchr(names.data, ',', names.len);
        size_t len = comma != NULL ? (size_t)(comma - names.data) : names.len;
        struct otl_view name = otl_view(names.data, len);
        while (name.len > 0 && name.data[0] == ' ')
            name = otl_view(name.data + 1, name.len - 1);
        while (name.len > 0 && name.data[name.len - 1] == ' ')
            name.len--;
        if (name.len > 0 && !takes_header(headers, name))
            return false;
        len += comma != NULL;
        names = otl_view(names.data + len, names.len - len);
    }
    return true;
}

static bool takes_method(struct otl_view method)
{
    return otl_view_is(method, "GET") || otl_view_is(method, "POST") ||
           otl_view_is(method, "HEAD") || otl_view_is(method, "OPTIONS");
}

bool col_http_headers_preflight(const struct col_http_headers *headers,
                                const struct col_http_request *request)
{
    return headers != NULL && json_array_size(headers->origins) > 0 &&
           otl_view_is(request->method, "OPTIONS") &&
           col_http_header_of(request, "Access-Control-Request-Method").len > 0;
}

/* ---- what is said ---- */

static void put_origin(const struct col_http_headers *headers, struct lines *lines,
                       struct otl_view origin)
{
    if (lists(headers->origins, "*"))
        put(lines, "Access-Control-Allow-Origin: *\r\n");
    else
        put(lines, "Access-Control-Allow-Origin: %.*s\r\n", (int)origin.len, origin.data);
}

static void put_preflight(const struct col_http_headers *headers,
                          const struct col_http_request *request, struct lines *lines)
{
    struct otl_view origin = col_http_header_of(request, "Origin");
    struct otl_view method = col_http_header_of(request, "Access-Control-Request-Method");
    struct otl_view names = col_http_header_of(request, "Access-Control-Request-Headers");

    put(lines, "Vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers\r\n");
    if (!is_allowed(headers, origin) || !takes_method(method) || !takes_headers(headers, names))
        return;
    put_origin(headers, lines, origin);
    put(lines, "Access-Control-Allow-Methods: %.*s\r\n", (int)method.len, method.data);
    if (names.len > 0)
        put(lines, "Access-Control-Allow-Headers: %.*s\r\n", (int)names.len, names.data);
    put(lines, "Access-Control-Allow-Credentials: true\r\n");
    if (headers->max_age_s > 0)
        put(lines, "Access-Control-Max-Age: %lld\r\n", (long long)headers->max_age_s);
}

static void put_shared(const struct col_http_headers *headers,
                       const struct col_http_request *request, struct lines *lines)
{
    struct otl_view origin = col_http_header_of(request, "Origin");

    put(lines, "Vary: Origin\r\n");
    if (!is_allowed(headers, origin) || !takes_method(request->method))
        return;
    put_origin(headers, lines, origin);
    if (json_array_size(headers->exposed) > 0)
        put_list(lines, "Access-Control-Expose-Headers", headers->exposed);
    put(lines, "Access-Control-Allow-Credentials: true\r\n");
}

void col_http_headers_write(const struct col_http_headers *headers,
                            const struct col_http_request *request, char *out, size_t size)
{
    struct lines lines = {out, size, 0};

    out[0] = '\0';
    put(&lines, "%s", headers->fixed);
    if (json_array_size(headers->origins) == 0)
        return;
    if (col_http_headers_preflight(headers, request))
        put_preflight(headers, request, &lines);
    else
        put_shared(headers, request, &lines);
}

/* ---- settings ---- */

static const char *const own_lines[] = {"content-type", "content-length", "connection",
                                        "transfer-encoding", NULL};

static enum otel_err read_fixed(const struct col_create *args, json_t *map,
                                struct col_http_headers *headers, struct otl_detail *reterr)
{
    struct lines lines = {headers->fixed, sizeof(headers->fixed), 0};
    const char *name;
    json_t *value;

    json_object_foreach(map, name, value)
    {
        struct otl_yaml_pos pos = otl_yaml_value_pos(args->doc, map, name);
        if (!col_header_may_be_set(name, json_string_value(value), own_lines))
            return otl_yaml_error(reterr, pos,
                                  "receiver '%s': this is no header that one may set", args->id);
        if (!put(&lines, "%s: %s\r\n", name, json_string_value(value)))
            return otl_yaml_error(reterr, pos, "receiver '%s': more than %d bytes of headers",
                                  args->id, LINES_MAX);
    }
    return OTEL_OK;
}

enum otel_err col_http_headers_new(const struct col_create *args, const json_t *map,
                                   struct col_http_headers **ret, struct otl_detail *reterr)
{
    json_t *fixed = json_object_get(map, "response_headers");
    const json_t *cors = json_object_get(map, "cors");
    struct col_http_headers *headers;
    enum otel_err err;

    *ret = NULL;
    if (json_object_size(fixed) == 0 && json_object_size(cors) == 0)
        return OTEL_OK;
    headers = otl_mem_zalloc(sizeof(*headers));
    if (headers == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    headers->origins = json_object_get(cors, "allowed_origins");
    headers->allowed = json_object_get(cors, "allowed_headers");
    headers->exposed = json_object_get(cors, "exposed_headers");
    headers->max_age_s = otl_tree_int(cors, "max_age", 0);
    err = read_fixed(args, fixed, headers, reterr);
    if (err == OTEL_OK)
        *ret = headers;
    else
        col_http_headers_free(headers);
    return err;
}

void col_http_headers_free(struct col_http_headers *headers)
{
    otl_mem_free(headers);
}
