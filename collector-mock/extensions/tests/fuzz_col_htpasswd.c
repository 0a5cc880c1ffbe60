/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "collector-mock/extensions/base64.h"
#include "collector-mock/extensions/htpasswd.h"

/* Any bytes as a file of passwords, and as base 64: what is found is asked for its password, and
 * what is encoded comes back. Forms that are made to take long are left alone. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void round_trip(const uint8_t *data, size_t size)
{
    uint8_t *back = malloc(size + 1);
    struct otl_buf text;

    otl_buf_init(&text, 1 << 22);
    if (back == NULL ||
        col_base64_append(&text, otl_view((const char *)data, size)) != OTEL_OK ||
        col_base64_decode(otl_view(text.data, text.len), back, size) != size ||
        memcmp(back, data, size) != 0)
        abort();
    (void)col_base64_decode(otl_view((const char *)data, size), back, size);
    free(back);
    otl_buf_fini(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct otl_view text = otl_view((const char *)data, size);
    const struct col_htpasswd_user *user;
    struct col_htpasswd *file = NULL;
    size_t skipped = 0;

    if (size > 65536)
        return 0;
    if (size > 0)
        round_trip(data, size);
    if (col_htpasswd_new(text, &file, &skipped) != OTEL_OK)
        return 0;
    for (size_t at = 0; at < size; at++) {
        size_t len = 0;
        while (at + len < size && data[at + len] != ':' && data[at + len] != '\n')
            len++;
        user = col_htpasswd_find(file, otl_view(text.data + at, len));
        if (user != NULL && !col_htpasswd_is_slow(user))
            (void)col_htpasswd_match(user, otl_view(text.data + at, len));
        at += len;
    }
    col_htpasswd_free(file);
    return 0;
}
