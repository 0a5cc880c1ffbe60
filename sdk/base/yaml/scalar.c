/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/base/yaml/scalar.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS "0123456789"
#define WORD_START "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_"
enum { NAME_MAX_LEN = 255 };

static bool is_one_of(const char *text, const char *const *words)
{
    for (; *words != NULL; words++)
        if (strcmp(text, *words) == 0)
            return true;
    return false;
}

static bool only(const char *text, const char *set)
{
    return *text != '\0' && text[strspn(text, set)] == '\0';
}

/* [0-9]+ ( . [0-9]* )? | . [0-9]+, then an exponent or nothing; the sign is behind us. */
static enum otl_yaml_kind number_kind(const char *text)
{
    size_t whole = strspn(text, DIGITS), fraction = 0;
    bool real = false;

    text += whole;
    if (*text == '.') {
        fraction = strspn(text + 1, DIGITS);
        text += 1 + fraction;
        real = true;
    }
    if (whole + fraction == 0)
        return OTL_YAML_STRING;
    if (*text == 'e' || *text == 'E') {
        text++;
        if (*text == '+' || *text == '-')
            text++;
        if (!only(text, DIGITS))
            return OTL_YAML_STRING;
        return OTL_YAML_FLOAT;
    }
    if (*text != '\0')
        return OTL_YAML_STRING;
    return real ? OTL_YAML_FLOAT : OTL_YAML_INT;
}

enum otl_yaml_kind otl_yaml_plain_kind(const char *text)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
    static const char *const bools[] = {"true", "True", "TRUE", "false", "False", "FALSE", NULL};
    static const char *const infinities[] = {".inf", ".Inf", ".INF", NULL};
    static const char *const nans[] = {".nan", ".NaN", ".NAN", NULL};
    const char *unsigned_text = *text == '-' || *text == '+' ? text + 1 : text;

    if (is_one_of(text, nulls))
        return OTL_YAML_NULL;
    if (is_one_of(text, bools))
        return OTL_YAML_BOOL;
    if (is_one_of(unsigned_text, infinities) || is_one_of(text, nans))
        return OTL_YAML_SPECIAL;
    if (strncmp(text, "0x", 2) == 0)
        return only(text + 2, DIGITS "abcdefABCDEF") ? OTL_YAML_INT : OTL_YAML_STRING;
    if (strncmp(text, "0o", 2) == 0)
        return only(text + 2, "01234567") ? OTL_YAML_INT : OTL_YAML_STRING;
    return number_kind(unsigned_text);
}

static enum otel_err take(json_t *value, json_t **ret)
{
    if (value == NULL)
        return OTEL_ERR_MEMORY;
    *ret = value;
    return OTEL_OK;
}

static enum otel_err real(const char *text, json_t **ret)
{
    double value = strtod(text, NULL);

    return isfinite(value) ? take(json_real(value), ret) : OTEL_ERR_LIMIT;
}

static enum otel_err integer(const char *text, json_t **ret)
{
    int base = strncmp(text, "0x", 2) == 0 ? 16 : strncmp(text, "0o", 2) == 0 ? 8 : 10;
    const char *digits = base == 10 ? text : text + 2;
    long long value;

    errno = 0;
    value = strtoll(digits, NULL, base);
    if (errno != ERANGE)
        return take(json_integer(value), ret);
    return base == 10 ? real(text, ret) : OTEL_ERR_LIMIT;
}

enum otel_err otl_yaml_plain_value(const char *text, json_t **ret)
{
    switch (otl_yaml_plain_kind(text)) {
    case OTL_YAML_NULL:
        return take(json_null(), ret);
    case OTL_YAML_BOOL:
        return take(json_boolean(text[0] == 't' || text[0] == 'T'), ret);
    case OTL_YAML_INT:
        return integer(text, ret);
    case OTL_YAML_FLOAT:
        return real(text, ret);
    case OTL_YAML_SPECIAL:
        return OTEL_ERR_UNSUPPORTED;
    case OTL_YAML_STRING:
        break;
    }
    return take(json_string_nocheck(text), ret);
}

