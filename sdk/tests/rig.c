/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/tests/rig.h"

#include <string.h>

#include "sdk/base/clock.h"

void rig_init(struct rig *rig)
{
    memset(rig, 0, sizeof(*rig));
    otel_sdk_provider_options_init(&rig->options);
}

void rig_start(struct rig *rig)
{
    struct otel_sdk_exporter *exporter;
    struct otel_sdk_processor *processor;

    assert_int_equal(otel_sdk_memory_new(1 << 20, &rig->memory), OTEL_OK);
    assert_int_equal(otel_sdk_memory_exporter_new(rig->memory, &exporter), OTEL_OK);
    assert_int_equal(otel_sdk_simple_new(NULL, exporter, &processor), OTEL_OK);
    rig_start_with(rig, processor);
}

void rig_start_with(struct rig *rig, struct otel_sdk_processor *processor)
{
    rig->options.processors = &processor;
    rig->options.processor_count = 1;
    assert_int_equal(otel_sdk_provider_new(&rig->options, &rig->provider), OTEL_OK);
    rig->options.processors = NULL;
    rig->tracer = rig_tracer(rig, "test");
}

void rig_fini(struct rig *rig)
{
    otel_tracer_unref(rig->tracer);
    otel_sdk_provider_free(rig->provider);
    otel_sdk_memory_unref(rig->memory);
}

struct otel_tracer *rig_tracer(struct rig *rig, const char *name)
{
    struct otel_tracer_options options;

    otel_tracer_options_init(&options);
    options.name = otel_str(name);
    return otel_tracer_provider_tracer(otel_sdk_provider_api(rig->provider), &options);
}

struct seen rig_seen(struct rig *rig, const char *name)
{
    struct seen seen;

    for (size_t i = 0; otel_sdk_memory_at(rig->memory, i, &seen.span); i++) {
        otel_sdk_decode_info(seen.span.encoded, &seen.info);
        if (otel_str_equal(seen.info.name, otel_str(name)))
            return seen;
    }
    fail_msg("no span '%s' was exported", name);
    return seen;
}

static unsigned find(const struct seen *seen, const char *key, struct otel_sdk_read_attribute *ret)
{
    struct otel_sdk_iter iter = otel_sdk_decode_attributes(seen->span.encoded);
    struct otel_sdk_read_attribute attribute;
    unsigned count = 0;

    while (otel_sdk_next_attribute(&iter, &attribute))
        if (otel_str_equal(attribute.key, otel_str(key))) {
            *ret = attribute;
            count++;
        }
    return count;
}

struct otel_sdk_read_attribute seen_attribute(const struct seen *seen, const char *key)
{
    struct otel_sdk_read_attribute attribute;

    memset(&attribute, 0, sizeof(attribute));
    assert_int_equal(find(seen, key, &attribute), 1);
    return attribute;
}

bool seen_has(const struct seen *seen, const char *key)
{
    struct otel_sdk_read_attribute attribute;

    return find(seen, key, &attribute) != 0;
}

struct otel_sdk_stats rig_stats(struct rig *rig)
{
    struct otel_sdk_stats stats;

    stats.struct_size = sizeof(stats);
    otel_sdk_provider_stats(rig->provider, &stats);
    return stats;
}

void one_span(struct rig *rig, const char *name)
{
    struct otel_span *span = otel_span_start(rig->tracer, name, NULL);

    otel_span_finish(span);
}

struct otel_span *child_of(struct otel_tracer *tracer, struct otel_span *span, const char *name)
{
    struct otel_context *context = otel_context_with_span(NULL, span);
    struct otel_span_options options;
    struct otel_span *child;

    otel_span_options_init(&options);
    options.parent = context;
    child = otel_span_start(tracer, name, &options);
    otel_context_unref(context);
    return child;
}

struct otel_context *remote_parent(uint8_t flags)
{
    struct otel_span_context remote;

    memset(&remote, 0, sizeof(remote));
    memset(remote.trace_id, 0xab, sizeof(remote.trace_id));
    memset(remote.span_id, 0xcd, sizeof(remote.span_id));
    remote.flags = flags;
    remote.is_remote = true;
    return otel_context_with_span_context(NULL, &remote);
}

void assert_str(struct otel_str str, const char *text)
{
    assert_int_equal(str.len, strlen(text));
    if (str.len != 0)
        assert_memory_equal(str.data, text, str.len);
}

uint64_t now_millis(void)
{
    return otl_clock_mono(otl_clock_real()) / OTL_NS_PER_MS;
}
