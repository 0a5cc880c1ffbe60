/* SPDX-License-Identifier: Apache-2.0 */
/* The small world into files: ledger and drop records by their writers, the tap by the collector's
 * writer, OTLP by protobuf-c. */
#include <assert.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ci/witness/otlp_pb.h"
#include "collector-mock/wire/tap.h"
#include "harness/ledger/canon.h"
#include "harness/ledger/drops.h"
#include "harness/ledger/writer.h"
#include "harness/verify/tests/world.h"

static const uint8_t OTHER_IDS[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
static const char *const INSTANCES[W_PROCESSES] = {"gateway-0", "order-0", "projector-0", "load-0"};

#define MUST(call)                                                                                 \
    do {                                                                                           \
        if ((call) != OTEL_OK) {                                                                   \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #call);                             \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* ---- ledger --------------------------------------------------------------------------------- */

static uint64_t resource_hash(const struct world *w, int p)
{
    struct hx_canon_attrs attrs;

    (void)w;
    hx_canon_attrs_init(&attrs);
    hx_canon_string(&attrs, "service.name", 12, w->services[p].name, strlen(w->services[p].name));
    hx_canon_string(&attrs, "service.instance.id", 19, INSTANCES[p], strlen(INSTANCES[p]));
    hx_canon_string(&attrs, "service.version", 15, "1.2", 3);
    hx_canon_string(&attrs, "team", 4, "shop", 4);
    return hx_canon_attrs_sum(&attrs);
}

static struct hx_led_headers headers(const char *parent, const char *baggage)
{
    return (struct hx_led_headers){otl_view_str(parent), otl_view(NULL, 0), otl_view_str(baggage)};
}

static void write_row(struct hx_led_writer *writer, const struct world *w, int p,
                      const struct w_tape *row)
{
    const struct w_entry *entry = &w->entries[row->index];
    const struct w_span *span = &w->spans[row->index];
    const struct w_send *send = &w->sends[row->index];
    const struct w_baggage *b = &w->baggage[row->index];
    struct hx_led_headers h;

    switch (row->what) {
    case W_ENTRY:
        h = headers(entry->traceparent, entry->baggage);
        if (entry->process == p && !entry->gone)
            hx_led_entry_row(writer, &entry->led, &h);
        break;
    case W_ENTRY_CLOSE:
        if (entry->process == p && !entry->gone && !entry->open)
            hx_led_entry_close_row(writer, &entry->close);
        break;
    case W_SPAN:
        if (span->process == p)
            hx_led_span_row(writer, &span->led);
        break;
    case W_SPAN_CLOSE:
        if (span->process == p && !span->open)
            hx_led_span_close_row(writer, &span->close);
        break;
    case W_SEND:
        h = headers(send->traceparent, send->baggage);
        if (send->process == p)
            hx_led_send_row(writer, &send->led, &h);
        break;
    case W_SEND_CLOSE:
        if (send->process == p)
            hx_led_send_close_row(writer, &send->close);
        break;
    case W_SET_OR_READ:
        if (b->process == p)
            hx_led_baggage_row(writer, &b->led, otl_view_str(b->name), otl_view_str(b->value));
        break;
    }
}

static void write_ledger(const struct world *w, int p, const char *dir)
{
    struct hx_led_writer_options options = {
        .dir = dir, .instance = INSTANCES[p], .process = (uint32_t)p + 1, .seed = 42};
    struct hx_led_process process = {.pid = 100 + (uint32_t)p,
                                     .service = p == W_LOAD ? UINT32_MAX : (uint32_t)p};
    const char *sampler = "";
    struct hx_led_writer *writer;

    if (p != W_LOAD) {
        sampler = w->options.sampler[p] != NULL ? w->options.sampler[p] : "parentbased_always_on";
        process.resource_hash = resource_hash(w, p);
    }
    MUST(hx_led_writer_new(&options, &writer, NULL));
    hx_led_process_row(writer, &process, otl_view_str(INSTANCES[p]), otl_view_str(sampler));
    for (size_t i = 0; i < w->tapes; i++)
        write_row(writer, w, p, &w->tape[i]);
    for (size_t i = 0; p == W_LOAD && i < w->load_count; i++) {
        hx_led_load_row(writer, &w->loads[i].led, otl_view_str(w->loads[i].traceparent));
        hx_led_load_close_row(writer, &w->loads[i].close);
    }
    if (!w->killed[p])
        hx_led_process_close_row(writer, &w->closes[p]);
    MUST(hx_led_writer_fault(writer, NULL));
    hx_led_writer_free(writer);
}

static void write_drops(const struct world *w, int p, const char *dir)
{
    struct hx_drops_options options = {
        .dir = dir, .instance = INSTANCES[p], .process = (uint32_t)p + 1, .capacity = 1024};
    struct hx_drops *drops;

    MUST(hx_drops_new(&options, &drops, NULL));
    for (size_t i = 0; i < w->span_count; i++) {
        const struct w_span *span = &w->spans[i];

        if (span->process == p && span->dropped != 0)
            hx_drops_add(drops, span->stranger ? OTHER_IDS : span->led.trace_id,
                         span->stranger ? OTHER_IDS : span->led.span_id, span->dropped);
    }
    for (int r = 1; r <= HX_DROP_NO_MEMORY; r++)
        hx_drops_add_unnamed(drops, w->unnamed[p][r], (enum hx_drop_reason)r);
    hx_drops_free(drops);
}

/* ---- OTLP ----------------------------------------------------------------------------------- */

struct batch { /* everything one request needs, for protobuf-c's pointers */
    Otlp__ExportTraceServiceRequest request;
    Otlp__ResourceSpans resource_spans, *resource_spans_list[1];
    Otlp__ScopeSpans scope_spans, *scope_spans_list[1];
    Otlp__Resource resource;
    Otlp__KeyValue resource_kv[8], *resource_list[8];
    Otlp__AnyValue resource_value[8];
    Otlp__Span spans[W_BATCH], *span_list[W_BATCH];
    Otlp__KeyValue kv[W_BATCH][2 + W_EXTRAS], *kv_list[W_BATCH][2 + W_EXTRAS];
    Otlp__AnyValue values[W_BATCH][2 + W_EXTRAS];
    char extra_keys[W_EXTRAS][32], extra_values[W_EXTRAS][32];
    Otlp__Event events[W_BATCH], *event_list[W_BATCH][1];
    Otlp__Link links[W_BATCH], *link_list[W_BATCH][1];
    Otlp__Status status[W_BATCH];
};

static ProtobufCBinaryData text(const char *s)
{
    return (ProtobufCBinaryData){strlen(s), (uint8_t *)(uintptr_t)s};
}

static ProtobufCBinaryData bytes(const uint8_t *data, size_t len)
{
    return (ProtobufCBinaryData){len, (uint8_t *)(uintptr_t)data};
}

static void key_value(Otlp__KeyValue *kv, Otlp__AnyValue *value, const char *key, const char *s)
{
    otlp__key_value__init(kv);
    otlp__any_value__init(value);
    kv->key = text(key);
    kv->value = value;
    if (s != NULL) {
        value->value_case = OTLP__ANY_VALUE__VALUE_STRING_VALUE;
        value->string_value = text(s);
    }
}

static void add_resource(struct batch *b, const struct world *w, int p)
{
    const char *instance = p == W_GATEWAY && w->wrong_instance != NULL ? w->wrong_instance
                                                                        : INSTANCES[p];
    const char *const pairs[7][2] = {
        {"service.name", w->services[p].name}, {"service.instance.id", instance},
        {"service.version", "1.2"},            {"team", "shop"},
        {"telemetry.sdk.name", "opentelemetry"}, {"telemetry.sdk.language", "c"},
        {"telemetry.sdk.version", "0.1.0"}};

    otlp__resource__init(&b->resource);
    for (int i = 0; i < 7; i++) {
        key_value(&b->resource_kv[i], &b->resource_value[i], pairs[i][0], pairs[i][1]);
        b->resource_list[i] = &b->resource_kv[i];
    }
    b->resource.attributes = b->resource_list;
    b->resource.n_attributes = 7;
}

static void add_extras(struct batch *b, const struct w_wire *wire, size_t n)
{
    Otlp__Span *span = &b->spans[n];

    if (wire->event) {
        otlp__event__init(&b->events[n]);
        b->events[n].name = text("validated");
        b->events[n].time_unix_nano = wire->start;
        b->event_list[n][0] = &b->events[n];
        span->events = b->event_list[n];
        span->n_events = 1;
    }
    if (wire->link) {
        otlp__link__init(&b->links[n]);
        b->links[n].trace_id = bytes(wire->link_trace, 16);
        b->links[n].span_id = bytes(wire->link_span, 8);
        b->link_list[n][0] = &b->links[n];
        span->links = b->link_list[n];
        span->n_links = 1;
    }
    if (wire->status != 0) {
        otlp__status__init(&b->status[n]);
        b->status[n].code = wire->status;
        b->status[n].message = text(wire->message);
        span->status = &b->status[n];
    }
}

static void add_more(struct batch *b, size_t n)
{
    for (size_t i = 0; i < W_EXTRAS; i++) {
        size_t at = b->spans[n].n_attributes++;

        world_extra((int)i, b->extra_keys[i], b->extra_values[i]);
        key_value(&b->kv[n][at], &b->values[n][at], b->extra_keys[i], b->extra_values[i]);
        b->kv_list[n][at] = &b->kv[n][at];
    }
}

static void add_span(struct batch *b, const struct w_wire *wire, bool extras)
{
    static const uint8_t none[8];
    size_t n = b->scope_spans.n_spans++;
    Otlp__Span *span = &b->spans[n];

    otlp__span__init(span);
    span->trace_id = bytes(wire->trace_id, 16);
    span->span_id = bytes(wire->span_id, 8);
    if (memcmp(wire->parent, none, 8) != 0)
        span->parent_span_id = bytes(wire->parent, 8);
    span->name = text(wire->name);
    span->kind = wire->kind;
    span->start_time_unix_nano = wire->start;
    span->end_time_unix_nano = wire->end;
    span->flags = wire->flags;
    key_value(&b->kv[n][0], &b->values[n][0], "order.id", wire->order_id);
    key_value(&b->kv[n][1], &b->values[n][1], "tracerig.seq", NULL);
    b->values[n][1].value_case = OTLP__ANY_VALUE__VALUE_INT_VALUE;
    b->values[n][1].int_value = wire->seq;
    b->kv_list[n][0] = &b->kv[n][0];
    b->kv_list[n][1] = &b->kv[n][1];
    span->attributes = b->kv_list[n];
    span->n_attributes = wire->seq != 0 ? 2 : 1;
    if (extras)
        add_more(b, n);
    add_extras(b, wire, n);
    b->span_list[n] = span;
}

/* The request's first spans, at most so many. */
static void encode(const struct world *w, unsigned request, uint32_t most, struct otl_buf *ret)
{
    struct batch *b = calloc(1, sizeof *b);
    size_t len;

    otlp__export_trace_service_request__init(&b->request);
    otlp__resource_spans__init(&b->resource_spans);
    otlp__scope_spans__init(&b->scope_spans);
    b->scope_spans.spans = b->span_list;
    for (uint32_t i = w->requests[request].first; i != UINT32_MAX; i = w->spans[i].next) {
        const struct w_span *span = &w->spans[i];

        if (span->wire.gone)
            continue;
        if (b->scope_spans.n_spans == most)
            break;
        assert(b->scope_spans.n_spans < W_BATCH);
        if (b->scope_spans.n_spans == 0)
            add_resource(b, w, span->wire.resource);
        add_span(b, &span->wire, w->options.extras);
    }
    b->scope_spans_list[0] = &b->scope_spans;
    b->resource_spans.scope_spans = b->scope_spans_list;
    b->resource_spans.n_scope_spans = 1;
    b->resource_spans.resource = &b->resource;
    if (b->scope_spans.n_spans == 0)
        otlp__resource__init(&b->resource);
    b->resource_spans_list[0] = &b->resource_spans;
    b->request.resource_spans = b->resource_spans_list;
    b->request.n_resource_spans = 1;
    otl_buf_reset(ret);
    len = otlp__export_trace_service_request__get_packed_size(&b->request);
    MUST(otl_buf_reserve(ret, len));
    ret->len = otlp__export_trace_service_request__pack(&b->request, (uint8_t *)ret->data);
    free(b);
}

static uint32_t spans_in(const struct world *w, unsigned request)
{
    uint32_t n = 0;

    for (uint32_t i = w->requests[request].first; i != UINT32_MAX; i = w->spans[i].next)
        n += !w->spans[i].wire.gone;
    return n;
}

/* As the file exporter: each accepted request behind its length, big-endian; without its last
 * spans if the answer rejects some. */
static void export_record(const struct world *w, unsigned request, struct otl_buf *body, FILE *out)
{
    uint32_t rejected = w->requests[request].rejected, spans = spans_in(w, request);
    unsigned times = w->requests[request].times;
    uint8_t head[4];

    if (rejected > 0)
        rejected += w->pipeline_short;
    encode(w, request, spans > rejected ? spans - rejected : 0, body);
    for (int i = 0; i < 4; i++)
        head[i] = (uint8_t)(body->len >> (24 - 8 * i));

    if (request + 1 == w->pipeline_loses)
        times = 0;
    if (request + 1 == w->pipeline_repeats)
        times++;
    for (unsigned i = 0; i < times; i++) {
        fwrite(head, 1, sizeof head, out);
        fwrite(body->data, 1, w->pipeline_cut ? body->len / 2 : body->len, out);
    }
}

static const struct col_tap_record START = {.type = COL_TAP_START, .encoding = COL_TAP_PROTOBUF,
                                            .transport = COL_TAP_HTTP, .signal = COL_TAP_TRACES};

/* One arrival: the request, with the body that it has, and its answer. */
static void arrive(struct col_tap_writer *tap, const struct world *w,
                   const struct col_tap_record *request, const struct col_tap_record *answer)
{
    struct col_tap_record record = *request;

    record.type = COL_TAP_REQUEST;
    record.mono_ns = w->now_mono + record.request * 1000;
    MUST(col_tap_write(tap, &record));
    if (answer == NULL)
        return;
    record.type = COL_TAP_ANSWER;
    record.mono_ns += 100;
    record.status = answer->status;
    record.flags = answer->flags;
    record.rejected_spans = answer->rejected_spans;
    record.body = otl_view(NULL, 0);
    MUST(col_tap_write(tap, &record));
}

/* Of the agent: what arrived there, and its numbers. */
static void write_agent(const struct world *w)
{
    struct col_tap_record record = START, answer = START;
    struct col_tap_writer tap;
    struct otl_buf body;
    char path[256];
    FILE *metrics;

    otl_buf_init(&body, 64u << 20);
    snprintf(path, sizeof path, "%s/spans/%s.tap.bin", w->dir, w->agent.name);
    if (!w->agent_blind)
        MUST(col_tap_create(path, &record, &tap, NULL));
    for (unsigned i = 0; i < w->request_count && !w->agent_blind; i++) {
        encode(w, i, UINT32_MAX, &body);
        record.spans = spans_in(w, i);
        record.body = otl_view(body.data, body.len);
        for (unsigned k = 0; k < w->requests[i].at_agent; k++) {
            record.request++;
            record.connection = 1;
            answer.status = k == 0 && w->requests[i].first_refused ? 503 : 200;
            arrive(&tap, w, &record, &answer);
        }
    }
    if (!w->agent_blind)
        MUST(col_tap_finish(&tap));
    otl_buf_fini(&body);
    snprintf(path, sizeof path, "%s/metrics", w->dir);
    mkdir(path, 0755);
    snprintf(path, sizeof path, "%s/metrics/%s.prom", w->dir, w->agent.name);
    metrics = w->agent_silent ? NULL : fopen(path, "w");
    if (metrics == NULL)
        return;
    fprintf(metrics, "otelcol_exporter_send_failed_spans_total{exporter=\"otlp\"} %llu\n"
            "otelcol_exporter_enqueue_failed_spans_total{exporter=\"otlp\"} 0\n",
            (unsigned long long)w->agent_counts);
    fclose(metrics);
}

static void write_tap(const struct world *w)
{
    struct col_tap_record record = START, answer = START;
    struct col_tap_writer tap;
    struct otl_buf body;
    char path[256];
    FILE *exported;

    snprintf(path, sizeof path, "%s/spans", w->dir);
    mkdir(path, 0755);
    snprintf(path, sizeof path, "%s/spans/traces.bin", w->dir);
    exported = fopen(path, "w");
    if (exported == NULL)
        abort();
    snprintf(path, sizeof path, "%s/spans/tap.bin", w->dir);
    otl_buf_init(&body, 64u << 20);
    MUST(col_tap_create(path, &record, &tap, NULL));
    for (unsigned i = 0; i < w->request_count; i++) {
        const struct w_request *request = &w->requests[i];

        export_record(w, i, &body, exported);
        encode(w, i, UINT32_MAX, &body);
        record.connection = 1;
        record.transport = request->grpc ? COL_TAP_GRPC : COL_TAP_HTTP;
        record.spans = spans_in(w, i);
        record.body = otl_view(body.data, body.len);
        answer.status = request->status;
        answer.rejected_spans = request->rejected;
        answer.flags = request->unsent ? COL_TAP_UNSENT : 0;
        for (unsigned k = 0; k < request->times; k++) {
            record.request++;
            arrive(&tap, w, &record, k == 0 && request->unanswered ? NULL : &answer);
        }
    }
    MUST(col_tap_finish(&tap));
    fclose(exported);
    otl_buf_fini(&body);
}

void world_write(const struct world *w)
{
    char dir[256];

    snprintf(dir, sizeof dir, "%s/ledger", w->dir);
    for (int p = 0; p < W_PROCESSES; p++) {
        write_ledger(w, p, dir);
        if (p != W_LOAD)
            write_drops(w, p, dir);
    }
    write_tap(w);
    if (w->agent.name != NULL)
        write_agent(w);
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *at)
{
    (void)st;
    (void)flag;
    (void)at;
    return remove(path);
}

void world_fini(struct world *w)
{
    nftw(w->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free(w->spans);
    free(w->entries);
    free(w->sends);
    free(w->loads);
    free(w->baggage);
    free(w->requests);
    free(w->tape);
    memset(w, 0, sizeof *w);
}
