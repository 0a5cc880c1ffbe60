/* SPDX-License-Identifier: Apache-2.0 */
#include <otel/trace_state.h>
#include <sched.h>

#include "sdk/base/mem.h"
#include "sdk/otlp/wire.h"
#include "sdk/trace/span_impl.h"

static struct otl_span *of(struct otel_span *api)
{
    return (struct otl_span *)api;
}

static uint64_t now(const struct otl_span *span)
{
    return otl_mono(span->tracer->provider) + (uint64_t)span->anchor;
}

/* The lock is held by another thread for a few hundred instructions, unless that is preempted. */
void otl_span_wait(struct otl_span *span)
{
    unsigned spins = 0;

    do {
        while (__atomic_load_n(&span->lock, __ATOMIC_RELAXED) != 0)
            if (++spins % 64 == 0)
                sched_yield();
    } while (__atomic_exchange_n(&span->lock, 1, __ATOMIC_ACQUIRE) != 0);
}

/* The spans that this thread is ending, while their on_ending run: one of these may end another
 * span. */
struct ending {
    const struct otl_span *span;
    const struct ending *outer;
};

static _Thread_local __attribute__((tls_model("initial-exec"))) const struct ending *endings;

bool otl_span_ends_here(const struct otl_span *span)
{
    const struct ending *ending = endings;

    while (ending != NULL && ending->span != span)
        ending = ending->outer;
    return ending != NULL;
}

static void span_ref(struct otel_span *api)
{
    __atomic_fetch_add(&of(api)->refs, 1, __ATOMIC_RELAXED);
}

/* Give a block back; the provider may be gone as soon as RETURNED is counted. */
static void put_block(struct otel_sdk_provider *provider, struct otl_pool *pool, bool light,
                      void *block)
{
    struct otl_local *local = otl_local(provider);

    if (__builtin_expect(local == NULL, 0)) {
        otl_pool_put_list(pool, block, block);
        otl_provider_count(provider, OTL_COUNT_RETURNED, 1);
        return;
    }
    otl_pool_put(pool, light ? &local->lights : &local->spans, block);
    otl_count(local, OTL_COUNT_RETURNED, 1);
}

/* OTL_COUNT_ENDED or _ABANDONED. */
static enum otl_count of_its_kind(enum otl_count count, const struct otl_span *span)
{
    return (enum otl_count)(count + (span->api.context.flags & OTEL_FLAG_SAMPLED));
}

static bool drop_ref(uint32_t *refs)
{
    /* The only holder need not decrement atomically: nobody else can take a reference. */
    if (__atomic_load_n(refs, __ATOMIC_ACQUIRE) == 1)
        return true;
    return __atomic_fetch_sub(refs, 1, __ATOMIC_ACQ_REL) == 1;
}

void otl_span_release(struct otl_span *span)
{
    struct otel_sdk_provider *provider = span->tracer->provider;

    if (!drop_ref(&span->refs) || span->fork_generation != otl_fork_generation)
        return;
    if (span->state != OTL_SPAN_ENDED)
        otl_provider_count(provider, of_its_kind(OTL_COUNT_ABANDONED, span), 1);
    if (span->body != span->inline_body)
        otl_body_release(span);
    if (span->keys != span->few_keys)
        otl_mem_free(span->keys);
    if (__builtin_expect(span->parent_state != span->api.context.trace_state, 0))
        otel_trace_state_unref(span->parent_state);
    if (span->api.context.trace_state != NULL)
        otel_trace_state_unref(span->api.context.trace_state);
    put_block(provider, &provider->spans, false, span);
}

static void span_unref(struct otel_span *api)
{
    otl_span_release(of(api));
}

static bool span_is_recording(const struct otel_span *api)
{
    const struct otl_span *span = (const struct otl_span *)api;

    return (__atomic_load_n(&span->state, __ATOMIC_RELAXED) == OTL_SPAN_OPEN ||
            otl_span_ends_here(span)) &&
           span->fork_generation == otl_fork_generation;
}

