/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_GATE_ENVIRONMENT_H
#define HX_GATE_ENVIRONMENT_H

#include <jansson.h>

/*
 * Where and with what two reports were made: what differs, by name.
 */

/* [{"key", "a", "b", "machine"}]: machine is true for what makes wall-clock figures incomparable
 * (processor, cores, memory, kernel, virtualisation, limits of CPU), false for what may be the very
 * change under test (revision, compiler, libraries). NULL: no memory. */
json_t *hx_environment_differences(const json_t *report_a, const json_t *report_b);

#endif
