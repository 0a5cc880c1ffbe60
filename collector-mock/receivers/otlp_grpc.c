/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/receivers/otlp_grpc.h"

#include <stdio.h>
#include <string.h>

#include "collector-mock/extensions/guard.h"
#include "collector-mock/faults/faults.h"
#include "collector-mock/pipeline/metadata.h"
#include "collector-mock/grpc/server.h"
#include "collector-mock/receivers/damage.h"
#include "collector-mock/receivers/dealer.h"
#include "collector-mock/receivers/intake.h"
#include "collector-mock/receivers/served.h"
#include "collector-mock/receivers/tls_settings.h"
#include "sdk/base/mem.h"

static const char *const service_names[COL_SIGNALS] = {
    "opentelemetry.proto.collector.trace.v1.TraceService",
    "opentelemetry.proto.collector.metrics.v1.MetricsService",
    "opentelemetry.proto.collector.logs.v1.LogsService"};

static const char *const method_names[COL_SIGNALS] = {
    "opentelemetry.proto.collector.trace.v1.TraceService/Export",
    "opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
    "opentelemetry.proto.collector.logs.v1.LogsService/Export"};

struct col_otlp_grpc {
    struct col_host *host;
    struct col_dealer *dealer; /* worker 0, of several */
    struct col_tls *tls; /* NULL: in the clear */
    struct col_guard *guard; /* NULL: everybody may send */
    bool include_metadata;
    struct col_grpc_server *server;
    struct col_intake *intake;
    struct col_served *served; /* NULL: not measured */
    unsigned signals; /* COL_SIGNAL_BIT of those that are taken */
    size_t max_message;
    struct otl_buf details; /* of the answer at hand */
    char unknown[256];      /* the text of the refusal at hand */
    void (*on_drained)(void *context);
    void *on_drained_context;
};

static void answer(struct col_otlp_grpc *grpc, struct col_grpc_request *request,
                   const struct col_grpc_answer *what)
{
    col_intake_count(grpc->intake, (unsigned)what->code);
    col_grpc_answer(request, what);
}

/* ---- answers that a fault holds back ---- */

struct late {
    struct col_grpc_request *request;
    enum col_grpc_code code;
    char text[256];
};

static void on_release(void *arg, bool answer_now)
{
    struct late *late = arg;
    const struct col_grpc_answer what = {.code = late->code, .text = otl_view_str(late->text)};

    if (answer_now)
        col_grpc_answer(late->request, &what);
    else
        col_grpc_abandon(late->request);
    otl_mem_free(late);
}

static bool hold(struct col_otlp_grpc *grpc, const struct col_outcome *outcome,
                 struct col_grpc_request *request)
{
    struct late *late = otl_mem_zalloc(sizeof(*late));

    if (late == NULL)
        return false;
    late->request = request;
    late->code = outcome->code;
    snprintf(late->text, sizeof(late->text), "%.255s", outcome->detail.text);
    if (col_faults_hold(grpc->host->faults, outcome->fault, outcome->delay_ns, on_release, late))
        return true;
    otl_mem_free(late);
    return false;
}

static struct otl_view retry_details(struct col_otlp_grpc *grpc, enum col_grpc_code code,
                                     const char *text, uint64_t delay_s)
{
    otl_buf_reset(&grpc->details);
    if (delay_s == 0 || col_status_write_retry(code, text, delay_s, &grpc->details) != OTEL_OK)
        return otl_view("", 0);
    return otl_view(grpc->details.data, grpc->details.len);
}

static void answer_status(struct col_otlp_grpc *grpc, const struct col_outcome *outcome,
                          struct col_grpc_request *request)
{
    const struct col_fault_plan *fault = outcome->fault;
    struct col_grpc_answer what = {.text = otl_view_str(outcome->detail.text)};

    what.code = fault->code != 0 ? (enum col_grpc_code)fault->code : col_status_grpc(fault->status);
    what.details = retry_details(grpc, what.code, outcome->detail.text, fault->retry_after_s);
    answer(grpc, request, &what);
}

