/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/relay/http.h"

#include <string.h>
#include <strings.h>

#include "sdk/base/text.h"

static bool is_token(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool all_tokens(struct otl_view text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!is_token(text.data[i]))
            return false;
    return text.len > 0;
}

static bool is_text(struct otl_view text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if ((c < ' ' && c != '\t') || c == 127)
            return false;
    }
    return true;
}

static bool is_word(struct otl_view text, const char *word)
{
    return text.len == strlen(word) && strncasecmp(text.data, word, text.len) == 0;
}

static struct otl_view trim(struct otl_view text)
{
    while (text.len > 0 && (text.data[0] == ' ' || text.data[0] == '\t'))
        text = otl_view(text.data + 1, text.len - 1);
    while (text.len > 0 && (text.data[text.len - 1] == ' ' || text.data[text.len - 1] == '\t'))
        text.len--;
    return text;
}

static enum hx_relay_parsed bad(struct hx_relay_head *head, const char *error)
{
    head->error = error;
    return HX_RELAY_BAD;
}

/* The next line without its CR LF; false: there is none, or it is no line. */
static bool next_line(const char *data, size_t len, size_t *at, struct otl_view *ret)
{
    const char *end = memchr(data + *at, '\n', len - *at);

    if (end == NULL || end == data + *at || end[-1] != '\r')
        return false;
    *ret = otl_view(data + *at, (size_t)(end - 1 - (data + *at)));
    *at = (size_t)(end + 1 - data);
    return memchr(ret->data, '\r', ret->len) == NULL;
}

/* ---- headers -------------------------------------------------------------------------------- */

const struct hx_relay_header *hx_relay_header(const struct hx_relay_head *head, const char *name)
{
    for (size_t i = 0; i < head->header_count; i++)
        if (is_word(head->headers[i].name, name))
            return &head->headers[i];
    return NULL;
}

static const char *read_header(struct hx_relay_head *head, struct otl_view line)
{
    const char *colon = memchr(line.data, ':', line.len);
    struct hx_relay_header *header = &head->headers[head->header_count];

    if (head->header_count == HX_RELAY_HEADERS_MAX)
        return "too many headers";
    if (line.data[0] == ' ' || line.data[0] == '\t')
        return "a folded header line";
    if (colon == NULL)
        return "a header line without a colon";
    header->name = otl_view(line.data, (size_t)(colon - line.data));
    header->value = trim(otl_view(colon + 1, line.len - header->name.len - 1));
    if (!all_tokens(header->name))
        return "a header's name has characters that it must not have";
    if (!is_text(header->value))
        return "a control character in a header's value";
    head->header_count++;
    return NULL;
}

static bool read_length(struct otl_view text, uint64_t *ret)
{
    uint64_t value = 0;

    if (text.len == 0 || text.len > 18)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        value = value * 10 + (uint64_t)(text.data[i] - '0');
    }
    *ret = value;
    return true;
}

/* What the headers say of the body; *ret_length is set when there is a Content-Length. */
static const char *read_framing(struct hx_relay_head *head, bool *ret_has_length)
{
    bool chunked = false;

    *ret_has_length = false;
    for (size_t i = 0; i < head->header_count; i++) {
        const struct hx_relay_header *header = &head->headers[i];
        uint64_t length;
        if (is_word(header->name, "content-length")) {
            if (!read_length(header->value, &length))
                return "a Content-Length that is no number";
            if (*ret_has_length && length != head->length)
                return "two different Content-Lengths";
            *ret_has_length = true;
            head->length = length;
        } else if (is_word(header->name, "transfer-encoding")) {
            if (chunked || !is_word(header->value, "chunked"))
                return "a transfer coding other than chunked";
            chunked = true;
        }
    }
    if (chunked && *ret_has_length)
        return "both Content-Length and Transfer-Encoding";
    head->framing = chunked           ? HX_RELAY_CHUNKED
                    : *ret_has_length ? HX_RELAY_LENGTH
                                      : HX_RELAY_NO_BODY;
    return NULL;
}

/* From the line after the first one to the empty line. */
static enum hx_relay_parsed read_headers(const char *data, size_t len, size_t at,
                                         struct hx_relay_head *head, bool *ret_has_length)
{
    struct otl_view line;
    const char *error = NULL;

