/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_SERVICE_REQUEST_H
#define HX_SERVICE_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/scenario/scenario.h"
#include "harness/service/carrier.h"
#include "harness/service/span.h"
#include "harness/service/value.h"
#include "sdk/base/arena.h"
#include "sdk/base/log.h"
#include "sdk/base/random.h"

/*
 * Request in hand: one HTTP request or Kafka message, from its arrival to its last side effect,
 * and the frames that say where in the scenario's steps it is.
 *
 * Life      hx_request_take() -> fill incoming -> hx_request_begin(), which runs the steps as far
 *           as they go without waiting -> ... -> the entry's done handler -> taken back when the
 *           last asynchronous piece (a publish whose report is due) has ended too.
 * Threads   the loop's.
 * Memory    everything a request needs comes from its arena; structs are kept for reuse.
 * Limits    runtime.max_in_hand requests; HX_REQUEST_ARENA_MAX bytes each. A request that needs
 *           more fails with 500.
 *
 * Waits, failures and values are drawn from streams that depend on the seed, the request's number
 * and the place in the scenario alone, so that they repeat whatever the timing.
 */

enum { HX_REQUEST_ARENA_MAX = 4 * 1024 * 1024 };

struct hx_frame;
struct hx_request;
struct hx_runtime;

enum hx_progress {
    HX_GO_ON,   /* the step is done */
    HX_WAITING  /* hx_frame_resume() will be called later, from the loop */
};

/* What steps do to the world; replaced in tests. */
struct hx_effects {
    /* Resume frame after ns. */
    enum hx_progress (*wait)(struct hx_frame *frame, uint64_t ns);
    void (*work)(struct hx_runtime *runtime, uint64_t ns);
    enum hx_progress (*call)(struct hx_frame *frame, const struct hx_step *step);
    enum hx_progress (*sql)(struct hx_frame *frame, const struct hx_step *step);
    enum hx_progress (*publish)(struct hx_frame *frame, const struct hx_step *step);
};

/* What all requests of a service share. */
struct hx_runtime {
    struct hx_rig rig;
    const struct hx_scenario *scenario;
    const struct hx_service *service;
    uint64_t seed;
    unsigned replica;
    const char *instance;
    const struct otl_log *log; /* may be NULL */
    const struct hx_effects *effects;
    void *arg;                 /* of the effects */
    void (*idle)(void *arg);   /* called when the last request in hand has gone; may be NULL */
    size_t max_in_hand;
    size_t in_hand;            /* taken and not yet given back */
    uint64_t handled;
    struct hx_request *unused;
};

/* One run through a list of steps. */
struct hx_frame {
    struct hx_request *request;
    struct hx_frame *up;
    const struct hx_step *steps;
    size_t count;
    size_t at;
    struct hx_span *span;      /* innermost; NULL = none (untraced route) */
    const struct hx_step *own; /* the step whose span ends with this frame, NULL = none */
    uint64_t path;             /* where in the scenario: seeds the random streams */
    unsigned pending;          /* a parallel step's frame: branches still running */
};

/* What kind of arrival it is. Borrowed while the request is in hand. */
struct hx_entry {
    unsigned op;
    enum hx_led_entry_kind kind;
    const char *name;          /* of the span */
    enum hx_span_kind span_kind;
    bool span;                 /* false: not traced */
    enum hx_edge_mode edge;    /* how the span is tied to what came in */
    const struct hx_attributes *attributes;
    const struct hx_step *steps;
    size_t step_count;
    uint64_t slow_ns;          /* a fault: waited before the first step, inside of the span */
};

/* A message of a batch, after its first. */
struct hx_companion {
    struct hx_carrier incoming;
    int32_t partition;
    int64_t offset;
    uint32_t delivery;
    struct otel_context *context; /* what came in; filled by hx_request_begin() */
};

struct hx_request {
    struct hx_runtime *runtime;
    const struct hx_entry *entry;
    struct otl_arena arena;
    struct hx_carrier incoming;
    struct hx_trail trail;
    struct hx_frame root;
    struct hx_span span;       /* the entry's, if it has one */
    unsigned async;            /* pieces that outlive the steps, plus one for the steps */
    bool failed;
    enum hx_led_outcome outcome;
    int http_status;           /* answered; 200 unless a step failed */
    const char *error_type;
    int32_t partition;         /* Kafka, else -1 */
    int64_t offset;
    uint32_t delivery;
    struct otl_view key;       /* of the message; borrowed from it */
    struct hx_companion *companions; /* the rest of a batch, in the request's arena */
    size_t companion_count;
    /* The steps are over, the entry's span has ended, the row is closed: answer now. */
    void (*done)(void *arg, struct hx_request *request);
    void *done_arg;
    void *carrier_arg;         /* whoever took the request may keep something here */
    struct hx_request *next;
};

/* NULL: max_in_hand reached, or no memory. */
struct hx_request *hx_request_take(struct hx_runtime *runtime);
/* Write down an arrival that was answered http_status without being begun: no span is made. */
void hx_request_refused(struct hx_runtime *runtime, const struct hx_entry *entry,
                        const struct hx_carrier *incoming, int http_status);
/* Give back a request that was not begun. */
void hx_request_cancel(struct hx_request *request);
/* attributes: of the entry's span beside the scenario's (semantic conventions). */
void hx_request_begin(struct hx_request *request, const struct hx_entry *entry,
                      const struct otel_attribute *attributes, size_t count);
void hx_request_ref(struct hx_request *request);
void hx_request_unref(struct hx_request *request);
/* Free the unused ones; none may be in hand. */
void hx_runtime_fini(struct hx_runtime *runtime);

/* ---- for the steps --------------------------------------------------------------------------- */

/* Go on after HX_WAITING. */
void hx_frame_resume(struct hx_frame *frame);
/* The operation fails: the remaining steps are skipped, the spans around end with an error. */
void hx_frame_fail(struct hx_frame *frame, enum hx_led_outcome outcome, int http_status,
                   const char *error_type, const char *message);
/* The stream of random numbers of the step that is running. */
void hx_frame_random(const struct hx_frame *frame, struct otl_random *ret);

/* A span for step, child of the frame's, with the step's attributes and events. extra: beside
 * them. NULL: no memory (the operation has failed). */
struct hx_span *hx_step_span(struct hx_frame *frame, const struct hx_step *step,
                             const struct otel_attribute *extra, size_t count, bool async);
/* With the status that the step asks for, unless it has one; ends and releases. */
void hx_step_span_end(struct hx_request *request, const struct hx_step *step,
                      struct hx_span *span);
/* Headers for what leaves the process, into carrier; the SEND row is written. to_op and topic as
 * in the row. */
void hx_step_inject(struct hx_frame *frame, const struct hx_step *step, struct hx_span *span,
                    uint32_t to_op, uint32_t topic, struct hx_carrier *carrier);
void hx_step_log(const struct hx_frame *frame, enum otl_log_level level, const char *format, ...)
    OTEL_PRINTF(3, 4);

/* steps.c: the steps that need nothing from outside. *ret_child is the frame to enter, if any. */
enum hx_progress hx_step_run(struct hx_frame *frame, const struct hx_step *step,
                             struct hx_frame **ret_child);
void hx_frame_run(struct hx_frame *frame);

#endif