/* A good answer, damaged. */
static void answer_damaged(struct col_otlp_grpc *grpc, const struct col_outcome *outcome,
                           struct col_grpc_request *request)
{
    const struct col_fault_plan *fault = outcome->fault;
    struct col_grpc_answer what = {.code = COL_GRPC_OK};
    struct otl_buf message;

    otl_buf_init(&message, (size_t)fault->size + 4096);
    if (col_damage_message(fault, outcome, false, &message))
        what.message = otl_view(message.data, message.len);
    what.type = col_damage_type(fault);
    what.compressed = fault->kind == COL_FAULT_CORRUPT_GZIP;
    what.cut = col_damage_cut(fault, what.message.len);
    what.rate = fault->kind == COL_FAULT_SLOW_ANSWER ? fault->rate : 0;
    request->note = outcome->rejected;
    answer(grpc, request, &what);
    otl_buf_fini(&message);
}

/* As the fault wants it; false: it wants nothing of this one, answer now. */
static bool answer_by_fault(struct col_otlp_grpc *grpc, struct col_grpc_request *request,
                            const struct col_outcome *outcome)
{
    const struct col_fault_plan *fault = outcome->fault;

    switch (fault->kind) {
    case COL_FAULT_DELAY:
        if (!hold(grpc, outcome, request))
            return false;
        col_intake_count(grpc->intake, (unsigned)outcome->code);
        return true;
    case COL_FAULT_STALL:
    case COL_FAULT_HALF_OPEN:
        if (!hold(grpc, outcome, request))
            col_grpc_abandon(request);
        else if (fault->kind == COL_FAULT_HALF_OPEN)
            col_grpc_freeze(request);
        return true;
    case COL_FAULT_RST_STREAM:
        col_grpc_reset(request, fault->error_code);
        return true;
    case COL_FAULT_GOAWAY:
        col_grpc_goaway(request);
        return true;
    case COL_FAULT_STATUS:
        answer_status(grpc, outcome, request);
        return true;
    default:
        break;
    }
    if (outcome->code != COL_GRPC_OK)
        return false; /* the pipeline refused it: that is told */
    answer_damaged(grpc, outcome, request);
    return true;
}

static void answer_outcome(struct col_otlp_grpc *grpc, struct col_grpc_request *request,
                           const struct col_outcome *outcome)
{
    /* an export response that says nothing has no bytes */
    struct col_grpc_answer what = {.code = outcome->code};
    char text[640];

    if (outcome->fault != NULL && answer_by_fault(grpc, request, outcome))
        return;
    if (outcome->undecodable) {
        what.code = COL_GRPC_INTERNAL;
        snprintf(text, sizeof(text), "grpc: error unmarshalling request: %s",
                 outcome->detail.text);
        what.text = otl_view_str(text);
    } else if (what.code != COL_GRPC_OK) {
        what.text = otl_view_str(outcome->detail.text);
    }
    answer(grpc, request, &what);
}

/* ---- a request ---- */

/* The signal whose service is named; COL_SIGNALS: none that is taken. */
static enum col_signal signal_of(const struct col_otlp_grpc *grpc, struct otl_view service)
{
    int signal = COL_TRACES;

    while (signal < COL_SIGNALS && ((grpc->signals & COL_SIGNAL_BIT(signal)) == 0 ||
                                    !otl_view_is(service, service_names[signal])))
        signal++;
    return (enum col_signal)signal;
}

/* That of "/package.Service/Export". */
static enum col_signal signal_of_path(const struct col_otlp_grpc *grpc, struct otl_view path)
{
    static const char method[] = "/Export";
    const size_t len = sizeof(method) - 1;

    if (path.len <= len || path.data[0] != '/' ||
        memcmp(path.data + path.len - len, method, len) != 0)
        return COL_SIGNALS;
    return signal_of(grpc, otl_view(path.data + 1, path.len - len - 1));
}

