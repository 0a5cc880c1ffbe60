/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/telemetry/text.h"

#include <stdbool.h>

void col_plain_text(char *out, size_t size, struct otl_view text)
{
    size_t len = text.len < size - 1 ? text.len : size - 1;

    while (len < text.len && len > 0 && ((unsigned char)text.data[len] & 0xc0) == 0x80)
        len--;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        bool c1 = c == 0xc2 && i + 1 < len && (unsigned char)text.data[i + 1] < 0xa0;
        out[i] = c < ' ' || c == 0x7f ? '?' : text.data[i];
        if (c1) { /* U+0080..U+009F */
            out[i] = '?';
            out[++i] = '?';
        }
    }
    out[len] = '\0';
}

enum otel_err col_html_text(struct otl_buf *out, const char *text)
{
    enum otel_err err = OTEL_OK;

    for (; *text != '\0' && err == OTEL_OK; text++) {
        const char *entity = *text == '<'   ? "&lt;"
                             : *text == '>' ? "&gt;"
                             : *text == '&' ? "&amp;"
                             : *text == '"' ? "&quot;"
                             : (unsigned char)*text < ' ' ? "?"
                                                          : NULL;
        err = entity != NULL ? otl_buf_append_str(out, entity)
                             : otl_buf_append_byte(out, (uint8_t)*text);
    }
    return err;
}
