/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/processors/action.h"

#include <ctype.h>
#include <float.h>
#include <string.h>

#include <openssl/evp.h>

#include "collector-mock/extensions/base64.h"
#include "collector-mock/pipeline/metadata.h"
#include "collector-mock/processors/regex.h"
#include "sdk/base/mem.h"
#include "sdk/base/text.h"

enum verb { INSERT, UPDATE, UPSERT, DELETE, HASH, EXTRACT, CONVERT };

static const char *const verbs[] = {"insert", "update",  "upsert",  "delete",
                                    "hash",   "extract", "convert", NULL};
static const char *const types[] = {"int", "double", "string", NULL};

/* What of the client. */
enum source { FROM_NOTHING, FROM_HEADER, FROM_ADDRESS, FROM_USER, FROM_CREDENTIALS };

enum { ADDRESS_SIZE = 64, USER_MAX = 8192 };

struct action {
    enum verb verb;
    struct otl_view key;  /* empty: the pattern alone */
    struct otl_view value;
    bool has_value;
    struct otl_view from; /* empty: none */
    enum source source;   /* of from_context */
    const char *header;   /* FROM_HEADER: its name, in lower case */
    struct otl_view otherwise; /* default_value */
    bool has_otherwise;
    const struct col_host *host;
    struct col_regex *regex;
    enum col_value_kind to;
};

struct col_actions {
    struct otl_arena arena; /* what the actions themselves hold */
    struct action *list;
    size_t count;
};

static const struct otl_schema keys[] = {
    {.key = "key", .type = OTL_SCHEMA_STRING},
    {.key = "action", .type = OTL_SCHEMA_STRING, .required = true},
    {.key = "value", .type = OTL_SCHEMA_ANY, .nullable = true},
    {.key = "pattern", .type = OTL_SCHEMA_STRING},
    {.key = "from_attribute", .type = OTL_SCHEMA_STRING},
    {.key = "from_context", .type = OTL_SCHEMA_STRING},
    {.key = "default_value", .type = OTL_SCHEMA_ANY, .nullable = true},
    {.key = "converted_type", .type = OTL_SCHEMA_STRING},
    OTL_SCHEMA_END};
const struct otl_schema col_action_schema[] = {{.type = OTL_SCHEMA_MAP, .child = keys},
                                               OTL_SCHEMA_END};

/* ---- reading ---- */

struct reading {
    const struct col_create *args;
    const json_t *map;
    size_t index;
    struct otl_detail *reterr;
};

static enum otel_err wrong(const struct reading *r, const char *key, const char *what)
{
    return otl_yaml_error(r->reterr, otl_yaml_value_pos(r->args->doc, r->map, key),
                          "processor '%s': action %zu: %s", r->args->id, r->index, what);
}

static const char *text_of(const struct reading *r, const char *key)
{
    return otl_tree_text(r->map, key, "");
}

static bool has(const struct reading *r, const char *key)
{
    const json_t *value = json_object_get(r->map, key);

    return value != NULL && !json_is_null(value) &&
           !(json_is_string(value) && strcmp(key, "value") != 0 &&
             strcmp(key, "default_value") != 0 && json_string_length(value) == 0);
}

static enum otel_err read_verb(const struct reading *r, enum verb *ret)
{
    const char *text = text_of(r, "action");
    char lower[32], suggestion[64];
    size_t len = strlen(text);

    for (size_t i = 0; i < len && i < sizeof(lower) - 1; i++)
        lower[i] = (char)tolower((unsigned char)text[i]);
    lower[len < sizeof(lower) ? len : sizeof(lower) - 1] = '\0';
    for (size_t i = 0; verbs[i] != NULL; i++)
        if (strcmp(verbs[i], lower) == 0) {
            *ret = (enum verb)i;
            return OTEL_OK;
        }
    return otl_yaml_error(r->reterr, otl_yaml_value_pos(r->args->doc, r->map, "action"),
                          "processor '%s': action %zu: unsupported action '%.100s'%s", r->args->id,
                          r->index, text,
                          otl_words_suggest(verbs, lower, suggestion, sizeof(suggestion)));
}

/* Which settings an action may have: what is there and has no place here is an error. */
static enum otel_err check_settings(const struct reading *r, enum verb verb)
{
    int sources = has(r, "value") + has(r, "from_attribute") + has(r, "from_context");
    bool writes = verb <= UPSERT, by_pattern = verb == DELETE || verb == HASH;

