/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sdk/base/percent.h"
#include "sdk/propagation/baggage_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Each member read, decoded, written and read again is the same member. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct otl_view rest = otl_view((const char *)data, size);
    struct otl_baggage_member member, again;
    unsigned malformed = 0;
    struct otl_buf value, value_again, text;

    otl_buf_init(&value, 1 << 20);
    otl_buf_init(&value_again, 1 << 20);
    otl_buf_init(&text, 4 << 20);
    while (otl_baggage_next(&rest, &member, &malformed)) {
        struct otl_view written;
        otl_buf_reset(&value);
        otl_buf_reset(&value_again);
        otl_buf_reset(&text);
        if (otl_percent_decode_lenient(member.value, &value) != OTEL_OK)
            abort();
        member.value = otl_view(value.data, value.len);
        if (otl_baggage_write(&member, &text) != OTEL_OK)
            abort();
        written = otl_view(text.data, text.len);
        if (!otl_baggage_next(&written, &again, &malformed) || written.len != 0)
            abort();
        if (otl_percent_decode(again.value, &value_again) != OTEL_OK)
            abort();
        again.value = otl_view(value_again.data, value_again.len);
        if (!otl_view_equal(member.key, again.key) || !otl_view_equal(member.value, again.value) ||
            !otl_view_equal(member.metadata, again.metadata))
            abort();
    }
    otl_buf_fini(&value);
    otl_buf_fini(&value_again);
    otl_buf_fini(&text);
    return 0;
}
