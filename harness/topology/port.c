/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/topology/port.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum otel_err hx_port_hold(const char *name, int *ret_fd, uint16_t *ret_port,
                           struct otl_detail *reterr)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
        bind(fd, (struct sockaddr *)&address, len) == 0 &&
        getsockname(fd, (struct sockaddr *)&address, &len) == 0) {
        *ret_fd = fd;
        *ret_port = ntohs(address.sin_port);
        return OTEL_OK;
    }
    (void)otl_detail_set(reterr, OTEL_ERR_IO, NULL, 0, 0, "%s: no port can be held: %s", name,
                         strerror(errno));
    if (fd >= 0)
        close(fd);
    return OTEL_ERR_IO;
}
