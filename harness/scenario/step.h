/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_SCENARIO_STEP_H
#define HX_SCENARIO_STEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

/*
 * What an operation of a service does: attributes, delays, steps. Part of a scenario (scenario.h),
 * whose rules on life, threads, memory and limits hold.
 */

/* ---- values ------------------------------------------------------------------------------- */

/* Attribute as asked for; value is a JSON scalar or a homogeneous array of scalars. Strings may
 * hold ${request} (request id in hex), ${replica}, ${instance}, ${n:LOW:HIGH} (a whole number drawn
 * from the request's own random stream; a string that is nothing else becomes an integer). */
struct hx_attribute {
    const char *key;
    const json_t *value;
};

struct hx_attributes {
    const struct hx_attribute *items;
    size_t count;
};

enum hx_delay_kind { HX_DELAY_CONSTANT, HX_DELAY_UNIFORM, HX_DELAY_LOGNORMAL };

struct hx_delay {
    enum hx_delay_kind kind;
    uint64_t low_ns;  /* constant: the value; uniform: the lower bound; lognormal: the median */
    uint64_t high_ns; /* uniform: the upper bound */
    double sigma;     /* lognormal */
};

/* ---- steps -------------------------------------------------------------------------------- */

enum hx_step_kind {
    HX_STEP_SPAN,         /* span: NAME around steps */
    HX_STEP_WORK,         /* work: 200us of busy CPU */
    HX_STEP_WAIT,         /* wait: without blocking the loop */
    HX_STEP_CALL,         /* call: HTTP request to another service, a CLIENT span */
    HX_STEP_PARALLEL,     /* parallel: calls started together */
    HX_STEP_SQL,          /* sql: a sqlite3 statement, a CLIENT span */
    HX_STEP_PUBLISH,      /* publish: a Kafka message, a PRODUCER span */
    HX_STEP_FAIL,         /* fail: with a probability the operation answers an error */
    HX_STEP_EXCEPTION,    /* exception: recorded on the current span, then passed on or not */
    HX_STEP_EVENT,        /* event: added to the current span */
    HX_STEP_SET_BAGGAGE,  /* set_baggage: for the rest of the operation */
    HX_STEP_READ_BAGGAGE  /* read_baggage: recorded in the ledger */
};

enum hx_span_kind { HX_INTERNAL = 1, HX_SERVER, HX_CLIENT, HX_PRODUCER, HX_CONSUMER }; /* OTLP */
enum hx_status { HX_STATUS_UNSET, HX_STATUS_OK, HX_STATUS_ERROR };                     /* OTLP */

struct hx_event {
    const char *name;
    struct hx_attributes attributes;
};

struct hx_baggage_item {
    const char *name;
    const char *value;       /* literal, or "" when from_header is given */
    const char *from_header; /* request header whose value is taken, or "" */
};

struct hx_service;
struct hx_route;
struct hx_topic;

struct hx_step {
    enum hx_step_kind kind;
    unsigned op;                        /* index into operations; set for steps that make a span */
    const char *name;                   /* span, call, sql, publish: the span's name */
    enum hx_span_kind span_kind;        /* of the span that the step makes */
    struct hx_attributes attributes;    /* of that span */
    const struct hx_event *events;      /* of that span, added right after its start */
    size_t event_count;
    enum hx_status status;              /* set before the span ends */
    const char *status_message;
    const struct hx_step *steps;        /* span: nested; parallel: its calls */
    size_t step_count;
    struct hx_delay delay;              /* work, wait */
    const struct hx_service *to;        /* call */
    const struct hx_route *route;       /* call */
    const struct hx_topic *topic;       /* publish */
    const char *message_key;            /* publish: a template; "" = none */
    const char *hot_key;                /* publish: key of hot_share of the messages; "" = none */
    double hot_share;
    size_t message_bytes;               /* publish: size of the value, default 2048 */
    bool inject;                        /* call, publish: false = the context is not passed on */
    const char *statement;              /* sql */
    const char *const *parameters;      /* sql: templates */
    size_t parameter_count;
    double probability;                 /* fail, exception, work, wait, call: 0..1, drawn from the
                                         * request's stream; default 1 */
    const char *only_key;               /* work, wait, call: for messages with this key; "" = all */
    int http_status;                    /* fail: the status answered, 400..599 */
    const char *exception_type;         /* exception; fail: error.type */
    const char *exception_message;
    bool pass_on;                       /* exception: the operation fails too (default true) */
    const struct hx_event *event;       /* event */
    const struct hx_baggage_item *baggage; /* set_baggage; read_baggage uses .name */
    size_t baggage_count;
};

#endif
