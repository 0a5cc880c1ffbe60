/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/wire/metrics.h"
#include "collector-mock/wire/parse.h"

/* Data points of the five kinds of metrics, and exemplars. */

/* What a field of a point is; the kinds number them differently. */
enum role {
    NOTHING,
    ATTRIBUTES,
    START,
    TIME,
    FLAGS,
    REAL,
    INTEGER,
    EXEMPLARS,
    COUNT,
    SUM,
    MIN,
    MAX,
    BUCKET_COUNTS,
    BOUNDS,
    SCALE,
    ZERO_COUNT,
    ZERO_THRESHOLD,
    POSITIVE,
    NEGATIVE,
    QUANTILES
};

enum { FIELDS = 15 };

static const uint8_t number_roles[FIELDS] = {[2] = START,   [3] = TIME,       [4] = REAL,
                                             [5] = EXEMPLARS, [6] = INTEGER, [7] = ATTRIBUTES,
                                             [8] = FLAGS};
static const uint8_t histogram_roles[FIELDS] = {
    [2] = START,         [3] = TIME,   [4] = COUNT,     [5] = SUM,         [6] = BUCKET_COUNTS,
    [7] = BOUNDS,        [8] = EXEMPLARS, [9] = ATTRIBUTES, [10] = FLAGS, [11] = MIN,
    [12] = MAX};
static const uint8_t exponential_roles[FIELDS] = {
    [1] = ATTRIBUTES, [2] = START,      [3] = TIME,     [4] = COUNT,  [5] = SUM,
    [6] = SCALE,      [7] = ZERO_COUNT, [8] = POSITIVE, [9] = NEGATIVE, [10] = FLAGS,
    [11] = EXEMPLARS, [12] = MIN,       [13] = MAX,     [14] = ZERO_THRESHOLD};
static const uint8_t summary_roles[FIELDS] = {[2] = START, [3] = TIME,      [4] = COUNT,
                                              [5] = SUM,   [6] = QUANTILES, [7] = ATTRIBUTES,
                                              [8] = FLAGS};

static const uint8_t *roles_of(enum col_metric_kind kind)
{
    switch (kind) {
    case COL_METRIC_HISTOGRAM:
        return histogram_roles;
    case COL_METRIC_EXPONENTIAL:
        return exponential_roles;
    case COL_METRIC_SUMMARY:
        return summary_roles;
    default:
        return number_roles;
    }
}

uint32_t col_point_attributes_field(enum col_metric_kind kind)
{
    const uint8_t *roles = roles_of(kind);
    uint32_t number = 1;

    while (roles[number] != ATTRIBUTES)
        number++;
    return number;
}

/* ---- numbers ---- */

static double real_of(uint64_t bits)
{
    double real;

    memcpy(&real, &bits, sizeof(real));
    return real;
}

static bool take_real(const struct col_reader *r, double *ret, const char *name)
{
    if (!col_take_wire(r, COL_WIRE_FIXED64, name))
        return false;
    *ret = real_of(r->field.scalar);
    return true;
}

static bool take_optional(const struct col_reader *r, double *ret, bool *there, const char *name)
{
    *there = true;
    return take_real(r, ret, name);
}

static bool take_sint32(const struct col_reader *r, int32_t *ret, const char *name)
{
    uint32_t zigzag;

    if (!col_take_u32(r, &zigzag, name))
        return false;
    *ret = (int32_t)(zigzag >> 1 ^ (0 - (zigzag & 1)));
    return true;
}

/* How many varints a packed run holds; false: it does not end with one. */
static bool count_varints(struct otl_view run, uint64_t *ret)
{
    struct col_cursor cursor = col_cursor_of(run);
    uint64_t value;

    for (*ret = 0; cursor.at < cursor.end; ++*ret)
        if (!col_varint(&cursor, &value))
            return false;
    return true;
}

/* One number, or a run of them. */
static bool take_numbers(const struct col_reader *r, struct col_numbers *ret, uint32_t wire,
                         const char *name)
{
    uint64_t count = 1;

    if (ret->field == 0) {
        ret->message.at = r->tag;
        ret->message.end = r->cursor.end;
        ret->field = r->field.number;
        ret->wire = wire;
    }
    if (r->field.wire == COL_WIRE_BYTES) {
        bool whole = wire == COL_WIRE_FIXED64 ? r->field.scalar % 8 == 0
                                              : count_varints(col_bytes_of(&r->field), &count);
        if (!whole)
            return col_fail(r->fault, r->field.data, name, "malformed packed numbers");
        if (wire == COL_WIRE_FIXED64)
            count = r->field.scalar / 8;
    } else if (!col_take_wire(r, wire, name)) {
        return false;
    }
    ret->count += count;
    return true;
}

