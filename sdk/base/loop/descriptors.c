/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/base/loop/descriptors.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sdk/base/mem.h"

enum kind { OTHER, EPOLL, PIPE_END };

static int by_number(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

/* Reports each open descriptor; false: there is no /proc. */
static bool each_open(void (*report)(void *arg, int fd), void *arg)
{
    DIR *directory = opendir("/proc/self/fd");
    struct dirent *entry;

    if (directory == NULL)
        return false;
    while ((entry = readdir(directory)) != NULL) {
        char *end;
        long fd = strtol(entry->d_name, &end, 10);
        if (end != entry->d_name && *end == '\0' && fd != dirfd(directory))
            report(arg, (int)fd);
    }
    closedir(directory);
    return true;
}

static void remember(void *arg, int fd)
{
    struct otl_open_before *before = arg;

    if (before->count < OTL_DESCRIPTORS_MAX)
        before->fds[before->count++] = fd;
    else
        before->count = OTL_DESCRIPTORS_MAX + 1;
}

void otl_descriptors_look(struct otl_open_before *before)
{
    before->count = 0;
    before->fds = otl_mem_alloc(OTL_DESCRIPTORS_MAX * sizeof(before->fds[0]));
    if (before->fds == NULL)
        return;
    if (!each_open(remember, before) || before->count > OTL_DESCRIPTORS_MAX) {
        otl_mem_free(before->fds);
        before->fds = NULL;
        return;
    }
    qsort(before->fds, before->count, sizeof(before->fds[0]), by_number);
}

static enum kind kind_of(int fd, uint64_t *ret_inode)
{
    struct stat about;
    char link[64], path[64];
    ssize_t len;

    /* As a name: fstat() is for descriptors of one's own, to ThreadSanitizer too, and these may be
     * another thread's that opens and closes them meanwhile. */
    if (fstatat(fd, "", &about, AT_EMPTY_PATH) != 0)
        return OTHER;
    *ret_inode = about.st_ino;
    if (S_ISFIFO(about.st_mode)) /* libevent's are both of these */
        return (fcntl(fd, F_GETFL) & O_NONBLOCK) != 0 && (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0
                   ? PIPE_END
                   : OTHER;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    len = readlink(path, link, sizeof(link));
    return len == 22 && memcmp(link, "anon_inode:[eventpoll]", 22) == 0 ? EPOLL : OTHER;
}

struct search {
    const struct otl_open_before *before;
    struct otl_base_descriptors epolls, pipes;
};

static void add(struct otl_base_descriptors *to, int fd, uint64_t inode)
{
    if (to->count < OTL_BASE_DESCRIPTORS) {
        to->fds[to->count] = fd;
        to->inodes[to->count] = inode;
    }
    to->count++;
}

static void if_new(void *arg, int fd)
{
    struct search *search = arg;
    uint64_t inode = 0;

    if (search->before->count != 0 && bsearch(&fd, search->before->fds, search->before->count,
                                              sizeof(fd), by_number) != NULL)
        return;
    switch (kind_of(fd, &inode)) {
    case EPOLL:
        add(&search->epolls, fd, inode);
        break;
    case PIPE_END:
        add(&search->pipes, fd, inode);
        break;
    case OTHER:
        break;
    }
}

void otl_descriptors_found(struct otl_open_before *before, struct otl_base_descriptors *ret)
{
    struct search search;

    memset(&search, 0, sizeof(search));
    memset(ret, 0, sizeof(*ret));
    search.before = before;
    if (before->fds == NULL)
        return;
    if (each_open(if_new, &search)) {
        if (search.epolls.count == 1)
            add(ret, search.epolls.fds[0], search.epolls.inodes[0]);
        if (search.pipes.count == 2 && search.pipes.inodes[0] == search.pipes.inodes[1])
            for (size_t i = 0; i < 2; i++)
                add(ret, search.pipes.fds[i], search.pipes.inodes[i]);
    }
    otl_mem_free(before->fds);
    before->fds = NULL;
}

void otl_descriptors_close(struct otl_base_descriptors *descriptors)
{
    for (size_t i = 0; i < descriptors->count; i++) {
        uint64_t inode = 0;
        if (kind_of(descriptors->fds[i], &inode) != OTHER && inode == descriptors->inodes[i])
            close(descriptors->fds[i]);
    }
    descriptors->count = 0;
}
