/* SPDX-License-Identifier: Apache-2.0 */
#include <otel/trace_state.h>

#include "sdk/otlp/wire.h"
#include "sdk/trace/span_impl.h"

/* What is known about a span before it has memory. */
struct birth {
    struct otel_sdk_provider *provider;
    struct otl_tracer *tracer;
    struct otl_local *local;
    const struct otel_span_options *options;
    struct otel_str name;
    const struct otel_context *around; /* what it is started in; never NULL */
    struct otel_span *parent;          /* never NULL */
    bool has_parent;
    enum otl_origin origin;
    struct otel_span_context context;
    struct otel_trace_state *parent_state; /* NULL: none, or no parent */
    struct otel_sdk_sampling_result sampling;
};

static const struct otel_span_options no_options;

static uint64_t next_random(struct otl_local *local)
{
    return otl_random_next(&local->random);
}

static void make_trace_id(const struct birth *birth, uint8_t *id)
{
    uint64_t words[2];

    if (birth->provider->ids.trace_id != NULL) {
        birth->provider->ids.trace_id(birth->provider->ids.state, id);
        return;
    }
    do {
        words[0] = next_random(birth->local);
        words[1] = next_random(birth->local);
    } while (__builtin_expect((words[0] | words[1]) == 0, 0));
    memcpy(id, words, sizeof(words));
}

static void make_span_id(const struct birth *birth, uint8_t *id)
{
    uint64_t word;

    if (birth->provider->ids.span_id != NULL) {
        birth->provider->ids.span_id(birth->provider->ids.state, id);
        return;
    }
    do {
        word = next_random(birth->local);
    } while (__builtin_expect(word == 0, 0));
    memcpy(id, &word, sizeof(word));
}

static void choose_parent(struct birth *birth)
{
    const struct otel_context *context = birth->options->parent;

    birth->around = context != NULL ? context : otel_context_current();
    birth->parent = birth->options->root ? otel_span_invalid() : otel_context_span(birth->around);
    birth->has_parent = otel_span_context_is_valid(&birth->parent->context);
    if (birth->has_parent) {
        memcpy(birth->context.trace_id, birth->parent->context.trace_id, OTEL_TRACE_ID_SIZE);
        birth->context.flags = birth->parent->context.flags & OTEL_FLAG_RANDOM;
        birth->origin = birth->parent->context.is_remote ? OTL_ORIGIN_REMOTE : OTL_ORIGIN_LOCAL;
    } else {
        make_trace_id(birth, birth->context.trace_id);
        birth->context.flags = birth->provider->ids_random ? OTEL_FLAG_RANDOM : 0;
        birth->origin = OTL_ORIGIN_NONE;
    }
    birth->context.is_remote = false;
}

static enum otel_span_kind kind_of(const struct otel_span_options *options)
{
    return options->kind >= OTEL_SPAN_KIND_INTERNAL && options->kind <= OTEL_SPAN_KIND_CONSUMER
               ? options->kind
               : OTEL_SPAN_KIND_INTERNAL;
}

static void ask_sampler(struct birth *birth)
{
    struct otel_sdk_sampler *sampler = birth->provider->sampler;
    const struct otel_span_options *options = birth->options;
    struct otel_sdk_sampling_input input;

    input.struct_size = sizeof(input);
    input.context = birth->around;
    input.parent = birth->has_parent ? &birth->parent->context : &otel_span_invalid()->context;
    input.trace_id = birth->context.trace_id;
    input.trace_id_random = (birth->context.flags & OTEL_FLAG_RANDOM) != 0;
    input.name = birth->name;
    input.kind = kind_of(options);
    input.attributes = options->attributes;
    input.attribute_count = options->attributes != NULL ? options->attribute_count : 0;
    input.links = options->links;
    input.link_count = options->links != NULL ? options->link_count : 0;
    input.error = birth->provider->error;
    input.error_arg = birth->provider->error_arg;
    input.scope = &birth->tracer->scope;
    birth->sampling.decision = OTEL_SDK_DROP;
    birth->sampling.attributes = NULL;
    birth->sampling.attribute_count = 0;
    birth->parent_state = birth->has_parent ? input.parent->trace_state : NULL;
    birth->sampling.trace_state = birth->parent_state;
    birth->sampling.owns_trace_state = false;
    sampler->ops->should_sample(sampler, &input, &birth->sampling);
    birth->context.trace_state = birth->sampling.trace_state;
    if (birth->context.trace_state != NULL && !birth->sampling.owns_trace_state)
        otel_trace_state_ref(birth->context.trace_state);
}

