/* SPDX-License-Identifier: Apache-2.0 */
#include <otel/sdk/xray_sampler.h>

#include <string.h>

#include "sdk/base/clock.h"
#include "sdk/base/mem.h"
#include "sdk/base/options.h"
#include "sdk/base/random.h"
#include "sdk/base/text.h"
#include "sdk/remote/ask.h"
#include "sdk/remote/poller.h"
#include "sdk/remote/xray_rules.h"

enum {
    POLLING_MILLIS = 300 * 1000,
    TARGET_MILLIS = 10 * 1000,
    TIMEOUT_MILLIS = 10 * 1000,
    CLIENT_ID_SIZE = 12,
    REPORT_MAX = 1 << 20
};

#define RULES_LIVE_NS (3600 * OTL_NS_PER_S)
#define FALLBACK_SHARE 0.05

/*
 * Threads   marked at the fields: [t] the poller's thread, [l] under the poller's lock, [a]
 *           atomic, else constant after new.
 */
struct xray {
    struct otel_sdk_sampler sampler;
    struct otl_poller poller;
    struct otl_ask_target rules_target, targets_target;
    uint64_t polling_ns, target_ns, timeout_ns;
    struct otel_sdk_clock clock;
    char description[OTL_ASK_DESCRIPTION_SIZE];
    struct otl_arena arena; /* of place */
    struct otl_xray_place place;

    struct otl_xray_rules *rules; /* [l] NULL: none yet; the pointer is [t]'s to change */
    uint64_t rules_at_ns;         /* [l] when they were asked for */
    struct otl_budget fallback;   /* its time is [a] */

    struct otl_asker *rules_asker, *targets_asker;         /* [t] */
    struct otl_buf report;                                 /* [t] the question for targets */
    char client_id[2 * CLIENT_ID_SIZE + 1];                /* [t] */
    struct otl_xray_now asked;                             /* [t] when the last question was */
    uint64_t rules_due_ns, targets_due_ns;                 /* [t] monotonic */
    uint64_t rule_questions, target_questions, rule_count; /* [a] */
};

static struct otl_xray_now now_of(const struct xray *x)
{
    return (struct otl_xray_now){x->clock.mono_ns(x->clock.state),
                                 x->clock.wall_ns(x->clock.state)};
}

/* --- the sampler's thread: one question at a time --- */

static void wait_for_next(struct xray *x)
{
    uint64_t now = now_of(x).mono_ns, due = x->rules_due_ns;

    if (x->rules != NULL && x->targets_due_ns < due)
        due = x->targets_due_ns;
    otl_poller_wait(&x->poller, due > now ? due - now : 0);
}

static void put_in_force(struct xray *x, struct otl_xray_rules *fresh)
{
    struct otl_xray_rules *old = x->rules;

    pthread_rwlock_wrlock(&x->poller.lock);
    otl_xray_rules_inherit(fresh, old);
    x->rules = fresh;
    x->rules_at_ns = x->asked.mono_ns;
    pthread_rwlock_unlock(&x->poller.lock);
    if (old == NULL)
        x->targets_due_ns = now_of(x).mono_ns + x->target_ns;
    otl_xray_rules_free(old);
    __atomic_store_n(&x->rule_count, fresh->count, __ATOMIC_RELAXED);
}

static void on_rules(void *xray, const struct otl_answer *answer)
{
    struct xray *x = xray;
    struct otl_xray_rules *fresh = NULL;
    enum otel_err err = answer->err;

    x->rules_due_ns = now_of(x).mono_ns + x->polling_ns;
    if (err != OTEL_OK) {
        otl_poller_failed(&x->poller, err, answer->why);
    } else if ((err = otl_xray_rules_read(answer->body, &fresh)) != OTEL_OK) {
        otl_poller_failed(&x->poller, err, "the answer is not understood");
    } else {
        otl_poller_succeeded(&x->poller);
        put_in_force(x, fresh);
    }
    __atomic_fetch_add(&x->rule_questions, 1, __ATOMIC_RELEASE);
    wait_for_next(x);
}

static void follow(struct xray *x, const struct otl_xray_news *news)
{
    uint64_t now = now_of(x).mono_ns;

    if (news->refused)
        otl_poller_failed(&x->poller, OTEL_ERR_REFUSED,
                          "the service could not take what was counted");
    else
        otl_poller_succeeded(&x->poller);
    if (news->interval_ns != 0)
        x->targets_due_ns = now + news->interval_ns;
    if (news->ask_rules || (uint64_t)news->changed_at_s > x->asked.wall_ns / OTL_NS_PER_S)
        x->rules_due_ns = now;
}

