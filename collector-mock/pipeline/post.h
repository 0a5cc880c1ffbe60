/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_PIPELINE_POST_H
#define COL_PIPELINE_POST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sdk/base/buf.h"

/*
 * What one worker has for another: letters, through a bounded queue for each pair of workers, which
 * has one writer and one reader and no lock.
 *
 * A reader is woken only when it sleeps: before it does it says so and looks once more.
 *
 * Life      new -> send, open_all... on the threads of the workers -> (threads joined) settle ->
 *           free, which throws away what is still there.
 * Threads   each function on the thread of the worker that it names first; what says "joined" when
 *           there are no threads but one.
 * Memory    a letter belongs to who sends it, then to the post, then to its open(), which frees it.
 * Limits    COL_POST_SLOTS letters a pair, COL_POST_SPARE of them for what is no span; bytes that
 *           lie with one worker: max_bytes and one letter of each writer.
 */

enum { COL_WORKERS_MAX = 64, COL_POST_SLOTS = 256, COL_POST_SPARE = 16 };

struct event_base;
struct col_post;

struct col_letter {
    size_t bytes; /* what it counts for against max_bytes; 0: it is no span */
    /* Called once, on the thread of the one it is for; deliver false: only to free it. */
    void (*open)(struct col_letter *letter, bool deliver);
};

/* Why a letter cannot be sent. */
enum col_post_full { COL_POST_ROOM, COL_POST_NO_SLOT, COL_POST_NO_BYTES };

OTEL_MUST_USE enum otel_err col_post_new(unsigned workers, size_t max_bytes,
                                         struct col_post **ret);
void col_post_free(struct col_post *post); /* joined; may be NULL */

/* Wake this worker's loop when there is something for it. */
OTEL_MUST_USE enum otel_err col_post_listen(struct col_post *post, unsigned me,
                                            struct event_base *base);
/* Whether a letter of so many bytes (0: no span) has room. What has room now has it until me sends
 * to it. */
enum col_post_full col_post_room(struct col_post *post, unsigned me, unsigned to, size_t bytes);
/* False: there is no slot, the letter stays the caller's. */
bool col_post_send(struct col_post *post, unsigned me, unsigned to, struct col_letter *letter);
/* Open all that is there; false: there was nothing. */
bool col_post_open_all(struct col_post *post, unsigned me);
/* Me goes to sleep in its loop: false if there is something to be opened. Wake: it is back. */
bool col_post_sleep(struct col_post *post, unsigned me);
void col_post_woke(struct col_post *post, unsigned me);
/* Wake to without a letter, from any thread. */
void col_post_ring(struct col_post *post, unsigned to);
/* Joined: open everything, also what that makes, until all queues are empty. */
void col_post_settle(struct col_post *post);

#endif
