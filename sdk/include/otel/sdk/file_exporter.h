/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTEL_SDK_FILE_EXPORTER_H
#define OTEL_SDK_FILE_EXPORTER_H

#include <otel/sdk/exporter.h>

/*
 * File and console exporters: spans where no Collector is, for a machine and for a person.
 *
 * File: OTLP as the Collector's file exporter and its otlpjsonfile receiver have it: one request a
 * line as JSON, or protobuf behind its length in four bytes, big-endian. Console: a few lines of
 * text a span, for debugging and learning, not for production or for machines: its layout is no
 * standard and may change at any time. For standard output in a format that is one take the file
 * exporter.
 *
 * Under the batch processor the file costs the program little; under the simple one each span is
 * written before otel_span_end() returns.
 *
 * Life      options_init -> new -> given to a processor, which owns it.
 * Threads   runs on its processor's thread, and never waits in a write() for a reader: while a
 *           pipe, a socket or a terminal takes nothing more the loop waits, until the export's
 *           time is over. (Where /proc/self/fd does not let a pipe be opened a second time it is
 *           asked before each piece, and another writer may come between.) The descriptor's own
 *           flags are not touched. A path may be a FIFO: while nobody has it open for reading,
 *           exports fail. A disk is waited for.
 * Memory    one buffer a batch, kept up to 4 MiB.
 * Limits    a batch of more than 64 MiB fails whole.
 *
 * A record is written whole or not at all: when the disk is full, what was written of it is cut off
 * again and the batch fails with OTEL_ERR_IO; when room is there again, the next one goes on. On a
 * pipe, which cannot be cut, the rest of a record whose time was over goes before the next one: its
 * spans were counted as export_timeout and come late. Several processes may append to one file,
 * forked children included. A pipe whose reader is gone fails the batch with OTEL_ERR_IO, without a
 * SIGPIPE for the program.
 *
 * Spec: OpenTelemetry protocol, "File Exporter"; "Span Exporter - Standard output".
 */

#ifdef __cplusplus
extern "C" {
#endif

enum otel_sdk_file_format { OTEL_SDK_FILE_JSON_LINES, OTEL_SDK_FILE_PROTO };

struct otel_sdk_file_options {
    size_t struct_size;               /* set by otel_sdk_file_options_init() */
    const char *path;                 /* appended to, created with mode 0644; copied */
    int fd;                           /* with path NULL: written to, never closed; init: 1 */
    enum otel_sdk_file_format format; /* init: JSON lines */
    /* Told why a batch was lost; NULL: silence. */
    void (*error)(void *arg, enum otel_err err, const char *text);
    void *error_arg;
};

OTEL_API void otel_sdk_file_options_init(struct otel_sdk_file_options *options);
/* options NULL: JSON lines to standard output. OTEL_ERR_IO: the file cannot be opened.
 * OTEL_ERR_ARGUMENT: options not initialised, or no such format. OTEL_ERR_MEMORY. */
OTEL_API OTEL_MUST_USE enum otel_err
otel_sdk_file_exporter_new(const struct otel_sdk_file_options *options,
                           struct otel_sdk_exporter **ret);

struct otel_sdk_console_options {
    size_t struct_size; /* set by otel_sdk_console_options_init() */
    int fd;             /* written to, never closed; init: 1, standard output, as the
                           specification's has it; 2: standard error */
    /* Told why a batch was lost, once until one is written again; NULL: silence. */
    void (*error)(void *arg, enum otel_err err, const char *text);
    void *error_arg;
};

OTEL_API void otel_sdk_console_options_init(struct otel_sdk_console_options *options);
/* options NULL: standard output. OTEL_ERR_ARGUMENT: options not initialised. OTEL_ERR_MEMORY. */
OTEL_API OTEL_MUST_USE enum otel_err
otel_sdk_console_exporter_new(const struct otel_sdk_console_options *options,
                              struct otel_sdk_exporter **ret);

#ifdef __cplusplus
}
#endif
#endif
