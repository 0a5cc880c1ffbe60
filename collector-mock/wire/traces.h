/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_WIRE_TRACES_H
#define COL_WIRE_TRACES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector-mock/wire/field.h"
#include "sdk/base/buf.h"
#include "sdk/base/detail.h"

/*
 * Reads an OTLP ExportTraceServiceRequest in place: what a span says, as views into the bytes.
 *
 * Written apart from the SDK's writer, so that neither can hide a mistake of the other.
 *
 *     struct col_traces traces;
 *     struct col_span span;
 *     col_traces_init(&traces, request);
 *     while (col_traces_next(&traces, &span))
 *         ...
 *     if (col_traces_error(&traces, &detail) != OTEL_OK)
 *         ...
 *
 * Life      an iterator on the stack over bytes that outlive it; nothing to free.
 * Threads   values only.
 * Memory    nothing is allocated. span.resource and span.scope point into the iterator and hold
 *           until it moves on to another group; all other views point into the request.
 * Limits    values nest at most COL_VALUE_DEPTH_MAX deep.
 *
 * A span that comes out has been checked whole: bounds, wire types, UTF-8 of every text, id
 * lengths (16, 8, or absent), all values down to the last leaf. Lists taken from it cannot fail.
 * Resources, scopes and groups without spans are checked on the way too.
 *
 * Refused: a known field of the wrong wire type, invalid UTF-8, ids of another length, a message
 * that may occur once (resource, scope, status, value) and occurs twice. The last one is legal
 * protobuf (the two merge) that no encoder of OTLP writes; refusing it is louder than losing
 * half. Unknown fields are stepped over, whatever their wire type. OTLP traces have no repeated
 * number, so there is no packed form to read.
 */

/* Twice what an SDK sends by default: 64 arrays in each other, what is deeper made empty. */
enum { COL_VALUE_DEPTH_MAX = 128 };

/* The occurrences of one repeated field. Iterating consumes it: iterate over a copy. */
struct col_list {
    struct col_cursor cursor;
    uint32_t field;
    uint32_t count; /* items left */
};

enum col_value_kind {
    COL_VALUE_EMPTY, /* no value, or only a field that the trace signal does not use */
    COL_VALUE_STRING,
    COL_VALUE_BOOL,
    COL_VALUE_INT,
    COL_VALUE_DOUBLE,
    COL_VALUE_ARRAY,
    COL_VALUE_KVLIST,
    COL_VALUE_BYTES
};

struct col_value {
    enum col_value_kind kind;
    union {
        struct otl_view text; /* STRING, BYTES */
        bool boolean;
        int64_t integer;
        double real;
        struct col_list list; /* ARRAY: col_value_next; KVLIST: col_attribute_next */
    };
};

struct col_attribute {
    struct otl_view key;
    struct col_value value;
};

struct col_event {
    uint64_t time_unix_nano;
    struct otl_view name;
    struct col_list attributes;
    uint32_t dropped_attributes_count;
};

struct col_link {
    uint8_t trace_id[16];
    uint8_t span_id[8];
    struct otl_view trace_state;
    struct col_list attributes;
    uint32_t dropped_attributes_count;
    uint32_t flags;
};

struct col_entity_ref {
    struct otl_view schema_url;
    struct otl_view type;
    struct col_list id_keys; /* col_text_next */
    struct col_list description_keys;
};

struct col_resource {
    struct otl_view raw; /* the Resource message */
    struct otl_view schema_url;
    struct col_list attributes;
    struct col_list entity_refs;
    uint32_t dropped_attributes_count;
    bool present; /* false: the group had no Resource message */
};

struct col_scope {
    struct otl_view raw; /* the InstrumentationScope message */
    struct otl_view schema_url;
    struct otl_view name;
    struct otl_view version;
    struct col_list attributes;
    uint32_t dropped_attributes_count;
    bool present;
};

struct col_span {
    struct otl_view raw;       /* the Span message, without tag and length */
    uint8_t trace_id[16];      /* zero when absent */
    uint8_t span_id[8];
    uint8_t parent_span_id[8]; /* zero: a root */
    struct otl_view trace_state;
    struct otl_view name;
    uint64_t start_time_unix_nano;
    uint64_t end_time_unix_nano;
    struct col_list attributes;
    struct col_list events;
    struct col_list links;
    struct otl_view status_message;
    uint32_t dropped_attributes_count;
    uint32_t dropped_events_count;
    uint32_t dropped_links_count;
    uint32_t flags;
    int32_t kind;
    int32_t status_code;
    bool has_status; /* a Status message was there, perhaps empty */
    const struct col_resource *resource; /* never NULL */
    const struct col_scope *scope;       /* never NULL */
};

/* The first fault that was met. */
struct col_fault {
    const char *why;   /* static; NULL: none */
    const char *field; /* static: "span.name" */
    const uint8_t *at;
};

/* What stands in the groups; see signal.h. */
enum col_signal { COL_TRACES, COL_METRICS, COL_LOGS, COL_SIGNALS };

struct col_traces {
    enum col_signal signal;
    const uint8_t *base;
    struct col_cursor request;
    struct col_cursor resource_spans; /* rest of the current group */
    struct col_cursor scope_spans;
    struct col_resource resource;
    struct col_scope scope;
    uint64_t resources; /* groups entered so far: changes when span.resource changes */
    uint64_t scopes;
    uint64_t spans; /* of another signal: items */
    struct col_fault fault;
};

void col_traces_init(struct col_traces *traces, struct otl_view request);

/* The next span of the whole request; false at the end and at the first fault. */
bool col_traces_next(struct col_traces *traces, struct col_span *ret);

/* The same in three storeys, for who also wants the groups without spans: the next resource of
 * the request, the next scope of that resource, the next span of that scope. */
bool col_traces_next_resource(struct col_traces *traces);
bool col_traces_next_scope(struct col_traces *traces);
bool col_traces_next_span(struct col_traces *traces, struct col_span *ret);

/* OTEL_OK, or OTEL_ERR_CORRUPT with "byte 17: span.name: not UTF-8" in *reterr (may be NULL). */
OTEL_MUST_USE enum otel_err col_traces_error(const struct col_traces *traces,
                                             struct otl_detail *reterr);

/* What one Span message says, without looking whether it is right: for bytes that were checked
 * before (a col_span.raw). resource and scope are NULL. */
void col_span_split(struct otl_view raw, struct col_span *ret);
/* The same for the attributes of a Resource message (a col_resource.raw). */
void col_resource_split(struct otl_view raw, struct col_list *ret_attributes);

/* The same for one AnyValue message. */
void col_value_split(struct otl_view raw, struct col_value *ret);

/* Check the whole request and count its spans. */
OTEL_MUST_USE enum otel_err col_traces_check(struct otl_view request, uint64_t *ret_spans,
                                             struct otl_detail *reterr);

bool col_attribute_next(struct col_list *list, struct col_attribute *ret);
bool col_value_next(struct col_list *list, struct col_value *ret);
bool col_event_next(struct col_list *list, struct col_event *ret);
bool col_link_next(struct col_list *list, struct col_link *ret);
bool col_entity_ref_next(struct col_list *list, struct col_entity_ref *ret);
bool col_text_next(struct col_list *list, struct otl_view *ret);

/* The attribute with this key (the first one); false: none. The list is not consumed. */
bool col_attribute_find(const struct col_list *list, const char *key, struct col_value *ret);

#endif