    if (!has(r, "key") && !(by_pattern && has(r, "pattern")))
        return wrong(r, "action", by_pattern ? "at least one of 'key' and 'pattern' is needed"
                                             : "the field 'key' is missing");
    if (writes && sources == 0 && !has(r, "default_value"))
        return wrong(r, "action", "either 'value', 'from_attribute', 'from_context' or "
                                  "'default_value' is needed");
    if (writes && sources > 1)
        return wrong(r, "action", "several sources of a value are set");
    if (!writes && sources > 0)
        return wrong(r, "action", "this action does not use 'value', 'from_attribute' or "
                                  "'from_context'");
    if ((writes || verb == CONVERT) && has(r, "pattern"))
        return wrong(r, "pattern", "this action does not use 'pattern'");
    if (verb == EXTRACT && !has(r, "pattern"))
        return wrong(r, "action", "extract needs a 'pattern'");
    if (verb != CONVERT && has(r, "converted_type"))
        return wrong(r, "converted_type", "this action does not use 'converted_type'");
    if (verb == CONVERT && !has(r, "converted_type"))
        return wrong(r, "action", "convert needs a 'converted_type'");
    return OTEL_OK;
}

static enum otel_err read_type(const struct reading *r, enum col_value_kind *ret)
{
    static const enum col_value_kind kinds[] = {COL_VALUE_INT, COL_VALUE_DOUBLE, COL_VALUE_STRING};
    const char *text = text_of(r, "converted_type");
    char suggestion[64];

    for (size_t i = 0; types[i] != NULL; i++)
        if (strcmp(types[i], text) == 0) {
            *ret = kinds[i];
            return OTEL_OK;
        }
    return otl_yaml_error(r->reterr, otl_yaml_value_pos(r->args->doc, r->map, "converted_type"),
                          "processor '%s': action %zu: invalid 'converted_type' '%.100s'%s",
                          r->args->id, r->index, text,
                          otl_words_suggest(types, text, suggestion, sizeof(suggestion)));
}

static enum otel_err read_pattern(const struct reading *r, struct action *action)
{
    struct otl_detail why = OTL_DETAIL_NONE;

    if (col_regex_new(text_of(r, "pattern"), &action->regex, &why) != OTEL_OK)
        return wrong(r, "pattern", why.text);
    if (action->verb != EXTRACT)
        return OTEL_OK;
    if (col_regex_groups(action->regex) == 0)
        return wrong(r, "pattern", "'pattern' contains no named matcher groups");
    for (unsigned i = 1; i <= col_regex_groups(action->regex); i++)
        if (col_regex_name(action->regex, i) == NULL)
            return wrong(r, "pattern", "'pattern' contains an unnamed matcher group");
    return OTEL_OK;
}

/* client.address; auth.username and auth.raw, which basicauth knows, and nobody here knows another
 * one; metadata.NAME or NAME: a header, where the receiver keeps them. */
static enum otel_err read_context(struct col_actions *actions, const struct reading *r,
                                  struct action *action)
{
    const char *name = text_of(r, "from_context");
    char *lower;

    if (strcmp(name, "client.address") == 0)
        action->source = FROM_ADDRESS;
    else if (strcmp(name, "auth.username") == 0)
        action->source = FROM_USER;
    else if (strcmp(name, "auth.raw") == 0)
        action->source = FROM_CREDENTIALS;
    else if (strncmp(name, "auth.", 5) != 0)
        action->source = FROM_HEADER;
    if (action->source != FROM_HEADER)
        return OTEL_OK;
    lower = otl_arena_strdup(&actions->arena,
                             strncmp(name, "metadata.", 9) == 0 ? name + 9 : name);
    if (lower == NULL)
        return otl_detail_set(r->reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    for (char *at = lower; *at != '\0'; at++)
        *at = (char)tolower((unsigned char)*at);
    action->header = lower;
    return OTEL_OK;
}

static enum otel_err read_action(struct col_actions *actions, const struct reading *r,
                                 struct action *action)
{
    enum otel_err err = read_verb(r, &action->verb);

