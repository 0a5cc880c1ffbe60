/* SPDX-License-Identifier: Apache-2.0 */
#include <otel/propagation.h>

#include "sdk/api/global.h"
#include "sdk/base/mem.h"

enum { MAX_PROPAGATORS = 32 };

struct composite {
    struct otel_propagator propagator;
    size_t count;
    struct otel_propagator *members[];
};

static void noop_inject(struct otel_propagator *propagator, const struct otel_context *context,
                        void *carrier, const struct otel_text_map_setter *setter)
{
    (void)propagator, (void)context, (void)carrier, (void)setter;
}

static struct otel_context *noop_extract(struct otel_propagator *propagator,
                                         struct otel_context *context, const void *carrier,
                                         const struct otel_text_map_getter *getter)
{
    (void)propagator, (void)carrier, (void)getter;
    return otel_context_ref(context);
}

static void noop_fields(struct otel_propagator *propagator, otel_text_visit_fn *visit, void *arg)
{
    (void)propagator, (void)visit, (void)arg;
}

static const struct otel_propagator_ops noop_ops = {noop_inject, noop_extract, noop_fields, NULL};
static struct otel_propagator g_noop = {&noop_ops, 1};

static struct otel_propagator *g_global = &g_noop;

struct otel_propagator *otel_propagator_noop(void)
{
    return &g_noop;
}

struct otel_propagator *otel_propagator_ref(struct otel_propagator *propagator)
{
    if (propagator != NULL && propagator->ops->free != NULL)
        __atomic_fetch_add(&propagator->refs, 1, __ATOMIC_RELAXED);
    return propagator;
}

void otel_propagator_unref(struct otel_propagator *propagator)
{
    if (propagator != NULL && propagator->ops->free != NULL &&
        __atomic_fetch_sub(&propagator->refs, 1, __ATOMIC_ACQ_REL) == 1)
        propagator->ops->free(propagator);
}

struct otel_propagator *otel_propagator_global(void)
{
    struct otel_propagator *propagator;

    otl_global_lock();
    propagator = otel_propagator_ref(g_global);
    otl_global_unlock();
    return propagator;
}

void otel_propagator_set_global(struct otel_propagator *propagator)
{
    struct otel_propagator *old;

    propagator = otel_propagator_ref(propagator != NULL ? propagator : &g_noop);
    otl_global_lock_to_set();
    old = g_global;
    g_global = propagator;
    otl_global_unlock();
    otel_propagator_unref(old);
}

void otel_propagator_inject(struct otel_propagator *propagator, const struct otel_context *context,
                            void *carrier, const struct otel_text_map_setter *setter)
{
    struct otel_propagator *held;

    if (setter == NULL || setter->set == NULL)
        return;
    held = propagator != NULL ? NULL : otel_propagator_global();
    if (propagator == NULL)
        propagator = held;
    propagator->ops->inject(propagator, context != NULL ? context : otel_context_current(), carrier,
                            setter);
    otel_propagator_unref(held);
}

struct otel_context *otel_propagator_extract(struct otel_propagator *propagator,
                                             struct otel_context *context, const void *carrier,
                                             const struct otel_text_map_getter *getter)
{
    struct otel_propagator *held;

    if (context == NULL)
        context = otel_context_current();
    if (getter == NULL)
        return otel_context_ref(context);
    held = propagator != NULL ? NULL : otel_propagator_global();
    if (propagator == NULL)
        propagator = held;
    context = propagator->ops->extract(propagator, context, carrier, getter);
    otel_propagator_unref(held);
    return context;
}

void otel_propagator_fields(struct otel_propagator *propagator, otel_text_visit_fn *visit,
                            void *arg)
{
    struct otel_propagator *held;

    if (visit == NULL)
        return;
    held = propagator != NULL ? NULL : otel_propagator_global();
    if (propagator == NULL)
        propagator = held;
    propagator->ops->fields(propagator, visit, arg);
    otel_propagator_unref(held);
}

static void composite_inject(struct otel_propagator *propagator, const struct otel_context *context,
                             void *carrier, const struct otel_text_map_setter *setter)
{
    struct composite *composite = (struct composite *)propagator;

    for (size_t i = 0; i < composite->count; i++)
        otel_propagator_inject(composite->members[i], context, carrier, setter);
}

static struct otel_context *composite_extract(struct otel_propagator *propagator,
                                              struct otel_context *context, const void *carrier,
                                              const struct otel_text_map_getter *getter)
{
    struct composite *composite = (struct composite *)propagator;

    context = otel_context_ref(context);
    for (size_t i = 0; i < composite->count; i++) {
        struct otel_context *next =
            otel_propagator_extract(composite->members[i], context, carrier, getter);
        otel_context_unref(context);
        context = next;
    }
    return context;
}

static void composite_fields(struct otel_propagator *propagator, otel_text_visit_fn *visit,
                             void *arg)
{
    struct composite *composite = (struct composite *)propagator;

    for (size_t i = 0; i < composite->count; i++)
        otel_propagator_fields(composite->members[i], visit, arg);
}

static void composite_free(struct otel_propagator *propagator)
{
    struct composite *composite = (struct composite *)propagator;

    for (size_t i = 0; i < composite->count; i++)
        otel_propagator_unref(composite->members[i]);
    otl_mem_free(composite);
}

static const struct otel_propagator_ops composite_ops = {composite_inject, composite_extract,
                                                         composite_fields, composite_free};

enum otel_err otel_propagator_composite_new(struct otel_propagator *const *propagators,
                                            size_t count, struct otel_propagator **ret)
{
    struct composite *composite;

    if (ret == NULL || (propagators == NULL && count != 0))
        return OTEL_ERR_ARGUMENT;
    if (count > MAX_PROPAGATORS)
        return OTEL_ERR_LIMIT;
    composite = otl_mem_alloc(sizeof(*composite) + count * sizeof(composite->members[0]));
    if (composite == NULL)
        return OTEL_ERR_MEMORY;
    composite->propagator.ops = &composite_ops;
    composite->propagator.refs = 1;
    composite->count = count;
    for (size_t i = 0; i < count; i++)
        composite->members[i] =
            otel_propagator_ref(propagators[i] != NULL ? propagators[i] : otel_propagator_noop());
    *ret = &composite->propagator;
    return OTEL_OK;
}
