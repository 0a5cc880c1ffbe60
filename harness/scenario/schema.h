/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_SCENARIO_SCHEMA_H
#define HX_SCENARIO_SCHEMA_H

#include "sdk/base/yaml/schema.h"

/* The scenario's grammar as a table: one row, the whole document. Private to this folder. */
extern const struct otl_schema hx_scenario_schema[1];
/* One row: a step, told apart by its verb. */
extern const struct otl_schema hx_scenario_step[1];

#endif
