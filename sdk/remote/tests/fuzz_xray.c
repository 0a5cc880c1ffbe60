/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sdk/remote/xray_rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever the rules are, what was understood decides, is reported, and follows targets. */
static void use(struct otl_xray_rules *rules, struct otl_view targets)
{
    static const uint8_t trace_id[OTEL_TRACE_ID_SIZE] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    static const struct otl_xray_place place = {"shop", NULL, NULL, true};
    struct otel_attribute attributes[] = {otel_attr_str("http.url", "http://a/b"),
                                          otel_attr_int("k", 1)};
    struct otel_sdk_sampling_input input = {
        .trace_id = trace_id, .attributes = attributes, .attribute_count = 2};
    struct otl_xray_news news;
    struct otl_buf report;
    bool keep;

    otl_buf_init(&report, 1 << 20);
    for (uint64_t at = 1; at < 1000; at *= 10) {
        struct otl_xray_now now = {at * 1000000000, (1000 + at) * 1000000000};

        (void)otl_xray_rules_decide(rules, &place, &input, now.mono_ns, &keep);
        if (otl_xray_rules_report(rules, "c", &now, &report) != OTEL_OK)
            abort();
        if (otl_xray_rules_target(rules, targets, &now, 1000, &news) == OTEL_OK &&
            rules->count != 0 && rules->rules[0].told.matched != 0)
            abort();
        for (size_t i = 0; i < rules->count; i++) /* never less than nothing */
            if (rules->rules[i].counts.matched > 100 ||
                rules->rules[i].counts.sampled > rules->rules[i].counts.matched)
                abort();
    }
    otl_buf_fini(&report);
}

/* Rules, a line break, targets. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size != 0 ? memchr(data, '\n', size) : NULL;
    size_t len = end != NULL ? (size_t)(end - data) : size;
    struct otl_view targets = otl_view((const char *)data + len, size - len);
    struct otl_xray_rules *rules = NULL;

    if (otl_xray_rules_read(otl_view((const char *)data, len), &rules) == OTEL_OK)
        use(rules, targets);
    else if (rules != NULL)
        abort();
    otl_xray_rules_free(rules);
    return 0;
}
