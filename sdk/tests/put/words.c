/* SPDX-License-Identifier: Apache-2.0 */
/* Reading words, saying words, and the memory of one command. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sdk/tests/put/put.h"

struct put_scrap {
    struct put_scrap *next;
    max_align_t data[];
};

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* In place; what is no escape stands for itself. */
static struct otel_str decode(char *word)
{
    size_t out = 0, len = strlen(word);

    if (strcmp(word, "%") == 0)
        len = 0;
    for (size_t i = 0; i < len; i++, out++) {
        word[out] = word[i];
        if (word[i] == '%' && i + 2 < len + 0 && digit(word[i + 1]) >= 0 &&
            digit(word[i + 2]) >= 0) {
            word[out] = (char)(digit(word[i + 1]) * 16 + digit(word[i + 2]));
            i += 2;
        }
    }
    word[out] = '\0';
    return otel_strn(word, out);
}

bool put_split(char *line, struct put_words *ret)
{
    char *rest = line;

    line[strcspn(line, "\n")] = '\0';
    ret->count = 0;
    ret->at = 1;
    while (rest != NULL && ret->count < PUT_WORDS_MAX) {
        char *word = strsep(&rest, " ");

        if (*word != '\0')
            ret->words[ret->count++] = decode(word);
    }
    return ret->count > 0 && rest == NULL;
}

struct otel_str put_next(struct put_words *words)
{
    return words->at < words->count ? words->words[words->at++] : otel_str("");
}

uint64_t put_number(struct put_words *words, uint64_t otherwise)
{
    struct otel_str word = put_next(words);

    return word.len > 0 ? strtoull(word.data, NULL, 0) : otherwise;
}

bool put_option(struct put_words *words, const char *key, struct otel_str *ret)
{
    size_t len = strlen(key);

    for (size_t i = words->at; i < words->count; i++) {
        struct otel_str word = words->words[i];

        if (word.len <= len || memcmp(word.data, key, len) != 0 || word.data[len] != '=')
            continue;
        *ret = otel_strn(word.data + len + 1, word.len - len - 1);
        words->count--;
        memmove(&words->words[i], &words->words[i + 1], (words->count - i) * sizeof(word));
        return true;
    }
    return false;
}

uint64_t put_option_number(struct put_words *words, const char *key, uint64_t otherwise)
{
    struct otel_str word;

    return put_option(words, key, &word) ? strtoull(word.data, NULL, 0) : otherwise;
}

bool put_hex(struct otel_str text, uint8_t *out, size_t size)
{
    if (text.len != size * 2)
        return false;
    for (size_t i = 0; i < size; i++) {
        int high = digit(text.data[2 * i]), low = digit(text.data[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high * 16 + low);
    }
    return true;
}

void put_say(struct put *put, struct otel_str text)
{
    fputc(' ', put->out);
    if (text.len == 0)
        fputc('%', put->out);
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];

        if (c <= ' ' || c >= 0x7f || c == '%')
            fprintf(put->out, "%%%02x", c);
        else
            fputc(c, put->out);
    }
}

void put_say_number(struct put *put, const char *key, uint64_t number)
{
    fprintf(put->out, " %s=%llu", key, (unsigned long long)number);
}

void *put_alloc(struct put *put, size_t size)
{
    struct put_scrap *scrap = calloc(1, sizeof(*scrap) + size);

    if (scrap == NULL)
        abort();
    scrap->next = put->scraps;
    put->scraps = scrap;
    return scrap->data;
}

void put_free_scraps(struct put_scrap **list)
{
    while (*list != NULL) {
        struct put_scrap *scrap = *list;

        *list = scrap->next;
        free(scrap);
    }
}

uint64_t put_mono_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
