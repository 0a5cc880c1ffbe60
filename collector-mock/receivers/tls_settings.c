/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/receivers/tls_settings.h"

#include <stdio.h>
#include <string.h>

#include "collector-mock/pipeline/not_yet.h"

enum { LIST_MAX = 32, LIST_TEXT_MAX = 1024 };

static const char *const versions[] = {"", "1.0", "1.1", "1.2", "1.3", NULL};
static const struct otl_schema word[] = {{.type = OTL_SCHEMA_STRING, .min = 1, .max = 100}};
const struct otl_schema col_tls_keys[] = {
    {.key = "cert_file", .type = OTL_SCHEMA_STRING, .min = 1},
    {.key = "cert_pem", .type = OTL_SCHEMA_STRING, .min = 1},
    {.key = "key_file", .type = OTL_SCHEMA_STRING, .min = 1},
    {.key = "key_pem", .type = OTL_SCHEMA_STRING, .min = 1},
    {.key = "ca_file", .type = OTL_SCHEMA_STRING, .min = 1},
    {.key = "ca_pem", .type = OTL_SCHEMA_STRING, .min = 1},
    {.key = "client_ca_file", .type = OTL_SCHEMA_STRING, .min = 1},
    {.key = "client_ca_file_reload", .type = OTL_SCHEMA_BOOL},
    {.key = "reload_interval", .type = OTL_SCHEMA_DURATION},
    {.key = "include_system_ca_certs_pool", .type = OTL_SCHEMA_BOOL},
    {.key = "min_version", .type = OTL_SCHEMA_ENUM, .words = versions},
    {.key = "max_version", .type = OTL_SCHEMA_ENUM, .words = versions},
    {.key = "cipher_suites", .type = OTL_SCHEMA_LIST, .child = word, .max = LIST_MAX},
    {.key = "curve_preferences", .type = OTL_SCHEMA_LIST, .child = word, .max = LIST_MAX},
    COL_NOT_YET("include_insecure_cipher_suites"),
    OTL_SCHEMA_END};

static const char *text(const json_t *map, const char *key)
{
    return otl_tree_text(map, key, NULL);
}

static enum otel_err not_both(const struct col_create *args, const json_t *tls, const char *what,
                              const char *file, const char *pem, struct otl_detail *reterr)
{
    if (text(tls, file) == NULL || text(tls, pem) == NULL)
        return OTEL_OK;
    return otl_yaml_error(reterr, otl_yaml_key_pos(args->doc, tls, pem),
                          "receiver '%s': %s is given twice, by '%s' and '%s'", args->id, what,
                          file, pem);
}

static enum otel_err needs(const struct col_create *args, const json_t *protocol,
                           const json_t *tls, struct otl_detail *reterr)
{
    bool certificate = text(tls, "cert_file") != NULL || text(tls, "cert_pem") != NULL;
    bool key = text(tls, "key_file") != NULL || text(tls, "key_pem") != NULL;

    if (certificate && key)
        return OTEL_OK;
    return otl_yaml_error(reterr, otl_yaml_key_pos(args->doc, protocol, "tls"),
                          "receiver '%s': TLS needs both a certificate and its key: %s", args->id,
                          certificate ? "'key_file' or 'key_pem' is missing"
                                      : "'cert_file' or 'cert_pem' is missing");
}

static enum otel_err check(const struct col_create *args, const json_t *protocol,
                           const json_t *tls, struct otl_detail *reterr)
{
    const char *lowest = otl_tree_text(tls, "min_version", ""),
               *highest = otl_tree_text(tls, "max_version", "");
    enum otel_err err = not_both(args, tls, "the certificate", "cert_file", "cert_pem", reterr);

    if (err == OTEL_OK)
        err = not_both(args, tls, "the key", "key_file", "key_pem", reterr);
    if (err == OTEL_OK)
        err = not_both(args, tls, "the CA", "ca_file", "ca_pem", reterr);
    if (err == OTEL_OK)
        err = needs(args, protocol, tls, reterr);
    if (lowest[0] == '\0')
        lowest = "1.2";
    if (err == OTEL_OK && highest[0] != '\0' && strcmp(lowest, highest) > 0)
        return otl_yaml_error(reterr, otl_yaml_key_pos(args->doc, tls, "max_version"),
                              "receiver '%s': 'max_version' %s is below 'min_version' %s",
                              args->id, highest, lowest);
    return err;
}

