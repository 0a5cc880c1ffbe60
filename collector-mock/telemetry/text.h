/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_TELEMETRY_TEXT_H
#define COL_TELEMETRY_TEXT_H

#include "sdk/base/buf.h"

/* What others have said, for terminals and pages. */

/* Cut between characters to size - 1 bytes; nothing that a terminal would obey. */
void col_plain_text(char *out, size_t size, struct otl_view text);
/* Text between tags; what is no printable text becomes a question mark. */
OTEL_MUST_USE enum otel_err col_html_text(struct otl_buf *out, const char *text);

#endif
