/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/receivers/intake.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <event2/event.h>

#include "collector-mock/faults/faults.h"
#include "collector-mock/http/inflate.h"
#include "collector-mock/pipeline/ticket.h"
#include "collector-mock/wire/json.h"
#include "collector-mock/wire/regroup.h"
#include "collector-mock/wire/traces.h"
#include "sdk/base/mem.h"

enum { KEEP_BYTES = 1 << 20 }; /* of the buffer for decompressed requests */

struct waiting_list {
    struct col_waiting *first;
};

struct col_waiting {
    struct col_ticket ticket;
    struct col_intake *intake;
    struct waiting_list *list;
    struct col_waiting *next, *previous;
    uint64_t items; /* that were handed over, and not counted yet */
    struct col_intake_wait wait;
    struct col_outcome outcome;
};

struct col_intake {
    struct col_host *host;
    struct col_waiting *spare; /* for the next request; NULL: none yet */
    struct waiting_list waiting, gone, told; /* gone: to be told; told: that nobody waits */
    struct event *gone_event;
    bool draining;
    struct col_consumer next;
    enum col_tap_transport transport;
    struct otl_buf inflated;
    struct col_regroup kept;   /* what a partial success takes */
    struct otl_buf transcoded; /* what a JSON request says, in protobuf */
    uint64_t connection_base; /* of the server's numbers within the tap */
    uint64_t traces_requests; /* for --broken */
    struct {
        uint64_t *received, *accepted, *refused, *failed;
    } items[COL_SIGNALS];
    uint64_t *outcome_success, *outcome_refused, *outcome_failure;
    uint64_t *tap_records, *tap_bytes, *tap_failures, *lost_on_purpose;
    uint64_t *decompressed_bytes;
};

static const char *transport_name(const struct col_intake *intake)
{
    return intake->transport == COL_TAP_GRPC ? "grpc" : "http";
}

/* ---- the tap ---- */

static enum otel_err tap_write(struct col_intake *intake, struct col_tap_record *record)
{
    struct col_host *host = intake->host;
    enum otel_err err;

    record->transport = intake->transport;
    record->connection += intake->connection_base;
    if (host->tap_desk != NULL)
        pthread_mutex_lock(&host->tap_desk->lock);
    if (record->type == COL_TAP_REQUEST) {
        if (host->tap_desk != NULL)
            host->tap_requests = host->tap_desk->requests++;
        record->request = ++host->tap_requests;
    }
    err = col_tap_write(&host->tap, record);
    if (host->tap_desk != NULL)
        pthread_mutex_unlock(&host->tap_desk->lock);
    *intake->tap_records = host->tap.records;
    *intake->tap_bytes = host->tap.bytes;
    *intake->tap_failures = host->tap.failures;
    return err;
}

static enum otel_err tap_request(struct col_intake *intake,
                                 const struct col_intake_request *request, uint64_t count,
                                 struct col_outcome *outcome)
{
    struct col_tap_record record = {
        .type = COL_TAP_REQUEST,
        .signal = (enum col_tap_signal)(COL_TAP_TRACES + request->signal),
        .encoding = request->json ? COL_TAP_JSON : COL_TAP_PROTOBUF,
        .connection = request->connection,
        .mono_ns = request->mono_ns,
        .wall_ns = request->wall_ns,
        .spans = (uint32_t)count,
        .flags = outcome->undecodable ? COL_TAP_UNDECODABLE : 0,
        .body = request->body,
    };
    enum otel_err err = tap_write(intake, &record);

    outcome->tap_request = err == OTEL_OK ? record.request : 0;
    return err;
}

enum { TAG_SIGNALS = 4 };
_Static_assert((int)COL_SIGNALS <= (int)TAG_SIGNALS, "a tag must hold the signal");

void *col_intake_tag(const struct col_outcome *outcome)
{
    return (void *)(uintptr_t)(outcome->tap_request * TAG_SIGNALS +
                               (outcome->tap_request != 0 ? (unsigned)outcome->signal : 0));
}

