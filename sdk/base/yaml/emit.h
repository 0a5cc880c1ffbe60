/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_YAML_EMIT_H
#define OTL_YAML_EMIT_H

#include <jansson.h>

#include "sdk/base/buf.h"

/*
 * Write a tree as YAML in block style; otl_yaml_load_text() reads the same tree back.
 *
 * Keys keep their order; a string is quoted where a plain one would be read as something else;
 * numbers are written so that they keep kind and value.
 *
 * Threads   no state.
 * Errors    OTEL_ERR_LIMIT: over buf's maximum, nested deeper than 64, or a key of more than
 *           512 bytes; OTEL_ERR_MEMORY. What
 *           was appended until then stays.
 */
OTEL_MUST_USE enum otel_err otl_yaml_emit(const json_t *tree, struct otl_buf *buf);

#endif
