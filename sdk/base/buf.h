/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_BUF_H
#define OTL_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <otel/err.h>

/*
 * Growable byte buffer with a maximum, and the view that borrows bytes.
 *
 * Not for fixed rows or for batch-lifetime data: see arena.h.
 *
 * Life      init (no allocation) -> append... -> fini; reset keeps the memory for reuse;
 *           take hands the bytes to the caller, who frees them with otl_mem_free().
 * Threads   one owner.
 * Memory    appended bytes are copied. data is NUL-terminated after every append, so text may be
 *           read as a C string; the NUL is not counted in len.
 * Limits    len never exceeds max; an append that would is refused whole with OTEL_ERR_LIMIT.
 */

struct otl_view {
    const char *data; /* may be NULL when len is 0; not NUL-terminated */
    size_t len;
};

struct otl_buf {
    char *data; /* never NULL once something was appended */
    size_t len;
    size_t cap;
    size_t max;
};

void otl_buf_init(struct otl_buf *buf, size_t max);
void otl_buf_fini(struct otl_buf *buf);
void otl_buf_reset(struct otl_buf *buf);

/* Make room for extra more bytes. OTEL_ERR_LIMIT: over max. OTEL_ERR_MEMORY: no memory. */
OTEL_MUST_USE enum otel_err otl_buf_reserve(struct otl_buf *buf, size_t extra);
OTEL_MUST_USE enum otel_err otl_buf_append(struct otl_buf *buf, const void *data, size_t len);
OTEL_MUST_USE enum otel_err otl_buf_append_str(struct otl_buf *buf, const char *text);
OTEL_MUST_USE enum otel_err otl_buf_append_byte(struct otl_buf *buf, uint8_t byte);
OTEL_MUST_USE enum otel_err otl_buf_printf(struct otl_buf *buf, const char *format, ...)
    OTEL_PRINTF(2, 3);
/* The bytes, now the caller's (NUL-terminated, never NULL); buf is empty again.
 * OTEL_ERR_MEMORY only when the buffer was empty and one byte could not be allocated. */
OTEL_MUST_USE enum otel_err otl_buf_take(struct otl_buf *buf, char **ret_data, size_t *ret_len);

static inline struct otl_view otl_view(const char *data, size_t len)
{
    struct otl_view view = {data, len};
    return view;
}

struct otl_view otl_view_str(const char *text);
bool otl_view_equal(struct otl_view a, struct otl_view b);
bool otl_view_is(struct otl_view a, const char *text);

#endif
