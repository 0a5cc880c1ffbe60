/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_CONFIG_LINT_H
#define COL_CONFIG_LINT_H

#include "collector-mock/config/config.h"

/*
 * Everything that is to be said about a configuration: each error (not the first alone), each old
 * name, and advice about what works and is probably not meant: components that nothing uses,
 * authentication on one protocol of two, pipelines without memory_limiter or with one that is not
 * first, tail sampling behind batch, tail sampling where only one host's spans arrive.
 *
 * Nothing is bound or opened, files that components read (certificates, secrets) excepted.
 * Not for running: load the configuration for that.
 */

/* Findings are added. OTEL_OK: it was looked at, findings->errors says how it is.
 * OTEL_ERR_NOT_FOUND, OTEL_ERR_IO: a file of the options; OTEL_ERR_MEMORY. */
OTEL_MUST_USE enum otel_err col_lint(const struct col_config_options *options,
                                     struct col_findings *findings, struct otl_detail *reterr);

/* rehearse.c: make each component that is named and throw it away, to hear what it has to say.
 * With config->all every one is made and every complaint noted; with config->lenient settings
 * that are refused as OTEL_ERR_UNSUPPORTED are taken out with a warning. */
OTEL_MUST_USE enum otel_err col_config_rehearse(struct col_config *config,
                                                struct otl_detail *reterr);

#endif
