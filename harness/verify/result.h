/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_RESULT_H
#define HX_RESULT_H

#include <jansson.h>

#include "harness/verify/judge/judge.h"

/*
 * From a judgement to the verifier's parts of report.json.
 */

/* The whole object; NULL: no memory. */
json_t *hx_result(struct hx_judgement *j);

#endif
