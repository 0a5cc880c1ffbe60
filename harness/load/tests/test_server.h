/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_LOAD_TEST_SERVER_H
#define HX_LOAD_TEST_SERVER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "harness/load/target.h"

/*
 * A server for tests: answers on 127.0.0.1 in one of many ways, from a thread of its own.
 *
 * Life      start -> (let the load run) -> stop; its counts may be read after stop.
 */

enum test_server_kind {
    SERVER_FAST,
    SERVER_CHUNKED,
    SERVER_CLOSING, /* one answer a connection */
    SERVER_ERRORS,  /* every second answer is a 503 */
    SERVER_STALLS,  /* once, at request 20, it does nothing at all for stall_ms */
    SERVER_DROPS,   /* closes in place of every fifth answer */
    SERVER_GARBAGE,
    SERVER_SILENT
};

enum { TEST_SERVER_IDS = 4096, TEST_SERVER_CONNECTIONS = 256 };

struct test_server {
    enum test_server_kind kind;
    int stall_ms;
    int listener;
    int stop_pipe[2];
    pthread_t thread;
    uint64_t requests;
    uint64_t ids[TEST_SERVER_IDS]; /* of tracerig-request, in the order of arrival */
    uint64_t bytes;
    char first[1024]; /* the first request's bytes */
    struct hx_address address;
};

void test_server_start(struct test_server *server, enum test_server_kind kind, int stall_ms);
void test_server_stop(struct test_server *server);

/* An address of 127.0.0.1 where nobody listens; *ret_fd holds the port until it is closed. */
struct hx_address test_refusing_address(int *ret_fd);

#endif
