/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/tls/wire.h"

#include <errno.h>
#include <sys/socket.h>

static int wire_write(BIO *bio, const char *data, int len)
{
    struct otl_wire *wire = BIO_get_data(bio);
    ssize_t n;

    BIO_clear_retry_flags(bio);
    do
        n = send(wire->fd, data, (size_t)len, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n >= 0)
        return (int)n;
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
        wire->wants_write = true;
        BIO_set_retry_write(bio);
    } else {
        wire->error = errno;
    }
    return -1;
}

static int wire_read(BIO *bio, char *data, int size)
{
    struct otl_wire *wire = BIO_get_data(bio);
    ssize_t n;

    BIO_clear_retry_flags(bio);
    do
        n = recv(wire->fd, data, (size_t)size, 0);
    while (n < 0 && errno == EINTR);
    if (n == 0)
        wire->ended = true;
    if (n >= 0)
        return (int)n;
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
        wire->wants_read = true;
        BIO_set_retry_read(bio);
    } else {
        wire->error = errno;
    }
    return -1;
}

static long wire_control(BIO *bio, int command, long number, void *pointer)
{
    const struct otl_wire *wire = BIO_get_data(bio);

    (void)number;
    (void)pointer;
    if (command == BIO_CTRL_FLUSH)
        return 1;
    return command == BIO_CTRL_EOF ? wire->ended : 0;
}

BIO_METHOD *otl_wire_method(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "otel socket");

    if (method == NULL)
        return NULL;
    if (BIO_meth_set_write(method, wire_write) != 1 || BIO_meth_set_read(method, wire_read) != 1 ||
        BIO_meth_set_ctrl(method, wire_control) != 1) {
        BIO_meth_free(method);
        return NULL;
    }
    return method;
}

BIO *otl_wire_bio(const BIO_METHOD *method, struct otl_wire *wire)
{
    BIO *bio = BIO_new(method);

    if (bio == NULL)
        return NULL;
    BIO_set_data(bio, wire);
    BIO_set_init(bio, 1);
    return bio;
}