/* The words of grpc-go for a path that nobody serves. */
static void name_unknown(const struct col_otlp_grpc *grpc, struct otl_view path, char *out,
                         size_t size)
{
    enum col_signal signal;
    const char *slash = path.len > 1 ? memrchr(path.data, '/', path.len) : NULL;
    int service_len, method_len;

    if (slash == NULL || slash == path.data || path.data[0] != '/') {
        snprintf(out, size, "malformed method name: \"%.*s\"",
                 (int)(path.len < 100 ? path.len : 100), path.data);
        return;
    }
    service_len = (int)(slash - path.data - 1);
    method_len = (int)(path.data + path.len - slash - 1);
    signal = signal_of(grpc, otl_view(path.data + 1, (size_t)service_len));
    if (signal != COL_SIGNALS)
        snprintf(out, size, "unknown method %.*s for service %s", method_len < 64 ? method_len : 64,
                 slash + 1, service_names[signal]);
    else
        snprintf(out, size, "unknown service %.*s", service_len < 100 ? service_len : 100,
                 path.data + 1);
}

static bool on_head(void *context, const struct col_grpc_request *request,
                    struct col_grpc_answer *ret)
{
    struct col_otlp_grpc *grpc = context;

    if (signal_of_path(grpc, request->path) != COL_SIGNALS)
        return true;
    name_unknown(grpc, request->path, grpc->unknown, sizeof(grpc->unknown));
    *ret = (struct col_grpc_answer){.code = COL_GRPC_UNIMPLEMENTED,
                                    .text = otl_view_str(grpc->unknown)};
    return false;
}

/* A call that has its answer; of methods that are served. */
static void count_call(struct col_otlp_grpc *grpc, const struct col_grpc_request *request,
                       enum col_grpc_code code)
{
    enum col_signal signal = signal_of_path(grpc, request->path);

    if (signal != COL_SIGNALS)
        col_served_call(grpc->served, method_names[signal], code, request->begun_ns);
}

static void on_answered(void *context, const struct col_grpc_request *request,
                        enum col_grpc_code code, bool sent)
{
    struct col_otlp_grpc *grpc = context;

    col_intake_answered(grpc->intake, request->connection, request->tag, request->note,
                        (uint32_t)code, sent);
    if (sent && grpc->served != NULL)
        count_call(grpc, request, code);
}

static void on_refused(void *context, const struct col_grpc_request *request,
                       enum col_grpc_code code)
{
    struct col_otlp_grpc *grpc = context;

    col_intake_count(grpc->intake, (unsigned)code);
    col_intake_failed(grpc->intake);
    if (grpc->served != NULL)
        count_call(grpc, request, code);
}

static void refuse_compressed(struct col_otlp_grpc *grpc, struct col_grpc_request *request,
                              const struct otl_detail *detail)
{
    struct col_grpc_answer what = {.code = COL_GRPC_INTERNAL};
    char text[640];

    if (detail->code == OTEL_ERR_LIMIT) { /* no more than one byte too many is looked at */
        what.code = COL_GRPC_RESOURCE_EXHAUSTED;
        snprintf(text, sizeof(text),
                 "grpc: received message after decompression larger than max (%zu vs. %zu)",
                 grpc->max_message + 1, grpc->max_message);
    } else if (detail->code == OTEL_ERR_MEMORY) {
        what.code = COL_GRPC_UNAVAILABLE;
        snprintf(text, sizeof(text), "%s", detail->text);
    } else {
        snprintf(text, sizeof(text), "grpc: failed to decompress the received message: %s",
                 detail->text);
    }
    what.text = otl_view_str(text);
    col_intake_failed(grpc->intake);
    answer(grpc, request, &what);
}

/* A request that has waited. */
static void on_outcome(void *owner, void *arg, const struct col_outcome *outcome)
{
    struct col_grpc_request *request = arg;

    request->note = 0;
    answer_outcome(owner, request, outcome);
}

static void on_gone(void *context, struct col_grpc_request *request)
{
    (void)context;
    if (request->note != 0)
        col_intake_gone((struct col_waiting *)(uintptr_t)request->note);
}

