/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main() of a fuzz target: gives it each file named on the command line and, with --millis, changed
 * ones for so long. The files that reach code not reached before are changed further (MODE=fuzz:
 * the compiler calls __sanitizer_cov_trace_pc at each branch; otherwise all count as new to it).
 * The same seed gives the same inputs on every machine; a faster one gets further with them.
 * MODE=libfuzzer brings a main of its own.
 */
#ifndef OTL_LIBFUZZER

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sdk/base/buf.h"
#include "sdk/base/clock.h"
#include "sdk/base/file.h"
#include "sdk/base/mem.h"
#include "sdk/base/random.h"

#define NOT_WATCHED __attribute__((no_sanitize_coverage))

enum {
    PLACES = 1 << 16,       /* cells for pairs of branches */
    INPUTS = 4096,          /* kept at most */
    INPUT_BYTES = 16 * 1024, /* a changed input is at most so long */
    FILE_BYTES = 64 << 20,
    CHANGES = 8,            /* to one input at a time */
    HANG_SECONDS = 60
};

struct input {
    char *data;
    size_t len;
};

struct fuzzer {
    struct otl_random random;
    struct input inputs[INPUTS];
    size_t count;
    uint8_t seen[PLACES];
    size_t places;
    char work[INPUT_BYTES];
    size_t len;
};

/* Of the run in hand; the program has one thread that matters. */
static struct watch {
    bool on;
    uintptr_t last;
    uint8_t hit[PLACES];
    uint32_t cells[PLACES];
    size_t count;
} watch;

static const uint8_t *running;
static size_t running_len;
static const char *failure_path;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
void __sanitizer_cov_trace_pc(void);
__attribute__((weak)) void __sanitizer_set_death_callback(void (*call)(void));
const char *__asan_default_options(void);

NOT_WATCHED void __sanitizer_cov_trace_pc(void)
{
    uintptr_t place;
    uint32_t cell;

    if (!watch.on)
        return;
    place = (uintptr_t)__builtin_return_address(0) - (uintptr_t)&LLVMFuzzerTestOneInput;
    cell = (uint32_t)((place * 0x9E3779B1u) >> 7 ^ watch.last) & (PLACES - 1);
    watch.last = (uint32_t)((place * 0x9E3779B1u) >> 8);
    if (watch.hit[cell] != 0)
        return;
    watch.hit[cell] = 1;
    watch.cells[watch.count++] = cell;
}

/* ---- failures ------------------------------------------------------------------------------- */

const char *__asan_default_options(void)
{
    return "handle_abort=1";
}

static void keep_failure(void)
{
    FILE *file = failure_path != NULL && running != NULL ? fopen(failure_path, "wb") : NULL;

    if (file == NULL)
        return;
    fwrite(running, 1, running_len, file);
    fclose(file);
    fprintf(stderr, "the input is in %s\n", failure_path);
}

static void on_alarm(int number)
{
    (void)number;
    fprintf(stderr, "an input takes more than %d s\n", HANG_SECONDS);
    abort();
}

static void run_one(const char *data, size_t len)
{
    running = (const uint8_t *)data;
    running_len = len;
    watch.last = 0;
    watch.on = true;
    LLVMFuzzerTestOneInput((const uint8_t *)data, len);
    watch.on = false;
    running = NULL;
}

/* Was anything reached that no run reached before? */
static bool reached_more(struct fuzzer *fuzzer)
{
    size_t before = fuzzer->places;

    for (size_t i = 0; i < watch.count; i++) {
        uint32_t cell = watch.cells[i];
        fuzzer->places += fuzzer->seen[cell] == 0;
        fuzzer->seen[cell] = 1;
        watch.hit[cell] = 0;
    }
    watch.count = 0;
    return fuzzer->places > before;
}