bool col_number_next(struct col_numbers *numbers, uint64_t *ret)
{
    struct col_field field;

    while (numbers->count > 0) {
        if (numbers->packed.at < numbers->packed.end) {
            numbers->count--;
            return numbers->wire == COL_WIRE_FIXED64 ? col_fixed(&numbers->packed, 8, ret)
                                                     : col_varint(&numbers->packed, ret);
        }
        if (col_field_next(&numbers->message, &field) != COL_NEXT_FIELD)
            break;
        if (field.number != numbers->field)
            continue;
        if (field.wire == COL_WIRE_BYTES) {
            numbers->packed = col_cursor_of(col_bytes_of(&field));
            continue;
        }
        numbers->count--;
        *ret = field.scalar;
        return true;
    }
    numbers->count = 0;
    return false;
}

bool col_real_next(struct col_numbers *numbers, double *ret)
{
    uint64_t bits;

    if (!col_number_next(numbers, &bits))
        return false;
    *ret = real_of(bits);
    return true;
}

/* ---- exemplars, quantiles, buckets ---- */

static bool take_exemplar_field(const struct col_reader *r, void *to)
{
    struct col_exemplar *ret = to;

    uint64_t bits = 0;

    switch (r->field.number) {
    case 2:
        return col_take_fixed64(r, &ret->time_unix_nano, "exemplar.time_unix_nano");
    case 3:
        ret->value_kind = COL_NUMBER_DOUBLE;
        return take_real(r, &ret->real, "exemplar.as_double");
    case 4:
        return col_take_id(r, ret->span_id, 8, "exemplar.span_id");
    case 5:
        return col_take_id(r, ret->trace_id, 16, "exemplar.trace_id");
    case 6:
        if (!col_take_fixed64(r, &bits, "exemplar.as_int"))
            return false;
        ret->value_kind = COL_NUMBER_INT;
        ret->integer = (int64_t)bits;
        return true;
    case 7:
        return col_take_attribute(r, &ret->attributes);
    default:
        return true;
    }
}

static bool read_exemplar(struct otl_view raw, struct col_exemplar *ret, struct col_fault *fault)
{
    static const struct col_shape shape = {sizeof(*ret), take_exemplar_field, "exemplar"};

    return col_read_message(raw, ret, &shape, fault);
}

static bool read_quantile(struct otl_view raw, struct col_quantile *ret, struct col_fault *fault)
{
    struct col_reader r;

    memset(ret, 0, sizeof(*ret));
    col_reader_init(&r, col_cursor_of(raw), fault);
    while (col_reader_next(&r))
        if ((r.field.number == 1 && !take_real(&r, &ret->quantile, "quantile.quantile")) ||
            (r.field.number == 2 && !take_real(&r, &ret->value, "quantile.value")))
            return false;
    return col_reader_finish(&r, "quantile");
}

static bool take_exemplar(const struct col_reader *r, struct col_list *list)
{
    struct col_exemplar exemplar;

    return col_take_item(r, list, "point.exemplars") &&
           (r->fault == NULL || read_exemplar(col_bytes_of(&r->field), &exemplar, r->fault));
}

static bool take_quantile(const struct col_reader *r, struct col_list *list)
{
    struct col_quantile quantile;

    return col_take_item(r, list, "point.quantile_values") &&
           (r->fault == NULL || read_quantile(col_bytes_of(&r->field), &quantile, r->fault));
}

static bool take_buckets(const struct col_reader *outer, struct col_buckets *ret, const char *name)
{
    struct col_reader r;

    if (!col_take_wire(outer, COL_WIRE_BYTES, name))
        return false;
    if (ret->counts.message.at != NULL)
        return col_fail(outer->fault, outer->tag, name, "twice");
    ret->counts.message = col_cursor_of(col_bytes_of(&outer->field));
    col_reader_init(&r, ret->counts.message, outer->fault);
    while (col_reader_next(&r))
        if ((r.field.number == 1 && !take_sint32(&r, &ret->offset, "buckets.offset")) ||
            (r.field.number == 2 && !take_numbers(&r, &ret->counts, COL_WIRE_VARINT,
                                                  "buckets.bucket_counts")))
            return false;
    return col_reader_finish(&r, name);
}