/* A span that only carries its context on. Without memory even for that, the parent's. */
static struct otel_span *born_light(struct birth *birth, enum otl_fate fate)
{
    struct otl_light *light = otl_pool_get(&birth->provider->lights, &birth->local->lights);

    otl_count(birth->local, otl_started(fate, birth->origin), 1);
    if (light == NULL) {
        otel_trace_state_unref(birth->context.trace_state);
        return otel_span_passed_through(birth->options);
    }
    otl_count(birth->local, OTL_COUNT_TAKEN, 1);
    light->api.ops = &otl_light_ops;
    light->api.context = birth->context;
    light->refs = 1;
    light->fork_generation = otl_fork_generation;
    light->provider = birth->provider;
    return &light->api;
}

static void write_fixed_fields(struct otl_span *span, const struct birth *birth, uint64_t start)
{
    const struct otel_span_context *parent = &birth->parent->context;
    uint32_t flags = birth->context.flags | OTL_FLAG_REMOTE_KNOWN;
    uint8_t *body = span->body;

    body[0] = OTL_TAG_SPAN_TRACE_ID;
    body[1] = OTEL_TRACE_ID_SIZE;
    memcpy(body + OTL_AT_TRACE_ID, birth->context.trace_id, OTEL_TRACE_ID_SIZE);
    body[OTL_AT_SPAN_ID - 2] = OTL_TAG_SPAN_ID;
    body[OTL_AT_SPAN_ID - 1] = OTEL_SPAN_ID_SIZE;
    memcpy(body + OTL_AT_SPAN_ID, birth->context.span_id, OTEL_SPAN_ID_SIZE);
    body[OTL_AT_KIND - 1] = OTL_TAG_SPAN_KIND;
    body[OTL_AT_KIND] = (uint8_t)kind_of(birth->options);
    body[OTL_AT_START - 1] = OTL_TAG_SPAN_START;
    otl_wire_fixed64(body + OTL_AT_START, start);
    body[OTL_AT_END - 1] = OTL_TAG_SPAN_END;
    otl_wire_fixed64(body + OTL_AT_END, 0);
    body[OTL_AT_FLAGS - 2] = OTL_TAG_SPAN_FLAGS;
    body[OTL_AT_FLAGS - 1] = 0x01;
    if (birth->has_parent && parent->is_remote)
        flags |= OTL_FLAG_REMOTE;
    otl_wire_fixed32(body + OTL_AT_FLAGS, flags);
    span->body_len = OTL_AT_FIELDS;
    if (!birth->has_parent)
        return;
    body[OTL_AT_PARENT_ID - 2] = OTL_TAG_SPAN_PARENT;
    body[OTL_AT_PARENT_ID - 1] = OTEL_SPAN_ID_SIZE;
    memcpy(body + OTL_AT_PARENT_ID, parent->span_id, OTEL_SPAN_ID_SIZE);
    span->body_len = OTL_AT_PARENT_ID + OTEL_SPAN_ID_SIZE;
}

static void clear(struct otl_span *span, const struct birth *birth)
{
    span->api.ops = &otl_span_ops;
    span->api.context = birth->context;
    span->refs = 1;
    span->lock = 0;
    span->state = OTL_SPAN_OPEN;
    span->status = OTEL_STATUS_UNSET;
    span->long_values_cut = birth->provider->value_limits.value_length != UINT32_MAX;
    span->fork_generation = otl_fork_generation;
    span->body_cap = OTL_INLINE_BODY;
    span->body_dead = 0;
    span->body = span->inline_body;
    span->tracer = birth->tracer;
    span->keys = span->few_keys;
    span->key_bits = 0;
    span->key_cap = OTL_SPAN_KEYS;
    otl_span_limit_keys(span);
    span->name_at = span->status_at = 0;
    span->attribute_count = span->event_count = span->link_count = 0;
    span->dropped_attributes = span->dropped_events = span->dropped_links = 0;
    span->dropped_elsewhere = 0;
    span->parent_state = birth->parent_state;
    if (__builtin_expect(birth->parent_state != birth->context.trace_state, 0))
        otel_trace_state_ref(birth->parent_state);
}

/* A local parent hands its anchor on, so that one trace has one idea of the wall clock here. */
static void set_times(struct otl_span *span, const struct birth *birth)
{
    uint64_t mono = otl_mono(birth->provider);
    uint64_t start = birth->options->start_time_unix_nanos;

    if (birth->has_parent && birth->parent->ops == &otl_span_ops)
        span->anchor = ((const struct otl_span *)birth->parent)->anchor;
    else
        span->anchor = otl_anchor(birth->provider, mono);
    if (start == 0)
        start = mono + (uint64_t)span->anchor;
    write_fixed_fields(span, birth, start);
}

