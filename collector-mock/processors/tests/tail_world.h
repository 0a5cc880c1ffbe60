/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_PROCESSORS_TESTS_TAIL_WORLD_H
#define COL_PROCESSORS_TESTS_TAIL_WORLD_H

#include "collector-mock/processors/tail/tail.h"

/*
 * A tail sampler by itself, for tests: spans as data, time by hand, a recorder behind it.
 *
 * Failures of the world itself fail the test at once; the books are held after every step.
 */

struct tail_attr {
    const char *key;
    const char *text;   /* NULL: a number, or a truth */
    int64_t number;
    bool is_bool;
    double real;        /* not 0: a double */
};

struct tail_span {
    unsigned trace;      /* its id is the number in the last bytes */
    const char *trace_hex; /* ... or this */
    bool child;          /* has a parent */
    unsigned start_ms, ms; /* after a fixed moment */
    unsigned status;
    unsigned flags;
    const char *name;
    const char *trace_state;
    struct tail_attr attrs[3];
    struct tail_attr event; /* key NULL: no event */
    struct tail_attr resource;
};

enum { TAIL_KEPT_MAX = 4096 };

struct tail_world {
    struct col_host host;
    struct otl_clock clock;
    uint64_t now_ns;
    uint64_t step_ns;         /* that each look at the clock takes */
    struct otl_yaml *doc;
    struct col_tail *tail;
    enum otel_err answer;     /* of what follows */
    struct otl_buf out;       /* what came out, joined */
    struct otl_buf last;      /* the last request that went in */
    uint64_t kept;            /* spans */
    uint64_t batches;
    uint64_t sent[256];       /* spans kept by trace number */
};

/* The detail says why where it is not OTEL_OK; config is the YAML of the processor's map. */
enum otel_err tail_world_init(struct tail_world *world, const char *config,
                              struct otl_detail *reterr);
/* As the Collector of v0.N. */
enum otel_err tail_world_init_as(struct tail_world *world, const char *config, unsigned version,
                                 struct otl_detail *reterr);
void tail_world_fini(struct tail_world *world);
/* One request: every span in a ResourceSpans of its own if apart, else all in one. */
enum otel_err tail_feed(struct tail_world *world, const struct tail_span *spans, size_t count,
                        bool apart);
/* So many seconds, a tick at the end of each. */
void tail_ticks(struct tail_world *world, unsigned seconds);
void tail_put_span(struct otl_buf *out, const struct tail_span *span);
void tail_put_request(struct otl_buf *out, const struct tail_span *spans, size_t count, bool apart);

#endif
