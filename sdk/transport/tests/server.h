/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_TESTS_SERVER_H
#define OTL_TESTS_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A scripted HTTP server in the test's own process: one thread, loopback, a free port.
 *
 * Every request that arrives takes the next step of the script; when the script is used up the
 * answer is a plain 200. What arrived is recorded.
 *
 * Life      new -> (script) -> ... -> free, which joins the thread.
 * Threads   the functions below may be called from the test's thread at any time.
 * Limits    32 steps, 64 recorded requests, 16 connections; a request of 1 MiB is recorded whole,
 *           of longer ones the size and the first MiB.
 */

struct srv;

/* SILENT reads on and never answers; DEAF does not even read. */
enum srv_then { SRV_KEEP, SRV_CLOSE, SRV_RESET, SRV_SILENT, SRV_DEAF };

struct srv_step {
    char raw[2048];   /* bytes of the answer; "" for none */
    size_t raw_len;   /* 0: strlen(raw) */
    size_t pad;       /* as many 'x' behind raw */
    enum srv_then then;
    bool at_accept;   /* act when the connection is opened, before a request */
    bool after_head;  /* act when the head was read, without waiting for the body */
    bool for_ever;    /* the script ends here: what follows takes this step too */
};

struct srv_request {
    unsigned connection; /* 0 = the first that was opened */
    uint64_t at_ns;      /* monotonic */
    size_t head_len;
    size_t body_len;
    char *head; /* NUL-terminated */
    char *body;
};

struct srv *srv_new(void);
void srv_free(struct srv *srv);
uint16_t srv_port(const struct srv *srv);
void srv_push(struct srv *srv, const struct srv_step *step);
/* "HTTP/1.1 STATUS x", headers ("A: b\r\n", may be ""), Content-Length, body. */
void srv_push_answer(struct srv *srv, unsigned status, const char *headers, const char *body,
                     size_t body_len);
/* Wait until count requests were recorded; false after 10 s. */
bool srv_wait(struct srv *srv, unsigned count);
unsigned srv_count(struct srv *srv);
unsigned srv_connections(struct srv *srv);
/* Lives until free. */
const struct srv_request *srv_request(struct srv *srv, unsigned i);
/* The value of a header of that request into out, or false. */
bool srv_header(const struct srv_request *request, const char *name, char *out, size_t size);

#endif
