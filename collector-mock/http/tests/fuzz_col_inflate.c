/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>

#include "collector-mock/http/inflate.h"

/* The first byte chooses the encoding, the rest is the body. The output never exceeds its limit. */

enum { LIMIT = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const encodings[] = {"gzip", "deflate", "br", "zstd"};
    struct otl_buf out;

    if (size == 0)
        return 0;
    otl_buf_init(&out, LIMIT);
    if (col_inflate(otl_view_str(encodings[data[0] % 4]),
                    otl_view((const char *)data + 1, size - 1), &out, NULL) == OTEL_OK &&
        out.len > LIMIT)
        abort();
    otl_buf_fini(&out);
    return 0;
}