static const char *variable(const struct otl_yaml_options *options, const char *name)
{
    return options->getenv ? options->getenv(options->getenv_context, name) : getenv(name);
}

/* Whose references are replaced, by what. */
struct place {
    struct otl_yaml_pos pos;
    const struct otl_yaml_options *options;
};

/* text is behind "${"; *ret_end is behind "}". */
static enum otel_err reference(const char *text, const struct place *place, struct otl_buf *out,
                               const char **ret_end, const char **reterr_what)
{
    const char *close = strchr(text, '}');
    const char *name = strncmp(text, "env:", 4) == 0 ? text + 4 : text;
    size_t len = strspn(name, WORD_START DIGITS);
    const char *rest = name + len, *value;
    char copy[NAME_MAX_LEN + 1];

    *reterr_what = "'${' without '}' (a literal $ is written $$)";
    if (close == NULL)
        return OTEL_ERR_SYNTAX;
    *reterr_what = "a variable's name begins with a letter or _ (a literal $ is written $$)";
    if (len == 0 || len > NAME_MAX_LEN || strspn(name, DIGITS) > 0)
        return OTEL_ERR_SYNTAX;
    *reterr_what = "only ${env:NAME} and ${env:NAME:-default} are known";
    if (rest != close && strncmp(rest, ":-", 2) != 0)
        return OTEL_ERR_SYNTAX;
    memcpy(copy, name, len);
    copy[len] = '\0';
    value = variable(place->options, copy);
    *ret_end = close + 1;
    if (rest != close && (value == NULL || *value == '\0'))
        return otl_buf_append(out, rest + 2, (size_t)(close - rest - 2));
    if (value == NULL && place->options->unset != NULL)
        place->options->unset(place->options->unset_context, place->pos, copy);
    return otl_buf_append_str(out, value ? value : "");
}

/* text is behind "$"; what it names is behind it: the old way, which not everybody has. */
static enum otel_err bare(const char *text, const struct place *place, struct otl_buf *out,
                          const char **ret_end, const char **reterr_what)
{
    const struct otl_yaml_options *options = place->options;
    size_t len = options->bare != NULL && strspn(text, DIGITS) == 0
                     ? strspn(text, WORD_START DIGITS)
                     : 0;
    enum otl_yaml_bare what = OTL_YAML_BARE_KEEP;
    char name[NAME_MAX_LEN + 1];
    const char *value;

    *ret_end = text;
    if (len > 0 && len <= NAME_MAX_LEN) {
        memcpy(name, text, len);
        name[len] = '\0';
        what = options->bare(options->bare_context, place->pos, name);
    }
    if (what == OTL_YAML_BARE_KEEP)
        return otl_buf_append_byte(out, '$');
    *reterr_what = "variables are written ${env:NAME}, not $NAME (a literal $ is written $$)";
    if (what == OTL_YAML_BARE_REFUSE)
        return OTEL_ERR_SYNTAX;
    *ret_end = text + len;
    value = variable(options, name);
    return otl_buf_append_str(out, value ? value : "");
}

enum otel_err otl_yaml_substitute(const char *text, struct otl_yaml_pos pos,
                                  const struct otl_yaml_options *options, struct otl_buf *out,
                                  const char **reterr_what)
{
    const struct place place = {pos, options};
    enum otel_err err = OTEL_OK;

    *reterr_what = NULL;
    while (err == OTEL_OK && *text != '\0') {
        size_t plain = strcspn(text, "$");
        err = otl_buf_append(out, text, plain);
        text += plain;
        if (err != OTEL_OK || *text == '\0')
            break;
        if (text[1] == '$') {
            err = otl_buf_append_byte(out, '$');
            text += 2;
        } else if (text[1] == '{') {
            err = reference(text + 2, &place, out, &text, reterr_what);
        } else {
            err = bare(text + 1, &place, out, &text, reterr_what);
        }
    }
    return err;
}
