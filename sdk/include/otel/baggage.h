/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTEL_BAGGAGE_H
#define OTEL_BAGGAGE_H

#include <otel/types.h>

/*
 * Baggage: name=value pairs of the application that travel with a request. Works without SDK.
 *
 * Not for secrets: baggage leaves the process with every outgoing call.
 *
 * Life      made with one reference; ref/unref. NULL is the empty baggage and is accepted
 *           everywhere. Put it into a context with otel_context_with_baggage().
 * Threads   immutable, references are counted atomically; share freely.
 * Memory    one allocation for each baggage; strings are copied.
 * Limits    1024 entries and 64 KiB in one baggage. A set that would exceed them fails and
 *           changes nothing. (What goes on the wire is cut by the propagator.)
 *
 * Names are case-sensitive, non-empty UTF-8; values are UTF-8, not percent-encoded; metadata is
 * opaque text. Ill-formed UTF-8 is repaired.
 *
 * Spec: OpenTelemetry baggage API.
 */

#ifdef __cplusplus
extern "C" {
#endif

struct otel_baggage;

enum { OTEL_BAGGAGE_MAX_ENTRIES = 1024, OTEL_BAGGAGE_MAX_BYTES = 65536 };

struct otel_baggage_entry {
    struct otel_str name;
    struct otel_str value;
    struct otel_str metadata; /* empty: none */
};

OTEL_API struct otel_baggage *otel_baggage_ref(struct otel_baggage *baggage);
OTEL_API void otel_baggage_unref(struct otel_baggage *baggage);

OTEL_API size_t otel_baggage_count(const struct otel_baggage *baggage);
/* Entry i in order of insertion; false if there is none. Views live as long as baggage. ret may be
 * NULL, here and in get. */
OTEL_API bool otel_baggage_at(const struct otel_baggage *baggage, size_t i,
                              struct otel_baggage_entry *ret);
/* False if there is no such name. */
OTEL_API bool otel_baggage_get(const struct otel_baggage *baggage, struct otel_str name,
                               struct otel_baggage_entry *ret);

/* A new baggage with the entry added or replaced. OTEL_ERR_ARGUMENT: empty name, entry or (of the
 * other two as well) ret is NULL.
 * OTEL_ERR_LIMIT: too many entries or bytes. OTEL_ERR_MEMORY. */
OTEL_API OTEL_MUST_USE enum otel_err otel_baggage_set(const struct otel_baggage *baggage,
                                                      const struct otel_baggage_entry *entry,
                                                      struct otel_baggage **ret);
/* The same for many entries at once; a later entry replaces an earlier one of its name. */
OTEL_API OTEL_MUST_USE enum otel_err
otel_baggage_set_many(const struct otel_baggage *baggage, const struct otel_baggage_entry *entries,
                      size_t count, struct otel_baggage **ret);
/* A new baggage without name; NULL in *ret when nothing is left. OTEL_ERR_MEMORY. */
OTEL_API OTEL_MUST_USE enum otel_err otel_baggage_remove(const struct otel_baggage *baggage,
                                                         struct otel_str name,
                                                         struct otel_baggage **ret);

#ifdef __cplusplus
}
#endif
#endif
