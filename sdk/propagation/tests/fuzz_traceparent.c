/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sdk/propagation/traceparent.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is accepted is written as a version-00 header that reads back the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct otl_traceparent parsed, again;
    char text[OTL_TRACEPARENT_LEN + 1];

    if (!otl_traceparent_parse(otl_view((const char *)data, size), &parsed))
        return 0;
    if (size < OTL_TRACEPARENT_LEN || (parsed.flags & ~OTL_TRACEPARENT_FLAGS) != 0)
        abort();
    otl_traceparent_format(&parsed, text);
    if (strlen(text) != OTL_TRACEPARENT_LEN ||
        !otl_traceparent_parse(otl_view(text, OTL_TRACEPARENT_LEN), &again) ||
        memcmp(&parsed, &again, sizeof(parsed)) != 0)
        abort();
    return 0;
}
