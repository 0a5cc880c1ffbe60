/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/processors/tests/tail_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "collector-mock/wire/put.h"
#include "sdk/base/text.h"

#define EPOCH_NS 1700000000000000000ULL

static uint64_t read_mono(void *state)
{
    struct tail_world *world = state;

    world->now_ns += world->step_ns;
    return world->now_ns;
}

static uint64_t read_wall(void *state)
{
    return EPOCH_NS + ((struct tail_world *)state)->now_ns;
}

static void good(enum otel_err err)
{
    assert_int_equal(err, OTEL_OK);
}

/* ---- spans ---- */

static void put_uint(struct otl_buf *out, unsigned field, uint64_t value)
{
    good(otl_buf_append_byte(out, (uint8_t)(field << 3)));
    good(col_put_varint(out, value));
}

static void put_fixed64(struct otl_buf *out, unsigned field, uint64_t value)
{
    good(otl_buf_append_byte(out, (uint8_t)(field << 3 | 1)));
    for (int i = 0; i < 8; i++)
        good(otl_buf_append_byte(out, (uint8_t)(value >> (8 * i))));
}

static void put_text(struct otl_buf *out, unsigned field, const char *text)
{
    good(col_put_field(out, field, otl_view_str(text)));
}

static void put_message(struct otl_buf *out, unsigned field, struct otl_buf *message)
{
    good(col_put_field(out, field, otl_view(message->data, message->len)));
    otl_buf_fini(message);
}

static void put_attr(struct otl_buf *out, unsigned field, const struct tail_attr *attr)
{
    struct otl_buf kv, value;
    uint64_t bits;

    if (attr->key == NULL)
        return;
    otl_buf_init(&kv, 4096);
    otl_buf_init(&value, 4096);
    put_text(&kv, 1, attr->key);
    memcpy(&bits, &attr->real, 8);
    if (attr->text != NULL)
        put_text(&value, 1, attr->text);
    else if (attr->is_bool)
        put_uint(&value, 2, attr->number != 0);
    else if (bits != 0)
        put_fixed64(&value, 4, bits);
    else
        put_uint(&value, 3, (uint64_t)attr->number);
    put_message(&kv, 2, &value);
    put_message(out, field, &kv);
}

void tail_put_span(struct otl_buf *out, const struct tail_span *span)
{
    uint64_t start = EPOCH_NS + span->start_ms * OTL_NS_PER_MS;
    uint8_t id[16] = {0};
    struct otl_buf sub;

    id[14] = (uint8_t)(span->trace >> 8);
    id[15] = (uint8_t)span->trace;
    if (span->trace_hex != NULL)
        assert_true(otl_unhex(span->trace_hex, 16, id));
    good(col_put_field(out, 1, otl_view((const char *)id, 16)));
    good(col_put_field(out, 2, otl_view("spanspan", 8)));
    if (span->trace_state != NULL)
        put_text(out, 3, span->trace_state);
    if (span->child)
        good(col_put_field(out, 4, otl_view("parentpa", 8)));
    put_text(out, 5, span->name != NULL ? span->name : "work");
    put_fixed64(out, 7, start);
    put_fixed64(out, 8, start + span->ms * OTL_NS_PER_MS);
    for (size_t i = 0; i < 3; i++)
        put_attr(out, 9, &span->attrs[i]);
    if (span->event.key != NULL) {
        otl_buf_init(&sub, 4096);
        put_text(&sub, 2, "happened");
        put_attr(&sub, 3, &span->event);
        put_message(out, 11, &sub);
    }
    if (span->status != 0) {
        otl_buf_init(&sub, 64);
        put_uint(&sub, 3, span->status);
        put_message(out, 15, &sub);
    }
    if (span->flags != 0) {
        good(otl_buf_append(out, "\x85\x01", 2));
        for (int i = 0; i < 4; i++)
            good(otl_buf_append_byte(out, (uint8_t)(span->flags >> (8 * i))));
    }
}

void tail_put_request(struct otl_buf *out, const struct tail_span *spans, size_t count, bool apart)
{
    size_t step = apart ? 1 : count;

    for (size_t i = 0; i < count; i += step) {
        struct otl_buf resource, scope, resource_spans, span;
        otl_buf_init(&resource, 1 << 20);
        otl_buf_init(&scope, 64 << 20);
        otl_buf_init(&resource_spans, 64 << 20);
        put_attr(&resource, 1, &(struct tail_attr){.key = "service.name", .text = "shop"});
        put_attr(&resource, 1, &spans[i].resource);
        put_message(&resource_spans, 1, &resource);
        for (size_t k = i; k < i + step; k++) {
            otl_buf_init(&span, 1 << 20);
            tail_put_span(&span, &spans[k]);
            put_message(&scope, 2, &span);
        }
        put_message(&resource_spans, 2, &scope);
        put_message(out, 1, &resource_spans);
    }
}

