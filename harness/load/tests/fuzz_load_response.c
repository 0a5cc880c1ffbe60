/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "harness/load/response.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct verdict {
    enum hx_response_state state;
    size_t used;
    int status;
    bool keep_alive;
    uint64_t body_bytes;
};

/* Feed in pieces of at most step bytes. */
static struct verdict read_all(const uint8_t *data, size_t size, size_t step, bool head_only)
{
    struct verdict verdict = {HX_RESPONSE_MORE, 0, 0, false, 0};
    struct hx_response response;

    hx_response_init(&response);
    hx_response_begin(&response, head_only);
    while (verdict.state == HX_RESPONSE_MORE && verdict.used < size) {
        size_t len = size - verdict.used < step ? size - verdict.used : step;
        size_t used = 0;

        verdict.state = hx_response_feed(
            &response, otl_view((const char *)data + verdict.used, len), &used);
        if (used > len || (verdict.state == HX_RESPONSE_MORE && used != len))
            abort();
        verdict.used += used;
    }
    if (verdict.state == HX_RESPONSE_MORE)
        verdict.state = hx_response_end(&response);
    if ((verdict.state == HX_RESPONSE_BAD) != (response.problem != NULL))
        abort();
    verdict.status = response.status;
    verdict.keep_alive = response.keep_alive;
    verdict.body_bytes = response.body_bytes;
    hx_response_fini(&response);
    return verdict;
}

/* However the bytes are cut, the answer is the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (int head_only = 0; head_only <= 1; head_only++) {
        struct verdict whole = read_all(data, size, SIZE_MAX, head_only != 0);
        struct verdict bytes = read_all(data, size, 1, head_only != 0);

        if (whole.state != bytes.state || whole.status != bytes.status ||
            whole.body_bytes != bytes.body_bytes)
            abort();
        if (whole.state == HX_RESPONSE_DONE &&
            (whole.used != bytes.used || whole.keep_alive != bytes.keep_alive))
            abort();
    }
    return 0;
}
