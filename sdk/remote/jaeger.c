/* SPDX-License-Identifier: Apache-2.0 */
#include <otel/sdk/remote_sampler.h>

#include <string.h>

#include "sdk/base/clock.h"
#include "sdk/base/mem.h"
#include "sdk/base/options.h"
#include "sdk/remote/ask.h"
#include "sdk/remote/poller.h"
#include "sdk/remote/strategy.h"

enum {
    INTERVAL_MILLIS = 60000,
    TIMEOUT_MILLIS = 10000,
    ANSWER_MAX = 1 << 20
};

/*
 * Threads   marked at the fields: [t] the sampler's thread, [l] under the poller's lock, [a]
 *           atomic, else constant after new.
 */
struct remote {
    struct otel_sdk_sampler sampler;
    struct otl_poller poller;
    struct otl_ask_target target;
    uint64_t interval_ns, timeout_ns;
    struct otel_sdk_sampler *initial;
    char description[OTL_ASK_DESCRIPTION_SIZE];

    struct otl_strategy *strategy; /* [l] NULL: initial */

    struct otl_asker *asker; /* [t] */
    struct otl_buf last;     /* [t] the answer behind strategy */
    uint64_t questions, strategies; /* [a] */
};

/* --- the sampler's thread --- */

/* An answer of the same bytes changes nothing: budgets go on. */
static void understood(struct remote *r, struct otl_view body)
{
    struct otl_strategy *fresh = NULL, *old;
    enum otel_err err;

    if (r->last.len != 0 && otl_view_equal(body, otl_view(r->last.data, r->last.len))) {
        otl_poller_succeeded(&r->poller);
        return;
    }
    err = r->target.grpc ? otl_strategy_read_message(body, &fresh)
                         : otl_strategy_read(body, &fresh);
    if (err != OTEL_OK) {
        otl_poller_failed(&r->poller, err, "the answer is not understood");
        return;
    }
    otl_poller_succeeded(&r->poller);
    otl_buf_reset(&r->last);
    if (otl_buf_append(&r->last, body.data, body.len) != OTEL_OK)
        otl_buf_reset(&r->last); /* it will be read again, no more */
    pthread_rwlock_wrlock(&r->poller.lock);
    old = r->strategy;
    r->strategy = fresh;
    pthread_rwlock_unlock(&r->poller.lock);
    otl_strategy_free(old);
    __atomic_fetch_add(&r->strategies, 1, __ATOMIC_RELAXED);
}

static void answered(void *arg, const struct otl_answer *answer)
{
    struct remote *r = arg;

    if (answer->err == OTEL_OK)
        understood(r, answer->body);
    else
        otl_poller_failed(&r->poller, answer->err, answer->why);
    __atomic_fetch_add(&r->questions, 1, __ATOMIC_RELEASE);
    otl_poller_wait(&r->poller, r->interval_ns);
}

static void ask(void *remote)
{
    struct remote *r = remote;

    if (otl_asker_ask(r->asker, otl_view_str(""), r->timeout_ns) == OTEL_OK)
        return;
    otl_poller_failed(&r->poller, OTEL_ERR_MEMORY, "no memory for the question");
    otl_poller_wait(&r->poller, r->interval_ns);
}

static enum otel_err open_asker(void *remote, struct event_base *base)
{
    struct remote *r = remote;
    struct otl_asker_options asker = {.base = base,
                                      .target = &r->target,
                                      .threads = r->poller.options.threads,
                                      .answered = answered,
                                      .arg = r};

    return otl_asker_new(&asker, &r->asker);
}

static void close_asker(void *remote)
{
    struct remote *r = remote;

    otl_asker_free(r->asker);
    r->asker = NULL;
}

static void forked(void *remote)
{
    struct remote *r = remote;

    otl_asker_abandon(r->asker);
    otl_tls_forked(r->target.tls);
    otl_buf_init(&r->last, ANSWER_MAX);
    r->asker = NULL;
    r->questions = r->strategies = 0;
}

static const struct otl_poller_ops poller_ops = {open_asker, close_asker, ask, forked};

/* --- decisions --- */

static void should_sample(struct otel_sdk_sampler *sampler,
                          const struct otel_sdk_sampling_input *input,
                          struct otel_sdk_sampling_result *result)
{
    struct remote *r = (struct remote *)sampler;
    bool initial;

