/* SPDX-License-Identifier: Apache-2.0 */
#ifndef COL_NET_SOCKET_H
#define COL_NET_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * A connected socket that does not block, in the clear or under TLS, with the words of recv() and
 * send(): -1 and EAGAIN when there is nothing for now, 0 at the end.
 *
 * Threads   that of the event loop.
 *
 * Under TLS the handshake comes first: until col_socket_shake() has said COL_SHAKE_DONE nothing is
 * read or written.
 */

struct ssl_st;

struct col_socket {
    int fd;
    struct ssl_st *tls; /* NULL: in the clear */
};

enum col_shake { COL_SHAKE_DONE, COL_SHAKE_READ, COL_SHAKE_WRITE, COL_SHAKE_FAILED };

/* The address of the peer of a connected socket without its port: "127.0.0.1", "::1"; of an IPv4
 * address in IPv6 the former. False: it has none, or there is no room. */
bool col_socket_peer(int fd, char *out, size_t size);

/* Takes fd and session (NULL: none). */
void col_socket_init(struct col_socket *socket, int fd, struct ssl_st *session);
enum col_shake col_socket_shake(struct col_socket *socket);
/* Fewer bytes than asked for: there are no more for now. */
ssize_t col_socket_recv(struct col_socket *socket, void *data, size_t len);
ssize_t col_socket_send(struct col_socket *socket, const void *data, size_t len);
/* Something that was received can be read without the kernel telling. */
bool col_socket_pending(const struct col_socket *socket);
/* Nothing waits to be read. */
bool col_socket_idle(const struct col_socket *socket);
/* Our side is closed, what the peer sends still comes. */
void col_socket_end(struct col_socket *socket);
/* reset: with a RST, without a goodbye. */
void col_socket_close(struct col_socket *socket, bool reset);

#endif
