/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sdk/config/level.h"
#include "sdk/config/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

extern char **environ;

/* "NAME=value" lines are the environment. Whatever it says, the settings are usable. */
struct lines {
    char text[4096];
};

static const char *from_lines(void *arg, const char *name)
{
    struct lines *lines = arg;
    size_t len = strlen(name);

    for (const char *at = lines->text; *at != '\0'; at += strlen(at) + 1)
        if (strncmp(at, name, len) == 0 && at[len] == '=')
            return at + len + 1;
    return NULL;
}

static void check(const struct otl_settings *s)
{
    struct otel_sdk_otlp_options otlp = s->otlp;
    struct otel_sdk_exporter *exporter = NULL;
    enum otel_err err;

    otlp.tls_ca_file = otlp.tls_cert_file = otlp.tls_key_file = otel_str(""); /* open no files */
    if (s->batch.max_export_batch_size > s->batch.max_queue_size || s->batch.max_queue_size == 0)
        abort();
    if (!(s->sampler_ratio >= 0 && s->sampler_ratio <= 1))
        abort();
    err = otel_sdk_otlp_new(&otlp, &exporter); /* every header and URL was judged before */
    if (err != OTEL_OK && err != OTEL_ERR_UNSUPPORTED)
        abort();
    otel_sdk_exporter_free(exporter);
}

static bool is_known(const char *name, size_t len)
{
    for (size_t i = 0; otl_env_name(i) != NULL; i++)
        if (strlen(otl_env_name(i)) == len && strncmp(otl_env_name(i), name, len) == 0)
            return true;
    return false;
}

/* A variable that is there and is none of OpenTelemetry's, with one that is nearly the same. */
static void misspelt_told(void *count, enum otel_err err, const char *text)
{
    static const char says[] = " is no variable of OpenTelemetry (did you mean ";

    if (err != OTEL_OK || ++*(unsigned *)count > 16)
        abort();
    for (char **at = environ; *at != NULL; at++) {
        size_t len = strcspn(*at, "="), near;
        if (strncmp(text, *at, len) != 0 || strncmp(text + len, says, sizeof(says) - 1) != 0)
            continue;
        near = strcspn(text + len + sizeof(says) - 1, "?");
        if (is_known(*at, len) || near > len + 2 || len > near + 2)
            abort();
        return;
    }
    abort();
}

/* The lines as the process's environment, in which names are looked at. */
static void look_for_misspelt(struct lines *lines)
{
    static char *entries[sizeof(lines->text) / 2 + 2];
    unsigned told = 0;
    struct otl_env_source source = {NULL, NULL, {misspelt_told, &told}};
    char **outside = environ;
    size_t count = 0;

    for (char *at = lines->text; *at != '\0'; at += strlen(at) + 1)
        entries[count++] = at;
    entries[count] = NULL;
    environ = entries;
    otl_env_misspelt(&source);
    environ = outside;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct otl_settings settings;
    struct otl_env_source source = {from_lines, NULL, {NULL, NULL}};
    struct lines lines;
    struct otl_env env;
    int level;

    if (size > sizeof(lines.text) - 2)
        return 0;
    memset(&lines, 0, sizeof(lines));
    if (size > 0)
        memcpy(lines.text, data, size);
    for (size_t i = 0; i < size; i++)
        if (lines.text[i] == '\n')
            lines.text[i] = '\0';
    source.getenv_arg = &lines;
    look_for_misspelt(&lines);
    level = otl_env_log_level(&source);
    if (level < 1 || level > OTL_LEVEL_NONE)
        abort();
    if (otl_env_read(&source, &env) != OTEL_OK)
        return 0;
    if (otl_settings_from_env(&source, &env, &settings) == OTEL_OK) {
        check(&settings);
        otl_settings_fini(&settings);
    }
    otl_env_fini(&env);
    return 0;
}
