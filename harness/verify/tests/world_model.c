/* SPDX-License-Identifier: Apache-2.0 */
/* What the players of the small world did, with nothing wrong in it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/ledger/canon.h"
#include "harness/verify/tests/world.h"
#include "sdk/base/clock.h"
#include "sdk/base/text.h"

enum { US = 1000 };

struct context { /* of one request, while it is built */
    struct world *w;
    unsigned request;
    bool sampled;
    uint8_t trace_id[16];
};

static uint64_t next_seq(struct world *w, int process)
{
    return (uint64_t)(process + 1) << 40 | ++w->counter[process];
}

static uint64_t tick(struct world *w)
{
    return w->now_mono += 10 * US;
}

static void tape(struct world *w, enum w_what what, size_t index)
{
    w->tape[w->tapes++] = (struct w_tape){what, (uint32_t)index};
}

static void random_id(struct world *w, uint8_t *id, size_t len)
{
    for (size_t i = 0; i < len; i += 8) {
        uint64_t word = otl_random_next(&w->random) | 1;

        memcpy(id + i, &word, 8);
    }
}

static void traceparent(char out[64], const uint8_t trace_id[16], const uint8_t span_id[8],
                        bool sampled)
{
    char trace[33], span[17];

    otl_hex(trace_id, 16, trace);
    otl_hex(span_id, 8, span);
    snprintf(out, 64, "00-%s-%s-0%d", trace, span, sampled ? 1 : 0);
}

static const char *sampler_of(const struct world *w, int process)
{
    const char *s = w->options.sampler[process];

    return s != NULL ? s : "parentbased_always_on";
}

/* ---- spans ---------------------------------------------------------------------------------- */

void world_extra(int n, char key[32], char value[32])
{
    snprintf(key, 32, "bench.attribute.%d", n);
    snprintf(value, 32, "value of attribute %d", n);
}

static void ask(const struct world *w, struct w_span *span, const char *name)
{
    char key[32], value[32];
    struct hx_canon canon;
    struct w_wire *wire = &span->wire;

    hx_canon_init(&canon, name, strlen(name));
    hx_canon_int(&canon.attributes, "tracerig.seq", 12, wire->seq);
    hx_canon_string(&canon.attributes, "order.id", 8, wire->order_id, strlen(wire->order_id));
    for (int i = 0; w->options.extras && i < W_EXTRAS; i++) {
        world_extra(i, key, value);
        hx_canon_string(&canon.attributes, key, strlen(key), value, strlen(value));
    }
    if (wire->event)
        hx_canon_event(&canon, "validated", 9, NULL);
    if (wire->link)
        hx_canon_link(&canon, wire->link_trace, wire->link_span, NULL, 0, NULL);
    hx_canon_status(&canon, (uint32_t)wire->status, wire->message, strlen(wire->message));
    hx_canon_finish(&canon, &span->close.content);
}

static bool is_remote(enum w_op op)
{
    return op == OP_CHECKOUT || op == OP_ORDERS || op == OP_CONSUME;
}

/* parent: local span, NULL for an entry; remote: the parent's span id that came in, or NULL. */
static struct w_span *start(struct context *c, int process, enum w_op op, uint64_t entry_seq,
                            const struct w_span *parent, const uint8_t *remote)
{
    struct world *w = c->w;
    struct w_span *span = &w->spans[w->span_count];
    struct hx_led_span *led = &span->led;

    memset(span, 0, sizeof *span);
    span->process = process;
    span->sampled = c->sampled;
    led->head.seq = next_seq(w, process);
    led->head.flags = c->sampled ? HX_LED_SPAN_RECORDING | HX_LED_SPAN_SAMPLED : 0;
    led->request = c->request;
    led->entry_seq = entry_seq;
    led->op = op;
    led->kind = (uint8_t)w->operations[op].kind;
    led->trace_flags = c->sampled;
    memcpy(led->trace_id, c->trace_id, 16);
    random_id(w, led->span_id, 8);
    if (parent != NULL) {
        led->parent_seq = parent->led.head.seq;
        memcpy(led->parent_span_id, parent->led.span_id, 8);
    } else if (remote != NULL) {
        memcpy(led->parent_span_id, remote, 8);
        led->head.flags |= HX_LED_SPAN_REMOTE_PARENT;
    } else {
        led->head.flags |= HX_LED_SPAN_ROOT;
    }
    led->mono_before_ns = tick(w);
    led->mono_after_ns = led->mono_before_ns + US;
    led->wall_ns = led->mono_before_ns + w->wall_offset;
    snprintf(span->wire.name, sizeof span->wire.name, "%s", w->operations[op].name);
    snprintf(span->wire.order_id, sizeof span->wire.order_id, "order-%u", c->request);
    span->wire.seq = (int64_t)led->head.seq;
    span->wire.event = op == OP_PROCESS;
    span->wire.flags = (uint32_t)c->sampled | 0x100;
    if (remote != NULL && is_remote(op))
        span->wire.flags |= 0x200;
    tape(w, W_SPAN, w->span_count++);
    return span;
}

