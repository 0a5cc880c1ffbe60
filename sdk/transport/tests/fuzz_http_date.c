/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>

#include "sdk/base/clock.h"
#include "sdk/transport/retry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Retry-After in both forms: no overflow, no wait beyond ten years. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t wait_ns = 0;

    if (otl_retry_after_parse(otl_view((const char *)data, size), 1763683200ULL * OTL_NS_PER_S,
                              &wait_ns) &&
        wait_ns > 10ULL * 366 * 24 * 3600 * OTL_NS_PER_S)
        __builtin_trap();
    return 0;
}
