/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/resource/detect.h"

#include <string.h>

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

static bool is_word(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static struct otl_view next_line(struct otl_view *rest)
{
    const char *end = memchr(rest->data, '\n', rest->len);
    size_t len = end != NULL ? (size_t)(end - rest->data) : rest->len;
    struct otl_view line = otl_view(rest->data, len);

    if (end != NULL)
        len++;
    rest->data += len;
    rest->len -= len;
    return line;
}

/* 64 digits at line[at] that do not go on with a letter or a digit. */
static bool id_at(struct otl_view line, size_t at, char *out)
{
    size_t len = 0;

    while (at + len < line.len && is_hex(line.data[at + len]))
        len++;
    if (len != OTL_CONTAINER_ID_LEN || (at + len < line.len && is_word(line.data[at + len])) ||
        (at > 0 && is_word(line.data[at - 1])))
        return false;
    memcpy(out, line.data + at, len);
    out[len] = '\0';
    return true;
}

bool otl_container_of_cgroup(struct otl_view text, char *out)
{
    bool found = false;

    while (text.len > 0 && !found) {
        struct otl_view line = next_line(&text);
        for (size_t at = 0; at < line.len; at++)
            if (is_hex(line.data[at]) && (at == 0 || !is_word(line.data[at - 1])))
                found = id_at(line, at, out) || found;
    }
    return found;
}

bool otl_container_of_mounts(struct otl_view text, char *out)
{
    static const char before[] = "/containers/";

    while (text.len > 0) {
        struct otl_view line = next_line(&text);
        for (size_t at = 0; at + sizeof(before) - 1 < line.len; at++)
            if (memcmp(line.data + at, before, sizeof(before) - 1) == 0 &&
                id_at(line, at + sizeof(before) - 1, out))
                return true;
    }
    return false;
}

/* The value without quotes and without the escapes between double ones. */
static void unquote(struct otl_view value, char *out, size_t size)
{
    char quote =
        value.len > 0 && (value.data[0] == '"' || value.data[0] == '\'') ? value.data[0] : '\0';
    size_t len = 0;

    for (size_t i = quote != '\0'; i < value.len && len + 1 < size; i++) {
        if (quote != '\0' && value.data[i] == quote)
            break;
        if (quote == '"' && value.data[i] == '\\' && i + 1 < value.len)
            i++;
        out[len++] = value.data[i];
    }
    out[len] = '\0';
}

bool otl_os_release(struct otl_view text, const char *name, char *out, size_t size)
{
    size_t len = strlen(name);

    while (text.len > 0) {
        struct otl_view line = next_line(&text);
        if (line.len <= len || memcmp(line.data, name, len) != 0 || line.data[len] != '=')
            continue;
        unquote(otl_view(line.data + len + 1, line.len - len - 1), out, size);
        return out[0] != '\0';
    }
    return false;
}
