/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/transport/url.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static enum otel_err wrong(struct otl_detail *reterr, enum otel_err code, const char *text)
{
    return otl_detail_set(reterr, code, NULL, 0, 0, "%s", text);
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool starts_with(struct otl_view text, const char *prefix)
{
    for (size_t i = 0; prefix[i] != '\0'; i++)
        if (i >= text.len || lower(text.data[i]) != prefix[i])
            return false;
    return true;
}

static struct otl_view rest(struct otl_view text, size_t from)
{
    return otl_view(text.data + from, text.len - from);
}

static size_t find_any(struct otl_view text, const char *set)
{
    size_t at = 0;

    while (at < text.len && (text.data[at] == '\0' || strchr(set, text.data[at]) == NULL))
        at++;
    return at;
}

static bool is_host_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
}

static enum otel_err take_host(struct otl_view host, struct otl_url *url,
                               struct otl_detail *reterr)
{
    struct in6_addr address;

    if (host.len == 0)
        return wrong(reterr, OTEL_ERR_SYNTAX, "the host is missing");
    if (host.len > OTL_URL_HOST_MAX)
        return wrong(reterr, OTEL_ERR_LIMIT, "the host is longer than 255 bytes");
    for (size_t i = 0; i < host.len; i++) {
        url->host[i] = lower(host.data[i]);
        if (!url->ipv6 && !is_host_char(url->host[i]))
            return wrong(reterr, OTEL_ERR_SYNTAX, "the host holds a character that no name has");
    }
    url->host[host.len] = '\0';
    if (strlen(url->host) != host.len)
        return wrong(reterr, OTEL_ERR_SYNTAX, "the host holds a character that no name has");
    if (url->ipv6 && inet_pton(AF_INET6, url->host, &address) != 1)
        return wrong(reterr, OTEL_ERR_SYNTAX, "the brackets hold no IPv6 address");
    return OTEL_OK;
}

static enum otel_err take_port(struct otl_view port, struct otl_url *url,
                               struct otl_detail *reterr)
{
    unsigned value = 0;

    if (port.len == 0) /* "host:" is the default port (RFC 3986, 3.2.3) */
        return OTEL_OK;
    for (size_t i = 0; i < port.len; i++) {
        if (port.data[i] < '0' || port.data[i] > '9')
            return wrong(reterr, OTEL_ERR_SYNTAX, "the port is not a number");
        value = value * 10 + (unsigned)(port.data[i] - '0');
        if (value > 65535)
            return wrong(reterr, OTEL_ERR_SYNTAX, "the port is above 65535");
    }
    if (value == 0)
        return wrong(reterr, OTEL_ERR_SYNTAX, "port 0 cannot be connected to");
    url->port = (uint16_t)value;
    url->has_port = true;
    return OTEL_OK;
}

static enum otel_err take_authority(struct otl_view text, struct otl_url *url,
                                    struct otl_detail *reterr)
{
    enum otel_err err;
    size_t end;

    if (find_any(text, "@") < text.len)
        return wrong(reterr, OTEL_ERR_UNSUPPORTED,
                     "user information in a URL is not supported; send a header instead");
    url->ipv6 = text.len > 0 && text.data[0] == '[';
    if (url->ipv6) {
        end = find_any(text, "]");
        if (end == text.len)
            return wrong(reterr, OTEL_ERR_SYNTAX, "the bracket of the IPv6 address is not closed");
        err = take_host(otl_view(text.data + 1, end - 1), url, reterr);
        end++;
        if (err == OTEL_OK && end < text.len && text.data[end] != ':')
            err = wrong(reterr, OTEL_ERR_SYNTAX, "text between the IPv6 address and the port");
    } else {
        end = find_any(text, ":");
        err = take_host(otl_view(text.data, end), url, reterr);
    }
    if (err != OTEL_OK || end >= text.len)
        return err;
    return take_port(rest(text, end + 1), url, reterr);
}

static enum otel_err take_path(struct otl_view text, struct otl_url *url,
                               struct otl_detail *reterr)
{
    size_t slash = text.len > 0 && text.data[0] == '/' ? 0 : 1;

    if (text.len + slash > OTL_URL_PATH_MAX)
        return wrong(reterr, OTEL_ERR_LIMIT, "the path is longer than 2047 bytes");
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '#')
            return wrong(reterr, OTEL_ERR_SYNTAX, "a fragment has no meaning in an endpoint");
        if (text.data[i] <= ' ' || text.data[i] >= 0x7f)
            return wrong(reterr, OTEL_ERR_SYNTAX,
                         "a blank, control or non-ASCII character must be percent-encoded");
    }
    url->path[0] = '/';
    if (text.len > 0)
        memcpy(url->path + slash, text.data, text.len);
    url->path[slash + text.len] = '\0';
    return OTEL_OK;
}

enum otel_err otl_url_parse(struct otl_view text, struct otl_url *ret, struct otl_detail *reterr)
{
    struct otl_url url = {.port = 80};
    enum otel_err err;
    size_t end;

    if (starts_with(text, "http://")) {
        text = rest(text, 7);
    } else if (starts_with(text, "https://")) {
        text = rest(text, 8);
        url.tls = true;
        url.port = 443;
    } else {
        return wrong(reterr, OTEL_ERR_UNSUPPORTED, "the URL must start with http:// or https://");
    }
    end = find_any(text, "/?#");
    err = take_authority(otl_view(text.data, end), &url, reterr);
    if (err == OTEL_OK)
        err = take_path(rest(text, end), &url, reterr);
    if (err == OTEL_OK)
        *ret = url;
    return err;
}

enum otel_err otl_url_append(struct otl_url *url, const char *relative)
{
    char query[OTL_URL_PATH_MAX + 1];
    size_t path = strcspn(url->path, "?"), more = strlen(relative);
    size_t slash = path > 0 && url->path[path - 1] == '/' ? 0 : 1;

    if (strlen(url->path) + slash + more > OTL_URL_PATH_MAX)
        return OTEL_ERR_LIMIT;
    memcpy(query, url->path + path, strlen(url->path + path) + 1);
    if (slash)
        url->path[path++] = '/';
    memcpy(url->path + path, relative, more);
    memcpy(url->path + path + more, query, strlen(query) + 1);
    return OTEL_OK;
}

const char *otl_url_authority(const struct otl_url *url, char *out)
{
    const char *open = url->ipv6 ? "[" : "", *close = url->ipv6 ? "]" : "";

    if (url->port == (url->tls ? 443 : 80))
        snprintf(out, OTL_URL_AUTHORITY_SIZE, "%s%s%s", open, url->host, close);
    else
        snprintf(out, OTL_URL_AUTHORITY_SIZE, "%s%s%s:%u", open, url->host, close,
                 (unsigned)url->port);
    return out;
}
