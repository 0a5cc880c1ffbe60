/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>

#include "sdk/exporter/otlp_response.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever is accepted points into the body. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct otl_otlp_response response;
    const char *body = (const char *)data;

    if (otl_otlp_response_read(otl_view(body, size), &response) != OTEL_OK)
        return 0;
    if (response.rejected > INT64_MAX)
        abort();
    if (response.message.len > 0 && (response.message.data < body ||
                                     response.message.data + response.message.len > body + size))
        abort();
    return 0;
}
