/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_TEST_LOOP_HEAP_H
#define OTL_TEST_LOOP_HEAP_H

#include <stdbool.h>

/*
 * libevent's own heap in tests: what it asks for while it is exhausted is refused.
 *
 * The SDK leaves libevent's allocator alone, so that heap.h does not reach it.
 *
 * Life      loop_heap_install() once, before anything of libevent.
 * Threads   any; the fields are atomic.
 */

void loop_heap_install(void);
void loop_heap_exhaust(bool exhausted);
/* Calls refused since the last loop_heap_exhaust(). */
unsigned long loop_heap_refused(void);
/* Until so many more than now are refused; false after a minute. */
bool loop_heap_await_refusals(unsigned long more);

#endif
