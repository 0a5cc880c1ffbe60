/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_TEST_EVERY_NTH_H
#define OTL_TEST_EVERY_NTH_H

#include <stdbool.h>

#include <otel/err.h>

/*
 * A life again and again, while every n-th allocation fails (heap.h), for n = 1, 2, ... until a
 * life makes fewer than n; and then while the n-th alone does. Each may end without memory, none
 * may leave a block behind.
 *
 * Life      heap_install() first, in main().
 * Threads   one test; what it starts may allocate on threads of its own.
 */

struct every_nth {
    void (*prepare)(void *arg);       /* before allocations fail; may be NULL */
    enum otel_err (*live)(void *arg); /* all that is made is undone; how the making ended */
    void (*finish)(void *arg);        /* when they do not fail any more; may be NULL */
    void *arg;
    unsigned long most; /* allocations of one life, at most */
    bool slow;          /* a life takes long: some n are left out from 16 on, not from 64 */
};

/* Fails the test where a life is not as it should be, and unless the last one of each series is
 * whole. */
void every_nth(const struct every_nth *test);

#endif
