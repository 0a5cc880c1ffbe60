/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_SCENARIO_REPLICAS_H
#define HX_SCENARIO_REPLICAS_H

#include "harness/scenario/faults.h"

/*
 * What single replicas of a service have of their own (replica_settings): settings below the
 * service, as a restart can change them.
 *
 * Life      loaded with the scenario, read only, freed with it.
 * Threads   immutable.
 */

struct hx_replica_settings {
    unsigned replica;
    const struct hx_setting *settings;
    size_t setting_count;
};

/* The tree as one replica of service has it: with its own settings. The caller frees it.
 * OTEL_ERR_MEMORY. */
OTEL_MUST_USE enum otel_err hx_scenario_replica_tree(const struct hx_scenario *scenario,
                                                     const struct hx_service *service,
                                                     unsigned replica, json_t **ret,
                                                     struct otl_detail *reterr);

#endif
