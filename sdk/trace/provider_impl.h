/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_PROVIDER_IMPL_H
#define OTL_PROVIDER_IMPL_H

#include <otel/impl.h>
#include <otel/sdk/provider.h>

#include "sdk/otlp/value.h"
#include "sdk/trace/local.h"

/*
 * The inside of a provider and of a tracer, for the files of sdk/trace.
 *
 * Life      a provider is counted: the handle, every API reference and every tracer hold one.
 *           When the last is gone and no span is alive, it is destroyed; while spans are alive it
 *           waits in a list that is looked through when a provider is made or freed.
 * Threads   what changes after new is marked; everything else is read without a lock.
 */

/* Replaced as a whole when a processor is added; older ones are kept until the end. */
struct otl_processors {
    struct otl_processors *older;
    size_t count;
    bool any_on_start, any_on_ending;
    struct otel_sdk_processor *items[];
};

struct otl_tracer {
    struct otel_tracer api;
    struct otel_sdk_provider *provider;
    size_t refs; /* atomic */
    struct otel_sdk_scope scope;
    struct otl_tracer *next; /* under the provider's lock */
};

enum { OTL_MAX_PROCESSORS = 16, OTL_MAX_TRACERS = 1024 /* which tracer.c names */ };

struct otel_sdk_provider {
    struct otel_tracer_provider api;
    /* read on every span */
    uint64_t generation; /* of this provider and, after a fork, of the child */
    unsigned slot;
    bool shut_down; /* atomic */
    bool ids_random;
    struct otl_processors *processors; /* atomic */
    struct otel_sdk_sampler *sampler;
    void (*error)(void *arg, enum otel_err err, const char *text); /* samplers get it */
    void *error_arg;
    struct otel_sdk_clock clock;
    bool real_clock;
    int64_t anchor;                   /* atomic: wall - mono */
    uint64_t anchor_due;              /* atomic: mono time of the next look at the wall clock */
    struct otel_sdk_id_generator ids; /* trace_id NULL: built in */
    struct otel_sdk_span_limits limits;
    struct otl_value_limits value_limits;
    uint32_t max_span_bytes;
    struct otl_pool spans, lights;
    /* read or written seldom */
    uint64_t max_overflow_bytes;
    uint64_t overflow_bytes; /* atomic: heap memory of spans that outgrew their block */
    struct otel_sdk_resource *resource;
    size_t refs; /* atomic */
    bool seeded;
    uint64_t seed;
    uint64_t streams;                 /* under the registry lock: random streams given out */
    uint64_t lost_counts[OTL_COUNTS]; /* atomic: of threads without a local */
    uint64_t retired[OTL_COUNTS];     /* of threads that are gone; under the registry lock */
    struct otl_local *locals;         /* under the registry lock */
    struct otel_sdk_provider *next;   /* live or waiting; under the registry lock */
    pthread_mutex_t lock;             /* tracers, processors, hosts */
    struct otl_tracer *tracers;
    size_t tracer_count;
    struct otel_sdk_processor_host hosts[OTL_MAX_PROCESSORS];
    otel_sdk_drop_fn *drop;
    void *drop_arg;
    bool (*tracer_enabled)(void *arg, const struct otel_sdk_scope *scope); /* NULL: all are */
    void *tracer_enabled_arg;
    void (*tracer_enabled_release)(void *arg);
    uint64_t error_due; /* atomic: mono time before which nothing is reported */
};

/* NULL: no memory for this thread. */
static inline struct otl_local *otl_local(struct otel_sdk_provider *provider)
{
    const struct otl_local_slot *slot = &otl_local_slots[provider->slot];

    if (__builtin_expect(slot->generation == provider->generation, 1))
        return slot->local;
    return otl_local_make(provider);
}

/* Count where there may be no local. */
void otl_provider_count(struct otel_sdk_provider *provider, enum otl_count which, uint64_t n);
void otl_provider_ref(struct otel_sdk_provider *provider);
void otl_provider_unref(struct otel_sdk_provider *provider);
/* Free the providers of the waiting list that no span needs any more. */
void otl_provider_sweep(void);
/* Around a fork, so that no child inherits the list's lock. */
void otl_provider_lock_waiting(void);
void otl_provider_unlock_waiting(void);
/* The child's side of a fork, called with the registry lock held. */
void otl_provider_forked(struct otel_sdk_provider *provider);
/* Tell the error handler, at most once a second. */
void otl_provider_error(struct otel_sdk_provider *provider, enum otel_err err, const char *text);

struct otel_tracer *otl_tracer_get(struct otel_tracer_provider *api,
                                   const struct otel_tracer_options *options);
void otl_tracer_free(struct otl_tracer *tracer);
/* Once, before the first provider. */
void otl_light_set_up(void);
/* The span path: sdk/trace/start.c. */
struct otel_span *otl_tracer_start(struct otel_tracer *api, struct otel_str name,
                                   const struct otel_span_options *options);

#endif
