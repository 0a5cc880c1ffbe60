/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "collector-mock/wire/tap.h"

/* Any bytes as a tap: each record lies within them, is what its header says, and encodes to the
 * header that was read; the reader ends, for one reason, and stays there. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

static uint64_t touch(struct otl_view body)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < body.len; i++)
        sum += (uint8_t)body.data[i];
    return sum;
}

/* Where the reading stops; *ret_lives counts the STARTs. */
static size_t read_all(struct col_tap_reader *reader, const uint8_t *data, size_t size,
                       uint64_t *ret_lives)
{
    struct col_tap_record record;
    size_t at = 0;

    while (col_tap_next(reader, &record)) {
        uint8_t header[COL_TAP_HEADER_SIZE];
        require(size - at >= COL_TAP_HEADER_SIZE);
        require(record.body.len <= size - at - COL_TAP_HEADER_SIZE);
        require((const uint8_t *)record.body.data == data + at + COL_TAP_HEADER_SIZE);
        *ret_lives += record.type == COL_TAP_START;
        require(record.life == *ret_lives);
        touch(record.body);
        col_tap_encode(&record, header);
        require(memcmp(header, data + at, sizeof(header)) == 0);
        at += COL_TAP_HEADER_SIZE + record.body.len;
    }
    return at;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct col_tap_reader reader;
    struct col_tap_record record;
    uint64_t lives = 0;
    uint8_t *copy = malloc(size > 0 ? size : 1); /* of just its size: reading on is noticed */
    size_t at;

    require(copy != NULL);
    if (size > 0)
        memcpy(copy, data, size);
    col_tap_from_memory(otl_view((const char *)copy, size), &reader);
    at = read_all(&reader, copy, size, &lives);
    require((at == size) == (!reader.torn && !reader.damaged));
    require(!reader.torn || !reader.damaged);
    require(!col_tap_next(&reader, &record));
    free(copy);
    return 0;
}
