/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/exporters/otlp_queue.h"

#include <string.h>

#include <event2/event.h>

#include "collector-mock/wire/regroup.h"
#include "sdk/base/mem.h"

enum place {
    IN_WAITING, /* for room */
    IN_PENDING, /* gathered */
    IN_JOBS     /* every part of it is in a job */
};

struct list {
    struct col_queue_item *first, *last;
    size_t count;
};

struct col_queue_item {
    struct col_hold hold;
    struct col_queue *queue;
    struct col_queue_item *next, *previous; /* of the list of its place */
    enum place place;
    uint64_t spans, size;
    uint64_t cut;                /* spans that are in jobs already, while it is gathered */
    unsigned parts;              /* jobs that hold something of it */
    struct col_queue_job *alone; /* the one job that holds all of it and nothing else; or NULL */
    enum otel_err err;
    size_t len;
    char data[];
};

struct col_queue {
    struct col_queue_options options;
    const struct col_otlp_settings *settings;
    struct list waiting, pending;
    struct col_queue_job *jobs, **jobs_end; /* not taken yet */
    uint64_t size, bytes;
    uint64_t gathered; /* what pending holds, by the sizer of the batch */
    struct col_regroup regroup;
    struct event *timer;
    bool flushing, admitting;
};

/* ---- lists ---- */

static void append(struct list *list, struct col_queue_item *item)
{
    item->next = NULL;
    item->previous = list->last;
    if (list->last != NULL)
        list->last->next = item;
    else
        list->first = item;
    list->last = item;
    list->count++;
}

static void take_out(struct list *list, struct col_queue_item *item)
{
    if (item->previous != NULL)
        item->previous->next = item->next;
    else
        list->first = item->next;
    if (item->next != NULL)
        item->next->previous = item->previous;
    else
        list->last = item->previous;
    item->next = item->previous = NULL;
    list->count--;
}

/* ---- the end of an item ---- */

static void admit(struct col_queue *queue);

/* The room that it took is free again, its client is told. */
static void finish(struct col_queue_item *item, enum otel_err err, const char *text)
{
    struct col_queue *queue = item->queue;

    if (item->place != IN_WAITING)
        queue->size -= item->size;
    queue->bytes -= item->len;
    col_hold_end(&item->hold, err, text);
    otl_mem_free(item);
}

static void lose(struct col_queue_item *item, enum col_queue_drop reason, const char *text)
{
    struct col_queue *queue = item->queue;

    queue->options.on_drop(queue->options.context, reason, item->spans - item->cut,
                           item->place == IN_WAITING);
    finish(item, OTEL_ERR_UNAVAILABLE, text);
}

static void free_job(struct col_queue_job *job)
{
    otl_buf_fini(&job->bytes);
    otl_mem_free(job);
}

void col_queue_end(struct col_queue *queue, struct col_queue_job *job, enum otel_err err,
                   const char *text)
{
    for (size_t i = 0; i < job->count; i++) {
        struct col_queue_item *item = job->items[i];
        if (item->err == OTEL_OK)
            item->err = err;
        item->alone = NULL;
        if (--item->parts == 0 && item->place == IN_JOBS)
            finish(item, item->err, text);
    }
    free_job(job);
    admit(queue);
}

/* ---- jobs ---- */

static uint64_t weight(const struct col_queue *queue, const struct col_queue_item *item)
{
    uint64_t left = item->spans - item->cut;

    if (queue->settings->queue.batch_sizer == COL_SIZE_ITEMS)
        return left;
    return left == item->spans ? item->len : item->len * left / item->spans;
}

static struct col_queue_job *new_job(size_t items)
{
    struct col_queue_job *job =
        otl_mem_zalloc(sizeof(*job) + items * sizeof(struct col_queue_item *));

    if (job != NULL)
        otl_buf_init(&job->bytes, COL_QUEUE_BYTES);
    return job;
}

static void push(struct col_queue *queue, struct col_queue_job *job)
{
    job->next = NULL;
    if (job->count == 1 && job->bytes.len == 0) {
        job->request = otl_view(job->items[0]->data, job->items[0]->len);
        job->items[0]->alone = job;
    } else {
        job->request = otl_view(job->bytes.data, job->bytes.len);
    }
    *queue->jobs_end = job;
    queue->jobs_end = &job->next;
}

static void add_part(struct col_queue_job *job, struct col_queue_item *item, uint64_t spans)
{
    job->items[job->count++] = item;
    job->spans += spans;
    item->parts++;
}