static struct otl_view header_of(const void *from, const char *name, size_t index)
{
    return col_grpc_header_nth(from, name, index);
}

static bool address_of(const void *from, char *out, size_t size)
{
    return col_grpc_peer(from, out, size);
}

static struct otl_view credentials_of(const struct col_otlp_grpc *grpc,
                                      const struct col_grpc_request *request)
{
    if (grpc->guard == NULL)
        return otl_view("", 0);
    return col_guard_credentials(grpc->guard,
                                 col_grpc_header_of(request, col_guard_header(grpc->guard)));
}

static void serve(struct col_otlp_grpc *grpc, struct col_grpc_request *request)
{
    const struct col_metadata metadata = {grpc->include_metadata ? header_of : NULL, address_of,
                                          request, credentials_of(grpc, request)};
    struct col_intake_request taken = {
        signal_of_path(grpc, request->path), request->connection, request->mono_ns,
        request->wall_ns,                    request->message,    false,
        &metadata};
    const struct col_intake_wait wait = {grpc, request, on_outcome};
    struct col_outcome outcome = COL_OUTCOME_INIT;
    struct col_waiting *waiting;

    if (request->compressed &&
        col_intake_inflate(grpc->intake, request->encoding, request->message, &taken.body,
                           &outcome.detail) != OTEL_OK) {
        refuse_compressed(grpc, request, &outcome.detail);
    } else {
        waiting = col_intake_take(grpc->intake, &taken, &wait, &outcome);
        request->tag = col_intake_tag(&outcome);
        request->note = (uint64_t)(uintptr_t)waiting;
        if (waiting == NULL)
            answer_outcome(grpc, request, &outcome);
    }
    col_intake_tidy(grpc->intake);
}

static void on_word(void *owner, void *arg, enum col_guard_word word, const char *text)
{
    const struct col_grpc_answer what = {
        .code = word == COL_GUARD_BUSY ? COL_GRPC_UNAVAILABLE : COL_GRPC_UNAUTHENTICATED,
        .text = otl_view_str(text)};

    if (word == COL_GUARD_GRANTED)
        serve(owner, arg);
    else
        answer(owner, arg, &what);
}

static void on_request(void *context, struct col_grpc_request *request)
{
    struct col_otlp_grpc *grpc = context;
    const struct col_guard_wait wait = {grpc, request, on_word};
    enum col_guard_word word = COL_GUARD_GRANTED;
    const char *text = "";

    request->tag = NULL;
    request->note = 0;
    if (grpc->guard != NULL)
        word = col_guard_ask(grpc->guard,
                             col_grpc_header_of(request, col_guard_header(grpc->guard)), &wait,
                             &text);
    if (word != COL_GUARD_LATER)
        on_word(grpc, request, word, text);
}

static void on_drained(void *context)
{
    struct col_otlp_grpc *grpc = context;

    grpc->on_drained(grpc->on_drained_context);
}

/* ---- life ---- */

static double read_bytes_received(void *context)
{
    return (double)col_grpc_counters(context)->bytes_received;
}

static double read_connections(void *context)
{
    return (double)col_grpc_counters(context)->connections_open;
}

static double read_connections_refused(void *context)
{
    return (double)col_grpc_counters(context)->connections_refused;
}

static double read_connections_broken(void *context)
{
    return (double)col_grpc_counters(context)->connections_broken;
}

static double read_connections_retired(void *context)
{
    return (double)col_grpc_counters(context)->connections_retired;
}

static double read_floods(void *context)
{
    return (double)col_grpc_counters(context)->floods;
}

static double read_timeouts(void *context)
{
    return (double)col_grpc_counters(context)->timeouts;
}

static double read_cut_off(void *context)
{
    return (double)col_grpc_counters(context)->cut_off;
}

static double read_parked(void *context)
{
    return (double)col_grpc_counters(context)->parked;
}

