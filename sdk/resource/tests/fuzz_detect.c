/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sdk/resource/detect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The files that detectors read, as anything: an id is 64 digits, a value fits its room. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct otl_view text = otl_view((const char *)data, size);
    char id[OTL_CONTAINER_ID_LEN + 1], value[20];

    if (otl_container_of_cgroup(text, id) && strspn(id, "0123456789abcdef") != 64)
        abort();
    if (otl_container_of_mounts(text, id) && strspn(id, "0123456789abcdef") != 64)
        abort();
    if (otl_os_release(text, "NAME", value, sizeof(value)) && strlen(value) >= sizeof(value))
        abort();
    return 0;
}
