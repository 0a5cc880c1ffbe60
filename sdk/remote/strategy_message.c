/* SPDX-License-Identifier: Apache-2.0 */
/* An answer over gRPC: the message jaeger.api_v2.SamplingStrategyResponse. */
#include <string.h>

#include "sdk/otlp/read.h"
#include "sdk/remote/strategy_draft.h"

/* Field numbers. */
enum { RESPONSE_TYPE = 1, RESPONSE_SHARE = 2, RESPONSE_RATE = 3, RESPONSE_OPERATIONS = 4 };
enum { OPERATIONS_DEFAULT = 1, OPERATIONS_LEAST = 2, OPERATIONS_EACH = 3 };
enum { OPERATION_NAME = 1, OPERATION_SHARE = 2 };
enum { SHARE_RATE = 1, RATE_MOST = 1 };
enum { TYPE_SHARE = 0, TYPE_RATE = 1 };
enum { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2 };

/* Takes one field that it knows; others it passes over. */
typedef enum otel_err field_fn(void *arg, const struct otl_field *field);

static enum otel_err read_fields(struct otel_str message, field_fn *take, void *arg)
{
    struct otl_field field;
    enum otel_err err = OTEL_OK;

    while (err == OTEL_OK && message.len != 0)
        err = otl_read_field(&message, &field) ? take(arg, &field) : OTEL_ERR_SYNTAX;
    return err;
}

static bool is(const struct otl_field *field, uint32_t number, unsigned wire_type)
{
    return field->number == number && field->wire_type == wire_type;
}

static enum otel_err take_double(const struct otl_field *field, double max, double *ret)
{
    double value;

    memcpy(&value, &field->value, sizeof(value));
    if (!(value >= 0 && value <= max))
        return OTEL_ERR_ARGUMENT;
    *ret = value;
    return OTEL_OK;
}

static enum otel_err share_field(void *arg, const struct otl_field *field)
{
    return is(field, SHARE_RATE, WIRE_FIXED64) ? take_double(field, 1, arg) : OTEL_OK;
}

static enum otel_err rate_field(void *arg, const struct otl_field *field)
{
    double *rate = arg;

    if (!is(field, RATE_MOST, WIRE_VARINT))
        return OTEL_OK;
    if (field->value > INT32_MAX) /* below 0, or no int32 */
        return OTEL_ERR_ARGUMENT;
    *rate = (double)field->value;
    return *rate <= OTL_STRATEGY_MOST_A_SECOND ? OTEL_OK : OTEL_ERR_ARGUMENT;
}

static enum otel_err operation_field(void *arg, const struct otl_field *field)
{
    struct otl_strategy_draft *d = arg;
    struct otl_draft_operation *o = &d->operations[d->count - 1];

    if (is(field, OPERATION_SHARE, WIRE_BYTES))
        return read_fields(field->bytes, share_field, &o->share);
    if (!is(field, OPERATION_NAME, WIRE_BYTES))
        return OTEL_OK;
    o->at = d->names.len;
    o->len = field->bytes.len;
    return otl_buf_append(&d->names, field->bytes.data, field->bytes.len);
}

static enum otel_err operations_field(void *arg, const struct otl_field *field)
{
    struct otl_strategy_draft *d = arg;
    struct otl_draft_operation *o;
    enum otel_err err;

    if (is(field, OPERATIONS_DEFAULT, WIRE_FIXED64))
        return take_double(field, 1, &d->default_share);
    if (is(field, OPERATIONS_LEAST, WIRE_FIXED64))
        return take_double(field, OTL_STRATEGY_MOST_A_SECOND, &d->least);
    if (!is(field, OPERATIONS_EACH, WIRE_BYTES))
        return OTEL_OK;
    err = otl_draft_add(d, &o);
    return err == OTEL_OK ? read_fields(field->bytes, operation_field, d) : err;
}

struct response {
    struct otl_strategy_draft draft;
    uint64_t type;
    bool has_share, has_rate, has_operations;
};

static enum otel_err response_field(void *arg, const struct otl_field *field)
{
    struct response *r = arg;

    if (is(field, RESPONSE_TYPE, WIRE_VARINT)) {
        r->type = field->value;
        return r->type == TYPE_SHARE || r->type == TYPE_RATE ? OTEL_OK : OTEL_ERR_SYNTAX;
    }
    if (is(field, RESPONSE_SHARE, WIRE_BYTES)) {
        r->has_share = true;
        return read_fields(field->bytes, share_field, &r->draft.share);
    }
    if (is(field, RESPONSE_RATE, WIRE_BYTES)) {
        r->has_rate = true;
        return read_fields(field->bytes, rate_field, &r->draft.rate);
    }
    if (is(field, RESPONSE_OPERATIONS, WIRE_BYTES)) {
        r->has_operations = true;
        return read_fields(field->bytes, operations_field, &r->draft);
    }
    return OTEL_OK;
}

enum otel_err otl_strategy_read_message(struct otl_view body, struct otl_strategy **ret)
{
    struct response r = {.type = TYPE_SHARE};
    enum otel_err err;

    otl_draft_init(&r.draft);
    err = read_fields(otel_strn(body.data, body.len), response_field, &r);
    r.draft.kind = r.has_operations    ? OTL_STRATEGY_OPERATIONS
                   : r.type == TYPE_RATE ? OTL_STRATEGY_RATE
                                         : OTL_STRATEGY_SHARE;
    /* A type without its strategy: of a share of 0 and a rate of 0 the message is there, empty. */
    if (err == OTEL_OK && ((r.draft.kind == OTL_STRATEGY_SHARE && !r.has_share) ||
                           (r.draft.kind == OTL_STRATEGY_RATE && !r.has_rate)))
        err = OTEL_ERR_SYNTAX;
    if (err == OTEL_OK)
        err = otl_draft_finish(&r.draft, ret);
    otl_draft_fini(&r.draft);
    return err;
}
