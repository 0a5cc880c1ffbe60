/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/pipeline/ticket.h"

#include <stdio.h>

#include "collector-mock/pipeline/component.h"

void col_ticket_init(struct col_ticket *ticket, void (*on_done)(struct col_ticket *ticket))
{
    *ticket = (struct col_ticket){.on_done = on_done};
}

static void unlink_hold(struct col_hold *hold)
{
    if (hold->previous != NULL)
        hold->previous->next = hold->next;
    else
        hold->ticket->holds = hold->next;
    if (hold->next != NULL)
        hold->next->previous = hold->previous;
    hold->next = hold->previous = NULL;
    hold->ticket = NULL;
}

void col_hold_take(struct col_host *host, struct col_hold *hold,
                   void (*on_cancel)(struct col_hold *hold, bool shutdown))
{
    struct col_ticket *ticket = host->ticket;

    *hold = (struct col_hold){.ticket = ticket, .on_cancel = on_cancel};
    if (ticket == NULL)
        return;
    hold->next = ticket->holds;
    if (hold->next != NULL)
        hold->next->previous = hold;
    ticket->holds = hold;
}

static bool is_permanent(enum otel_err err)
{
    return otel_err_class(err) == OTEL_CLASS_PERMANENT || otel_err_class(err) == OTEL_CLASS_USAGE;
}

void col_hold_end(struct col_hold *hold, enum otel_err err, const char *text)
{
    struct col_ticket *ticket = hold->ticket;

    if (ticket == NULL)
        return;
    unlink_hold(hold);
    if (err != OTEL_OK &&
        (ticket->err == OTEL_OK || (is_permanent(err) && !is_permanent(ticket->err)))) {
        ticket->err = err;
        snprintf(ticket->text, sizeof(ticket->text), "%s", text);
    }
    if (ticket->holds == NULL)
        ticket->on_done(ticket);
}

void col_ticket_cancel(struct col_ticket *ticket, bool shutdown)
{
    struct col_hold *hold = ticket->holds, *next;
    bool last;

    ticket->cancelled = true;
    for (; hold != NULL; hold = last ? NULL : next) {
        next = hold->next;
        last = next == NULL; /* the ticket may be gone after its last one */
        hold->on_cancel(hold, shutdown);
    }
}

void col_ticket_leave(struct col_ticket *ticket)
{
    while (ticket->holds != NULL)
        unlink_hold(ticket->holds);
}
