/* SPDX-License-Identifier: Apache-2.0 */
#include "harness/service/broken_player.h"

#include <otel/sdk/sampler.h>
#include <otel/trace_state.h>

#include "sdk/base/random.h"

/* Does not look at the parent and draws its own random number in place of the trace id's. */

static bool sampled(const struct otel_sdk_sampling_result *result)
{
    return result->decision == OTEL_SDK_RECORD_AND_SAMPLE;
}

/* What the sampler says that it takes the place of; right is what the caller preset. */
static bool right_decision(const struct hx_broken_player *player,
                           const struct otel_sdk_sampling_input *input,
                           struct otel_sdk_sampling_result right)
{
    player->right_sampler->ops->should_sample(player->right_sampler, input, &right);
    if (right.owns_trace_state)
        otel_trace_state_unref(right.trace_state);
    return sampled(&right);
}

static void should_sample(void *arg, const struct otel_sdk_sampling_input *input,
                          struct otel_sdk_sampling_result *result)
{
    struct hx_broken_player *player = arg;
    uint64_t n = atomic_fetch_add(&player->decisions, 1);
    bool right = right_decision(player, input, *result);
    struct otl_random random;

    otl_random_seed(&random, otl_random_mix(player->seed, n));
    if (otl_random_unit(&random) < player->own_ratio)
        result->decision = OTEL_SDK_RECORD_AND_SAMPLE;
    if (sampled(result) != right)
        hx_broken_erred(player);
}

enum otel_err hx_broken_sampler(struct hx_broken_player *player, double ratio,
                                struct otel_sdk_sampler **sampler)
{
    struct otel_sdk_sampler *own = NULL;
    enum otel_err err;

    if (player == NULL || !player->what.sample_on_its_own)
        return OTEL_OK;
    player->own_ratio = ratio;
    err = otel_sdk_sampler_custom_new(should_sample, "SampleOnItsOwn", NULL, player, &own);
    if (err != OTEL_OK)
        return err;
    player->right_sampler = *sampler;
    *sampler = own;
    return OTEL_OK;
}
