/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/propagation/carrier.h"

void otl_carrier_each(const void *carrier, const struct otel_text_map_getter *getter,
                      const char *key, otel_text_visit_fn *visit, void *arg)
{
    struct otel_str value;

    if (getter->get_all != NULL)
        getter->get_all(carrier, otel_str(key), visit, arg);
    else if (getter->get != NULL && getter->get(carrier, otel_str(key), &value))
        visit(arg, value);
}
