/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/extensions/auth.h"

#include <string.h>

#include "collector-mock/pipeline/registry.h"
#include "sdk/base/file.h"
#include "sdk/base/mem.h"

/* basicauth and bearertokenauth, the side of the client: they hold nothing, exporters ask them. */

enum { SECRET_MAX = 16 * 1024 };

static const struct otl_schema client_keys[] = {
    {.key = "username", .type = OTL_SCHEMA_STRING},
    {.key = "username_file", .type = OTL_SCHEMA_STRING},
    {.key = "password", .type = OTL_SCHEMA_STRING},
    {.key = "password_file", .type = OTL_SCHEMA_STRING},
    OTL_SCHEMA_END};
static const struct otl_schema basic_keys[] = {
    {.key = "htpasswd", .type = OTL_SCHEMA_ANY, .nullable = true},
    {.key = "client_auth", .type = OTL_SCHEMA_MAP, .child = client_keys, .nullable = true},
    OTL_SCHEMA_END};
static const struct otl_schema basic_row[] = {{.type = OTL_SCHEMA_MAP, .child = basic_keys},
                                              OTL_SCHEMA_END};
static const struct otl_schema bearer_keys[] = {
    {.key = "header", .type = OTL_SCHEMA_STRING, .min = 1},
    {.key = "scheme", .type = OTL_SCHEMA_STRING},
    {.key = "token", .type = OTL_SCHEMA_STRING},
    {.key = "tokens", .type = OTL_SCHEMA_ANY, .nullable = true},
    {.key = "filename", .type = OTL_SCHEMA_STRING},
    OTL_SCHEMA_END};
static const struct otl_schema bearer_row[] = {{.type = OTL_SCHEMA_MAP, .child = bearer_keys},
                                               OTL_SCHEMA_END};

/* ---- the header ---- */

static enum otel_err append_base64(struct otl_buf *out, const char *data, size_t len)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    enum otel_err err = OTEL_OK;

    for (size_t i = 0; i < len && err == OTEL_OK; i += 3) {
        uint32_t word = (uint32_t)(uint8_t)data[i] << 16;
        char four[4];
        if (i + 1 < len)
            word |= (uint32_t)(uint8_t)data[i + 1] << 8;
        if (i + 2 < len)
            word |= (uint8_t)data[i + 2];
        for (unsigned k = 0; k < 4; k++)
            four[k] = digits[word >> (18 - 6 * k) & 63];
        if (i + 1 >= len)
            four[2] = '=';
        if (i + 2 >= len)
            four[3] = '=';
        err = otl_buf_append(out, four, 4);
    }
    return err;
}

/* map[key], or what the file map[file_key] holds, without the end of its line. */
static enum otel_err append_secret(const json_t *map, const char *key, const char *file_key,
                                   struct otl_buf *out, struct otl_detail *reterr)
{
    const char *path = otl_tree_text(map, file_key, "");
    size_t before = out->len;
    enum otel_err err;

    if (path[0] == '\0')
        return otl_buf_append_str(out, otl_tree_text(map, key, ""));
    err = otl_file_read(path, out, reterr);
    while (err == OTEL_OK && out->len > before &&
           (out->data[out->len - 1] == '\n' || out->data[out->len - 1] == '\r'))
        out->len--;
    return err;
}

static enum otel_err basic_header(const json_t *config, struct otl_buf *lines,
                                  struct otl_detail *reterr)
{
    const json_t *client = json_object_get(config, "client_auth");
    enum otel_err err;
    struct otl_buf pair;

    otl_buf_init(&pair, SECRET_MAX);
    err = append_secret(client, "username", "username_file", &pair, reterr);
    if (err == OTEL_OK)
        err = otl_buf_append_byte(&pair, ':');
    if (err == OTEL_OK)
        err = append_secret(client, "password", "password_file", &pair, reterr);
    if (err == OTEL_OK)
        err = otl_buf_append_str(lines, "Authorization: Basic ");
    if (err == OTEL_OK)
        err = append_base64(lines, pair.data, pair.len);
    if (err == OTEL_OK)
        err = otl_buf_append_str(lines, "\r\n");
    if (pair.len > 0)
        memset(pair.data, 0, pair.len);
    otl_buf_fini(&pair);
    return err;
}

static bool is_plain(struct otl_view text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.data[i] < ' ' || text.data[i] == 0x7f)
            return false;
    return true;
}

static enum otel_err bearer_header(const json_t *config, struct otl_buf *lines,
                                   struct otl_detail *reterr)
{
    const char *header = otl_tree_text(config, "header", "Authorization");
    const char *scheme = otl_tree_text(config, "scheme", "Bearer");
    struct otl_buf line;
    enum otel_err err;

    otl_buf_init(&line, SECRET_MAX);
    err = otl_buf_printf(&line, "%s: %s%s", header, scheme, scheme[0] ? " " : "");
    if (err == OTEL_OK)
        err = append_secret(config, "token", "filename", &line, reterr);
    if (err == OTEL_OK && !is_plain(otl_view(line.data, line.len)))
        err = otl_detail_set(reterr, OTEL_ERR_SYNTAX, NULL, 0, 0,
                             "a bearer token must be one line of text");
    if (err == OTEL_OK)
        err = otl_buf_append(lines, line.data, line.len);
    if (err == OTEL_OK)
        err = otl_buf_append_str(lines, "\r\n");
    otl_buf_fini(&line);
    return err;
}

