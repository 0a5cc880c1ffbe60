/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "collector-mock/wire/json.h"
#include "sdk/otlp/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Through the Collector's own reader and written again. False: over a limit, or it has ids of
 * another length, which are no ids to that reader. */
static bool read_and_write(const struct otl_buf *text, struct otl_buf *again)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct otl_buf bytes;
    enum otel_err err;

    otl_buf_init(&bytes, 16 << 20);
    err = col_json_decode(COL_TRACES, otl_view(text->data, text->len), &bytes, &detail);
    if (err == OTEL_OK)
        err = otl_json_request(otel_strn(bytes.len != 0 ? bytes.data : "", bytes.len), again);
    if ((err == OTEL_ERR_CORRUPT && strstr(detail.text, "an id was expected") == NULL) ||
        err == OTEL_ERR_SYNTAX) {
        fprintf(stderr, "%s, %s: %.*s\n", otel_err_name(err), detail.text, (int)text->len,
                text->data);
        abort();
    }
    otl_buf_fini(&bytes);
    return err == OTEL_OK;
}

/* The first time, fields that say their default are left out; then the text stays. */
static void there_and_back(const struct otl_buf *text)
{
    struct otl_buf once, twice;

    otl_buf_init(&once, 16 << 20);
    otl_buf_init(&twice, 16 << 20);
    if (read_and_write(text, &once) && read_and_write(&once, &twice) &&
        (twice.len != once.len || memcmp(twice.data, once.data, once.len) != 0)) {
        fprintf(stderr, "%.*s\nis read as %.*s\n", (int)once.len, once.data, (int)twice.len,
                twice.data);
        abort();
    }
    if (once.len > text->len)
        abort(); /* nothing is added */
    otl_buf_fini(&once);
    otl_buf_fini(&twice);
}

/* Whatever the bytes are, what is written is JSON in one line, which says the same when it is read
 * and written again. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct otl_buf text;
    json_t *json;

    otl_buf_init(&text, 16 << 20);
    if (otl_json_request(otel_strn((const char *)data, size), &text) == OTEL_OK) {
        json = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
        if (json == NULL || memchr(text.data, '\n', text.len) != NULL)
            abort();
        json_decref(json);
        there_and_back(&text);
    }
    otl_buf_fini(&text);
    return 0;
}