/* All that is left of the first item. */
static enum otel_err move_whole(struct col_queue *queue, struct col_queue_job *job, bool only)
{
    struct col_queue_item *item = queue->pending.first;
    enum otel_err err = OTEL_OK;

    if (!only)
        err = otl_buf_append(&job->bytes, item->data, item->len);
    if (err != OTEL_OK)
        return err;
    add_part(job, item, item->spans);
    take_out(&queue->pending, item);
    item->place = IN_JOBS;
    return OTEL_OK;
}

/* How many of so many points of it (or the one span or record that it is) have room, by what adding
 * it would make of the job, about: a group is closed by a few bytes. */
static uint64_t room_for(const struct col_queue *queue, const struct col_queue_job *job,
                         const struct col_item *item, uint64_t count)
{
    const struct col_regroup *regroup = &queue->regroup;
    uint64_t max = queue->settings->queue.batch_max, held = job->spans + regroup->count;
    uint64_t open = regroup->begun ? regroup->out.len : 0;

    if (queue->settings->queue.batch_sizer == COL_SIZE_ITEMS)
        return max - held < count ? max - held : count;
    if (held == 0)
        return count; /* one may be larger than all that is allowed */
    return job->bytes.len + open + regroup->scopes.len + regroup->items.len + item->raw.len +
                       item->resource->raw.len + item->resource->schema_url.len +
                       item->scope->raw.len + item->scope->schema_url.len + 64 <=
                   max
               ? count
               : 0;
}

/* As much of the first item as has room, into the regroup; *ret_full: the job is. */
static enum otel_err take_part(struct col_queue *queue, const struct col_queue_job *job,
                               bool *ret_full)
{
    const struct col_queue_item *from = queue->pending.first;
    enum otel_err err = OTEL_OK;
    struct col_traces items;
    struct col_item item;
    uint64_t at = 0;

    col_items_init(&items, queue->settings->signal, otl_view(from->data, from->len));
    while (err == OTEL_OK && !*ret_full && col_items_next(&items, &item)) {
        uint64_t first = from->cut > at ? from->cut - at : 0, left, taken;
        at += item.count;
        if (first > 0 && first >= item.count)
            continue;
        left = item.count - first;
        taken = room_for(queue, job, &item, left);
        *ret_full = taken < left;
        if (taken > 0 || left == 0)
            err = col_regroup_part(&queue->regroup, &items, &item, first, taken);
    }
    return err;
}

/* So much of the first item as has room; *ret_full: the job is. */
static enum otel_err move_part(struct col_queue *queue, struct col_queue_job *job, bool *ret_full)
{
    struct col_queue_item *item = queue->pending.first;
    struct otl_view bytes = otl_view("", 0);
    uint64_t taken;
    enum otel_err err;

    *ret_full = false;
    err = take_part(queue, job, ret_full);
    taken = queue->regroup.count;
    if (err == OTEL_OK && queue->regroup.begun)
        err = col_regroup_finish(&queue->regroup, &bytes);
    if (err == OTEL_OK)
        err = otl_buf_append(&job->bytes, bytes.data, bytes.len);
    if (err != OTEL_OK) {
        col_regroup_fini(&queue->regroup);
        col_regroup_init(&queue->regroup, COL_QUEUE_BYTES);
        return err;
    }
    if (taken > 0)
        add_part(job, item, taken);
    item->cut += taken;
    if (item->cut == item->spans) {
        take_out(&queue->pending, item);
        item->place = IN_JOBS;
    }
    return OTEL_OK;
}

/* Into one job, up to max_size. */
static enum otel_err gather_job(struct col_queue *queue, struct col_queue_job *job)
{
    uint64_t max = queue->settings->queue.batch_max;
    bool only = queue->pending.count == 1, full = false;
    enum otel_err err = OTEL_OK;

    while (err == OTEL_OK && !full && queue->pending.first != NULL) {
        struct col_queue_item *item = queue->pending.first;
        uint64_t before = weight(queue, item);
        if (max == 0 || (only && item->cut == 0 && before <= max))
            err = move_whole(queue, job, only);
        else
            err = move_part(queue, job, &full);
        if (err == OTEL_OK)
            queue->gathered -=
                before - (queue->pending.first == item ? weight(queue, item) : 0);
    }
    return err;
}

/* The first of those that are gathered can be put in no job: it is lost. */
static void lose_first(struct col_queue *queue)
{
    struct col_queue_item *item = queue->pending.first;

    queue->gathered -= weight(queue, item);
    take_out(&queue->pending, item);
    item->place = IN_JOBS;
    if (item->parts == 0) {
        lose(item, COL_DROP_MEMORY, "out of memory");
        return;
    }
    queue->options.on_drop(queue->options.context, COL_DROP_MEMORY, item->spans - item->cut,
                           false);
    item->err = OTEL_ERR_UNAVAILABLE;
}