static bool is_started(const json_t *root, const char *id)
{
    const json_t *list = json_object_get(json_object_get(root, "service"), "extensions");

    for (size_t i = 0; i < json_array_size(list); i++)
        if (strcmp(json_string_value(json_array_get(list, i)), id) == 0)
            return true;
    return false;
}

static bool has_type(const char *id, const char *type)
{
    size_t len = strlen(type);

    return strncmp(id, type, len) == 0 && (id[len] == '\0' || id[len] == '/');
}

enum otel_err col_auth_header(const struct col_create *exporter, struct otl_buf *lines, bool *ret,
                              struct otl_detail *reterr)
{
    const json_t *root = otl_yaml_root(exporter->doc);
    const json_t *auth = json_object_get(exporter->config, "auth"), *config;
    const char *id = otl_tree_text(auth, "authenticator", NULL);

    *ret = auth != NULL && !json_is_null(auth);
    if (!*ret)
        return OTEL_OK;
    if (id == NULL)
        return otl_yaml_error(reterr,
                              otl_yaml_value_pos(exporter->doc, exporter->config, "auth"),
                              "exporter '%s': auth names no authenticator", exporter->id);
    config = json_object_get(json_object_get(root, "extensions"), id);
    if (!is_started(root, id))
        return otl_yaml_error(reterr, otl_yaml_value_pos(exporter->doc, auth, "authenticator"),
                              "exporter '%s': failed to resolve authenticator '%s': it is not "
                              "among the extensions of the service",
                              exporter->id, id);
    if (has_type(id, "basicauth") || has_type(id, "basic_auth"))
        return basic_header(config, lines, reterr);
    if (has_type(id, "bearertokenauth") || has_type(id, "bearer_token_auth"))
        return bearer_header(config, lines, reterr);
    return otl_yaml_error(reterr, otl_yaml_value_pos(exporter->doc, auth, "authenticator"),
                          "exporter '%s': extension '%s' is no authenticator", exporter->id, id);
}

/* ---- the components ---- */

static bool has(const json_t *map, const char *key)
{
    const json_t *value = json_object_get(map, key);

    return value != NULL && !json_is_null(value);
}

static enum otel_err refuse(const struct col_create *args, const char *key, const char *why,
                            struct otl_detail *reterr)
{
    return otl_yaml_error(reterr,
                          key != NULL ? otl_yaml_key_pos(args->doc, args->config, key) : args->pos,
                          "extension '%s': %s", args->id, why);
}

static enum otel_err make(void **ret, struct otl_detail *reterr)
{
    *ret = otl_mem_alloc(1);
    return *ret != NULL
               ? OTEL_OK
               : otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
}

/* Lenient mode makes an extension that does nothing of it. */
static enum otel_err not_yet(const struct col_create *args, const char *key,
                             struct otl_detail *reterr)
{
    struct otl_yaml_pos pos = otl_yaml_key_pos(args->doc, args->config, key);

    return otl_detail_set(reterr, OTEL_ERR_UNSUPPORTED, pos.source, pos.line, pos.column,
                          "extension '%s': '%s' is a setting of the Collector that this one does "
                          "not have yet",
                          args->id, key);
}

static enum otel_err create_basic(const struct col_create *args, void **ret,
                                  struct otl_detail *reterr)
{
    const json_t *client = json_object_get(args->config, "client_auth");
    bool named = has(client, "username") || has(client, "username_file");

    if (has(args->config, "htpasswd") && has(args->config, "client_auth"))
        return refuse(args, "htpasswd", "only one of htpasswd and client_auth may be given",
                      reterr);
    if (has(args->config, "htpasswd"))
        return not_yet(args, "htpasswd", reterr);
    if (!has(args->config, "client_auth"))
        return refuse(args, NULL, "neither htpasswd nor client_auth is given", reterr);
    if (!named)
        return refuse(args, "client_auth", "client_auth has no username", reterr);
    return make(ret, reterr);
}

static enum otel_err create_bearer(const struct col_create *args, void **ret,
                                   struct otl_detail *reterr)
{
    if (has(args->config, "tokens"))
        return not_yet(args, "tokens", reterr);
    if (!has(args->config, "token") && !has(args->config, "filename"))
        return refuse(args, NULL, "no bearer token is given", reterr);
    return make(ret, reterr);
}

#define AUTH(word, keys, function)                                                                \
    {                                                                                             \
        .name = (word), .kind = COL_EXTENSION, .schema = (keys), .create = (function),            \
        .free = otl_mem_free                                                                      \
    }

const struct col_component_type col_basicauth_extension =
    AUTH("basicauth", basic_row, create_basic);
const struct col_component_type col_basic_auth_extension =
    AUTH("basic_auth", basic_row, create_basic);
const struct col_component_type col_bearertokenauth_extension =
    AUTH("bearertokenauth", bearer_row, create_bearer);
const struct col_component_type col_bearer_token_auth_extension =
    AUTH("bearer_token_auth", bearer_row, create_bearer);
