/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_LOOP_DESCRIPTORS_H
#define OTL_LOOP_DESCRIPTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The descriptors that a libevent base opened for itself, an epoll set and a pipe, found out from
 * /proc/self/fd: libevent does not tell them, and a forked child that touches nothing of the base
 * must close them all the same.
 *
 * Life      look before the base is made -> found after it -> close_inherited in a forked child.
 * Threads   others may open and close descriptors meanwhile: what cannot be told apart from
 *           theirs is not taken, and stays open.
 * Memory    one list of numbers between look and found.
 * Limits    DESCRIPTORS_MAX open ones; beyond that, or without /proc, nothing is found.
 */

enum { OTL_DESCRIPTORS_MAX = 1 << 16, OTL_BASE_DESCRIPTORS = 3 };

struct otl_open_before {
    int *fds; /* ascending */
    size_t count;
};

struct otl_base_descriptors {
    size_t count;
    int fds[OTL_BASE_DESCRIPTORS];
    uint64_t inodes[OTL_BASE_DESCRIPTORS];
};

void otl_descriptors_look(struct otl_open_before *before);
/* What is open now and was not before; gives the list back. */
void otl_descriptors_found(struct otl_open_before *before, struct otl_base_descriptors *ret);
/* Only those that are still what they were. */
void otl_descriptors_close(struct otl_base_descriptors *descriptors);

#endif
