/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sdk/resource/environment.h"
#include "sdk/resource/pairs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Pairs never exceed their text; a resource is made of any text, or the text is discarded. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[2048];
    struct otl_resource_environment environment = {
        .attributes = text, .service_name = "service", .instance_id = "id"};
    struct otel_sdk_resource *resource = NULL;
    struct otl_view key, value;
    struct otl_pairs pairs;
    struct otl_buf decoded;
    bool discarded = false;
    enum otel_err err;
    size_t total = 0;

    if (size >= sizeof(text))
        return 0;
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    otl_buf_init(&decoded, sizeof(text));
    otl_pairs_init(&pairs, text, &decoded);
    while (otl_pairs_next(&pairs, &err, &key, &value))
        if (err == OTEL_OK) {
            if (key.len == 0)
                abort();
            total += key.len + value.len;
        }
    if (total > size)
        abort();
    otl_buf_fini(&decoded);
    if (otl_resource_from_environment(&environment, NULL, &discarded, &resource) != OTEL_OK)
        abort();
    otel_sdk_resource_unref(resource);
    return 0;
}
