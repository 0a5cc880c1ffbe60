/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/base/log.h"

#include <stdarg.h>
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

static void write_line(const struct otl_log *log, enum otl_log_level level, const char *fields,
                       const char *message)
{
    char line[LINE_SIZE], escaped[MESSAGE_SIZE * 2], name[128];
    uint64_t now = otl_clock_wall(otl_clock_real());
    time_t seconds = (time_t)(now / OTL_NS_PER_S);
    struct tm utc;
    int len;

    gmtime_r(&seconds, &utc);
    json_escape(message, escaped, sizeof(escaped));
    json_escape(log->name ? log->name : "", name, sizeof(name));
    len = snprintf(line, sizeof(line),
                   "{\"time\":\"%04d-%02d-%02dT%02d:%02d:%02d.%03uZ\",\"level\":\"%s\","
                   "\"name\":\"%s\"%s,\"message\":\"%s\"}\n",
                   utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min,
                   utc.tm_sec, (unsigned)(now / OTL_NS_PER_MS % 1000), level_names[level], name,
                   fields, escaped);
    /* A logger has nobody to tell that its descriptor is gone. */
    if (len > 0 && (size_t)len < sizeof(line) &&
        otl_fd_write_all(log->fd, line, (size_t)len) != OTEL_OK)
        return;
}

void otl_log_line(const struct otl_log *log, enum otl_log_level level, const char *format, ...)
{
    char message[MESSAGE_SIZE];
    va_list args;

    if (log == NULL || level < log->level)
        return;
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    write_line(log, level, "", message);
}

void otl_log_with(const struct otl_log *log, enum otl_log_level level, const char *fields,
                  const char *format, ...)
{
    char message[MESSAGE_SIZE];
    va_list args;

    if (log == NULL || level < log->level)
        return;
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    write_line(log, level, strlen(fields) <= OTL_LOG_FIELDS_MAX ? fields : "", message);
}
