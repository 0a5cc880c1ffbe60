/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/exporters/around.h"

#include <stdio.h>

#include <event2/event.h>

#include "sdk/base/mem.h"

/* What a consumer has in hand, until all exporters have answered. */
struct turn {
    struct col_ticket ticket;
    struct col_around *around;
    struct event *timer; /* of the timeout */
    uint64_t left_out;
    bool waiting, late;
};

struct col_around {
    struct col_around_options options;
    struct col_sender *sender;
    struct turn *turns; /* of each consumer */
};

/* ---- what has become of it ---- */

static void answer(struct turn *turn)
{
    struct col_around *around = turn->around;
    enum otel_err_class class = otel_err_class(turn->ticket.err);
    struct col_otlp_answer said = {.verdict = COL_OTLP_SENT};

    if (turn->ticket.err == OTEL_OK)
        said.left_out = turn->left_out;
    else if (!turn->late && (class == OTEL_CLASS_PERMANENT || class == OTEL_CLASS_USAGE))
        said.verdict = COL_OTLP_REFUSED;
    else
        said.verdict = COL_OTLP_AGAIN;
    snprintf(said.why, sizeof(said.why), "%.150s",
             turn->late ? "context deadline exceeded" : turn->ticket.text);
    col_sender_answer(around->sender, (unsigned)(turn - around->turns), &said);
}

/* The last hold has ended. */
static void on_done(struct col_ticket *ticket)
{
    struct turn *turn = (struct turn *)(void *)ticket;

    if (!turn->waiting)
        return; /* it is still being handed over */
    turn->waiting = false;
    event_del(turn->timer);
    answer(turn);
}

static void on_late(evutil_socket_t fd, short what, void *arg)
{
    struct turn *turn = arg;

    (void)fd;
    (void)what;
    turn->late = true;
    col_ticket_cancel(&turn->ticket, false);
}

/* ---- attempts ---- */

static void wait_until(struct turn *turn, uint64_t deadline_ns)
{
    uint64_t now_ns = otl_clock_mono(turn->around->options.host->clock);
    uint64_t left_ns = deadline_ns > now_ns ? deadline_ns - now_ns : 0;
    const struct timeval after = {(time_t)(left_ns / OTL_NS_PER_S),
                                  (suseconds_t)(left_ns % OTL_NS_PER_S / 1000)};

    turn->waiting = true;
    event_add(turn->timer, &after);
}

/* Nobody is waiting for this but the sender: who brought the request may be gone. */
static enum otel_err attempt(void *context, unsigned consumer, const struct col_queue_job *job,
                             uint64_t deadline_ns)
{
    struct col_around *around = context;
    struct turn *turn = &around->turns[consumer];
    struct col_host *host = around->options.host;
    struct col_ticket *ticket = host->ticket;
    const struct col_metadata *metadata = host->metadata;
    struct otl_detail detail = OTL_DETAIL_NONE;
    const struct col_batch batch = {.request = job->request,
                                    .items = job->spans,
                                    .mono_ns = otl_clock_mono(host->clock),
                                    .signal = around->options.settings->signal};
    enum otel_err err;

    turn->late = false;
    col_ticket_init(&turn->ticket, on_done);
    host->ticket = &turn->ticket;
    host->metadata = NULL;
    err = around->options.hand_on(around->options.context, &batch, &turn->left_out, &detail);
    host->ticket = ticket;
    host->metadata = metadata;
    if (err != OTEL_OK) { /* which the others cannot better */
        turn->ticket.err = err;
        snprintf(turn->ticket.text, sizeof(turn->ticket.text), "%.250s", detail.text);
    }
    if (turn->ticket.holds != NULL)
        wait_until(turn, deadline_ns);
    else
        answer(turn);
    return OTEL_OK;
}

static void abandon(void *context, unsigned consumer)
{
    struct col_around *around = context;
    struct turn *turn = &around->turns[consumer];

    turn->waiting = false;
    event_del(turn->timer);
    col_ticket_leave(&turn->ticket);
}

/* ---- life ---- */

enum otel_err col_around_put(struct col_around *around, const struct col_batch *batch,
                             struct otl_detail *reterr)
{
    return col_sender_put(around->sender, batch, reterr);
}

void col_around_flush(struct col_around *around)
{
    col_sender_flush(around->sender);
}

void col_around_free(struct col_around *around)
{
    if (around == NULL)
        return;
    col_sender_free(around->sender);
    for (unsigned i = 0;
         around->turns != NULL && i < around->options.settings->queue.consumers; i++)
        if (around->turns[i].timer != NULL)
            event_free(around->turns[i].timer);
    otl_mem_free(around->turns);
    otl_mem_free(around);
}

static enum otel_err make_turns(struct col_around *around)
{
    unsigned consumers = around->options.settings->queue.consumers;

    around->turns = otl_mem_zalloc(consumers * sizeof(*around->turns));
    if (around->turns == NULL)
        return OTEL_ERR_MEMORY;
    for (unsigned i = 0; i < consumers; i++) {
        struct turn *turn = &around->turns[i];
        turn->around = around;
        turn->timer = event_new(around->options.host->base, -1, 0, on_late, turn);
        if (turn->timer == NULL)
            return OTEL_ERR_MEMORY;
    }
    return OTEL_OK;
}

enum otel_err col_around_new(const struct col_around_options *options, struct col_around **ret)
{
    struct col_around *around = otl_mem_zalloc(sizeof(*around));
    const struct col_sender_options sender = {.settings = options->settings,
                                              .host = options->host,
                                              .id = options->id,
                                              .context = around,
                                              .attempt = attempt,
                                              .abandon = abandon};
    enum otel_err err;

    if (around == NULL)
        return OTEL_ERR_MEMORY;
    around->options = *options;
    err = make_turns(around);
    if (err == OTEL_OK)
        err = col_sender_new(&sender, &around->sender);
    if (err == OTEL_OK)
        *ret = around;
    else
        col_around_free(around);
    return err;
}