void col_intake_answered(struct col_intake *intake, uint64_t connection, const void *tag,
                         uint64_t rejected, uint32_t status, bool sent)
{
    struct col_tap_record record = {
        .type = COL_TAP_ANSWER,
        .signal = (enum col_tap_signal)(COL_TAP_TRACES + (uintptr_t)tag % TAG_SIGNALS),
        .encoding = COL_TAP_PROTOBUF,
        .connection = connection,
        .request = (uintptr_t)tag / TAG_SIGNALS,
        .mono_ns = otl_clock_mono(intake->host->clock),
        .wall_ns = otl_clock_wall(intake->host->clock),
        .rejected_spans = rejected,
        .status = status,
        .flags = sent ? 0 : COL_TAP_UNSENT,
    };

    if (tag == NULL)
        return;
    if (tap_write(intake, &record) != OTEL_OK)
        otl_log_line(&intake->host->log, OTL_LOG_ERROR, "cannot write the tap: %s",
                     strerror(intake->host->tap.error));
}

/* ---- a request ---- */

enum otel_err col_intake_inflate(struct col_intake *intake, struct otl_view encoding,
                                 struct otl_view body, struct otl_view *ret,
                                 struct otl_detail *reterr)
{
    enum otel_err err;

    otl_buf_reset(&intake->inflated);
    err = col_inflate(encoding, body, &intake->inflated, reterr);
    if (err == OTEL_OK)
        *ret = otl_view(intake->inflated.data, intake->inflated.len);
    return err;
}

void col_intake_tidy(struct col_intake *intake)
{
    if (intake->transcoded.cap > KEEP_BYTES)
        otl_buf_fini(&intake->transcoded);
    if (intake->inflated.cap > KEEP_BYTES)
        otl_buf_fini(&intake->inflated);
}

/* The test's broken collector: true if this request is acknowledged and lost. */
static bool loses(struct col_intake *intake, enum col_signal signal)
{
    intake->traces_requests += signal == COL_TRACES;
    return signal == COL_TRACES && intake->host->lose_after_ack != 0 &&
           intake->traces_requests % intake->host->lose_after_ack == 0;
}

static void count_handed_on(struct col_intake *intake, uint64_t count, enum otel_err err,
                            struct col_outcome *outcome)
{
    bool permanent = otel_err_class(err) == OTEL_CLASS_PERMANENT ||
                     otel_err_class(err) == OTEL_CLASS_USAGE;

    if (err == OTEL_OK) {
        *intake->items[outcome->signal].accepted += count;
        ++*intake->outcome_success;
        return;
    }
    *intake->items[outcome->signal].refused += count;
    ++*intake->outcome_refused;
    outcome->code = permanent ? COL_GRPC_INTERNAL : COL_GRPC_UNAVAILABLE;
    otl_detail_set(&outcome->detail, err, NULL, 0, 0, "%s", otel_err_text(err));
}

static void hand_on(struct col_intake *intake, const struct col_intake_request *request,
                    uint64_t count, struct col_outcome *outcome)
{
    struct col_batch batch = {request->body, count, request->mono_ns,
                              intake->host->tap_requests, request->signal};
    struct col_ticket *ticket = intake->host->ticket;
    struct col_hold *before = ticket != NULL ? ticket->holds : NULL;
    enum otel_err err = intake->next.consume(intake->next.self, &batch, &outcome->detail);

    if (ticket == NULL || ticket->holds == before) {
        if (err == OTEL_OK && ticket != NULL && ticket->err != OTEL_OK)
            err = otl_detail_set(&outcome->detail, ticket->err, NULL, 0, 0, "%s", ticket->text);
        count_handed_on(intake, count, err, outcome);
        return;
    }
    ((struct col_waiting *)(void *)ticket)->items += count;
    if (err != OTEL_OK && ticket->err == OTEL_OK) {
        ticket->err = err;
        snprintf(ticket->text, sizeof(ticket->text), "%.255s", outcome->detail.text);
    }
}

