/* SPDX-License-Identifier: Apache-2.0 */
/* main() of a fuzz target built without a fuzzer: gives it each file named on the command line. */
#ifndef OTL_LIBFUZZER

#include <stdint.h>
#include <stdio.h>

#include "sdk/base/buf.h"
#include "sdk/base/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        struct otl_buf buf;
        otl_buf_init(&buf, 64u << 20);
        if (otl_file_read(argv[i], &buf, NULL) != OTEL_OK) {
            fprintf(stderr, "cannot read %s\n", argv[i]);
            return 1;
        }
        LLVMFuzzerTestOneInput((const uint8_t *)buf.data, buf.len);
        otl_buf_fini(&buf);
    }
    return 0;
}

#endif
