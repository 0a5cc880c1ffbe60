/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_EXTENSIONS_AUTH_H
#define COL_EXTENSIONS_AUTH_H

#include "collector-mock/pipeline/component.h"

/*
 * auth {authenticator: ID} of exporters and of the protocols of a receiver, where ID is a
 * basicauth or bearertokenauth extension of the configuration.
 *
 * Files with secrets are read once: when the configuration is, for exporters; at the start, for
 * receivers.
 */

/* Append "Name: value\r\n" for the exporter's key auth; nothing if it has none. *ret: whether it
 * has. OTEL_ERR_SYNTAX with the place; OTEL_ERR_NOT_FOUND, OTEL_ERR_IO: a file. */
OTEL_MUST_USE enum otel_err col_auth_header(const struct col_create *exporter,
                                            struct otl_buf *lines, bool *ret,
                                            struct otl_detail *reterr);

/* The id for col_guard_of() that the protocol's settings name; NULL: everybody may send.
 * OTEL_ERR_SYNTAX with the place. */
OTEL_MUST_USE enum otel_err col_auth_guard_id(const struct col_create *receiver,
                                              const json_t *protocol, const char **ret,
                                              struct otl_detail *reterr);

#endif
