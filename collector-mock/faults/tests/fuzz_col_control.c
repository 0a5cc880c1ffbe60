/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "collector-mock/faults/control.h"

/* Any bytes on the live channel: every line is obeyed or answered with why not, and the faults that
 * they began end with the layer. */

enum { INPUT_MAX = 4096, TURNS = 8 }; /* what is said to it has room in a socket */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

static size_t lines_of(const uint8_t *data, size_t size)
{
    size_t lines = 0;

    for (size_t i = 0; i < size; i++)
        lines += data[i] == '\n';
    return lines;
}

/* What was said is lines, of objects. */
static size_t hear(int fd)
{
    static uint8_t heard[1 << 20];
    size_t len = 0;
    ssize_t got;

    while (len < sizeof(heard) &&
           (got = recv(fd, heard + len, sizeof(heard) - len, MSG_DONTWAIT)) > 0)
        len += (size_t)got;
    require(len == 0 || (heard[0] == '{' && heard[len - 1] == '\n'));
    return lines_of(heard, len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct event_base *base = event_base_new();
    struct col_metrics *metrics = NULL;
    struct col_faults *faults = NULL;
    struct col_control *control = NULL;
    struct col_faults_options options;
    struct otl_log log;
    int pair[2];

    if (size > INPUT_MAX)
        size = INPUT_MAX;
    otl_log_init(&log, -1, OTL_LOG_ERROR, "fuzz");
    require(base != NULL && col_metrics_new(&metrics) == OTEL_OK);
    require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
    options = (struct col_faults_options){base, otl_clock_real(), metrics, &log, NULL};
    require(col_faults_new(&options, &faults, NULL) == OTEL_OK);
    require(col_control_new(base, pair[1], faults, &control, NULL) == OTEL_OK);
    require(size == 0 || send(pair[0], data, size, MSG_NOSIGNAL) == (ssize_t)size);
    require(shutdown(pair[0], SHUT_WR) == 0);
    for (int i = 0; i < TURNS && !col_control_is_over(control); i++)
        event_base_loop(base, EVLOOP_NONBLOCK);
    require(col_control_is_over(control));
    col_faults_end_all(faults);
    col_control_free(control);
    /* a line is answered once at most, by a fault's end or by why there is none */
    require(hear(pair[0]) <= lines_of(data, size));
    col_faults_free(faults);
    col_metrics_free(metrics);
    event_base_free(base);
    close(pair[0]);
    close(pair[1]);
    return 0;
}
