/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>

#include "sdk/sampler/ot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A trace state as text: whatever ot says, what is written is read back, and rv stays. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct otel_trace_state *state = NULL, *written, *erased;
    struct otl_ot before, after;
    struct otel_str value;

    if (otel_trace_state_parse(otel_strn((const char *)data, size), &state) != OTEL_OK)
        return 0;
    otl_ot_read(state, &before);
    after = before;
    after.has_th = true;
    after.th = size * UINT64_C(0x1000193) & ((UINT64_C(1) << 56) - 1);
    written = otl_ot_write(state, &after);
    otl_ot_read(written, &after);
    if (after.has_rv != before.has_rv || after.rv != before.rv ||
        (after.has_th && after.th != (size * UINT64_C(0x1000193) & ((UINT64_C(1) << 56) - 1))))
        abort();
    if (otel_trace_state_get(written, otel_str("ot"), &value) && value.len > 256)
        abort();
    after.has_th = false;
    erased = otl_ot_write(written, &after);
    otl_ot_read(erased, &after);
    if (after.has_th || after.has_rv != before.has_rv || after.rv != before.rv)
        abort();
    otel_trace_state_unref(erased);
    otel_trace_state_unref(written);
    otel_trace_state_unref(state);
    return 0;
}
