/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_HTTPDATE_H
#define OTL_HTTPDATE_H

#include <stdbool.h>
#include <stdint.h>

#include "sdk/base/buf.h"

/*
 * HTTP date (RFC 9110, 5.6.7): the fixed form and the two obsolete ones, always GMT.
 *
 *     Sun, 06 Nov 1994 08:49:37 GMT | Sunday, 06-Nov-94 08:49:37 GMT | Sun Nov  6 08:49:37 1994
 *
 * Threads   no state; the C library's locale and time zone are not looked at.
 *
 * now_s resolves the two-digit year of the second form: a date more than 50 years ahead is one of
 * the century before. The name of the weekday is read, not checked against the date. Dates before
 * 1970 are refused.
 */
bool otl_http_date_parse(struct otl_view text, uint64_t now_s, uint64_t *ret_s);

#endif
