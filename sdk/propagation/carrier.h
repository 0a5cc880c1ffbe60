/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_CARRIER_H
#define OTL_CARRIER_H

#include <otel/propagation.h>

/*
 * Reading every value of a key from a carrier whose getter may know only the first.
 *
 * Threads   no state.
 */
void otl_carrier_each(const void *carrier, const struct otel_text_map_getter *getter,
                      const char *key, otel_text_visit_fn *visit, void *arg);

#endif
