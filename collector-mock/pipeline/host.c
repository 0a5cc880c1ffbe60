/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "collector-mock/pipeline/component.h"
#include "sdk/base/text.h"

enum otel_err col_host_endpoint(struct col_host *host, const char *id, const char *protocol,
                                const char *address)
{
    size_t at = host->endpoint_count;

    if (at == COL_ENDPOINTS_MAX)
        return OTEL_ERR_LIMIT;
    snprintf(host->endpoints[at].name, sizeof(host->endpoints[at].name), "%s%s%s", id,
             protocol[0] ? "/" : "", protocol);
    snprintf(host->endpoints[at].address, sizeof(host->endpoints[at].address), "%s", address);
    host->endpoint_count++;
    return OTEL_OK;
}

enum otel_err col_endpoint_split(const char *endpoint, char *host, size_t host_size,
                                 uint16_t *ret_port)
{
    const char *colon = strrchr(endpoint, ':'), *start = endpoint, *end = colon;
    uint64_t port;

    if (colon == NULL || otl_parse_uint(colon + 1, 0, 65535, &port) != OTEL_OK)
        return OTEL_ERR_SYNTAX;
    if (*start == '[') {
        start++;
        end = colon - 1;
        if (end < start || *end != ']')
            return OTEL_ERR_SYNTAX;
    } else if (memchr(start, ':', (size_t)(end - start)) != NULL) {
        return OTEL_ERR_SYNTAX; /* an IPv6 address needs brackets */
    }
    if ((size_t)(end - start) >= host_size)
        return OTEL_ERR_SYNTAX;
    memcpy(host, start, (size_t)(end - start));
    host[end - start] = '\0';
    *ret_port = (uint16_t)port;
    return OTEL_OK;
}

uint64_t *col_host_items(struct col_host *host, enum col_signal signal, const char *name,
                         const char *labels, const char *help)
{
    char full[128];

    snprintf(full, sizeof(full), "%s_%s", name, col_signal_items(signal));
    return col_metrics_counter(host->metrics, full, labels, help);
}
