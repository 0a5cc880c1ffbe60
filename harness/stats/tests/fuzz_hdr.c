/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "harness/stats/hdr_codec.h"
#include "harness/stats/hdr_log.h"
#include "harness/stats/hdr_table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was decoded must encode to something that decodes to the same. */
static void go_around(const struct hx_hdr *hdr)
{
    struct hx_hdr *again = NULL;
    struct otl_buf out;

    otl_buf_init(&out, 1 << 26);
    if (hx_hdr_encode(hdr, &out) != OTEL_OK ||
        hx_hdr_decode(otl_view(out.data, out.len), &again) != OTEL_OK)
        abort();
    if (again->total != hdr->total || again->max != hdr->max || again->min != hdr->min)
        abort();
    otl_buf_reset(&out);
    if (hx_hdr_table(hdr, 1, &out) != OTEL_OK)
        abort();
    otl_buf_fini(&out);
    hx_hdr_free(again);
}

/* The input as a log, as a text and as bytes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct otl_view in = otl_view((const char *)data, size);
    struct hx_hdr_log_reader reader;
    struct hx_hdr_log_entry entry;
    struct hx_hdr *hdr = NULL;
    enum otel_err err;

    hx_hdr_log_reader_init(&reader, in);
    while ((err = hx_hdr_log_next(&reader, &entry, NULL)) != OTEL_ERR_CLOSED) {
        if (err == OTEL_OK) {
            go_around(entry.hdr);
            hx_hdr_free(entry.hdr);
        }
    }
    if (hx_hdr_decode(in, &hdr) == OTEL_OK) {
        go_around(hdr);
        hx_hdr_free(hdr);
    }
    return 0;
}
