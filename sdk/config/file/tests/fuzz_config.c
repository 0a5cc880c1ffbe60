/* SPDX-License-Identifier: Apache-2.0 */
/* Reads any bytes as a configuration file; what passes the schema is created, without exporters
 * that open files. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <otel/sdk/config_file.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *value(void *arg, const char *name)
{
    (void)arg;
    return name[0] == 'A' ? "12" : name[0] == 'B' ? "a: {b}" : NULL;
}

/* Every key is found, every element is of one type at most. */
static void walk(const struct otel_properties *p)
{
    for (size_t i = 0; i < p->count; i++) {
        char key[64];
        struct otel_properties map;
        int64_t integer;
        double real;
        bool yes;
        if (p->items[i].key.len >= sizeof(key))
            continue;
        memcpy(key, p->items[i].key.data, p->items[i].key.len);
        key[p->items[i].key.len] = '\0';
        if (strlen(key) == p->items[i].key.len && otel_properties_find(p, key) == NULL)
            abort();
        if (otel_properties_mapping(p, key, &map))
            walk(&map);
        for (size_t k = 0; k < otel_properties_length(p, key); k++) {
            if (otel_properties_mapping_at(p, key, k, &map))
                walk(&map);
            if (otel_properties_int_at(p, key, k, &integer) &&
                (!otel_properties_double_at(p, key, k, &real) ||
                 otel_properties_bool_at(p, key, k, &yes)))
                abort();
        }
    }
}

static void read_instrumentation(const struct otel_config *config)
{
    struct otel_config_provider *provider = NULL;
    struct otel_properties all;

    if (otel_config_instrumentation(config, &provider) != OTEL_OK)
        abort();
    all = otel_config_provider_instrumentation(provider);
    walk(&all);
    otel_config_provider_unref(provider);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct otel_config_env env = {value, NULL};
    struct otel_config_problem problem;
    struct otel_config *config = NULL;
    struct otel_sdk *sdk = NULL;
    enum otel_err err = otel_config_read_text(otel_strn((const char *)data, size), "fuzz", &env,
                                              &config, &problem);

    if ((err == OTEL_OK) != (config != NULL) || (err != OTEL_OK && problem.code != err))
        abort();
    if (err == OTEL_OK)
        read_instrumentation(config);
    if (err == OTEL_OK && memmem(data, size, "otlp_file", 9) == NULL &&
        memmem(data, size, "ca_file", 7) == NULL && memmem(data, size, "key_file", 8) == NULL &&
        memmem(data, size, "cert_file", 9) == NULL && memmem(data, size, "https", 5) == NULL) {
        err = otel_config_create(config, NULL, &sdk, &problem);
        if ((err == OTEL_OK) != (sdk != NULL))
            abort();
    }
    otel_sdk_free(sdk);
    otel_config_free(config);
    return 0;
}
