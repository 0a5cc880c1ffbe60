/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/trace/local.h"

#include "sdk/base/mem.h"
#include "sdk/trace/provider_impl.h"

_Thread_local __attribute__((
    tls_model("initial-exec"))) struct otl_local_slot otl_local_slots[OTL_MAX_PROVIDERS];

unsigned otl_fork_generation;

/* Guards the table of providers and every provider's list of locals. Held across fork. */
static pthread_mutex_t g_registry = PTHREAD_MUTEX_INITIALIZER;
static struct otel_sdk_provider *g_by_slot[OTL_MAX_PROVIDERS];
static uint64_t g_generations;
static pthread_once_t g_once = PTHREAD_ONCE_INIT;
static pthread_key_t g_exit_key;

static void unlink_locked(struct otl_local *local)
{
    if (local->next != NULL)
        local->next->previous = local->previous;
    if (local->previous != NULL)
        local->previous->next = local->next;
    else
        local->provider->locals = local->next;
}

static void retire_locked(struct otl_local *local)
{
    struct otel_sdk_provider *provider = local->provider;

    otl_pool_spill(&provider->spans, &local->spans, 0);
    otl_pool_spill(&provider->lights, &local->lights, 0);
    for (int i = 0; i < OTL_COUNTS; i++)
        provider->retired[i] += local->counts[i];
    unlink_locked(local);
    otl_mem_free(local);
}

static void thread_exits(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&g_registry);
    for (int i = 0; i < OTL_MAX_PROVIDERS; i++) {
        struct otl_local_slot *slot = &otl_local_slots[i];
        if (g_by_slot[i] != NULL && slot->generation == g_by_slot[i]->generation)
            retire_locked(slot->local);
        slot->generation = 0;
        slot->local = NULL;
    }
    pthread_mutex_unlock(&g_registry);
}

static void before_fork(void)
{
    otl_provider_lock_waiting();
    pthread_mutex_lock(&g_registry);
}

static void after_fork_in_parent(void)
{
    pthread_mutex_unlock(&g_registry);
    otl_provider_unlock_waiting();
}

static void after_fork_in_child(void)
{
    otl_fork_generation++;
    for (int i = 0; i < OTL_MAX_PROVIDERS; i++)
        if (g_by_slot[i] != NULL) {
            g_by_slot[i]->generation = ++g_generations;
            g_by_slot[i]->locals = NULL; /* abandoned, with their blocks */
            otl_provider_forked(g_by_slot[i]);
        }
    pthread_mutex_unlock(&g_registry);
    otl_provider_unlock_waiting();
}

static void set_up(void)
{
    otl_light_set_up();
    pthread_key_create(&g_exit_key, thread_exits);
    pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

bool otl_local_register(struct otel_sdk_provider *provider)
{
    bool found = false;

    pthread_once(&g_once, set_up);
    pthread_mutex_lock(&g_registry);
    for (unsigned i = 0; i < OTL_MAX_PROVIDERS && !found; i++)
        if (g_by_slot[i] == NULL) {
            provider->slot = i;
            provider->generation = ++g_generations;
            g_by_slot[i] = provider;
            found = true;
        }
    pthread_mutex_unlock(&g_registry);
    return found;
}

void otl_local_unregister(struct otel_sdk_provider *provider)
{
    pthread_mutex_lock(&g_registry);
    g_by_slot[provider->slot] = NULL;
    while (provider->locals != NULL) {
        struct otl_local *local = provider->locals;
        provider->locals = local->next;
        otl_mem_free(local); /* its thread finds another generation in the slot */
    }
    pthread_mutex_unlock(&g_registry);
}

struct otl_local *otl_local_make(struct otel_sdk_provider *provider)
{
    struct otl_local_slot *slot = &otl_local_slots[provider->slot];
    struct otl_local *local = otl_mem_zalloc(sizeof(*local));
    uint64_t seed;

    if (local == NULL)
        return NULL;
    if (pthread_setspecific(g_exit_key, slot) != 0) {
        otl_mem_free(local); /* it would not be given back at thread exit */
        return NULL;
    }
    local->provider = provider;
    pthread_mutex_lock(&g_registry);
    seed = otl_random_mix(provider->seed, ++provider->streams);
    local->next = provider->locals;
    if (local->next != NULL)
        local->next->previous = local;
    provider->locals = local;
    pthread_mutex_unlock(&g_registry);
    if (provider->seeded)
        seed = otl_random_mix(seed, otl_fork_generation);
    else
        seed = otl_random_mix(seed, otl_random_os_seed());
    otl_random_seed(&local->random, seed);
    slot->local = local;
    slot->generation = provider->generation;
    return local;
}

static void sum_locked(const struct otel_sdk_provider *provider, int from, int to,
                       uint64_t *ret_counts)
{
    for (int i = from; i < to; i++)
        ret_counts[i] =
            provider->retired[i] + __atomic_load_n(&provider->lost_counts[i], __ATOMIC_ACQUIRE);
    for (const struct otl_local *local = provider->locals; local != NULL; local = local->next)
        for (int i = from; i < to; i++)
            ret_counts[i] += __atomic_load_n(&local->counts[i], __ATOMIC_ACQUIRE);
}

void otl_local_sum(struct otel_sdk_provider *provider, uint64_t *ret_counts)
{
    pthread_mutex_lock(&g_registry);
    sum_locked(provider, 0, OTL_COUNT_STARTED, ret_counts);
    sum_locked(provider, OTL_COUNT_STARTED, OTL_COUNTS, ret_counts);
    pthread_mutex_unlock(&g_registry);
}
