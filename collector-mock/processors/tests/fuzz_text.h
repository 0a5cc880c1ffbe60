/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_PROCESSORS_TESTS_FUZZ_TEXT_H
#define COL_PROCESSORS_TESTS_FUZZ_TEXT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* For fuzz targets that take a text with a NUL behind it, in two ways. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void fuzz_text(const uint8_t *data, size_t size,
                             void (*take)(const char *text, bool second))
{
    char *text = malloc(size + 1);

    if (text == NULL)
        abort();
    memcpy(text, data, size);
    text[size] = '\0';
    take(text, false);
    take(text, true);
    free(text);
}

#endif
