/* SPDX-License-Identifier: Apache-2.0 */
/* A look at a Prometheus endpoint on loopback. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "harness/topology/parts.h"
#include "sdk/base/text.h"

static int dial(const char *address, unsigned limit_millis)
{
    const struct timeval limit = {limit_millis / 1000, (suseconds_t)(limit_millis % 1000) * 1000};
    struct sockaddr_in to = {.sin_family = AF_INET};
    const char *colon = strrchr(address, ':');
    char host[64];
    uint64_t port;
    int fd;

    if (colon == NULL || (size_t)(colon - address) >= sizeof(host) ||
        otl_parse_uint(colon + 1, 1, 65535, &port) != OTEL_OK)
        return -1;
    snprintf(host, sizeof(host), "%.*s", (int)(colon - address), address);
    if (inet_pton(AF_INET, host, &to.sin_addr) != 1)
        return -1;
    to.sin_port = htons((uint16_t)port);
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

bool hx_metrics_get(const char *address, unsigned limit_millis, struct otl_buf *text)
{
    static const char request[] =
        "GET /metrics HTTP/1.0\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    int fd = dial(address, limit_millis);
    char block[8192], *body;
    ssize_t got = 0;
    bool whole;

    if (fd < 0)
        return false;
    if (send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) == (ssize_t)sizeof(request) - 1)
        while ((got = recv(fd, block, sizeof(block), 0)) > 0)
            if (otl_buf_append(text, block, (size_t)got) != OTEL_OK)
                break;
    close(fd);
    body = text->len > 0 ? strstr(text->data, "\r\n\r\n") : NULL;
    whole = got == 0 && body != NULL && strncmp(text->data, "HTTP/1.", 7) == 0 &&
            strncmp(text->data + 8, " 200", 4) == 0;
    if (whole) {
        size_t head = (size_t)(body + 4 - text->data);
        memmove(text->data, body + 4, text->len - head + 1);
        text->len -= head;
    }
    return whole;
}
