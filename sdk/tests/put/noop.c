/* SPDX-License-Identifier: Apache-2.0 */
/* What the API costs without an SDK: nanoseconds and allocations. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "sdk/tests/put/put.h"

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define COUNTED 1
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *old, size_t size);

static _Atomic uint64_t allocations;

void *malloc(size_t size)
{
    atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed);
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed);
    return __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    atomic_fetch_add_explicit(&allocations, 1, memory_order_relaxed);
    return __libc_realloc(old, size);
}
#else
#define COUNTED 0
static uint64_t allocations;
#endif

/* noop ROUNDS T -> ps_each=N allocations=N counted=0|1: a span with an attribute, the fastest of
 * 20 runs in picoseconds each */
static void do_noop(struct put *put, struct put_words *words)
{
    uint64_t rounds = put_number(words, 1000), best = UINT64_MAX, before = allocations, after;
    struct otel_tracer *tracer = put_find(put, PUT_TRACER, put_next(words));

    for (int run = 0; run < 20; run++) {
        uint64_t began = put_mono_ns();

        for (uint64_t i = 0; i < rounds; i++) {
            struct otel_span *span = otel_span_start(tracer, "s", NULL);

            otel_span_set_int(span, "k", 1);
            otel_span_finish(span);
        }
        began = (put_mono_ns() - began) * 1000 / rounds;
        best = began < best ? began : best;
    }
    after = allocations;
    fprintf(put->out, "ok");
    put_say_number(put, "ps_each", best);
    put_say_number(put, "allocations", after - before);
    put_say_number(put, "counted", COUNTED);
}

const struct put_command put_noop_commands[] = {{"noop", do_noop}, {NULL, NULL}};
