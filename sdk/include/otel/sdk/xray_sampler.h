/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTEL_SDK_XRAY_SAMPLER_H
#define OTEL_SDK_XRAY_SAMPLER_H

#include <otel/sdk/provider.h>
#include <otel/sdk/resource.h>
#include <otel/sdk/sampler.h>
#include <pthread.h>

/*
 * A sampler that AWS X-Ray steers: its centralized sampling rules, and the share of each rule's
 * reservoir that it gives to this process.
 *
 * Asks a proxy of the service, as the Collector's awsproxy extension or the X-Ray daemon: POST
 * ENDPOINT/GetSamplingRules for the rules, and, while spans match them, ENDPOINT/SamplingTargets
 * with how many did, for quotas and rates. The first rule by priority, then by name, that fits a
 * span decides about it:
 *   with a quota       so many traces a second of the reservoir, and of the rest the fixed rate
 *   without, or past its time   one a second where the rule has a reservoir ("borrowed"), and of
 *                      the rest the fixed rate
 * While there are no rules, when they are older than an hour, and where none fits: one trace a
 * second, and of the rest 5 %.
 *
 * A rule fits by wildcards (* any text, ? any character, without regard to case; absent is as
 * empty):
 *   ServiceName        service.name of the resource
 *   ServiceType        cloud.platform of the resource: AWS::EC2::Instance, AWS::ECS::Container,
 *                      AWS::EKS::Container, AWS::ElasticBeanstalk::Environment,
 *                      AWS::Lambda::Function
 *   ResourceARN        aws.ecs.container.arn; of a Lambda function cloud.resource_id, of the
 *                      resource or the span
 *   HTTPMethod         http.request.method (or its original where it is _OTHER), http.method
 *   Host               server.address, http.host, net.host.name
 *   URLPath            url.path, http.target, or what is behind the host in url.full, http.url
 *   Attributes         attributes given at the span's start, all of them; texts, numbers, booleans
 *
 * Use it under parentbased: it decides for every span it is asked about, whatever the parent. Not
 * outside of AWS, where nothing answers: traceidratio asks nobody.
 *
 * Life      new -> given to a provider -> last unref, which ends its thread.
 * Threads   one of its own, that sleeps between the questions and blocks every signal; host names
 *           are looked up on another. A decision takes a lock that is held for writing only while
 *           an answer is put in its place.
 * Fork      a child keeps the rules, without what was counted, and asks on its own, as another
 *           client, from its first decision on.
 * Memory    the rules; none is allocated for a decision.
 * Limits    answers of 1 MiB, OTEL_SDK_XRAY_MAX_RULES rules (more: the answer is refused as a
 *           whole, the last stays). Rules without a name or of another version than 1 are left
 *           out, as X-Ray's own SDKs do.
 *
 * Spec: OpenTelemetry SDK environment variables, OTEL_TRACES_SAMPLER "xray"; AWS X-Ray API
 * GetSamplingRules, GetSamplingTargets.
 */

#ifdef __cplusplus
extern "C" {
#endif

enum { OTEL_SDK_XRAY_MAX_RULES = 500 };

struct otel_sdk_xray_options {
    size_t struct_size;       /* set by otel_sdk_xray_options_init() */
    struct otel_str endpoint; /* http or https; init: http://localhost:2000 */
    const struct otel_sdk_resource *resource; /* read during the call; NULL: none of what rules ask
                                                 of it is known */
    uint32_t polling_interval_millis; /* between questions for rules; init: 300000; at least 1 */
    uint32_t target_interval_millis;  /* between those for targets, until the service says another;
                                         init: 10000; at least 1 */
    uint32_t timeout_millis;          /* of one question; init: 10000; at least 1 */
    const struct otel_sdk_clock *clock; /* of quotas, reservoirs and ages; NULL: the system's */
    /* Why an answer was not to be had or not understood, once until one is; on the sampler's
     * thread. NULL: silence. */
    void (*error)(void *arg, enum otel_err err, const char *text);
    void *error_arg;
    /* As in the options of jaeger_remote (otel/sdk/remote_sampler.h). */
    int (*create_thread)(void *arg, pthread_t *ret_thread, void *(*run)(void *), void *run_arg);
    void *create_thread_arg;
};

OTEL_API void otel_sdk_xray_options_init(struct otel_sdk_xray_options *options);

/**
 * "AwsXrayRemoteSampler{ENDPOINT}". The first question is asked at once, on the sampler's thread.
 *
 * Returns OTEL_OK, or
 *   OTEL_ERR_ARGUMENT     options not initialised, an interval or a timeout of 0
 *   OTEL_ERR_SYNTAX       endpoint is no URL; OTEL_ERR_LIMIT: it is too long
 *   OTEL_ERR_UNSUPPORTED  its scheme is neither http nor https, or libotel_tls is not there
 *   OTEL_ERR_MEMORY, OTEL_ERR_IO (no descriptor), OTEL_ERR_THREAD (the thread could not be
 *                         created)
 */
OTEL_API OTEL_MUST_USE enum otel_err
otel_sdk_sampler_xray_new(const struct otel_sdk_xray_options *options,
                          struct otel_sdk_sampler **ret);

struct otel_sdk_xray_stats {
    size_t struct_size;         /* set by the caller */
    uint64_t rule_questions;    /* that have ended */
    uint64_t target_questions;  /* likewise */
    uint64_t failures;          /* of both, without an answer that was understood */
    uint64_t rules;             /* that are in force now; 0: the fallback decides */
};

/* OTEL_ERR_ARGUMENT: not a sampler of this kind. */
OTEL_API OTEL_MUST_USE enum otel_err
otel_sdk_sampler_xray_stats(struct otel_sdk_sampler *sampler, struct otel_sdk_xray_stats *stats);

#ifdef __cplusplus
}
#endif
#endif
