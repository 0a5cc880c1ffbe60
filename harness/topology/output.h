/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_OUTPUT_H
#define HX_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What a program of somebody else's says, from a pipe into a log of bounded size: its beginning,
 * then how much was dropped, and its last words.
 *
 * Life      open -> read whenever the pipe is readable, settle when the program has ended ->
 *           close (read() and settle() do it at the end of the output).
 * Threads   one owner.
 * Limits    the log takes the bytes that it was opened with, and for each program that said more
 *           HX_OUTPUT_TAIL bytes and a line.
 */

enum { HX_OUTPUT_TAIL = 4096 };

struct hx_output {
    bool open;
    int pipe_fd; /* to be polled */
    int log_fd;
    uint64_t limit;   /* of the log, bytes */
    uint64_t room;    /* what it still takes */
    uint64_t dropped; /* since the last words were written */
    size_t last_len;
    char last[HX_OUTPUT_TAIL]; /* of what was dropped */
};

/* The log is appended to, and what stands in it counts. 0 and the program's end of the pipe, which
 * is the caller's; or errno. */
int hx_output_open(struct hx_output *output, const char *log, uint64_t limit, int *ret_fd);

/* Once, without waiting. */
void hx_output_read(struct hx_output *output);

/* Whatever is in the pipe, then, if some was dropped, how much and its last words. At the end of
 * the output it closes, too. */
void hx_output_settle(struct hx_output *output);

/* Settles, too. One that is not open is allowed. */
void hx_output_close(struct hx_output *output);

#endif
