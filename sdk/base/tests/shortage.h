/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_BASE_TESTS_SHORTAGE_H
#define OTL_BASE_TESTS_SHORTAGE_H

struct event_base;

/*
 * A program without a descriptor for one more connection, which the kernel therefore tells of for
 * ever: whoever listens must rest, or its loop turns without end.
 */

/* From now on this process can open nothing. */
void shortage_begin(void);
void shortage_end(void);

/* How many events of the loop wait for somebody to connect. */
unsigned shortage_listeners(struct event_base *base);
/* Turn the loop, a bounded number of times, until so many do; a failure ends the shortage too. */
void shortage_await_listeners(struct event_base *base, unsigned wanted);

#endif