/* All but the last rejected ones; err: they cannot be put together. */
static enum otel_err keep_first(struct col_intake *intake, uint64_t count,
                                struct col_intake_request *part)
{
    enum otel_err err = col_regroup_first(&intake->kept, part->signal, part->body, count);

    return err == OTEL_OK ? col_regroup_finish(&intake->kept, &part->body) : err;
}

/* The pipeline is given what a fault leaves of the request, and as often as it wants. */
static void hand_on_by_fault(struct col_intake *intake, const struct col_intake_request *request,
                             uint64_t count, struct col_outcome *outcome)
{
    const struct col_fault_plan *fault = outcome->fault;
    struct col_intake_request part = *request;

    if (fault->kind == COL_FAULT_PARTIAL) {
        outcome->rejected = fault->rejected < count ? fault->rejected : count;
        *intake->items[part.signal].refused += outcome->rejected;
        count -= outcome->rejected;
        if (outcome->rejected > 0 && count > 0 && keep_first(intake, count, &part) != OTEL_OK) {
            *intake->items[part.signal].failed += count;
            outcome->rejected += count;
            count = 0;
        }
        if (count == 0) {
            ++*intake->outcome_success;
            return;
        }
    }
    hand_on(intake, &part, count, outcome);
    if (fault->kind == COL_FAULT_DUPLICATE && outcome->code == COL_GRPC_OK)
        hand_on(intake, &part, count, outcome);
}

/* What is recorded and good goes to the pipeline, unless a fault on command decides otherwise. */
static void pass_faults(struct col_intake *intake, const struct col_intake_request *request,
                        uint64_t count, struct col_outcome *outcome)
{
    const struct col_fault_request seen = {intake->connection_base + request->connection,
                                           outcome->tap_request, count, NULL};

    outcome->fault = col_faults_strike(intake->host->faults, &seen, &outcome->delay_ns);
    if (outcome->fault == NULL) {
        hand_on(intake, request, count, outcome);
        return;
    }
    if (outcome->fault->kind == COL_FAULT_MEMORY && intake->host->limiters > 0) {
        outcome->fault = NULL; /* it is the limiter that refuses */
        intake->host->pressed = true;
        hand_on(intake, request, count, outcome);
        intake->host->pressed = false;
        return;
    }
    if (col_fault_is_behind(outcome->fault->kind)) {
        hand_on_by_fault(intake, request, count, outcome);
        return;
    }
    *intake->items[request->signal].refused += count;
    ++*intake->outcome_refused;
    outcome->code = COL_GRPC_UNAVAILABLE;
    snprintf(outcome->detail.text, sizeof(outcome->detail.text), "%s",
             outcome->fault->kind == COL_FAULT_MEMORY ? "data refused due to high memory usage"
                                                      : "refused on command");
    if (outcome->fault->kind == COL_FAULT_MEMORY)
        outcome->fault = NULL; /* the answer is the usual one */
}

/* What a fault does before the request is in the tap. False: the disk is full. */
static bool pass_early_faults(struct col_intake *intake, struct col_intake_request *request,
                              uint64_t count)
{
    const struct col_fault_request seen = {intake->connection_base + request->connection,
                                           intake->host->tap_requests + 1, count, NULL};
    const struct col_fault_plan *fault =
        col_faults_strike_early(intake->host->faults, intake->host->files == 0, &seen);

    if (fault == NULL)
        return true;
    if (fault->kind == COL_FAULT_CLOCK_SKEW)
        request->wall_ns += (uint64_t)fault->skew_ns;
    return fault->kind != COL_FAULT_DISK_FULL;
}

static void not_recorded(struct col_intake *intake, uint64_t count, int error,
                         struct col_outcome *outcome)
{
    *intake->items[outcome->signal].failed += count;
    ++*intake->outcome_failure;
    outcome->code = COL_GRPC_UNAVAILABLE;
    snprintf(outcome->detail.text, sizeof(outcome->detail.text), "cannot record the request: %s",
             strerror(error));
    otl_log_line(&intake->host->log, OTL_LOG_ERROR, "%s", outcome->detail.text);
}

