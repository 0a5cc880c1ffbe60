/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/topology/output.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sdk/base/file.h"

enum { CHUNK = 64 * 1024, SETTLE_CHUNKS = 32 };

int hx_output_open(struct hx_output *output, const char *log, uint64_t limit, int *ret_fd)
{
    struct stat info;
    int ends[2], problem;

    if (pipe2(ends, O_CLOEXEC) != 0)
        return errno;
    memset(output, 0, offsetof(struct hx_output, last));
    output->pipe_fd = ends[0];
    output->log_fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (output->log_fd < 0 || fstat(output->log_fd, &info) != 0 ||
        fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) {
        problem = errno;
        close(ends[0]);
        close(ends[1]);
        if (output->log_fd >= 0)
            close(output->log_fd);
        return problem;
    }
    output->limit = limit;
    output->room = (uint64_t)info.st_size < limit ? limit - (uint64_t)info.st_size : 0;
    output->open = true;
    *ret_fd = ends[1];
    return 0;
}

static void drop(struct hx_output *output, const char *data, size_t len)
{
    size_t kept;

    output->dropped += len;
    if (len > HX_OUTPUT_TAIL) {
        data += len - HX_OUTPUT_TAIL;
        len = HX_OUTPUT_TAIL;
    }
    kept = output->last_len < HX_OUTPUT_TAIL - len ? output->last_len : HX_OUTPUT_TAIL - len;
    memmove(output->last, output->last + output->last_len - kept, kept);
    memcpy(output->last + kept, data, len);
    output->last_len = kept + len;
}

/* False: the pipe is empty, or at its end. */
static bool copy(struct hx_output *output)
{
    static char chunk[CHUNK];
    size_t put;
    ssize_t got;

    do {
        got = read(output->pipe_fd, chunk, sizeof(chunk));
    } while (got < 0 && errno == EINTR);
    if (got <= 0) {
        if (got == 0 || errno != EAGAIN) {
            close(output->pipe_fd);
            output->pipe_fd = -1;
        }
        return false;
    }
    put = output->room < (uint64_t)got ? (size_t)output->room : (size_t)got;
    if (put > 0 && otl_fd_write_all(output->log_fd, chunk, put) != OTEL_OK)
        output->room = put = 0; /* the disk is full: there is no more room */
    output->room -= put;
    if (put < (size_t)got)
        drop(output, chunk + put, (size_t)got - put);
    return true;
}

static void settle(struct hx_output *output)
{
    char line[160];
    int len;

    for (int i = 0; i < SETTLE_CHUNKS && output->pipe_fd >= 0 && copy(output); i++)
        ;
    if (output->dropped == 0)
        return;
    len = snprintf(line, sizeof(line),
                   "\n[tracerig: the log takes %" PRIu64 " bytes; of %" PRIu64 " more these were "
                   "the last:]\n", output->limit, output->dropped);
    (void)!otl_fd_write_all(output->log_fd, line, (size_t)len);
    (void)!otl_fd_write_all(output->log_fd, output->last, output->last_len);
    output->dropped = 0;
    output->last_len = 0;
}

void hx_output_settle(struct hx_output *output)
{
    settle(output);
    if (output->pipe_fd < 0)
        hx_output_close(output);
}

void hx_output_close(struct hx_output *output)
{
    if (!output->open)
        return;
    settle(output);
    if (output->pipe_fd >= 0)
        close(output->pipe_fd);
    close(output->log_fd);
    output->open = false;
}

void hx_output_read(struct hx_output *output)
{
    copy(output);
    if (output->pipe_fd < 0)
        hx_output_close(output);
}
