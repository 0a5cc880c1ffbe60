/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_SCENARIO_H
#define HX_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>
#include <otel/err.h>

#include "harness/scenario/agents.h"
#include "harness/scenario/arms.h"
#include "harness/scenario/step.h"
#include "sdk/base/buf.h"
#include "sdk/base/detail.h"

/*
 * Scenario: a fleet, the load on it and what is claimed about it. The grammar is in
 * harness/scenario/README.md; this header is what a loaded scenario looks like.
 *
 * Life      hx_scenario_load_file() or hx_scenario_load_tree() -> read only -> hx_scenario_free().
 * Threads   immutable after loading; may be read from any thread.
 * Memory    everything below hangs on the scenario and dies with it. Strings are never NULL
 *           unless said; absent optional text is "".
 * Limits    HX_MAX_...; a scenario over one is refused with its position.
 *
 * Operations are numbered in document order, the same from the file and from the resolved tree,
 * so that the number in a ledger row means the same to the service and to the verifier.
 */

enum {
    HX_MAX_SERVICES = 64,
    HX_MAX_REPLICAS = 64,
    HX_MAX_TOPICS = 64,
    HX_MAX_OPERATIONS = 1024,
    HX_MAX_STEP_DEPTH = 16,
    HX_MAX_STATEMENTS = 64,
    HX_MAX_BATCH = 128 /* messages: as many links as a span has by default */
};

/* ---- services ----------------------------------------------------------------------------- */

/* Does a sampler word go with sampler_arg? */
bool hx_sampler_has_ratio(const char *word);

struct hx_tracing {
    bool instrumented;          /* false: the API is not called either */
    bool enabled;               /* false: no SDK, API only */
    const char *sampler;        /* OTEL_TRACES_SAMPLER word, or one of ours; schema.c has them */
    double sampler_arg;
    bool propagate_tracecontext;
    bool propagate_baggage;
    bool simple;                /* simple processor in place of batch */
    size_t max_queue_size;
    size_t max_export_batch_size;
    uint64_t schedule_delay_ns;
    uint64_t export_timeout_ns;
    bool gzip;
    bool grpc;                  /* OTLP/gRPC in place of OTLP/HTTP protobuf */
    const struct hx_agent *agent; /* to whom; NULL: to the recording collector */
};

/* Deliberately broken players, for testing the referee. Zero = healthy. */
struct hx_broken {
    const char *drop_context;   /* "call ROUTE" or "publish TOPIC" whose context is not injected
                                 * though the scenario says so; "" = none */
    bool trust_malformed;       /* takes a malformed traceparent for a parent */
    bool sample_on_its_own;     /* ignores the parent's decision, draws its own random number */
    unsigned swap_parents_every; /* every n-th request two spans swap parents */
    unsigned lose_one_in;       /* loses one span in n silently, reports it exported */
    unsigned lose_and_overcount; /* loses n spans, adds n to queue_full without naming them */
    unsigned duplicate_every;   /* delivers every n-th span twice, in one request */
    unsigned lose_link_every;   /* every n-th span that has links lacks the last of them */
    unsigned reuse_id_every;    /* every n-th span gets the id of the one before */
    unsigned alter_every;       /* alters an attribute of every n-th span on its way out */
    bool stale_log_ids;         /* log lines carry the ids of the request that logged before */
    int64_t clock_offset_ns;    /* SDK clock is off by this */
    int64_t clock_step_ns;      /* SDK wall and mono clock step by this in the middle of a span, */
    unsigned clock_step_every;  /* every n-th span */
};

enum hx_edge_mode { HX_EDGE_PARENT, HX_EDGE_LINK, HX_EDGE_BOTH, HX_EDGE_NONE };

struct hx_route {
    const struct hx_service *service;
    const char *method;         /* "POST" */
    const char *path;           /* "/orders" */
    const char *name;           /* "POST /orders": the entry's name and its SERVER span's */
    unsigned op;
    bool span;                  /* false: not traced (health endpoints) */
    struct hx_attributes attributes;
    const struct hx_step *steps;
    size_t step_count;
};

