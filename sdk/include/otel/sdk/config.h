/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTEL_SDK_CONFIG_H
#define OTEL_SDK_CONFIG_H

#include <otel/config_provider.h>
#include <otel/propagation.h>
#include <otel/sdk/otlp.h>
#include <otel/sdk/provider.h>

/*
 * Assembly of a whole SDK from the OTEL_* variables of the environment.
 *
 * Use it where operators configure a program. Where the program decides, put provider, processor
 * and exporter together yourself (otel/sdk/provider.h).
 *
 * Life      otel_sdk_from_env -> (install) -> ... -> shutdown -> free.
 * Threads   from_env reads the environment, which must not change meanwhile; the rest as the
 *           provider: any thread, free once.
 * Memory    the environment is copied.
 * Limits    a value is read up to 64 KiB; a longer one counts as unset, with a warning.
 *
 * Rules for values: empty is unset. What cannot be read, is out of range or unknown is reported
 * through error and counts as unset; nothing in the environment makes from_env fail, except an
 * https endpoint whose TLS files cannot be used, or without libotel_tls (it must not be answered
 * with plain text, or with trust that nobody asked for), and a configuration file
 * (OTEL_CONFIG_FILE) that is missing or wrong, or without libotel_config. Values of headers are
 * never part of a report.
 *
 *   variable                                    meaning, default
 *   OTEL_SDK_DISABLED                           "true": no provider; propagators stay. false
 *   OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES resource; a value that cannot be decoded is
 *                                               discarded whole. service.instance.id is a random
 *                                               UUID unless given
 *   OTEL_ENTITIES                               type{id=value,...}[description=value,...]@URL of
 *                                               the schema, a list with ';', percent-encoded in
 *                                               values: entities of the resource (otel/sdk/
 *                                               entity.h). A malformed one is left out alone; of a
 *                                               type the last counts. Attributes of the two
 *                                               variables above and of the program win, and end an
 *                                               entity that says otherwise. In development in the
 *                                               specification: nothing changes until it is set
 *   OTEL_LOG_LEVEL                              which reports the function below is told of: trace,
 *                                               debug, info, warn all of them; error no warnings;
 *                                               fatal, none nothing. info. The SDK itself writes
 *                                               none anywhere
 *   OTEL_PROPAGATORS                            tracecontext, baggage, b3, b3multi, jaeger, xray,
 *                                               ottrace, datadog, none; "tracecontext,baggage"
 *   OTEL_TRACES_SAMPLER, _ARG                   always_on, always_off, traceidratio,
 *                                               jaeger_remote, xray and parentbased_ before each;
 *                                               parentbased_always_on; 1. Of jaeger_remote:
 *                                               endpoint=URL,pollingIntervalMs=N,
 *                                               initialSamplingRate=RATIO, as in
 *                                               otel/sdk/remote_sampler.h: http://host:14250 is
 *                                               asked over gRPC, a URL with a path over HTTP.
 *                                               Of xray: endpoint=URL,
 *                                               polling_interval=SECONDS, as in
 *                                               otel/sdk/xray_sampler.h
 *   OTEL_C_TRACES_SAMPLER_RATIO_RULE            an extension of this SDK: the rule by which
 *                                               traceidratio decides, as SDKs of other languages
 *                                               do: go (Rust's too), java, dotnet, cpp, js, as in
 *                                               otel/sdk/sampler.h; go
 *   OTEL_TRACES_EXPORTER                        a list of otlp, console (text to standard output,
 *                                               or where console_fd of the options says),
 *                                               otlp/stdout (JSON lines), none; otlp. otlp has a
 *                                               batch processor, the others a simple one, which
 *                                               gets a span after otlp did, in whatever order
 *   OTEL_BSP_SCHEDULE_DELAY, _EXPORT_TIMEOUT,
 *     _MAX_QUEUE_SIZE, _MAX_EXPORT_BATCH_SIZE   5000 ms, 30000 ms (0: no limit), 2048, 512; both
 *                                               sizes at most 16777216, a larger one is out of
 *                                               range (so many queued spans take 16 GiB)
 *   OTEL_ATTRIBUTE_COUNT_LIMIT,
 *     OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT         128, none; OTEL_SPAN_... of the same name win
 *   OTEL_SPAN_EVENT_COUNT_LIMIT,
 *     OTEL_SPAN_LINK_COUNT_LIMIT,
 *     OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT,
 *     OTEL_LINK_ATTRIBUTE_COUNT_LIMIT           128 each
 *   OTEL_EXPORTER_OTLP_ENDPOINT                 a base, v1/traces is appended;
 *                                               http://localhost:4318
 *   OTEL_EXPORTER_OTLP_TRACES_ENDPOINT          taken as it is; wins
 *   OTEL_EXPORTER_OTLP[_TRACES]_HEADERS         key=value,... percent-decoded
 *   OTEL_EXPORTER_OTLP[_TRACES]_COMPRESSION     gzip, none; none
 *   OTEL_EXPORTER_OTLP[_TRACES]_TIMEOUT         10000 ms, 0: no limit
 *   OTEL_EXPORTER_OTLP[_TRACES]_PROTOCOL        http/protobuf, http/json, grpc; http/protobuf
 *   OTEL_EXPORTER_OTLP[_TRACES]_CERTIFICATE,
 *     _CLIENT_CERTIFICATE, _CLIENT_KEY          PEM files, for https; the system's CAs, none
 *   OTEL_EXPORTER_OTLP[_TRACES]_INSECURE        "true": a gRPC endpoint without scheme means http;
 *                                               false. OTEL_EXPORTER_OTLP_SPAN_INSECURE, the former
 *                                               name of ..._TRACES_INSECURE, is read where that is
 *                                               not set, with a warning
 *   OTEL_CONFIG_FILE                            a declarative configuration file, otel/sdk/
 *                                               config_file.h; all other variables are ignored then
 * A variable whose name is one or two letters from one of these, or from one of metrics and logs,
 * is reported with that name: it would be silent otherwise.
 * Words of the specification that name what this SDK does not have (zipkin) are reported as not
 * supported.
 *
 * Spec: OpenTelemetry configuration, "Environment Variable Specification"; protocol exporter.
 */

