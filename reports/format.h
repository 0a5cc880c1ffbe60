/* SPDX-License-Identifier: Apache-2.0 */
#ifndef REP_FORMAT_H
#define REP_FORMAT_H

/*
 * Numbers as people read them: thousands apart, a unit, three or four significant digits.
 *
 * Threads   no state; the locale is not asked.
 * Memory    a text is returned by value: use rep_format_count(n).text within one expression.
 */

struct rep_text {
    char text[48];
};

/* 1234567 -> "1,234,567" */
struct rep_text rep_format_count(long long count);
/* 1234.5 -> "1,235", 12.3456 -> "12.35", 0.00123 -> "0.00123": four significant digits */
struct rep_text rep_format_number(double number);
/* 1234567 ns -> "1.23 ms"; three significant digits, units ns us ms s (us written with a mu) */
struct rep_text rep_format_ns(double ns);
/* 12345 -> "12.1 KiB" */
struct rep_text rep_format_bytes(double bytes);
/* 0.0713 -> "7.1 %" */
struct rep_text rep_format_share(double share);
/* 48.23 -> "48.2 s" */
struct rep_text rep_format_seconds(double seconds);
/* 1, "run" -> "1 run"; 1234, "run" -> "1,234 runs" */
struct rep_text rep_format_things(long long count, const char *thing);
/* By the unit's word in the schema: "ns", "bytes", "count", "1/s", "percent". */
struct rep_text rep_format_unit(double value, const char *unit);

#endif
