/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_PROCESSORS_MEMORY_TOTAL_H
#define COL_PROCESSORS_MEMORY_TOTAL_H

#include <stdint.h>

/*
 * What limit_percentage is a share of, as in the Collector: the limit of the control group that
 * the process is in, if it has one (version 2: memory.max; version 1: memory.limit_in_bytes), else
 * the memory of the machine.
 *
 * The group's own directory is asked, then the place where groups are mounted, which is all that
 * the Collector asks for version 2 (in a container the two are the same); groups around it are not.
 *
 * root is put before the paths of /proc and /sys: "" for the machine, a directory for tests.
 */

uint64_t col_memory_total(const char *root);

#endif
