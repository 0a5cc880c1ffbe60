/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sdk/transport/response.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_BODY = 4096 };

/* The first byte says how the rest is cut into pieces; the verdict must not depend on it, nor the
 * body of what is whole. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct otl_response whole, split;
    size_t step;

    if (size < 1)
        return 0;
    step = data[0] % 64 + 1;
    data++;
    size--;
    otl_response_init(&whole, MAX_BODY);
    otl_response_init(&split, MAX_BODY);
    if (size > 0)
        otl_response_feed(&whole, (const char *)data, size);
    for (size_t at = 0; at < size; at += step)
        otl_response_feed(&split, (const char *)data + at, size - at < step ? size - at : step);
    if (whole.state == OTL_RESPONSE_MORE)
        otl_response_feed(&whole, NULL, 0);
    if (split.state == OTL_RESPONSE_MORE)
        otl_response_feed(&split, NULL, 0);
    if (whole.state != split.state || whole.status != split.status ||
        whole.body.len > MAX_BODY || split.body.len > MAX_BODY)
        abort();
    if (whole.state == OTL_RESPONSE_DONE && whole.body.len != split.body.len)
        abort();
    if (whole.state == OTL_RESPONSE_DONE && whole.body.len > 0 &&
        memcmp(whole.body.data, split.body.data, whole.body.len) != 0)
        abort();
    if (whole.state == OTL_RESPONSE_DONE && (whole.status < 200 || whole.status > 599))
        abort();
    otl_response_fini(&whole);
    otl_response_fini(&split);
    return 0;
}
