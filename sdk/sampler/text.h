/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_SAMPLER_TEXT_H
#define OTL_SAMPLER_TEXT_H

#include <stddef.h>

/*
 * Descriptions of samplers that have a ratio.
 *
 * Threads   no state.
 */

/* The shortest decimal that reads back as ratio; size >= 32. Returns out. */
const char *otl_ratio_text(double ratio, char *out, size_t size);

#endif
