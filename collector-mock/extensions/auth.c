/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/extensions/auth.h"

#include <string.h>

#include "collector-mock/extensions/base64.h"
#include "collector-mock/extensions/guard.h"
#include "collector-mock/extensions/htpasswd.h"
#include "collector-mock/pipeline/not_yet.h"
#include "collector-mock/pipeline/registry.h"
#include "sdk/base/file.h"
#include "sdk/base/mem.h"

/* basicauth and bearertokenauth: what an exporter says is read from the configuration; what a
 * receiver asks is a guard, made at the start. */

enum { SECRET_MAX = 16 * 1024, FILE_MAX = 1 << 20 };

static const struct otl_schema client_keys[] = {
    {.key = "username", .type = OTL_SCHEMA_STRING},
    {.key = "username_file", .type = OTL_SCHEMA_STRING},
    {.key = "password", .type = OTL_SCHEMA_STRING},
    {.key = "password_file", .type = OTL_SCHEMA_STRING},
    OTL_SCHEMA_END};
static const struct otl_schema htpasswd_keys[] = {
    {.key = "file", .type = OTL_SCHEMA_STRING},
    {.key = "inline", .type = OTL_SCHEMA_STRING},
    OTL_SCHEMA_END};
static const struct otl_schema basic_keys[] = {
    {.key = "htpasswd", .type = OTL_SCHEMA_MAP, .child = htpasswd_keys, .nullable = true},
    {.key = "client_auth", .type = OTL_SCHEMA_MAP, .child = client_keys, .nullable = true},
    OTL_SCHEMA_END};
static const struct otl_schema basic_row[] = {{.type = OTL_SCHEMA_MAP, .child = basic_keys},
                                              OTL_SCHEMA_END};
static const struct otl_schema token_item[] = {{.type = OTL_SCHEMA_STRING}};
static const struct otl_schema bearer_keys[] = {
    {.key = "header", .type = OTL_SCHEMA_STRING, .min = 1},
    {.key = "scheme", .type = OTL_SCHEMA_STRING},
    {.key = "token", .type = OTL_SCHEMA_STRING},
    {.key = "tokens", .type = OTL_SCHEMA_LIST, .child = token_item, .max = 1000,
     .nullable = true},
    {.key = "filename", .type = OTL_SCHEMA_STRING},
    OTL_SCHEMA_END};
static const struct otl_schema bearer_row[] = {{.type = OTL_SCHEMA_MAP, .child = bearer_keys},
                                               OTL_SCHEMA_END};

/* ---- the header ---- */

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
        err = col_base64_append(lines, otl_view(pair.data, pair.len));
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

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* "Bearer TOKEN" and a NUL. */
static enum otel_err append_token(const json_t *config, struct otl_view token, struct otl_buf *out,
                                  struct otl_detail *reterr)
{
    const char *scheme = otl_tree_text(config, "scheme", "Bearer");
    enum otel_err err;

    if (!is_plain(token))
        return otl_detail_set(reterr, OTEL_ERR_SYNTAX, NULL, 0, 0,
                              "a bearer token must be one line of text");
    err = otl_buf_printf(out, "%s%s", scheme, scheme[0] ? " " : "");
    if (err == OTEL_OK)
        err = otl_buf_append(out, token.data, token.len);
    return err == OTEL_OK ? otl_buf_append_byte(out, '\0') : err;
}

/* Each line of the file is one, without the space around it. */
static enum otel_err append_file_tokens(const json_t *config, const char *path,
                                        struct otl_buf *out, struct otl_detail *reterr)
{
    struct otl_buf text;
    enum otel_err err;

