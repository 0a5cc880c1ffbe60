/* SPDX-License-Identifier: Apache-2.0 */
/* Spans out of the tap, put together as traces, and where the critical path of each lies. */
#include "harness/verify/path/paths.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector-mock/wire/tap.h"
#include "collector-mock/wire/traces.h"
#include "sdk/base/mem.h"
#include "sdk/base/text.h"

enum { ROWS_FIRST = 4096 };

enum otel_err hx_paths_init(struct hx_paths *paths)
{
    memset(paths, 0, sizeof *paths);
    paths->operations = otl_mem_zalloc(HX_PATHS_OPERATIONS * sizeof *paths->operations);
    paths->pieces = otl_mem_alloc(HX_PATH_PIECES(HX_PATH_SPANS) * sizeof *paths->pieces);
    if (paths->operations != NULL && paths->pieces != NULL)
        return OTEL_OK;
    hx_paths_fini(paths);
    return OTEL_ERR_MEMORY;
}

void hx_paths_fini(struct hx_paths *paths)
{
    otl_mem_free(paths->operations);
    otl_mem_free(paths->spans);
    otl_mem_free(paths->traces);
    otl_mem_free(paths->shares);
    otl_mem_free(paths->pieces);
    memset(paths, 0, sizeof *paths);
}

uint16_t hx_paths_operation(struct hx_paths *paths, const struct hx_paths_operation *operation)
{
    for (size_t i = 0; i < paths->operation_count; i++)
        if (strcmp(paths->operations[i].service, operation->service) == 0 &&
            strcmp(paths->operations[i].name, operation->name) == 0 &&
            strcmp(paths->operations[i].statement, operation->statement) == 0)
            return (uint16_t)i;
    if (paths->operation_count == HX_PATHS_OPERATIONS)
        return UINT16_MAX;
    paths->operations[paths->operation_count] = *operation;
    return (uint16_t)paths->operation_count++;
}

/* Room for one more in an array that grows by doubling. False: no memory. */
static bool grow(void **array, size_t count, size_t *cap, size_t size)
{
    size_t wanted = *cap > 0 ? *cap * 2 : ROWS_FIRST;
    void *grown;

    if (count < *cap)
        return true;
    grown = otl_mem_realloc(*array, wanted * size);
    if (grown == NULL)
        return false;
    *array = grown;
    *cap = wanted;
    return true;
}

enum otel_err hx_paths_add(struct hx_paths *paths, const struct hx_paths_span *span)
{
    void *array = paths->spans;

    if (!grow(&array, paths->span_count, &paths->span_cap, sizeof *paths->spans))
        return OTEL_ERR_MEMORY;
    paths->spans = array;
    paths->spans[paths->span_count++] = *span;
    if (paths->first_ns == 0 || span->node.start_ns < paths->first_ns)
        paths->first_ns = span->node.start_ns;
    return OTEL_OK;
}

/* ---- out of the tap ------------------------------------------------------------------------- */

static void copy_text(struct otl_view text, char *out, size_t size)
{
    snprintf(out, size, "%.*s", (int)(text.len < size ? text.len : size - 1),
             text.len > 0 ? (const char *)text.data : "");
    out[otl_utf8_prefix(out, strlen(out))] = '\0';
}

static void take_text(const struct col_list *attributes, const char *key, char *out, size_t size)
{
    struct col_value value;

    out[0] = '\0';
    if (col_attribute_find(attributes, key, &value) && value.kind == COL_VALUE_STRING)
        copy_text(value.text, out, size);
}

static enum otel_err add_received(struct hx_paths *paths, const struct col_span *span,
                                  uint64_t arrived_ns)
{
    struct hx_paths_operation operation;
    struct hx_paths_span row = {.arrived_ns = arrived_ns};

    memset(&operation, 0, sizeof operation);
    take_text(&span->resource->attributes, "service.name", operation.service, HX_PATHS_TEXT);
    copy_text(span->name, operation.name, HX_PATHS_TEXT);
    take_text(&span->attributes, "db.query.text", operation.statement, HX_PATHS_STATEMENT);
    row.operation = hx_paths_operation(paths, &operation);
    if (row.operation == UINT16_MAX || span->end_time_unix_nano < span->start_time_unix_nano)
        return OTEL_OK;
    memcpy(row.trace_id, span->trace_id, sizeof row.trace_id);
    memcpy(row.node.span_id, span->span_id, sizeof row.node.span_id);
    memcpy(row.node.parent_id, span->parent_span_id, sizeof row.node.parent_id);
    row.node.start_ns = span->start_time_unix_nano;
    row.node.end_ns = span->end_time_unix_nano;
    row.node.kind = (uint8_t)span->kind;
    row.node.names_statement = operation.statement[0] != '\0';
    return hx_paths_add(paths, &row);
}

enum otel_err hx_paths_read(const char *tap, struct hx_paths *paths, struct otl_detail *reterr)
{
    struct col_tap_reader reader;
    struct col_tap_record record;
    enum otel_err err = col_tap_open(tap, &reader, reterr);

