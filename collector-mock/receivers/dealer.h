/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_RECEIVERS_DEALER_H
#define COL_RECEIVERS_DEALER_H

#include "collector-mock/pipeline/component.h"

/*
 * The connections that one listener accepts, dealt out in turn to the servers of all workers, so
 * that the few connections that exporters keep are spread evenly.
 *
 * Life      new (worker 0) -> sit (each server, before the workers run) -> deal... -> free.
 * Threads   that of worker 0; take is called on that of the server.
 * Errors    a worker that has no room for another letter is passed over: worker 0 keeps the
 *           connection.
 */

struct col_dealer;

OTEL_MUST_USE enum otel_err col_dealer_new(struct col_host *host, struct col_dealer **ret);
void col_dealer_free(struct col_dealer *dealer); /* may be NULL */
void col_dealer_sit(struct col_dealer *dealer, unsigned worker, void *server,
                    void (*take)(void *server, int fd));
/* self is a struct col_dealer. False: it is worker 0's turn, the descriptor stays the caller's. */
bool col_dealer_deal(void *self, int fd);

#endif
