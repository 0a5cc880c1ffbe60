/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/ledger/map.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* Going over RLIMIT_FSIZE sends SIGXFSZ to the calling thread: it is blocked during the call and
 * taken away, so that the disposition of the process does not matter. */
static int allocate(int fd, size_t bytes)
{
    sigset_t one, before;
    struct timespec none = {0, 0};
    int rc;

    sigemptyset(&one);
    sigaddset(&one, SIGXFSZ);
    pthread_sigmask(SIG_BLOCK, &one, &before);
    do {
        rc = posix_fallocate(fd, 0, (off_t)bytes);
    } while (rc == EINTR);
    if (rc != 0 && !sigismember(&before, SIGXFSZ))
        (void)sigtimedwait(&one, NULL, &none);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc;
}

static void touch(void *map, size_t bytes)
{
    volatile char *page = map;

    for (size_t at = 0; at < bytes; at += 4096)
        page[at] = 0;
}

enum otel_err hx_map_create(const char *path, size_t bytes, void **ret, struct otl_detail *reterr)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644), rc;
    void *map;

    if (fd < 0)
        return otl_detail_set(reterr, OTEL_ERR_IO, path, 0, 0, "cannot create: %s",
                              strerror(errno));
    rc = allocate(fd, bytes);
    if (rc != 0) {
        otl_detail_set(reterr, OTEL_ERR_IO, path, 0, 0, "cannot allocate %zu bytes: %s", bytes,
                       strerror(rc));
        goto fail;
    }
    map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED) {
        otl_detail_set(reterr, OTEL_ERR_IO, path, 0, 0, "cannot map %zu bytes: %s", bytes,
                       strerror(errno));
        goto fail;
    }
    close(fd);
    touch(map, bytes);
    *ret = map;
    return OTEL_OK;

fail:
    close(fd);
    unlink(path);
    return OTEL_ERR_IO;
}

void hx_map_close(void *map, size_t bytes, const char *path, size_t keep)
{
    if (map == NULL)
        return;
    munmap(map, bytes);
    /* A file that stays longer than needed is still read correctly. */
    if (keep < bytes && truncate(path, (off_t)keep) != 0)
        return;
}
