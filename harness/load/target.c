/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/load/target.h"

#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sdk/base/text.h"

enum { PROBE_MILLIS = 2000 };

static enum otel_err not_a_url(const char *url, const char *why, struct otl_detail *reterr)
{
    return otl_detail_set(reterr, OTEL_ERR_SYNTAX, NULL, 0, 0, "'%s' is not a URL: %s", url, why);
}

static const char *skip_scheme(const char *url)
{
    return strncmp(url, "http://", 7) == 0 ? url + 7 : url;
}

static enum otel_err parse_path(const char *url, const char *text, struct hx_target *target,
                                struct otl_detail *reterr)
{
    size_t len = strcspn(text, "#");
    size_t slash = *text == '/' ? 0 : 1;

    if (len + slash >= sizeof(target->path))
        return not_a_url(url, "the path is too long", reterr);
    target->path[0] = '/';
    memcpy(target->path + slash, text, len);
    target->path[len + slash] = '\0';
    return OTEL_OK;
}

/* HOST, HOST:PORT or [V6]:PORT; text[0..len). */
static enum otel_err parse_authority(const char *url, const char *text, size_t len,
                                     struct hx_target *target, struct otl_detail *reterr)
{
    const char *end = text + len;
    const char *host = text;
    const char *host_end, *colon;
    uint64_t port = 80;

    if (len != 0 && *text == '[') {
        host = text + 1;
        host_end = memchr(text, ']', len);
        colon = host_end == NULL ? NULL : host_end + 1;
        if (host_end == NULL || (colon != end && *colon != ':'))
            return not_a_url(url, "the address in brackets does not end", reterr);
    } else {
        colon = memchr(text, ':', len);
        host_end = colon = colon == NULL ? end : colon;
    }
    if (host_end == host || (size_t)(host_end - host) >= sizeof(target->host))
        return not_a_url(url, "no host, or too long a one", reterr);
    if (memchr(text, '@', len) != NULL)
        return not_a_url(url, "user names are not supported", reterr);
    snprintf(target->host, sizeof(target->host), "%.*s", (int)(host_end - host), host);
    snprintf(target->port, sizeof(target->port), "80");
    if (colon != end) {
        snprintf(target->port, sizeof(target->port), "%.*s", (int)(end - colon - 1), colon + 1);
        if (end - colon - 1 >= (int)sizeof(target->port) ||
            otl_parse_uint(target->port, 1, 65535, &port) != OTEL_OK)
            return not_a_url(url, "the port must be 1 to 65535", reterr);
    }
    if (port == 80) /* the default port is left out */
        len = (size_t)(colon - text);
    snprintf(target->authority, sizeof(target->authority), "%.*s", (int)len, text);
    return OTEL_OK;
}

enum otel_err hx_target_parse(const char *url, struct hx_target *ret, struct otl_detail *reterr)
{
    const char *authority = skip_scheme(url);
    size_t len = strcspn(authority, "/?#");
    struct hx_target target;
    enum otel_err err;

    if (strncmp(url, "https://", 8) == 0)
        return otl_detail_set(reterr, OTEL_ERR_UNSUPPORTED, NULL, 0, 0,
                              "'%s': the load generator speaks http only", url);
    if (strstr(url, "://") != NULL && authority == url)
        return not_a_url(url, "it must begin with http://", reterr);
    memset(&target, 0, sizeof(target));
    err = parse_authority(url, authority, len, &target, reterr);
    if (err == OTEL_OK)
        err = parse_path(url, authority + len, &target, reterr);
    if (err == OTEL_OK)
        *ret = target;
    return err;
}

/* Does somebody listen there? "localhost" is often two addresses and only one of them served. */
static bool answers(const struct addrinfo *at)
{
    int fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct pollfd wait = {fd, POLLOUT, 0};
    int error = 0;
    socklen_t len = sizeof(error);
    bool ok;

    if (fd < 0)
        return false;
    ok = connect(fd, at->ai_addr, at->ai_addrlen) == 0 ||
         (poll(&wait, 1, PROBE_MILLIS) == 1 &&
          getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error == 0);
    close(fd);
    return ok;
}

/* The first that answers if there is a choice, else the first. */
static const struct addrinfo *choose(const struct addrinfo *found)
{
    if (found->ai_next != NULL)
        for (const struct addrinfo *at = found; at != NULL; at = at->ai_next)
            if (answers(at))
                return at;
    return found;
}

enum otel_err hx_target_resolve(const struct hx_target *target, struct hx_address *ret,
                                struct otl_detail *reterr)
{
    struct addrinfo hints;
    struct addrinfo *found = NULL;
    const struct addrinfo *chosen;
    int code;

    memset(&hints, 0, sizeof(hints));
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV;
    code = getaddrinfo(target->host, target->port, &hints, &found);
    if (code != 0)
        return otl_detail_set(reterr, OTEL_ERR_UNAVAILABLE, NULL, 0, 0, "%s: %s", target->host,
                              gai_strerror(code));
    memset(ret, 0, sizeof(*ret));
    chosen = choose(found);
    memcpy(&ret->bytes, chosen->ai_addr, chosen->ai_addrlen);
    ret->len = chosen->ai_addrlen;
    freeaddrinfo(found);
    return OTEL_OK;
}
