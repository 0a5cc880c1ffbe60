/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as grpc-status-details-bin: a delay or none, never a read outside. */
#include <stdlib.h>

#include "sdk/transport/grpc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t delay_ns = 0;

    if (otl_grpc_retry_info(data, size, &delay_ns) && delay_ns > 86401ULL * 1000000000ULL)
        abort();
    return 0;
}
