/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_RECEIVERS_TLS_SETTINGS_H
#define COL_RECEIVERS_TLS_SETTINGS_H

#include "collector-mock/net/tls.h"
#include "collector-mock/pipeline/component.h"

/*
 * The `tls:` section of a receiver's protocol: the Collector's keys, and what they make.
 *
 * Errors name the file, line and column of the key at fault, also when what is wrong is in the
 * file that the key names.
 */

extern const struct otl_schema col_tls_keys[];

/* map: the protocol's settings. No `tls` in them: *ret is NULL. protocol as in col_tls_options. */
OTEL_MUST_USE enum otel_err col_tls_settings(const struct col_create *args, const json_t *map,
                                             const char *protocol, bool protocol_required,
                                             struct col_tls **ret, struct otl_detail *reterr);

/* What its handshakes came to, in /metrics; tls may be NULL. */
OTEL_MUST_USE enum otel_err col_tls_observe(struct col_tls *tls, struct col_host *host,
                                            const char *id, const char *transport);

#endif
