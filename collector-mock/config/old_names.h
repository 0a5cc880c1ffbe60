/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_CONFIG_OLD_NAMES_H
#define COL_CONFIG_OLD_NAMES_H

#include "collector-mock/config/config.h"

/*
 * Names that people still have in their files: renamed and removed components and settings.
 *
 * Renamed components are known under both names in every mode, as in the Collector. What was
 * removed is an error that says what to use, and in lenient mode a warning that does so.
 */

/* A component's type as it is written in the file. */
struct col_named {
    enum col_kind kind;
    const char *word, *id; /* "loki", "loki/2" */
    struct otl_yaml_pos pos;
};

/* Not found: an error, and in lenient mode a warning and a stand-in. */
OTEL_MUST_USE enum otel_err col_find_type(struct col_config *config,
                                          const struct col_named *named,
                                          const struct col_component_type **ret,
                                          struct otl_detail *reterr);
/* Settings of old times: warned of, and in lenient mode rewritten to those of today. */
OTEL_MUST_USE enum otel_err col_modernize(struct col_config *config, struct otl_detail *reterr);

/* stand_in.c: does nothing but count, with any configuration. */
const struct col_component_type *col_stand_in(enum col_kind kind);

#endif
