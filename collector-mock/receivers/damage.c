/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/receivers/damage.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "collector-mock/wire/put.h"
#include "sdk/base/clock.h"

/* Export...PartialSuccess {rejected, text}, in an Export...ServiceResponse. */
static enum otel_err put_partial(struct otl_buf *out, uint64_t rejected, struct otl_view text)
{
    uint8_t number[COL_VARINT_MAX];
    size_t size = (rejected > 0 ? 1 + col_varint_write(rejected, number) : 0) +
                  col_field_size(text.len);
    enum otel_err err = col_put_head(out, 1, size);

    if (err == OTEL_OK && rejected > 0)
        err = otl_buf_append_byte(out, 1 << 3 | COL_WIRE_VARINT);
    if (err == OTEL_OK && rejected > 0)
        err = col_put_varint(out, rejected);
    return err == OTEL_OK ? col_put_field(out, 2, text) : err;
}

static enum otel_err put_partial_json(struct otl_buf *out, uint64_t rejected, struct otl_view text,
                                      enum col_signal signal)
{
    static const char *const words[COL_SIGNALS] = {"Spans", "DataPoints", "LogRecords"};
    enum otel_err err =
        otl_buf_printf(out, "{\"partialSuccess\":{\"rejected%s\":\"%" PRIu64
                            "\",\"errorMessage\":\"",
                       words[signal], rejected);

    if (err == OTEL_OK)
        err = otl_buf_append(out, text.data, text.len);
    return err == OTEL_OK ? otl_buf_append_str(out, "\"}}") : err;
}

/* In what form an answer is: JSON names what it counts. */
struct form {
    bool json;
    enum col_signal signal;
};

static enum otel_err put_text(struct otl_buf *out, uint64_t rejected, struct otl_view text,
                              struct form form)
{
    return form.json ? put_partial_json(out, rejected, text, form.signal)
                     : put_partial(out, rejected, text);
}

/* An answer of size bytes, about: a text of so many. */
static enum otel_err put_large(struct otl_buf *out, uint64_t size, struct form form)
{
    struct otl_buf text;
    enum otel_err err;

    otl_buf_init(&text, (size_t)size);
    err = otl_buf_reserve(&text, (size_t)size);
    if (err == OTEL_OK) {
        memset(text.data, 'x', (size_t)size);
        err = put_text(out, 0, otl_view(text.data, (size_t)size), form);
    }
    otl_buf_fini(&text);
    return err;
}

bool col_damage_message(const struct col_fault_plan *fault, const struct col_outcome *outcome,
                        bool json, struct otl_buf *out)
{
    const struct form form = {json, outcome->signal};
    static const char page[] = "<!DOCTYPE html><html><body>this is no OTLP</body></html>\n";
    static const char gzip[] = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xff\xff\xff\xff damaged";
    static const char text[] = "a text that is long enough to be cut off in the middle of it";

    otl_buf_reset(out);
    switch (fault->kind) {
    case COL_FAULT_PARTIAL:
        return put_text(out, outcome->rejected, otl_view_str("rejected on command"), form) ==
               OTEL_OK;
    case COL_FAULT_TRUNCATED:
        return put_text(out, 0, otl_view_str(text), form) == OTEL_OK;
    case COL_FAULT_CORRUPT_GZIP:
        return otl_buf_append(out, gzip, sizeof(gzip) - 1) == OTEL_OK;
    case COL_FAULT_WRONG_TYPE:
        return otl_buf_append(out, page, sizeof(page) - 1) == OTEL_OK;
    case COL_FAULT_OVERSIZED:
        return put_large(out, fault->size, form) == OTEL_OK;
    default:
        return false;
    }
}

const char *col_damage_type(const struct col_fault_plan *fault)
{
    return fault->kind == COL_FAULT_WRONG_TYPE ? "text/html" : NULL;
}

size_t col_damage_cut(const struct col_fault_plan *fault, size_t len)
{
    return fault->kind == COL_FAULT_TRUNCATED ? len / 2 : 0;
}

const char *col_damage_retry_after(const struct col_fault_plan *fault, uint64_t wall_ns, char *out,
                                   size_t size)
{
    static const char days[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    /* a whole second later, so that the wait is never shorter than asked for */
    time_t then = (time_t)(wall_ns / OTL_NS_PER_S + fault->retry_after_s + 1);
    struct tm parts;

    if (!fault->retry_date) {
        snprintf(out, size, "%" PRIu64, fault->retry_after_s);
        return out;
    }
    gmtime_r(&then, &parts);
    snprintf(out, size, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[parts.tm_wday], parts.tm_mday,
             months[parts.tm_mon], parts.tm_year + 1900, parts.tm_hour, parts.tm_min,
             parts.tm_sec);
    return out;
}