#ifdef __cplusplus
extern "C" {
#endif

struct otel_sdk;

struct otel_sdk_env_options {
    size_t struct_size; /* set by otel_sdk_env_options_init() */
    /* The value of a variable or NULL; init: NULL, the process's environment. */
    const char *(*getenv)(void *arg, const char *name);
    void *getenv_arg;
    const struct otel_sdk_resource *resource; /* of the program; wins over the environment */
    const char *instance_id;                  /* service.instance.id instead of a UUID */
    otel_sdk_drop_fn *drop;
    void *drop_arg;
    /* Told about the environment's mistakes (OTEL_OK marks a warning), then about what provider
     * and exporter report, from any of their threads; also after free where a shutdown ended in
     * OTEL_ERR_TIMEOUT and left one behind. NULL: silence. */
    void (*error)(void *arg, enum otel_err err, const char *text);
    void *error_arg;
    const struct otel_sdk_clock *clock;               /* as in provider options */
    const struct otel_sdk_id_generator *id_generator; /* likewise */
    bool seeded;                                      /* ids and jitter repeat from seed */
    uint64_t seed;
    unsigned detectors; /* OTEL_SDK_DETECT_... added, of otel/sdk/detectors.h; init: none. What they
                           find yields to the environment and to resource */
    /* Creates every thread of the SDK: workers of batch processors, look-ups of host names, the
     * thread of jaeger_remote or xray; as in their options. When it fails for a worker, from_env
     * does (OTEL_ERR_THREAD); for jaeger_remote its initial rate is used, for xray a share of 0.05,
     * and error told; for a look-up, that attempt to connect fails. NULL: pthread_create(). */
    int (*create_thread)(void *arg, pthread_t *ret_thread, void *(*run)(void *), void *run_arg);
    void *create_thread_arg;
    unsigned concurrent_exports; /* OTLP exports that may run at once, each on a connection of its
                                    own; 0, 1: one after the other; at most 64. What
                                    otel_sdk_otlp_of() names is the first of its exporters */
    /* As in provider options. */
    bool (*tracer_enabled)(void *arg, const struct otel_sdk_scope *scope);
    void *tracer_enabled_arg;
    int console_fd; /* what the exporter console writes to, and never closes; init: 1, standard
                       output, as the specification has it. 2 for a program whose output another
                       program reads: spans among it would spoil it */
};

OTEL_API void otel_sdk_env_options_init(struct otel_sdk_env_options *options);

/**
 * Read the environment and build what it describes.
 *
 * @options  NULL: all defaults.
 * @ret      set on success only.
 *
 * Returns OTEL_OK, or
 *   OTEL_ERR_ARGUMENT     options were not initialised
 *   OTEL_ERR_UNSUPPORTED  the endpoint is https, and libotel_tls is not there; or a configuration
 *                         file is named, and libotel_config is not there
 *   OTEL_ERR_NOT_FOUND, OTEL_ERR_SYNTAX   a TLS file or the configuration file; which one, and
 *                         where, is told to error
 *   OTEL_ERR_LIMIT        the resource is too large, or too many providers exist
 *   OTEL_ERR_MEMORY, OTEL_ERR_IO, OTEL_ERR_THREAD
 */
OTEL_API OTEL_MUST_USE enum otel_err
otel_sdk_from_env(const struct otel_sdk_env_options *options, struct otel_sdk **ret);

/* An SDK out of parts that were made otherwise: provider (consumed, also on failure; NULL:
 * disabled), propagator (a reference is taken; NULL: none), and which of its exporters
 * otel_sdk_otlp_of() names (may be NULL). OTEL_ERR_MEMORY. */
OTEL_API OTEL_MUST_USE enum otel_err otel_sdk_assemble(struct otel_sdk_provider *provider,
                                                       struct otel_propagator *propagator,
                                                       const struct otel_sdk_exporter *otlp,
                                                       struct otel_sdk **ret);

/* What it shall say to instrumentation libraries, before install; a reference is taken. Done by
 * otel_config_create() where the file says something. */
OTEL_API void otel_sdk_set_config_provider(struct otel_sdk *sdk,
                                           struct otel_config_provider *provider);

/* Make its provider (unless disabled), propagator and, if it has one, ConfigProvider the global
 * ones. */
OTEL_API void otel_sdk_install(struct otel_sdk *sdk);

/* Borrowed. NULL when disabled: OTEL_SDK_DISABLED, or a configuration file that says so or has no
 * tracer_provider. */
OTEL_API struct otel_sdk_provider *otel_sdk_provider_of(struct otel_sdk *sdk);
/* Borrowed; never NULL. */
OTEL_API struct otel_propagator *otel_sdk_propagator_of(struct otel_sdk *sdk);
/* Borrowed; never NULL: the no-op one where nothing says anything. */
OTEL_API struct otel_config_provider *otel_sdk_config_provider_of(struct otel_sdk *sdk);
/* The OTLP exporter, for otel_sdk_otlp_stats(); NULL if there is none. Borrowed. */
OTEL_API const struct otel_sdk_exporter *otel_sdk_otlp_of(struct otel_sdk *sdk);

/* As of the provider; OTEL_OK when disabled. */
OTEL_API enum otel_err otel_sdk_force_flush(struct otel_sdk *sdk, uint32_t timeout_millis);
OTEL_API enum otel_err otel_sdk_shutdown(struct otel_sdk *sdk, uint32_t timeout_millis);
/* Takes its provider, propagator and ConfigProvider out of the global slots if they are still
 * there, shuts down if that was not done. NULL is allowed. */
OTEL_API void otel_sdk_free(struct otel_sdk *sdk);

#ifdef __cplusplus
}
#endif
#endif