static void end(struct context *c, struct w_span *span)
{
    struct world *w = c->w;
    struct w_wire *wire = &span->wire;

    span->close.head.seq = span->led.head.seq;
    span->close.mono_before_ns = tick(w);
    span->close.mono_after_ns = span->close.mono_before_ns + US;
    span->close.wall_ns = span->close.mono_before_ns + w->wall_offset;
    if (span->led.op == OP_ORDERS && c->request % 5 == 0) {
        wire->status = HX_STATUS_ERROR;
        snprintf(wire->message, sizeof wire->message, "declined");
    }
    memcpy(wire->trace_id, span->led.trace_id, 16);
    memcpy(wire->span_id, span->led.span_id, 8);
    memcpy(wire->parent, span->led.parent_span_id, 8);
    wire->kind = span->led.kind;
    wire->resource = span->process;
    wire->start = span->led.mono_before_ns + US / 2 + w->wall_offset;
    wire->end = span->close.mono_before_ns + US / 2 + w->wall_offset;
    ask(w, span, wire->name);
    tape(w, W_SPAN_CLOSE, (size_t)(span - w->spans));
}

/* ---- entries and sends ---------------------------------------------------------------------- */

static struct w_entry *enter(struct context *c, int process, enum w_op op,
                             const struct w_send *send, const char *parent)
{
    struct world *w = c->w;
    struct w_entry *entry = &w->entries[w->entry_count];

    memset(entry, 0, sizeof *entry);
    entry->process = process;
    entry->led.head.seq = next_seq(w, process);
    entry->led.request = c->request;
    entry->led.caller_seq = send != NULL ? send->led.head.seq : 0;
    entry->led.op = op;
    entry->led.kind = op == OP_CONSUME ? HX_LED_ENTRY_KAFKA : HX_LED_ENTRY_HTTP;
    entry->led.partition = op == OP_CONSUME ? (int32_t)(c->request % 6) : -1;
    entry->led.offset = op == OP_CONSUME ? (int64_t)(c->request / 6) : -1;
    entry->led.delivery = 1;
    entry->led.mono_ns = tick(w);
    entry->led.wall_ns = entry->led.mono_ns + w->wall_offset;
    snprintf(entry->traceparent, sizeof entry->traceparent, "%s", parent);
    if (send != NULL)
        snprintf(entry->baggage, sizeof entry->baggage, "%s", send->baggage);
    tape(w, W_ENTRY, w->entry_count++);
    return entry;
}

static void leave(struct context *c, struct w_entry *entry)
{
    entry->close.head.seq = entry->led.head.seq;
    entry->close.mono_ns = tick(c->w);
    entry->close.http_status = entry->led.kind == HX_LED_ENTRY_HTTP ? 200 : 0;
    tape(c->w, W_ENTRY_CLOSE, (size_t)(entry - c->w->entries));
}

static struct w_send *send_out(struct context *c, const struct w_span *span, uint32_t to_op,
                               uint32_t topic)
{
    struct world *w = c->w;
    struct w_send *send = &w->sends[w->send_count];

    memset(send, 0, sizeof *send);
    send->process = span->process;
    send->led.head.seq = span->led.head.seq;
    send->led.request = c->request;
    send->led.entry_seq = span->led.entry_seq;
    send->led.to_op = to_op;
    send->led.topic = topic;
    send->led.mono_ns = tick(w);
    traceparent(send->traceparent, span->led.trace_id, span->led.span_id, span->sampled);
    snprintf(send->baggage, sizeof send->baggage, "tenant.id=acme%%20inc");
    tape(w, W_SEND, w->send_count++);
    return send;
}

static void answered(struct context *c, struct w_send *send, int status)
{
    send->close.head.seq = send->led.head.seq;
    send->close.mono_ns = tick(c->w);
    send->close.status = status;
    send->close.partition = send->led.topic == 0 ? (int32_t)(c->request % 6) : -1;
    send->close.offset = send->led.topic == 0 ? (int64_t)(c->request / 6) : -1;
    tape(c->w, W_SEND_CLOSE, (size_t)(send - c->w->sends));
}

