/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_LOCAL_H
#define OTL_LOCAL_H

#include "sdk/base/random.h"
#include "sdk/trace/pool.h"

/*
 * What one thread keeps for one provider: block caches, random state, counters.
 *
 * Life      made at the thread's first span, given back at thread exit (its counters are added to
 *           the provider's, its blocks return to the pools).
 * Threads   written by its thread alone; counters may be read by any (relaxed).
 * Memory    one allocation for each thread and provider.
 * Limits    OTL_MAX_PROVIDERS providers in a process: each has a slot in a thread-local table.
 */

struct otel_sdk_provider;

enum { OTL_MAX_PROVIDERS = 16 };

/* What the sampler said about a span, and whether it got a block then. */
enum otl_fate {
    OTL_FATE_DROP,
    OTL_FATE_RECORD_ONLY,
    OTL_FATE_SAMPLED,
    OTL_FATE_RECORD_ONLY_LOST,
    OTL_FATE_SAMPLED_LOST,
    OTL_FATES
};

/* Where a span's parent is. */
enum otl_origin { OTL_ORIGIN_NONE, OTL_ORIGIN_LOCAL, OTL_ORIGIN_REMOTE, OTL_ORIGINS };

/* A count by fate and origin: OTL_COUNT_STARTED + otl_started(fate, origin); a count of what
 * recorded: the name + (1 if it was sampled). */
enum otl_count {
    OTL_COUNT_ENDED,
    OTL_COUNT_ABANDONED = OTL_COUNT_ENDED + 2,
    OTL_COUNT_STARTED = OTL_COUNT_ABANDONED + 2, /* read after what is over, see otl_local_sum() */
    OTL_COUNT_ATTRIBUTES_DROPPED = OTL_COUNT_STARTED + OTL_FATES * OTL_ORIGINS,
    OTL_COUNT_EVENTS_DROPPED,
    OTL_COUNT_LINKS_DROPPED,
    OTL_COUNT_TAKEN,    /* blocks, of both pools */
    OTL_COUNT_RETURNED, /* blocks; the last thing done with one */
    OTL_COUNTS
};

static inline enum otl_count otl_started(enum otl_fate fate, enum otl_origin origin)
{
    return (enum otl_count)(OTL_COUNT_STARTED + fate * OTL_ORIGINS + origin);
}

struct otl_local {
    struct otl_pool_cache spans;
    struct otl_pool_cache lights;
    struct otl_random random;
    uint64_t counts[OTL_COUNTS];
    struct otel_sdk_provider *provider;
    struct otl_local *next, *previous; /* in the provider's list */
};

struct otl_local_slot {
    uint64_t generation;
    struct otl_local *local;
};

extern _Thread_local __attribute__((
    tls_model("initial-exec"))) struct otl_local_slot otl_local_slots[OTL_MAX_PROVIDERS];

/* Goes up in every child of a fork. */
extern unsigned otl_fork_generation;

struct otl_local *otl_local_make(struct otel_sdk_provider *provider);

/* Only the owner writes, so load and store need not be one atomic step. */
static inline void otl_count(struct otl_local *local, enum otl_count which, uint64_t n)
{
    uint64_t old = __atomic_load_n(&local->counts[which], __ATOMIC_RELAXED);
    __atomic_store_n(&local->counts[which], old + n, __ATOMIC_RELEASE);
}

/* Take a slot and a generation; put the provider into the list of live ones. False: none left. */
bool otl_local_register(struct otel_sdk_provider *provider);
/* Undo it and free every thread's state for the provider. No thread may be using it. */
void otl_local_unregister(struct otel_sdk_provider *provider);
/* Sum over all threads, living and gone. What is over is read before what was started, so that
 * no span is over that was not started. */
void otl_local_sum(struct otel_sdk_provider *provider, uint64_t *ret_counts);

#endif
