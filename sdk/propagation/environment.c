/* SPDX-License-Identifier: Apache-2.0 */
#include <otel/environment_carrier.h>

#include <unistd.h>

#include "sdk/base/mem.h"

extern char **environ;

enum { VALUE_MAX = 64 * 1024, VARIABLES_MAX = 65536 };

struct otel_environment {
    char **block; /* NULL-terminated */
    size_t count;
    size_t cap; /* without the NULL */
    bool lost;  /* an allocation failed: nothing more is set */
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

size_t otel_environment_name(struct otel_str key, char *out)
{
    size_t len = 0;

    if (out == NULL)
        return 0;
    out[0] = '\0';
    if (key.len == 0 || key.len + is_digit(key.data[0]) > OTEL_ENVIRONMENT_NAME_MAX)
        return 0;
    if (is_digit(key.data[0]))
        out[len++] = '_';
    for (size_t i = 0; i < key.len; i++) {
        char c = key.data[i];
        if (c >= 'a' && c <= 'z')
            c = (char)(c - 'a' + 'A');
        else if (!is_digit(c) && !(c >= 'A' && c <= 'Z'))
            c = '_';
        out[len++] = c;
    }
    out[len] = '\0';
    return len;
}

/* The value behind "NAME=" or NULL. */
static char *value_of(char *variable, const char *name, size_t len)
{
    return strncmp(variable, name, len) == 0 && variable[len] == '=' ? variable + len + 1 : NULL;
}

static bool environment_get(const void *carrier, struct otel_str key, struct otel_str *ret_value)
{
    char *const *variables = carrier != NULL ? carrier : environ;
    char name[OTEL_ENVIRONMENT_NAME_MAX + 1];
    size_t len = otel_environment_name(key, name);

    if (len == 0 || variables == NULL)
        return false;
    for (; *variables != NULL; variables++) {
        const char *value = value_of(*variables, name, len);
        if (value != NULL) {
            *ret_value = otel_str(value);
            return true;
        }
    }
    return false;
}

static void environment_keys(const void *carrier, otel_text_visit_fn *visit, void *arg)
{
    char *const *variables = carrier != NULL ? carrier : environ;

    for (; variables != NULL && *variables != NULL; variables++) {
        const char *equals = strchr(*variables, '=');
        if (equals != NULL && equals != *variables)
            visit(arg, otel_strn(*variables, (size_t)(equals - *variables)));
    }
}

const struct otel_text_map_getter *otel_environment_getter(void)
{
    static const struct otel_text_map_getter getter = {environment_get, NULL, environment_keys};

    return &getter;
}

static bool make_room(struct otel_environment *environment)
{
    size_t cap = environment->cap != 0 ? 2 * environment->cap : 64;
    char **grown;

    if (environment->count < environment->cap)
        return true;
    if (environment->count == VARIABLES_MAX)
        return false;
    grown = otl_mem_realloc(environment->block, (cap + 1) * sizeof(*grown));
    if (grown == NULL)
        return false;
    environment->block = grown;
    environment->cap = cap;
    return true;
}

static void environment_set(void *carrier, struct otel_str key, struct otel_str value)
{
    struct otel_environment *environment = carrier;
    char name[OTEL_ENVIRONMENT_NAME_MAX + 1], *text;
    size_t len = otel_environment_name(key, name), i = 0;

    if (environment == NULL || len == 0 || value.len > VALUE_MAX || environment->lost ||
        (value.len != 0 && memchr(value.data, '\0', value.len) != NULL))
        return;
    while (i < environment->count && value_of(environment->block[i], name, len) == NULL)
        i++;
    text = otl_mem_alloc(len + 1 + value.len + 1);
    if (text == NULL || (i == environment->count && !make_room(environment))) {
        otl_mem_free(text);
        environment->lost = true;
        return;
    }
    memcpy(text, name, len);
    text[len] = '=';
    if (value.len != 0)
        memcpy(text + len + 1, value.data, value.len);
    text[len + 1 + value.len] = '\0';
    if (i < environment->count)
        otl_mem_free(environment->block[i]);
    else
        environment->block[++environment->count] = NULL;
    environment->block[i] = text;
}

const struct otel_text_map_setter *otel_environment_setter(void)
{
    static const struct otel_text_map_setter setter = {environment_set};

    return &setter;
}

enum otel_err otel_environment_new(char *const *variables, struct otel_environment **ret)
{
    struct otel_environment *environment;
    enum otel_err err = OTEL_OK;

    if (ret == NULL)
        return OTEL_ERR_ARGUMENT;
    environment = otl_mem_zalloc(sizeof(*environment));
    if (environment == NULL || !make_room(environment)) {
        otl_mem_free(environment);
        return OTEL_ERR_MEMORY;
    }
    environment->block[0] = NULL;
    for (; err == OTEL_OK && variables != NULL && *variables != NULL; variables++) {
        char *copy = otl_mem_strdup(*variables);
        if (copy == NULL || !make_room(environment)) {
            err = environment->count == VARIABLES_MAX ? OTEL_ERR_LIMIT : OTEL_ERR_MEMORY;
            otl_mem_free(copy);
        } else {
            environment->block[environment->count++] = copy;
            environment->block[environment->count] = NULL;
        }
    }
    if (err != OTEL_OK) {
        otel_environment_free(environment);
        return err;
    }
    *ret = environment;
    return OTEL_OK;
}

void otel_environment_free(struct otel_environment *environment)
{
    if (environment == NULL)
        return;
    for (size_t i = 0; i < environment->count; i++)
        otl_mem_free(environment->block[i]);
    otl_mem_free(environment->block);
    otl_mem_free(environment);
}

char *const *otel_environment_block(const struct otel_environment *environment)
{
    static char *const none[] = {NULL};

    return environment != NULL ? environment->block : none;
}
