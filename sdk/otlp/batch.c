/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/otlp/batch.h"

#include "sdk/otlp/wire.h"

enum { FEW_SCOPES = 64 };

/* The spans of one scope: where they begin in the batch, and how much they take. */
struct group {
    const struct otel_sdk_scope *scope;
    size_t spans_size; /* of all its span fields */
    size_t first;
    size_t last;
};

/* Groups are found in rounds of FEW_SCOPES, so that no batch needs memory for them. */
struct groups {
    struct group items[FEW_SCOPES];
    size_t count;
    size_t next; /* index of the first span that did not fit into this round */
};

static struct group *find(struct groups *groups, const struct otel_sdk_scope *scope)
{
    for (size_t i = 0; i < groups->count; i++)
        if (groups->items[i].scope == scope)
            return &groups->items[i];
    return NULL;
}

/* True if the scope of span i already appeared before start: it belongs to an earlier round. */
static bool is_earlier(const struct otel_sdk_batch *batch, size_t start,
                       const struct otel_sdk_scope *scope)
{
    for (size_t i = 0; i < start; i++)
        if (otel_sdk_span_scope(batch->spans[i]) == scope)
            return true;
    return false;
}

static void collect(const struct otel_sdk_batch *batch, size_t start, struct groups *groups)
{
    struct group *group = NULL;

    groups->count = 0;
    groups->next = batch->count;
    for (size_t i = start; i < batch->count; i++) {
        const struct otel_sdk_scope *scope = otel_sdk_span_scope(batch->spans[i]);
        if (group == NULL || group->scope != scope)
            group = find(groups, scope);
        if (group == NULL) {
            if (is_earlier(batch, start, scope))
                continue;
            if (groups->count == FEW_SCOPES) {
                if (groups->next == batch->count)
                    groups->next = i;
                continue;
            }
            group = &groups->items[groups->count++];
            group->scope = scope;
            group->spans_size = 0;
            group->first = i;
        }
        group->last = i;
        group->spans_size += otl_wire_field_size(otel_sdk_span_encoded(batch->spans[i]).len);
    }
}

static size_t group_size(const struct group *group)
{
    return otl_wire_field_size(group->scope->encoded.len) + group->spans_size +
           otl_wire_text_size(group->scope->schema_url);
}

static uint8_t *write_group(uint8_t *at, const struct otel_sdk_batch *batch,
                            const struct group *group)
{
    struct otel_str scope = group->scope->encoded;

    at = otl_wire_head(at, OTL_TAG_RESOURCE_SPANS_SCOPE_SPANS, group_size(group));
    at = otl_wire_head(at, OTL_TAG_SCOPE_SPANS_SCOPE, scope.len);
    at = otl_wire_bytes(at, scope.data, scope.len);
    for (size_t i = group->first; i <= group->last; i++) {
        struct otel_str span;
        if (otel_sdk_span_scope(batch->spans[i]) != group->scope)
            continue;
        span = otel_sdk_span_encoded(batch->spans[i]);
        at = otl_wire_head(at, OTL_TAG_SCOPE_SPANS_SPAN, span.len);
        at = otl_wire_bytes(at, span.data, span.len);
    }
    return otl_wire_text(at, OTL_TAG_SCOPE_SPANS_SCHEMA_URL, group->scope->schema_url);
}

static size_t resource_spans_size(const struct otel_sdk_batch *batch, struct groups *groups)
{
    size_t size = otl_wire_field_size(otel_sdk_resource_encoded(batch->resource).len) +
                  otl_wire_text_size(otel_sdk_resource_schema_url(batch->resource));

    for (size_t start = 0; start < batch->count; start = groups->next) {
        collect(batch, start, groups);
        for (size_t i = 0; i < groups->count; i++)
            size += otl_wire_field_size(group_size(&groups->items[i]));
    }
    return size;
}

enum otel_err otl_otlp_encode_batch(const struct otel_sdk_batch *batch, struct otl_buf *out)
{
    struct otel_str resource = otel_sdk_resource_encoded(batch->resource);
    struct groups groups;
    size_t inner = resource_spans_size(batch, &groups);
    enum otel_err err = otl_buf_reserve(out, otl_wire_field_size(inner));
    bool one_round = groups.items[0].first == 0; /* the last round was the first: still valid */
    uint8_t *at;

    if (err != OTEL_OK)
        return err;
    at = (uint8_t *)out->data + out->len;
    at = otl_wire_head(at, OTL_TAG_REQUEST_RESOURCE_SPANS, inner);
    at = otl_wire_head(at, OTL_TAG_RESOURCE_SPANS_RESOURCE, resource.len);
    at = otl_wire_bytes(at, resource.data, resource.len);
    for (size_t start = 0; start < batch->count; start = groups.next) {
        if (!one_round)
            collect(batch, start, &groups);
        for (size_t i = 0; i < groups.count; i++)
            at = write_group(at, batch, &groups.items[i]);
    }
    at = otl_wire_text(at, OTL_TAG_RESOURCE_SPANS_SCHEMA_URL,
                       otel_sdk_resource_schema_url(batch->resource));
    out->len = (size_t)(at - (uint8_t *)out->data);
    out->data[out->len] = '\0';
    return OTEL_OK;
}
