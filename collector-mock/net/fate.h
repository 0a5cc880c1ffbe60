/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_NET_FATE_H
#define COL_NET_FATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector-mock/net/tls.h"

/*
 * What a connection is made to suffer on command, decided when it is accepted, and those that
 * nobody reads for now.
 *
 * Threads   one owner: the event loop.
 */

struct col_fate {
    bool stall;             /* accepted, and nothing more */
    uint64_t read_rate;     /* bytes a second; 0: as they come */
    enum col_tls_fault tls; /* of its handshake */
};

/* open: it is no new one, only its read_rate counts. */
typedef void col_fate_fn(void *context, uint64_t connection, bool open, struct col_fate *ret);

struct col_stalled {
    struct col_stalled_one {
        int fd;
        uint64_t number;
    } *items;
    size_t count, cap;
};

/* Takes fd; without memory it is closed. */
void col_stalled_add(struct col_stalled *stalled, int fd, uint64_t number);
/* The last one; false: there is none. */
bool col_stalled_take(struct col_stalled *stalled, struct col_stalled_one *ret);
/* Closes what is left. */
void col_stalled_fini(struct col_stalled *stalled);

/* Who may come in: one over max_connections is closed and counted, as is every one while nobody
 * comes in any more; who is made to stall is put aside. */
struct col_admission {
    bool draining;
    size_t open, max; /* connections */
    struct col_stalled *stalled;
    uint64_t *refused, *connections; /* counted; the latter numbers them */
    col_fate_fn *on_connection;      /* NULL: nobody suffers anything */
    void *context;
};

/* True: fd is to be served, under this number and fate; otherwise it was taken. */
bool col_admit(const struct col_admission *admission, int fd, uint64_t *ret_number,
               struct col_fate *ret);

#endif
