/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_CONFIG_CONFIG_H
#define COL_CONFIG_CONFIG_H

#include "collector-mock/config/findings.h"
#include "collector-mock/pipeline/component.h"

/*
 * A Collector configuration: YAML in, components and pipelines out, with all references resolved.
 *
 * Strict, as the Collector is: an unknown key, type or reference, a wrong type of value, an empty
 * file, a pipeline without receivers or exporters, a processor twice in one pipeline, an id that
 * is both exporter (or receiver) and connector, a connector used on one side only, and a cycle of
 * pipelines are errors with file:line:column and, where a word is unknown, the nearest known one.
 * ${env:NAME}, ${env:NAME:-default} and $$ are replaced.
 *
 * Lenient: what people still have in their files works with a warning that says what to use today
 * (old_names.h); components that are not here are replaced by ones that count (stand_in.c);
 * settings and pipelines of signals that are not here are left out.
 *
 * Life      load -> look -> free.
 * Threads   one owner.
 * Memory    everything points into the document, which the configuration owns.
 * Limits    the maxima below.
 */

/* The Collector has none of these; who needs more has made the file by a program, and reads the
 * error that names the limit. Each pipeline may name COL_REFS_MAX of a kind. */
enum { COL_COMPONENTS_MAX = 512, COL_PIPELINES_MAX = 256, COL_REFS_MAX = 32 };

struct col_config_component {
    const char *id;
    const struct col_component_type *type;
    const json_t *config;   /* a map or null */
    struct otl_yaml_pos pos;
    unsigned uses_as_exporter; /* pipelines that name it so: connectors need both sides */
    unsigned uses_as_receiver;
    bool named; /* by a pipeline or the service */
    bool wrong; /* its configuration did not pass (options.all) */
};

struct col_config_pipeline {
    const char *name; /* "traces", "traces/2", "metrics" */
    enum col_signal signal;
    struct otl_yaml_pos pos;
    /* indices into components, in the order of the file */
    size_t receivers[COL_REFS_MAX], processors[COL_REFS_MAX], exporters[COL_REFS_MAX];
    size_t receiver_count, processor_count, exporter_count;
    bool left_out; /* while it is read: its signal is not here */
};

struct col_config {
    struct otl_yaml *doc;
    bool lenient, all; /* of the options, like the findings */
    unsigned as_version; /* of the options */
    struct col_findings *findings;
    struct col_config_component components[COL_COMPONENTS_MAX];
    size_t component_count;
    struct col_config_pipeline pipelines[COL_PIPELINES_MAX];
    size_t pipeline_count;
    size_t extensions[COL_REFS_MAX]; /* those of the service: indices into components */
    size_t extension_count;
    enum otl_log_level log_level;
    struct otl_log_style log_style; /* points into these: */
    char log_fields[OTL_LOG_FIELDS_MAX + 1];
    struct otl_log_sampling log_sampling;
    char metrics_endpoint[256]; /* "": no /metrics */
    enum col_metrics_level metrics_level;
    bool plain_names; /* without_type_suffix */
};

struct col_config_options {
    const char *const *paths; /* merged in this order: maps key by key, everything else replaced */
    size_t path_count;        /* 0 and no text: the default configuration, which is otlp over gRPC
                               * on 127.0.0.1:4317 and HTTP on 4318, debug, and
                               * /metrics on 8888 */
    bool quiet;               /* the default configuration shows nothing by itself */
    const char *text;         /* instead of files; NULL: none */
    size_t text_len;
    const char *source; /* the name of the text in messages */
    bool lenient;
    unsigned as_version; /* behave as the Collector of v0.N; 0: the latest. See version.h */
    struct col_findings *findings; /* warnings go there; NULL: nowhere. Only during the load */
    bool all; /* errors of the configuration go there, too, and the rest is still looked at: to
               * report, not to run what comes back */
};

/* options NULL: the default configuration.
 * OTEL_ERR_SYNTAX and others of class USAGE: the configuration is wrong, *reterr says where.
 * OTEL_ERR_NOT_FOUND: no such file. OTEL_ERR_IO, OTEL_ERR_MEMORY. */
OTEL_MUST_USE enum otel_err col_config_load(const struct col_config_options *options,
                                            struct col_config **ret, struct otl_detail *reterr);
void col_config_free(struct col_config *config);

/* ---- between the files of this folder ---- */

/* read.c: the files or the text into one document with the places of each. */
OTEL_MUST_USE enum otel_err col_config_read(const struct col_config_options *options,
                                            struct otl_yaml **ret, struct otl_detail *reterr);
/* durations.c: say of each duration without a unit what it means. */
void col_note_integers(const struct col_config *config, enum col_severity severity);
/* An error that does not hinder looking at the rest: OTEL_OK if it was noted (options.all). */
OTEL_MUST_USE enum otel_err col_config_fault(struct col_config *config, enum otel_err err,
                                             struct otl_detail *reterr);
/* The entry of a map inside of value that stands where the complaint is, is taken out. */
bool col_config_drop(const struct col_config *config, json_t *value,
                     const struct otl_detail *where);
/* telemetry.c: the keys of service.telemetry, and what they say into *config. */
extern const struct otl_schema col_telemetry_keys[];
OTEL_MUST_USE enum otel_err col_config_telemetry(struct col_config *config,
                                                 struct otl_detail *reterr);
/* references.c: service.pipelines into *config. */
OTEL_MUST_USE enum otel_err col_config_pipelines(struct col_config *config,
                                                 struct otl_detail *reterr);

#endif
