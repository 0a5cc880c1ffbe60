/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_COPY_H
#define OTL_COPY_H

#include <otel/types.h>

#include "sdk/base/arena.h"

/*
 * Deep copies of text and values into an arena, for those who keep what they were given, and a
 * deep look at whether two are the same.
 *
 * Threads   the arena's owner.
 * Memory    the copy lives as long as the arena.
 * Limits    the arena's; arrays and maps deeper than 64 become the empty value when
 *           they are copied; what is compared should be copies.
 */

/* Put a copy in the place of what is there. False: the arena has no room, or no memory; what is
 * there then must not be used. */
bool otl_copy_str(struct otl_arena *arena, struct otel_str *str);
bool otl_copy_value(struct otl_arena *arena, struct otel_value *value);

/* Equal in type and, bit by bit, in content; members of maps in the same order. */
bool otl_value_same(const struct otel_value *a, const struct otel_value *b);

#endif