    for (;;) {
        if (!next_line(data, len, &at, &line))
            return bad(head, "a line that does not end with CR LF");
        if (line.len == 0)
            break;
        error = read_header(head, line);
        if (error != NULL)
            return bad(head, error);
    }
    head->size = at;
    error = read_framing(head, ret_has_length);
    return error != NULL ? bad(head, error) : HX_RELAY_WHOLE;
}

/* Is the empty line there? A bare line feed pair ends a head too: it is then refused. */
static enum hx_relay_parsed look(const char *data, size_t len, struct hx_relay_head *head)
{
    size_t seen = len < HX_RELAY_HEAD_MAX ? len : HX_RELAY_HEAD_MAX;

    memset(head, 0, offsetof(struct hx_relay_head, headers));
    head->header_count = 0;
    head->error = NULL;
    for (const char *at = data; (at = memchr(at, '\n', seen - (size_t)(at - data))) != NULL; at++) {
        size_t rest = seen - (size_t)(at - data);
        if ((rest > 1 && at[1] == '\n') || (rest > 2 && at[1] == '\r' && at[2] == '\n'))
            return HX_RELAY_WHOLE;
    }
    return len < HX_RELAY_HEAD_MAX ? HX_RELAY_MORE : bad(head, "a head that is too long");
}

/* ---- first lines ---------------------------------------------------------------------------- */

static bool is_version(struct otl_view text)
{
    return otl_view_is(text, "HTTP/1.1") || otl_view_is(text, "HTTP/1.0");
}

enum hx_relay_parsed hx_relay_read_request(const char *data, size_t len, struct hx_relay_head *ret)
{
    enum hx_relay_parsed parsed = look(data, len, ret);
    struct otl_view line;
    const char *first, *last;
    size_t at = 0;
    bool has_length;

    if (parsed != HX_RELAY_WHOLE)
        return parsed;
    if (!next_line(data, len, &at, &line))
        return bad(ret, "a line that does not end with CR LF");
    first = memchr(line.data, ' ', line.len);
    last = memrchr(line.data, ' ', line.len);
    if (first == NULL || first == last)
        return bad(ret, "no request line");
    ret->method = otl_view(line.data, (size_t)(first - line.data));
    ret->target = otl_view(first + 1, (size_t)(last - first - 1));
    if (!all_tokens(ret->method) || ret->target.len == 0 || !is_text(ret->target) ||
        memchr(ret->target.data, ' ', ret->target.len) != NULL)
        return bad(ret, "no request line");
    if (!is_version(otl_view(last + 1, (size_t)(line.data + line.len - last - 1))))
        return bad(ret, "a version other than HTTP/1.0 and HTTP/1.1");
    return read_headers(data, len, at, ret, &has_length);
}

enum hx_relay_parsed hx_relay_read_response(const char *data, size_t len, bool to_head,
                                            struct hx_relay_head *ret)
{
    enum hx_relay_parsed parsed = look(data, len, ret);
    struct otl_view line;
    size_t at = 0;
    bool has_length;

    if (parsed != HX_RELAY_WHOLE)
        return parsed;
    if (!next_line(data, len, &at, &line))
        return bad(ret, "a line that does not end with CR LF");
    if (line.len < 12 || !is_version(otl_view(line.data, 8)) || line.data[8] != ' ' ||
        (line.len > 12 && line.data[12] != ' '))
        return bad(ret, "no status line");
    for (size_t i = 9; i < 12; i++) {
        if (line.data[i] < '0' || line.data[i] > '9')
            return bad(ret, "no status line");
        ret->status = ret->status * 10 + (unsigned)(line.data[i] - '0');
    }
    parsed = read_headers(data, len, at, ret, &has_length);
    if (parsed != HX_RELAY_WHOLE)
        return parsed;
    if (to_head || ret->status < 200 || ret->status == 204 || ret->status == 304)
        ret->framing = HX_RELAY_NO_BODY;
    else if (ret->framing == HX_RELAY_NO_BODY)
        ret->framing = HX_RELAY_UNTIL_CLOSE;
    return parsed;
}