struct hx_consumer {
    const struct hx_service *service;
    const struct hx_topic *topic;
    const char *name;           /* "process order.created": the entry's and its CONSUMER span's */
    unsigned op;
    const char *group;
    enum hx_edge_mode edge;     /* how its span is tied to the producer's; default link */
    unsigned max_in_hand;       /* default 1; a batch counts as one */
    unsigned batch;             /* messages handled together, under one span; default 1 */
    uint64_t batch_wait_ns;     /* for company, from the first message on; default 100 ms */
    uint64_t session_timeout_ns;    /* default 3100 ms, 45 s on a Kafka */
    uint64_t max_poll_interval_ns;  /* default 300 s */
    const char *assignor;       /* partition.assignment.strategy, one for a whole group */
    bool static_membership;     /* group.instance.id is the instance's name */
    struct hx_attributes attributes;
    const struct hx_step *steps;
    size_t step_count;
};

enum hx_http_backend { HX_HTTP_EVHTTP, HX_HTTP_LEAN };

/* What SIGTERM does to a service; the runner's own stop at the end of a run always drains. */
enum hx_stop_way {
    HX_STOP_DRAIN,          /* stop accepting, drain, flush, exit */
    HX_STOP_FLUSH_AND_STAY, /* flush, go on serving, never exit */
    HX_STOP_FLUSH_AND_EXIT, /* flush, then exit with requests in hand */
    HX_STOP_NONE            /* no handler: the signal ends the process */
};

struct hx_foreign; /* foreign.h */
struct hx_replica_settings; /* replicas.h */

struct hx_service {
    const char *name;           /* service.name */
    unsigned index;
    unsigned replicas;
    const char *version;        /* service.version, "" = none */
    enum hx_http_backend http;
    enum hx_stop_way stop;
    struct hx_attributes resource; /* further resource attributes (strings) */
    struct hx_tracing tracing;
    struct hx_broken broken;
    struct hx_inject inject;
    const struct hx_foreign *foreign; /* NULL: interpreted by tracerig */
    const struct hx_route *routes;
    size_t route_count;
    const struct hx_consumer *consumers;
    size_t consumer_count;
    const struct hx_replica_settings *replica_settings; /* of those replicas that have some */
    size_t replica_settings_count;
    const char *const *database; /* statements that fill its database before the first request */
    size_t database_count;
};

struct hx_topic {
    const char *name;
    unsigned index;
    unsigned partitions;        /* default 6 */
};

/* One thing that makes a span: a route, a consumer or a step. */
struct hx_operation {
    unsigned index;
    const char *name;           /* the span's name */
    enum hx_span_kind kind;
    const struct hx_service *service;
    int parent;                 /* operation index inside the same entry, -1 for the entry itself */
    unsigned entry;             /* operation index of the entry (route or consumer) */
    const struct hx_step *step; /* NULL for an entry */
};

/* ---- load, collector, claims -------------------------------------------------------------- */

enum hx_arrival { HX_ARRIVAL_CONSTANT, HX_ARRIVAL_POISSON, HX_ARRIVAL_BURST };

struct hx_load_header {
    const char *name;
    const char *const *values;  /* one is drawn for each request from the load's random stream */
    size_t value_count;
};

struct hx_load {
    const struct hx_route *route;
    double rate;                /* requests a second */
    enum hx_arrival arrival;
    unsigned burst;             /* arrival burst: requests of one instant; rate is their mean */
    bool spins;                 /* the client never sleeps: a whole core for exact instants */
    uint64_t warmup_ns;
    uint64_t duration_ns;       /* measured, after the warm-up */
    uint64_t timeout_ns;        /* of one request, from the intended instant */
    unsigned connections;
    size_t queue;               /* requests that may wait for one; more are dropped and counted */
    size_t body_bytes;
    const struct hx_load_header *headers;
    size_t header_count;
    double parent_sampled;      /* share of requests that carry traceparent ...-01 */
    double parent_not_sampled;  /* ... and ...-00 */
    double parent_malformed;    /* ... and trace headers that must be ignored */
    double parent_oversized;    /* ... and a tracestate and baggage over every limit */
};

/* "SERVICE ENTRY -> SERVICE ENTRY", e.g. "gateway POST /checkout -> order POST /orders". */
struct hx_edge_claim {
    const char *text;
    unsigned from_op;           /* entry operation indexes */
    unsigned to_op;
};

struct hx_threshold; /* harness/gate/threshold.h */

