/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/wire/logs.h"

#include "collector-mock/wire/parse.h"

static bool take_body(const struct col_reader *r, struct col_log *ret)
{
    if (!col_take_wire(r, COL_WIRE_BYTES, "log_record.body"))
        return false;
    if (ret->has_body)
        return col_fail(r->fault, r->tag, "log_record.body", "twice");
    ret->has_body = true;
    ret->body = col_bytes_of(&r->field);
    return r->fault == NULL || col_check_value(ret->body, 1, r->fault);
}

static bool take_field(const struct col_reader *r, void *to)
{
    struct col_log *ret = to;

    switch (r->field.number) {
    case 1:
        return col_take_fixed64(r, &ret->time_unix_nano, "log_record.time_unix_nano");
    case 2:
        return col_take_i32(r, &ret->severity_number, "log_record.severity_number");
    case 3:
        return col_take_text(r, &ret->severity_text, "log_record.severity_text");
    case 5:
        return take_body(r, ret);
    case 6:
        return col_take_attribute(r, &ret->attributes);
    case 7:
        return col_take_u32(r, &ret->dropped_attributes_count,
                            "log_record.dropped_attributes_count");
    case 8:
        return col_take_fixed32(r, &ret->flags, "log_record.flags");
    case 9:
        return col_take_id(r, ret->trace_id, 16, "log_record.trace_id");
    case 10:
        return col_take_id(r, ret->span_id, 8, "log_record.span_id");
    case 11:
        return col_take_fixed64(r, &ret->observed_time_unix_nano,
                                "log_record.observed_time_unix_nano");
    case 12:
        return col_take_text(r, &ret->event_name, "log_record.event_name");
    default:
        return true;
    }
}

static bool read_log(struct otl_view raw, struct col_log *ret, struct col_fault *fault)
{
    static const struct col_shape shape = {sizeof(*ret), take_field, "log_record"};
    bool good = col_read_message(raw, ret, &shape, fault);

    ret->raw = raw;
    return good;
}

bool col_logs_next(struct col_traces *logs, struct col_log *ret)
{
    struct otl_view raw;

    if (!col_member_next(logs, &raw) || !read_log(raw, ret, &logs->fault))
        return false;
    ret->resource = &logs->resource;
    ret->scope = &logs->scope;
    return true;
}

void col_log_split(struct otl_view raw, struct col_log *ret)
{
    (void)read_log(raw, ret, NULL);
}
