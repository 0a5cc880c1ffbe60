/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_TEST_PLAYERS_H
#define HX_TEST_PLAYERS_H

#include <stddef.h>

#include "harness/verify/tests/world.h"

/*
 * Table-driven broken players: each changes one thing in a healthy world and names the checks that
 * must not pass, and no others.
 */

enum { PLAYERS_MAX = 64 };

struct player {
    const char *name;
    struct w_options options;
    void (*break_it)(struct world *world); /* NULL: healthy */
    const char *caught;                    /* the checks that do not pass, in their order */
    const char *refuted;                   /* expectations that do not pass; NULL: none */
    const char *const *killed;             /* instances that the supervisor killed */
};

/* One test a player; returns the number of failed ones. */
int run_players(const char *group, const struct player *players, size_t count);

#endif
