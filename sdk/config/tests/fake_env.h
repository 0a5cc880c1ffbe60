/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_TESTS_FAKE_ENV_H
#define OTL_TESTS_FAKE_ENV_H

#include <stdio.h>
#include <string.h>

#include <otel/err.h>

/* An environment of the test's own, and what was said about it. */
struct fake_env {
    size_t count;
    struct {
        const char *name;
        const char *value;
    } items[16];
    unsigned told;
    char said[4096]; /* all texts, a line each */
};

static inline const char *fake_getenv(void *arg, const char *name)
{
    const struct fake_env *env = arg;

    for (size_t i = 0; i < env->count; i++)
        if (strcmp(env->items[i].name, name) == 0)
            return env->items[i].value;
    return NULL;
}

static inline void fake_error(void *arg, enum otel_err err, const char *text)
{
    struct fake_env *env = arg;
    size_t len = strlen(env->said);

    (void)err;
    env->told++;
    snprintf(env->said + len, sizeof(env->said) - len, "%s\n", text);
}

static inline void fake_set(struct fake_env *env, const char *name, const char *value)
{
    if (env->count < 16) {
        env->items[env->count].name = name;
        env->items[env->count++].value = value;
    }
}

#endif
