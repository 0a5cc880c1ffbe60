/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/wire/parse.h"

/* Span and what stands in it. */

enum { ATTRIBUTES = 9 };

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

/* ---- a span as nearly every program writes it ---- */

enum {
    TRACE_ID_BYTES = 18, /* with tag and length */
    ID_BYTES = 10,
    IDS_BYTES = TRACE_ID_BYTES + 2 * ID_BYTES,
    TIME_BYTES = 9,
    FLAGS_BYTES = 6
};

/* Whether a field of one byte tag and length begins here; there are two bytes. */
static inline bool begins(const uint8_t *at, uint32_t number, uint32_t wire, uint8_t second)
{
    return at[0] == (number << 3 | wire) && at[1] == second;
}

/* Behind the name, if that comes next, is short and needs no closer look, and kind and times may
 * follow; else NULL. */
static inline const uint8_t *behind_name(const uint8_t *at, const uint8_t *end, bool check)
{
    return at[0] == (5 << 3 | COL_WIRE_BYTES) && at[1] < 0x80 &&
                   end - at >= 2 + at[1] + 2 + 2 * TIME_BYTES &&
                   (!check || col_ascii(at + 2, at[1]))
               ? at + 2 + at[1]
               : NULL;
}

/* Ids, name, kind and times, as far as they come in this order in their shortest form; what does
 * not is left for col_reader_next(). */
static void take_front(struct col_reader *r, struct col_span *ret)
{
    const uint8_t *at = r->cursor.at, *end = r->cursor.end, *name;

    if (end - at < IDS_BYTES + 2)
        return;
    if (begins(at, 1, COL_WIRE_BYTES, 16)) {
        memcpy(ret->trace_id, at + 2, 16);
        at += TRACE_ID_BYTES;
    }
    if (begins(at, 2, COL_WIRE_BYTES, 8)) {
        memcpy(ret->span_id, at + 2, 8);
        at += ID_BYTES;
    }
    if (begins(at, 4, COL_WIRE_BYTES, 8)) {
        memcpy(ret->parent_span_id, at + 2, 8);
        at += ID_BYTES;
    }
    r->cursor.at = name = at;
    at = behind_name(at, end, r->fault != NULL);
    if (at == NULL)
        return;
    ret->name = otl_view((const char *)name + 2, name[1]);
    if (at[0] == (6 << 3 | COL_WIRE_VARINT) && at[1] < 0x80) {
        ret->kind = at[1];
        at += 2;
    }
    if (at[0] == (7 << 3 | COL_WIRE_FIXED64)) {
        ret->start_time_unix_nano = col_little(at + 1, 8);
        at += TIME_BYTES;
    }
    if (at[0] == (8 << 3 | COL_WIRE_FIXED64)) {
        ret->end_time_unix_nano = col_little(at + 1, 8);
        at += TIME_BYTES;
    }
    r->cursor.at = at;
}

static inline bool flags_come(const uint8_t *at, const uint8_t *end)
{
    return end - at >= FLAGS_BYTES && at[0] == (0x80 | (16 << 3 & 0x7f) | COL_WIRE_FIXED32) &&
           at[1] == 16 >> 4;
}

bool col_is_usual_span(struct otl_view raw)
{
    const uint8_t *at = (const uint8_t *)raw.data, *end = at + raw.len;
    uint32_t attributes;

    if (raw.len < IDS_BYTES + 2 || !begins(at, 1, COL_WIRE_BYTES, 16) ||
        !begins(at + TRACE_ID_BYTES, 2, COL_WIRE_BYTES, 8))
        return false;
    at += TRACE_ID_BYTES + ID_BYTES;
    if (begins(at, 4, COL_WIRE_BYTES, 8))
        at += ID_BYTES;
    at = behind_name(at, end, true);
    if (at == NULL)
        return false;
    if (at[0] == (6 << 3 | COL_WIRE_VARINT) && at[1] < 0x80)
        at += 2;
    if (at[0] != (7 << 3 | COL_WIRE_FIXED64) || at[TIME_BYTES] != (8 << 3 | COL_WIRE_FIXED64))
        return false;
    at += 2 * TIME_BYTES;
    at = col_skip_plain(at, end, ATTRIBUTES << 3 | COL_WIRE_BYTES, &attributes);
    return at == end || (flags_come(at, end) && end - at == FLAGS_BYTES);
}

/* Without the instruction for long blocks that memset() becomes here, which begins slowly. */
static inline void clear(struct col_span *span)
{
    const col_pair zero = {0, 0};
    size_t at = 0;

#pragma GCC unroll 32
    for (; at + sizeof(zero) <= sizeof(*span); at += sizeof(zero))
        memcpy((char *)span + at, &zero, sizeof(zero));
    if (at < sizeof(*span))
        memset((char *)span + at, 0, sizeof(*span) - at);
}

bool col_read_span(struct otl_view raw, struct col_span *ret, struct col_fault *fault)
{
    struct col_reader r;

    clear(ret);
    ret->raw = raw;
    col_reader_init(&r, col_cursor_of(raw), fault);
    take_front(&r, ret);
    for (;;) {
        col_take_plain(&r, ATTRIBUTES, &ret->attributes);
        if (flags_come(r.cursor.at, r.cursor.end)) {
            ret->flags = (uint32_t)col_little(r.cursor.at + 2, 4);
            r.cursor.at += FLAGS_BYTES;
        }
        if (r.cursor.at == r.cursor.end)
            return true;
        if (!col_reader_next(&r))
            return col_reader_finish(&r, "span");
        if (!take_span_field(&r, ret))
            return false;
    }
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
