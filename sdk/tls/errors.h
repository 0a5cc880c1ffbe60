/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_TLS_ERRORS_H
#define OTL_TLS_ERRORS_H

#include <stddef.h>

/*
 * The thread's OpenSSL error queue, put aside while we work on a thread of the guest's (a simple
 * processor, the making of an exporter): OpenSSL's own calls clear it.
 *
 * Life      a value: take -> give back.
 * Limits    16 entries, as OpenSSL's queue; texts are cut at the sizes below.
 */

enum { OTL_ERRORS_MAX = 16 };

struct otl_error_entry {
    unsigned long code;
    int line;
    char file[128], function[64], text[256];
};

struct otl_errors {
    size_t count;
    struct otl_error_entry entries[OTL_ERRORS_MAX]; /* set up to count */
};

/* The queue is empty afterwards. */
void otl_errors_take(struct otl_errors *errors);
/* The queue is what it was when taken; what came since is gone. */
void otl_errors_give_back(const struct otl_errors *errors);

#endif