static void span_set(struct otel_span *api, struct otel_str key, const struct otel_value *value)
{
    if (!otl_span_enter(of(api)))
        return;
    otl_record_attribute(of(api), key, value);
    otl_span_unlock(of(api));
}

static void span_set_many(struct otel_span *api, const struct otel_attribute *attributes,
                          size_t count)
{
    if (!otl_span_enter(of(api)))
        return;
    otl_record_attributes(of(api), attributes, count);
    otl_span_unlock(of(api));
}

static void span_add_event(struct otel_span *api, const struct otel_event *event)
{
    uint64_t time = event->time_unix_nanos != 0 ? event->time_unix_nanos : now(of(api));

    if (!otl_span_enter(of(api)))
        return;
    otl_record_event(of(api), event, time);
    otl_span_unlock(of(api));
}

static void span_add_link(struct otel_span *api, const struct otel_link *link)
{
    if (!otl_span_enter(of(api)))
        return;
    otl_record_link(of(api), link);
    otl_span_unlock(of(api));
}

static void span_set_status(struct otel_span *api, enum otel_status status,
                            struct otel_str description)
{
    if (!otl_span_enter(of(api)))
        return;
    otl_record_status(of(api), status, description);
    otl_span_unlock(of(api));
}

static void span_update_name(struct otel_span *api, struct otel_str name)
{
    if (!otl_span_enter(of(api)))
        return;
    otl_record_name(of(api), name);
    otl_span_unlock(of(api));
}

enum { OWN_ATTRIBUTES = 3, FEW_ATTRIBUTES = 64 };

static size_t add_text(struct otel_attribute *to, const char *key, struct otel_str text)
{
    to->key = otel_str(key);
    to->value = otel_value_strn(text.data, text.len);
    return text.len != 0;
}

/* The user's attributes come last, so that they win. Returns how many there are. */
static size_t put_exception(struct otel_attribute *to, const struct otel_exception *exception,
                            size_t more)
{
    size_t count = 0;

    count += add_text(&to[count], "exception.type", exception->type);
    count += add_text(&to[count], "exception.message", exception->message);
    count += add_text(&to[count], "exception.stacktrace", exception->stacktrace);
    if (more != 0)
        memcpy(&to[count], exception->attributes, more * sizeof(to[0]));
    return count + more;
}

/* Without memory for many attributes the event is dropped, as any that finds no room. */
static void span_record_exception(struct otel_span *api, const struct otel_exception *exception)
{
    struct otel_attribute few[OWN_ATTRIBUTES + FEW_ATTRIBUTES], *all = few;
    struct otel_event event = {otel_str("exception"), now(of(api)), NULL, 0};
    size_t more = exception->attributes != NULL ? exception->attribute_count : 0;

    if (more > FEW_ATTRIBUTES)
        all = otl_mem_alloc((OWN_ATTRIBUTES + more) * sizeof(all[0]));
    if (all != NULL)
        event.attribute_count = put_exception(all, exception, more);
    event.attributes = all;
    if (otl_span_enter(of(api))) {
        if (all != NULL)
            otl_record_event(of(api), &event, event.time_unix_nanos);
        else
            of(api)->dropped_events++;
        otl_span_unlock(of(api));
    }
    if (all != few)
        otl_mem_free(all);
}

static void put_dropped(struct otl_span *span, uint8_t tag, uint32_t dropped)
{
    uint8_t *at = span->body + span->body_len; /* OTL_SPAN_TAIL bytes are free */

    if (dropped == 0)
        return;
    *at++ = tag;
    at = otl_wire_varint(at, dropped);
    span->body_len = (uint32_t)(at - span->body);
}