struct hx_claims {
    const char *const *checks;  /* names of verifier checks that must pass; NULL = all */
    size_t check_count;
    const struct hx_edge_claim *required; /* seen in the received spans, complete */
    size_t required_count;
    const struct hx_edge_claim *forbidden; /* never seen */
    size_t forbidden_count;
    const struct hx_edge_claim *broken; /* exactly these, and no other, are broken */
    size_t broken_count;
    double spans_per_request_min; /* of requests that reached the fleet; 0 = not claimed */
    const struct hx_threshold *thresholds; /* on figures of report.json */
    size_t threshold_count;
    const char *namer;          /* instance that the spans must name, "none"; "" = no claim */
    const char *critical_path;  /* "SERVICE SPAN" or "SERVICE STATEMENT" that makes slow traces slow
                                 * by their critical path, or "none"; "" = no claim */
    bool allow_unknown;         /* hops of a service without ledger that cannot be judged are no
                                 * reason to be inconclusive */
    bool partial_traces;        /* partial traces are expected: the share that follows from the
                                 * services' own ratios, inside a two-sided 1e-6 interval */
};

/* What tracing costs: short runs of the same load under each arm (arms.h), beside each other; see
 * harness/tuning/overhead.h. The base, without any tracing, is always there, twice. */
struct hx_overhead {
    bool wanted;             /* the scenario has overhead: */
    bool arms[HX_ARMS];
    unsigned blocks;         /* every arm once in each, in an order of its own */
    uint64_t warmup_ns;      /* of a slice */
    uint64_t slice_ns;       /* its measured part */
    double saturation_rate;  /* more than the service can do; 0 = only at load.rate */
    uint64_t collector_delay_ns; /* how late a slow collector answers */
    bool instructions;       /* count them too, in runs of their own under callgrind */
};

struct hx_scenario {
    const char *name;
    const char *title;
    const char *claim;          /* the first line of the file, without "# " */
    const char *file;           /* as given; "" when loaded from a tree */
    uint64_t seed;
    const struct hx_service *services;
    size_t service_count;
    const struct hx_topic *topics;
    size_t topic_count;
    const char *broker;         /* "" none needed, "embedded", or HOST:PORT */
    const json_t *collector;    /* the Collector's configuration (tree), default filled in */
    const struct hx_agent *agents; /* Collectors between services and that one */
    size_t agent_count;
    unsigned collector_workers; /* threads of collector-mock; several: no faults of it */
    struct hx_load load;
    struct hx_overhead overhead;
    struct hx_claims claims;
    const struct hx_fault *faults; /* faults.h; in the order of the file */
    size_t fault_count;
    const struct hx_operation *operations;
    size_t operation_count;
    const json_t *tree;         /* resolved: defaults, overrides and seed filled in */
};

struct hx_scenario_options {
    const char *const *overrides; /* "path=value" */
    size_t override_count;
    uint64_t seed;              /* used when has_seed; else the file's, else chosen by random */
    bool has_seed;
};

/* Load, check, resolve. options may be NULL. *reterr says file:line:column, the key, what was
 * expected and the nearest known word. OTEL_ERR_SYNTAX, _NOT_FOUND, _LIMIT, _ARGUMENT (an
 * override), _IO, _MEMORY. */
OTEL_MUST_USE enum otel_err hx_scenario_load_file(const char *path,
                                                  const struct hx_scenario_options *options,
                                                  struct hx_scenario **ret,
                                                  struct otl_detail *reterr);
/* The same from text; file is its name in messages and names the scenario. */
OTEL_MUST_USE enum otel_err hx_scenario_load_text(const char *text, size_t len, const char *file,
                                                  const struct hx_scenario_options *options,
                                                  struct hx_scenario **ret,
                                                  struct otl_detail *reterr);
/* From a resolved tree (borrowed during the call, copied). */
OTEL_MUST_USE enum otel_err hx_scenario_load_tree(const json_t *tree, struct hx_scenario **ret,
                                                  struct otl_detail *reterr);
void hx_scenario_free(struct hx_scenario *scenario);
/* Append the resolved tree as YAML, the claim in its first line: what a run writes as
 * scenario.yaml. Loading it gives the same scenario. */
OTEL_MUST_USE enum otel_err hx_scenario_emit(const struct hx_scenario *scenario,
                                             struct otl_buf *buf);

/* NULL if there is none. */
const struct hx_service *hx_scenario_service(const struct hx_scenario *scenario, const char *name);
const struct hx_topic *hx_scenario_topic(const struct hx_scenario *scenario, const char *name);

#endif
