/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/telemetry/collect.h"

#include <stdlib.h>

#include "collector-mock/pipeline/crew.h"
#include "sdk/base/mem.h"

struct collect {
    struct col_crew *crew;
    col_collect_done_fn *done;
    void *context, *request;
    struct col_metrics *sum; /* NULL: failed */
    unsigned pending;        /* letters under way */
};

/* Goes to a worker, and back with its numbers. */
struct question {
    struct col_letter letter;
    struct collect *collect;
    struct col_host *host;       /* whom it is for */
    struct col_metrics *numbers; /* NULL: no memory */
};

/* ---- on worker 0 ---- */

/* One letter less. */
static void settle(struct collect *collect, bool deliver)
{
    if (--collect->pending > 0)
        return;
    collect->crew->collects--;
    if (deliver)
        collect->done(collect->context, collect->request, collect->sum);
    else
        col_metrics_free(collect->sum);
    otl_mem_free(collect);
}

static void open_reply(struct col_letter *letter, bool deliver)
{
    struct question *question = (struct question *)(void *)letter;
    struct collect *collect = question->collect;

    if (collect->sum != NULL && (question->numbers == NULL ||
                                 col_metrics_merge(collect->sum, question->numbers) != OTEL_OK)) {
        col_metrics_free(collect->sum);
        collect->sum = NULL;
    }
    col_metrics_free(question->numbers);
    otl_mem_free(question);
    settle(collect, deliver);
}

/* ---- on the others ---- */

/* The queue is full: look again in the next round of the loop. */
static void open_later(struct col_letter *letter, bool deliver);

static void reply(struct question *question)
{
    unsigned me = question->host->worker;
    struct col_post *post = question->collect->crew->post;

    question->letter.open = open_reply;
    if (col_post_send(post, me, 0, &question->letter))
        return;
    question->letter.open = open_later;
    if (!col_post_send(post, me, me, &question->letter))
        abort(); /* nothing else is sent to oneself */
}

static void open_later(struct col_letter *letter, bool deliver)
{
    if (deliver)
        reply((struct question *)(void *)letter);
    else
        open_reply(letter, false); /* joined: there is one thread */
}

static void open_question(struct col_letter *letter, bool deliver)
{
    struct question *question = (struct question *)(void *)letter;

    if (!deliver) {
        open_reply(letter, false);
        return;
    }
    if (col_metrics_new(&question->numbers) == OTEL_OK &&
        col_metrics_merge(question->numbers, question->host->metrics) != OTEL_OK) {
        col_metrics_free(question->numbers);
        question->numbers = NULL;
    }
    reply(question);
}

/* ---- */

static bool ask(struct collect *collect, unsigned worker)
{
    struct question *question = otl_mem_zalloc(sizeof(*question));

    if (question == NULL)
        return false;
    question->letter.open = open_question;
    question->collect = collect;
    question->host = col_crew_host(collect->crew, worker);
    if (col_post_send(collect->crew->post, 0, worker, &question->letter))
        return true;
    otl_mem_free(question);
    return false;
}

bool col_collect_begin(struct col_host *host, col_collect_done_fn *done, void *context,
                       void *request)
{
    struct col_crew *crew = host->crew;
    struct collect *collect;

    if (crew->collects == COL_COLLECTS_MAX)
        return false;
    collect = otl_mem_zalloc(sizeof(*collect));
    if (collect == NULL)
        return false;
    collect->crew = crew;
    collect->done = done;
    collect->context = context;
    collect->request = request;
    collect->pending = crew->workers;
    crew->collects++;
    if (col_metrics_new(&collect->sum) == OTEL_OK &&
        col_metrics_merge(collect->sum, host->metrics) != OTEL_OK) {
        col_metrics_free(collect->sum);
        collect->sum = NULL;
    }
    for (unsigned i = 1; i < crew->workers; i++) {
        if (ask(collect, i))
            continue;
        col_metrics_free(collect->sum);
        collect->sum = NULL;
        collect->pending--;
    }
    settle(collect, true); /* our own */
    return true;
}