static void on_targets(void *xray, const struct otl_answer *answer)
{
    struct xray *x = xray;
    struct otl_xray_now now = now_of(x);
    struct otl_xray_news news;
    enum otel_err err = answer->err;

    x->targets_due_ns = now.mono_ns + x->target_ns;
    if (err != OTEL_OK) {
        otl_poller_failed(&x->poller, err, answer->why);
    } else {
        pthread_rwlock_wrlock(&x->poller.lock);
        err = otl_xray_rules_target(x->rules, answer->body, &now, x->target_ns, &news);
        pthread_rwlock_unlock(&x->poller.lock);
        if (err != OTEL_OK)
            otl_poller_failed(&x->poller, err, "the answer about targets is not understood");
        else
            follow(x, &news);
    }
    __atomic_fetch_add(&x->target_questions, 1, __ATOMIC_RELEASE);
    wait_for_next(x);
}

static void ask_rules(struct xray *x)
{
    x->asked = now_of(x);
    if (otl_asker_ask(x->rules_asker, otl_view_str("{\"NextToken\":null}"), x->timeout_ns) ==
        OTEL_OK)
        return;
    otl_poller_failed(&x->poller, OTEL_ERR_MEMORY, "no memory for the question");
    x->rules_due_ns = now_of(x).mono_ns + x->polling_ns;
    wait_for_next(x);
}

/* Where no span has matched a rule there is nothing to ask. */
static void ask_targets(struct xray *x)
{
    struct otl_xray_now now = now_of(x);
    enum otel_err err = otl_xray_rules_report(x->rules, x->client_id, &now, &x->report);

    x->targets_due_ns = now.mono_ns + x->target_ns;
    if (err == OTEL_OK && x->report.len != 0)
        err = otl_asker_ask(x->targets_asker, otl_view(x->report.data, x->report.len),
                            x->timeout_ns);
    if (err == OTEL_OK && x->report.len != 0)
        return;
    if (err != OTEL_OK)
        otl_poller_failed(&x->poller, err, "no memory for the question");
    wait_for_next(x);
}

static void turn(void *xray)
{
    struct xray *x = xray;
    uint64_t now = now_of(x).mono_ns;

    if (now >= x->rules_due_ns)
        ask_rules(x);
    else if (x->rules != NULL && now >= x->targets_due_ns)
        ask_targets(x);
    else
        wait_for_next(x);
}

static void close_askers(void *xray)
{
    struct xray *x = xray;

    otl_asker_free(x->rules_asker);
    otl_asker_free(x->targets_asker);
    x->rules_asker = x->targets_asker = NULL;
}

static void draw_client_id(struct xray *x)
{
    uint64_t words[2] = {otl_random_os_seed(), otl_random_os_seed()};

    otl_hex(words, CLIENT_ID_SIZE, x->client_id);
}

static enum otel_err open_askers(void *xray, struct event_base *base)
{
    struct xray *x = xray;
    struct otl_asker_options options = {.base = base,
                                        .target = &x->rules_target,
                                        .threads = x->poller.options.threads,
                                        .answered = on_rules,
                                        .arg = x};
    enum otel_err err = otl_asker_new(&options, &x->rules_asker);

    draw_client_id(x);
    x->rules_due_ns = 0;
    options.target = &x->targets_target;
    options.answered = on_targets;
    return err == OTEL_OK ? otl_asker_new(&options, &x->targets_asker) : err;
}

/* The rules were not being changed: that is under the lock. */
static void forked(void *xray)
{
    struct xray *x = xray;

    otl_asker_abandon(x->rules_asker);
    otl_asker_abandon(x->targets_asker);
    otl_tls_forked(x->rules_target.tls);
    otl_tls_forked(x->targets_target.tls);
    otl_buf_init(&x->report, REPORT_MAX);
    if (x->rules != NULL)
        otl_xray_rules_forget_counts(x->rules);
    x->rules_asker = x->targets_asker = NULL;
    x->rule_questions = x->target_questions = 0;
}

static const struct otl_poller_ops poller_ops = {open_askers, close_askers, turn, forked};

/* --- decisions --- */

static void should_sample(struct otel_sdk_sampler *sampler,
                          const struct otel_sdk_sampling_input *input,
                          struct otel_sdk_sampling_result *result)
{
    struct xray *x = (struct xray *)sampler;
    uint64_t now = x->clock.mono_ns(x->clock.state);
    bool decided = false, keep = false;

    pthread_rwlock_rdlock(&x->poller.lock);
    if (x->rules != NULL && now - x->rules_at_ns <= RULES_LIVE_NS)
        decided = otl_xray_rules_decide(x->rules, &x->place, input, now, &keep);
    pthread_rwlock_unlock(&x->poller.lock);
    if (!decided)
        keep = otl_budget_take(&x->fallback, now) ||
               otl_share_has(otl_share_bound(FALLBACK_SHARE), input->trace_id);
    if (keep)
        result->decision = OTEL_SDK_RECORD_AND_SAMPLE;
    otl_poller_revive(&x->poller); /* behind the decision, by what the parent was told */
}

