/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTEL_PROPAGATION_H
#define OTEL_PROPAGATION_H

#include <otel/context.h>
#include <otel/types.h>

/*
 * Propagation: moving span context and baggage in and out of message headers.
 *
 * This header holds the interface, the composite and the global slot; otel/propagators.h has the
 * W3C ones. Works without SDK.
 *
 * Life      propagators are counted: new -> ref/unref. The global slot holds a reference.
 * Threads   a propagator has no state of its own; all calls from any thread.
 * Memory    inject allocates nothing that it keeps; extract returns a context reference.
 * Limits    those of each propagator.
 *
 * Extract never fails: of headers that cannot be read the context comes back unchanged.
 *
 * Spec: OpenTelemetry context, "Propagators API".
 */

#ifdef __cplusplus
extern "C" {
#endif

typedef void otel_text_visit_fn(void *arg, struct otel_str text);

/* How to read a carrier. HTTP carriers compare keys without regard to case. */
struct otel_text_map_getter {
    /* The first value of key; false if absent. The view lives as long as the carrier. */
    bool (*get)(const void *carrier, struct otel_str key, struct otel_str *ret_value);
    /* Every value of key, in order. NULL: only get is used. */
    void (*get_all)(const void *carrier, struct otel_str key, otel_text_visit_fn *visit,
                    void *arg);
    /* Every key. May be NULL where no propagator asks. */
    void (*keys)(const void *carrier, otel_text_visit_fn *visit, void *arg);
};

/* How to write one: replaces what the key had. key and value live during the call only. */
struct otel_text_map_setter {
    void (*set)(void *carrier, struct otel_str key, struct otel_str value);
};

struct otel_propagator;

struct otel_propagator_ops {
    void (*inject)(struct otel_propagator *propagator, const struct otel_context *context,
                   void *carrier, const struct otel_text_map_setter *setter);
    /* Returns a new reference, never NULL. */
    struct otel_context *(*extract)(struct otel_propagator *propagator,
                                    struct otel_context *context, const void *carrier,
                                    const struct otel_text_map_getter *getter);
    /* The keys that inject may set. */
    void (*fields)(struct otel_propagator *propagator, otel_text_visit_fn *visit, void *arg);
    void (*free)(struct otel_propagator *propagator); /* NULL: static, not counted */
};

/* The head of every propagator; put it first in a struct of your own. */
struct otel_propagator {
    const struct otel_propagator_ops *ops;
    size_t refs; /* owned by ref/unref; start with 1 */
};

OTEL_API struct otel_propagator *otel_propagator_ref(struct otel_propagator *propagator);
OTEL_API void otel_propagator_unref(struct otel_propagator *propagator);

/* propagator NULL means the global one; context NULL the current one. Without a setter, getter or
 * visit nothing is done; extract then gives the context back as it is. A carrier may be NULL where
 * its setter or getter takes that; those of these libraries do. */
OTEL_API void otel_propagator_inject(struct otel_propagator *propagator,
                                     const struct otel_context *context, void *carrier,
                                     const struct otel_text_map_setter *setter);
OTEL_API OTEL_MUST_USE struct otel_context *
otel_propagator_extract(struct otel_propagator *propagator, struct otel_context *context,
                        const void *carrier, const struct otel_text_map_getter *getter);
OTEL_API void otel_propagator_fields(struct otel_propagator *propagator, otel_text_visit_fn *visit,
                                     void *arg);

/* The same object: does nothing, passes the context on. Static. */
OTEL_API struct otel_propagator *otel_propagator_noop(void);
/* Calls each in order, for both directions. Takes references of its own. At most 32.
 * OTEL_ERR_ARGUMENT: propagators (of a count that is not 0) or ret is NULL. OTEL_ERR_LIMIT,
 * OTEL_ERR_MEMORY. */
OTEL_API OTEL_MUST_USE enum otel_err
otel_propagator_composite_new(struct otel_propagator *const *propagators, size_t count,
                              struct otel_propagator **ret);

/* A new reference to the global propagator; the no-op one until one is set. */
OTEL_API OTEL_MUST_USE struct otel_propagator *otel_propagator_global(void);
/* Takes a reference of its own; NULL restores the no-op one. */
OTEL_API void otel_propagator_set_global(struct otel_propagator *propagator);

#ifdef __cplusplus
}
#endif
#endif
