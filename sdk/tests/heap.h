/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_TEST_HEAP_H
#define OTL_TEST_HEAP_H

/*
 * The program's own allocator in tests: counts what is alive, marks its blocks, and lets the n-th
 * or every n-th call fail.
 *
 * Life      heap_install() once, before anything of the SDK.
 * Threads   any; the counters are atomic.
 */

void heap_install(void);
/* Every n-th call from now fails: 1 all, 2 every other one; 0: none. */
void heap_fail_every(unsigned long n);
/* The n-th call from now fails and no other; 0: none. */
void heap_fail_nth(unsigned long n);
/* Blocks alive. */
long heap_live(void);
/* Calls since the process began. */
unsigned long heap_calls(void);
/* Of them, that were made to fail since the last heap_fail_...(). */
unsigned long heap_failed(void);

#endif
