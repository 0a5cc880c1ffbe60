/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_CLI_JUDGING_H
#define HX_CLI_JUDGING_H

/*
 * Judging: the time between the end of a run and its report, in which an interrupt ends the program
 * at once. What it then says is how to come to the verdict nevertheless.
 *
 * Life      begin -> end; not nested.
 * Threads   one owner; it takes SIGINT, SIGTERM and SIGHUP meanwhile.
 */

/* dir: of the run, copied. */
void hx_judging_begin(const char *dir);
void hx_judging_end(void);

#endif
