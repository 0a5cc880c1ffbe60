/* SPDX-License-Identifier: Apache-2.0 */
#include <otel/sdk/sampler.h>

#include "sdk/base/buf.h"
#include "sdk/base/mem.h"
#include "sdk/base/options.h"
#include "sdk/sampler/ot.h"

enum { ROOT, REMOTE_SAMPLED, REMOTE_NOT_SAMPLED, LOCAL_SAMPLED, LOCAL_NOT_SAMPLED, DELEGATES };

static const char *const names[DELEGATES] = {"root", "remoteParentSampled",
                                             "remoteParentNotSampled", "localParentSampled",
                                             "localParentNotSampled"};

struct parentbased {
    struct otel_sdk_sampler sampler;
    struct otel_sdk_sampler *delegates[DELEGATES];
    char *description;
};

static int choose(const struct otel_span_context *parent)
{
    if (!otel_span_context_is_valid(parent))
        return ROOT;
    if (parent->is_remote)
        return otel_span_context_is_sampled(parent) ? REMOTE_SAMPLED : REMOTE_NOT_SAMPLED;
    return otel_span_context_is_sampled(parent) ? LOCAL_SAMPLED : LOCAL_NOT_SAMPLED;
}

/* The parent's threshold goes if it contradicts the parent's flag, or no longer means anything
 * because the child was decided otherwise. */
static void check_threshold(const struct otel_sdk_sampling_input *input,
                            struct otel_sdk_sampling_result *result)
{
    bool sampled = otel_span_context_is_sampled(input->parent);
    struct otel_trace_state *old = result->trace_state;
    struct otl_ot ot;

    otl_ot_read(old, &ot);
    if (!ot.has_th || (sampled == (otl_ot_randomness(&ot, input->trace_id) >= ot.th) &&
                       sampled == (result->decision == OTEL_SDK_RECORD_AND_SAMPLE)))
        return;
    ot.has_th = false;
    result->trace_state = otl_ot_write(old, &ot);
    if (result->owns_trace_state)
        otel_trace_state_unref(old);
    result->owns_trace_state = true;
}

static void sample(struct otel_sdk_sampler *sampler, const struct otel_sdk_sampling_input *input,
                   struct otel_sdk_sampling_result *result)
{
    struct parentbased *parentbased = (struct parentbased *)sampler;
    struct otel_sdk_sampler *delegate = parentbased->delegates[choose(input->parent)];

    delegate->ops->should_sample(delegate, input, result);
    if (__builtin_expect(result->trace_state != NULL, 0) &&
        result->trace_state == input->parent->trace_state)
        check_threshold(input, result);
}

static struct otel_str description(const struct otel_sdk_sampler *sampler)
{
    return otel_str(((const struct parentbased *)sampler)->description);
}

static void destroy(struct otel_sdk_sampler *sampler)
{
    struct parentbased *parentbased = (struct parentbased *)sampler;

    for (int i = 0; i < DELEGATES; i++)
        otel_sdk_sampler_unref(parentbased->delegates[i]);
    otl_mem_free(parentbased->description);
    otl_mem_free(parentbased);
}

static enum otel_err describe(struct parentbased *parentbased)
{
    struct otl_buf buf;
    enum otel_err err;

    otl_buf_init(&buf, 65536);
    err = otl_buf_append_str(&buf, "ParentBased{");
    for (int i = 0; i < DELEGATES && err == OTEL_OK; i++) {
        struct otel_str part = otel_sdk_sampler_description(parentbased->delegates[i]);
        err = otl_buf_printf(&buf, "%s%s:%.*s", i != 0 ? "," : "", names[i], (int)part.len,
                             part.data);
    }
    if (err == OTEL_OK)
        err = otl_buf_append_str(&buf, "}");
    if (err == OTEL_OK)
        err = otl_buf_take(&buf, &parentbased->description, NULL);
    otl_buf_fini(&buf);
    return err;
}

void otel_sdk_parentbased_options_init(struct otel_sdk_parentbased_options *options)
{
    memset(options, 0, sizeof(*options));
    options->struct_size = sizeof(*options);
}

enum otel_err otel_sdk_sampler_parentbased_new(const struct otel_sdk_parentbased_options *options,
                                               struct otel_sdk_sampler **ret)
{
    static const struct otel_sdk_sampler_ops ops = {sample, description, destroy};
    struct otel_sdk_sampler *on = otel_sdk_sampler_always_on();
    struct otel_sdk_sampler *off = otel_sdk_sampler_always_off();
    struct otel_sdk_parentbased_options all;
    struct parentbased *parentbased;
    struct otel_sdk_sampler **to;
    enum otel_err err;

    otel_sdk_parentbased_options_init(&all);
    if (otl_options_take(&all, sizeof(all), options) != OTEL_OK)
        return OTEL_ERR_ARGUMENT;
    parentbased = otl_mem_zalloc(sizeof(*parentbased));
    if (parentbased == NULL)
        return OTEL_ERR_MEMORY;
    parentbased->sampler.ops = &ops;
    parentbased->sampler.refs = 1;
    to = parentbased->delegates;
    to[ROOT] = otel_sdk_sampler_ref(all.root ? all.root : on);
    to[REMOTE_SAMPLED] =
        otel_sdk_sampler_ref(all.remote_parent_sampled ? all.remote_parent_sampled : on);
    to[REMOTE_NOT_SAMPLED] =
        otel_sdk_sampler_ref(all.remote_parent_not_sampled ? all.remote_parent_not_sampled : off);
    to[LOCAL_SAMPLED] =
        otel_sdk_sampler_ref(all.local_parent_sampled ? all.local_parent_sampled : on);
    to[LOCAL_NOT_SAMPLED] =
        otel_sdk_sampler_ref(all.local_parent_not_sampled ? all.local_parent_not_sampled : off);
    err = describe(parentbased);
    if (err != OTEL_OK) {
        destroy(&parentbased->sampler);
        return err;
    }
    *ret = &parentbased->sampler;
    return OTEL_OK;
}
