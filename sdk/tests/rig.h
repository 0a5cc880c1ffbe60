/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_TEST_RIG_H
#define OTL_TEST_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <otel/sdk/provider.h>

/*
 * What the SDK's tests share: a provider with a memory exporter, and a look at what arrived.
 *
 * Life      rig_init -> change options -> rig_start -> ... -> rig_fini.
 * Threads   one test.
 */

struct rig {
    struct otel_sdk_provider_options options; /* set before rig_start() */
    struct otel_sdk_provider *provider;
    struct otel_sdk_memory *memory;
    struct otel_tracer *tracer;
};

/* A span that was exported. */
struct seen {
    struct otel_sdk_memory_span span;
    struct otel_sdk_span_info info;
};

void rig_init(struct rig *rig);
/* With the simple processor and the memory exporter. */
void rig_start(struct rig *rig);
/* With a processor of the test's; consumed. */
void rig_start_with(struct rig *rig, struct otel_sdk_processor *processor);
void rig_fini(struct rig *rig);
struct otel_tracer *rig_tracer(struct rig *rig, const char *name);

/* Fails the test if there is none of that name. */
struct seen rig_seen(struct rig *rig, const char *name);
/* The attribute's value; fails the test if the span has not exactly one of that key. */
struct otel_sdk_read_attribute seen_attribute(const struct seen *seen, const char *key);
bool seen_has(const struct seen *seen, const char *key);
/* Counters of the provider. */
struct otel_sdk_stats rig_stats(struct rig *rig);

/* Start and end one span. */
void one_span(struct rig *rig, const char *name);
/* Start a child of span. */
struct otel_span *child_of(struct otel_tracer *tracer, struct otel_span *span, const char *name);
/* A context whose span is a remote one with these flags. */
struct otel_context *remote_parent(uint8_t flags);

void assert_str(struct otel_str str, const char *text);
/* Milliseconds on the monotonic clock. */
uint64_t now_millis(void);

#endif
