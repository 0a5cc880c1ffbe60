/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/receivers/served.h"

#include "sdk/base/mem.h"

enum { LABELS_MAX = 1024 };

static const double seconds[] = {0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25,
                                 0.5,   0.75, 1,     2.5,  5,     7.5, 10};
static const double bytes[] = {0,   5,   10,  25,   50,   75,   100,  250,
                               500, 750, 1000, 2500, 5000, 7500, 10000};

/* Semantic conventions know these; what else clients say is _OTHER. */
static const char *const methods[] = {"_OTHER", "POST",    "GET",   "HEAD",  "OPTIONS",
                                      "PUT",    "DELETE",  "TRACE", "PATCH", "CONNECT"};

static const char *const codes[] = {
    "OK",           "CANCELLED",         "UNKNOWN",        "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED", "NOT_FOUND",    "ALREADY_EXISTS", "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE",
    "UNIMPLEMENTED", "INTERNAL",         "UNAVAILABLE",    "DATA_LOSS",
    "UNAUTHENTICATED"};

/* What tells one kind of request from another. */
struct kind {
    const char *method, *route; /* of the tables: compared as pointers */
    unsigned status, minor;
    bool secure;
};

struct row {
    struct kind kind;
    struct col_histogram *duration, *read, *sent; /* NULL: no room */
};

struct col_served {
    struct col_host *host;
    struct row rows[COL_SERVED_ROWS + 1]; /* the last: all others */
    size_t count;
    bool overflows; /* it is made */
};

enum otel_err col_served_new(struct col_host *host, struct col_served **ret)
{
    struct col_served *served;

    *ret = NULL;
    if (host->metrics_level < COL_METRICS_DETAILED)
        return OTEL_OK;
    served = otl_mem_zalloc(sizeof(*served));
    if (served == NULL)
        return OTEL_ERR_MEMORY;
    served->host = host;
    *ret = served;
    return OTEL_OK;
}

void col_served_free(struct col_served *served)
{
    otl_mem_free(served);
}

static struct col_histogram *histogram(struct col_served *served, const char *name,
                                       const char *labels, const char *help, bool of_bytes)
{
    return col_metrics_histogram(
        served->host->metrics,
        &(struct col_histogram_options){
            name, labels, help, of_bytes ? bytes : seconds,
            of_bytes ? sizeof(bytes) / sizeof(bytes[0]) : sizeof(seconds) / sizeof(seconds[0])});
}

static void name_http(struct col_served *served, struct row *row, const char *labels)
{
    row->duration = histogram(served, "http_server_request_duration", labels,
                              "Seconds that HTTP requests took.", false);
    row->read = histogram(served, "http_server_request_body_size", labels,
                          "Bytes of the bodies of HTTP requests.", true);
    row->sent = histogram(served, "http_server_response_body_size", labels,
                          "Bytes of the bodies of answers by HTTP.", true);
}

static void name_call(struct col_served *served, struct row *row, const char *labels)
{
    row->duration = histogram(served, "rpc_server_call_duration", labels,
                              "Seconds that gRPC calls took.", false);
}

static enum otel_err put_http_labels(const struct kind *kind, struct otl_buf *out)
{
    enum otel_err err = otl_buf_printf(
        out, "http_request_method=\"%s\",http_response_status_code=\"%u\"", kind->method,
        kind->status);

    if (err == OTEL_OK && kind->route != NULL) {
        err = otl_buf_append_str(out, ",http_route=\"");
        if (err == OTEL_OK)
            err = col_metrics_label_text(out, kind->route);
        if (err == OTEL_OK)
            err = otl_buf_append_byte(out, '"');
    }
    return err == OTEL_OK
               ? otl_buf_printf(out,
                                ",network_protocol_name=\"http\",network_protocol_version=\"1.%u\""
                                ",url_scheme=\"%s\"",
                                kind->minor, kind->secure ? "https" : "http")
               : err;
}

static enum otel_err put_call_labels(const struct kind *kind, struct otl_buf *out)
{
    return otl_buf_printf(
        out, "rpc_method=\"%s\",rpc_response_status_code=\"%s\",rpc_system_name=\"grpc\"",
        kind->route, kind->method);
}

static bool same(const struct kind *a, const struct kind *b)
{
    return a->method == b->method && a->route == b->route && a->status == b->status &&
           a->minor == b->minor && a->secure == b->secure;
}

/* That of the kind, made when it is first seen. */
static struct row *row_of(struct col_served *served, const struct kind *kind, bool http)
{
    struct row *row = served->rows;
    struct otl_buf labels;
    enum otel_err err = OTEL_OK;

    for (; row < served->rows + served->count; row++)
        if (same(&row->kind, kind))
            return row;
    if (served->count == COL_SERVED_ROWS && served->overflows)
        return row;
    otl_buf_init(&labels, LABELS_MAX);
    if (served->count == COL_SERVED_ROWS)
        err = otl_buf_append_str(&labels, "otel_metric_overflow=\"true\"");
    else
        err = http ? put_http_labels(kind, &labels) : put_call_labels(kind, &labels);
    if (err == OTEL_OK && http)
        name_http(served, row, labels.data);
    else if (err == OTEL_OK)
        name_call(served, row, labels.data);
    otl_buf_fini(&labels);
    row->kind = *kind;
    served->overflows = served->count == COL_SERVED_ROWS;
    served->count += !served->overflows;
    return row;
}

static double seconds_since(const struct col_served *served, uint64_t begun_ns)
{
    return (double)(otl_clock_mono(served->host->clock) - begun_ns) / 1e9;
}

void col_served_http(struct col_served *served, const struct col_served_request *request)
{
    struct kind kind = {methods[0], request->route, request->status, request->minor,
                        request->secure};
    struct row *row;

    if (served == NULL)
        return;
    for (size_t i = 1; i < sizeof(methods) / sizeof(methods[0]); i++)
        if (otl_view_is(request->method, methods[i]))
            kind.method = methods[i];
    row = row_of(served, &kind, true);
    col_histogram_observe(row->duration, seconds_since(served, request->begun_ns));
    col_histogram_observe(row->read, (double)request->read_bytes);
    col_histogram_observe(row->sent, (double)request->sent_bytes);
}

void col_served_call(struct col_served *served, const char *method, enum col_grpc_code code,
                     uint64_t begun_ns)
{
    const size_t known = sizeof(codes) / sizeof(codes[0]);
    const struct kind kind = {
        .method = codes[(size_t)code < known ? (size_t)code : (size_t)COL_GRPC_UNKNOWN],
        .route = method};

    if (served != NULL)
        col_histogram_observe(row_of(served, &kind, false)->duration,
                              seconds_since(served, begun_ns));
}
