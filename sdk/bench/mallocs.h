/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_BENCH_MALLOCS_H
#define OTL_BENCH_MALLOCS_H

#include <stdint.h>

/* Calls of malloc, calloc and realloc so far, by every thread and library of this process: the
 * program has its own, which count and pass on. Needs glibc, and no sanitizer. */
uint64_t mallocs(void);

#endif
