/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sdk/transport/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever is accepted can be written into a request head, and reads back as the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char authority[OTL_URL_AUTHORITY_SIZE], text[OTL_URL_AUTHORITY_SIZE + OTL_URL_PATH_MAX + 16];
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct otl_url url, again;

    if (otl_url_parse(otl_view((const char *)data, size), &url, &detail) != OTEL_OK) {
        if (detail.text[0] == '\0')
            abort();
        return 0;
    }
    if (strpbrk(url.path, " \r\n\t") != NULL || url.path[0] != '/' || url.port == 0)
        abort();
    snprintf(text, sizeof(text), "%s://%s%s", url.tls ? "https" : "http",
             otl_url_authority(&url, authority), url.path);
    if (otl_url_parse(otl_view_str(text), &again, NULL) != OTEL_OK ||
        strcmp(url.host, again.host) != 0 || strcmp(url.path, again.path) != 0 ||
        url.port != again.port || url.tls != again.tls)
        abort();
    if (otl_url_append(&url, "v1/traces") == OTEL_OK && strstr(url.path, "v1/traces") == NULL)
        abort();
    return 0;
}
