/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_LED_READER_H
#define HX_LED_READER_H

#include <stddef.h>
#include <stdint.h>

#include <otel/err.h>

#include "harness/ledger/segment.h"
#include "sdk/base/detail.h"

/*
 * Reads the ledger directory of a run: all segments and drop records, mapped.
 *
 * Life      open -> next until NULL (rewind to read again) -> free.
 * Threads   one owner.
 * Memory    files are mapped read-only; records point into the maps and die with the reader.
 * Limits    HX_LED_FILES_MAX files.
 *
 * Records of one writer come in the order in which they were written. A damaged or truncated file
 * does not end the reading: it is named in problems, the others are read on. Files whose names
 * are not of the ledger's form are left alone.
 */

enum { HX_LED_FILES_MAX = 65536, HX_LED_PROBLEM_MAX = 64 };

struct hx_led_file {
    char *name;           /* "order-0.0.0003.led" */
    size_t instance_len;  /* of name: the instance id */
    unsigned incarnation;
    unsigned number;      /* segment; 0 for a drop record */
    struct otl_view bytes;
    struct hx_led_segment segment; /* of a .led file that begins well */
    bool told;            /* its damage is among the problems */
};

struct hx_led_problem {
    const char *file;
    size_t offset;
    char text[160];
};

struct hx_led_reader;

/* OTEL_ERR_NOT_FOUND: no such directory. OTEL_ERR_IO, _LIMIT, _MEMORY. A directory without
 * segments is no error here. */
OTEL_MUST_USE enum otel_err hx_led_reader_open(const char *dir, struct hx_led_reader **ret,
                                               struct otl_detail *reterr);
void hx_led_reader_free(struct hx_led_reader *reader);

/* *ret_file: where it stands, with the header of its segment. */
const struct hx_led_record *hx_led_reader_next(struct hx_led_reader *reader,
                                               const struct hx_led_file **ret_file);
void hx_led_reader_rewind(struct hx_led_reader *reader);

size_t hx_led_reader_segments(const struct hx_led_reader *reader);
/* The i-th drop record; NULL when there are no more. */
const struct hx_led_drops *hx_led_reader_drops(const struct hx_led_reader *reader, size_t i);
/* What could not be read; complete after the last next. *ret_count may exceed
 * HX_LED_PROBLEM_MAX, the array does not. */
const struct hx_led_problem *hx_led_reader_problems(const struct hx_led_reader *reader,
                                                    size_t *ret_count);

#endif
