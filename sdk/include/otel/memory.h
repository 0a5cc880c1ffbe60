/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTEL_MEMORY_H
#define OTEL_MEMORY_H

#include <otel/types.h>

/*
 * Allocator: where the API and the SDK take their memory from, in place of the C
 * library's heap.
 *
 * For programs that count, limit or place their memory themselves. Most need none of this.
 *
 * Life      set once, before any other function of these libraries; for the rest of the process.
 * Threads   set before other threads use the libraries; the functions are called from any thread,
 *           several at once, and must not call into these libraries.
 * Memory    What libevent, OpenSSL, libyaml and jansson allocate stays theirs: their setters are
 *           global, and a guest leaves them alone. HTTP/2 and compression take theirs here.
 * Limits    a function may return NULL at any time: a span is then not recorded, a batch not sent,
 *           and it is counted (no_memory).
 */

#ifdef __cplusplus
extern "C" {
#endif

/* As the C library's functions, for any type's alignment; size is never 0. */
struct otel_allocator {
    void *(*alloc)(void *arg, size_t size);
    void *(*realloc)(void *arg, void *memory, size_t size);
    void (*free)(void *arg, void *memory); /* never NULL */
    void *arg;
};

/* The struct is copied. OTEL_ERR_ARGUMENT: a function is missing. OTEL_ERR_CLOSED: too late,
 * something was allocated already, or one was set. */
OTEL_API OTEL_MUST_USE enum otel_err otel_set_allocator(const struct otel_allocator *allocator);
/* The one that was set, or NULL: the C library's. */
OTEL_API const struct otel_allocator *otel_allocator_in_use(void);

#ifdef __cplusplus
}
#endif
#endif
