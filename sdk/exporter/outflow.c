/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/exporter/outflow.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sdk/base/pipe.h"

enum { KEPT_BYTES = 4 << 20 };

void otl_outflow_init(struct otl_outflow *outflow, size_t max)
{
    memset(outflow, 0, sizeof(*outflow));
    otl_buf_init(&outflow->text, max);
    outflow->fd = outflow->out = -1;
}

void otl_outflow_loop(struct otl_outflow *outflow, struct otel_sdk_loop *loop)
{
    outflow->loop = loop;
}

/* --- the way out --- */

/* A second description of what fd is, non-blocking, which is ours alone; -1: none to be had. */
static int open_again(int fd)
{
    char path[32];

    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    return open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
}

static void open_out(struct otl_outflow *outflow, int fd)
{
    struct stat st;
    int flags = fcntl(fd, F_GETFL);

    outflow->fd = outflow->out = fd;
    outflow->socket = outflow->cautious = false;
    if (flags < 0 || (flags & O_NONBLOCK) || fstat(fd, &st) != 0)
        return; /* it does not block, or write() says what is wrong */
    outflow->socket = S_ISSOCK(st.st_mode);
    if (!S_ISFIFO(st.st_mode) && !(S_ISCHR(st.st_mode) && isatty(fd)))
        return;
    outflow->out = open_again(fd);
    outflow->cautious = outflow->out < 0;
    if (outflow->cautious)
        outflow->out = fd;
}

static void close_out(struct otl_outflow *outflow)
{
    otel_sdk_watch_free(outflow->watch); /* before what it watches is closed */
    outflow->watch = NULL;
    if (outflow->out != outflow->fd)
        close(outflow->out);
    outflow->fd = outflow->out = -1;
}

/* As write(), but with EAGAIN where that would wait. */
static ssize_t put(struct otl_outflow *outflow, const char *data, size_t len)
{
    struct pollfd room = {outflow->out, POLLOUT, 0};

    if (outflow->socket)
        return send(outflow->out, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (!outflow->cautious)
        return write(outflow->out, data, len);
    if (poll(&room, 1, 0) == 0) {
        errno = EAGAIN;
        return -1;
    }
    return write(outflow->out, data, len < PIPE_BUF ? len : PIPE_BUF); /* a ready pipe takes it */
}

/* As much as goes. OTEL_ERR_BLOCKED: no room for the rest; OTEL_ERR_IO: errno says what. */
static enum otel_err put_all(struct otl_outflow *outflow)
{
    enum otel_err err = OTEL_OK;
    struct otl_pipe_guard guard;

    otl_pipe_guard_begin(&guard); /* under the simple processor this is the program's own thread */
    while (err == OTEL_OK && outflow->written < outflow->text.len) {
        ssize_t done = put(outflow, outflow->text.data + outflow->written,
                           outflow->text.len - outflow->written);
        if (done > 0)
            outflow->written += (size_t)done;
        else if (done == 0)
            errno = ENOSPC;
        if (done == 0 || (done < 0 && errno != EINTR))
            err = done < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? OTEL_ERR_BLOCKED
                                                                        : OTEL_ERR_IO;
    }
    otl_pipe_guard_end(&guard, err == OTEL_ERR_IO && errno == EPIPE);
    return err;
}

/* --- a record's life --- */

/* Take back the written bytes of a record that did not fit, if they are the file's last ones. */
static void take_back(const struct otl_outflow *outflow)
{
    off_t end = lseek(outflow->fd, 0, SEEK_CUR);
    off_t written =
        outflow->written > outflow->record ? (off_t)(outflow->written - outflow->record) : 0;
    struct stat st;

    if (written == 0 || end < written || fstat(outflow->fd, &st) != 0 || !S_ISREG(st.st_mode) ||
        st.st_size != end)
        return;
    if (ftruncate(outflow->fd, end - written) == 0)
        (void)lseek(outflow->fd, end - written, SEEK_SET);
}

static void empty(struct otl_outflow *outflow)
{
    if (outflow->text.cap > KEPT_BYTES)
        otl_buf_fini(&outflow->text);
    otl_buf_reset(&outflow->text);
    outflow->written = outflow->record = 0;
}

void otl_outflow_forget(struct otl_outflow *outflow)
{
    if (outflow->record == 0)
        empty(outflow);
    else
        outflow->text.len = outflow->record;
}

static void finish(struct otl_outflow *outflow, enum otel_err err)
{
    otl_outflow_done_fn *done = outflow->done;
    int why = errno;

    outflow->done = NULL;
    if (err == OTEL_ERR_IO)
        take_back(outflow);
    if (err == OTEL_OK || err == OTEL_ERR_IO)
        empty(outflow);
    else if (outflow->written <= outflow->record)
        otl_outflow_forget(outflow);
    close_out(outflow);
    errno = why;
    done(outflow->arg, err);
}

static void go_on(void *arg, unsigned came);

static enum otel_err wait_for_room(struct otl_outflow *outflow)
{
    enum otel_err err = OTEL_OK;

    if (outflow->watch == NULL)
        err = otel_sdk_watch_new(outflow->loop, outflow->out, go_on, outflow, &outflow->watch);
    if (err == OTEL_OK)
        err = otel_sdk_watch_start(outflow->watch, OTEL_SDK_WATCH_WRITE, OTEL_SDK_WATCH_NO_DELAY);
    return err;
}

static void go_on(void *arg, unsigned came)
{
    struct otl_outflow *outflow = arg;
    enum otel_err err = put_all(outflow);

    (void)came;
    if (err == OTEL_ERR_BLOCKED) {
        err = wait_for_room(outflow);
        if (err == OTEL_OK)
            return;
        errno = EAGAIN;
    }
    finish(outflow, err);
}

struct otl_buf *otl_outflow_text(struct otl_outflow *outflow)
{
    size_t rest = outflow->text.len - outflow->written;

    if (rest != 0 && outflow->written != 0)
        memmove(outflow->text.data, outflow->text.data + outflow->written, rest);
    outflow->text.len = outflow->record = rest;
    outflow->written = 0;
    return &outflow->text;
}

size_t otl_outflow_size(const struct otl_outflow *outflow)
{
    return outflow->text.len - outflow->record;
}

void otl_outflow_begin(struct otl_outflow *outflow, int fd, otl_outflow_done_fn *done, void *arg)
{
    outflow->done = done;
    outflow->arg = arg;
    open_out(outflow, fd);
    go_on(outflow, 0);
}

void otl_outflow_cancel(struct otl_outflow *outflow)
{
    if (outflow->done != NULL)
        finish(outflow, OTEL_ERR_TIMEOUT);
}

/* --- the end --- */

void otl_outflow_last(struct otl_outflow *outflow, int fd)
{
    if (outflow->done != NULL || outflow->text.len == 0)
        return;
    open_out(outflow, fd);
    (void)put_all(outflow);
    close_out(outflow);
    empty(outflow);
}

void otl_outflow_fini(struct otl_outflow *outflow)
{
    if (outflow->out >= 0)
        close_out(outflow);
    otl_buf_fini(&outflow->text);
}

/* The parent's thread may have been in the middle of a change. */
void otl_outflow_forked(struct otl_outflow *outflow)
{
    otel_sdk_watch_forked(outflow->watch);
    if (outflow->out >= 0 && outflow->out != outflow->fd)
        close(outflow->out);
    otl_outflow_init(outflow, outflow->text.max);
}
