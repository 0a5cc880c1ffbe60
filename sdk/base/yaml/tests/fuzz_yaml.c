/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes load or are refused with a reason; what loads and is emitted reads back equal. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "sdk/base/yaml/emit.h"
#include "sdk/base/yaml/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int truth, const char *what)
{
    if (truth)
        return;
    fprintf(stderr, "fuzz_yaml: %s\n", what);
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct otl_detail detail = OTL_DETAIL_NONE;
    struct otl_yaml_options options;
    struct otl_yaml *doc, *again;
    struct otl_buf buf;

    otl_yaml_options_init(&options);
    options.max_nodes = 5000;
    options.substitute_env = size > 0 && data[0] == '$';
    if (otl_yaml_load_text((const char *)data, size, &options, &doc, &detail) != OTEL_OK) {
        must(detail.text[0] != '\0', "refused without a reason");
        return 0;
    }
    otl_buf_init(&buf, (size_t)4 * 1024 * 1024);
    options.substitute_env = false;
    options.max_depth = 70;
    if (otl_yaml_emit(otl_yaml_root(doc), &buf) == OTEL_OK) {
        must(otl_yaml_load_text(buf.data, buf.len, &options, &again, &detail) == OTEL_OK,
             detail.text);
        must(json_equal(otl_yaml_root(doc), otl_yaml_root(again)), "another tree came back");
        otl_yaml_free(again);
    }
    otl_buf_fini(&buf);
    otl_yaml_free(doc);
    return 0;
}