static enum otel_err observe_server(struct col_otlp_grpc *grpc, const char *id)
{
    char labels[192];
    const struct col_metrics_source sources[] = {
        {"collector_mock_grpc_received_bytes", labels,
         "Bytes from OTLP/gRPC sockets, before decompression.", true, read_bytes_received,
         grpc->server},
        {"collector_mock_grpc_connections", labels, "Open OTLP/gRPC connections.", false,
         read_connections, grpc->server},
        {"collector_mock_grpc_connections_refused", labels, "Connections over the limit.", true,
         read_connections_refused, grpc->server},
        {"collector_mock_grpc_connections_broken", labels,
         "Connections closed because they broke the rules of HTTP/2 or flooded.", true,
         read_connections_broken, grpc->server},
        {"collector_mock_grpc_floods", labels,
         "Of these: too many frames that carry nothing.", true, read_floods, grpc->server},
        {"collector_mock_grpc_timeouts", labels, "Requests and connections that were too slow.",
         true, read_timeouts, grpc->server},
        {"collector_mock_grpc_cut_off", labels, "Requests that the peer did not finish.", true,
         read_cut_off, grpc->server},
        {"collector_mock_grpc_connections_retired", labels,
         "Connections that were told to go: too old, or idle for too long.", true,
         read_connections_retired, grpc->server},
        {"collector_mock_grpc_parked", labels,
         "Messages that waited for room in the receive budget.", true, read_parked, grpc->server},
    };
    enum otel_err err = OTEL_OK;

    snprintf(labels, sizeof(labels), "receiver=\"%s\"", id);
    for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]) && err == OTEL_OK; i++)
        err = col_metrics_observe(grpc->host->metrics, &sources[i]);
    return err;
}

/* ---- what a fault makes of the listener ---- */

static int64_t on_refuse(void *arg, bool refuse, bool in_order, struct otl_detail *reterr)
{
    struct col_otlp_grpc *grpc = arg;
    size_t reset = 0;

    return col_grpc_refuse(grpc->server, refuse, in_order, &reset, reterr) == OTEL_OK
               ? (int64_t)reset
               : -1;
}

static void on_meet(void *arg)
{
    col_grpc_meet(((struct col_otlp_grpc *)arg)->server);
}

static void on_thaw(void *arg)
{
    col_grpc_thaw(((struct col_otlp_grpc *)arg)->server);
}

static enum otel_err on_certificate(void *arg, const char *cert_file, const char *key_file,
                                    struct otl_detail *reterr)
{
    struct col_otlp_grpc *grpc = arg;

    return grpc->tls != NULL ? col_tls_other(grpc->tls, cert_file, key_file, reterr)
                             : OTEL_ERR_UNSUPPORTED;
}

static void on_connection(void *context, uint64_t connection, bool open, struct col_fate *ret)
{
    struct col_otlp_grpc *grpc = context;

    col_intake_meet(grpc->intake, connection, open, grpc->tls != NULL, ret);
}

static void on_ended(void *context, uint64_t connection)
{
    col_intake_ended(((struct col_otlp_grpc *)context)->intake, connection);
}

static void take(void *server, int fd)
{
    col_grpc_take(server, fd);
}

/* One of several workers: who accepts, and who is given. */
static void sit_down(struct col_otlp_grpc *grpc, const struct col_otlp_grpc *first)
{
    struct col_dealer *dealer = first != NULL ? first->dealer : grpc->dealer;

    if (dealer != NULL)
        col_dealer_sit(dealer, grpc->host->worker, grpc->server, take);
}

static enum otel_err listen_on(struct col_otlp_grpc *grpc,
                               const struct col_otlp_grpc_options *options,
                               struct otl_detail *reterr)
{
    struct col_grpc_options server;
    enum otel_err err;
    char host[256];

