/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/service/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

/* ---- sockets -------------------------------------------------------------------------------- */

void hx_http_cannot_listen(const struct hx_http_server_options *options, struct otl_detail *reterr)
{
    (void)otl_detail_set(reterr, OTEL_ERR_IO, NULL, 0, 0, "cannot listen on %s:%u: %s",
                         options->address, options->port, strerror(errno));
}

uint16_t hx_http_port_of(int fd)
{
    struct sockaddr_in name;
    socklen_t len = sizeof(name);

    if (getsockname(fd, (struct sockaddr *)&name, &len) != 0)
        return 0;
    return ntohs(name.sin_port);
}

/* ---- text ----------------------------------------------------------------------------------- */

const char *hx_http_reason(int status)
{
    static const struct {
        int status;
        const char *reason;
    } reasons[] = {{200, "OK"},
                   {201, "Created"},
                   {202, "Accepted"},
                   {204, "No Content"},
                   {400, "Bad Request"},
                   {401, "Unauthorized"},
                   {402, "Payment Required"},
                   {403, "Forbidden"},
                   {404, "Not Found"},
                   {405, "Method Not Allowed"},
                   {409, "Conflict"},
                   {422, "Unprocessable Content"},
                   {429, "Too Many Requests"},
                   {500, "Internal Server Error"},
                   {502, "Bad Gateway"},
                   {503, "Service Unavailable"},
                   {504, "Gateway Timeout"}};

    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "Status";
}

struct otl_view hx_http_trim(struct otl_view value)
{
    while (value.len != 0 && (value.data[0] == ' ' || value.data[0] == '\t')) {
        value.data++;
        value.len--;
    }
    while (value.len != 0 &&
           (value.data[value.len - 1] == ' ' || value.data[value.len - 1] == '\t'))
        value.len--;
    return value;
}

static char *add(char *out, const char *text, size_t len)
{
    memcpy(out, text, len);
    return out + len;
}

static char *add_number(char *out, size_t number)
{
    char digits[24];
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    return add(out, digits + at, sizeof(digits) - at);
}

/* Without snprintf, which costs as much as the rest of a reply. */
char *hx_http_write_head(char *out, int status, size_t body_len, bool keep_alive)
{
    static const char start[] = "HTTP/1.1 ", length[] = "\r\nContent-Length: ",
                      end[] = "\r\n\r\n", last[] = "\r\nConnection: close\r\n\r\n";
    const char *reason = hx_http_reason(status);

    out = add(out, start, sizeof(start) - 1);
    out = add_number(out, (size_t)status);
    *out++ = ' ';
    out = add(out, reason, strlen(reason));
    out = add(out, length, sizeof(length) - 1);
    out = add_number(out, body_len);
    return keep_alive ? add(out, end, sizeof(end) - 1) : add(out, last, sizeof(last) - 1);
}