static struct otel_str description(const struct otel_sdk_sampler *sampler)
{
    return otel_str(((const struct xray *)sampler)->description);
}

/* --- life --- */

static void free_xray(struct otel_sdk_sampler *sampler)
{
    struct xray *x = (struct xray *)sampler;

    otl_poller_fini(&x->poller);
    otl_ask_target_fini(&x->rules_target);
    otl_ask_target_fini(&x->targets_target);
    otl_xray_rules_free(x->rules);
    otl_buf_fini(&x->report);
    otl_arena_fini(&x->arena);
    otl_mem_free(x);
}

static const struct otel_sdk_sampler_ops xray_ops = {should_sample, description, free_xray};

void otel_sdk_xray_options_init(struct otel_sdk_xray_options *options)
{
    memset(options, 0, sizeof(*options));
    options->struct_size = sizeof(*options);
    options->endpoint = otel_str("http://localhost:2000");
    options->polling_interval_millis = POLLING_MILLIS;
    options->target_interval_millis = TARGET_MILLIS;
    options->timeout_millis = TIMEOUT_MILLIS;
}

static uint64_t system_mono(void *state)
{
    (void)state;
    return otl_clock_mono(otl_clock_real());
}

static uint64_t system_wall(void *state)
{
    (void)state;
    return otl_clock_wall(otl_clock_real());
}

static enum otel_err set_up(struct xray *x, const struct otel_sdk_xray_options *o)
{
    static const struct otel_sdk_clock system = {system_mono, system_wall, NULL};
    enum otel_err err = otl_ask_target_post(&x->rules_target, o->endpoint, "GetSamplingRules");

    if (err == OTEL_OK)
        err = otl_ask_target_post(&x->targets_target, o->endpoint, "SamplingTargets");
    if (err == OTEL_OK)
        err = otl_xray_place_of(o->resource, &x->arena, &x->place);
    x->polling_ns = o->polling_interval_millis * OTL_NS_PER_MS;
    x->target_ns = o->target_interval_millis * OTL_NS_PER_MS;
    x->timeout_ns = o->timeout_millis * OTL_NS_PER_MS;
    x->clock = o->clock != NULL ? *o->clock : system;
    x->fallback.rate = 1;
    otl_ask_describe(x->description, "AwsXrayRemoteSampler", o->endpoint);
    return err;
}

enum otel_err otel_sdk_sampler_xray_new(const struct otel_sdk_xray_options *options,
                                        struct otel_sdk_sampler **ret)
{
    struct otel_sdk_xray_options all;
    struct otl_poller_options poller = {.ops = &poller_ops, .about = "sampling rules of X-Ray"};
    struct xray *x;
    enum otel_err err;

    otel_sdk_xray_options_init(&all);
    if (options == NULL || otl_options_take(&all, sizeof(all), options) != OTEL_OK)
        return OTEL_ERR_ARGUMENT;
    if (all.polling_interval_millis == 0 || all.target_interval_millis == 0 ||
        all.timeout_millis == 0)
        return OTEL_ERR_ARGUMENT;
    poller.threads = (struct otl_thread_maker){all.create_thread, all.create_thread_arg};
    poller.teller = (struct otl_teller){all.error, all.error_arg};
    x = otl_mem_zalloc(sizeof(*x));
    if (x == NULL)
        return OTEL_ERR_MEMORY;
    x->sampler.ops = &xray_ops;
    x->sampler.refs = 1;
    otl_buf_init(&x->report, REPORT_MAX);
    otl_arena_init(&x->arena, (size_t)4 * OTEL_SDK_RESOURCE_MAX_BYTES); /* room for both */
    poller.owner = x;
    otl_poller_init(&x->poller, &poller);
    err = set_up(x, &all);
    if (err == OTEL_OK)
        err = otl_poller_start(&x->poller);
    if (err != OTEL_OK) {
        free_xray(&x->sampler);
        return err;
    }
    *ret = &x->sampler;
    return OTEL_OK;
}

enum otel_err otel_sdk_sampler_xray_stats(struct otel_sdk_sampler *sampler,
                                          struct otel_sdk_xray_stats *stats)
{
    struct xray *x = (struct xray *)sampler;

    if (sampler == NULL || sampler->ops != &xray_ops || stats->struct_size != sizeof(*stats))
        return OTEL_ERR_ARGUMENT;
    stats->rule_questions = __atomic_load_n(&x->rule_questions, __ATOMIC_ACQUIRE);
    stats->target_questions = __atomic_load_n(&x->target_questions, __ATOMIC_ACQUIRE);
    stats->failures = __atomic_load_n(&x->poller.failures, __ATOMIC_RELAXED);
    stats->rules = __atomic_load_n(&x->rule_count, __ATOMIC_RELAXED);
    return OTEL_OK;
}
