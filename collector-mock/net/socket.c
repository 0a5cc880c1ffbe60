/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/net/socket.h"

#include <errno.h>
#include <limits.h>
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "collector-mock/net/tls.h"

bool col_socket_peer(int fd, char *out, size_t size)
{
    struct sockaddr_storage peer;
    socklen_t len = sizeof(peer);
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)(const void *)&peer;
    const struct sockaddr_in *four = (const struct sockaddr_in *)(const void *)&peer;

    if (getpeername(fd, (struct sockaddr *)(void *)&peer, &len) != 0)
        return false;
    if (peer.ss_family == AF_INET)
        return inet_ntop(AF_INET, &four->sin_addr, out, (socklen_t)size) != NULL;
    if (peer.ss_family != AF_INET6)
        return false;
    if (IN6_IS_ADDR_V4MAPPED(&six->sin6_addr))
        return inet_ntop(AF_INET, six->sin6_addr.s6_addr + 12, out, (socklen_t)size) != NULL;
    return inet_ntop(AF_INET6, &six->sin6_addr, out, (socklen_t)size) != NULL;
}

void col_socket_init(struct col_socket *socket, int fd, SSL *session)
{
    socket->fd = fd;
    socket->tls = session;
    if (session != NULL && SSL_set_fd(session, fd) != 1) { /* no memory: the shake fails */
        SSL_free(session);
        socket->tls = NULL;
    }
}

enum col_shake col_socket_shake(struct col_socket *socket)
{
    int result;

    if (socket->tls == NULL)
        return COL_SHAKE_FAILED;
    ERR_clear_error();
    result = SSL_do_handshake(socket->tls);
    if (result == 1)
        return COL_SHAKE_DONE;
    switch (SSL_get_error(socket->tls, result)) {
    case SSL_ERROR_WANT_READ:
        return COL_SHAKE_READ;
    case SSL_ERROR_WANT_WRITE:
        return COL_SHAKE_WRITE;
    default:
        return COL_SHAKE_FAILED;
    }
}

static int clamp(size_t len)
{
    return len > INT_MAX ? INT_MAX : (int)len;
}

/* OpenSSL's word for a result that is none, as errno; 0: the end. */
static ssize_t tls_result(SSL *tls, int result)
{
    int error = SSL_get_error(tls, result);

    ERR_clear_error();
    if (error == SSL_ERROR_ZERO_RETURN)
        return 0;
    errno = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? EAGAIN : ECONNRESET;
    return -1;
}

ssize_t col_socket_recv(struct col_socket *socket, void *data, size_t len)
{
    size_t at = 0;

    if (socket->tls == NULL)
        return recv(socket->fd, data, len, MSG_DONTWAIT);
    ERR_clear_error();
    while (at < len) { /* a record at a time */
        int got = SSL_read(socket->tls, (char *)data + at, clamp(len - at));
        if (got <= 0)
            return at > 0 ? (ssize_t)at : tls_result(socket->tls, got);
        at += (size_t)got;
    }
    return (ssize_t)at;
}

ssize_t col_socket_send(struct col_socket *socket, const void *data, size_t len)
{
    int sent;

    if (socket->tls == NULL)
        return send(socket->fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
    ERR_clear_error();
    sent = SSL_write(socket->tls, data, clamp(len));
    return sent > 0 ? sent : tls_result(socket->tls, sent);
}

bool col_socket_pending(const struct col_socket *socket)
{
    return socket->tls != NULL && SSL_has_pending(socket->tls) == 1;
}

bool col_socket_idle(const struct col_socket *socket)
{
    char byte;

    return !col_socket_pending(socket) &&
           recv(socket->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0;
}

void col_socket_end(struct col_socket *socket)
{
    col_tls_goodbye(socket->tls);
    shutdown(socket->fd, SHUT_WR);
}

void col_socket_close(struct col_socket *socket, bool reset)
{
    const struct linger hard = {1, 0};

    if (reset)
        setsockopt(socket->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
    else
        col_tls_goodbye(socket->tls);
    SSL_free(socket->tls);
    socket->tls = NULL;
    close(socket->fd);
    socket->fd = -1;
}
