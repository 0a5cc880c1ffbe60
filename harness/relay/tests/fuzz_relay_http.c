/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a request, as an answer and as a chunked body: every view lies inside of them, and
 * what comes in one piece and byte by byte is the same. */
#include <stdlib.h>
#include <string.h>

#include "harness/relay/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(struct otl_view view, const char *data, size_t size)
{
    if (view.len > 0 && (view.data < data || view.data + view.len > data + size))
        abort();
}

static void look(const struct hx_relay_head *head, const char *text, size_t size)
{
    if (head->size == 0 || head->size > size || head->size > HX_RELAY_HEAD_MAX)
        abort();
    for (size_t i = 0; i < head->header_count; i++) {
        inside(head->headers[i].name, text, head->size);
        inside(head->headers[i].value, text, head->size);
    }
}

static void body(const struct hx_relay_head *head, const char *text, size_t size)
{
    struct hx_relay_body one, many;
    size_t taken, sum = 0;

    hx_relay_body_init(&one, head);
    hx_relay_body_init(&many, head);
    taken = hx_relay_body_take(&one, text, size, NULL, NULL);
    if (taken > size)
        abort();
    for (size_t i = 0; i < size && !many.over && many.error == NULL; i++)
        sum += hx_relay_body_take(&many, text + i, 1, NULL, NULL);
    if (taken != sum || one.over != many.over || one.error != many.error)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct hx_relay_head head;
    struct hx_relay_head chunked = {.framing = HX_RELAY_CHUNKED};
    const char *text = (const char *)data;

    if (hx_relay_read_request(text, size, &head) == HX_RELAY_WHOLE) {
        look(&head, text, size);
        body(&head, text + head.size, size - head.size);
    }
    if (hx_relay_read_response(text, size, false, &head) == HX_RELAY_WHOLE) {
        look(&head, text, size);
        body(&head, text + head.size, size - head.size);
    }
    body(&chunked, text, size);
    return 0;
}