    if (err == OTEL_OK)
        err = check_settings(r, action->verb);
    if (err != OTEL_OK)
        return err;
    action->key = otl_view_str(text_of(r, "key"));
    action->from = otl_view_str(text_of(r, "from_attribute"));
    action->has_value = has(r, "value");
    action->host = r->args->host;
    if (has(r, "from_context"))
        err = read_context(actions, r, action);
    if (err != OTEL_OK)
        return err;
    if (action->has_value)
        err = col_edit_value_of_tree(&actions->arena, json_object_get(r->map, "value"),
                                     &action->value);
    action->has_otherwise = has(r, "default_value");
    if (err == OTEL_OK && action->has_otherwise)
        err = col_edit_value_of_tree(&actions->arena, json_object_get(r->map, "default_value"),
                                     &action->otherwise);
    if (err == OTEL_OK && has(r, "pattern"))
        err = read_pattern(r, action);
    if (err == OTEL_OK && action->verb == CONVERT)
        err = read_type(r, &action->to);
    return err;
}

enum otel_err col_actions_new(const struct col_create *args, const char *key,
                              struct col_actions **ret, struct otl_detail *reterr)
{
    const json_t *list = json_object_get(args->config, key);
    struct col_actions *actions;
    enum otel_err err = OTEL_OK;

    if (json_array_size(list) == 0)
        return otl_yaml_error(reterr, args->pos, "processor '%s': the field '%s' is missing",
                              args->id, key);
    actions = otl_mem_zalloc(sizeof(*actions));
    if (actions != NULL) {
        otl_arena_init(&actions->arena, 64u << 20);
        actions->list = otl_mem_zalloc(json_array_size(list) * sizeof(*actions->list));
    }
    if (actions == NULL || actions->list == NULL) {
        col_actions_free(actions);
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    }
    for (size_t i = 0; i < json_array_size(list) && err == OTEL_OK; i++) {
        const struct reading r = {args, json_array_get(list, i), i, reterr};
        err = read_action(actions, &r, &actions->list[actions->count++]);
    }
    if (err == OTEL_OK)
        *ret = actions;
    else
        col_actions_free(actions);
    return err;
}

void col_actions_free(struct col_actions *actions)
{
    if (actions == NULL)
        return;
    for (size_t i = 0; i < actions->count; i++)
        col_regex_free(actions->list[i].regex);
    otl_arena_fini(&actions->arena);
    otl_mem_free(actions->list);
    otl_mem_free(actions);
}

/* ---- running ---- */

static struct col_value text_value(struct otl_view text)
{
    struct col_value value;

    memset(&value, 0, sizeof(value));
    value.kind = COL_VALUE_STRING;
    value.text = text;
    return value;
}

static enum otel_err set(struct col_attributes *attributes, struct otl_view key,
                         const struct col_value *value)
{
    struct otl_view bytes;
    enum otel_err err = col_edit_value(attributes->arena, value, &bytes);

    return err == OTEL_OK ? col_attributes_set(attributes, key, bytes) : err;
}

/* All values of the header, with ; between them; data is NULL: there is none. */
static enum otel_err join_header(const struct action *action, struct otl_arena *arena,
                                 struct otl_view *ret)
{
    struct otl_view value = col_metadata_get(action->host, action->header, 0);
    size_t len = 0, at = 0;
    char *text;

    *ret = value;
    if (col_metadata_get(action->host, action->header, 1).data == NULL)
        return OTEL_OK;
    for (size_t i = 0; value.data != NULL; i++) {
        len += value.len + 1;
        value = col_metadata_get(action->host, action->header, i + 1);
    }
    text = otl_arena_alloc(arena, len);
    if (text == NULL)
        return OTEL_ERR_MEMORY;
    for (size_t i = 0; at < len; i++) {
        value = col_metadata_get(action->host, action->header, i);
        if (value.len > 0)
            memcpy(text + at, value.data, value.len);
        at += value.len;
        text[at++] = ';';
    }
    *ret = otl_view(text, len - 1);
    return OTEL_OK;
}

/* What stands before the colon of USER:PASSWORD. */
static enum otel_err user_of(struct otl_view credentials, struct otl_arena *arena,
                             struct otl_view *ret)
{
    uint8_t *words = otl_arena_alloc(arena, USER_MAX);
    const uint8_t *colon;
    size_t len;

    if (words == NULL)
        return OTEL_ERR_MEMORY;
    len = col_base64_decode(credentials, words, USER_MAX);
    colon = len != SIZE_MAX ? memchr(words, ':', len) : NULL;
    if (colon != NULL)
        *ret = otl_view((const char *)words, (size_t)(colon - words));
    return OTEL_OK;
}

/* data is NULL: nothing is known of it. */
static enum otel_err ask_client(const struct action *action, struct otl_arena *arena,
                                struct otl_view *ret)
{
    const struct col_metadata *client = action->host->metadata;
    char *address;