    col_grpc_options_init(&server);
    if (col_endpoint_split(options->endpoint, host, sizeof(host), &server.port) != OTEL_OK)
        return otl_detail_set(reterr, OTEL_ERR_ARGUMENT, NULL, 0, 0,
                              "receiver %s: '%s' is no HOST:PORT", options->id,
                              options->endpoint);
    server.host = host;
    server.base = options->host->base;
    server.clock = options->host->clock;
    server.tls = options->tls;
    server.budget = options->host->budget;
    server.max_message_bytes = options->max_recv_msg_size;
    if (options->max_concurrent_streams != 0)
        server.max_concurrent_streams = options->max_concurrent_streams;
    server.max_age_ns = options->max_age_ns;
    server.max_age_grace_ns = options->max_age_grace_ns;
    server.max_idle_ns = options->max_idle_ns;
    server.context = grpc;
    if (options->host->faults != NULL) {
        server.on_connection = on_connection;
        server.on_ended = on_ended;
    }
    server.on_head = on_head;
    server.on_request = on_request;
    server.on_answered = on_answered;
    server.on_gone = on_gone;
    server.on_refused = on_refused;
    server.on_drained = on_drained;
    server.deaf = options->first != NULL;
    if (options->host->crew != NULL && !server.deaf) {
        if (col_dealer_new(options->host, &grpc->dealer) != OTEL_OK)
            return OTEL_ERR_MEMORY;
        server.deal = col_dealer_deal;
        server.deal_context = grpc->dealer;
    }
    err = col_grpc_new(&server, &grpc->server, reterr);
    if (err == OTEL_OK)
        sit_down(grpc, options->first);
    return err;
}

enum otel_err col_otlp_grpc_new(const struct col_otlp_grpc_options *options,
                                struct col_otlp_grpc **ret, struct otl_detail *reterr)
{
    const struct col_intake_options intake = {.id = options->id,
                                              .transport = COL_TAP_GRPC,
                                              .max_body_bytes = options->max_recv_msg_size,
                                              .host = options->host,
                                              .signals = options->signals,
                                              .next = options->next};
    struct col_otlp_grpc *grpc = otl_mem_zalloc(sizeof(*grpc));
    const struct col_fault_socket socket = {grpc, on_refuse, on_meet, on_thaw, on_certificate};
    enum otel_err err;

    if (grpc == NULL)
        return otl_detail_set(reterr, OTEL_ERR_MEMORY, NULL, 0, 0, "out of memory");
    grpc->host = options->host;
    grpc->signals = options->signals;
    grpc->max_message = options->max_recv_msg_size;
    grpc->on_drained = options->on_drained;
    grpc->on_drained_context = options->on_drained_context;
    otl_buf_init(&grpc->details, 4096);
    grpc->tls = options->tls;
    grpc->guard = options->guard;
    grpc->include_metadata = options->include_metadata;
    err = col_intake_new(&intake, &grpc->intake);
    if (err == OTEL_OK)
        err = col_served_new(options->host, &grpc->served);
    if (err == OTEL_OK)
        err = listen_on(grpc, options, reterr);
    if (err == OTEL_OK)
        err = observe_server(grpc, options->id);
    if (err == OTEL_OK)
        err = col_tls_observe(options->tls, options->host, options->id, "grpc");
    if (err == OTEL_OK)
        err = col_faults_attach(options->host->faults, &socket);
    if (err == OTEL_OK)
        err = col_host_endpoint(options->host, options->id, "grpc",
                                col_grpc_address(grpc->server));
    if (err != OTEL_OK) {
        otl_detail_set(reterr, err, NULL, 0, 0, "receiver %s: %s", options->id,
                       otel_err_text(err));
        col_otlp_grpc_free(grpc);
        return err;
    }
    *ret = grpc;
    return OTEL_OK;
}

void col_otlp_grpc_drain(struct col_otlp_grpc *grpc, uint64_t grace_ns)
{
    col_intake_drain(grpc->intake);
    col_grpc_drain(grpc->server, grace_ns);
}

void col_otlp_grpc_free(struct col_otlp_grpc *grpc)
{
    if (grpc == NULL)
        return;
    col_faults_detach(grpc->host->faults, grpc);
    col_guard_forget(grpc->guard, grpc);
    col_grpc_free(grpc->server);
    col_dealer_free(grpc->dealer);
    col_intake_free(grpc->intake);
    col_served_free(grpc->served);
    otl_buf_fini(&grpc->details);
    otl_mem_free(grpc);
}