    otl_buf_init(&text, SECRET_MAX);
    err = otl_file_read(path, &text, reterr);
    for (size_t at = 0; err == OTEL_OK && at < text.len;) {
        const char *begin = text.data + at, *end = memchr(begin, '\n', text.len - at);
        if (end == NULL)
            end = text.data + text.len;
        at = (size_t)(end - text.data) + 1;
        while (begin < end && is_space(*begin))
            begin++;
        while (end > begin && is_space(end[-1]))
            end--;
        if (begin < end)
            err = append_token(config, otl_view(begin, (size_t)(end - begin)), out, reterr);
    }
    if (text.len > 0)
        memset(text.data, 0, text.len);
    otl_buf_fini(&text);
    return err;
}

/* What the header may be, the first one is what an exporter says. As there: a file wins over a
 * list, a list over a token. */
static enum otel_err append_tokens(const json_t *config, struct otl_buf *out,
                                   struct otl_detail *reterr)
{
    const char *path = otl_tree_text(config, "filename", "");
    const json_t *list = json_object_get(config, "tokens");
    enum otel_err err = OTEL_OK;

    if (path[0] != '\0')
        err = append_file_tokens(config, path, out, reterr);
    else if (json_array_size(list) == 0)
        err = append_token(config, otl_view_str(otl_tree_text(config, "token", "")), out, reterr);
    for (size_t i = 0; path[0] == '\0' && i < json_array_size(list) && err == OTEL_OK; i++)
        err = append_token(config, otl_view_str(json_string_value(json_array_get(list, i))), out,
                           reterr);
    if (err == OTEL_OK && out->len == 0)
        err = otl_detail_set(reterr, OTEL_ERR_SYNTAX, path, 0, 0, "there is no bearer token in it");
    return err;
}

static enum otel_err bearer_header(const json_t *config, struct otl_buf *lines,
                                   struct otl_detail *reterr)
{
    const char *header = otl_tree_text(config, "header", "Authorization");
    struct otl_buf tokens;
    enum otel_err err;

    otl_buf_init(&tokens, FILE_MAX);
    err = append_tokens(config, &tokens, reterr);
    if (err == OTEL_OK)
        err = otl_buf_printf(lines, "%s: %s\r\n", header, tokens.data);
    if (tokens.len > 0)
        memset(tokens.data, 0, tokens.len);
    otl_buf_fini(&tokens);
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

static bool is_basic(const char *id)
{
    return has_type(id, "basicauth") || has_type(id, "basic_auth");
}

static bool has(const json_t *map, const char *key)
{
    const json_t *value = json_object_get(map, key);

    return value != NULL && !json_is_null(value);
}

/* What map names in auth, among the extensions that are started. */
static enum otel_err resolve(const struct col_create *args, const char *kind, const json_t *map,
                             const char **ret_id, const json_t **ret_config,
                             struct otl_detail *reterr)
{
    const json_t *root = otl_yaml_root(args->doc), *auth = json_object_get(map, "auth");
    const char *id = otl_tree_text(auth, "authenticator", NULL);

    if (id == NULL)
        return otl_yaml_error(reterr, otl_yaml_value_pos(args->doc, map, "auth"),
                              "%s '%s': auth names no authenticator", kind, args->id);
    if (!is_started(root, id))
        return otl_yaml_error(reterr, otl_yaml_value_pos(args->doc, auth, "authenticator"),
                              "%s '%s': failed to resolve authenticator '%s': it is not "
                              "among the extensions of the service",
                              kind, args->id, id);
    if (!is_basic(id) && !has_type(id, "bearertokenauth") && !has_type(id, "bearer_token_auth"))
        return otl_yaml_error(reterr, otl_yaml_value_pos(args->doc, auth, "authenticator"),
                              "%s '%s': extension '%s' is no authenticator", kind, args->id, id);
    *ret_id = id;
    *ret_config = json_object_get(json_object_get(root, "extensions"), id);
    return OTEL_OK;
}

enum otel_err col_auth_header(const struct col_create *exporter, struct otl_buf *lines, bool *ret,
                              struct otl_detail *reterr)
{
    const json_t *auth = json_object_get(exporter->config, "auth"), *config;
    const char *id;
    enum otel_err err;

