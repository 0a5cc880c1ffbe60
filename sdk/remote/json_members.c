/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/remote/json_members.h"

#include <string.h>

#include "sdk/base/text.h"

/* Instead of what begins with another character. */
static bool take_null(struct otl_json_reader *json)
{
    struct otl_view word;

    return otl_json_take_word(json, &word) &&
           (otl_view_is(word, "null") || otl_json_fail(json, OTEL_ERR_SYNTAX));
}

bool otl_json_members(struct otl_json_reader *json, otl_json_member_fn *member, void *arg)
{
    struct otl_view key;

    if (otl_json_peek(json) != '{')
        return take_null(json);
    otl_json_take(json, '{');
    if (otl_json_take(json, '}'))
        return true;
    do {
        if (!otl_json_take_string(json, &key) || !otl_json_need(json, ':') || !member(arg, key))
            return false;
    } while (otl_json_take(json, ','));
    return otl_json_need(json, '}');
}

bool otl_json_items(struct otl_json_reader *json, otl_json_item_fn *item, void *arg)
{
    if (otl_json_peek(json) != '[')
        return take_null(json);
    otl_json_take(json, '[');
    if (otl_json_take(json, ']'))
        return true;
    do {
        if (!item(arg))
            return false;
    } while (otl_json_take(json, ','));
    return otl_json_need(json, ']');
}

bool otl_json_number(struct otl_json_reader *json, double max, double *ret)
{
    struct otl_view text;
    char digits[64];

    if (otl_json_peek(json) == '"' ? !otl_json_take_string(json, &text)
                                   : !otl_json_take_word(json, &text))
        return false;
    if (otl_view_is(text, "null"))
        return true;
    if (text.len == 0 || text.len >= sizeof(digits))
        return otl_json_fail(json, OTEL_ERR_SYNTAX);
    memcpy(digits, text.data, text.len);
    digits[text.len] = '\0';
    return otl_parse_double(digits, 0, max, ret) == OTEL_OK ||
           otl_json_fail(json, OTEL_ERR_ARGUMENT);
}

bool otl_json_whole(struct otl_json_reader *json, otl_json_member_fn *member, void *arg)
{
    if (otl_json_peek(json) != '{')
        return otl_json_fail(json, OTEL_ERR_SYNTAX);
    if (!otl_json_members(json, member, arg))
        return false;
    otl_json_skip_blanks(json);
    return json->rest.len == 0 || otl_json_fail(json, OTEL_ERR_SYNTAX);
}
