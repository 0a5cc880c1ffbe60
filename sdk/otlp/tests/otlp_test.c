/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "ci/witness/otlp_pb.h"
#include "sdk/base/arena.h"
#include "sdk/base/random.h"
#include "sdk/otlp/batch.h"
#include "sdk/tests/rig.h"

/*
 * The SDK's writer held against the third witness: random spans are recorded through the API,
 * encoded by us, read by protobuf-c, and compared with what was asked for.
 */

enum { ATTRIBUTES = 24, EVENTS = 4, LINKS = 3, SPANS = 6, ROUNDS = 300 };

struct model_event {
    struct otel_event event;
    struct otel_attribute attributes[4];
};

struct model_link {
    struct otel_link link;
    struct otel_attribute attributes[4];
};

struct model {
    struct otel_span_context context;
    struct otel_str name;
    enum otel_span_kind kind;
    uint64_t start, end;
    enum otel_status status;
    struct otel_str description;
    struct otel_attribute attributes[ATTRIBUTES];
    size_t attribute_count;
    struct model_event events[EVENTS];
    size_t event_count;
    struct model_link links[LINKS];
    size_t link_count;
};

/* An exporter that encodes each batch and keeps the bytes of the last one. */
struct capture {
    struct otel_sdk_exporter exporter;
    struct otl_buf buf;
    size_t spans;
};

static void capture_batch(struct otel_sdk_exporter *exporter, const struct otel_sdk_batch *batch,
                          otel_sdk_export_done_fn *done, void *done_arg)
{
    struct capture *capture = (struct capture *)exporter;
    struct otel_sdk_export_result result = {.requests = 1};

    otl_buf_reset(&capture->buf);
    result.err = otl_otlp_encode_batch(batch, &capture->buf);
    capture->spans = batch->count;
    done(done_arg, &result);
}

static void no_free(struct otel_sdk_exporter *exporter)
{
    (void)exporter;
}

static const struct otel_sdk_exporter_ops capture_ops = {
    .struct_size = sizeof(capture_ops), .export_batch = capture_batch, .free = no_free};

struct bench {
    struct rig rig;
    struct capture capture;
    struct otl_random random;
    struct otl_arena arena;
};

static int set_up(void **state)
{
    static struct bench bench;
    struct otel_sdk_processor *processor = NULL;
    struct otel_attribute attributes[] = {otel_attr_str("service.name", "witness"),
                                          otel_attr_int("n", 3)};

    memset(&bench, 0, sizeof(bench));
    bench.capture.exporter.ops = &capture_ops;
    otl_buf_init(&bench.capture.buf, 64 << 20);
    otl_arena_init(&bench.arena, 64 << 20);
    otl_random_seed(&bench.random, 20261120);
    rig_init(&bench.rig);
    assert_int_equal(otel_sdk_resource_new(attributes, 2, otel_str("https://r.test/1"),
                                           &bench.rig.options.resource),
                     OTEL_OK);
    assert_int_equal(otel_sdk_batch_new(NULL, &bench.capture.exporter, &processor), OTEL_OK);
    rig_start_with(&bench.rig, processor);
    otel_sdk_resource_unref(bench.rig.options.resource);
    *state = &bench;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *bench = *state;

    rig_fini(&bench->rig);
    otl_buf_fini(&bench->capture.buf);
    otl_arena_fini(&bench->arena);
    return 0;
}

static size_t below(struct bench *bench, size_t bound)
{
    return (size_t)otl_random_below(&bench->random, bound);
}

static void *take(struct bench *bench, size_t size)
{
    void *memory = otl_arena_zalloc(&bench->arena, size + 1);

    assert_non_null(memory);
    return memory;
}

static struct otel_str a_text(struct bench *bench)
{
    static const char *const parts[] = {"a",   "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80",
                                        "xyz", "\x01"};
    size_t count = below(bench, 8) == 0 ? below(bench, 400) : below(bench, 24);
    bool plain = below(bench, 3) != 0;
    char *text = take(bench, count * 4 + 1);
    size_t len = 0;

    for (size_t i = 0; i < count; i++) {
        const char *part = parts[plain ? 0 : below(bench, 6)];
        memcpy(text + len, part, strlen(part));
        len += strlen(part);
    }
    return otel_strn(text, len);
}

