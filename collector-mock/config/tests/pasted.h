/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_CONFIG_TESTS_PASTED_H
#define COL_CONFIG_TESTS_PASTED_H

#include <stddef.h>

/*
 * Configurations as people paste them, which two tests share: one judges them by lint, one starts
 * them and sends something through.
 */

#define RECEIVERS                                                                                  \
    "receivers:\n"                                                                                 \
    "  otlp:\n"                                                                                    \
    "    protocols:\n"                                                                             \
    "      grpc: {endpoint: 0.0.0.0:4317}\n"                                                       \
    "      http: {endpoint: 0.0.0.0:4318}\n"
#define NOP "exporters: {nop: }\n"
/* with the limiter first and one processor more */
#define SERVICE(processor, exporter)                                                               \
    "service: {pipelines: {traces: {receivers: [otlp], processors: [" processor                    \
    "], exporters: [" exporter "]}}}\n"

struct pasted {
    const char *name;
    const char *text;    /* its file is called c.yaml */
    const char *strict;  /* a finding that is an error; NULL: it is taken */
    const char *lenient; /* the same */
    const char *warning; /* of lenient mode; NULL: none is asked for */
    /* Series that are 1 when one span, point and record each have been sent; none: spans of nop. */
    const char *through[3];
};

extern const struct pasted pasted_configs[];
extern const size_t pasted_count;

#endif
