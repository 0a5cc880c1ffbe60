/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-mock/receivers/dealer.h"

#include <unistd.h>

#include "collector-mock/pipeline/crew.h"
#include "sdk/base/mem.h"

struct col_dealer {
    struct col_host *host;
    unsigned turn; /* of the next connection */
    struct seat {
        void *server;
        void (*take)(void *server, int fd);
    } seats[COL_WORKERS_MAX];
};

struct handshake {
    struct col_letter letter;
    const struct seat *seat;
    int fd;
};

enum otel_err col_dealer_new(struct col_host *host, struct col_dealer **ret)
{
    struct col_dealer *dealer = otl_mem_zalloc(sizeof(*dealer));

    if (dealer == NULL)
        return OTEL_ERR_MEMORY;
    dealer->host = host;
    *ret = dealer;
    return OTEL_OK;
}

void col_dealer_free(struct col_dealer *dealer)
{
    otl_mem_free(dealer);
}

void col_dealer_sit(struct col_dealer *dealer, unsigned worker, void *server,
                    void (*take)(void *server, int fd))
{
    dealer->seats[worker].server = server;
    dealer->seats[worker].take = take;
}

static void open_handshake(struct col_letter *letter, bool deliver)
{
    struct handshake *handshake = (struct handshake *)(void *)letter;

    if (deliver)
        handshake->seat->take(handshake->seat->server, handshake->fd);
    else
        close(handshake->fd);
    otl_mem_free(handshake);
}

bool col_dealer_deal(void *self, int fd)
{
    struct col_dealer *dealer = self;
    struct col_crew *crew = dealer->host->crew;
    unsigned turn = dealer->turn;
    struct handshake *handshake;

    dealer->turn = (turn + 1) % crew->workers;
    if (turn == 0 || crew->joined)
        return false;
    handshake = otl_mem_zalloc(sizeof(*handshake));
    if (handshake == NULL)
        return false;
    handshake->letter.open = open_handshake;
    handshake->seat = &dealer->seats[turn];
    handshake->fd = fd;
    if (col_post_send(crew->post, 0, turn, &handshake->letter))
        return true;
    otl_mem_free(handshake);
    return false;
}
