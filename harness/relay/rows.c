/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <strings.h>

#include "harness/relay/parts.h"
#include "sdk/base/text.h"

static bool read_hex(const char *text, uint64_t *ret)
{
    uint8_t bytes[8];
    uint64_t value = 0;

    if (!otl_unhex(text, sizeof(bytes), bytes))
        return false;
    for (size_t i = 0; i < sizeof(bytes); i++)
        value = value << 8 | bytes[i];
    *ret = value;
    return true;
}

bool hx_relay_request_read(struct otl_view value, uint64_t *ret_request, uint64_t *ret_seq)
{
    return value.len == HX_RELAY_REQUEST_LEN && value.data[16] == '-' &&
           read_hex(value.data, ret_request) && read_hex(value.data + 17, ret_seq);
}

static void write_hex(uint64_t value, char *out)
{
    for (int i = 15; i >= 0; i--, value >>= 4)
        out[i] = "0123456789abcdef"[value & 15];
}

void hx_relay_request_write(uint64_t request, uint64_t seq, char out[HX_RELAY_REQUEST_LEN + 1])
{
    write_hex(request, out);
    out[16] = '-';
    write_hex(seq, out + 17);
    out[HX_RELAY_REQUEST_LEN] = '\0';
}

enum otel_err hx_relay_rewrite(const char *raw, const struct hx_relay_head *head,
                               const char *value, struct otl_buf *out)
{
    const struct hx_relay_header *header = hx_relay_header(head, HX_RELAY_REQUEST_HEADER);
    size_t from, to;
    enum otel_err err;

    if (header != NULL) {
        from = (size_t)(header->value.data - raw);
        to = from + header->value.len;
    } else {
        from = to = head->size - 2; /* before the empty line */
    }
    err = otl_buf_append(out, raw, from);
    if (err == OTEL_OK && header == NULL)
        err = otl_buf_append_str(out, HX_RELAY_REQUEST_HEADER ": ");
    if (err == OTEL_OK)
        err = otl_buf_append_str(out, value);
    if (err == OTEL_OK && header == NULL)
        err = otl_buf_append_str(out, "\r\n");
    return err == OTEL_OK ? otl_buf_append(out, raw + to, head->size - to) : err;
}

/* ---- propagation headers -------------------------------------------------------------------- */

void hx_relay_texts_init(struct hx_relay_texts *texts)
{
    otl_buf_init(&texts->traceparent, HX_RELAY_HEAD_MAX);
    otl_buf_init(&texts->tracestate, HX_RELAY_HEAD_MAX);
    otl_buf_init(&texts->baggage, HX_RELAY_HEAD_MAX);
}

void hx_relay_texts_fini(struct hx_relay_texts *texts)
{
    otl_buf_fini(&texts->traceparent);
    otl_buf_fini(&texts->tracestate);
    otl_buf_fini(&texts->baggage);
}

/* All of a head fit into a buffer of a head's size. */
static struct otl_view joined(struct otl_buf *buf, const struct hx_relay_head *head,
                              const char *name)
{
    bool first = true;

    otl_buf_reset(buf);
    for (size_t i = 0; i < head->header_count; i++) {
        const struct hx_relay_header *header = &head->headers[i];
        if (header->name.len != strlen(name) ||
            strncasecmp(header->name.data, name, header->name.len) != 0)
            continue;
        if (!first)
            (void)!otl_buf_append_byte(buf, '\n');
        (void)!otl_buf_append(buf, header->value.data, header->value.len);
        first = false;
    }
    return otl_view(buf->data, buf->len);
}

struct hx_led_headers hx_relay_texts_of(struct hx_relay_texts *texts,
                                        const struct hx_relay_head *head)
{
    return (struct hx_led_headers){joined(&texts->traceparent, head, "traceparent"),
                                   joined(&texts->tracestate, head, "tracestate"),
                                   joined(&texts->baggage, head, "baggage")};
}
