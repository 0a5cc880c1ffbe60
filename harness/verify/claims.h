/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_CLAIMS_H
#define HX_CLAIMS_H

#include <jansson.h>

#include "harness/verify/judge/judge.h"

/*
 * What the scenario claims, held against what was judged.
 *
 * Without a list of checks every check must pass; with one, those named, and always not_empty,
 * ledger, tap and (of a broken player) player_erred. A claimed check that had nothing to judge is
 * inconclusive.
 */

/* The report's "expectations" (NULL: no memory) and the verdict of the whole run: fail before
 * inconclusive before pass. */
json_t *hx_claims_judge(const struct hx_judgement *j, enum hx_verdict *ret_verdict);

#endif
