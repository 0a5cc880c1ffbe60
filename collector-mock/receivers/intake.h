/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_RECEIVERS_INTAKE_H
#define COL_RECEIVERS_INTAKE_H

#include "collector-mock/net/fate.h"
#include "collector-mock/pipeline/component.h"
#include "collector-mock/receivers/status.h"

/*
 * What the otlp receiver does with a request, whatever protocol brought it: check, record, count,
 * hand to the pipeline, and say what the answer is.
 *
 * A request is in the tap before any processor sees it and before it is answered. What cannot be
 * recorded is refused as UNAVAILABLE.
 *
 * Life      new (registers its counters) -> take, answered... -> drain -> free. One a protocol of a
 *           receiver.
 * Threads   that of the event loop.
 * Memory    one buffer for a decompressed request and one for what JSON says in protobuf, each at
 *           most max_body_bytes; tidy gives large ones back.
 */

struct col_intake;

struct col_intake_options {
    const char *id; /* of the receiver; lives as long as this */
    enum col_tap_transport transport;
    size_t max_body_bytes; /* of a decompressed request */
    struct col_host *host;
    unsigned signals; /* COL_SIGNAL_BIT of those that are taken */
    struct col_consumer next;
};

/* One whole request; body is what an export request of the signal should be, not compressed, in
 * protobuf or JSON. */
struct col_intake_request {
    enum col_signal signal;
    uint64_t connection; /* as the server numbers them, from 1 */
    uint64_t mono_ns;    /* when its last byte was received */
    uint64_t wall_ns;
    struct otl_view body;
    bool json;
    const struct col_metadata *metadata; /* of its client, as far as processors may have it */
};

struct col_fault_plan;

struct col_outcome {
    enum col_grpc_code code;  /* COL_GRPC_OK: accepted */
    bool undecodable;         /* code is INVALID_ARGUMENT because the body is no OTLP */
    const struct col_fault_plan *fault; /* what becomes of the answer, see damage.h; NULL: answer
                                         * now */
    uint64_t delay_ns;        /* how late it is to be, by that fault */
    enum col_signal signal;
    uint64_t tap_request;     /* its number in the tap; 0: not in the tap */
    uint64_t rejected;        /* spans, points or records that a partial success refuses */
    struct otl_detail detail; /* text: why code is not OK */
};
#define COL_OUTCOME_INIT {.detail = OTL_DETAIL_NONE}

/* OTEL_ERR_MEMORY. */
OTEL_MUST_USE enum otel_err col_intake_new(const struct col_intake_options *options,
                                           struct col_intake **ret);
void col_intake_free(struct col_intake *intake); /* may be NULL */

/* Decompress into the intake's buffer; *ret holds until the next call or tidy. Errors as
 * col_inflate(). */
OTEL_MUST_USE enum otel_err col_intake_inflate(struct col_intake *intake,
                                               struct otl_view encoding, struct otl_view body,
                                               struct otl_view *ret, struct otl_detail *reterr);
/* Who is told when a request that had to wait is decided. */
struct col_intake_wait {
    void *owner, *request;
    void (*on_outcome)(void *owner, void *request, const struct col_outcome *outcome);
};

struct col_waiting; /* a request that waits for what becomes of its spans */

/* *request is changed: the body is what is in the tap. Not NULL: there is no outcome yet,
 * on_outcome is called with it, once, unless the intake is freed before. */
struct col_waiting *col_intake_take(struct col_intake *intake, struct col_intake_request *request,
                                    const struct col_intake_wait *wait, struct col_outcome *ret);
/* Its client does not wait any more. on_outcome is called nevertheless, never from here. */
void col_intake_gone(struct col_waiting *waiting);
/* The end is near: those that wait give up what was not begun. */
void col_intake_drain(struct col_intake *intake);
/* What a fault makes of a connection; open as in col_fate_fn, secure: it speaks TLS. */
void col_intake_meet(struct col_intake *intake, uint64_t connection, bool open, bool secure,
                     struct col_fate *ret);
/* A fault has ended this connection. */
void col_intake_ended(struct col_intake *intake, uint64_t connection);
/* A request ended before it could be taken. */
void col_intake_failed(struct col_intake *intake);
/* What names a request of the tap until its answer has left; NULL: it is not in the tap. */
void *col_intake_tag(const struct col_outcome *outcome);
/* The answer to a request of the tap has left, or (sent false) never will. */
void col_intake_answered(struct col_intake *intake, uint64_t connection, const void *tag,
                         uint64_t rejected, uint32_t status, bool sent);
/* One more answer with this status: the HTTP status, or the grpc-status. */
void col_intake_count(struct col_intake *intake, unsigned status);
void col_intake_tidy(struct col_intake *intake);

#endif