/* What a request holds, in protobuf from here on; false: it is no OTLP. */
static bool decode(struct col_intake *intake, struct col_intake_request *request,
                   uint64_t *ret_count, struct otl_detail *reterr)
{
    struct otl_view bytes = request->body;

    if (request->json) {
        otl_buf_reset(&intake->transcoded);
        if (col_json_decode(request->signal, request->body, &intake->transcoded, reterr) !=
            OTEL_OK)
            return false;
        bytes = otl_view(intake->transcoded.data, intake->transcoded.len);
    }
    if (col_request_check(request->signal, bytes, ret_count, reterr) != OTEL_OK)
        return false;
    request->body = bytes;
    request->json = false;
    return true;
}

static void take(struct col_intake *intake, struct col_intake_request *request,
                 struct col_outcome *ret)
{
    uint64_t count = 0;
    bool full;

    *intake->decompressed_bytes += request->body.len;
    ret->signal = request->signal;
    ret->code = COL_GRPC_OK;
    ret->undecodable = !decode(intake, request, &count, &ret->detail);
    full = !ret->undecodable && count > 0;
    if (full)
        *intake->items[request->signal].received += count;
    if (full && loses(intake, request->signal)) {
        *intake->lost_on_purpose += count;
        *intake->items[request->signal].accepted += count;
        ++*intake->outcome_success;
    } else if (full && !pass_early_faults(intake, request, count)) {
        not_recorded(intake, count, ENOSPC, ret);
    } else if (tap_request(intake, request, count, ret) != OTEL_OK) {
        not_recorded(intake, count, intake->host->tap.error, ret);
    } else if (ret->undecodable) {
        ++*intake->outcome_failure;
        ret->code = COL_GRPC_INVALID_ARGUMENT;
    } else if (count == 0) {
        ++*intake->outcome_success;
    } else {
        pass_faults(intake, request, count, ret);
    }
}

/* ---- requests that wait ---- */

static void link_to(struct col_waiting *waiting, struct waiting_list *list)
{
    if (waiting->list != NULL) {
        if (waiting->previous != NULL)
            waiting->previous->next = waiting->next;
        else
            waiting->list->first = waiting->next;
        if (waiting->next != NULL)
            waiting->next->previous = waiting->previous;
    }
    waiting->list = list;
    waiting->previous = NULL;
    waiting->next = list != NULL ? list->first : NULL;
    if (list == NULL)
        return;
    if (list->first != NULL)
        list->first->previous = waiting;
    list->first = waiting;
}

static void on_done(struct col_ticket *ticket)
{
    struct col_waiting *waiting = (struct col_waiting *)(void *)ticket;
    struct col_outcome *outcome = &waiting->outcome;

    if (waiting->list == NULL)
        return; /* it is still being handed over */
    link_to(waiting, NULL);
    outcome->detail.text[0] = '\0';
    outcome->detail.code = OTEL_OK;
    if (ticket->err != OTEL_OK)
        otl_detail_set(&outcome->detail, ticket->err, NULL, 0, 0, "%s", ticket->text);
    count_handed_on(waiting->intake, waiting->items, ticket->err, outcome);
    waiting->wait.on_outcome(waiting->wait.owner, waiting->wait.request, outcome);
    otl_mem_free(waiting);
}