    pthread_rwlock_rdlock(&r->poller.lock);
    initial = r->strategy == NULL;
    if (!initial && otl_strategy_keeps(r->strategy, input, otl_clock_mono(otl_clock_real())))
        result->decision = OTEL_SDK_RECORD_AND_SAMPLE;
    pthread_rwlock_unlock(&r->poller.lock);
    if (initial)
        r->initial->ops->should_sample(r->initial, input, result);
    otl_poller_revive(&r->poller); /* behind the decision, by what the parent was told */
}

static struct otel_str description(const struct otel_sdk_sampler *sampler)
{
    return otel_str(((const struct remote *)sampler)->description);
}

/* --- life --- */

static void free_remote(struct otel_sdk_sampler *sampler)
{
    struct remote *r = (struct remote *)sampler;

    otl_poller_fini(&r->poller);
    otl_ask_target_fini(&r->target);
    otel_sdk_sampler_unref(r->initial);
    otl_strategy_free(r->strategy);
    otl_buf_fini(&r->last);
    otl_mem_free(r);
}

static const struct otel_sdk_sampler_ops remote_ops = {should_sample, description, free_remote};

void otel_sdk_jaeger_remote_options_init(struct otel_sdk_jaeger_remote_options *options)
{
    memset(options, 0, sizeof(*options));
    options->struct_size = sizeof(*options);
    options->endpoint = otel_str("http://localhost:5778/sampling");
    options->polling_interval_millis = INTERVAL_MILLIS;
    options->timeout_millis = TIMEOUT_MILLIS;
}

static enum otel_err set_up(struct remote *r, const struct otel_sdk_jaeger_remote_options *o)
{
    enum otel_err err = otl_ask_target_init(&r->target, o);

    if (err == OTEL_OK && o->initial == NULL)
        err = otel_sdk_sampler_traceidratio_new(0.001, &r->initial);
    if (o->initial != NULL)
        r->initial = otel_sdk_sampler_ref(o->initial);
    r->interval_ns = o->polling_interval_millis * OTL_NS_PER_MS;
    r->timeout_ns = o->timeout_millis * OTL_NS_PER_MS;
    otl_ask_describe(r->description, "JaegerRemoteSampler", o->endpoint);
    return err;
}

enum otel_err otel_sdk_sampler_jaeger_remote_new(
    const struct otel_sdk_jaeger_remote_options *options, struct otel_sdk_sampler **ret)
{
    struct otel_sdk_jaeger_remote_options all;
    struct otl_poller_options poller = {.ops = &poller_ops, .about = "sampling strategy"};
    struct remote *r;
    enum otel_err err;

    otel_sdk_jaeger_remote_options_init(&all);
    if (options == NULL || otl_options_take(&all, sizeof(all), options) != OTEL_OK)
        return OTEL_ERR_ARGUMENT;
    if (all.service.len == 0 || all.polling_interval_millis == 0 || all.timeout_millis == 0 ||
        (unsigned)all.protocol > OTEL_SDK_JAEGER_GRPC)
        return OTEL_ERR_ARGUMENT;
    poller.threads = (struct otl_thread_maker){all.create_thread, all.create_thread_arg};
    poller.teller = (struct otl_teller){all.error, all.error_arg};
    r = otl_mem_zalloc(sizeof(*r));
    if (r == NULL)
        return OTEL_ERR_MEMORY;
    r->sampler.ops = &remote_ops;
    r->sampler.refs = 1;
    otl_buf_init(&r->last, ANSWER_MAX);
    poller.owner = r;
    otl_poller_init(&r->poller, &poller);
    err = set_up(r, &all);
    if (err == OTEL_OK)
        err = otl_poller_start(&r->poller);
    if (err != OTEL_OK) {
        free_remote(&r->sampler);
        return err;
    }
    *ret = &r->sampler;
    return OTEL_OK;
}

enum otel_err otel_sdk_sampler_jaeger_remote_stats(struct otel_sdk_sampler *sampler,
                                                   struct otel_sdk_jaeger_remote_stats *stats)
{
    struct remote *r = (struct remote *)sampler;

    if (sampler == NULL || sampler->ops != &remote_ops || stats->struct_size != sizeof(*stats))
        return OTEL_ERR_ARGUMENT;
    stats->questions = __atomic_load_n(&r->questions, __ATOMIC_ACQUIRE);
    stats->failures = __atomic_load_n(&r->poller.failures, __ATOMIC_RELAXED);
    stats->strategies = __atomic_load_n(&r->strategies, __ATOMIC_RELAXED);
    return OTEL_OK;
}
