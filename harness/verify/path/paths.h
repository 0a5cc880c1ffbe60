/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_PATH_PATHS_H
#define HX_PATH_PATHS_H

#include <jansson.h>

#include "harness/verify/path/path.h"
#include "sdk/base/detail.h"

/*
 * What makes slow traces slow, from received spans alone: the critical path of each trace, its time
 * summed by operation, and the slow traces held against the rest. It sees what an on-call engineer
 * sees in a trace store, and no ledger and no scenario.
 *
 * Of all traces those of the most frequent root are compared. One is slow when it takes more than
 * three times what the fastest tenth takes. An operation is named when more than half of the time
 * that slow traces have above the others is on the critical path in that operation. A gap is an
 * operation too: then it is named that no span says what happened.
 *
 * Life      hx_paths_init() -> read or add -> seal -> hx_paths_judge() -> hx_paths_fini().
 * Threads   one owner.
 * Memory    88 bytes a span; texts once for each operation.
 * Limits    HX_PATHS_OPERATIONS operations; spans of others are left out. Of a trace HX_PATH_SPANS.
 */

enum { HX_PATHS_OPERATIONS = 1024, HX_PATHS_TEXT = 128, HX_PATHS_STATEMENT = 512 };

struct hx_paths_operation {
    char service[HX_PATHS_TEXT];
    char name[HX_PATHS_TEXT];
    char statement[HX_PATHS_STATEMENT]; /* db.query.text; "" = none */
};

struct hx_paths_span {
    uint8_t trace_id[16];
    uint64_t arrived_ns;
    struct hx_path_node node;
    uint16_t operation;
};

struct hx_paths_share { /* of a trace's critical path */
    uint32_t row;       /* operation * HX_PATH_GAPS + gap */
    uint64_t ns;
};

struct hx_paths_trace {
    uint32_t first, count; /* spans */
    uint32_t share, shares;
    uint64_t start_ns, duration_ns; /* of the root */
    uint64_t arrived_ns;            /* its last span */
    uint16_t root;                  /* operation */
};

struct hx_paths {
    struct hx_paths_operation *operations;
    size_t operation_count;
    struct hx_paths_span *spans;
    size_t span_count, span_cap;
    struct hx_paths_trace *traces;
    size_t trace_count;
    struct hx_paths_share *shares;
    size_t share_count, share_cap;
    struct hx_path_piece *pieces; /* of the trace in hand */
    uint64_t first_ns;            /* start of the first span; 0 = none */
};

OTEL_MUST_USE enum otel_err hx_paths_init(struct hx_paths *paths);
void hx_paths_fini(struct hx_paths *paths);

/* Number of the operation, new or known; UINT16_MAX: no room. */
uint16_t hx_paths_operation(struct hx_paths *paths, const struct hx_paths_operation *operation);
OTEL_MUST_USE enum otel_err hx_paths_add(struct hx_paths *paths, const struct hx_paths_span *span);
/* Every span in the tap file. OTEL_ERR_NOT_FOUND, _IO, _MEMORY. */
OTEL_MUST_USE enum otel_err hx_paths_read(const char *tap, struct hx_paths *paths,
                                          struct otl_detail *reterr);
/* No more are added: traces are put together and their critical paths found. OTEL_ERR_MEMORY. */
OTEL_MUST_USE enum otel_err hx_paths_seal(struct hx_paths *paths);
/* The critical path of one trace once more: its pieces lie in paths->pieces, their nodes are spans
 * counted from the trace's first. */
size_t hx_paths_pieces(struct hx_paths *paths, uint32_t trace);

struct hx_paths_sum { /* of slow traces, or of the others */
    uint64_t count;
    uint64_t p50_ns;
    uint32_t median;          /* that trace */
    double unexplained_ns;    /* mean time in gaps */
};

struct hx_paths_row {
    uint32_t row;
    double typical_ns, slow_ns; /* mean of the critical path */
};

struct hx_paths_finding {
    bool named;
    uint16_t entry;           /* the root that was looked at */
    uint32_t row;             /* what is named */
    double added_ns;          /* that it adds to slow traces */
    double added_share;       /* of all that they have above the others */
    double after_s;           /* from the first span until it could be said; when named */
    double symptom_s;         /* start of the first slow trace; when there is one */
    uint64_t limit_ns;        /* from here on a trace is slow */
    struct hx_paths_sum slow, typical;
    struct hx_paths_row *rows; /* by what they add, most first */
    size_t row_count;
    char reason[800];
};

/* What can be said of the traces whose spans had arrived by until_ns. after_s is not set.
 * OTEL_ERR_MEMORY. */
OTEL_MUST_USE enum otel_err hx_paths_look(const struct hx_paths *paths, uint64_t until_ns,
                                          struct hx_paths_finding *ret);
/* At the end, and since when the same was named without a break. */
OTEL_MUST_USE enum otel_err hx_paths_judge(const struct hx_paths *paths,
                                           struct hx_paths_finding *ret);
void hx_paths_finding_fini(struct hx_paths_finding *finding);

/* report.json's "critical_path"; NULL: no memory. */
json_t *hx_paths_json(struct hx_paths *paths, const struct hx_paths_finding *finding);

/* A trace of report.json's exemplar_traces: path (its pieces, by span id) and unexplained_ns are
 * added, where anything of it was received. Not 0: no memory. */
int hx_path_put(json_t *trace);

/* All of it for a run directory. *ret is NULL where no span was received. */
OTEL_MUST_USE enum otel_err hx_paths_run(const char *dir, json_t **ret, struct otl_detail *reterr);

#endif
