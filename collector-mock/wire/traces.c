/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/wire/traces.h"

#include "collector-mock/wire/parse.h"
#include "collector-mock/wire/signal.h"

/* The request and its groups: ResourceSpans, ScopeSpans, Resource, InstrumentationScope. */

bool col_read_entity_ref(struct otl_view raw, struct col_entity_ref *ret,
                         struct col_fault *fault)
{
    struct otl_view text;
    struct col_reader r;

    memset(ret, 0, sizeof(*ret));
    col_reader_init(&r, col_cursor_of(raw), fault);
    while (col_reader_next(&r)) {
        uint32_t number = r.field.number;
        if (number > 4)
            continue;
        if (!col_take_text(&r, &text, "entity_ref"))
            return false;
        if (number == 1)
            ret->schema_url = text;
        else if (number == 2)
            ret->type = text;
        else
            (void)col_take_item(&r, number == 3 ? &ret->id_keys : &ret->description_keys, "");
    }
    return col_reader_finish(&r, "entity_ref");
}

static bool take_entity_ref(const struct col_reader *r, struct col_list *list)
{
    struct col_entity_ref ref;

    return col_take_item(r, list, "resource.entity_refs") &&
           col_read_entity_ref(col_bytes_of(&r->field), &ref, r->fault);
}

/* What the groups of a signal are called. */
struct col_group_names {
    const char *request_member;
    const char *resource_group, *resource, *resource_member, *resource_schema;
    const char *scope_group, *scope, *scope_member, *scope_schema;
};

#define NAMES(kind, member)                                                                        \
    {                                                                                              \
        "request.resource_" kind, "resource_" kind, "resource_" kind ".resource",                  \
            "resource_" kind ".scope_" kind, "resource_" kind ".schema_url", "scope_" kind,        \
            "scope_" kind ".scope", "scope_" kind "." member, "scope_" kind ".schema_url"          \
    }

static const struct col_group_names group_names[COL_SIGNALS] = {
    NAMES("spans", "spans"), NAMES("metrics", "metrics"), NAMES("logs", "log_records")};

static bool take_resource(const struct col_reader *outer, void *head, const char *name)
{
    struct col_resource *ret = head;
    struct col_reader r;

    if (!col_take_wire(outer, COL_WIRE_BYTES, name))
        return false;
    if (ret->present)
        return col_fail(outer->fault, outer->tag, name, "twice");
    ret->raw = col_bytes_of(&outer->field);
    ret->present = true;
    col_reader_init(&r, col_cursor_of(ret->raw), outer->fault);
    while (col_reader_next(&r)) {
        bool good = true;
        if (r.field.number == 1)
            good = col_take_attribute(&r, &ret->attributes);
        else if (r.field.number == 2)
            good = col_take_u32(&r, &ret->dropped_attributes_count,
                                "resource.dropped_attributes_count");
        else if (r.field.number == 3)
            good = take_entity_ref(&r, &ret->entity_refs);
        if (!good)
            return false;
    }
    return col_reader_finish(&r, "resource");
}

static bool take_scope(const struct col_reader *outer, void *head, const char *name)
{
    struct col_scope *ret = head;
    struct col_reader r;

    if (!col_take_wire(outer, COL_WIRE_BYTES, name))
        return false;
    if (ret->present)
        return col_fail(outer->fault, outer->tag, name, "twice");
    ret->raw = col_bytes_of(&outer->field);
    ret->present = true;
    col_reader_init(&r, col_cursor_of(ret->raw), outer->fault);
    while (col_reader_next(&r)) {
        bool good = true;
        if (r.field.number == 1)
            good = col_take_text(&r, &ret->name, "scope.name");
        else if (r.field.number == 2)
            good = col_take_text(&r, &ret->version, "scope.version");
        else if (r.field.number == 3)
            good = col_take_attribute(&r, &ret->attributes);
        else if (r.field.number == 4)
            good = col_take_u32(&r, &ret->dropped_attributes_count,
                                "scope.dropped_attributes_count");
        if (!good)
            return false;
    }
    return col_reader_finish(&r, "scope");
}

/* Of resource_spans and scope_spans: head (field 1), members (2), schema URL (3). */
struct group {
    struct col_cursor bytes;
    bool (*take_head)(const struct col_reader *r, void *head, const char *name);
    void *head;
    struct otl_view *schema_url;
    const char *name, *head_name, *members_name, *schema_name;
};

/* Read all of a group except its members, which may stand before the head. */
static bool read_group(const struct group *group, struct col_fault *fault)
{
    struct col_reader r;

    col_reader_init(&r, group->bytes, fault);
    while (col_field_large(&r.cursor, 2, &r.field) || col_reader_next(&r)) {
        bool good = true;
        if (r.field.number == 1)
            good = group->take_head(&r, group->head, group->head_name);
        else if (r.field.number == 2)
            good = col_take_wire(&r, COL_WIRE_BYTES, group->members_name);
        else if (r.field.number == 3)
            good = col_take_text(&r, group->schema_url, group->schema_name);
        if (!good)
            return false;
    }
    return col_reader_finish(&r, group->name);
}

