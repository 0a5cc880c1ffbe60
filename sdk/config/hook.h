/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_CONFIG_HOOK_H
#define OTL_CONFIG_HOOK_H

#include <otel/sdk/config.h>

/*
 * How otel_sdk_from_env() reaches libotel_config, which it does not link: linked into the program,
 * or loaded when OTEL_CONFIG_FILE is set.
 *
 * Threads   as otel_sdk_from_env().
 */

struct otl_config_hook {
    size_t struct_size;
    /* Read path and create what it says; problems are told to options->error. */
    enum otel_err (*from_file)(const char *path, const struct otel_sdk_env_options *options,
                               struct otel_sdk **ret);
};

#define OTL_CONFIG_LIBRARY "libotel_config.so.0"
#define OTL_CONFIG_SYMBOL "otel_config_hook_0"
OTEL_API extern const struct otl_config_hook otel_config_hook_0;

#endif
