/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_CONTENT_H
#define HX_CONTENT_H

#include <stdbool.h>
#include <stdint.h>

#include "collector-mock/wire/traces.h"
#include "harness/ledger/canon.h"
#include "harness/verify/facts/facts.h"

/*
 * What a received span says, in the canonical form of harness/ledger/canon.h.
 *
 * Threads   no state.
 * Memory    views of a resource point into the request.
 */

/* Fills all of *row but what joins it to other rows (those become HX_NONE), and the content. */
void hx_content_row(const struct col_span *span, struct hx_fact_received *row,
                    struct hx_led_content *ret_content);
/* enum hx_altered: where the row and its content differ from what the ledger asked for. */
uint16_t hx_content_compare(const struct hx_fact_span *span, const struct hx_fact_received *row,
                            const struct hx_led_content *content);
/* Fills service, instance, sum and sdk_named. */
void hx_content_resource(const struct col_resource *resource, struct hx_fact_resource *ret);
bool hx_content_links_to(const struct col_list *links, const uint8_t trace_id[16],
                         const uint8_t span_id[8]);

#endif