/* Jobs of what is gathered: all that is more than max_size, and the rest if it is enough. */
static void make_jobs(struct col_queue *queue, bool all)
{
    uint64_t min = queue->settings->queue.batch_min, max = queue->settings->queue.batch_max;

    while (queue->pending.first != NULL &&
           (all || queue->gathered >= min || (max > 0 && queue->gathered > max))) {
        struct col_queue_job *job = new_job(queue->pending.count);
        enum otel_err err = job != NULL ? gather_job(queue, job) : OTEL_ERR_MEMORY;
        if (err != OTEL_OK)
            lose_first(queue);
        if (job != NULL && job->count > 0)
            push(queue, job);
        else if (job != NULL)
            free_job(job);
    }
    if (queue->pending.first == NULL && queue->settings->queue.batches)
        event_del(queue->timer);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct col_queue *queue = arg;

    (void)fd;
    (void)what;
    make_jobs(queue, true);
    queue->options.on_job(queue->options.context);
}

/* It has room: into the queue. */
static void enter(struct col_queue *queue, struct col_queue_item *item)
{
    uint64_t flush_ns = queue->settings->queue.batch_flush_ns;
    const struct timeval after = {(time_t)(flush_ns / OTL_NS_PER_S),
                                  (suseconds_t)(flush_ns % OTL_NS_PER_S / 1000)};
    bool first = queue->pending.first == NULL;

    item->place = IN_PENDING;
    queue->size += item->size;
    append(&queue->pending, item);
    queue->gathered += weight(queue, item);
    if (!queue->settings->queue.waits)
        col_hold_end(&item->hold, OTEL_OK, ""); /* it was taken: what blocked goes on */
    make_jobs(queue, !queue->settings->queue.batches || queue->flushing);
    if (first && queue->pending.first != NULL && !event_pending(queue->timer, EV_TIMEOUT, NULL))
        event_add(queue->timer, &after);
}

/* ---- room ---- */

static bool fits(const struct col_queue *queue, uint64_t size)
{
    return size <= queue->settings->queue.size &&
           queue->size <= queue->settings->queue.size - size;
}

/* Those that wait, in their order, while there is room. */
static void admit(struct col_queue *queue)
{
    if (queue->admitting)
        return;
    queue->admitting = true;
    while (queue->waiting.first != NULL && fits(queue, queue->waiting.first->size)) {
        struct col_queue_item *item = queue->waiting.first;
        take_out(&queue->waiting, item);
        enter(queue, item);
    }
    queue->admitting = false;
    if (queue->jobs != NULL)
        queue->options.on_job(queue->options.context);
}

/* ---- clients that have gone ---- */

static void on_cancel(struct col_hold *hold, bool shutdown)
{
    struct col_queue_item *item = (struct col_queue_item *)(void *)hold;
    struct col_queue *queue = item->queue;
    enum col_queue_drop reason = shutdown ? COL_DROP_SHUTDOWN : COL_DROP_CANCELLED;

    if (item->place == IN_WAITING) {
        take_out(&queue->waiting, item);
        lose(item, reason, shutdown ? "shutting down" : "context canceled");
        admit(queue);
    } else if (item->alone != NULL && !item->alone->taken && !shutdown) {
        item->alone->cancelled = true; /* its turn comes, as in the Collector */
    } else {
        queue->options.on_cancel(queue->options.context, item->alone, shutdown);
    }
}

/* ---- taking ---- */

static enum otel_err refuse(struct col_queue *queue, const struct col_batch *batch,
                            enum col_queue_drop reason, const char *why,
                            struct otl_detail *reterr)
{
    queue->options.on_drop(queue->options.context, reason, batch->items, true);
    return otl_detail_set(reterr, OTEL_ERR_UNAVAILABLE, NULL, 0, 0, "%s", why);
}

static uint64_t size_of(const struct col_queue *queue, const struct col_batch *batch)
{
    switch (queue->settings->queue.sizer) {
    case COL_SIZE_ITEMS:
        return batch->items;
    case COL_SIZE_BYTES:
        return batch->request.len;
    default:
        return 1;
    }
}

enum otel_err col_queue_put(struct col_queue *queue, const struct col_batch *batch,
                            struct otl_detail *reterr)
{
    uint64_t size = size_of(queue, batch);
    bool room = queue->waiting.first == NULL && fits(queue, size);
    struct col_queue_item *item;