static void count_end(struct otl_span *span)
{
    struct otel_sdk_provider *provider = span->tracer->provider;
    struct otl_local *local = otl_local(provider);

    if (__builtin_expect(local != NULL, 1))
        otl_count(local, of_its_kind(OTL_COUNT_ENDED, span), 1);
    else
        otl_provider_count(provider, of_its_kind(OTL_COUNT_ENDED, span), 1);
    if (span->dropped_attributes + span->dropped_elsewhere != 0)
        otl_provider_count(provider, OTL_COUNT_ATTRIBUTES_DROPPED,
                           (uint64_t)span->dropped_attributes + span->dropped_elsewhere);
    if (span->dropped_events != 0)
        otl_provider_count(provider, OTL_COUNT_EVENTS_DROPPED, span->dropped_events);
    if (span->dropped_links != 0)
        otl_provider_count(provider, OTL_COUNT_LINKS_DROPPED, span->dropped_links);
}

static void seal(struct otl_span *span)
{
    otl_body_squeeze(span);
    put_dropped(span, OTL_TAG_SPAN_DROPPED_ATTRIBUTES, span->dropped_attributes);
    put_dropped(span, OTL_TAG_SPAN_DROPPED_EVENTS, span->dropped_events);
    put_dropped(span, OTL_TAG_SPAN_DROPPED_LINKS, span->dropped_links);
    __atomic_store_n(&span->state, OTL_SPAN_ENDED, __ATOMIC_RELEASE);
}

static void call_on_ending(struct otl_span *span, const struct otl_processors *processors)
{
    struct ending ending = {span, endings};

    endings = &ending;
    for (size_t i = 0; i < processors->count; i++) {
        struct otel_sdk_processor *processor = processors->items[i];
        if (processor->ops->on_ending != NULL)
            processor->ops->on_ending(processor, &span->api);
    }
    endings = ending.outer;
}

static void span_end(struct otel_span *api, uint64_t end_time_unix_nanos)
{
    struct otl_span *span = of(api);
    const struct otl_processors *processors =
        __atomic_load_n(&span->tracer->provider->processors, __ATOMIC_ACQUIRE);

    if (end_time_unix_nanos == 0)
        end_time_unix_nanos = now(span);
    if (!otl_span_enter(span))
        return;
    if (span->state == OTL_SPAN_ENDING) {
        otl_span_unlock(span);
        return;
    }
    otl_wire_fixed64(span->body + OTL_AT_END, end_time_unix_nanos);
    if (processors->any_on_ending &&
        !__atomic_load_n(&span->tracer->provider->shut_down, __ATOMIC_ACQUIRE)) {
        __atomic_store_n(&span->state, OTL_SPAN_ENDING, __ATOMIC_RELAXED);
        otl_span_unlock(span);
        call_on_ending(span, processors);
        otl_span_lock(span);
    }
    seal(span);
    otl_span_unlock(span);
    count_end(span);
    for (size_t i = 0; i < processors->count; i++) {
        struct otel_sdk_processor *processor = processors->items[i];
        if (processor->ops->on_end != NULL)
            processor->ops->on_end(processor, (struct otel_sdk_readable_span *)span);
    }
}

const struct otel_span_ops otl_span_ops = {
    span_ref,       span_unref,    span_is_recording, span_set,         span_set_many,
    span_add_event, span_add_link, span_set_status,   span_update_name, span_record_exception,
    span_end,
};

static void light_ref(struct otel_span *api)
{
    __atomic_fetch_add(&((struct otl_light *)api)->refs, 1, __ATOMIC_RELAXED);
}

static void light_unref(struct otel_span *api)
{
    struct otl_light *light = (struct otl_light *)api;

    if (!drop_ref(&light->refs) || light->fork_generation != otl_fork_generation)
        return;
    otel_trace_state_unref(api->context.trace_state);
    put_block(light->provider, &light->provider->lights, true, light);
}

struct otel_span_ops otl_light_ops;

/* Everything but the references is the API's no-op. */
void otl_light_set_up(void)
{
    otl_light_ops = otel_span_noop_ops;
    otl_light_ops.ref = light_ref;
    otl_light_ops.unref = light_unref;
}
