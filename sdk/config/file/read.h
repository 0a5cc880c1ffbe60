/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_CONFIG_READ_H
#define OTL_CONFIG_READ_H

#include "sdk/config/file/impl.h"

/* A file that has passed the schema. Threads: read only. */
struct otel_config {
    struct otl_yaml *doc;
};

/* Its schema is of a later minor version than ours. */
bool otl_config_is_newer(const struct otel_config *config);
/* problem may be NULL; the detail may be unset, then err speaks. */
void otl_config_problem_set(struct otel_config_problem *problem, enum otel_err err,
                            const struct otl_detail *detail);

#endif
