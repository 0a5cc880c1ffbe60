/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_PIPELINE_COMPONENT_H
#define COL_PIPELINE_COMPONENT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "collector-mock/net/budget.h"
#include "collector-mock/telemetry/decisions.h"
#include "collector-mock/telemetry/metrics.h"
#include "collector-mock/wire/signal.h"
#include "collector-mock/wire/tap.h"
#include "sdk/base/buf.h"
#include "sdk/base/clock.h"
#include "sdk/base/detail.h"
#include "sdk/base/log.h"
#include "sdk/base/yaml/schema.h"

/*
 * What a component of the collector is: a constant record of functions, and an instance, or with
 * several workers (crew.h) one for each.
 *
 * One file a component, one row in registry.c. The configuration decides which are made.
 *
 * Life      create -> start -> consume... -> drain -> flush -> free. Exporters are created and
 *           started first, receivers last; drain goes to the receivers, then flush follows the
 *           way of the spans. free accepts what create returned, in any state.
 * Threads   an instance lives on one thread: that of its worker's event loop.
 * Memory    a batch and its bytes belong to the caller and hold during the call: who keeps spans
 *           copies them.
 * Errors    consume: what the class of the error says decides the answer to the client, as in the
 *           Collector: permanent and usage -> 500 (INTERNAL), the others -> 503 (UNAVAILABLE).
 */

struct event_base;

enum col_kind {
    COL_RECEIVER,
    COL_PROCESSOR,
    COL_EXPORTER,
    COL_CONNECTOR,
    COL_EXTENSION,
    COL_KIND_COUNT
};

/* Checked, encoded spans, data points or log records on their way through a pipeline. */
struct col_batch {
    struct otl_view request; /* an export request that passed col_request_check() */
    uint64_t items;          /* spans, points or records; never 0 */
    uint64_t mono_ns;        /* when it was received */
    uint64_t tap_request;    /* its number in the tap */
    enum col_signal signal;
};

typedef enum otel_err col_consume_fn(void *self, const struct col_batch *batch,
                                     struct otl_detail *reterr);

/* Where things go. */
struct col_consumer {
    col_consume_fn *consume;
    void *self;
};

enum { COL_ENDPOINTS_MAX = 128 };

struct col_faults;
struct col_guard;
struct col_metadata;
struct col_recent;
struct col_ticket;
struct col_crew;

/* Which workers have an instance of a component. */
enum col_place {
    COL_EACH,     /* each its own */
    COL_BY_TRACE, /* each its own, which is given all spans of the traces that the worker owns */
    COL_FIRST     /* worker 0 alone; the others hand over to it */
};

/* The tap, where several workers write to it. */
struct col_tap_desk {
    pthread_mutex_t lock;
    uint64_t requests; /* numbers given out */
};

/* What every component of a worker may use; owned by the service. */
struct col_host {
    struct event_base *base;
    const struct otl_clock *clock;
    struct otl_log log;
    struct col_metrics *metrics;
    enum col_metrics_level metrics_level;
    bool plain_names; /* counters without "_total" */
    struct col_budget *budget; /* what requests hold while they are received, in all workers */
    unsigned worker, workers;  /* this one, from 0; how many there are (0: one) */
    struct col_crew *crew;     /* NULL: there is one worker */
    struct col_tap_writer tap;
    struct col_tap_desk *tap_desk; /* NULL: nobody else writes to the tap */
    uint64_t tap_requests;      /* the last number given out */
    uint64_t tap_connections;
    struct col_faults *faults;  /* NULL: none on command */
    unsigned limiters;          /* memory_limiter processors: memory_pressure acts on them */
    unsigned files;             /* file exporters: disk_full acts on them */
    bool pressed;               /* memory_pressure has hit the request at hand */
    const char *root;           /* before the paths of /proc and /sys; NULL: nothing. For tests. */
    unsigned as_version;        /* of the Collector: see config/version.h; 0: the latest */
    struct col_guard *guards;   /* who may send, by the id of an extension; see guard.h */
    const struct col_metadata *metadata; /* of the client of this batch; NULL: not known */
    struct col_ticket *ticket;  /* whose answer may wait for this batch; NULL: nobody's */
    struct col_recent *recent;  /* the last traces, for people; NULL: not kept */
    uint64_t lose_after_ack;  /* --broken: acknowledge and lose every n-th request; 0: none */
    uint64_t flip_decision;   /* --broken: turn every n-th decision of tail sampling round */
    const char *blind_policy; /* --broken: the policy of tail sampling that never samples */
    bool available;           /* requests are taken: from ready until the first signal */
    bool flip_silently;       /* ... and record the one that should have been */
    struct col_decisions decisions; /* fd -1: none is kept */
    struct {
        char name[64];          /* "otlp/http" */
        char address[96];
    } endpoints[COL_ENDPOINTS_MAX];
    size_t endpoint_count;
    void (*on_drained)(void *context); /* a receiver has become empty after drain */
    void *on_drained_context;
};

