/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_TAIL_AS_VERSION_H
#define HX_TAIL_AS_VERSION_H

#include <stdbool.h>

#include "sdk/base/yaml/yaml.h"

/*
 * Versions of the Collector, as far as predictions depend on them: which of two ways it decided,
 * and which settings it did not know yet. Found out for the oracle by itself; collector-mock has a
 * table of its own.
 *
 * A version is the second number of 0.N; 0 is the latest.
 */

/* "0.115", "v0.115.0", "latest". OTEL_ERR_SYNTAX. */
OTEL_MUST_USE enum otel_err hx_as_version_read(const char *text, unsigned *ret,
                                               struct otl_detail *reterr);

/* How a thing is decided where it changed. */
enum hx_change {
    HX_CHANGE_INVERT,  /* invert_match keeps a trace out whatever others say */
    HX_CHANGE_LATENCY, /* the lower bound alone is part of the range */
    HX_CHANGE_LIMITING, /* rate_limiting counts by whole seconds */
    HX_CHANGE_UNLISTED /* a sub-policy of composite without allocation has nothing */
};

/* Is it the old way? What compat says of it wins; else what the version did. */
bool hx_as_version_old_way(const json_t *compat, unsigned version, enum hx_change change);

/* What the Collector of that version refuses in a tail_sampling: OTEL_ERR_UNSUPPORTED. */
OTEL_MUST_USE enum otel_err hx_as_version_check(const struct otl_yaml *doc, const json_t *config,
                                                unsigned version, struct otl_detail *reterr);

/* For struct otl_yaml_options: what becomes of $NAME; the context is an unsigned, the version. */
enum otl_yaml_bare hx_as_version_bare(void *context, struct otl_yaml_pos pos, const char *name);

#endif
