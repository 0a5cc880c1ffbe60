/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_GUARDIAN_H
#define HX_GUARDIAN_H

#include <stdint.h>
#include <sys/types.h>

#include <otel/err.h>

#include "sdk/base/detail.h"

/*
 * Guardian: the process that starts every other process of a run and outlives the runner just
 * long enough to clean up after it.
 *
 * It is a child subreaper in a session of its own: a descendant that forks twice becomes its
 * child again, and Ctrl-C on the terminal reaches the runner alone. When the runner closes its
 * end, or dies in any way, every descendant is killed and reaped.
 *
 * Life      start (before the caller has threads) -> spawn, signal, next ... -> stop.
 * Threads   one owner.
 * Limits    HX_GUARDIAN_CHILDREN children at a time; a request is at most 32 KiB.
 */

enum { HX_GUARDIAN_CHILDREN = 1024 };

struct hx_guardian {
    int fd;      /* exits; becomes readable when a child has exited */
    int call_fd; /* requests and their answers */
    pid_t pid;
};

struct hx_spawn {
    uint32_t id;              /* the caller's number, in the exit event */
    const char *const *argv;  /* argv[0] is the path; NULL-terminated */
    const char *const *env;   /* "NAME=value" added to the guardian's own; NULL or terminated */
    const char *directory;    /* working directory; NULL = the caller's */
    const char *log;          /* file that takes stdout and stderr, appended; NULL = the caller's */
    uint64_t log_limit;       /* bytes that it may take, see output.h; 0 = no limit */
    int control;              /* becomes descriptor 3; consumed, also on failure; -1 = none */
};

struct hx_child_exit {
    uint32_t id;
    int code;                 /* exit status, or -1 */
    int signal;               /* the signal that ended it, or 0 */
    uint64_t cpu_ns;          /* user + system, with its waited-for children */
    uint64_t rss_peak_bytes;
};

OTEL_MUST_USE enum otel_err hx_guardian_start(struct hx_guardian *ret, struct otl_detail *reterr);

/* OTEL_ERR_IO: exec or the log file failed, the reason is in *reterr. OTEL_ERR_CLOSED: the
 * guardian is gone. OTEL_ERR_LIMIT: too many children, or the request is too long. */
OTEL_MUST_USE enum otel_err hx_guardian_spawn(struct hx_guardian *guardian,
                                              const struct hx_spawn *spawn, pid_t *ret_pid,
                                              struct otl_detail *reterr);

/* Send a signal to child id; one that has already exited is not an error. */
OTEL_MUST_USE enum otel_err hx_guardian_signal(struct hx_guardian *guardian, uint32_t id,
                                               int signal);

/* The next exit without waiting. OTEL_ERR_BLOCKED: none. OTEL_ERR_CLOSED: the guardian is gone. */
OTEL_MUST_USE enum otel_err hx_guardian_next(struct hx_guardian *guardian,
                                             struct hx_child_exit *ret);

/* Kill and reap whatever is left, then the guardian. NULL and a stopped one are allowed. */
void hx_guardian_stop(struct hx_guardian *guardian);

#endif