static struct otel_value a_value(struct bench *bench, int depth);

static struct otel_value a_composite(struct bench *bench, int depth)
{
    size_t count = below(bench, 5);
    struct otel_value *values = take(bench, count * sizeof(*values));
    struct otel_attribute *members = take(bench, count * sizeof(*members));

    for (size_t i = 0; i < count; i++) {
        char *key = take(bench, 32);
        snprintf(key, 32, "m%zu", i);
        values[i] = a_value(bench, depth + 1);
        members[i] = otel_attr(key, values[i]);
    }
    if (below(bench, 2) == 0)
        return otel_value_many(OTEL_VALUE_ARRAY, values, count);
    return otel_value_many(OTEL_VALUE_MAP, members, count);
}

static int64_t an_int(struct bench *bench)
{
    return (int64_t)(otl_random_next(&bench->random) >> below(bench, 64));
}

static struct otel_value an_array(struct bench *bench)
{
    size_t count = below(bench, 6);
    int64_t *integers = take(bench, count * sizeof(*integers));
    struct otel_str *strings = take(bench, count * sizeof(*strings));
    double *reals = take(bench, count * sizeof(*reals));
    bool *booleans = take(bench, count * sizeof(*booleans));

    for (size_t i = 0; i < count; i++) {
        integers[i] = an_int(bench);
        strings[i] = a_text(bench);
        reals[i] = otl_random_unit(&bench->random);
        booleans[i] = below(bench, 2) == 0;
    }
    switch (below(bench, 4)) {
    case 0:
        return otel_value_many(OTEL_VALUE_INT_ARRAY, integers, count);
    case 1:
        return otel_value_many(OTEL_VALUE_STRING_ARRAY, strings, count);
    case 2:
        return otel_value_many(OTEL_VALUE_DOUBLE_ARRAY, reals, count);
    default:
        return otel_value_many(OTEL_VALUE_BOOL_ARRAY, booleans, count);
    }
}

static struct otel_value a_value(struct bench *bench, int depth)
{
    struct otel_str text = a_text(bench);

    switch (below(bench, depth < 3 ? 10 : 7)) {
    case 0:
        return otel_value_empty();
    case 1:
        return otel_value_bool(below(bench, 2) == 0);
    case 2:
        return otel_value_double(otl_random_unit(&bench->random) - 0.5);
    case 3:
        return otel_value_many(OTEL_VALUE_BYTES, text.data, text.len);
    case 4:
    case 5:
        return otel_value_int(an_int(bench));
    case 6:
        return otel_value_strn(text.data, text.len);
    case 7:
        return an_array(bench);
    default:
        return a_composite(bench, depth);
    }
}

static void fill(struct bench *bench, struct otel_attribute *attributes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char *key = take(bench, 80);
        snprintf(key, 80, "%s.%zu", below(bench, 2) ? "a.rather.long.key.prefix" : "k", i);
        attributes[i] = otel_attr(key, a_value(bench, 0));
    }
}

/* --- record a random span and its model --- */

static void set_attributes(struct bench *bench, struct otel_span *span, struct model *model)
{
    model->attribute_count = below(bench, ATTRIBUTES + 1);
    fill(bench, model->attributes, model->attribute_count);
    for (size_t i = 0; i < model->attribute_count; i++) {
        if (below(bench, 3) == 0) { /* set twice: only the second counts */
            struct otel_value first = a_value(bench, 0);
            otel_span_set(span, model->attributes[i].key, &first);
        }
    }
    for (size_t i = 0; i < model->attribute_count; i++)
        otel_span_set(span, model->attributes[i].key, &model->attributes[i].value);
}