static void keep(struct fuzzer *fuzzer, const char *data, size_t len)
{
    struct input *input;

    if (fuzzer->count == INPUTS || len > INPUT_BYTES)
        return;
    input = &fuzzer->inputs[fuzzer->count];
    input->data = otl_mem_alloc(len + 1);
    if (input->data == NULL)
        return;
    memcpy(input->data, data, len);
    input->len = len;
    fuzzer->count++;
}

/* ---- changes -------------------------------------------------------------------------------- */

static size_t below(struct fuzzer *fuzzer, size_t bound)
{
    return bound == 0 ? 0 : (size_t)otl_random_below(&fuzzer->random, bound);
}

/* Puts len bytes at a place, in the place of others or between them. */
static void put(struct fuzzer *fuzzer, size_t at, const char *data, size_t len, bool between)
{
    size_t room = between ? INPUT_BYTES - fuzzer->len : INPUT_BYTES - at;

    len = len < room ? len : room;
    if (between) {
        memmove(fuzzer->work + at + len, fuzzer->work + at, fuzzer->len - at);
        fuzzer->len += len;
    } else if (at + len > fuzzer->len) {
        fuzzer->len = at + len;
    }
    memcpy(fuzzer->work + at, data, len);
}

static void change_byte(struct fuzzer *fuzzer)
{
    static const char odd[] = "\0\1\x7f\x80\xff\xfe \t\r\n\"\\{}[]:,;=%-+.09aZ";
    size_t at = below(fuzzer, fuzzer->len);
    char *byte = &fuzzer->work[at];

    switch (below(fuzzer, 4)) {
    case 0:
        *byte = (char)((uint8_t)*byte ^ (uint8_t)(1u << below(fuzzer, 8)));
        break;
    case 1:
        *byte = odd[below(fuzzer, sizeof(odd) - 1)];
        break;
    case 2:
        *byte = (char)((uint8_t)*byte + (uint8_t)(below(fuzzer, 33) - 16));
        break;
    default:
        *byte = (char)below(fuzzer, 256);
        break;
    }
}