/* ---- points ---- */

static bool take_value(const struct col_reader *r, struct col_point *ret, bool integer)
{
    uint64_t bits = 0;

    if (!col_take_fixed64(r, &bits, integer ? "point.as_int" : "point.as_double"))
        return false;
    ret->value_kind = integer ? COL_NUMBER_INT : COL_NUMBER_DOUBLE;
    ret->integer = (int64_t)bits;
    ret->real = real_of(bits);
    return true;
}

/* What only histograms and summaries have. */
static bool take_spread(const struct col_reader *r, struct col_point *ret, enum role role)
{
    switch (role) {
    case COUNT:
        return col_take_fixed64(r, &ret->count, "point.count");
    case SUM:
        return take_optional(r, &ret->sum, &ret->has_sum, "point.sum");
    case MIN:
        return take_optional(r, &ret->min, &ret->has_min, "point.min");
    case MAX:
        return take_optional(r, &ret->max, &ret->has_max, "point.max");
    case BUCKET_COUNTS:
        return take_numbers(r, &ret->bucket_counts, COL_WIRE_FIXED64, "point.bucket_counts");
    case BOUNDS:
        return take_numbers(r, &ret->bounds, COL_WIRE_FIXED64, "point.explicit_bounds");
    case SCALE:
        return take_sint32(r, &ret->scale, "point.scale");
    case ZERO_COUNT:
        return col_take_fixed64(r, &ret->zero_count, "point.zero_count");
    case ZERO_THRESHOLD:
        return take_real(r, &ret->zero_threshold, "point.zero_threshold");
    case POSITIVE:
        return take_buckets(r, &ret->positive, "point.positive");
    case NEGATIVE:
        return take_buckets(r, &ret->negative, "point.negative");
    case QUANTILES:
        return take_quantile(r, &ret->quantiles);
    default:
        return true;
    }
}

static bool take_role(const struct col_reader *r, struct col_point *ret, enum role role)
{
    switch (role) {
    case ATTRIBUTES:
        return col_take_attribute(r, &ret->attributes);
    case START:
        return col_take_fixed64(r, &ret->start_time_unix_nano, "point.start_time_unix_nano");
    case TIME:
        return col_take_fixed64(r, &ret->time_unix_nano, "point.time_unix_nano");
    case FLAGS:
        return col_take_u32(r, &ret->flags, "point.flags");
    case REAL:
    case INTEGER:
        return take_value(r, ret, role == INTEGER);
    case EXEMPLARS:
        return take_exemplar(r, &ret->exemplars);
    default:
        return take_spread(r, ret, role);
    }
}

bool col_read_point(enum col_metric_kind kind, struct otl_view raw, struct col_point *ret,
                    struct col_fault *fault)
{
    const uint8_t *roles = roles_of(kind);
    struct col_reader r;

    memset(ret, 0, sizeof(*ret));
    ret->raw = raw;
    col_reader_init(&r, col_cursor_of(raw), fault);
    while (col_reader_next(&r))
        if (r.field.number < FIELDS &&
            !take_role(&r, ret, (enum role)roles[r.field.number]))
            return false;
    return col_reader_finish(&r, "point");
}

void col_point_split(enum col_metric_kind kind, struct otl_view raw, struct col_point *ret)
{
    (void)col_read_point(kind, raw, ret, NULL);
}

bool col_point_next(enum col_metric_kind kind, struct col_list *list, struct col_point *ret)
{
    struct otl_view raw;

    return col_list_next(list, &raw) && col_read_point(kind, raw, ret, NULL);
}

bool col_exemplar_next(struct col_list *list, struct col_exemplar *ret)
{
    struct otl_view raw;

    return col_list_next(list, &raw) && read_exemplar(raw, ret, NULL);
}

bool col_quantile_next(struct col_list *list, struct col_quantile *ret)
{
    struct otl_view raw;

    return col_list_next(list, &raw) && read_quantile(raw, ret, NULL);
}