static void add_events_and_links(struct bench *bench, struct otel_span *span, struct model *model)
{
    model->event_count = below(bench, EVENTS + 1);
    for (size_t i = 0; i < model->event_count; i++) {
        struct model_event *event = &model->events[i];
        event->event.name = a_text(bench);
        event->event.time_unix_nanos = 1 + (otl_random_next(&bench->random) >> 1);
        event->event.attribute_count = below(bench, 5);
        event->event.attributes = event->attributes;
        fill(bench, event->attributes, event->event.attribute_count);
        otel_span_add_event(span, &event->event);
    }
    model->link_count = below(bench, LINKS + 1);
    for (size_t i = 0; i < model->link_count; i++) {
        struct model_link *link = &model->links[i];
        link->link.context = model->context;
        link->link.context.span_id[0] ^= 0x55;
        link->link.context.is_remote = below(bench, 2) == 0;
        link->link.attribute_count = below(bench, 5);
        link->link.attributes = link->attributes;
        fill(bench, link->attributes, link->link.attribute_count);
        otel_span_add_link(span, &link->link);
    }
}

static void record(struct bench *bench, struct otel_tracer *tracer, struct model *model)
{
    struct otel_span_options options;
    struct otel_span *span;

    memset(model, 0, sizeof(*model));
    otel_span_options_init(&options);
    model->name = a_text(bench);
    model->kind = options.kind = (enum otel_span_kind)(1 + below(bench, 5));
    model->start = options.start_time_unix_nanos = 1 + below(bench, SIZE_MAX / 2);
    span =
        otel_span_start_str(tracer, below(bench, 2) ? model->name : otel_str("renamed"), &options);
    model->context = *otel_span_get_context(span);
    if (below(bench, 2) == 0)
        set_attributes(bench, span, model);
    add_events_and_links(bench, span, model);
    if (model->attribute_count == 0)
        set_attributes(bench, span, model);
    otel_span_update_name(span, model->name);
    if (below(bench, 3) == 0) {
        model->status = OTEL_STATUS_ERROR;
        model->description = a_text(bench);
        otel_span_set_status_str(span, OTEL_STATUS_ERROR, model->description);
    }
    model->end = model->start + below(bench, 1000000);
    otel_span_end_at(span, model->end);
    otel_span_unref(span);
}

/* --- compare with the witness --- */

static void same_bytes(ProtobufCBinaryData data, struct otel_str expected)
{
    assert_int_equal(data.len, expected.len);
    if (data.len != 0)
        assert_memory_equal(data.data, expected.data, data.len);
}

static void same_value(const Otlp__AnyValue *seen, const struct otel_value *asked);

static void same_attribute(const Otlp__KeyValue *seen, const struct otel_attribute *asked)
{
    same_bytes(seen->key, asked->key);
    assert_non_null(seen->value);
    same_value(seen->value, &asked->value);
}

static struct otel_value element(const struct otel_value *array, size_t i)
{
    switch (array->type) {
    case OTEL_VALUE_INT_ARRAY:
        return otel_value_int(array->as.integers[i]);
    case OTEL_VALUE_STRING_ARRAY:
        return otel_value_strn(array->as.strings[i].data, array->as.strings[i].len);
    case OTEL_VALUE_DOUBLE_ARRAY:
        return otel_value_double(array->as.reals[i]);
    case OTEL_VALUE_BOOL_ARRAY:
        return otel_value_bool(array->as.booleans[i]);
    default:
        return array->as.values[i];
    }
}

static void same_value(const Otlp__AnyValue *seen, const struct otel_value *asked)
{
    switch (asked->type) {
    case OTEL_VALUE_EMPTY:
        assert_int_equal(seen->value_case, OTLP__ANY_VALUE__VALUE__NOT_SET);
        return;
    case OTEL_VALUE_STRING:
        assert_int_equal(seen->value_case, OTLP__ANY_VALUE__VALUE_STRING_VALUE);
        same_bytes(seen->string_value, otel_strn(asked->as.string, asked->count));
        return;
    case OTEL_VALUE_BYTES:
        assert_int_equal(seen->value_case, OTLP__ANY_VALUE__VALUE_BYTES_VALUE);
        same_bytes(seen->bytes_value, otel_strn(asked->as.bytes, asked->count));
        return;
    case OTEL_VALUE_BOOL:
        assert_int_equal(seen->value_case, OTLP__ANY_VALUE__VALUE_BOOL_VALUE);
        assert_int_equal(seen->bool_value, asked->as.boolean);
        return;
    case OTEL_VALUE_INT:
        assert_int_equal(seen->value_case, OTLP__ANY_VALUE__VALUE_INT_VALUE);
        assert_true(seen->int_value == asked->as.integer);
        return;
    case OTEL_VALUE_DOUBLE:
        assert_int_equal(seen->value_case, OTLP__ANY_VALUE__VALUE_DOUBLE_VALUE);
        assert_memory_equal(&seen->double_value, &asked->as.real, 8);
        return;
    case OTEL_VALUE_MAP:
        assert_int_equal(seen->value_case, OTLP__ANY_VALUE__VALUE_KVLIST_VALUE);
        assert_int_equal(seen->kvlist_value->n_values, asked->count);
        for (size_t i = 0; i < asked->count; i++)
            same_attribute(seen->kvlist_value->values[i], &asked->as.attributes[i]);
        return;
    default:
        assert_int_equal(seen->value_case, OTLP__ANY_VALUE__VALUE_ARRAY_VALUE);
        assert_int_equal(seen->array_value->n_values, asked->count);
        for (size_t i = 0; i < asked->count; i++) {
            struct otel_value value = element(asked, i);
            same_value(seen->array_value->values[i], &value);
        }
        return;
    }
}

