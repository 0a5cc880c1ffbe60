/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_LOGS_H
#define HX_LOGS_H

#include <jansson.h>

#include "harness/verify/judge/judge.h"

/*
 * The services' log lines that were written in a request's name, joined with the ledger's spans by
 * identity: ids, request, instance and flags.
 *
 * Limits    lines of 64 KiB; longer ones are not read.
 */

/* The report's "logs": {lines, received, not_sampled, not_received, untraced, unknown}; NULL: no
 * service wrote such a line, or no memory. */
json_t *hx_logs_json(const struct hx_judgement *j);

#endif