struct col_waiting *col_intake_take(struct col_intake *intake, struct col_intake_request *request,
                                    const struct col_intake_wait *wait, struct col_outcome *ret)
{
    struct col_waiting *waiting = intake->spare;
    struct col_host *host = intake->host;
    struct col_ticket *ticket = host->ticket;           /* of a request that is on the stack: */
    const struct col_metadata *metadata = host->metadata; /* what it does may let others go on */

    intake->spare = NULL;
    if (waiting == NULL)
        waiting = otl_mem_zalloc(sizeof(*waiting));
    if (waiting != NULL) {
        waiting->items = 0;
        col_ticket_init(&waiting->ticket, on_done);
    }
    host->ticket = waiting != NULL ? &waiting->ticket : NULL;
    host->metadata = request->metadata;
    take(intake, request, ret);
    host->ticket = ticket;
    host->metadata = metadata;
    if (waiting == NULL)
        return NULL;
    if (waiting->ticket.holds == NULL) {
        if (waiting->items > 0) /* they were held and let go of at once */
            count_handed_on(intake, waiting->items, waiting->ticket.err, ret);
        otl_mem_free(intake->spare);
        intake->spare = waiting;
        return NULL;
    }
    waiting->intake = intake;
    waiting->wait = *wait;
    waiting->outcome = *ret;
    link_to(waiting, &intake->waiting);
    if (intake->draining)
        col_intake_gone(waiting);
    return waiting;
}

/* From the loop: what it lets go of may be answered, and a connection be gone. */
static void on_gone(evutil_socket_t fd, short what, void *arg)
{
    struct col_intake *intake = arg;
    struct col_waiting *waiting;

    (void)fd;
    (void)what;
    while ((waiting = intake->gone.first) != NULL) {
        link_to(waiting, &intake->told);
        col_ticket_cancel(&waiting->ticket, intake->draining);
    }
}

void col_intake_gone(struct col_waiting *waiting)
{
    if (waiting->list == &waiting->intake->told)
        return;
    link_to(waiting, &waiting->intake->gone);
    event_active(waiting->intake->gone_event, EV_TIMEOUT, 0);
}

void col_intake_drain(struct col_intake *intake)
{
    intake->draining = true;
    while (intake->waiting.first != NULL)
        col_intake_gone(intake->waiting.first);
}

static void forget(struct waiting_list *list)
{
    while (list->first != NULL) {
        struct col_waiting *waiting = list->first;
        link_to(waiting, NULL);
        col_ticket_leave(&waiting->ticket);
        otl_mem_free(waiting);
    }
}

void col_intake_meet(struct col_intake *intake, uint64_t connection, bool open, bool secure,
                     struct col_fate *ret)
{
    const struct col_fault_plan *fault = col_faults_strike_connection(
        intake->host->faults, intake->connection_base + connection, open, secure);

    if (fault == NULL)
        return;
    ret->stall = fault->kind == COL_FAULT_ACCEPT_STALL;
    ret->read_rate = fault->kind == COL_FAULT_SLOW_READ ? fault->rate : 0;
    if (fault->kind == COL_FAULT_TLS_REFUSE)
        ret->tls = COL_TLS_REFUSE;
    else if (fault->kind == COL_FAULT_TLS_CERTIFICATE)
        ret->tls = COL_TLS_OTHER;
}

void col_intake_ended(struct col_intake *intake, uint64_t connection)
{
    col_faults_ended_connection(intake->host->faults, intake->connection_base + connection);
}

void col_intake_failed(struct col_intake *intake)
{
    ++*intake->outcome_failure;
}

void col_intake_count(struct col_intake *intake, unsigned status)
{
    char labels[96];
    uint64_t *counter;

    snprintf(labels, sizeof(labels), "transport=\"%s\",status=\"%u\"", transport_name(intake),
             status);
    counter = col_metrics_counter(intake->host->metrics, "collector_mock_requests", labels,
                                  "Requests by the status of their answer.");
    if (counter != NULL)
        ++*counter;
}

/* ---- life ---- */

static bool register_outcomes(struct col_intake *intake, const char *labels)
{
    static const char *const outcomes[] = {"success", "refused", "failure"};
    uint64_t **targets[] = {&intake->outcome_success, &intake->outcome_refused,
                            &intake->outcome_failure};
    char with_outcome[256];

    for (size_t i = 0; i < 3; i++) {
        snprintf(with_outcome, sizeof(with_outcome), "%s,outcome=\"%s\"", labels, outcomes[i]);
        *targets[i] = col_metrics_counter(intake->host->metrics, "otelcol_receiver_requests",
                                          with_outcome, "Requests by outcome.");
    }
    return intake->outcome_success && intake->outcome_refused && intake->outcome_failure;
}

