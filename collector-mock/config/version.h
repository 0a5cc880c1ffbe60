/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_CONFIG_VERSION_H
#define COL_CONFIG_VERSION_H

#include "collector-mock/config/config.h"

/*
 * What changed between versions of the Collector, and which of it a configuration depends on.
 *
 * A version is the second number of 0.N; 0 is the latest, which is what everything does that asks
 * nobody. version.c has the table; README.md of this folder says who acts on each row.
 */

/* "0.115", "v0.115.0", "latest". OTEL_ERR_SYNTAX. */
OTEL_MUST_USE enum otel_err col_version_read(const char *text, unsigned *ret,
                                             struct otl_detail *reterr);

static inline bool col_version_before(unsigned version, unsigned since)
{
    return version != 0 && version < since;
}

/* What old versions do not have is an error, with its place. */
OTEL_MUST_USE enum otel_err col_version_check(struct col_config *config,
                                              struct otl_detail *reterr);
/* Advice for each thing in the configuration that depends on the version. */
void col_version_advise(const struct col_config *config);

#endif