static void baggage(struct context *c, const struct w_entry *entry, uint32_t what)
{
    struct world *w = c->w;
    struct w_baggage *b = &w->baggage[w->baggage_count];

    memset(b, 0, sizeof *b);
    b->process = entry->process;
    b->led.head.seq = entry->led.head.seq;
    b->led.request = c->request;
    b->led.what = what;
    b->led.found = what == HX_LED_BAGGAGE_READ;
    snprintf(b->name, sizeof b->name, "tenant.id");
    snprintf(b->value, sizeof b->value, "acme inc");
    tape(w, W_SET_OR_READ, w->baggage_count++);
}

/* ---- one request ---------------------------------------------------------------------------- */

static bool parent_based(const struct world *w, int process)
{
    return strncmp(sampler_of(w, process), "parentbased_", 12) == 0;
}

/* The decision of the entry's span; a parent's flag counts where the sampler listens to it. */
static bool decide(const struct context *c, int process, const bool *parent)
{
    if (parent != NULL && parent_based(c->w, process))
        return *parent;
    return world_root_decision(sampler_of(c->w, process), c->trace_id);
}

static void consume(struct context *c, const struct w_send *message,
                    const struct w_span *producer)
{
    struct world *w = c->w;
    struct context own = *c;
    bool link = w->options.edge == HX_EDGE_LINK || w->options.edge == HX_EDGE_BOTH;
    bool child = w->options.edge == HX_EDGE_PARENT || w->options.edge == HX_EDGE_BOTH;
    struct w_entry *entry = enter(c, W_PROJECTOR, OP_CONSUME, message, message->traceparent);
    struct w_span *span;

    if (!child)
        random_id(w, own.trace_id, 16);
    if (!child && w->options.narrow_ids)
        own.trace_id[8] = 0;
    own.sampled = decide(&own, W_PROJECTOR, child ? &producer->sampled : NULL);
    span = start(&own, W_PROJECTOR, OP_CONSUME, entry->led.head.seq, NULL,
                 child ? producer->led.span_id : NULL);
    if (link) {
        span->wire.link = true;
        span->led.link_count = 1;
        memcpy(span->wire.link_trace, producer->led.trace_id, 16);
        memcpy(span->wire.link_span, producer->led.span_id, 8);
    }
    baggage(&own, entry, HX_LED_BAGGAGE_READ);
    end(&own, span);
    leave(&own, entry);
}

static struct w_send *order(struct context *c, const struct w_send *call, const uint8_t *caller,
                            bool parent_sampled, struct w_span **ret_publish)
{
    struct w_entry *entry = enter(c, W_ORDER, OP_ORDERS, call, call->traceparent);
    struct w_span *server, *process, *publish;
    struct w_send *message;

    c->sampled = decide(c, W_ORDER, &parent_sampled);
    server = start(c, W_ORDER, OP_ORDERS, entry->led.head.seq, NULL, caller);
    process = start(c, W_ORDER, OP_PROCESS, entry->led.head.seq, server, NULL);
    publish = start(c, W_ORDER, OP_PUBLISH, entry->led.head.seq, process, NULL);
    message = send_out(c, publish, UINT32_MAX, 0);
    answered(c, message, 0);
    end(c, publish);
    end(c, process);
    end(c, server);
    leave(c, entry);
    *ret_publish = publish;
    return message;
}

static void request(struct world *w, unsigned number)
{
    struct context c = {.w = w, .request = number};
    bool parent = w->options.load_parent_every > 0 && number % w->options.load_parent_every == 0;
    struct w_load *load = &w->loads[w->load_count++];
    uint8_t remote[8];
    bool yes = true;
    struct w_entry *entry;
    struct w_span *server, *client, *publish;
    struct w_send *call, *message;

    random_id(w, c.trace_id, 16);
    random_id(w, remote, 8);
    memset(load, 0, sizeof *load);
    load->led.head.seq = load->close.head.seq = next_seq(w, W_LOAD);
    load->led.request = number;
    load->led.intended_mono_ns = load->led.sent_mono_ns = tick(w);
    if (parent)
        traceparent(load->traceparent, c.trace_id, remote, true);
    entry = enter(&c, W_GATEWAY, OP_CHECKOUT, NULL, load->traceparent);
    baggage(&c, entry, HX_LED_BAGGAGE_SET);
    c.sampled = decide(&c, W_GATEWAY, parent ? &yes : NULL);
    server = start(&c, W_GATEWAY, OP_CHECKOUT, entry->led.head.seq, NULL,
                   parent ? remote : NULL);
    client = start(&c, W_GATEWAY, OP_CALL, entry->led.head.seq, server, NULL);
    call = send_out(&c, client, OP_ORDERS, UINT32_MAX);
    message = order(&c, call, client->led.span_id, client->sampled, &publish);
    answered(&c, call, 200);
    c.sampled = client->sampled;
    end(&c, client);
    end(&c, server);
    leave(&c, entry);
    load->close.end_mono_ns = tick(w);
    load->close.http_status = 200;
    consume(&c, message, publish);
}