static bool register_items(struct col_intake *intake, unsigned signals, const char *labels)
{
    bool all = true;

    for (int s = COL_TRACES; s < COL_SIGNALS; s++) {
        enum col_signal signal = (enum col_signal)s;
        if ((signals & COL_SIGNAL_BIT(s)) == 0)
            continue;
        intake->items[s].received =
            col_host_items(intake->host, signal, "collector_mock_received", labels,
                           "What requests held, before anything was refused, lost or doubled.");
        intake->items[s].accepted =
            col_host_items(intake->host, signal, "otelcol_receiver_accepted", labels,
                           "What was pushed into the pipeline.");
        intake->items[s].refused = col_host_items(intake->host, signal, "otelcol_receiver_refused",
                                                  labels, "What the pipeline refused.");
        intake->items[s].failed =
            col_host_items(intake->host, signal, "otelcol_receiver_failed", labels,
                           "What was lost to an internal error of the receiver.");
        all = all && intake->items[s].received != NULL && intake->items[s].accepted != NULL &&
              intake->items[s].refused != NULL &&
              intake->items[s].failed != NULL;
    }
    return all;
}

static bool register_counters(struct col_intake *intake, const char *id, unsigned signals)
{
    struct col_metrics *metrics = intake->host->metrics;
    char labels[192];

    snprintf(labels, sizeof(labels), "receiver=\"%s\",transport=\"%s\"", id,
             transport_name(intake));
    intake->tap_records = col_metrics_counter(metrics, "collector_mock_tap_records", "",
                                              "Records written to the tap.");
    intake->tap_bytes = col_metrics_counter(metrics, "collector_mock_tap_bytes", "",
                                            "Bytes written to the tap.");
    intake->tap_failures = col_metrics_counter(metrics, "collector_mock_tap_failures", "",
                                               "Records that could not be written to the tap.");
    intake->lost_on_purpose =
        col_metrics_counter(metrics, "collector_mock_lost_on_purpose_spans", "",
                            "Spans acknowledged and lost by --broken.");
    intake->decompressed_bytes =
        col_metrics_counter(metrics, "collector_mock_request_bytes", labels,
                            "Bytes of request bodies, after decompression.");
    return register_outcomes(intake, labels) && register_items(intake, signals, labels) &&
           intake->tap_records && intake->tap_bytes && intake->tap_failures &&
           intake->lost_on_purpose && intake->decompressed_bytes;
}

enum otel_err col_intake_new(const struct col_intake_options *options, struct col_intake **ret)
{
    struct col_intake *intake = otl_mem_zalloc(sizeof(*intake));

    if (intake == NULL)
        return OTEL_ERR_MEMORY;
    intake->host = options->host;
    intake->next = options->next;
    intake->transport = options->transport;
    /* each listener numbers its connections from 1: keep them apart in the tap */
    intake->connection_base = options->host->tap_connections;
    options->host->tap_connections += 1ULL << 40;
    otl_buf_init(&intake->inflated, options->max_body_bytes);
    otl_buf_init(&intake->transcoded, options->max_body_bytes);
    col_regroup_init(&intake->kept, options->max_body_bytes);
    intake->gone_event = event_new(options->host->base, -1, 0, on_gone, intake);
    if (intake->gone_event == NULL ||
        !register_counters(intake, options->id, options->signals)) {
        col_intake_free(intake);
        return OTEL_ERR_MEMORY;
    }
    *ret = intake;
    return OTEL_OK;
}

void col_intake_free(struct col_intake *intake)
{
    if (intake == NULL)
        return;
    forget(&intake->waiting);
    forget(&intake->gone);
    forget(&intake->told);
    otl_mem_free(intake->spare);
    if (intake->gone_event != NULL)
        event_free(intake->gone_event);
    otl_buf_fini(&intake->inflated);
    otl_buf_fini(&intake->transcoded);
    col_regroup_fini(&intake->kept);
    otl_mem_free(intake);
}
