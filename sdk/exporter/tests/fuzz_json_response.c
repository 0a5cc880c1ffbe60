/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>

#include <jansson.h>

#include "sdk/base/text.h"
#include "sdk/exporter/json_response.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every object that jansson reads and that is such a message is read here, with the same count. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct otl_view body = otl_view((const char *)data, size);
    struct otl_otlp_response response;
    struct otl_buf text;
    enum otel_err err;
    json_t *json;

    otl_buf_init(&text, 1 << 20);
    err = otl_json_response_read(body, &text, &response);
    json = json_loadb(body.data, size, JSON_ALLOW_NUL, NULL);
    if (json_is_object(json) && json_object_get(json, "partialSuccess") == NULL && err != OTEL_OK &&
        err != OTEL_ERR_LIMIT)
        abort();
    if (err == OTEL_OK && json_is_object(json)) {
        json_t *count = json_object_get(json_object_get(json, "partialSuccess"), "rejectedSpans");
        if (json_is_integer(count) && (uint64_t)json_integer_value(count) != response.rejected)
            abort();
    }
    json_decref(json);
    otl_buf_fini(&text);
    return 0;
}
