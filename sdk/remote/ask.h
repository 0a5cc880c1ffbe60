/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_ASK_H
#define OTL_ASK_H

#include <otel/sdk/remote_sampler.h>

#include "sdk/base/thread.h"
#include "sdk/transport/tls.h"
#include "sdk/transport/url.h"

/*
 * Questions to a server of sampling strategies: GET URL?service=NAME, or
 * jaeger.api_v2.SamplingManager/GetSamplingStrategy over gRPC; and to one that takes JSON by POST.
 *
 * Life      a target: init -> fini. An asker: new -> (ask -> answered)... -> free; abandon in a
 *           forked child.
 * Threads   an asker belongs to the thread of the event base; a target is read only.
 * Memory    the target outlives its askers.
 * Limits    answers of 1 MiB; one question at a time.
 */

struct event_base;

/* Whom and what to ask. */
struct otl_ask_target {
    bool grpc;
    bool post;              /* HTTP: each question has a body */
    struct otl_url url;     /* HTTP: with the service */
    struct otl_buf message; /* gRPC: SamplingStrategyParameters */
    struct otl_tls *tls;    /* NULL: none */
};

/* OTEL_ERR_SYNTAX, OTEL_ERR_LIMIT, OTEL_ERR_UNSUPPORTED, OTEL_ERR_MEMORY; fini in any case. */
OTEL_MUST_USE enum otel_err
otl_ask_target_init(struct otl_ask_target *target,
                    const struct otel_sdk_jaeger_remote_options *options);
/* path behind the endpoint's, by POST; the same errors, and fini. */
OTEL_MUST_USE enum otel_err otl_ask_target_post(struct otl_ask_target *target,
                                                struct otel_str endpoint, const char *path);
void otl_ask_target_fini(struct otl_ask_target *target);

enum { OTL_ASK_DESCRIPTION_SIZE = 1024 + 32 };
/* SAMPLER{ENDPOINT}, cut to OTL_ASK_DESCRIPTION_SIZE. */
void otl_ask_describe(char *out, const char *sampler, struct otel_str endpoint);

struct otl_answer {
    enum otel_err err; /* OTEL_OK: body is the answer */
    const char *why;   /* else a sentence */
    struct otl_view body;
};

typedef void otl_answered_fn(void *arg, const struct otl_answer *answer);

struct otl_asker_options {
    struct event_base *base;
    const struct otl_ask_target *target;
    struct otl_thread_maker threads;
    otl_answered_fn *answered; /* never inside ask */
    void *arg;
};

struct otl_asker;

OTEL_MUST_USE enum otel_err otl_asker_new(const struct otl_asker_options *options,
                                          struct otl_asker **ret);
void otl_asker_free(struct otl_asker *asker);
void otl_asker_abandon(struct otl_asker *asker);
/* body is sent to a target that takes one, and lives until answered. OTEL_ERR_MEMORY: nothing was
 * asked. */
OTEL_MUST_USE enum otel_err otl_asker_ask(struct otl_asker *asker, struct otl_view body,
                                          uint64_t timeout_ns);

#endif