    if (size > queue->settings->queue.size)
        return refuse(queue, batch, COL_DROP_TOO_LARGE, "element size too large", reterr);
    if (!room && (!queue->settings->queue.blocks || queue->flushing ||
                  queue->waiting.count == COL_QUEUE_WAITING))
        return refuse(queue, batch, COL_DROP_QUEUE_FULL, "sending queue is full", reterr);
    if (queue->bytes + batch->request.len > COL_QUEUE_BYTES)
        return refuse(queue, batch, COL_DROP_QUEUE_BYTES, "sending queue holds too many bytes",
                      reterr);
    item = otl_mem_alloc(sizeof(*item) + batch->request.len);
    if (item == NULL)
        return refuse(queue, batch, COL_DROP_MEMORY, "out of memory", reterr);
    *item = (struct col_queue_item){.queue = queue,
                                    .place = IN_WAITING,
                                    .spans = batch->items,
                                    .size = size,
                                    .len = batch->request.len};
    memcpy(item->data, batch->request.data, batch->request.len);
    queue->bytes += item->len;
    if (!room || queue->settings->queue.waits)
        col_hold_take(queue->options.host, &item->hold, on_cancel);
    if (room)
        enter(queue, item);
    else
        append(&queue->waiting, item);
    queue->options.on_job(queue->options.context);
    return OTEL_OK;
}

static struct col_queue_job *take_first(struct col_queue *queue)
{
    struct col_queue_job *job = queue->jobs;

    if (job == NULL)
        return NULL;
    queue->jobs = job->next;
    if (queue->jobs == NULL)
        queue->jobs_end = &queue->jobs;
    job->taken = true;
    return job;
}

struct col_queue_job *col_queue_take(struct col_queue *queue)
{
    struct col_queue_job *job = take_first(queue);

    while (job != NULL && job->cancelled) {
        queue->options.on_drop(queue->options.context, COL_DROP_CANCELLED, job->spans, false);
        col_queue_end(queue, job, OTEL_ERR_UNAVAILABLE, "context canceled");
        job = take_first(queue);
    }
    return job;
}

void col_queue_flush(struct col_queue *queue)
{
    queue->flushing = true;
    make_jobs(queue, true);
    queue->options.on_job(queue->options.context);
}

void col_queue_drop_all(struct col_queue *queue)
{
    static const char why[] = "shutting down";
    struct col_queue_job *job;

    while ((job = take_first(queue)) != NULL) {
        queue->options.on_drop(queue->options.context, COL_DROP_SHUTDOWN, job->spans, false);
        col_queue_end(queue, job, OTEL_ERR_UNAVAILABLE, why);
    }
    while (queue->pending.first != NULL) {
        struct col_queue_item *item = queue->pending.first;
        queue->gathered -= weight(queue, item);
        take_out(&queue->pending, item);
        item->place = IN_JOBS;
        lose(item, COL_DROP_SHUTDOWN, why);
    }
    while (queue->waiting.first != NULL) {
        struct col_queue_item *item = queue->waiting.first;
        take_out(&queue->waiting, item);
        lose(item, COL_DROP_SHUTDOWN, why);
    }
}

/* ---- life ---- */

enum otel_err col_queue_new(const struct col_queue_options *options, struct col_queue **ret)
{
    struct col_queue *queue = otl_mem_zalloc(sizeof(*queue));

    if (queue == NULL)
        return OTEL_ERR_MEMORY;
    queue->options = *options;
    queue->settings = options->settings;
    queue->jobs_end = &queue->jobs;
    col_regroup_init(&queue->regroup, COL_QUEUE_BYTES);
    queue->timer = event_new(options->host->base, -1, 0, on_timer, queue);
    if (queue->timer == NULL) {
        col_queue_free(queue);
        return OTEL_ERR_MEMORY;
    }
    *ret = queue;
    return OTEL_OK;
}

void col_queue_free(struct col_queue *queue)
{
    if (queue == NULL)
        return;
    col_queue_drop_all(queue);
    if (queue->timer != NULL)
        event_free(queue->timer);
    col_regroup_fini(&queue->regroup);
    otl_mem_free(queue);
}

bool col_queue_is_empty(const struct col_queue *queue)
{
    return queue->jobs == NULL && queue->pending.first == NULL && queue->waiting.first == NULL;
}

uint64_t col_queue_size(const struct col_queue *queue)
{
    return queue->size;
}

size_t col_queue_blocked(const struct col_queue *queue)
{
    return queue->waiting.count;
}