/* ---- the world ---- */

static enum otel_err keep(void *self, const struct col_batch *batch, struct otl_detail *reterr)
{
    struct tail_world *world = self;
    struct col_traces traces;
    struct col_span span;
    uint64_t spans = 0;

    (void)reterr;
    good(col_traces_check(batch->request, &spans, NULL));
    assert_int_equal(spans, batch->items);
    world->batches++;
    if (world->answer != OTEL_OK)
        return world->answer;
    good(otl_buf_append(&world->out, batch->request.data, batch->request.len));
    world->kept += spans;
    col_traces_init(&traces, batch->request);
    while (col_traces_next(&traces, &span))
        world->sent[span.trace_id[15]]++;
    return OTEL_OK;
}

static void balanced(const struct tail_world *world)
{
    const struct col_tail_books *books = &world->tail->books;
    uint64_t held = 0;

    assert_true(col_tail_balanced(books));
    for (uint32_t at = world->tail->table.oldest; at != COL_TAIL_NONE;
         at = world->tail->table.traces[at].newer)
        held += world->tail->table.traces[at].held;
    for (size_t i = 0; i < world->tail->waiting_count; i++)
        held += world->tail->waiting[(world->tail->waiting_first + i) % COL_TAIL_WAITING].spans;
    assert_int_equal(books->held, held);
    assert_int_equal(books->kept, world->kept);
}

enum otel_err tail_world_init(struct tail_world *world, const char *config,
                              struct otl_detail *reterr)
{
    return tail_world_init_as(world, config, 0, reterr);
}

enum otel_err tail_world_init_as(struct tail_world *world, const char *config, unsigned version,
                                 struct otl_detail *reterr)
{
    struct col_create args = {.id = "tail_sampling", .host = &world->host};
    struct otl_yaml_options options;
    enum otel_err err;

    memset(world, 0, sizeof(*world));
    world->now_ns = OTL_NS_PER_S;
    world->clock = (struct otl_clock){read_mono, read_wall, world};
    world->host.clock = &world->clock;
    world->host.as_version = version;
    world->host.decisions.fd = -1;
    otl_log_init(&world->host.log, 2, (enum otl_log_level)(OTL_LOG_ERROR + 1), "test");
    good(col_metrics_new(&world->host.metrics));
    otl_buf_init(&world->out, 256u << 20);
    otl_buf_init(&world->last, 64u << 20);
    otl_yaml_options_init(&options);
    options.digit_separators = true;
    err = otl_yaml_load_text(config, strlen(config), &options, &world->doc, reterr);
    if (err != OTEL_OK)
        return err;
    args.config = otl_yaml_root(world->doc);
    args.doc = world->doc;
    args.next.consume = keep;
    args.next.self = world;
    if (!json_is_null(args.config))
        err = otl_schema_check(world->doc, col_tail_schema, reterr);
    return err == OTEL_OK ? col_tail_new(&args, &world->tail, reterr) : err;
}

void tail_world_fini(struct tail_world *world)
{
    col_tail_free(world->tail);
    otl_yaml_free(world->doc);
    otl_buf_fini(&world->out);
    otl_buf_fini(&world->last);
    col_metrics_free(world->host.metrics);
}

enum otel_err tail_feed(struct tail_world *world, const struct tail_span *spans, size_t count,
                        bool apart)
{
    struct col_batch batch = {.mono_ns = world->now_ns};
    enum otel_err err;

    otl_buf_reset(&world->last);
    tail_put_request(&world->last, spans, count, apart);
    batch.request = otl_view(world->last.data, world->last.len);
    good(col_traces_check(batch.request, &batch.items, NULL));
    assert_int_equal(batch.items, count);
    err = col_tail_take(world->tail, &batch, NULL);
    balanced(world);
    return err;
}

void tail_ticks(struct tail_world *world, unsigned seconds)
{
    for (unsigned i = 0; i < seconds; i++) {
        world->now_ns += OTL_NS_PER_S;
        col_tail_tick(world->tail);
        balanced(world);
    }
}
