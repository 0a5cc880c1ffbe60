/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_VERIFY_SERIES_H
#define HX_VERIFY_SERIES_H

#include <jansson.h>

#include "harness/verify/facts/facts.h"

/*
 * What the consumers went through, second by second, from the ledger: longest handling and
 * messages handled again of each instance, and how old the messages of each group were when they
 * were handled.
 * Rows of report.json's "series", on the axis of the load.
 *
 * Limits    the first hour, 256 instances.
 */

/* Is there a consumer group of several members, so that there is something to see? */
bool hx_series_wanted(const struct hx_scenario *scenario);

/* NULL: no memory. */
json_t *hx_series_json(const struct hx_facts *facts);

#endif
