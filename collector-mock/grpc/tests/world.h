/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_GRPC_TESTS_WORLD_H
#define COL_GRPC_TESTS_WORLD_H

#include <stdbool.h>

#include "collector-mock/grpc/conn.h"
#include "collector-mock/grpc/tests/client.h"

/* The server by itself, in this process, with a clock that the test moves. It answers with what
 * came; /fail with a text that needs escapes, /late when the test says so. */

struct event_base;

struct world {
    struct event_base *base;
    struct col_grpc_server *server;
    struct col_budget budget;
    uint64_t now_ns;
    struct col_grpc_request *held[8]; /* for /late, not yet answered */
    size_t held_count;
    unsigned requests, answered, unsent, refused, drained;
    bool flag;
};

void world_open(struct world *world, void (*change)(struct col_grpc_options *));
/* The budget is whole again. */
void world_close(struct world *world);
const struct otl_clock *world_clock(void);
/* Let the server do what it can now. */
void world_pump(void *world);
/* A socket; a client on one. */
int world_dial(const struct world *world);
void world_join(struct world *world, struct client *client);
/* Turn client and server until the counter has this value. */
void world_turn(struct client *client, const unsigned *counter, unsigned wanted);
void world_sweep(struct world *world);
/* Until the server has the beginning of the newest message. */
void world_begun(struct world *world, struct client *client);

#define SAY(text) .body = (text), .len = sizeof(text) - 1

#endif