    *ret = otl_view(NULL, 0);
    if (action->source == FROM_HEADER)
        return join_header(action, arena, ret);
    if (action->source == FROM_ADDRESS) {
        address = otl_arena_alloc(arena, ADDRESS_SIZE);
        if (address == NULL)
            return OTEL_ERR_MEMORY;
        if (client == NULL || client->address == NULL ||
            !client->address(client->from, address, ADDRESS_SIZE))
            address[0] = '\0'; /* which the Collector writes, too */
        *ret = otl_view_str(address);
        return OTEL_OK;
    }
    if (client == NULL || client->credentials.len == 0)
        return OTEL_OK;
    if (action->source == FROM_USER)
        return user_of(client->credentials, arena, ret);
    *ret = client->credentials;
    return OTEL_OK;
}

/* An AnyValue message; false in *ret_found: there is no value, and nothing is done. */
static enum otel_err find_value(const struct action *action,
                                const struct col_attributes *attributes, struct otl_view *ret,
                                bool *ret_found)
{
    const struct col_entry *source = NULL;
    struct otl_view said = {NULL, 0};
    enum otel_err err = OTEL_OK;
    struct col_value text;

    *ret_found = true;
    *ret = action->value;
    if (action->has_value)
        return OTEL_OK;
    if (action->source != FROM_NOTHING)
        err = ask_client(action, attributes->arena, &said);
    if (err == OTEL_OK && said.data != NULL && otl_utf8_valid(said.data, said.len)) {
        text = text_value(said);
        return col_edit_value(attributes->arena, &text, ret);
    }
    if (action->from.len > 0)
        source = col_attributes_find(attributes, action->from);
    *ret = source != NULL ? source->value : action->otherwise;
    *ret_found = source != NULL || action->has_otherwise;
    return err;
}

static enum otel_err write_value(const struct action *action, struct col_attributes *attributes)
{
    bool there = col_attributes_find(attributes, action->key) != NULL, found;
    struct otl_view value;
    enum otel_err err;

    if (action->verb == INSERT ? there : action->verb == UPDATE && !there)
        return OTEL_OK;
    err = find_value(action, attributes, &value, &found);
    return err == OTEL_OK && found ? col_attributes_set(attributes, action->key, value) : err;
}

enum otel_err col_action_hash(struct otl_arena *arena, const struct col_value *value,
                              struct col_value *ret)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    struct otl_view in = {"", 0};
    uint8_t little[8];
    uint64_t bits = 0;
    unsigned len = 0;
    char *hex;

    if (value->kind == COL_VALUE_STRING) {
        in = value->text;
    } else if (value->kind == COL_VALUE_BOOL) {
        little[0] = value->boolean;
        in = otl_view((const char *)little, 1);
    } else if (value->kind == COL_VALUE_INT || value->kind == COL_VALUE_DOUBLE) {
        memcpy(&bits, value->kind == COL_VALUE_INT ? (const void *)&value->integer
                                                   : (const void *)&value->real, 8);
        for (int i = 0; i < 8; i++)
            little[i] = (uint8_t)(bits >> (8 * i));
        in = otl_view((const char *)little, 8);
    } else {
        *ret = text_value(in); /* upstream: of bytes, lists and maps an empty text */
        return OTEL_OK;
    }
    if (EVP_Digest(in.data, in.len, digest, &len, EVP_sha256(), NULL) != 1)
        return OTEL_ERR_MEMORY;
    hex = otl_arena_alloc(arena, 2 * len + 1);
    if (hex == NULL)
        return OTEL_ERR_MEMORY;
    otl_hex(digest, len, hex);
    *ret = text_value(otl_view(hex, 2 * len));
    return OTEL_OK;
}

static enum otel_err hash_entry(struct col_attributes *attributes, const struct col_entry *entry)
{
    struct col_value value, hashed;
    enum otel_err err;

    col_value_split(entry->value, &value);
    err = col_action_hash(attributes->arena, &value, &hashed);
    return err == OTEL_OK ? set(attributes, entry->key, &hashed) : err;
}

