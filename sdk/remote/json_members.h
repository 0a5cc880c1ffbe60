/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_JSON_MEMBERS_H
#define OTL_JSON_MEMBERS_H

#include "sdk/base/json_read.h"

/*
 * Objects, arrays and numbers of a known form, by sdk/base/json_read.h. Where one is expected null
 * is one, too: an empty one, or no number.
 *
 * Threads   no state.
 *
 * Functions that return bool say whether to go on; when they say no, err of the reader tells why.
 */

/* One member; a value that is not known is the function's to skip. */
typedef bool otl_json_member_fn(void *arg, struct otl_view key);
bool otl_json_members(struct otl_json_reader *json, otl_json_member_fn *member, void *arg);
/* One element. */
typedef bool otl_json_item_fn(void *arg);
bool otl_json_items(struct otl_json_reader *json, otl_json_item_fn *item, void *arg);
/* A number in [0, max], or one in quotes. Null: *ret stays. OTEL_ERR_ARGUMENT. */
bool otl_json_number(struct otl_json_reader *json, double max, double *ret);
/* An object, and nothing behind it. */
bool otl_json_whole(struct otl_json_reader *json, otl_json_member_fn *member, void *arg);

#endif