struct col_create {
    const char *id;             /* "otlp", "file/2"; lives as long as the component */
    const json_t *config;       /* passed its schema; a map or null */
    const struct otl_yaml *doc; /* for positions in error messages */
    struct otl_yaml_pos pos;    /* where the component stands */
    struct col_host *host;
    struct col_consumer next;   /* receivers, processors, connectors: where things go */
    enum col_signal signal;     /* what it is given; receivers: see signals */
    unsigned signals;           /* receivers: COL_SIGNAL_BIT of what pipelines want of it */
    void *first;                /* the instance of worker 0; NULL: that is this one */
    unsigned instances;         /* of the component, in all workers; 0: 1 */
};

struct col_component_type {
    const char *name;
    enum col_kind kind;
    const struct otl_schema *schema; /* one row: what the configuration is; null is allowed too */
    enum otel_err (*create)(const struct col_create *create, void **ret,
                            struct otl_detail *reterr);
    /* Bind, open: after all of the configuration was found good. May be NULL. */
    enum otel_err (*start)(void *self, struct otl_detail *reterr);
    col_consume_fn *consume; /* NULL: a receiver or extension */
    unsigned signals;        /* COL_SIGNAL_BIT of what it takes; receivers: of what it gives */
    bool to_metrics; /* a connector that makes metrics of spans; others pass on what they take */
    bool decouples;          /* a processor that answers before its spans are anywhere */
    bool counts_itself;      /* an exporter that knows only later what was sent */
    enum col_place place;
    enum col_place (*place_of)(const json_t *config); /* instead, where it depends; or NULL */
    /* Receivers: stop accepting, finish what is in hand, then host->on_drained. */
    void (*drain)(void *self, uint64_t grace_ns);
    /* Everything that was taken is handed on or written. May be NULL. */
    enum otel_err (*flush)(void *self, struct otl_detail *reterr);
    void (*free)(void *self);
};

/* An instance's part of what the configuration allows to all of them; at least 1 of what is not
 * 0. */
static inline uint64_t col_share(const struct col_create *create, uint64_t whole)
{
    return create->instances <= 1 ? whole : (whole + create->instances - 1) / create->instances;
}

/* Register "otlp/http" -> "127.0.0.1:4318" for the ready line. */
OTEL_MUST_USE enum otel_err col_host_endpoint(struct col_host *host, const char *id,
                                              const char *protocol, const char *address);
/* The counter of what is counted of a signal: NAME_spans, NAME_metric_points, NAME_log_records.
 * help must not go away. NULL: no memory. */
uint64_t *col_host_items(struct col_host *host, enum col_signal signal, const char *name,
                         const char *labels, const char *help);
/* "host:port", "[::1]:4318", ":4318" (all addresses) into its parts. OTEL_ERR_SYNTAX. */
OTEL_MUST_USE enum otel_err col_endpoint_split(const char *endpoint, char *host, size_t host_size,
                                               uint16_t *ret_port);

#endif
