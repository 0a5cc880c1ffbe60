/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/broker/watch.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const char state_of[] = "Mock consumer group ", with[] = " member(s) changing state ",
                  active[] = "Marking mock consumer group member ", expired[] = "Member ",
                  of_group[] = " session timed out for group ";

/* Up to end, as far as there is room: another name of that length would be as good. */
static void copy(char *out, size_t size, const char *from, size_t len)
{
    snprintf(out, size, "%.*s", (int)(len < size ? len : size - 1), from);
}

static struct hx_watch_group *group_of(struct hx_broker_watch *watch, const char *name)
{
    for (size_t i = 0; i < HX_WATCH_GROUPS; i++)
        if (watch->groups[i].joining != 0 && strcmp(watch->groups[i].name, name) == 0)
            return &watch->groups[i];
    return NULL;
}

/* "Mock consumer group G with 2 member(s) changing state Up -> Joining: member join" */
static void take_state(struct hx_broker_watch *watch, const char *text)
{
    char name[HX_WATCH_NAME_SIZE];
    const char *change = strstr(text, with), *to = change ? strstr(change, " -> ") : NULL;
    const char *end = change;
    struct hx_watch_group *group, *oldest = &watch->groups[0];

    if (to == NULL)
        return;
    while (end > text && strncmp(end, " with ", 6) != 0)
        end--;
    copy(name, sizeof(name), text, (size_t)(end - text));
    group = group_of(watch, name);
    if (strncmp(to + 4, "Joining", 7) != 0) {
        if (group != NULL)
            group->joining = 0;
        return;
    }
    for (size_t i = 1; i < HX_WATCH_GROUPS; i++)
        if (watch->groups[i].joining < oldest->joining)
            oldest = &watch->groups[i];
    group = group != NULL ? group : oldest;
    copy(group->name, sizeof(group->name), name, strlen(name));
    group->joining = ++watch->lines;
}

static struct hx_watch_member *member_of(struct hx_broker_watch *watch, const char *id)
{
    struct hx_watch_member *oldest = &watch->members[0];

    for (size_t i = 0; i < HX_WATCH_MEMBERS; i++) {
        struct hx_watch_member *member = &watch->members[i];
        if (strcmp(member->id, id) == 0)
            return member;
        if (member->heard < oldest->heard)
            oldest = member;
    }
    oldest->heard = 0;
    copy(oldest->id, sizeof(oldest->id), id, strlen(id));
    return oldest;
}

/* "Marking mock consumer group member M as active" */
static void take_active(struct hx_broker_watch *watch, const char *text)
{
    char id[sizeof(watch->members[0].id)];

    copy(id, sizeof(id), text, strcspn(text, " "));
    member_of(watch, id)->heard = ++watch->lines;
}

/* "M session timed out for group G" */
static bool take_expired(struct hx_broker_watch *watch, const char *text)
{
    const char *end = strstr(text, of_group);
    char id[sizeof(watch->members[0].id)], name[HX_WATCH_NAME_SIZE];
    const struct hx_watch_group *group;
    struct hx_watch_member *member;
    bool waits;

    if (end == NULL)
        return false;
    copy(id, sizeof(id), text, (size_t)(end - text));
    copy(name, sizeof(name), end + sizeof(of_group) - 1, strlen(end + sizeof(of_group) - 1));
    group = group_of(watch, name);
    member = member_of(watch, id);
    waits = group != NULL && member->heard > group->joining;
    member->id[0] = '\0';
    member->heard = 0;
    return waits;
}

bool hx_broker_watch_line(struct hx_broker_watch *watch, const char *line)
{
    const char *at;

    if ((at = strstr(line, active)) != NULL)
        take_active(watch, at + sizeof(active) - 1);
    else if ((at = strstr(line, state_of)) != NULL)
        take_state(watch, at + sizeof(state_of) - 1);
    else if (strstr(line, of_group) != NULL && (at = strstr(line, expired)) != NULL)
        return take_expired(watch, at + sizeof(expired) - 1);
    return false;
}
