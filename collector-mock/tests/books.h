/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_TESTS_BOOKS_H
#define COL_TESTS_BOOKS_H

#include "collector-mock/tests/rig.h"

/* The spans that tail sampling has received, by one answer of /metrics (between two of them a tick
 * may fall), in which received = kept + sampled out + refused + dropped by reason + held; else the
 * test fails. processor: the id. */
double books_of(const struct otl_buf *metrics, const char *processor);

#endif
