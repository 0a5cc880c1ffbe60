/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/transport/httpdate.h"

#include <stddef.h>
#include <string.h>

struct cursor {
    const char *at;
    const char *end;
    bool good;
};

struct date {
    unsigned year, month, day, hour, minute, second; /* month from 1 */
};

static void expect(struct cursor *c, const char *text)
{
    size_t len = strlen(text);

    if (!c->good || (size_t)(c->end - c->at) < len || memcmp(c->at, text, len) != 0) {
        c->good = false;
        return;
    }
    c->at += len;
}

/* Exactly digits digits; a leading blank counts as 0 where the form allows it. */
static unsigned number(struct cursor *c, size_t digits, bool blank)
{
    unsigned value = 0;

    if (!c->good || (size_t)(c->end - c->at) < digits) {
        c->good = false;
        return 0;
    }
    for (size_t i = 0; i < digits; i++) {
        char digit = *c->at++;
        if (blank && i == 0 && digit == ' ')
            digit = '0';
        if (digit < '0' || digit > '9')
            c->good = false;
        value = value * 10 + (unsigned)(digit - '0');
    }
    return value;
}

/* One of the words; its index, or good becomes false. */
static unsigned word(struct cursor *c, const char *const *words, unsigned count)
{
    for (unsigned i = 0; c->good && i < count; i++) {
        size_t len = strlen(words[i]);
        if ((size_t)(c->end - c->at) >= len && memcmp(c->at, words[i], len) == 0) {
            c->at += len;
            return i;
        }
    }
    c->good = false;
    return 0;
}

static unsigned month(struct cursor *c)
{
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    return word(c, months, 12) + 1;
}

static void clock_time(struct cursor *c, struct date *date)
{
    date->hour = number(c, 2, false);
    expect(c, ":");
    date->minute = number(c, 2, false);
    expect(c, ":");
    date->second = number(c, 2, false);
}

static uint64_t days_before(unsigned year, unsigned month_number, unsigned day)
{
    static const unsigned before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    unsigned y = year - 1;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    uint64_t days = (uint64_t)y * 365 + y / 4 - y / 100 + y / 400;

    return days + before[month_number - 1] + (leap && month_number > 2) + day - 1;
}

static bool to_seconds(const struct date *d, uint64_t *ret_s)
{
    static const unsigned longest[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const uint64_t epoch_days = days_before(1970, 1, 1);

    if (d->year < 1970 || d->month < 1 || d->month > 12 || d->day < 1 ||
        d->day > longest[d->month - 1] || d->hour > 23 || d->minute > 59 || d->second > 60)
        return false;
    *ret_s = (days_before(d->year, d->month, d->day) - epoch_days) * 86400 + d->hour * 3600 +
             d->minute * 60 + d->second;
    return true;
}

/* "06 Nov 1994 08:49:37 GMT" */
static void fixed_form(struct cursor *c, struct date *date)
{
    date->day = number(c, 2, false);
    expect(c, " ");
    date->month = month(c);
    expect(c, " ");
    date->year = number(c, 4, false);
    expect(c, " ");
    clock_time(c, date);
    expect(c, " GMT");
}

/* "06-Nov-94 08:49:37 GMT" */
static void rfc850_form(struct cursor *c, struct date *date, uint64_t now_s)
{
    unsigned this_year = 1970 + (unsigned)(now_s / 31556952);

    date->day = number(c, 2, false);
    expect(c, "-");
    date->month = month(c);
    expect(c, "-");
    date->year = this_year / 100 * 100 + number(c, 2, false);
    if (date->year > this_year + 50)
        date->year -= 100;
    expect(c, " ");
    clock_time(c, date);
    expect(c, " GMT");
}

/* "Nov  6 08:49:37 1994" */
static void asctime_form(struct cursor *c, struct date *date)
{
    date->month = month(c);
    expect(c, " ");
    date->day = number(c, 2, true);
    expect(c, " ");
    clock_time(c, date);
    expect(c, " ");
    date->year = number(c, 4, false);
}

bool otl_http_date_parse(struct otl_view text, uint64_t now_s, uint64_t *ret_s)
{
    static const char *const days[] = {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday",
                                       "Saturday", "Sunday", "Mon", "Tue", "Wed", "Thu",
                                       "Fri", "Sat", "Sun"};
    struct cursor c = {text.data, text.data + text.len, text.len > 0};
    struct date date = {0, 0, 0, 0, 0, 0};
    bool long_day = word(&c, days, 14) < 7;

    if (!c.good || c.at == c.end)
        return false;
    if (*c.at == ' ' && !long_day) {
        c.at++;
        asctime_form(&c, &date);
    } else {
        expect(&c, ", ");
        if (long_day)
            rfc850_form(&c, &date, now_s);
        else
            fixed_form(&c, &date);
    }
    return c.good && c.at == c.end && to_seconds(&date, ret_s);
}
