/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "sdk/base/clock.h"
#include "sdk/base/file.h"
#include "sdk/base/text.h"

enum { LINE_SIZE = 4096, MESSAGE_SIZE = 1600 };

static const char *const level_names[] = {"debug", "info", "warn", "error"};

void otl_log_init(struct otl_log *log, int fd, enum otl_log_level level, const char *name)
{
    log->fd = fd;
    log->level = level;
    log->name = name;
    log->style = NULL;
}

static void json_escape(const char *text, char *out, size_t size)
{
    size_t len = otl_utf8_prefix(text, strlen(text)), at = 0;

    for (size_t i = 0; i < len && at + 7 < size; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '"' || c == '\\') {
            out[at++] = '\\';
            out[at++] = (char)c;
        } else if (c < 0x20) {
            at += (size_t)snprintf(out + at, size - at, "\\u%04x", c);
        } else {
            out[at++] = (char)c;
        }
    }
    out[otl_utf8_prefix(out, at)] = '\0';
}

/* Tabs and line feeds would make columns and lines of their own. */
static void flatten(char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < ' ')
            *text = ' ';
}

struct line {
    enum otl_log_level level;
    const char *fields, *more; /* ",..." each */
    const char *message;
    char time[32];
};

static int put_console(const struct otl_log *log, const struct line *line, char *out, size_t size)
{
    char plain[MESSAGE_SIZE];
    const char *first = line->fields[0] != '\0' ? line->fields + 1 : "";
    const char *second = line->more;
    bool any = line->fields[0] != '\0' || line->more[0] != '\0';

    if (line->fields[0] == '\0' && line->more[0] != '\0')
        second = line->more + 1;
    snprintf(plain, sizeof(plain), "%s", line->message);
    flatten(plain);
    return snprintf(out, size, "%s\t%s\t%s\t%s%s%s%s%s\n", line->time, level_names[line->level],
                    log->name ? log->name : "", plain, any ? "\t{" : "", first, second,
                    any ? "}" : "");
}

static int put_json(const struct otl_log *log, const struct line *line, char *out, size_t size)
{
    char escaped[MESSAGE_SIZE * 2], name[128];

    json_escape(line->message, escaped, sizeof(escaped));
    json_escape(log->name ? log->name : "", name, sizeof(name));
    return snprintf(out, size,
                    "{\"time\":\"%s\",\"level\":\"%s\",\"name\":\"%s\"%s%s,\"message\":\"%s\"}\n",
                    line->time, level_names[line->level], name, line->fields, line->more, escaped);
}

static void write_line(const struct otl_log *log, enum otl_log_level level, const char *fields,
                       const char *message)
{
    const struct otl_log_style *style = log->style;
    struct line line = {.level = level, .fields = "", .more = fields, .message = message};
    uint64_t now = otl_clock_wall(otl_clock_real());
    time_t seconds = (time_t)(now / OTL_NS_PER_S);
    char out[LINE_SIZE], date[24];
    struct tm utc;
    int len;

    if (style != NULL && style->fields != NULL && strlen(style->fields) <= OTL_LOG_FIELDS_MAX)
        line.fields = style->fields;
    gmtime_r(&seconds, &utc);
    strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(line.time, sizeof(line.time), "%s.%03uZ", date,
             (unsigned)(now / OTL_NS_PER_MS % 1000));
    len = style != NULL && style->console ? put_console(log, &line, out, sizeof(out))
                                          : put_json(log, &line, out, sizeof(out));
    /* A logger has nobody to tell that its descriptor is gone. */
    if (len > 0 && (size_t)len < sizeof(out) &&
        otl_fd_write_all(log->fd, out, (size_t)len) != OTEL_OK)
        return;
}

/* A kind is a format, whatever stands in it this time. */
static bool is_sampled(const struct otl_log *log, enum otl_log_level level, const char *format)
{
    struct otl_log_sampling *sampling = log->style != NULL ? log->style->sampling : NULL;
    uint64_t now_ns, until_ns, count, hash = 0xcbf29ce484222325ULL;
    size_t kind;

    if (sampling == NULL || sampling->tick_ns == 0)
        return true;
    for (; *format != '\0'; format++)
        hash = (hash ^ (unsigned char)*format) * 0x100000001b3ULL;
    kind = (size_t)(hash % OTL_LOG_KINDS);
    now_ns = otl_clock_mono(otl_clock_real());
    until_ns = atomic_load(&sampling->kinds[level][kind].until_ns);
    if (now_ns >= until_ns &&
        atomic_compare_exchange_strong(&sampling->kinds[level][kind].until_ns, &until_ns,
                                       now_ns + sampling->tick_ns))
        atomic_store(&sampling->kinds[level][kind].count, 0);
    count = atomic_fetch_add(&sampling->kinds[level][kind].count, 1) + 1;
    if (count <= sampling->initial ||
        (sampling->thereafter != 0 && (count - sampling->initial) % sampling->thereafter == 0))
        return true;
    atomic_fetch_add(&sampling->dropped, 1);
    return false;
}

OTEL_PRINTF(4, 0)
static void say(const struct otl_log *log, enum otl_log_level level, const char *fields,
                const char *format, va_list args)
{
    char message[MESSAGE_SIZE];

    if (log == NULL || level < log->level || !is_sampled(log, level, format))
        return;
    vsnprintf(message, sizeof(message), format, args);
    write_line(log, level, strlen(fields) <= OTL_LOG_FIELDS_MAX ? fields : "", message);
}

void otl_log_line(const struct otl_log *log, enum otl_log_level level, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say(log, level, "", format, args);
    va_end(args);
}

void otl_log_with(const struct otl_log *log, enum otl_log_level level, const char *fields,
                  const char *format, ...)
{
    va_list args;

    va_start(args, format);
    say(log, level, fields, format, args);
    va_end(args);
}