    *ret = auth != NULL && !json_is_null(auth);
    if (!*ret)
        return OTEL_OK;
    err = resolve(exporter, "exporter", exporter->config, &id, &config, reterr);
    if (err != OTEL_OK)
        return err;
    if (!is_basic(id))
        return bearer_header(config, lines, reterr);
    if (!has(config, "client_auth"))
        return otl_yaml_error(reterr, otl_yaml_value_pos(exporter->doc, auth, "authenticator"),
                              "exporter '%s': extension '%s' is not a client authenticator: it has "
                              "no client_auth",
                              exporter->id, id);
    return basic_header(config, lines, reterr);
}

enum otel_err col_auth_guard_id(const struct col_create *receiver, const json_t *protocol,
                                const char **ret, struct otl_detail *reterr)
{
    const json_t *auth = json_object_get(protocol, "auth"), *config;
    enum otel_err err;

    *ret = NULL;
    if (auth == NULL || json_is_null(auth))
        return OTEL_OK;
    if (has(auth, "request_params"))
        return col_not_yet(receiver, "receiver", auth, "request_params", reterr);
    err = resolve(receiver, "receiver", protocol, ret, &config, reterr);
    if (err == OTEL_OK && is_basic(*ret) && !has(config, "htpasswd"))
        return otl_yaml_error(reterr, otl_yaml_value_pos(receiver->doc, auth, "authenticator"),
                              "receiver '%s': extension '%s' is not a server authenticator: it has "
                              "no htpasswd",
                              receiver->id, *ret);
    return err;
}

/* ---- the components ---- */

struct auth {
    struct col_create create;
    struct col_guard *guard; /* NULL: it is for exporters, or not started */
};

static enum otel_err refuse(const struct col_create *args, const char *key, const char *why,
                            struct otl_detail *reterr)
{
    return otl_yaml_error(reterr,
                          key != NULL ? otl_yaml_key_pos(args->doc, args->config, key) : args->pos,
                          "extension '%s': %s", args->id, why);
}

static enum otel_err make(const struct col_create *args, void **ret, struct otl_detail *reterr)
{
    struct auth *auth = otl_mem_zalloc(sizeof(*auth));

    if (auth == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    auth->create = *args;
    *ret = auth;
    return OTEL_OK;
}

static void free_auth(void *self)
{
    struct auth *auth = self;

    col_guard_free(auth->guard);
    otl_mem_free(auth);
}

static enum otel_err create_basic(const struct col_create *args, void **ret,
                                  struct otl_detail *reterr)
{
    const json_t *client = json_object_get(args->config, "client_auth");
    const json_t *file = json_object_get(args->config, "htpasswd");
    bool named = has(client, "username") || has(client, "username_file");

    if (has(args->config, "htpasswd") && has(args->config, "client_auth"))
        return refuse(args, "htpasswd", "only one of htpasswd and client_auth may be given",
                      reterr);
    if (has(args->config, "htpasswd") && otl_tree_text(file, "file", "")[0] == '\0' &&
        otl_tree_text(file, "inline", "")[0] == '\0')
        return refuse(args, "htpasswd", "htpasswd names neither file nor inline", reterr);
    if (has(args->config, "htpasswd"))
        return make(args, ret, reterr);
    if (!has(args->config, "client_auth"))
        return refuse(args, NULL, "neither htpasswd nor client_auth is given", reterr);
    if (!named)
        return refuse(args, "client_auth", "client_auth has no username", reterr);
    return make(args, ret, reterr);
}

static enum otel_err create_bearer(const struct col_create *args, void **ret,
                                   struct otl_detail *reterr)
{
    bool list = json_array_size(json_object_get(args->config, "tokens")) > 0;

