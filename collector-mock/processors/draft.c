/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/processors/draft.h"

#include "collector-mock/wire/parse.h"
#include "collector-mock/wire/put.h"

enum { STATUS_MESSAGE = 2, STATUS_CODE = 3 };

/* ret is out's bytes as the span of the draft; out is done with. */
static enum otel_err take_span(const struct col_draft *draft, struct otl_buf *out,
                               enum otel_err err)
{
    const struct col_resource *resource = draft->span->resource;
    const struct col_scope *scope = draft->span->scope;
    char *copy = err == OTEL_OK ? otl_arena_strndup(draft->arena, out->data, out->len) : NULL;

    if (err == OTEL_OK && copy == NULL)
        err = OTEL_ERR_MEMORY;
    if (copy != NULL) {
        col_span_split(otl_view(copy, out->len), draft->span);
        draft->span->raw = otl_view(copy, out->len);
        draft->span->resource = resource;
        draft->span->scope = scope;
    }
    otl_buf_fini(out);
    return err;
}

static enum otel_err put_varint(struct otl_buf *out, uint32_t number, int64_t value)
{
    enum otel_err err = otl_buf_append_byte(out, (uint8_t)(number << 3 | COL_WIRE_VARINT));

    return err == OTEL_OK ? col_put_varint(out, (uint64_t)value) : err;
}

static enum otel_err put_status(struct otl_buf *out, const struct col_span *span,
                                uint32_t number, const struct col_value *value)
{
    struct col_cursor cursor = col_cursor_of(span->raw);
    struct otl_view status = {NULL, 0};
    struct otl_buf changed;
    struct col_field field;
    enum otel_err err;

    while (col_field_next(&cursor, &field) == COL_NEXT_FIELD)
        if (field.number == COL_SPAN_STATUS && field.wire == COL_WIRE_BYTES)
            status = col_bytes_of(&field);
    otl_buf_init(&changed, (size_t)1 << 30);
    err = col_edit_copy(&changed, status, 1u << number);
    if (err == OTEL_OK)
        err = number == STATUS_CODE ? put_varint(&changed, number, value->integer)
                                    : col_put_field(&changed, number, value->text);
    if (err == OTEL_OK)
        err = col_put_field(out, COL_SPAN_STATUS, otl_view(changed.data, changed.len));
    otl_buf_fini(&changed);
    return err;
}

static enum otel_err set_field(const struct col_draft *draft, uint32_t field,
                               uint32_t of_status, const struct col_value *value)
{
    struct otl_buf out;
    enum otel_err err;

    otl_buf_init(&out, (size_t)1 << 30);
    err = col_edit_copy(&out, draft->span->raw, 1u << field);
    if (err == OTEL_OK && field == COL_SPAN_STATUS)
        err = put_status(&out, draft->span, of_status, value);
    else if (err == OTEL_OK && field == COL_SPAN_KIND)
        err = put_varint(&out, field, value->integer);
    else if (err == OTEL_OK)
        err = col_put_field(&out, field, value->text);
    return take_span(draft, &out, err);
}

static enum otel_err set_attribute(const struct col_draft *draft, bool of_resource,
                                   const char *key, const struct col_value *value)
{
    struct col_attributes attributes;
    struct otl_view bytes;
    enum otel_err err;

    err = col_draft_open(draft, of_resource, &attributes);
    if (err == OTEL_OK)
        err = col_edit_value(draft->arena, value, &bytes);
    if (err == OTEL_OK)
        err = col_attributes_set(&attributes, otl_view_str(key), bytes);
    return err == OTEL_OK ? col_draft_close(draft, of_resource, &attributes) : err;
}

enum otel_err col_draft_set(const struct col_draft *draft, const struct col_term *target,
                            const struct col_value *value)
{
    bool text = value->kind == COL_VALUE_STRING, number = value->kind == COL_VALUE_INT;

    switch (target->kind) {
    case COL_TERM_ATTRIBUTE:
        return set_attribute(draft, false, target->text, value);
    case COL_TERM_RESOURCE_ATTRIBUTE:
        return set_attribute(draft, true, target->text, value);
    case COL_TERM_NAME:
        return text ? set_field(draft, COL_SPAN_NAME, 0, value) : OTEL_ERR_ARGUMENT;
    case COL_TERM_TRACE_STATE:
        return text ? set_field(draft, COL_SPAN_TRACE_STATE, 0, value) : OTEL_ERR_ARGUMENT;
    case COL_TERM_KIND:
        return number ? set_field(draft, COL_SPAN_KIND, 0, value) : OTEL_ERR_ARGUMENT;
    case COL_TERM_STATUS_CODE:
        return number ? set_field(draft, COL_SPAN_STATUS, STATUS_CODE, value) : OTEL_ERR_ARGUMENT;
    case COL_TERM_STATUS_MESSAGE:
        return text ? set_field(draft, COL_SPAN_STATUS, STATUS_MESSAGE, value)
                    : OTEL_ERR_ARGUMENT;
    default:
        return OTEL_ERR_ARGUMENT;
    }
}

enum otel_err col_draft_open(const struct col_draft *draft, bool of_resource,
                             struct col_attributes *ret)
{
    return of_resource ? col_attributes_read(draft->arena, draft->resource->raw,
                                             COL_RESOURCE_ATTRIBUTES, ret)
                       : col_attributes_read(draft->arena, draft->span->raw, COL_SPAN_ATTRIBUTES,
                                             ret);
}

enum otel_err col_draft_close(const struct col_draft *draft, bool of_resource,
                              const struct col_attributes *attributes)
{
    struct otl_view raw;
    enum otel_err err;

    if (!of_resource) {
        const struct col_resource *resource = draft->span->resource;
        const struct col_scope *scope = draft->span->scope;
        err = col_attributes_put(attributes, draft->span->raw, COL_SPAN_ATTRIBUTES, &raw);
        if (err != OTEL_OK)
            return err;
        col_span_split(raw, draft->span);
        draft->span->raw = raw;
        draft->span->resource = resource;
        draft->span->scope = scope;
        return OTEL_OK;
    }
    err = col_attributes_put(attributes, draft->resource->raw, COL_RESOURCE_ATTRIBUTES, &raw);
    if (err != OTEL_OK)
        return err;
    draft->resource->present = true;
    draft->resource->raw = raw;
    col_resource_split(raw, &draft->resource->attributes);
    return OTEL_OK;
}
