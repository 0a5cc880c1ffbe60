/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that make spans while the program ends. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "sdk/tests/put/put.h"

enum { THREADS_MAX = 16 };

static struct {
    pthread_t threads[THREADS_MAX];
    uint64_t count;
    struct otel_tracer *tracer;
    atomic_bool stop;
} busy;

static void *make_spans(void *arg)
{
    (void)arg;
    while (!atomic_load(&busy.stop)) {
        struct otel_span *span = otel_span_start(busy.tracer, "busy", NULL);

        otel_span_set_int(span, "n", 1);
        otel_span_finish(span);
        sched_yield();
    }
    return NULL;
}

/* busy THREADS T: so many threads make spans of tracer T until the SDK has been shut down */
static void do_busy(struct put *put, struct put_words *words)
{
    uint64_t count = put_number(words, 1);

    busy.tracer = put_find(put, PUT_TRACER, put_next(words));
    while (busy.count < count && busy.count < THREADS_MAX &&
           pthread_create(&busy.threads[busy.count], NULL, make_spans, NULL) == 0)
        busy.count++;
    fprintf(put->out, "ok");
}

bool put_busy_end(void)
{
    bool any = busy.count > 0;

    atomic_store(&busy.stop, true);
    while (busy.count > 0)
        pthread_join(busy.threads[--busy.count], NULL);
    return any;
}

const struct put_command put_busy_commands[] = {{"busy", do_busy}, {NULL, NULL}};