/* The order of replaced attributes is free; their keys are unique. */
static void same_attribute_set(Otlp__KeyValue **seen, size_t count, const struct model *model)
{
    assert_int_equal(count, model->attribute_count);
    for (size_t i = 0; i < model->attribute_count; i++) {
        struct otel_str key = model->attributes[i].key;
        size_t found = 0;
        for (size_t j = 0; j < count; j++)
            if (otel_str_equal(otel_strn((char *)seen[j]->key.data, seen[j]->key.len), key)) {
                same_attribute(seen[j], &model->attributes[i]);
                found++;
            }
        assert_int_equal(found, 1);
    }
}

static void same_span(const Otlp__Span *seen, const struct model *model)
{
    same_bytes(seen->trace_id, otel_strn((const char *)model->context.trace_id, 16));
    same_bytes(seen->span_id, otel_strn((const char *)model->context.span_id, 8));
    same_bytes(seen->name, model->name);
    assert_int_equal(seen->parent_span_id.len, 0);
    assert_int_equal(seen->kind, model->kind);
    assert_true(seen->start_time_unix_nano == model->start);
    assert_true(seen->end_time_unix_nano == model->end);
    assert_int_equal(seen->flags, model->context.flags | 0x100);
    assert_int_equal(seen->status != NULL ? seen->status->code : 0, model->status);
    if (seen->status != NULL)
        same_bytes(seen->status->message, model->description);
    same_attribute_set(seen->attributes, seen->n_attributes, model);
    assert_int_equal(seen->n_events, model->event_count);
    for (size_t i = 0; i < model->event_count; i++) {
        const struct otel_event *event = &model->events[i].event;
        same_bytes(seen->events[i]->name, event->name);
        assert_true(seen->events[i]->time_unix_nano == event->time_unix_nanos);
        assert_int_equal(seen->events[i]->n_attributes, event->attribute_count);
        for (size_t j = 0; j < event->attribute_count; j++)
            same_attribute(seen->events[i]->attributes[j], &event->attributes[j]);
    }
    assert_int_equal(seen->n_links, model->link_count);
    for (size_t i = 0; i < model->link_count; i++) {
        const struct otel_link *link = &model->links[i].link;
        same_bytes(seen->links[i]->span_id, otel_strn((const char *)link->context.span_id, 8));
        assert_int_equal(seen->links[i]->flags,
                         link->context.flags | 0x100 | (link->context.is_remote ? 0x200 : 0));
        assert_int_equal(seen->links[i]->n_attributes, link->attribute_count);
        for (size_t j = 0; j < link->attribute_count; j++)
            same_attribute(seen->links[i]->attributes[j], &link->attributes[j]);
    }
}

static Otlp__ExportTraceServiceRequest *unpacked(const struct bench *bench)
{
    Otlp__ExportTraceServiceRequest *request = otlp__export_trace_service_request__unpack(
        NULL, bench->capture.buf.len, (const uint8_t *)bench->capture.buf.data);

    assert_non_null(request);
    assert_int_equal(request->n_resource_spans, 1);
    return request;
}