static void put_trace_state(struct otl_span *span)
{
    struct otel_str state;
    uint8_t *at;

    if (span->api.context.trace_state == NULL)
        return;
    state = otel_trace_state_header(span->api.context.trace_state);
    at = otl_body_room(span, otl_wire_field_size(state.len));
    if (at == NULL)
        return;
    at = otl_wire_head(at, OTL_TAG_SPAN_TRACE_STATE, state.len);
    at = otl_wire_bytes(at, state.data, state.len);
    span->body_len = (uint32_t)(at - span->body);
}

static struct otel_span *no_memory(struct birth *birth, bool sampled)
{
    struct otel_sdk_provider *provider = birth->provider;

    if (sampled && provider->drop != NULL) {
        struct otel_sdk_drop drop = {OTEL_SDK_DROP_NO_MEMORY, 0, birth->context.trace_id,
                                     birth->context.span_id, 1};
        provider->drop(provider->drop_arg, &drop);
    }
    otl_provider_error(provider, OTEL_ERR_MEMORY, "no span block left: span not recorded");
    birth->context.flags &= (uint8_t)~OTEL_FLAG_SAMPLED;
    return born_light(birth, sampled ? OTL_FATE_SAMPLED_LOST : OTL_FATE_RECORD_ONLY_LOST);
}

static struct otel_span *born_recording(struct birth *birth)
{
    const struct otel_span_options *options = birth->options;
    struct otl_span *span = otl_pool_get(&birth->provider->spans, &birth->local->spans);
    bool sampled = birth->sampling.decision == OTEL_SDK_RECORD_AND_SAMPLE;
    struct otl_processors *processors;

    if (span == NULL)
        return no_memory(birth, sampled);
    otl_count(birth->local, OTL_COUNT_TAKEN, 1);
    otl_count(birth->local,
              otl_started(sampled ? OTL_FATE_SAMPLED : OTL_FATE_RECORD_ONLY, birth->origin), 1);
    clear(span, birth);
    set_times(span, birth);
    put_trace_state(span);
    otl_record_name(span, birth->name);
    if (options->attributes != NULL)
        otl_record_attributes(span, options->attributes, options->attribute_count);
    otl_record_attributes(span, birth->sampling.attributes, birth->sampling.attribute_count);
    if (options->links != NULL)
        for (size_t i = 0; i < options->link_count; i++)
            otl_record_link(span, &options->links[i]);
    processors = __atomic_load_n(&birth->provider->processors, __ATOMIC_ACQUIRE);
    if (processors->any_on_start)
        for (size_t i = 0; i < processors->count; i++) {
            struct otel_sdk_processor *processor = processors->items[i];
            if (processor->ops->on_start != NULL)
                processor->ops->on_start(processor, &span->api, birth->around);
        }
    return &span->api;
}

/* The provider is shut down, or this thread has no memory for counters. */
static void count_passed_through(const struct birth *birth)
{
    const struct otel_span_options *options = birth->options;
    const struct otel_context *context =
        options->parent != NULL ? options->parent : otel_context_current();
    const struct otel_span *parent =
        options->root ? otel_span_invalid() : otel_context_span(context);
    enum otl_origin origin = OTL_ORIGIN_NONE;

    if (otel_span_context_is_valid(&parent->context))
        origin = parent->context.is_remote ? OTL_ORIGIN_REMOTE : OTL_ORIGIN_LOCAL;
    otl_provider_count(birth->provider, otl_started(OTL_FATE_DROP, origin), 1);
}

struct otel_span *otl_tracer_start(struct otel_tracer *api, struct otel_str name,
                                   const struct otel_span_options *options)
{
    struct birth birth;

    birth.tracer = (struct otl_tracer *)api;
    birth.provider = birth.tracer->provider;
    birth.options = options != NULL ? options : &no_options;
    birth.name = name;
    birth.local = otl_local(birth.provider);
    if (__builtin_expect(birth.local == NULL ||
                             __atomic_load_n(&birth.provider->shut_down, __ATOMIC_RELAXED),
                         0)) {
        count_passed_through(&birth);
        return otel_span_passed_through(options);
    }
    choose_parent(&birth);
    ask_sampler(&birth);
    make_span_id(&birth, birth.context.span_id);
    if (birth.sampling.decision == OTEL_SDK_DROP)
        return born_light(&birth, OTL_FATE_DROP);
    if (birth.sampling.decision == OTEL_SDK_RECORD_AND_SAMPLE)
        birth.context.flags |= OTEL_FLAG_SAMPLED;
    return born_recording(&birth);
}
