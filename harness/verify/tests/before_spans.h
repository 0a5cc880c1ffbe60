/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_TESTS_BEFORE_SPANS_H
#define HX_TESTS_BEFORE_SPANS_H

#include "harness/verify/tail/oracle.h"
#include "sdk/base/random.h"

/* Random requests of spans that statements find something in, and a span in full as a text. What
 * goes wrong fails the test. */

/* Into ret, which is begun here and the caller's to end. */
void before_spans(struct otl_random *random, struct otl_buf *ret);
/* Every field, the attributes in their order; the caller's to free. */
char *before_span_text(const struct hx_tail_span *span);

#endif