static void random_spans_read_by_protobuf_c_are_what_was_recorded(void **state)
{
    struct bench *bench = *state;
    static struct model models[SPANS];

    for (int round = 0; round < ROUNDS; round++) {
        Otlp__ExportTraceServiceRequest *request;
        Otlp__ScopeSpans *scope;
        size_t count = 1 + below(bench, SPANS);
        for (size_t i = 0; i < count; i++)
            record(bench, bench->rig.tracer, &models[i]);
        assert_int_equal(otel_sdk_provider_force_flush(bench->rig.provider, 10000), OTEL_OK);
        request = unpacked(bench);
        assert_int_equal(request->resource_spans[0]->n_scope_spans, 1);
        scope = request->resource_spans[0]->scope_spans[0];
        assert_int_equal(scope->n_spans, count);
        for (size_t i = 0; i < count; i++)
            same_span(scope->spans[i], &models[i]);
        otlp__export_trace_service_request__free_unpacked(request, NULL);
        otl_arena_reset(&bench->arena);
    }
}

static void spans_are_grouped_by_scope_once_also_when_there_are_many(void **state)
{
    enum { SCOPES = 150 };
    struct bench *bench = *state;
    struct otel_tracer *tracers[SCOPES];
    Otlp__ExportTraceServiceRequest *request;
    Otlp__ResourceSpans *resource;

    for (int i = 0; i < SCOPES; i++) {
        char name[32];
        struct otel_tracer_options options;
        snprintf(name, sizeof(name), "scope %d", i);
        otel_tracer_options_init(&options);
        options.name = otel_str(name);
        options.version = otel_str(i % 2 ? "" : "1.0");
        options.schema_url = otel_str(i % 3 ? "" : "https://s.test/2");
        tracers[i] =
            otel_tracer_provider_tracer(otel_sdk_provider_api(bench->rig.provider), &options);
    }
    for (int i = 0; i < 3 * SCOPES; i++)
        otel_span_finish(otel_span_start(tracers[i * 7 % SCOPES], "s", NULL));
    assert_int_equal(otel_sdk_provider_force_flush(bench->rig.provider, 10000), OTEL_OK);
    request = unpacked(bench);
    resource = request->resource_spans[0];
    assert_int_equal(resource->n_scope_spans, SCOPES);
    same_bytes(resource->schema_url, otel_str("https://r.test/1"));
    assert_int_equal(resource->resource->n_attributes, 2);
    same_bytes(resource->resource->attributes[0]->value->string_value, otel_str("witness"));
    for (int i = 0; i < SCOPES; i++) {
        Otlp__ScopeSpans *scope = resource->scope_spans[i];
        int number = i * 7 % SCOPES; /* the order in which they ended */
        char name[32];
        snprintf(name, sizeof(name), "scope %d", number);
        same_bytes(scope->scope->name, otel_str(name));
        same_bytes(scope->scope->version, otel_str(number % 2 ? "" : "1.0"));
        same_bytes(scope->schema_url, otel_str(number % 3 ? "" : "https://s.test/2"));
        assert_int_equal(scope->n_spans, 3);
    }
    otlp__export_trace_service_request__free_unpacked(request, NULL);
    for (int i = 0; i < SCOPES; i++)
        otel_tracer_unref(tracers[i]);
}

static void a_request_over_the_buffers_maximum_is_refused_whole(void **state)
{
    struct bench *bench = *state;

    otl_buf_fini(&bench->capture.buf);
    otl_buf_init(&bench->capture.buf, 300);
    for (int i = 0; i < 10; i++)
        one_span(&bench->rig, "s");
    assert_int_equal(otel_sdk_provider_force_flush(bench->rig.provider, 10000), OTEL_ERR_LIMIT);
    assert_int_equal(bench->capture.buf.len, 0);
}

int main(void)
{
#define BENCH_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        BENCH_TEST(random_spans_read_by_protobuf_c_are_what_was_recorded),
        BENCH_TEST(spans_are_grouped_by_scope_once_also_when_there_are_many),
        BENCH_TEST(a_request_over_the_buffers_maximum_is_refused_whole),
    };

    return cmocka_run_group_tests_name("otlp", tests, NULL, NULL);
}
