/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/pipeline/post.h"

#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <event2/event.h>

#include "sdk/base/mem.h"

enum { LINE = 64 }; /* of the cache: reader and writer do not share one */

struct queue {
    atomic_uint head; /* read so far: the reader's */
    char apart[LINE];
    atomic_uint tail; /* written so far: the writer's */
    char from_slots[LINE];
    struct col_letter *slots[COL_POST_SLOTS];
};

struct box {
    atomic_size_t bytes; /* of the letters for this worker */
    char apart[LINE];
    atomic_bool asleep;
    int fd; /* of the event that wakes it */
    struct event *event;
    char from_next[LINE];
};

struct col_post {
    unsigned workers;
    size_t max_bytes;
    struct box boxes[COL_WORKERS_MAX];
    struct queue *queues[COL_WORKERS_MAX]; /* by reader: one for each writer */
};

static struct queue *queue_of(const struct col_post *post, unsigned from, unsigned to)
{
    return &post->queues[to][from];
}

enum otel_err col_post_new(unsigned workers, size_t max_bytes, struct col_post **ret)
{
    struct col_post *post = otl_mem_zalloc(sizeof(*post));
    enum otel_err err = post != NULL ? OTEL_OK : OTEL_ERR_MEMORY;

    if (err != OTEL_OK)
        return err;
    post->workers = workers;
    post->max_bytes = max_bytes;
    for (unsigned i = 0; i < workers; i++)
        post->boxes[i].fd = -1;
    for (unsigned i = 0; i < workers && err == OTEL_OK; i++) {
        post->queues[i] = otl_mem_zalloc(workers * sizeof(struct queue));
        post->boxes[i].fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        if (post->queues[i] == NULL || post->boxes[i].fd < 0)
            err = OTEL_ERR_MEMORY;
    }
    if (err == OTEL_OK)
        *ret = post;
    else
        col_post_free(post);
    return err;
}

static struct col_letter *take(struct queue *queue)
{
    unsigned head = atomic_load_explicit(&queue->head, memory_order_relaxed);
    struct col_letter *letter;

    if (head == atomic_load_explicit(&queue->tail, memory_order_acquire))
        return NULL;
    letter = queue->slots[head % COL_POST_SLOTS];
    atomic_store_explicit(&queue->head, head + 1, memory_order_release);
    return letter;
}

void col_post_free(struct col_post *post)
{
    struct col_letter *letter;

    if (post == NULL)
        return;
    for (unsigned to = 0; to < post->workers; to++) {
        for (unsigned from = 0; post->queues[to] != NULL && from < post->workers; from++)
            while ((letter = take(queue_of(post, from, to))) != NULL)
                letter->open(letter, false);
        if (post->boxes[to].event != NULL)
            event_free(post->boxes[to].event);
        if (post->boxes[to].fd >= 0)
            close(post->boxes[to].fd);
        otl_mem_free(post->queues[to]);
    }
    otl_mem_free(post);
}

/* The loop is awake: that was all it was for. */
static void on_ring(evutil_socket_t fd, short what, void *arg)
{
    uint64_t count;

    (void)what;
    (void)arg;
    if (read((int)fd, &count, sizeof(count)) < 0)
        return; /* nothing there: as good */
}

enum otel_err col_post_listen(struct col_post *post, unsigned me, struct event_base *base)
{
    struct box *box = &post->boxes[me];

    box->event = event_new(base, box->fd, EV_READ | EV_PERSIST, on_ring, NULL);
    if (box->event == NULL || event_add(box->event, NULL) != 0)
        return OTEL_ERR_MEMORY;
    return OTEL_OK;
}

enum col_post_full col_post_room(struct col_post *post, unsigned me, unsigned to, size_t bytes)
{
    struct queue *queue = queue_of(post, me, to);
    unsigned used = atomic_load_explicit(&queue->tail, memory_order_relaxed) -
                    atomic_load_explicit(&queue->head, memory_order_acquire);
    size_t held;

    if (used >= COL_POST_SLOTS - (bytes > 0 ? COL_POST_SPARE : 0))
        return COL_POST_NO_SLOT;
    held = atomic_load_explicit(&post->boxes[to].bytes, memory_order_relaxed);
    if (bytes > 0 && held > 0 && (bytes > post->max_bytes || held > post->max_bytes - bytes))
        return COL_POST_NO_BYTES;
    return COL_POST_ROOM;
}

void col_post_ring(struct col_post *post, unsigned to)
{
    static const uint64_t one = 1;

    if (atomic_exchange(&post->boxes[to].asleep, false) &&
        write(post->boxes[to].fd, &one, sizeof(one)) < 0)
        return; /* full of rings: it is awake */
}

bool col_post_send(struct col_post *post, unsigned me, unsigned to, struct col_letter *letter)
{
    struct queue *queue = queue_of(post, me, to);
    unsigned tail = atomic_load_explicit(&queue->tail, memory_order_relaxed);

    if (tail - atomic_load_explicit(&queue->head, memory_order_acquire) >= COL_POST_SLOTS)
        return false;
    atomic_fetch_add_explicit(&post->boxes[to].bytes, letter->bytes, memory_order_relaxed);
    queue->slots[tail % COL_POST_SLOTS] = letter;
    atomic_store(&queue->tail, tail + 1); /* before asleep is looked at */
    if (atomic_load(&post->boxes[to].asleep))
        col_post_ring(post, to);
    return true;
}

bool col_post_open_all(struct col_post *post, unsigned me)
{
    bool any = false;

    for (unsigned from = 0; from < post->workers; from++) {
        struct queue *queue = queue_of(post, from, me);
        struct col_letter *letter;
        /* a writer that never rests must not keep us: once round the queue is enough */
        for (unsigned i = 0; i < COL_POST_SLOTS && (letter = take(queue)) != NULL; i++) {
            atomic_fetch_sub_explicit(&post->boxes[me].bytes, letter->bytes,
                                      memory_order_relaxed);
            letter->open(letter, true);
            any = true;
        }
    }
    return any;
}

bool col_post_sleep(struct col_post *post, unsigned me)
{
    struct box *box = &post->boxes[me];

    atomic_store(&box->asleep, true);
    for (unsigned from = 0; from < post->workers; from++) {
        struct queue *queue = queue_of(post, from, me);
        if (atomic_load_explicit(&queue->head, memory_order_relaxed) ==
            atomic_load(&queue->tail))
            continue;
        atomic_store(&box->asleep, false);
        return false;
    }
    return true;
}

void col_post_woke(struct col_post *post, unsigned me)
{
    atomic_store_explicit(&post->boxes[me].asleep, false, memory_order_relaxed);
}

void col_post_settle(struct col_post *post)
{
    for (bool any = true; any;) {
        any = false;
        for (unsigned me = 0; me < post->workers; me++)
            any = col_post_open_all(post, me) || any;
    }
}
