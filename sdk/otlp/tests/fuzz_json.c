/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>

#include <jansson.h>

#include "sdk/otlp/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever the bytes are, what is written is JSON in one line. */
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
    }
    otl_buf_fini(&text);
    return 0;
}
