/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REP_RESOURCES_H
#define REP_RESOURCES_H

/*
 * Files of this folder that the program carries in itself, so that it can be moved anywhere.
 * Made by the rule in module.mk; each is the file's text.
 */

extern const char rep_resource_schema[]; /* schema/report.schema.json */
extern const char rep_resource_set_schema[]; /* schema/set.schema.json */
extern const char rep_resource_sweep_schema[]; /* schema/sweep.schema.json */
extern const char rep_resource_style[];  /* html/style.css */

#endif