/* The words of a list in OpenSSL's names, with ':' between; an empty list is NULL. */
static enum otel_err read_list(const struct col_create *args, const json_t *tls, const char *key,
                               char *out, const char **ret, struct otl_detail *reterr)
{
    const json_t *list = json_object_get(tls, key);
    size_t len = 0;

    out[0] = '\0';
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *name = json_string_value(json_array_get(list, i));
        const char *known = strcmp(key, "cipher_suites") == 0 ? col_tls_cipher(name)
                                                              : col_tls_group(name);
        if (known == NULL)
            return otl_yaml_error(reterr, otl_yaml_item_pos(args->doc, list, i),
                                  "receiver '%s': '%s' is no known name in '%s'", args->id, name,
                                  key);
        len += (size_t)snprintf(out + len, LIST_TEXT_MAX - len, "%s%s", i > 0 ? ":" : "", known);
        if (len >= LIST_TEXT_MAX)
            return otl_yaml_error(reterr, otl_yaml_item_pos(args->doc, list, i),
                                  "receiver '%s': '%s' is too long", args->id, key);
    }
    *ret = len > 0 ? out : NULL;
    return OTEL_OK;
}

static enum otel_err make(const struct col_create *args, const json_t *tls,
                          struct col_tls_options *options, struct col_tls **ret,
                          struct otl_detail *reterr)
{
    struct otl_detail why = OTL_DETAIL_NONE;
    const char *key = NULL;
    enum otel_err err = col_tls_new(options, ret, &key, &why);
    struct otl_yaml_pos pos;

    if (err == OTEL_OK)
        return OTEL_OK;
    pos = json_object_get(tls, key) != NULL ? otl_yaml_value_pos(args->doc, tls, key)
                                            : otl_yaml_container_pos(args->doc, tls);
    return otl_detail_set(reterr, err == OTEL_ERR_CORRUPT ? OTEL_ERR_SYNTAX : err, pos.source,
                          pos.line, pos.column, "receiver '%s': '%s': %s", args->id, key,
                          why.text);
}

enum otel_err col_tls_settings(const struct col_create *args, const json_t *map,
                               const char *protocol, bool protocol_required, struct col_tls **ret,
                               struct otl_detail *reterr)
{
    const json_t *tls = json_object_get(map, "tls");
    char ciphers[LIST_TEXT_MAX], groups[LIST_TEXT_MAX];
    struct col_tls_options options = {.protocol = protocol,
                                      .protocol_required = protocol_required,
                                      .clock = args->host->clock};
    static const char *const not_yet[] = {"include_insecure_cipher_suites", NULL};
    enum otel_err err;

    *ret = NULL;
    if (!json_is_object(tls))
        return OTEL_OK;
    err = col_refuse_not_yet(args, "receiver", tls, not_yet, reterr);
    if (err == OTEL_OK)
        err = check(args, map, tls, reterr);
    if (err == OTEL_OK)
        err = read_list(args, tls, "cipher_suites", ciphers, &options.cipher_suites, reterr);
    if (err == OTEL_OK)
        err = read_list(args, tls, "curve_preferences", groups, &options.groups, reterr);
    if (err != OTEL_OK)
        return err;
    options.cert_file = text(tls, "cert_file");
    options.cert_pem = text(tls, "cert_pem");
    options.key_file = text(tls, "key_file");
    options.key_pem = text(tls, "key_pem");
    options.ca_file = text(tls, "ca_file");
    options.ca_pem = text(tls, "ca_pem");
    options.client_ca_file = text(tls, "client_ca_file");
    options.client_ca_reload = otl_tree_bool(tls, "client_ca_file_reload", false);
    options.reload_interval_ns = otl_tree_duration_ns(tls, "reload_interval", 0);
    options.min_version = text(tls, "min_version");
    options.max_version = text(tls, "max_version");
    return make(args, tls, &options, ret, reterr);
}

/* ---- what is counted ---- */

static double read_handshakes(void *context)
{
    return (double)col_tls_counters(context)->handshakes;
}

static double read_failures(void *context)
{
    return (double)col_tls_counters(context)->failures;
}

static double read_reloads(void *context)
{
    return (double)col_tls_counters(context)->reloads;
}

static double read_reload_failures(void *context)
{
    return (double)col_tls_counters(context)->reload_failures;
}

enum otel_err col_tls_observe(struct col_tls *tls, struct col_host *host, const char *id,
                              const char *transport)
{
    char labels[192];
    const struct col_metrics_source sources[] = {
        {"collector_mock_tls_handshakes", labels, "TLS handshakes that were finished.", true,
         read_handshakes, tls},
        {"collector_mock_tls_handshake_failures", labels, "TLS handshakes that were not.", true,
         read_failures, tls},
        {"collector_mock_tls_reloads", labels, "Times that TLS files were read again.", true,
         read_reloads, tls},
        {"collector_mock_tls_reload_failures", labels,
         "Times that TLS files were wrong when they were read again.", true, read_reload_failures,
         tls},
    };
    enum otel_err err = OTEL_OK;

    snprintf(labels, sizeof(labels), "receiver=\"%s\",transport=\"%s\"", id, transport);
    for (size_t i = 0; tls != NULL && i < sizeof(sources) / sizeof(sources[0]) && err == OTEL_OK;
         i++)
        err = col_metrics_observe(host->metrics, &sources[i]);
    return err;
}
