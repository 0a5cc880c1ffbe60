/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTEL_SDK_REMOTE_SAMPLER_H
#define OTEL_SDK_REMOTE_SAMPLER_H

#include <otel/sdk/sampler.h>
#include <pthread.h>

/*
 * A sampler that a server steers: Jaeger's remote sampling.
 *
 * Asks for its service again and again and samples as the answer says, as Jaeger and the
 * Collector's jaegerremotesampling extension give it: over gRPC
 * (jaeger.api_v2.SamplingManager/GetSamplingStrategy, Jaeger's port 14250) or over HTTP (GET
 * ENDPOINT?service=NAME, JSON, Jaeger's port 5778):
 *   PROBABILISTIC   a share of all traces
 *   RATE_LIMITING   so many traces a second
 *   per operation   a share for each span name, and at least so many traces a second of each; names
 *                   that the answer does not mention share one default of both
 * Until the first answer, and as long as none is understood, the initial sampler decides; when the
 * server goes away the last answer stays. Use it under parentbased: it decides for every span it
 * is asked about, whatever the parent.
 *
 * Not for fleets whose shares never change: traceidratio asks nobody.
 *
 * Life      new -> given to a provider -> last unref, which ends its thread.
 * Threads   one of its own, that sleeps between the questions and blocks every signal; host names
 *           are looked up on another. A decision takes a lock that is held for writing only while a
 *           new answer is put in its place.
 * Fork      a child keeps the strategy and asks on its own, from its first decision on.
 * Memory    one strategy; none is allocated for a decision.
 * Limits    answers of 1 MiB, OTEL_SDK_REMOTE_MAX_OPERATIONS operations (more: the answer is
 *           refused as a whole, the last stays).
 *
 * Spec: OpenTelemetry trace SDK, "JaegerRemoteSampler".
 */

#ifdef __cplusplus
extern "C" {
#endif

enum { OTEL_SDK_REMOTE_MAX_OPERATIONS = 2000 };

enum otel_sdk_jaeger_protocol {
    /* By the endpoint: with a path, or at port 5778, HTTP; else gRPC, so that the form of the
     * specification (http://host:14250) means what it means there. */
    OTEL_SDK_JAEGER_AUTO,
    OTEL_SDK_JAEGER_HTTP,
    OTEL_SDK_JAEGER_GRPC
};

struct otel_sdk_jaeger_remote_options {
    size_t struct_size;       /* set by otel_sdk_jaeger_remote_options_init() */
    struct otel_str endpoint; /* http or https. Over HTTP without a path /sampling is asked; over
                                 gRPC a path is ignored. Init: http://localhost:5778/sampling */
    struct otel_str service;  /* service.name; required */
    uint32_t polling_interval_millis; /* init: 60000; at least 1 */
    uint32_t timeout_millis;          /* of one question; init: 10000; at least 1 */
    struct otel_sdk_sampler *initial; /* a reference is taken; NULL: a share of 0.001 */
    /* Why an answer was not to be had or not understood, once until one is; on the sampler's
     * thread. NULL: silence. */
    void (*error)(void *arg, enum otel_err err, const char *text);
    void *error_arg;
    enum otel_sdk_jaeger_protocol protocol; /* init: AUTO */
    /* Creates the sampler's thread, and one for each look-up of a host name; under the rules of
     * create_thread of the batch processor (otel/sdk/processor.h). NULL: pthread_create(). */
    int (*create_thread)(void *arg, pthread_t *ret_thread, void *(*run)(void *), void *run_arg);
    void *create_thread_arg;
};

OTEL_API void
otel_sdk_jaeger_remote_options_init(struct otel_sdk_jaeger_remote_options *options);

/**
 * "JaegerRemoteSampler{ENDPOINT}". The first question is asked at once, on the sampler's thread.
 *
 * Returns OTEL_OK, or
 *   OTEL_ERR_ARGUMENT     options not initialised, no service, an interval or a timeout of 0, no
 *                         such protocol
 *   OTEL_ERR_SYNTAX       endpoint is no URL; OTEL_ERR_LIMIT: it, with the service, is too long
 *   OTEL_ERR_UNSUPPORTED  its scheme is neither http nor https, or libotel_tls is not there
 *   OTEL_ERR_MEMORY, OTEL_ERR_IO (no descriptor), OTEL_ERR_THREAD (the thread could not be
 *                         created)
 */
OTEL_API OTEL_MUST_USE enum otel_err
otel_sdk_sampler_jaeger_remote_new(const struct otel_sdk_jaeger_remote_options *options,
                                   struct otel_sdk_sampler **ret);

struct otel_sdk_jaeger_remote_stats {
    size_t struct_size;  /* set by the caller */
    uint64_t questions;  /* that have ended */
    uint64_t failures;   /* of them, without an answer that was understood */
    uint64_t strategies; /* answers that changed what is done */
};

/* OTEL_ERR_ARGUMENT: not a sampler of this kind. */
OTEL_API OTEL_MUST_USE enum otel_err
otel_sdk_sampler_jaeger_remote_stats(struct otel_sdk_sampler *sampler,
                                     struct otel_sdk_jaeger_remote_stats *stats);

#ifdef __cplusplus
}
#endif
#endif
