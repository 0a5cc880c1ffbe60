/* SPDX-License-Identifier: Apache-2.0 */
/* Objects by kind and name. */
#include <string.h>

#include <otel/sdk/composable_sampler.h>

#include "sdk/tests/put/put.h"

static void release(enum put_kind kind, void *object)
{
    switch (kind) {
    case PUT_SPAN:
        otel_span_unref(object);
        break;
    case PUT_CONTEXT:
        otel_context_unref(object);
        break;
    case PUT_TRACER:
        otel_tracer_unref(object);
        break;
    case PUT_SAMPLER:
        otel_sdk_sampler_unref(object);
        break;
    case PUT_PART:
        otel_sdk_composable_unref(object);
        break;
    case PUT_EXPORTER:
        otel_sdk_exporter_free(object);
        break;
    case PUT_PROCESSOR:
        otel_sdk_processor_free(object);
        break;
    }
}

static struct put_object *look(struct put *put, enum put_kind kind, struct otel_str name)
{
    for (size_t i = put->object_count; i-- > 0;)
        if (put->objects[i].kind == kind && strcmp(put->objects[i].name, name.data) == 0)
            return &put->objects[i];
    return NULL;
}

void put_keep(struct put *put, enum put_kind kind, struct otel_str name, void *object)
{
    struct put_object *slot = name.len > 0 ? look(put, kind, name) : NULL;

    if (slot != NULL) {
        release(kind, slot->object);
    } else if (put->object_count == PUT_OBJECTS_MAX) {
        release(kind, object);
        return;
    } else {
        slot = &put->objects[put->object_count++];
    }
    slot->kind = kind;
    snprintf(slot->name, sizeof(slot->name), "%s", name.data);
    slot->object = object;
}

void *put_find(struct put *put, enum put_kind kind, struct otel_str name)
{
    struct put_object *slot = look(put, kind, name);

    return slot != NULL ? slot->object : NULL;
}

void *put_take(struct put *put, enum put_kind kind, struct otel_str name)
{
    struct put_object *slot = look(put, kind, name);
    void *object = slot != NULL ? slot->object : NULL;

    if (slot != NULL)
        *slot = put->objects[--put->object_count];
    return object;
}

void put_forget_all(struct put *put)
{
    while (put->object_count > 0) {
        struct put_object *slot = &put->objects[--put->object_count];

        release(slot->kind, slot->object);
    }
}
