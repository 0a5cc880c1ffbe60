/* SPDX-License-Identifier: Apache-2.0 */
#include <otel/context.h>

#include <otel/impl.h>
#include <otel/trace_state.h>

#include "sdk/api/passing_span.h"
#include "sdk/base/mem.h"

struct otel_context {
    size_t refs;
    struct otel_span *span;             /* NULL: none */
    struct otel_baggage *baggage;       /* NULL: empty */
    const struct otel_context_key *key; /* NULL: this node sets no value */
    void *value;
    struct otel_context *values; /* the next node with a value, or NULL */
};

static struct otel_context g_root;

_Thread_local __attribute__((tls_model("initial-exec"))) struct otl_current otl_current;

struct otel_context *otel_context_root(void)
{
    return &g_root;
}

struct otel_context *otel_context_ref(struct otel_context *context)
{
    if (context == NULL)
        return &g_root;
    if (context != &g_root)
        __atomic_fetch_add(&context->refs, 1, __ATOMIC_RELAXED);
    return context;
}

void otel_context_unref(struct otel_context *context)
{
    while (context != NULL && context != &g_root &&
           __atomic_fetch_sub(&context->refs, 1, __ATOMIC_ACQ_REL) == 1) {
        struct otel_context *next = context->values;
        otel_span_unref(context->span);
        otel_baggage_unref(context->baggage);
        if (context->key != NULL && context->key->unref != NULL)
            context->key->unref(context->value);
        otl_mem_free(context);
        context = next;
    }
}

/* A node with what its parent has, holding references to it; NULL without memory. */
static struct otel_context *derive(const struct otel_context *parent)
{
    struct otel_context *context = otl_mem_alloc(sizeof(*context));
    struct otel_context *values;

    if (context == NULL)
        return NULL;
    if (parent == NULL)
        parent = &g_root;
    values = parent->key != NULL ? (struct otel_context *)(uintptr_t)parent : parent->values;
    context->refs = 1;
    context->span = otel_span_ref(parent->span);
    context->baggage = otel_baggage_ref(parent->baggage);
    context->key = NULL;
    context->value = NULL;
    context->values = values != NULL ? otel_context_ref(values) : NULL;
    return context;
}

static struct otel_context *fall_back(const struct otel_context *parent)
{
    return otel_context_ref((struct otel_context *)(uintptr_t)parent);
}

struct otel_context *otel_context_with_span(const struct otel_context *parent,
                                            struct otel_span *span)
{
    struct otel_context *context = derive(parent);

    if (context == NULL)
        return fall_back(parent);
    otel_span_unref(context->span);
    context->span = otel_span_ref(span);
    return context;
}

struct otel_context *otel_context_with_span_context(const struct otel_context *parent,
                                                    const struct otel_span_context *remote)
{
    struct otel_span *span = remote != NULL ? otl_passing_span_new(remote) : NULL;
    struct otel_context *context;

    if (remote == NULL)
        return otel_context_with_span(parent, NULL);
    if (span == NULL)
        return fall_back(parent);
    context = otel_context_with_span(parent, span);
    otel_span_unref(span);
    return context;
}

struct otel_context *otel_context_with_baggage(const struct otel_context *parent,
                                               struct otel_baggage *baggage)
{
    struct otel_context *context = derive(parent);

    if (context == NULL)
        return fall_back(parent);
    otel_baggage_unref(context->baggage);
    context->baggage = otel_baggage_ref(baggage);
    return context;
}

struct otel_context *otel_context_with_value(const struct otel_context *parent,
                                             const struct otel_context_key *key, void *value)
{
    struct otel_context *context = key != NULL ? derive(parent) : NULL;

    if (context == NULL)
        return fall_back(parent);
    context->key = key;
    context->value = value;
    if (key->ref != NULL)
        key->ref(value);
    return context;
}

struct otel_span *otel_context_span(const struct otel_context *context)
{
    return context != NULL && context->span != NULL ? context->span : &otl_invalid_span;
}

struct otel_baggage *otel_context_baggage(const struct otel_context *context)
{
    return context != NULL ? context->baggage : NULL;
}

const struct otel_span_context *otel_context_span_context(const struct otel_context *context)
{
    return &otel_context_span(context)->context;
}

void *otel_context_value(const struct otel_context *context, const struct otel_context_key *key)
{
    for (; context != NULL; context = context->values)
        if (context->key == key && key != NULL)
            return context->value;
    return NULL;
}

struct otel_context *otel_context_current(void)
{
    return otl_current.context != NULL ? otl_current.context : &g_root;
}

struct otel_context_token otel_context_attach(struct otel_context *context)
{
    struct otel_context_token token;

    token.previous = otl_current.context;
    token.thread = &otl_current;
    token.depth = otl_current.depth;
    otl_current.context = otel_context_ref(context);
    otl_current.depth++;
    return token;
}

bool otel_context_detach(struct otel_context_token token)
{
    if (token.thread != &otl_current)
        return false;
    if (token.depth >= otl_current.depth) {
        /* An outer token was returned before this one; its restore stands. */
        otel_context_unref(token.previous);
        return false;
    }
    otel_context_unref(otl_current.context);
    otl_current.context = token.previous;
    if (token.depth + 1 != otl_current.depth) {
        otl_current.depth = token.depth;
        return false;
    }
    otl_current.depth = token.depth;
    return true;
}
