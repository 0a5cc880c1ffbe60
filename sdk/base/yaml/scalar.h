/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_YAML_SCALAR_H
#define OTL_YAML_SCALAR_H

#include <jansson.h>

#include "sdk/base/buf.h"
#include "sdk/base/yaml/yaml.h"

/*
 * Scalars: the YAML 1.2 core schema and the Collector's ${env:...} references.
 *
 * Threads   no state.
 */

enum otl_yaml_kind {
    OTL_YAML_NULL,
    OTL_YAML_BOOL,
    OTL_YAML_INT,
    OTL_YAML_FLOAT,
    OTL_YAML_SPECIAL, /* .inf, .nan: a tree cannot hold them */
    OTL_YAML_STRING
};

/* What a plain scalar with this text is. */
enum otl_yaml_kind otl_yaml_plain_kind(const char *text);
/* Its value. An integer out of 64 bits becomes a real, as in JSON. OTEL_ERR_LIMIT: too large for a
 * number of a tree (1e999); OTEL_ERR_UNSUPPORTED: .inf, .nan; OTEL_ERR_MEMORY. */
OTEL_MUST_USE enum otel_err otl_yaml_plain_value(const char *text, json_t **ret);

/* Append text with its references replaced. *reterr_what says why a reference was refused.
 * OTEL_ERR_SYNTAX, OTEL_ERR_LIMIT, OTEL_ERR_MEMORY. */
OTEL_MUST_USE enum otel_err otl_yaml_substitute(const char *text, struct otl_yaml_pos pos,
                                                const struct otl_yaml_options *options,
                                                struct otl_buf *out, const char **reterr_what);

#endif
