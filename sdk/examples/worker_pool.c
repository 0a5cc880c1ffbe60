/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pool of threads. A job carries the context of whoever asked for it, since "current" means the
 * thread: a worker's own current context knows nothing of the request.
 *
 *     cc -o worker_pool worker_pool.c $(pkg-config --cflags --libs otel_sdk) -lpthread
 *     OTEL_SERVICE_NAME=pool OTEL_TRACES_EXPORTER=console ./worker_pool 3 10
 */
#include <otel/sdk/config.h>
#include <otel/trace.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { WORKERS = 4, QUEUE_MAX = 8 };

/* One request: a span that whichever worker is the last one ends. */
struct request {
    struct otel_span *span;
    struct otel_context *context; /* with the span in it */
    atomic_int jobs_left;
};

struct job {
    struct request *request;
    int number;
};

static struct otel_tracer *tracer;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t filled = PTHREAD_COND_INITIALIZER, emptied = PTHREAD_COND_INITIALIZER;
static struct job queue[QUEUE_MAX];
static int first, count, closed;

static void push(struct job job)
{
    pthread_mutex_lock(&lock);
    while (count == QUEUE_MAX)
        pthread_cond_wait(&emptied, &lock);
    queue[(first + count++) % QUEUE_MAX] = job;
    pthread_cond_signal(&filled);
    pthread_mutex_unlock(&lock);
}

static int pop(struct job *ret_job)
{
    int got;

    pthread_mutex_lock(&lock);
    while (count == 0 && !closed)
        pthread_cond_wait(&filled, &lock);
    got = count > 0;
    if (got) {
        *ret_job = queue[first];
        first = (first + 1) % QUEUE_MAX;
        count--;
        pthread_cond_signal(&emptied);
    }
    pthread_mutex_unlock(&lock);
    return got;
}

static void request_start(struct request *request, int jobs)
{
    request->span = otel_span_start(tracer, "request", NULL);
    otel_span_set_int(request->span, "example.jobs", jobs);
    /* A context is immutable: threads share it freely, and it keeps the span alive. */
    request->context = otel_context_with_span(otel_context_root(), request->span);
    atomic_init(&request->jobs_left, jobs);
}

/* Any thread may end a span, not only the one that started it. */
static void request_done(struct request *request)
{
    otel_span_finish(request->span);
    otel_context_unref(request->context);
}

/* Code that cannot be given a context, as in a library: it takes what is current. */
static void compute(int number)
{
    struct otel_span *span = otel_span_start(tracer, "compute", NULL);

    otel_span_set_int(span, "example.square", number * number);
    otel_span_finish(span);
}

static void work(const struct job *job)
{
    struct otel_span_options options;
    struct otel_span *span;
    struct otel_context *context;
    struct otel_context_token token;

    otel_span_options_init(&options);
    options.parent = job->request->context; /* the job's, not this thread's */
    span = otel_span_start(tracer, "job", &options);
    otel_span_set_int(span, "example.number", job->number);

    /* Attach around synchronous code only, and detach on the same thread: a context that stays
     * attached would be the parent of whatever this worker does next. */
    context = otel_context_with_span(job->request->context, span);
    token = otel_context_attach(context);
    compute(job->number);
    otel_context_detach(token);
    otel_context_unref(context);

    otel_span_finish(span);
    if (atomic_fetch_sub(&job->request->jobs_left, 1) == 1)
        request_done(job->request);
}

static void *worker(void *arg)
{
    struct job job;

    (void)arg;
    while (pop(&job))
        work(&job);
    return NULL;
}

int main(int argc, char **argv)
{
    int requests = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 1;
    int jobs = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 10;
    struct request *all = requests > 0 && jobs > 0 ? calloc((size_t)requests, sizeof(*all)) : NULL;
    pthread_t threads[WORKERS];
    struct otel_sdk *sdk = NULL;
    int started = 0;

    if (all == NULL)
        return 2;
    if (otel_sdk_from_env(NULL, &sdk) == OTEL_OK)
        otel_sdk_install(sdk);
    tracer = otel_tracer("example.pool", NULL);
    while (started < WORKERS && pthread_create(&threads[started], NULL, worker, NULL) == 0)
        started++;
    if (started == 0)
        return 3;

    for (int i = 0; i < requests; i++) {
        request_start(&all[i], jobs);
        for (int number = 0; number < jobs; number++)
            push((struct job){&all[i], number});
    }

    pthread_mutex_lock(&lock);
    closed = 1;
    pthread_cond_broadcast(&filled);
    pthread_mutex_unlock(&lock);
    for (int i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    free(all);
    otel_tracer_unref(tracer);
    if (sdk != NULL)
        otel_sdk_shutdown(sdk, 5000); /* when no thread makes spans any more */
    otel_sdk_free(sdk);
    return 0;
}
