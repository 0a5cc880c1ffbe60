/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ledger-dump DIR: what a seed decides of a recorded run, one line a request of the load client and
 * one a value of baggage, without any reading of a clock. Two runs of one seed give the same lines
 * (sorted); the offset of a request is that of its intended instant from the first one's.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "harness/ledger/reader.h"
#include "sdk/base/mem.h"

#define COUNTER_MASK ((UINT64_C(1) << 40) - 1)

struct loads { /* by the counter of their seq; one load client */
    const struct hx_led_load **open;
    const struct hx_led_load_close **close;
    size_t size;
};

static size_t count_rows(struct hx_led_reader *reader)
{
    const struct hx_led_file *file;
    size_t rows = 0;

    while (hx_led_reader_next(reader, &file) != NULL)
        rows++;
    hx_led_reader_rewind(reader);
    return rows;
}

static void print_text(const struct hx_led_record *record, struct hx_led_text text)
{
    struct otl_view view = hx_led_view(record, text);

    printf(" '%.*s'", (int)view.len, view.len > 0 ? view.data : "");
}

static void print_baggage(const struct hx_led_baggage *row)
{
    printf("baggage %" PRIu64 " %s", row->request,
           row->what == HX_LED_BAGGAGE_SET ? "set" : row->found ? "read" : "missed");
    print_text(&row->head, row->name);
    print_text(&row->head, row->value);
    printf("\n");
}

static void read_rows(struct hx_led_reader *reader, struct loads *loads)
{
    const struct hx_led_record *record;
    const struct hx_led_file *file;

    while ((record = hx_led_reader_next(reader, &file)) != NULL) {
        const void *row = record;
        uint64_t n = record->seq & COUNTER_MASK;

        if (record->type == HX_LED_BAGGAGE)
            print_baggage(row);
        else if (record->type == HX_LED_LOAD && n < loads->size)
            loads->open[n] = row;
        else if (record->type == HX_LED_LOAD_CLOSE && n < loads->size)
            loads->close[n] = row;
    }
}

static size_t print_loads(const struct loads *loads)
{
    uint64_t start_ns = UINT64_MAX;
    size_t printed = 0;

    for (size_t i = 0; i < loads->size; i++)
        if (loads->open[i] != NULL && loads->open[i]->intended_mono_ns < start_ns)
            start_ns = loads->open[i]->intended_mono_ns;
    for (size_t i = 0; i < loads->size; i++) {
        const struct hx_led_load *open = loads->open[i];
        const struct hx_led_load_close *close = loads->close[i];

        if (open == NULL)
            continue;
        printf("load %" PRIu64 " +%" PRIu64 "ns op %u", open->request,
               open->intended_mono_ns - start_ns, (unsigned)open->op);
        print_text(&open->head, open->traceparent);
        printf(" outcome %d status %d\n", close != NULL ? (int)close->outcome : -1,
               close != NULL ? (int)close->http_status : -1);
        printed++;
    }
    return printed;
}

int main(int argc, char **argv)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct hx_led_reader *reader;
    struct loads loads;
    char dir[4096];
    size_t printed;

    if (argc != 2) {
        fprintf(stderr, "usage: ledger-dump RUN-DIRECTORY\n");
        return 2;
    }
    snprintf(dir, sizeof(dir), "%s/ledger", argv[1]);
    if (hx_led_reader_open(dir, &reader, &detail) != OTEL_OK) {
        fprintf(stderr, "ledger-dump: %s: %s\n", dir, detail.text);
        return 3;
    }
    loads.size = count_rows(reader) + 1;
    loads.open = otl_mem_zalloc(loads.size * sizeof(*loads.open));
    loads.close = otl_mem_zalloc(loads.size * sizeof(*loads.close));
    if (loads.open == NULL || loads.close == NULL)
        return 3;
    read_rows(reader, &loads);
    printed = print_loads(&loads);
    otl_mem_free(loads.open);
    otl_mem_free(loads.close);
    hx_led_reader_free(reader);
    return printed > 0 && fflush(stdout) == 0 ? 0 : 3;
}
