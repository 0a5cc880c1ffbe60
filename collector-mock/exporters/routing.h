/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_EXPORTERS_ROUTING_H
#define COL_EXPORTERS_ROUTING_H

#include "collector-mock/exporters/ring.h"
#include "collector-mock/pipeline/component.h"
#include "sdk/base/random.h"

/*
 * Which backend of a load_balancing exporter gets what: routing_key, and the text that the ring is
 * asked for. As in the Collector:
 *
 *   traces   traceID (default): the sixteen bytes. attributes: "NAME=VALUE|" of each of
 *            routing_attributes in their order, where VALUE is an attribute of the resource, else
 *            of the scope, else span.kind or span.name, else an attribute of the span, else
 *            nothing; service is the same with service.name. The spans of a trace in one
 *            ScopeSpans go with the first of them.
 *   logs     service (default): the name alone, which may be empty. traceID: its digits in text, so
 *            that records do not go where spans of the trace go; a record without one goes
 *            anywhere. resource: what identity.h says. attributes: first those that the resource
 *            has, then those of the scope, then log.severity, log.body or an attribute of the
 *            record.
 *   metrics  service (default): what has no service.name goes nowhere. resource. metric: its name.
 *            streamID: identity.h; each point goes its own way. attributes: as of logs, of points.
 *
 * A list, a map or bytes count as nothing in VALUE, which they do not there.
 *
 * Life      read -> walk... -> fini.
 * Threads   one owner.
 * Memory    of a request only while it is walked.
 */

enum { COL_ROUTING_ATTRIBUTES_MAX = 64 };
#define COL_ROUTED_NOWHERE SIZE_MAX

/* Of the item (a span, metric, record) these, which of a metric are points, else 0 and 1. */
struct col_routed {
    const struct col_traces *items;
    const struct col_item *item;
    uint64_t first, count;
    size_t to; /* the index of the ring; COL_ROUTED_NOWHERE */
};

typedef enum otel_err col_routed_fn(void *context, const struct col_routed *routed);

enum col_routing_by {
    COL_BY_TRACE_ID,
    COL_BY_SERVICE,
    COL_BY_RESOURCE,
    COL_BY_METRIC,
    COL_BY_STREAM,
    COL_BY_ATTRIBUTES
};

struct col_routing_slot;

struct col_routing {
    enum col_signal signal;
    enum col_routing_by by;
    const char *attributes[COL_ROUTING_ATTRIBUTES_MAX]; /* of the configuration */
    size_t attribute_count;
    struct otl_buf key, scratch;
    struct otl_random random;      /* of a walk: where records without a trace id go */
    struct col_routing_slot *slots; /* of a walk: where the spans of a trace go */
    size_t slot_count;             /* a power of 2 */
    uint64_t seed;
    const struct col_ring *ring;   /* of a walk */
    uint64_t group;                /* of a walk: the resource that `to` is for; 0: none */
    size_t to;
};

extern const char *const col_routing_words[]; /* of routing_key, ends with NULL */
extern const struct otl_schema col_routing_attribute; /* an item of routing_attributes */

/* routing is zeroed; fini it also after an error. OTEL_ERR_SYNTAX with the place. */
OTEL_MUST_USE enum otel_err col_routing_read(const struct col_create *args,
                                             struct col_routing *routing,
                                             struct otl_detail *reterr);
void col_routing_fini(struct col_routing *routing);
/* Tell fn where each item goes, or in pieces its points; until it returns an error. The same batch
 * and ring give the same until col_routing_turn(). Errors of fn; OTEL_ERR_MEMORY. */
OTEL_MUST_USE enum otel_err col_routing_walk(struct col_routing *routing,
                                             const struct col_ring *ring,
                                             const struct col_batch *batch, col_routed_fn *fn,
                                             void *context);
/* Another draw for what goes anywhere. */
void col_routing_turn(struct col_routing *routing);

#endif
