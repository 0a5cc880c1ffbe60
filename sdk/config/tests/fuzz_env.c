/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sdk/config/level.h"
#include "sdk/config/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct otl_settings settings;
    struct otl_env_source source = {from_lines, NULL, NULL, NULL};
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
