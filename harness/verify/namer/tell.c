/* SPDX-License-Identifier: Apache-2.0 */
/* What was found, in words and figures. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "harness/verify/namer/look.h"
#include "sdk/base/clock.h"
#include "sdk/base/text.h"

enum { DURATION_SIZE = 32 };

static void evidence(struct hx_finding *finding, const char *format, ...) OTEL_PRINTF(2, 3);

static void evidence(struct hx_finding *finding, const char *format, ...)
{
    va_list args;

    if (finding->evidence_count == HX_NAMER_EVIDENCE)
        return;
    va_start(args, format);
    vsnprintf(finding->evidence[finding->evidence_count++], sizeof finding->evidence[0], format,
              args);
    va_end(args);
}

static const char *name_of(const struct hx_look *look, uint16_t instance)
{
    return look->handlings->instances[instance].instance;
}

static const char *spell(uint64_t ns, char out[DURATION_SIZE])
{
    return otl_format_duration(ns / OTL_NS_PER_MS * OTL_NS_PER_MS, out, DURATION_SIZE);
}

static uint64_t duration(const struct hx_handling *row)
{
    return row->end_ns - row->start_ns;
}

static double seconds(const struct hx_look *look, uint64_t ns)
{
    return (double)(ns - look->handlings->first_ns) / 1e9;
}

/* The others are as slow as it is: each had half as many such handlings at least, in the mean. */
static bool is_slow_for_all(const struct hx_look *look, const struct hx_namer_row *mine,
                            uint64_t others)
{
    return look->instances > 1 && 2 * others >= mine->slow * (look->instances - 1);
}

static void tell_durations(const struct hx_look *look, struct hx_finding *f)
{
    uint64_t others = 0, others_again = 0;
    char one[DURATION_SIZE], two[DURATION_SIZE];
    const struct hx_namer_row *mine = &f->rows[f->instance];

    for (size_t i = 0; i < look->handlings->instance_count; i++) {
        if (i == f->instance)
            continue;
        others += f->rows[i].slow;
        others_again += f->rows[i].again;
    }
    evidence(f, "%" PRIu64 " of its handlings took longer than %s, up to %s; another instance "
                "handled %" PRIu64 " of these messages again",
             mine->slow, spell(look->slow_ns, one), spell(mine->max_ns, two), mine->again);
    if (others == 0)
        evidence(f, "no other instance had such a handling");
    else
        evidence(f, "the others had %" PRIu64 " such handlings, of which %" PRIu64 " were handled "
                    "again%s",
                 others, others_again,
                 is_slow_for_all(look, mine, others) ? ": what is slow is slow for all" : "");
    for (size_t i = 0; mine->late > 0 && i < look->slow_count; i++) {
        const struct hx_handling *row = look->slow[i].row;
        if (row->instance != f->instance)
            continue;
        evidence(f, "its poll interval is %s, which %" PRIu64 " of its handlings exceeded; it is "
                    "put out of the group each time",
                 spell(row->interval_ns, one), mine->late);
        break;
    }
}

/* The shortest handling that cost it the message bounds its poll interval from above. */
static void tell_example(const struct hx_look *look, struct hx_finding *f)
{
    char one[DURATION_SIZE], two[DURATION_SIZE];

    for (size_t i = 0; i < look->slow_count; i++) {
        const struct hx_slow *slow = &look->slow[i];
        if (slow->row->instance != f->instance || slow->elsewhere == NULL)
            continue;
        evidence(f, "partition %d, offset %lld: %s on %s from %.1f s on, then again on %s in %s at "
                    "%.1f s",
                 (int)slow->row->partition, (long long)slow->row->offset,
                 spell(duration(slow->row), one), name_of(look, f->instance),
                 seconds(look, slow->row->start_ns), name_of(look, slow->elsewhere->instance),
                 spell(duration(slow->elsewhere), two),
                 seconds(look, slow->elsewhere->start_ns));
        return;
    }
}

