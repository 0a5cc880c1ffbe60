/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/stats/hdr_log.h"

#include <errno.h>
#include <float.h>
#include <string.h>
#include <time.h>

#include "harness/stats/hdr_codec.h"
#include "sdk/base/text.h"

enum { TAG_MAX = 64, NUMBER_MAX = 40 };
/* One counter is at most nine bytes, and base64 makes four of three. */
#define TEXT_MAX ((size_t)HX_HDR_COUNTS_MAX * 12 + 1024)

static bool tag_valid(struct otl_view tag)
{
    if (tag.len == 0 || tag.len > TAG_MAX)
        return false;
    for (size_t i = 0; i < tag.len; i++)
        if (tag.data[i] == ',' || (unsigned char)tag.data[i] <= ' ' || tag.data[i] == 0x7f)
            return false;
    return true;
}

static double seconds(uint64_t ns)
{
    return (double)ns / 1e9;
}

enum otel_err hx_hdr_log_open(struct hx_hdr_log *log, const char *path, uint64_t wall_start_ns,
                              struct otl_detail *reterr)
{
    time_t start = (time_t)(wall_start_ns / 1000000000U);
    char text[64] = "";
    struct tm parts;

    log->wall_start_ns = wall_start_ns;
    log->file = fopen(path, "we");
    if (log->file == NULL)
        return otl_detail_set(reterr, OTEL_ERR_IO, path, 0, 0, "cannot be created: %s",
                              strerror(errno));
    if (gmtime_r(&start, &parts) != NULL)
        strftime(text, sizeof(text), "%a %b %d %H:%M:%S UTC %Y", &parts);
    fprintf(log->file,
            "#[Histogram log format version 1.3]\n"
            "#[StartTime: %.3f (seconds since epoch), %s]\n"
            "#[BaseTime: %.3f (seconds since epoch)]\n"
            "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\","
            "\"Interval_Compressed_Histogram\"\n",
            seconds(wall_start_ns), text, seconds(wall_start_ns));
    return OTEL_OK;
}

enum otel_err hx_hdr_log_write(struct hx_hdr_log *log, const char *tag, uint64_t start_ns,
                               uint64_t length_ns, const struct hx_hdr *hdr)
{
    struct otl_buf text;
    enum otel_err err;

    if (tag != NULL && !tag_valid(otl_view_str(tag)))
        return OTEL_ERR_ARGUMENT;
    otl_buf_init(&text, TEXT_MAX);
    err = hx_hdr_encode_text(hdr, &text);
    if (err == OTEL_OK)
        fprintf(log->file, "%s%s%s%.3f,%.3f,%.3f,%s\n", tag ? "Tag=" : "", tag ? tag : "",
                tag ? "," : "", seconds(start_ns), seconds(length_ns),
                (double)hx_hdr_max(hdr) / 1e6, text.data);
    if (err == OTEL_OK && fflush(log->file) != 0)
        err = OTEL_ERR_IO;
    otl_buf_fini(&text);
    return err;
}

enum otel_err hx_hdr_log_close(struct hx_hdr_log *log)
{
    FILE *file = log->file;
    bool failed;

    log->file = NULL;
    if (file == NULL)
        return OTEL_OK;
    failed = ferror(file) != 0;
    return fclose(file) != 0 || failed ? OTEL_ERR_IO : OTEL_OK;
}

void hx_hdr_log_reader_init(struct hx_hdr_log_reader *reader, struct otl_view text)
{
    memset(reader, 0, sizeof(*reader));
    reader->rest = text;
}

/* Cut the text before the separator off *rest; the separator goes too. */
static struct otl_view cut(struct otl_view *rest, char separator)
{
    const char *end = rest->len ? memchr(rest->data, separator, rest->len) : NULL;
    struct otl_view part = *rest;

    if (end == NULL) {
        *rest = otl_view(rest->data + rest->len, 0);
        return part;
    }
    part.len = (size_t)(end - rest->data);
    *rest = otl_view(end + 1, rest->len - part.len - 1);
    return part;
}

static bool take_prefix(struct otl_view *text, const char *prefix)
{
    size_t len = strlen(prefix);

    if (text->len < len || memcmp(text->data, prefix, len) != 0)
        return false;
    *text = otl_view(text->data + len, text->len - len);
    return true;
}

static bool read_number(struct otl_view text, double *ret)
{
    char copy[NUMBER_MAX];

    if (text.len == 0 || text.len >= sizeof(copy))
        return false;
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    return strlen(copy) == text.len && otl_parse_double(copy, 0, DBL_MAX, ret) == OTEL_OK;
}

static void read_comment(struct hx_hdr_log_reader *reader, struct otl_view line)
{
    if (take_prefix(&line, "#[StartTime: "))
        (void)read_number(cut(&line, ' '), &reader->wall_start_s);
}

static enum otel_err read_entry(struct otl_view line, struct hx_hdr_log_entry *entry,
                                const char **ret_what)
{
    enum otel_err err;

    if (take_prefix(&line, "Tag=")) {
        entry->tag = cut(&line, ',');
        *ret_what = "malformed tag";
        if (!tag_valid(entry->tag))
            return OTEL_ERR_SYNTAX;
    }
    *ret_what = "expected start, length, maximum and a histogram";
    if (!read_number(cut(&line, ','), &entry->start_s) ||
        !read_number(cut(&line, ','), &entry->length_s) ||
        !read_number(cut(&line, ','), &entry->max_ms))
        return OTEL_ERR_SYNTAX;
    err = hx_hdr_decode_text(line, &entry->hdr);
    *ret_what = otel_err_text(err);
    return err;
}

enum otel_err hx_hdr_log_next(struct hx_hdr_log_reader *reader, struct hx_hdr_log_entry *ret,
                              struct otl_detail *reterr)
{
    while (reader->rest.len != 0) {
        struct otl_view line = cut(&reader->rest, '\n');
        struct hx_hdr_log_entry entry;
        const char *what = "";
        enum otel_err err;

        memset(&entry, 0, sizeof(entry));
        reader->line++;
        if (line.len != 0 && line.data[line.len - 1] == '\r')
            line.len--;
        if (line.len == 0 || line.data[0] == '"')
            continue;
        if (line.data[0] == '#') {
            read_comment(reader, line);
            continue;
        }
        err = read_entry(line, &entry, &what);
        if (err != OTEL_OK)
            return otl_detail_set(reterr, err, NULL, reader->line, 0, "%s", what);
        *ret = entry;
        return OTEL_OK;
    }
    return OTEL_ERR_CLOSED;
}
