/* SPDX-License-Identifier: Apache-2.0 */
#include <otel/sdk/sampler.h>
#include <stdio.h>

#include "sdk/base/mem.h"
#include "sdk/base/options.h"
#include "sdk/base/random.h"
#include "sdk/sampler/ot.h"
#include "sdk/sampler/text.h"

struct probability_sampler {
    struct otel_sdk_sampler sampler;
    uint64_t threshold;
    struct otel_trace_state *alone; /* ot=th:T, for a root without trace state: made once */
    void (*error)(void *arg, enum otel_err err, const char *text);
    void *error_arg;
    bool told;     /* atomic */
    uint64_t seed; /* of the rv that is made here */
    uint64_t made; /* atomic */
    char description[64];
};

static void tell_once(struct probability_sampler *mine)
{
    if (mine->error != NULL && !__atomic_exchange_n(&mine->told, true, __ATOMIC_RELAXED))
        mine->error(mine->error_arg, OTEL_OK,
                    "a sampling decision rests on a trace id that may not be random: its Random "
                    "flag is unset and the trace state has no rv");
}

static void sample(struct otel_sdk_sampler *sampler, const struct otel_sdk_sampling_input *input,
                   struct otel_sdk_sampling_result *result)
{
    struct probability_sampler *mine = (struct probability_sampler *)sampler;
    bool root = !otel_span_context_is_valid(input->parent);
    struct otl_ot ot;

    otl_ot_read(result->trace_state, &ot);
    if (!ot.has_rv && !input->trace_id_random) {
        if (root) {
            uint64_t n = __atomic_fetch_add(&mine->made, 1, __ATOMIC_RELAXED);
            ot.rv = otl_random_mix(mine->seed, n) & OTEL_SDK_MAX_THRESHOLD;
            ot.has_rv = true;
        } else {
            tell_once(mine);
        }
    }
    ot.has_th = otl_ot_randomness(&ot, input->trace_id) >= mine->threshold;
    ot.th = mine->threshold;
    result->decision = ot.has_th ? OTEL_SDK_RECORD_AND_SAMPLE : OTEL_SDK_DROP;
    if (result->trace_state == NULL && !ot.has_rv) {
        result->trace_state = ot.has_th ? mine->alone : NULL; /* borrowed: start takes its own */
        return;
    }
    result->trace_state = otl_ot_write(result->trace_state, &ot);
    result->owns_trace_state = true;
}

static struct otel_str description(const struct otel_sdk_sampler *sampler)
{
    return otel_str(((const struct probability_sampler *)sampler)->description);
}

static void destroy(struct otel_sdk_sampler *sampler)
{
    struct probability_sampler *mine = (struct probability_sampler *)sampler;

    otel_trace_state_unref(mine->alone);
    otl_mem_free(mine);
}

void otel_sdk_probability_options_init(struct otel_sdk_probability_options *options)
{
    memset(options, 0, sizeof(*options));
    options->struct_size = sizeof(*options);
    options->ratio = 1.0;
    options->precision = 4;
}

enum otel_err otel_sdk_sampler_probability_new(const struct otel_sdk_probability_options *options,
                                               struct otel_sdk_sampler **ret)
{
    static const struct otel_sdk_sampler_ops ops = {sample, description, destroy};
    struct otel_sdk_probability_options all;
    struct probability_sampler *mine;
    struct otl_ot ot = {.has_th = true};
    char text[32];

    otel_sdk_probability_options_init(&all);
    if (otl_options_take(&all, sizeof(all), options) != OTEL_OK)
        return OTEL_ERR_ARGUMENT;
    if (!(all.ratio >= 0x1p-56 && all.ratio <= 1.0) || all.precision == 0 ||
        all.precision > OTL_OT_DIGITS)
        return OTEL_ERR_ARGUMENT;
    mine = otl_mem_zalloc(sizeof(*mine));
    if (mine == NULL)
        return OTEL_ERR_MEMORY;
    mine->sampler.ops = &ops;
    mine->sampler.refs = 1;
    mine->threshold = ot.th = otl_ot_threshold(all.ratio, all.precision);
    mine->error = all.error;
    mine->error_arg = all.error_arg;
    mine->seed = all.seeded ? all.seed : otl_random_os_seed();
    mine->alone = otl_ot_write(NULL, &ot);
    snprintf(mine->description, sizeof(mine->description), "ProbabilitySampler{%s}",
             otl_ratio_text(all.ratio, text, sizeof(text)));
    if (mine->alone == NULL) {
        destroy(&mine->sampler);
        return OTEL_ERR_MEMORY;
    }
    *ret = &mine->sampler;
    return OTEL_OK;
}
