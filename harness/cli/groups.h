/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_CLI_GROUPS_H
#define HX_CLI_GROUPS_H

#include <jansson.h>

/*
 * Consumer groups in figures, from what report.json says already: the events and the series that
 * carry a group's name, over the whole load and between one fault and the next.
 *
 * Threads   no state.
 */

/* Completes the rows of report's groups. */
void hx_groups_measure(json_t *report);

#endif
