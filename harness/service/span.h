/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_SERVICE_SPAN_H
#define HX_SERVICE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <otel/propagation.h>
#include <otel/trace.h>

#include "harness/ledger/canon.h"
#include "harness/ledger/writer.h"
#include "harness/scenario/scenario.h"

/*
 * Span of the harness: every call of the tracing API is written down in the ledger beside it: the
 * ids and flags that came back, the clocks around start and end, the hash of what was asked for.
 *
 * Life      hx_span_start() -> set, event, exception, status -> hx_span_end(). The struct is the
 *           caller's and stays where it is from start to end; children may be started from it
 *           until hx_span_release().
 * Threads   the loop's.
 * Memory    nothing is copied but by the tracing API itself; a context for children is made when
 *           the first child asks.
 *
 * What is recorded is what a healthy service asks for; a deliberately broken one (broken.h) does
 * something else below this line.
 */

struct hx_broken_player;
struct hx_injector;

/* What every request of a service uses to trace. */
struct hx_rig {
    struct hx_led_writer *ledger;
    struct otel_tracer *tracer; /* NULL: the API is not called at all */
    struct otel_propagator *propagator;
    struct hx_broken_player *broken; /* NULL: healthy */
    struct hx_injector *injector;    /* NULL: nothing is added */
};

/* What ties the spans of one request in one process together. */
struct hx_trail {
    uint64_t request;
    uint64_t entry_seq;
    struct otel_context *base; /* what came in, with the baggage as it is now */
    unsigned version;          /* counted up when base changes */
    const struct hx_span *swap_with;   /* broken.h: two spans swap parents: whose children, */
    struct otel_context *swapped;      /* the parent put aside for the second, */
    struct otel_context *swap_context; /* and the same when it has been given */
};

struct hx_span {
    struct otel_span *api;
    struct hx_span *parent;       /* local parent, NULL = none */
    struct otel_context *context; /* for children */
    unsigned context_version;
    uint64_t seq;
    bool has_status;
    struct hx_canon canon;
};

struct hx_span_begin {
    struct otel_str name;
    enum hx_span_kind kind;
    unsigned op;
    bool root;             /* no parent even if base carries one */
    bool async;            /* may outlive its parent */
    struct hx_span *parent; /* NULL: the one that base carries, if any */
    struct otel_attribute *attributes; /* with room for one more */
    size_t attribute_count;
    const struct otel_link *links;
    size_t link_count;
};

void hx_span_start(const struct hx_rig *rig, struct hx_trail *trail,
                   const struct hx_span_begin *begin, struct hx_span *span);
/* Ends the span; it may still be used as a parent. */
void hx_span_end(const struct hx_rig *rig, struct hx_span *span);
/* Give back what is held of the tracing API. NULL is allowed. */
void hx_span_release(struct hx_span *span);

void hx_span_set(struct hx_span *span, const char *key, struct otel_value value);
void hx_span_event(struct hx_span *span, struct otel_str name,
                   const struct otel_attribute *attributes, size_t count);
void hx_span_exception(struct hx_span *span, const char *type, const char *message);
void hx_span_status(struct hx_span *span, enum hx_status status, const char *description);

/* Context for children and for what leaves the process: of span, or what came in when NULL.
 * Borrowed until the trail or the span changes. */
struct otel_context *hx_trail_context(const struct hx_trail *trail, struct hx_span *span);
void hx_trail_fini(struct hx_trail *trail);
/* Consumes context. */
void hx_trail_rebase(struct hx_trail *trail, struct otel_context *context);

#endif