    if (list && has(args->config, "token"))
        return refuse(args, "tokens", "either tokens or token should be given, not both", reterr);
    if (!list && !has(args->config, "token") && !has(args->config, "filename"))
        return refuse(args, NULL, "no bearer token is given", reterr);
    if (has(args->config, "filename") && (list || has(args->config, "token")))
        otl_log_line(&args->host->log, OTL_LOG_WARN,
                     "extension '%s': a filename is given, the token beside it is ignored",
                     args->id);
    return make(args, ret, reterr);
}

static enum otel_err new_guard(struct auth *auth, struct col_htpasswd *file,
                               struct otl_buf *tokens, struct otl_detail *reterr)
{
    const struct col_guard_options options = {
        .id = auth->create.id,
        .file = file,
        .tokens = tokens,
        .header = otl_tree_text(auth->create.config, "header", "Authorization"),
        .host = auth->create.host};
    enum otel_err err = col_guard_new(&options, &auth->guard);

    if (err != OTEL_OK)
        otl_detail_set(reterr, err, NULL, 0, 0, "extension '%s': %s", auth->create.id,
                       otel_err_text(err));
    return err;
}

/* The inline text stands behind the file: its users win. */
static enum otel_err start_basic(void *self, struct otl_detail *reterr)
{
    struct auth *auth = self;
    const json_t *settings = json_object_get(auth->create.config, "htpasswd");
    const char *path = otl_tree_text(settings, "file", "");
    struct col_htpasswd *file = NULL;
    struct otl_detail why = OTL_DETAIL_NONE;
    struct otl_buf text, none;
    size_t skipped = 0;
    enum otel_err err = OTEL_OK;

    if (!has(auth->create.config, "htpasswd"))
        return OTEL_OK;
    otl_buf_init(&none, 1);
    otl_buf_init(&text, FILE_MAX);
    if (path[0] != '\0')
        err = otl_file_read(path, &text, &why);
    if (err == OTEL_OK)
        err = otl_buf_printf(&text, "\n%s", otl_tree_text(settings, "inline", ""));
    if (err == OTEL_OK)
        err = col_htpasswd_new(otl_view(text.data, text.len), &file, &skipped);
    if (text.len > 0)
        memset(text.data, 0, text.len);
    otl_buf_fini(&text);
    if (err != OTEL_OK)
        return otl_detail_set(reterr, err, path[0] != '\0' ? path : NULL, 0, 0,
                              "extension '%s': htpasswd: %s", auth->create.id,
                              why.text[0] != '\0' ? why.text : otel_err_text(err));
    if (skipped > 0)
        otl_log_line(&auth->create.host->log, OTL_LOG_WARN,
                     "extension '%s': htpasswd: %zu lines without a colon are passed over",
                     auth->create.id, skipped);
    return new_guard(auth, file, &none, reterr);
}

static enum otel_err start_bearer(void *self, struct otl_detail *reterr)
{
    struct auth *auth = self;
    struct otl_buf tokens;
    enum otel_err err;

    otl_buf_init(&tokens, FILE_MAX);
    err = append_tokens(auth->create.config, &tokens, reterr);
    if (err == OTEL_OK)
        err = new_guard(auth, NULL, &tokens, reterr);
    otl_buf_fini(&tokens);
    return err;
}

#define AUTH(word, keys, make_it, start_it)                                                       \
    {                                                                                             \
        .name = (word), .kind = COL_EXTENSION, .schema = (keys), .create = (make_it),             \
        .start = (start_it), .free = free_auth                                                    \
    }

const struct col_component_type col_basicauth_extension =
    AUTH("basicauth", basic_row, create_basic, start_basic);
const struct col_component_type col_basic_auth_extension =
    AUTH("basic_auth", basic_row, create_basic, start_basic);
const struct col_component_type col_bearertokenauth_extension =
    AUTH("bearertokenauth", bearer_row, create_bearer, start_bearer);
const struct col_component_type col_bearer_token_auth_extension =
    AUTH("bearer_token_auth", bearer_row, create_bearer, start_bearer);