    if (err != OTEL_OK)
        return err;
    while (err == OTEL_OK && col_tap_next(&reader, &record)) {
        struct col_traces traces;
        struct col_span span;
        if (record.type != COL_TAP_REQUEST || record.signal != COL_TAP_TRACES ||
            record.encoding != COL_TAP_PROTOBUF)
            continue;
        col_traces_init(&traces, record.body);
        while (err == OTEL_OK && col_traces_next(&traces, &span))
            err = add_received(paths, &span, record.wall_ns);
    }
    col_tap_close(&reader);
    return err;
}

/* ---- traces --------------------------------------------------------------------------------- */

static int by_trace(const void *left, const void *right)
{
    const struct hx_paths_span *a = left, *b = right;
    int order = memcmp(a->trace_id, b->trace_id, sizeof a->trace_id);

    if (order == 0)
        order = memcmp(a->node.span_id, b->node.span_id, sizeof a->node.span_id);
    return order != 0 ? order : a->arrived_ns < b->arrived_ns ? -1 : a->arrived_ns > b->arrived_ns;
}

/* In the order of traces; a span that arrived twice once. */
static void order_spans(struct hx_paths *paths)
{
    struct hx_paths_span *spans = paths->spans;
    size_t kept = 0;

    if (paths->span_count > 0)
        qsort(spans, paths->span_count, sizeof *spans, by_trace);
    for (size_t i = 0; i < paths->span_count; i++)
        if (kept == 0 || memcmp(spans[kept - 1].trace_id, spans[i].trace_id, 16) != 0 ||
            memcmp(spans[kept - 1].node.span_id, spans[i].node.span_id, 8) != 0)
            spans[kept++] = spans[i];
    paths->span_count = kept;
}

static size_t find_pieces(struct hx_paths *paths, const struct hx_paths_trace *trace,
                          struct hx_path_node *nodes, uint32_t *ret_root)
{
    size_t count = trace->count < HX_PATH_SPANS ? trace->count : HX_PATH_SPANS, used;

    for (size_t i = 0; i < count; i++)
        nodes[i] = paths->spans[trace->first + i].node;
    hx_path_find(nodes, count, paths->pieces, &used, ret_root);
    return used;
}

/* Adds to the trace's share of the row. */
static bool add_share(struct hx_paths *paths, struct hx_paths_trace *trace, uint32_t row,
                      uint64_t ns)
{
    void *array = paths->shares;

    for (uint32_t i = 0; i < trace->shares; i++) {
        if (paths->shares[trace->share + i].row != row)
            continue;
        paths->shares[trace->share + i].ns += ns;
        return true;
    }
    if (!grow(&array, paths->share_count, &paths->share_cap, sizeof *paths->shares))
        return false;
    paths->shares = array;
    paths->shares[paths->share_count++] = (struct hx_paths_share){row, ns};
    trace->shares++;
    return true;
}

/* False: no memory. */
static bool measure(struct hx_paths *paths, struct hx_paths_trace *trace,
                    struct hx_path_node *nodes)
{
    const struct hx_paths_span *spans = &paths->spans[trace->first];
    uint32_t root;
    size_t used = find_pieces(paths, trace, nodes, &root);

    trace->share = (uint32_t)paths->share_count;
    trace->root = UINT16_MAX;
    for (uint32_t i = 0; i < trace->count; i++)
        if (spans[i].arrived_ns > trace->arrived_ns)
            trace->arrived_ns = spans[i].arrived_ns;
    if (root == HX_PATH_NONE)
        return true;
    trace->root = spans[root].operation;
    trace->start_ns = nodes[root].start_ns;
    trace->duration_ns = nodes[root].end_ns - nodes[root].start_ns;
    for (size_t i = 0; i < used; i++) {
        const struct hx_path_piece *piece = &paths->pieces[i];
        uint32_t row = (uint32_t)spans[piece->node].operation * HX_PATH_GAPS + piece->gap;
        if (!add_share(paths, trace, row, piece->to_ns - piece->from_ns))
            return false;
    }
    return true;
}

enum otel_err hx_paths_seal(struct hx_paths *paths)
{
    struct hx_path_node *nodes = otl_mem_alloc(HX_PATH_SPANS * sizeof *nodes);
    bool ok;

    order_spans(paths);
    paths->traces = otl_mem_zalloc((paths->span_count + 1) * sizeof *paths->traces);
    ok = nodes != NULL && paths->traces != NULL;
    for (size_t i = 0; ok && i < paths->span_count;) {
        struct hx_paths_trace *trace = &paths->traces[paths->trace_count++];
        trace->first = (uint32_t)i;
        while (i < paths->span_count &&
               memcmp(paths->spans[i].trace_id, paths->spans[trace->first].trace_id, 16) == 0)
            i++;
        trace->count = (uint32_t)(i - trace->first);
        ok = measure(paths, trace, nodes);
    }
    otl_mem_free(nodes);
    return ok ? OTEL_OK : OTEL_ERR_MEMORY;
}

size_t hx_paths_pieces(struct hx_paths *paths, uint32_t trace)
{
    struct hx_path_node *nodes = otl_mem_alloc(HX_PATH_SPANS * sizeof *nodes);
    uint32_t root;
    size_t used = nodes != NULL ? find_pieces(paths, &paths->traces[trace], nodes, &root) : 0;

    otl_mem_free(nodes);
    return used;
}
