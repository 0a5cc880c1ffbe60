/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/processors/edit.h"

#include "collector-mock/wire/parse.h"

enum otel_err col_edit_copy(struct otl_buf *out, struct otl_view raw, uint32_t without)
{
    struct col_cursor cursor = col_cursor_of(raw);
    const uint8_t *from = cursor.at, *at = cursor.at;
    enum otel_err err = OTEL_OK;
    struct col_field field;

    /* runs of fields that stay go over in one piece */
    while (err == OTEL_OK && col_field_next(&cursor, &field) == COL_NEXT_FIELD) {
        if (field.number < 32 && (without >> field.number & 1) != 0) {
            if (at > from)
                err = otl_buf_append(out, from, (size_t)(at - from));
            from = cursor.at;
        }
        at = cursor.at;
    }
    if (err == OTEL_OK && at > from)
        err = otl_buf_append(out, from, (size_t)(at - from));
    return err;
}
