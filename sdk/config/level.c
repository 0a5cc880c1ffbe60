/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/config/level.h"

#include <pthread.h>

enum { LISTENERS_MAX = 64 };

struct listener {
    void (*error)(void *arg, enum otel_err err, const char *text);
    void *arg;
};

static pthread_mutex_t g_lock = PTHREAD_MUTEX_INITIALIZER;
static struct listener g_listeners[LISTENERS_MAX]; /* the first g_count never change */
static size_t g_count;

static void errors_only(void *arg, enum otel_err err, const char *text)
{
    const struct listener *listener = arg;

    if (err != OTEL_OK)
        listener->error(listener->arg, err, text);
}

/* NULL: there are too many. */
static struct listener *listener_of(const struct otel_sdk_env_options *options)
{
    struct listener *found = NULL;

    pthread_mutex_lock(&g_lock);
    for (size_t i = 0; found == NULL && i < g_count; i++)
        if (g_listeners[i].error == options->error && g_listeners[i].arg == options->error_arg)
            found = &g_listeners[i];
    if (found == NULL && g_count < LISTENERS_MAX) {
        found = &g_listeners[g_count++];
        found->error = options->error;
        found->arg = options->error_arg;
    }
    pthread_mutex_unlock(&g_lock);
    return found;
}

void otl_level_apply(int least, struct otel_sdk_env_options *options)
{
    struct listener *listener;

    if (least <= OTL_LEVEL_WARN || options->error == NULL)
        return;
    if (least > OTL_LEVEL_ERROR) {
        options->error = NULL;
        return;
    }
    if (options->error == errors_only)
        return;
    listener = listener_of(options);
    if (listener == NULL)
        return;
    options->error = errors_only;
    options->error_arg = listener;
}
