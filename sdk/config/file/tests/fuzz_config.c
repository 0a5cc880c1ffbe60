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
