/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_BROKER_WATCH_H
#define HX_BROKER_WATCH_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Finds members of groups that wait for an answer which never comes. The mock cluster puts a member
 * whose JoinGroup it has not answered yet out of its group when a session is over, as it is where
 * the machine stands still in a round, and forgets the request; its client waits for as long as
 * max.poll.interval.ms. Nothing but the cluster's own debug log (librdkafka 2.0.2) tells of it: its
 * lines are read here. Lines of another release that are not understood find nobody.
 *
 * Threads   one, the cluster's.
 * Limits    HX_WATCH_GROUPS groups that are in a round, HX_WATCH_MEMBERS members; of more than that
 *           the one that was heard of first is forgotten.
 */

enum { HX_WATCH_GROUPS = 64, HX_WATCH_MEMBERS = 512, HX_WATCH_NAME_SIZE = 256 };

struct hx_broker_watch {
    uint64_t lines; /* that said something: the time of what follows */
    struct hx_watch_member {
        char id[40]; /* the cluster's: an address */
        uint64_t heard; /* a round's only sign of life is a JoinGroup */
    } members[HX_WATCH_MEMBERS];
    struct hx_watch_group {
        char name[HX_WATCH_NAME_SIZE];
        uint64_t joining; /* since; 0: it is in no round */
    } groups[HX_WATCH_GROUPS];
};

/* One line of the log. True: by it a member that waits for its answer was put out. */
bool hx_broker_watch_line(struct hx_broker_watch *watch, const char *line);

#endif
