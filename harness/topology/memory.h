/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_MEMORY_H
#define HX_MEMORY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Memory of one process, in parts. Most of what is resident of one of our services is its ledger:
 * two segments of it are mapped, and touched ahead, whatever the service does. What tracing needs
 * is in the anonymous part.
 *
 * Not a peak: the kernel keeps that for all parts together only (rss_peak_bytes). Whoever wants
 * the largest looks often, and says when.
 *
 * Threads   none.
 * Limits    the kernel's counters run behind by up to some hundred KiB for every processor.
 */

struct hx_memory {
    uint64_t anon_bytes;   /* RssAnon: heap, stacks, what else is the process's own */
    uint64_t mapped_bytes; /* RssFile + RssShmem: programs, libraries, and the ledger */
    uint64_t ledger_bytes; /* of them: the segments of ledger and drop record; 0 = not looked at */
};

/* From /proc/PID/status. False, and nothing is written: it has ended, or has no such fields. */
bool hx_memory_read(pid_t pid, struct hx_memory *ret);
/* The ledger's part, from /proc/PID/smaps, for which the kernel goes through the process's page
 * tables: not while it is measured. */
bool hx_memory_read_ledger(pid_t pid, struct hx_memory *ret);

/* Each part of *most becomes at least that of *now. */
void hx_memory_widen(struct hx_memory *most, const struct hx_memory *now);

/* What the two above read; pure. */
bool hx_memory_of_status(const char *text, struct hx_memory *ret);
bool hx_memory_of_smaps(const char *text, struct hx_memory *ret);

#endif