static bool read_resource_head(struct col_traces *traces)
{
    struct col_resource *resource = &traces->resource;
    const struct col_group_names *names = &group_names[traces->signal];
    const struct group group = {traces->resource_spans, take_resource,    resource,
                                &resource->schema_url,  names->resource_group,
                                names->resource,        names->resource_member,
                                names->resource_schema};

    memset(resource, 0, sizeof(*resource));
    return read_group(&group, &traces->fault);
}

static bool read_scope_head(struct col_traces *traces)
{
    struct col_scope *scope = &traces->scope;
    const struct col_group_names *names = &group_names[traces->signal];
    const struct group group = {traces->scope_spans, take_scope,          scope,
                                &scope->schema_url,  names->scope_group,  names->scope,
                                names->scope_member, names->scope_schema};

    memset(scope, 0, sizeof(*scope));
    return read_group(&group, &traces->fault);
}

void col_items_init(struct col_traces *traces, enum col_signal signal, struct otl_view request)
{
    memset(traces, 0, sizeof(*traces));
    traces->signal = signal;
    traces->request = col_cursor_of(request);
    traces->base = traces->request.at;
    traces->resource_spans = traces->scope_spans = traces->request;
    traces->resource_spans.end = traces->scope_spans.end = traces->request.at;
}

void col_traces_init(struct col_traces *traces, struct otl_view request)
{
    col_items_init(traces, COL_TRACES, request);
}

bool col_traces_next_resource(struct col_traces *traces)
{
    struct col_reader r;

    if (traces->fault.why != NULL)
        return false;
    col_reader_init(&r, traces->request, &traces->fault);
    while (col_reader_next(&r)) {
        if (r.field.number != 1)
            continue;
        if (!col_take_wire(&r, COL_WIRE_BYTES, group_names[traces->signal].request_member))
            return false;
        traces->request = r.cursor;
        traces->resource_spans = col_cursor_of(col_bytes_of(&r.field));
        traces->scope_spans.at = traces->scope_spans.end;
        traces->resources++;
        return read_resource_head(traces);
    }
    traces->request = r.cursor;
    (void)col_reader_finish(&r, "request");
    return false;
}

bool col_traces_next_scope(struct col_traces *traces)
{
    struct col_field field;

    if (traces->fault.why != NULL)
        return false;
    while (col_field_next(&traces->resource_spans, &field) == COL_NEXT_FIELD) {
        if (field.number != 2)
            continue;
        traces->scope_spans = col_cursor_of(col_bytes_of(&field));
        traces->scopes++;
        return read_scope_head(traces);
    }
    return false;
}

bool col_member_next(struct col_traces *traces, struct otl_view *ret)
{
    struct col_field field;

    while (traces->fault.why == NULL) {
        while (col_field_large(&traces->scope_spans, 2, &field) ||
               col_field_next(&traces->scope_spans, &field) == COL_NEXT_FIELD) {
            if (field.number != 2)
                continue;
            *ret = col_bytes_of(&field);
            traces->spans++;
            return true;
        }
        if (!col_traces_next_scope(traces) && traces->fault.why == NULL &&
            !col_traces_next_resource(traces))
            return false;
    }
    return false;
}

bool col_traces_next_span(struct col_traces *traces, struct col_span *ret)
{
    struct col_field field;

    if (traces->fault.why != NULL)
        return false;
    while (col_field_large(&traces->scope_spans, 2, &field) ||
           col_field_next(&traces->scope_spans, &field) == COL_NEXT_FIELD) {
        if (field.number != 2)
            continue;
        if (!col_read_span(col_bytes_of(&field), ret, &traces->fault))
            return false;
        ret->resource = &traces->resource;
        ret->scope = &traces->scope;
        traces->spans++;
        return true;
    }
    return false;
}

bool col_traces_next(struct col_traces *traces, struct col_span *ret)
{
    while (traces->fault.why == NULL) {
        if (col_traces_next_span(traces, ret))
            return true;
        if (!col_traces_next_scope(traces) && traces->fault.why == NULL &&
            !col_traces_next_resource(traces))
            return false;
    }
    return false;
}

enum otel_err col_traces_error(const struct col_traces *traces, struct otl_detail *reterr)
{
    const struct col_fault *fault = &traces->fault;

    if (fault->why == NULL)
        return OTEL_OK;
    return otl_detail_set(reterr, OTEL_ERR_CORRUPT, NULL, 0, 0, "byte %zu: %s: %s",
                          fault->at == NULL ? 0 : (size_t)(fault->at - traces->base),
                          fault->field, fault->why);
}

enum otel_err col_traces_check(struct otl_view request, uint64_t *ret_spans,
                               struct otl_detail *reterr)
{
    struct col_traces traces;
    struct otl_view raw;
    struct col_span span;

    col_traces_init(&traces, request);
    while (col_member_next(&traces, &raw))
        if (!col_is_usual_span(raw) && !col_read_span(raw, &span, &traces.fault))
            break;
    if (traces.fault.why != NULL)
        return col_traces_error(&traces, reterr);
    *ret_spans = traces.spans;
    return OTEL_OK;
}
