/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_FAULTS_FAULT_H
#define COL_FAULTS_FAULT_H

#include <stdbool.h>
#include <stdint.h>

#include "sdk/base/yaml/schema.h"

/*
 * What a fault is: its kinds, their words and settings, and how they are read from a map, be it of
 * a plan (plan.h) or of a command (control.h).
 *
 * A fault on requests is shown each request that is in the tap. Before: the pipeline does not see
 * the request. Behind: it has taken it, and what is wrong is the answer. A fault on connections
 * is shown each new one (slow_read the open ones, too), before its first byte.
 */

enum col_fault_kind {
    COL_FAULT_DELAY,        /* behind: the answer is late */
    COL_FAULT_STATUS,       /* before: a status answers it */
    COL_FAULT_STALL,        /* before: no answer; when the fault ends, the connection is dropped */
    COL_FAULT_REFUSE,       /* nobody listens; open connections are reset */
    COL_FAULT_PARTIAL,      /* behind, without its last spans: partial success with n rejected */
    COL_FAULT_RST_STREAM,   /* before: RST_STREAM; HTTP/1: the connection is reset */
    COL_FAULT_GOAWAY,       /* before: GOAWAY that leaves it out; HTTP/1: closed without a word */
    COL_FAULT_HALF_OPEN,    /* before: its connection is dead, and nobody is told */
    COL_FAULT_TRUNCATED,    /* behind: the answer breaks off in its message */
    COL_FAULT_CORRUPT_GZIP, /* behind: the answer is said to be gzip and is damaged */
    COL_FAULT_WRONG_TYPE,   /* behind: the answer is a page of HTML */
    COL_FAULT_OVERSIZED,    /* behind: the answer has this many bytes */
    COL_FAULT_SLOW_ANSWER,  /* behind: so many bytes a second */
    COL_FAULT_DUPLICATE,    /* behind: the pipeline is given it twice */
    COL_FAULT_CLOCK_SKEW,   /* it is recorded as received at another time; nothing else happens */
    COL_FAULT_MEMORY,       /* memory_limiters see usage over their limit; before, refused likewise,
                             * where there is none */
    COL_FAULT_DISK_FULL,    /* a file exporter's write finds no room; where there is none: before,
                             * and not in the tap */
    COL_FAULT_ACCEPT_STALL, /* connections: accepted and never read */
    COL_FAULT_SLOW_READ,    /* connections: so many bytes a second are read */
    COL_FAULT_TLS_REFUSE,   /* connections: the handshake ends with an alert */
    COL_FAULT_TLS_CERTIFICATE, /* connections: another certificate is shown */
    COL_FAULT_RESTART,      /* connections are ended in order, nobody listens, then again */
    COL_FAULT_KINDS
};

enum col_delay_law { COL_DELAY_FIXED, COL_DELAY_UNIFORM, COL_DELAY_EXPONENTIAL };

enum { COL_FAULT_PATH_SIZE = 256 };

struct col_fault_plan {
    uint32_t id;          /* the caller's */
    enum col_fault_kind kind;
    uint64_t delay_ns;    /* DELAY: all, the least, or the mean of them */
    uint64_t delay_max_ns; /* UNIFORM: the most; EXPONENTIAL: none is longer; 0: an hour */
    enum col_delay_law law;
    unsigned status;      /* STATUS: 400..599; 0: what code says by HTTP */
    unsigned code;        /* STATUS: grpc-status 1..16; 0: what status says by gRPC */
    uint64_t retry_after_s; /* 0: the answer does not say */
    bool retry_date;      /* Retry-After as a date */
    uint64_t rejected;    /* PARTIAL: spans, at most all */
    unsigned error_code;  /* RST_STREAM: of HTTP/2 */
    uint64_t rate;        /* SLOW_*: bytes a second */
    uint64_t size;        /* OVERSIZED: bytes */
    int64_t skew_ns;      /* CLOCK_SKEW: added */
    uint64_t for_ns;      /* 0: until end_all */
    uint64_t count;       /* it is over after so many hits; 0: no such limit */
    double probability;   /* of a request or connection being hit */
    uint64_t seed;        /* of the draws */
    char cert_file[COL_FAULT_PATH_SIZE], key_file[COL_FAULT_PATH_SIZE]; /* TLS_CERTIFICATE */
};

/* "delay", "status", ... "rst_stream"; and back: false if it is none of them. */
const char *col_fault_word(enum col_fault_kind kind);
bool col_fault_kind_of(const char *word, enum col_fault_kind *ret);
/* It is shown connections, not requests. */
bool col_fault_on_connections(enum col_fault_kind kind);
/* The pipeline takes a request that it has hit. */
bool col_fault_is_behind(enum col_fault_kind kind);

/* The settings of a fault: rows for the schema of a map, without what says when it begins. */
#define COL_FAULT_ROWS                                                                            \
    {.key = "delay", .type = OTL_SCHEMA_DURATION, .min = 1000000, .max = 3600000000000},          \
    {.key = "delay_max", .type = OTL_SCHEMA_DURATION, .min = 1000000, .max = 3600000000000},      \
    {.key = "distribution", .type = OTL_SCHEMA_ENUM, .words = col_delay_words},                   \
    {.key = "status", .type = OTL_SCHEMA_UINT, .min = 400, .max = 599},                           \
    {.key = "code", .type = OTL_SCHEMA_UINT, .min = 1, .max = 16},                                \
    {.key = "retry_after", .type = OTL_SCHEMA_DURATION, .min = 1000000000,                        \
     .max = 3600000000000},                                                                       \
    {.key = "retry_after_as", .type = OTL_SCHEMA_ENUM, .words = col_retry_words},                 \
    {.key = "rejected", .type = OTL_SCHEMA_UINT, .max = INT64_MAX},                               \
    {.key = "error_code", .type = OTL_SCHEMA_UINT, .max = 13},                                    \
    {.key = "rate", .type = OTL_SCHEMA_UINT, .min = 1, .max = 1000000000},                        \
    {.key = "size", .type = OTL_SCHEMA_UINT, .min = 1, .max = 1 << 28},                           \
    {.key = "skew", .type = OTL_SCHEMA_DURATION, .min = 1, .max = 86400000000000},                \
    {.key = "behind", .type = OTL_SCHEMA_BOOL},                                                   \
    {.key = "cert_file", .type = OTL_SCHEMA_STRING, .min = 1, .max = COL_FAULT_PATH_SIZE - 1},    \
    {.key = "key_file", .type = OTL_SCHEMA_STRING, .min = 1, .max = COL_FAULT_PATH_SIZE - 1},     \
    {.key = "for", .type = OTL_SCHEMA_DURATION, .min = 1000000, .max = 86400000000000},           \
    {.key = "count", .type = OTL_SCHEMA_UINT, .min = 1, .max = INT64_MAX},                        \
    {.key = "probability", .type = OTL_SCHEMA_DOUBLE, .real_max = 1}
extern const char *const col_fault_words[], *const col_delay_words[], *const col_retry_words[];

/* From a map that has passed such a schema, and pos for what is not at a key; kind_key is the name
 * of the key with the kind's word. OTEL_ERR_SYNTAX: settings that do not belong together. */
OTEL_MUST_USE enum otel_err col_fault_read(const struct otl_yaml *doc, const json_t *map,
                                           struct otl_yaml_pos pos, const char *kind_key,
                                           struct col_fault_plan *ret, struct otl_detail *reterr);

#endif
