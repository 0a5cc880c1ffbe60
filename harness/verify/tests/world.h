/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_TEST_WORLD_H
#define HX_TEST_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/ledger/format.h"
#include "harness/scenario/scenario.h"
#include "sdk/base/random.h"

/*
 * A small world for testing the referee: three services and a load client that did nothing wrong,
 * as data. A test changes exactly one thing and writes ledger, drop records and tap with the
 * writers of the other side (harness/ledger, collector-mock/wire; OTLP by protobuf-c).
 *
 *   load -> gateway POST /checkout -> order POST /orders -> topic -> projector
 *
 * Six spans a request in two traces: the consumer links to the producer (or has it as parent).
 */

enum { W_GATEWAY, W_ORDER, W_PROJECTOR, W_LOAD, W_PROCESSES };
enum { W_SERVICES = 3, W_SPANS_PER_REQUEST = 6, W_BATCH = 16, W_EXTRAS = 6 };
enum w_op { OP_CHECKOUT, OP_CALL, OP_ORDERS, OP_PROCESS, OP_PUBLISH, OP_CONSUME, OPS };

struct w_wire { /* the span as it is on its way to the collector */
    uint8_t trace_id[16], span_id[8], parent[8];
    uint8_t link_trace[16], link_span[8];
    uint64_t start, end;
    int64_t seq; /* 0: no tracerig.seq */
    char name[48], order_id[24], message[32];
    int kind, status, resource; /* resource: process whose resource it carries */
    uint32_t flags;
    bool event, link;
    bool gone;   /* lost on the way */
};

struct w_span {
    int process;
    unsigned request;     /* tap request that carries it */
    uint32_t next;        /* another span of that request, UINT32_MAX: none */
    struct hx_led_span led;
    struct hx_led_span_close close;
    struct w_wire wire;
    bool sampled;
    bool open;            /* never closed */
    enum hx_drop_reason dropped; /* in the drop record; 0: not */
    bool stranger;        /* ... but under other ids */
};

struct w_entry {
    int process;
    struct hx_led_entry led;
    struct hx_led_entry_close close;
    char traceparent[64], baggage[64];
    bool gone, open;
};

struct w_send {
    int process;
    struct hx_led_send led;
    struct hx_led_send_close close;
    char traceparent[64], baggage[64];
};

struct w_load {
    struct hx_led_load led;
    struct hx_led_load_close close;
    char traceparent[64];
};

struct w_baggage {
    int process;
    struct hx_led_baggage led;
    char name[32], value[32];
};

struct w_request { /* of the tap */
    int process;
    uint32_t status;
    unsigned times;      /* how often it arrives; 0: never seen by the tap */
    bool unanswered;     /* the first arrival */
    bool grpc;           /* it came over gRPC: status is a grpc-status */
    uint32_t first;      /* span */
    uint32_t rejected;   /* spans that the answer refuses: partial success */
    bool unsent;         /* the answer did not leave */
    unsigned at_agent;   /* with an agent before it: how often it arrives there */
    bool first_refused;  /* there with 503, the first time */
};

enum w_what { W_ENTRY, W_ENTRY_CLOSE, W_SPAN, W_SPAN_CLOSE, W_SEND, W_SEND_CLOSE, W_SET_OR_READ };

struct w_tape { /* ledger rows in the order of writing */
    enum w_what what;
    uint32_t index;
};

struct w_options {
    unsigned requests;         /* 0: 20 */
    const char *sampler[W_SERVICES]; /* NULL: parentbased_always_on */
    enum hx_edge_mode edge;    /* of the consumer */
    unsigned load_parent_every; /* every n-th request of the load client has a traceparent */
    bool narrow_ids;           /* the consumer's trace ids are small where a ratio looks */
    bool extras;               /* W_EXTRAS further attributes on each span */
    const char *dir;           /* where temporary directories go; NULL: /tmp */
};

struct world {
    char dir[128];
    struct w_options options;
    struct hx_scenario scenario;
    struct hx_service services[W_SERVICES];
    struct hx_route routes[2];
    struct hx_consumer consumer;
    struct hx_topic topic;
    struct hx_operation operations[OPS];
    struct hx_attribute resource_attribute;
    struct hx_led_process_close closes[W_PROCESSES];
    uint64_t unnamed[W_PROCESSES][HX_DROP_NO_MEMORY + 1]; /* drops told by count, without ids */
    bool killed[W_PROCESSES];
    const char *wrong_instance; /* gateway's resource says this instance */
    unsigned pipeline_loses;    /* tap request (from 1) that the file exporter does not write */
    unsigned pipeline_repeats;  /* ... that it writes twice */
    unsigned pipeline_short;    /* spans of a request refused in part that it does not write, too */
    bool pipeline_cut;          /* its last record is cut off */
    struct hx_agent agent;      /* before the collector, of one service; no name: there is none */
    int agent_of;
    uint64_t agent_counts;      /* spans that it counts as dropped */
    bool agent_silent;          /* it leaves no numbers, */
    bool agent_blind;           /* ... no tap */
    struct w_span *spans;
    struct w_entry *entries;
    struct w_send *sends;
    struct w_load *loads;
    struct w_baggage *baggage;
    struct w_request *requests;
    struct w_tape *tape;
    size_t span_count, entry_count, send_count, load_count, baggage_count, request_count, tapes;
    struct otl_random random;
    uint64_t now_mono, wall_offset, counter[W_PROCESSES];
};

/* A healthy world with its own temporary directory. */
void world_init(struct world *world, const struct w_options *options);
/* Counters, batches: what follows from the spans. world_init has called it. */
void world_account(struct world *world);
/* An agent between this process and the collector, which passes everything on. */
void world_agent(struct world *world, int process);
/* Write ledger/, spans/tap.bin, and spans/traces.bin as the file exporter does; of an agent its tap
 * and numbers. */
void world_write(const struct world *world);
/* Remove the directory. */
void world_fini(struct world *world);

/* The n-th (from 0) span of this operation. */
struct w_span *world_span(struct world *world, enum w_op op, unsigned n);
struct w_entry *world_entry(struct world *world, enum w_op op, unsigned n);
struct w_send *world_send(struct world *world, enum w_op op, unsigned n);
/* The message of the n-th consumer entry is handled once more: a new entry and span. */
void world_redeliver(struct world *world, unsigned n);

/* The n-th further attribute. */
void world_extra(int n, char key[32], char value[32]);
void world_scenario(struct world *world);
/* Does a sampler word say yes to this trace id at a root? */
bool world_root_decision(const char *sampler, const uint8_t trace_id[16]);

#endif