/* ---- the whole ------------------------------------------------------------------------------ */

void world_account(struct world *w)
{
    w->request_count = 0;
    memset(w->closes, 0, sizeof w->closes);
    for (int p = 0; p < W_PROCESSES; p++) {
        struct hx_led_process_close *close = &w->closes[p];
        unsigned in_batch = W_BATCH;
        uint32_t *last = NULL;

        for (size_t i = 0; i < w->span_count; i++) {
            struct w_span *span = &w->spans[i];

            if (span->process != p)
                continue;
            close->started++;
            if (!span->sampled) {
                close->not_recorded++;
                continue;
            }
            if (in_batch == W_BATCH) {
                w->requests[w->request_count++] =
                    (struct w_request){.process = p, .status = 200, .times = 1,
                                       .first = UINT32_MAX};
                last = &w->requests[w->request_count - 1].first;
                close->export_requests++;
                in_batch = 0;
            }
            in_batch++;
            span->request = (unsigned)w->request_count - 1;
            span->next = UINT32_MAX;
            *last = (uint32_t)i;
            last = &span->next;
            close->ended++;
            close->exported++;
        }
    }
}

void world_init(struct world *w, const struct w_options *options)
{
    size_t n = options->requests > 0 ? options->requests : 20;

    memset(w, 0, sizeof *w);
    w->options = *options;
    snprintf(w->dir, sizeof w->dir, "%.64s/verify-test-XXXXXX",
             options->dir != NULL ? options->dir : "/tmp");
    if (mkdtemp(w->dir) == NULL)
        abort();
    world_scenario(w);
    otl_random_seed(&w->random, 42);
    w->spans = calloc((n + 4) * W_SPANS_PER_REQUEST, sizeof *w->spans);
    w->entries = calloc((n + 4) * 3, sizeof *w->entries);
    w->sends = calloc((n + 4) * 2, sizeof *w->sends);
    w->loads = calloc(n + 4, sizeof *w->loads);
    w->baggage = calloc((n + 4) * 2, sizeof *w->baggage);
    w->requests = calloc((n + 4) * W_SPANS_PER_REQUEST, sizeof *w->requests);
    w->tape = calloc((n + 4) * 24, sizeof *w->tape);
    w->now_mono = otl_clock_mono(otl_clock_real());
    w->wall_offset = otl_clock_wall(otl_clock_real()) - w->now_mono;
    for (unsigned i = 1; i <= n; i++)
        request(w, i);
    world_account(w);
}

static size_t find(const struct world *w, enum w_what what, enum w_op op, unsigned n)
{
    size_t count = what == W_SPAN    ? w->span_count
                   : what == W_ENTRY ? w->entry_count
                                     : w->send_count;

    for (size_t i = 0; i < count; i++) {
        uint32_t at = what == W_SPAN    ? w->spans[i].led.op
                      : what == W_ENTRY ? w->entries[i].led.op
                      : w->sends[i].led.topic == 0 ? OP_PUBLISH
                                                   : OP_CALL;

        if (at == op && n-- == 0)
            return i;
    }
    abort();
}

struct w_span *world_span(struct world *w, enum w_op op, unsigned n)
{
    return &w->spans[find(w, W_SPAN, op, n)];
}

struct w_entry *world_entry(struct world *w, enum w_op op, unsigned n)
{
    return &w->entries[find(w, W_ENTRY, op, n)];
}

struct w_send *world_send(struct world *w, enum w_op op, unsigned n)
{
    return &w->sends[find(w, W_SEND, op, n)];
}

void world_redeliver(struct world *w, unsigned n)
{
    const struct w_entry *first = world_entry(w, OP_CONSUME, n);
    struct context c = {.w = w, .request = (unsigned)first->led.request, .sampled = true};
    const struct w_span *producer = w->spans;

    while (producer->led.head.seq != first->led.caller_seq)
        producer++;
    memcpy(c.trace_id, producer->led.trace_id, 16);
    for (size_t i = 0; i < w->send_count; i++) {
        if (w->sends[i].led.head.seq == first->led.caller_seq) {
            consume(&c, &w->sends[i], producer);
            break;
        }
    }
    w->entries[w->entry_count - 1].led.delivery = 2;
    world_account(w);
}
