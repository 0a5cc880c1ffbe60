/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_PIPELINE_TICKET_H
#define COL_PIPELINE_TICKET_H

#include <stdbool.h>

#include <otel/err.h>

/*
 * A request whose answer waits for what becomes of its spans.
 *
 * Who hands a request to a pipeline makes a ticket current in the host (host->ticket) for the
 * duration of consume. A component that cannot say yet what becomes of the spans takes a hold on
 * it, and ends the hold when it can. The ticket is done when its last hold has ended.
 *
 * Life      init -> (consume: take...) -> holds end -> on_done. A hold belongs to who took it.
 * Threads   that of the event loop.
 * Memory    nothing is allocated.
 *
 * A component that answers before its spans are anywhere (batch, tail_sampling, groupbytrace)
 * hides the ticket from what is behind it: decouples in its record.
 */

struct col_hold;
struct col_host;

struct col_ticket {
    struct col_hold *holds;
    enum otel_err err; /* the first one, or the first that is permanent */
    bool cancelled;
    char text[256];    /* of err */
    void (*on_done)(struct col_ticket *ticket);
};

struct col_hold {
    struct col_ticket *ticket; /* NULL: nobody waits */
    struct col_hold *next, *previous;
    /* Nobody wants the spans any more (the client has gone, or its time is over), or (shutdown)
     * the end has come: give up what was not begun, with col_hold_end(). */
    void (*on_cancel)(struct col_hold *hold, bool shutdown);
};

void col_ticket_init(struct col_ticket *ticket, void (*on_done)(struct col_ticket *ticket));
/* The hold joins the current ticket, if there is one. */
void col_hold_take(struct col_host *host, struct col_hold *hold,
                   void (*on_cancel)(struct col_hold *hold, bool shutdown));
/* text: why, unless err is OTEL_OK. Nothing happens if nobody waits. */
void col_hold_end(struct col_hold *hold, enum otel_err err, const char *text);
/* Tell every holder. The ticket may be done, and gone, afterwards. */
void col_ticket_cancel(struct col_ticket *ticket, bool shutdown);
/* Nobody waits any more: the holds stay, without it. */
void col_ticket_leave(struct col_ticket *ticket);

#endif