/* delete and hash: the key, then all keys that the pattern matches. */
static enum otel_err delete_or_hash(const struct action *action,
                                    struct col_attributes *attributes)
{
    struct col_entry *entry =
        action->key.len > 0 ? col_attributes_find(attributes, action->key) : NULL;
    struct otl_view groups[COL_REGEX_GROUPS];
    enum otel_err err = OTEL_OK;

    if (entry != NULL && action->verb == HASH)
        err = hash_entry(attributes, entry);
    else if (entry != NULL)
        col_attributes_remove(attributes, (size_t)(entry - attributes->entries));
    for (size_t i = attributes->count; i > 0 && action->regex != NULL && err == OTEL_OK; i--) {
        entry = &attributes->entries[i - 1];
        if (!col_regex_match(action->regex, entry->key, groups))
            continue;
        if (action->verb == HASH)
            err = hash_entry(attributes, entry);
        else
            col_attributes_remove(attributes, i - 1);
    }
    return err;
}

static enum otel_err extract(const struct action *action, struct col_attributes *attributes)
{
    const struct col_entry *entry = col_attributes_find(attributes, action->key);
    struct otl_view groups[COL_REGEX_GROUPS];
    enum otel_err err = OTEL_OK;
    struct col_value value;

    if (entry == NULL)
        return OTEL_OK;
    col_value_split(entry->value, &value);
    if (value.kind != COL_VALUE_STRING || !col_regex_match(action->regex, value.text, groups))
        return OTEL_OK;
    for (unsigned i = 1; i <= col_regex_groups(action->regex) && err == OTEL_OK; i++) {
        struct col_value part = text_value(groups[i]);
        err = set(attributes, otl_view_str(col_regex_name(action->regex, i)), &part);
    }
    return err;
}

static bool number_of(const struct col_value *value, enum col_value_kind to,
                      struct col_value *ret)
{
    char text[64];
    bool whole = to == COL_VALUE_INT;

    memset(ret, 0, sizeof(*ret));
    ret->kind = to;
    if (value->kind == COL_VALUE_STRING) {
        const char *digits = text;
        if (value->text.len == 0 || value->text.len >= sizeof(text))
            return false;
        memcpy(text, value->text.data, value->text.len);
        text[value->text.len] = '\0';
        digits += text[0] == '+' && isdigit((unsigned char)text[1]);
        return whole ? otl_parse_int(digits, INT64_MIN, INT64_MAX, &ret->integer) == OTEL_OK
                     : otl_parse_double(digits, -DBL_MAX, DBL_MAX, &ret->real) == OTEL_OK;
    }
    if (value->kind == COL_VALUE_DOUBLE && whole) {
        /* out of range: what the Collector's conversion makes on x86-64 */
        ret->integer = value->real >= -0x1p63 && value->real < 0x1p63 ? (int64_t)value->real
                                                                      : INT64_MIN;
        return true;
    }
    if (value->kind != COL_VALUE_INT && value->kind != COL_VALUE_BOOL)
        return false;
    ret->integer = value->kind == COL_VALUE_INT ? value->integer : value->boolean;
    if (!whole)
        ret->real = (double)ret->integer;
    return true;
}

static enum otel_err convert(const struct action *action, struct col_attributes *attributes)
{
    const struct col_entry *entry = col_attributes_find(attributes, action->key);
    struct col_value value, out;

    if (entry == NULL)
        return OTEL_OK;
    col_value_split(entry->value, &value);
    if (value.kind == action->to)
        return OTEL_OK;
    if (action->to == COL_VALUE_STRING) {
        struct otl_view text;
        if (!col_edit_text(attributes->arena, &value, &text))
            return OTEL_OK;
        out = text_value(text);
    } else if (!number_of(&value, action->to, &out)) {
        return OTEL_OK;
    }
    return set(attributes, action->key, &out);
}

enum otel_err col_actions_run(struct col_actions *actions, struct col_attributes *attributes)
{
    enum otel_err err = OTEL_OK;

    for (size_t i = 0; i < actions->count && err == OTEL_OK; i++) {
        const struct action *action = &actions->list[i];
        if (action->verb <= UPSERT)
            err = write_value(action, attributes);
        else if (action->verb == DELETE || action->verb == HASH)
            err = delete_or_hash(action, attributes);
        else
            err = action->verb == EXTRACT ? extract(action, attributes)
                                          : convert(action, attributes);
    }
    return err;
}
