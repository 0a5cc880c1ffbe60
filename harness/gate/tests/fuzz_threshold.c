/* SPDX-License-Identifier: Apache-2.0 */
/* Any line is read or refused with a reason and a place inside of it; one that is read is read the
 * same again, and finds nothing in an empty report. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/gate/figure.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int truth, const char *what)
{
    if (truth)
        return;
    fprintf(stderr, "fuzz_threshold: %s\n", what);
    abort();
}

static void try_line(const char *text, const json_t *schema, const json_t *report)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct hx_threshold one, two;
    struct hx_found found[4];
    enum otel_err err = hx_threshold_parse(text, schema, &one, &detail);

    if (err != OTEL_OK) {
        must(detail.text[0] != '\0', "refused without a reason");
        must(detail.column >= 1 && detail.column <= strlen(text) + 1, "a place outside the line");
        return;
    }
    must(hx_threshold_parse(one.text, schema, &two, NULL) == OTEL_OK, "not read again");
    must(one.limit == two.limit && one.op == two.op && one.figure.kind == two.figure.kind,
         "read differently");
    must(hx_figure_find(&one.figure, report, found, 4) == 0, "found in nothing");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static json_t *schema, *report;
    char *text;

    if (schema == NULL) {
        schema = hx_report_schema();
        report = json_array();
        must(schema != NULL && report != NULL, "no memory");
    }
    text = malloc(size + 1);
    must(text != NULL, "no memory");
    memcpy(text, data, size);
    text[size] = '\0';
    try_line(text, schema, report);
    free(text);
    return 0;
}