static void tell_version(const struct hx_look *look, struct hx_finding *f)
{
    const struct hx_namer_instance *instances = look->handlings->instances;
    const char *other = "";

    if (!hx_look_alone(look, f, f->instance))
        return;
    for (size_t i = 0; i < look->handlings->instance_count; i++)
        if (i != f->instance && f->rows[i].handled > 0)
            other = instances[i].version;
    evidence(f, "it alone runs version %s; the other %zu run %s", instances[f->instance].version,
             look->instances - 1, other);
}

static void tell_named(const struct hx_look *look, struct hx_finding *f)
{
    for (size_t i = 0; i < look->slow_count && f->symptom_s <= 0; i++)
        if (look->slow[i].row->instance == f->instance)
            f->symptom_s = seconds(look, look->slow[i].row->start_ns);
    if (f->late > 0)
        snprintf(f->reason, sizeof f->reason,
                 "%" PRIu64 " of %" PRIu64 " handlings that took longer than their own poll "
                 "interval were by %s; by chance an instance would stand out so in %.2g %% of runs",
                 f->rows[f->instance].late, f->late, name_of(look, f->instance), f->chance * 100);
    else if (f->storms > 0)
        snprintf(f->reason, sizeof f->reason,
                 "%" PRIu64 " of %" PRIu64 " storms of redelivery began with a message that %s "
                 "held too long; by chance an instance would stand out so in %.2g %% of runs",
                 f->rows[f->instance].storms, f->storms, name_of(look, f->instance),
                 f->chance * 100);
    else
        snprintf(f->reason, sizeof f->reason,
                 "%" PRIu64 " of %zu long handlings were by %s, and nothing else tells them from "
                 "the rest; by chance an instance would stand out so in %.2g %% of runs",
                 f->rows[f->instance].slow, look->slow_count, name_of(look, f->instance),
                 f->chance * 100);
    tell_durations(look, f);
    tell_example(look, f);
    tell_version(look, f);
}

static bool says_instance(const struct hx_look *look, const struct hx_finding *f)
{
    for (size_t i = 0; i < look->handlings->instance_count; i++)
        if (f->rows[i].handled > 0 && look->handlings->instances[i].instance[0] != '\0')
            return true;
    return false;
}

static void tell_none(const struct hx_look *look, struct hx_finding *f)
{
    char text[DURATION_SIZE];
    size_t size = sizeof f->reason;

    spell(look->slow_ns, text);
    if (look->handled == 0)
        snprintf(f->reason, size, "no span says which message it handled");
    else if (!says_instance(look, f))
        snprintf(f->reason, size,
                 "no span says which instance it comes from: %zu handlings longer than %s, but "
                 "whose cannot be told",
                 look->slow_count, text);
    else if (f->partition >= 0)
        snprintf(f->reason, size,
                 "the long handlings lie in partition %d: its data is slow, whoever holds it, and "
                 "no instance is to blame",
                 (int)f->partition);
    else if (look->slow_count == 0)
        snprintf(f->reason, size, "no handling took longer than %s", text);
    else if (f->late > 0)
        snprintf(f->reason, size,
                 "%" PRIu64 " handlings took longer than their own poll interval, and no instance "
                 "had more of them than chance gives it (%.2g %%)",
                 f->late, f->chance * 100);
    else if (f->storms == 0)
        snprintf(f->reason, size,
                 "%zu handlings took longer than %s, on one instance as on another, and no message "
                 "was handled again for it",
                 look->slow_count, text);
    else
        snprintf(f->reason, size,
                 "%" PRIu64 " storms of redelivery, and no instance stands behind more of them "
                 "than chance gives it (%.2g %%)",
                 f->storms, f->chance * 100);
}

void hx_look_tell(const struct hx_look *look, struct hx_finding *finding)
{
    if (finding->instance != UINT16_MAX)
        tell_named(look, finding);
    else
        tell_none(look, finding);
}
