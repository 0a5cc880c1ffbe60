/* SPDX-License-Identifier: Apache-2.0 */
#include <otel/config_provider.h>

#include "sdk/api/global.h"

/* ---- properties ---- */

const struct otel_value *otel_properties_find(const struct otel_properties *properties,
                                              const char *key)
{
    struct otel_str name = otel_str(key);

    for (size_t i = properties != NULL ? properties->count : 0; i-- > 0;)
        if (otel_str_equal(properties->items[i].key, name))
            return &properties->items[i].value;
    return NULL;
}

/* Element at of a sequence, or NULL. */
static const struct otel_value *find_at(const struct otel_properties *properties, const char *key,
                                        size_t at)
{
    return at < otel_properties_length(properties, key)
               ? &otel_properties_find(properties, key)->as.values[at]
               : NULL;
}

static bool take_string(const struct otel_value *from, struct otel_str *value)
{
    if (from == NULL || from->type != OTEL_VALUE_STRING)
        return false;
    if (value != NULL)
        *value = otel_strn(from->as.string, from->count);
    return true;
}

static bool take_bool(const struct otel_value *from, bool *value)
{
    if (from == NULL || from->type != OTEL_VALUE_BOOL)
        return false;
    if (value != NULL)
        *value = from->as.boolean;
    return true;
}

static bool take_int(const struct otel_value *from, int64_t *value)
{
    if (from == NULL || from->type != OTEL_VALUE_INT)
        return false;
    if (value != NULL)
        *value = from->as.integer;
    return true;
}

static bool take_double(const struct otel_value *from, double *value)
{
    int64_t integer = 0;
    bool whole = take_int(from, &integer);

    if (!whole && (from == NULL || from->type != OTEL_VALUE_DOUBLE))
        return false;
    if (value != NULL)
        *value = whole ? (double)integer : from->as.real;
    return true;
}

static bool take_mapping(const struct otel_value *from, struct otel_properties *value)
{
    if (from == NULL || from->type != OTEL_VALUE_MAP)
        return false;
    if (value != NULL) {
        value->items = from->as.attributes;
        value->count = from->count;
    }
    return true;
}

bool otel_properties_string(const struct otel_properties *properties, const char *key,
                            struct otel_str *value)
{
    return take_string(otel_properties_find(properties, key), value);
}

bool otel_properties_bool(const struct otel_properties *properties, const char *key, bool *value)
{
    return take_bool(otel_properties_find(properties, key), value);
}

bool otel_properties_int(const struct otel_properties *properties, const char *key, int64_t *value)
{
    return take_int(otel_properties_find(properties, key), value);
}

bool otel_properties_double(const struct otel_properties *properties, const char *key,
                            double *value)
{
    return take_double(otel_properties_find(properties, key), value);
}

bool otel_properties_mapping(const struct otel_properties *properties, const char *key,
                             struct otel_properties *value)
{
    return take_mapping(otel_properties_find(properties, key), value);
}

size_t otel_properties_length(const struct otel_properties *properties, const char *key)
{
    const struct otel_value *value = otel_properties_find(properties, key);

    return value != NULL && value->type == OTEL_VALUE_ARRAY ? value->count : 0;
}

bool otel_properties_string_at(const struct otel_properties *properties, const char *key,
                               size_t at, struct otel_str *value)
{
    return take_string(find_at(properties, key, at), value);
}

bool otel_properties_bool_at(const struct otel_properties *properties, const char *key, size_t at,
                             bool *value)
{
    return take_bool(find_at(properties, key, at), value);
}

bool otel_properties_int_at(const struct otel_properties *properties, const char *key, size_t at,
                            int64_t *value)
{
    return take_int(find_at(properties, key, at), value);
}

bool otel_properties_double_at(const struct otel_properties *properties, const char *key,
                               size_t at, double *value)
{
    return take_double(find_at(properties, key, at), value);
}

bool otel_properties_mapping_at(const struct otel_properties *properties, const char *key,
                                size_t at, struct otel_properties *value)
{
    return take_mapping(find_at(properties, key, at), value);
}

/* ---- providers ---- */

static struct otel_config_provider g_noop;
static struct otel_config_provider *g_global = &g_noop;

struct otel_config_provider *otel_config_provider_noop(void)
{
    return &g_noop;
}

struct otel_config_provider *otel_config_provider_ref(struct otel_config_provider *provider)
{
    if (provider != NULL && provider->free != NULL)
        __atomic_fetch_add(&provider->refs, 1, __ATOMIC_RELAXED);
    return provider;
}

void otel_config_provider_unref(struct otel_config_provider *provider)
{
    if (provider != NULL && provider->free != NULL &&
        __atomic_fetch_sub(&provider->refs, 1, __ATOMIC_ACQ_REL) == 1)
        provider->free(provider);
}

struct otel_properties
otel_config_provider_instrumentation(const struct otel_config_provider *provider)
{
    return provider != NULL ? provider->instrumentation : g_noop.instrumentation;
}

struct otel_config_provider *otel_config_provider_global(void)
{
    struct otel_config_provider *provider;

    otl_global_lock();
    provider = otel_config_provider_ref(g_global);
    otl_global_unlock();
    return provider;
}

void otel_config_provider_set_global(struct otel_config_provider *provider)
{
    struct otel_config_provider *old;

    provider = otel_config_provider_ref(provider != NULL ? provider : &g_noop);
    otl_global_lock_to_set();
    old = g_global;
    g_global = provider;
    otl_global_unlock();
    otel_config_provider_unref(old);
}
