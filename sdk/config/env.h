/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_ENV_H
#define OTL_ENV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <otel/err.h>

#include "sdk/base/arena.h"
#include "sdk/base/tell.h"

/*
 * The OTEL_* variables as typed values: one table, one reader a kind of value, one error rule.
 *
 * Reads and judges; what the values mean together is settings.h.
 *
 * Life      otl_env_read -> values -> otl_env_fini.
 * Threads   one owner.
 * Memory    texts are copied into the arena.
 * Limits    64 KiB a value, 12 words a list.
 */

/* Where variables come from and where mistakes are told. */
struct otl_env_source {
    const char *(*getenv)(void *arg, const char *name); /* NULL: the process's environment */
    void *getenv_arg;
    struct otl_teller teller;
};

struct otl_env_number {
    bool set;
    uint64_t value;
};

enum { OTL_ENV_LIST_MAX = 12 };

struct otl_env_list {
    bool set;
    unsigned count;
    int words[OTL_ENV_LIST_MAX]; /* each once, in the order of their first mention */
};

struct otl_env_word {
    bool set;
    int word;
};

enum {
    OTL_PROPAGATOR_TRACECONTEXT,
    OTL_PROPAGATOR_BAGGAGE,
    OTL_PROPAGATOR_B3,
    OTL_PROPAGATOR_B3_MULTI,
    OTL_PROPAGATOR_JAEGER,
    OTL_PROPAGATOR_XRAY,
    OTL_PROPAGATOR_OTTRACE,
    OTL_PROPAGATOR_DATADOG,
    OTL_PROPAGATOR_NONE
};
enum {
    OTL_EXPORTER_OTLP,
    OTL_EXPORTER_CONSOLE,
    OTL_EXPORTER_OTLP_STDOUT,
    OTL_EXPORTER_NONE
};
enum {
    OTL_SAMPLER_ALWAYS_ON,
    OTL_SAMPLER_ALWAYS_OFF,
    OTL_SAMPLER_TRACEIDRATIO,
    OTL_SAMPLER_JAEGER_REMOTE,
    OTL_SAMPLER_XRAY,
    OTL_SAMPLER_PARENTBASED = 16 /* added to one of the above */
};
enum { OTL_COMPRESSION_NONE, OTL_COMPRESSION_GZIP };
enum { OTL_PROTOCOL_HTTP_PROTOBUF, OTL_PROTOCOL_GRPC, OTL_PROTOCOL_HTTP_JSON };

/* The options that exist once for every signal and once for traces; the latter win. */
struct otl_env_otlp {
    const char *endpoint; /* NULL: unset, as all texts */
    const char *headers;
    const char *certificate; /* paths of PEM files */
    const char *client_key;
    const char *client_certificate;
    struct otl_env_word insecure; /* gRPC: what an endpoint without a scheme means */
    struct otl_env_word compression;
    struct otl_env_word protocol;
    struct otl_env_number timeout_millis;
};

struct otl_env {
    struct otl_arena arena;
    struct otl_env_word disabled; /* word: 0 or 1 */
    const char *service_name;
    const char *resource_attributes;
    const char *entities;
    struct otl_env_list propagators;
    struct otl_env_list exporters;
    struct otl_env_word sampler;
    const char *sampler_arg;
    struct otl_env_word ratio_rule; /* enum otel_sdk_ratio_rule */
    struct otl_env_number bsp_schedule_delay, bsp_export_timeout, bsp_queue, bsp_batch;
    struct otl_env_number attribute_count, attribute_length;
    struct otl_env_number span_attribute_count, span_attribute_length;
    struct otl_env_number span_event_count, span_link_count;
    struct otl_env_number event_attribute_count, link_attribute_count;
    struct otl_env_otlp otlp;
    struct otl_env_otlp otlp_traces;
    struct otl_env_word span_insecure; /* taken over into otlp_traces */
};

/* OTEL_ERR_MEMORY only: what is wrong in the environment is told to the source and left unset. */
OTEL_MUST_USE enum otel_err otl_env_read(const struct otl_env_source *source,
                                         struct otl_env *ret);
void otl_env_fini(struct otl_env *env);

/* The path in OTEL_CONFIG_FILE (or by its old name, with a warning), or NULL. Borrowed. */
const char *otl_env_config_file(const struct otl_env_source *source);

/* OTEL_LOG_LEVEL as a number of level.h: below it nothing is told. Read before all others, so that
 * it holds for what is said about them. */
int otl_env_log_level(const struct otl_env_source *source);

/* Names of the variables that this SDK reads, or says that it does not have; NULL: no more. */
const char *otl_env_name(size_t i);

/* Tell of variables in the process's environment whose names are one or two letters from one of
 * OpenTelemetry's; each once, by its name alone. None where the source has a getenv of its own,
 * which cannot be asked for names. */
void otl_env_misspelt(const struct otl_env_source *source);

#endif
