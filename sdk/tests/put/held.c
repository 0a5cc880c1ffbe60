/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The clock of sdk-put-held stands still: a row moves it, through a file that both have mapped.
 *
 * The functions of the C library that tell the time, and those that wait for one, are here instead,
 * for the SDK and for libevent alike. Who waits for a time says so in the file, and looks at the
 * clock once a millisecond of the machine's; what arrives meanwhile ends the wait as ever. Clocks
 * of CPU time are the machine's.
 *
 * The row may move the clock between the reckoning of a time to wait and the wait. A loop of
 * libevent reckons by what it read first since it last woke: from there the wait counts. Where that
 * is too early the loop finds nothing due, and waits again.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { WAITS_MAX = 63, LOOK_MILLIS = 1 };

#define NS_PER_S UINT64_C(1000000000)
#define NS_PER_MS UINT64_C(1000000)
#define SETTING_UP UINT64_MAX
#define FIRST_WALL (UINT64_C(1000000000) * NS_PER_S) /* nothing is up since 2001 */

/* All in nanoseconds since the program began. */
struct wait {
    uint64_t until;     /* 0: nobody's */
    uint64_t looked;    /* what the clock showed when it was last found too early */
    uint64_t by_caller; /* 1: it is the main thread's, which does what the row's lines say */
};

static struct {
    uint64_t moved; /* the clock; written by the row */
    uint64_t unused[2];
    struct wait waits[WAITS_MAX];
} *held;

static uint64_t began_mono, began_wall;
static __thread bool has_woken;   /* from epoll_wait(), and has not looked at the clock since */
static __thread uint64_t reckons; /* what the clock told this thread then */

static uint64_t ns_of(const struct timespec *time)
{
    return (uint64_t)time->tv_sec * NS_PER_S + (uint64_t)time->tv_nsec;
}

static struct timespec time_of(uint64_t ns)
{
    struct timespec time = {(time_t)(ns / NS_PER_S), (long)(ns % NS_PER_S)};

    return time;
}

/* The machine's own. */
static uint64_t real_ns(clockid_t id)
{
    struct timespec time = {0, 0};

    syscall(SYS_clock_gettime, id, &time);
    return ns_of(&time);
}

static uint64_t moved(void)
{
    return __atomic_load_n(&held->moved, __ATOMIC_ACQUIRE);
}

__attribute__((constructor(101))) static void hold(void)
{
    const char *path = getenv("PUT_CLOCK");
    int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void *page = mmap(NULL, sizeof(*held), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    if (page == MAP_FAILED)
        abort();
    close(fd);
    began_mono = real_ns(CLOCK_MONOTONIC) / NS_PER_MS * NS_PER_MS;
    began_wall = real_ns(CLOCK_REALTIME) / NS_PER_MS * NS_PER_MS;
    held = page;
}

/* --- to wait --- */

static struct wait *wait_until(uint64_t until)
{
    for (size_t i = 0; i < WAITS_MAX; i++) {
        struct wait *wait = &held->waits[i];
        uint64_t nobodys = 0;

        if (!__atomic_compare_exchange_n(&wait->until, &nobodys, SETTING_UP, false,
                                         __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
            continue;
        __atomic_store_n(&wait->looked, moved(), __ATOMIC_RELEASE);
        __atomic_store_n(&wait->by_caller, getpid() == gettid(), __ATOMIC_RELEASE);
        __atomic_store_n(&wait->until, until != 0 ? until : 1, __ATOMIC_RELEASE);
        return wait;
    }
    abort();
}

static bool is_over(struct wait *wait)
{
    uint64_t now = moved();

    if (now >= wait->until)
        return true;
    __atomic_store_n(&wait->looked, now, __ATOMIC_RELEASE);
    return false;
}

static void wait_ends(struct wait *wait)
{
    __atomic_store_n(&wait->until, 0, __ATOMIC_RELEASE);
}

/* A time of one of the two clocks, which are decades apart. */
static uint64_t since_began(const struct timespec *time)
{
    uint64_t ns = ns_of(time), began = ns >= FIRST_WALL ? began_wall : began_mono;

    return ns > began ? ns - began : 0;
}

int epoll_wait(int fd, struct epoll_event *events, int most, int timeout)
{
    struct wait *wait;
    int count;

    if (timeout <= 0) {
        has_woken = true;
        return (int)syscall(SYS_epoll_pwait, fd, events, most, timeout, NULL, (size_t)8);
    }
    wait = wait_until(reckons + (uint64_t)timeout * NS_PER_MS);
    do
        count = (int)syscall(SYS_epoll_pwait, fd, events, most, LOOK_MILLIS, NULL, (size_t)8);
    while (count == 0 && !is_over(wait));
    wait_ends(wait);
    has_woken = true;
    return count;
}

/* It wakes without a reason each time that it has looked: what it waits for may have come between
 * two looks, and only the caller can tell. */
int pthread_cond_timedwait(pthread_cond_t *restrict cond, pthread_mutex_t *restrict mutex,
                           const struct timespec *restrict until)
{
    struct wait *wait = wait_until(since_began(until));
    struct timespec look = time_of(real_ns(CLOCK_MONOTONIC) + LOOK_MILLIS * NS_PER_MS);
    int err = pthread_cond_clockwait(cond, mutex, CLOCK_MONOTONIC, &look);

    if (err == ETIMEDOUT && !is_over(wait))
        err = 0;
    wait_ends(wait);
    return err;
}

int pthread_mutex_clocklock(pthread_mutex_t *restrict mutex, clockid_t clock,
                            const struct timespec *restrict until)
{
    struct wait *wait = wait_until(since_began(until));
    int err;

    (void)clock;
    do {
        struct timespec look = time_of(real_ns(CLOCK_REALTIME) + LOOK_MILLIS * NS_PER_MS);
        err = pthread_mutex_timedlock(mutex, &look);
    } while (err == ETIMEDOUT && !is_over(wait));
    wait_ends(wait);
    return err;
}

/* --- to tell the time --- */

int clock_gettime(clockid_t id, struct timespec *ret)
{
    bool wall = id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE;
    uint64_t now;

    if (held == NULL || id == CLOCK_PROCESS_CPUTIME_ID || id == CLOCK_THREAD_CPUTIME_ID || id < 0)
        return (int)syscall(SYS_clock_gettime, id, ret);
    now = moved();
    if (has_woken) {
        has_woken = false;
        reckons = now;
    }
    *ret = time_of((wall ? began_wall : began_mono) + now);
    return 0;
}

int gettimeofday(struct timeval *restrict ret, void *restrict zone)
{
    struct timespec now;

    (void)zone;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    ret->tv_sec = now.tv_sec;
    ret->tv_usec = (suseconds_t)(now.tv_nsec / 1000);
    return 0;
}
