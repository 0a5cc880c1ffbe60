/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/wire/parse.h"

/* Span and what stands in it. */

static bool take_event_field(const struct col_reader *r, struct col_event *ret)
{
    switch (r->field.number) {
    case 1:
        return col_take_fixed64(r, &ret->time_unix_nano, "event.time_unix_nano");
    case 2:
        return col_take_text(r, &ret->name, "event.name");
    case 3:
        return col_take_attribute(r, &ret->attributes);
    case 4:
        return col_take_u32(r, &ret->dropped_attributes_count, "event.dropped_attributes_count");
    default:
        return true;
    }
}

bool col_read_event(struct otl_view raw, struct col_event *ret, struct col_fault *fault)
{
    struct col_reader r;

    memset(ret, 0, sizeof(*ret));
    col_reader_init(&r, col_cursor_of(raw), fault);
    while (col_reader_next(&r))
        if (!take_event_field(&r, ret))
            return false;
    return col_reader_finish(&r, "event");
}

static bool take_link_field(const struct col_reader *r, struct col_link *ret)
{
    switch (r->field.number) {
    case 1:
        return col_take_id(r, ret->trace_id, 16, "link.trace_id");
    case 2:
        return col_take_id(r, ret->span_id, 8, "link.span_id");
    case 3:
        return col_take_text(r, &ret->trace_state, "link.trace_state");
    case 4:
        return col_take_attribute(r, &ret->attributes);
    case 5:
        return col_take_u32(r, &ret->dropped_attributes_count, "link.dropped_attributes_count");
    case 6:
        return col_take_fixed32(r, &ret->flags, "link.flags");
    default:
        return true;
    }
}

bool col_read_link(struct otl_view raw, struct col_link *ret, struct col_fault *fault)
{
    struct col_reader r;

    memset(ret, 0, sizeof(*ret));
    col_reader_init(&r, col_cursor_of(raw), fault);
    while (col_reader_next(&r))
        if (!take_link_field(&r, ret))
            return false;
    return col_reader_finish(&r, "link");
}

static bool take_event(const struct col_reader *r, struct col_list *list)
{
    struct col_event event;

    return col_take_item(r, list, "span.events") &&
           (r->fault == NULL || col_read_event(col_bytes_of(&r->field), &event, r->fault));
}

static bool take_link(const struct col_reader *r, struct col_list *list)
{
    struct col_link link;

    return col_take_item(r, list, "span.links") &&
           (r->fault == NULL || col_read_link(col_bytes_of(&r->field), &link, r->fault));
}

static bool take_status(const struct col_reader *outer, struct col_span *ret)
{
    struct col_reader r;

    if (!col_take_wire(outer, COL_WIRE_BYTES, "span.status"))
        return false;
    if (ret->has_status)
        return col_fail(outer->fault, outer->tag, "span.status", "twice");
    ret->has_status = true;
    col_reader_init(&r, col_cursor_of(col_bytes_of(&outer->field)), outer->fault);
    while (col_reader_next(&r)) {
        bool good = true;
        if (r.field.number == 2)
            good = col_take_text(&r, &ret->status_message, "status.message");
        else if (r.field.number == 3)
            good = col_take_i32(&r, &ret->status_code, "status.code");
        if (!good)
            return false;
    }
    return col_reader_finish(&r, "status");
}

static bool take_rare_field(const struct col_reader *r, struct col_span *ret)
{
    switch (r->field.number) {
    case 10:
        return col_take_u32(r, &ret->dropped_attributes_count, "span.dropped_attributes_count");
    case 11:
        return take_event(r, &ret->events);
    case 12:
        return col_take_u32(r, &ret->dropped_events_count, "span.dropped_events_count");
    case 13:
        return take_link(r, &ret->links);
    case 14:
        return col_take_u32(r, &ret->dropped_links_count, "span.dropped_links_count");
    case 15:
        return take_status(r, ret);
    case 16:
        return col_take_fixed32(r, &ret->flags, "span.flags");
    default:
        return true;
    }
}

static bool take_span_field(const struct col_reader *r, struct col_span *ret)
{
    switch (r->field.number) {
    case 1:
        return col_take_id(r, ret->trace_id, 16, "span.trace_id");
    case 2:
        return col_take_id(r, ret->span_id, 8, "span.span_id");
    case 3:
        return col_take_text(r, &ret->trace_state, "span.trace_state");
    case 4:
        return col_take_id(r, ret->parent_span_id, 8, "span.parent_span_id");
    case 5:
        return col_take_text(r, &ret->name, "span.name");
    case 6:
        return col_take_i32(r, &ret->kind, "span.kind");
    case 7:
        return col_take_fixed64(r, &ret->start_time_unix_nano, "span.start_time_unix_nano");
    case 8:
        return col_take_fixed64(r, &ret->end_time_unix_nano, "span.end_time_unix_nano");
    case 9:
        return col_take_attribute(r, &ret->attributes);
    default:
        return take_rare_field(r, ret);
    }
}

bool col_read_span(struct otl_view raw, struct col_span *ret, struct col_fault *fault)
{
    struct col_reader r;

    memset(ret, 0, sizeof(*ret));
    ret->raw = raw;
    col_reader_init(&r, col_cursor_of(raw), fault);
    while (col_reader_next(&r))
        if (!take_span_field(&r, ret))
            return false;
    return col_reader_finish(&r, "span");
}

void col_span_split(struct otl_view raw, struct col_span *ret)
{
    (void)col_read_span(raw, ret, NULL);
}

void col_resource_split(struct otl_view raw, struct col_list *ret_attributes)
{
    struct col_reader r;

    memset(ret_attributes, 0, sizeof(*ret_attributes));
    col_reader_init(&r, col_cursor_of(raw), NULL);
    while (col_reader_next(&r))
        if (r.field.number == 1)
            (void)col_take_item(&r, ret_attributes, "");
}