static void put_word(struct fuzzer *fuzzer)
{
    static const char *const words[] = {
        "0", "-1", "1e309", "65536", "2147483648", "4294967296", "9223372036854775808",
        "18446744073709551616", "null", "{", "}", "[", "]", "\"", "\r\n\r\n", "\n", "  ", "%00",
        "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "\xef\xbb\xbf", "\xed\xa0\x80", "\\u0000"};
    const char *word = words[below(fuzzer, sizeof(words) / sizeof(words[0]))];

    put(fuzzer, below(fuzzer, fuzzer->len + 1), word, strlen(word), below(fuzzer, 2) == 0);
}

/* A piece of any input, this one included. */
static void put_piece(struct fuzzer *fuzzer)
{
    const struct input *from = &fuzzer->inputs[below(fuzzer, fuzzer->count)];
    size_t start = below(fuzzer, from->len);
    size_t most = below(fuzzer, 4) == 0 ? from->len - start : 16;

    most = most < from->len - start ? most : from->len - start;
    put(fuzzer, below(fuzzer, fuzzer->len + 1), from->data + start, below(fuzzer, most + 1),
        below(fuzzer, 2) == 0);
}

static void take_out(struct fuzzer *fuzzer)
{
    size_t at = below(fuzzer, fuzzer->len), rest = fuzzer->len - at;
    size_t len = below(fuzzer, (below(fuzzer, 4) == 0 || rest < 16 ? rest : 16) + 1);

    memmove(fuzzer->work + at, fuzzer->work + at + len, rest - len);
    fuzzer->len -= len;
}

static void repeat(struct fuzzer *fuzzer)
{
    char piece[32];
    size_t at = below(fuzzer, fuzzer->len), rest = fuzzer->len - at;
    size_t len = below(fuzzer, rest < sizeof(piece) ? rest + 1 : sizeof(piece) + 1);
    size_t times = below(fuzzer, 8) == 0 ? below(fuzzer, 200) : 1;

    memcpy(piece, fuzzer->work + at, len);
    for (size_t i = 0; i < times; i++)
        put(fuzzer, at, piece, len, true);
}

static void change(struct fuzzer *fuzzer)
{
    static void (*const ways[])(struct fuzzer *) = {change_byte, change_byte, put_word,
                                                    put_piece,   take_out,    repeat};
    bool recent = below(fuzzer, 2) == 0 && fuzzer->count > 16;
    const struct input *from = &fuzzer->inputs[recent ? fuzzer->count - 1 - below(fuzzer, 16)
                                                      : below(fuzzer, fuzzer->count)];
    size_t changes = 1 + below(fuzzer, CHANGES);

    memcpy(fuzzer->work, from->data, from->len);
    fuzzer->len = from->len;
    for (size_t i = 0; i < changes; i++) {
        if (fuzzer->len == 0)
            put_word(fuzzer);
        ways[below(fuzzer, sizeof(ways) / sizeof(ways[0]))](fuzzer);
    }
}

/* ---- the loop ------------------------------------------------------------------------------- */

static bool replay(struct fuzzer *fuzzer, const char *path)
{
    struct otl_buf buf;
    bool ok;

    otl_buf_init(&buf, FILE_BYTES);
    ok = otl_file_read(path, &buf, NULL) == OTEL_OK;
    if (ok) {
        run_one(buf.data, buf.len);
        (void)reached_more(fuzzer);
        keep(fuzzer, buf.data == NULL ? "" : buf.data, buf.len);
    } else {
        fprintf(stderr, "cannot read %s\n", path);
    }
    otl_buf_fini(&buf);
    return ok;
}

static uint64_t fuzz(struct fuzzer *fuzzer, uint64_t millis, uint64_t most)
{
    uint64_t end = otl_clock_thread_cpu_ns() + millis * OTL_NS_PER_MS, runs = 0;

    while (runs < most && otl_clock_thread_cpu_ns() < end) {
        char *exact;
        alarm(HANG_SECONDS);
        change(fuzzer);
        exact = otl_mem_alloc(fuzzer->len); /* so long and no longer: a byte too far is seen */
        if (exact == NULL)
            break;
        memcpy(exact, fuzzer->work, fuzzer->len);
        run_one(exact, fuzzer->len);
        if (reached_more(fuzzer))
            keep(fuzzer, exact, fuzzer->len);
        otl_mem_free(exact);
        runs++;
    }
    alarm(0);
    return runs;
}

int main(int argc, char **argv)
{
    static struct fuzzer fuzzer;
    uint64_t millis = 0, most = UINT64_MAX, seed = 1, runs;
    int files = 1;

    for (; files + 1 < argc && strncmp(argv[files], "--", 2) == 0; files += 2) {
        if (strcmp(argv[files], "--millis") == 0)
            millis = strtoull(argv[files + 1], NULL, 10);
        else if (strcmp(argv[files], "--runs") == 0)
            most = strtoull(argv[files + 1], NULL, 10);
        else if (strcmp(argv[files], "--seed") == 0)
            seed = strtoull(argv[files + 1], NULL, 10);
        else if (strcmp(argv[files], "--failure") == 0)
            failure_path = argv[files + 1];
    }
    signal(SIGALRM, on_alarm);
    if (__sanitizer_set_death_callback != NULL)
        __sanitizer_set_death_callback(keep_failure);
    otl_random_seed(&fuzzer.random, seed);
    for (int i = files; i < argc; i++)
        if (!replay(&fuzzer, argv[i]))
            return 1;
    if (millis == 0 || fuzzer.count == 0)
        return 0;
    runs = fuzz(&fuzzer, millis, most);
    printf("%llu changed inputs, %zu kept, %zu places\n", (unsigned long long)runs, fuzzer.count,
           fuzzer.places);
    for (size_t i = 0; i < fuzzer.count; i++)
        otl_mem_free(fuzzer.inputs[i].data);
    return 0;
}

#endif
