/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_EXTENSIONS_BASE64_H
#define COL_EXTENSIONS_BASE64_H

#include <stdint.h>

#include "sdk/base/buf.h"

/*
 * Base 64 of the standard alphabet, padded, as headers and password files carry it.
 */

OTEL_MUST_USE enum otel_err col_base64_append(struct otl_buf *out, struct otl_view bytes);
/* The number of bytes; SIZE_MAX: it is no base 64, or stands for more than out holds. */
size_t col_base64_decode(struct otl_view text, uint8_t *out, size_t size);

#endif
