/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/transport/retry.h"

#include "sdk/base/clock.h"
#include "sdk/transport/httpdate.h"

void otl_retry_options_init(struct otl_retry_options *options)
{
    options->initial_ns = 200 * OTL_NS_PER_MS;
    options->max_ns = 5 * OTL_NS_PER_S;
    options->factor = 2;
    options->max_attempts = 100;
}

void otl_retry_start(struct otl_retry *retry, const struct otl_retry_options *options)
{
    retry->options = *options;
    retry->attempts = 0;
    retry->backoff_ns = options->initial_ns;
}

bool otl_retry_status(unsigned status)
{
    return status == 429 || status == 502 || status == 503 || status == 504;
}

bool otl_retry_after_parse(struct otl_view value, uint64_t wall_ns, uint64_t *ret_wait_ns)
{
    const uint64_t longest_s = 10ULL * 365 * 24 * 3600;
    uint64_t seconds = 0, date_s;
    size_t digits = 0;

    while (digits < value.len && value.data[digits] >= '0' && value.data[digits] <= '9') {
        seconds = seconds * 10 + (uint64_t)(value.data[digits++] - '0');
        if (seconds > longest_s)
            seconds = longest_s;
    }
    if (digits > 0 && digits == value.len) {
        *ret_wait_ns = seconds * OTL_NS_PER_S;
        return true;
    }
    if (!otl_http_date_parse(value, wall_ns / OTL_NS_PER_S, &date_s))
        return false;
    if (date_s > wall_ns / OTL_NS_PER_S + longest_s)
        date_s = wall_ns / OTL_NS_PER_S + longest_s;
    *ret_wait_ns = date_s * OTL_NS_PER_S > wall_ns ? date_s * OTL_NS_PER_S - wall_ns : 0;
    return true;
}

/* Half of the back-off is certain, the other half is chance, so that many clients that failed
 * together do not come back together. */
static uint64_t jittered(uint64_t backoff_ns, struct otl_random *random)
{
    return backoff_ns / 2 + (uint64_t)(otl_random_unit(random) * (double)(backoff_ns / 2));
}

bool otl_retry_next_after(struct otl_retry *retry, const uint64_t *asked_ns, uint64_t left_ns,
                          struct otl_random *random, uint64_t *ret_wait_ns)
{
    uint64_t wait_ns, grown;
    bool asked;

    retry->attempts++;
    if (retry->attempts >= retry->options.max_attempts)
        return false;
    /* one that is full and asks for no wait is not asked again and again */
    asked = asked_ns != NULL && *asked_ns >= retry->options.initial_ns;
    wait_ns = asked ? *asked_ns : jittered(retry->backoff_ns, random);
    grown = (uint64_t)((double)retry->backoff_ns * retry->options.factor);
    retry->backoff_ns = grown < retry->options.max_ns ? grown : retry->options.max_ns;
    if (wait_ns >= left_ns)
        return false;
    *ret_wait_ns = wait_ns;
    return true;
}

bool otl_retry_next(struct otl_retry *retry, struct otl_view retry_after, uint64_t wall_ns,
                    uint64_t left_ns, struct otl_random *random, uint64_t *ret_wait_ns)
{
    uint64_t asked_ns;
    bool asked = otl_retry_after_parse(retry_after, wall_ns, &asked_ns);

    return otl_retry_next_after(retry, asked ? &asked_ns : NULL, left_ns, random, ret_wait_ns);
}
