/* SPDX-License-Identifier: Apache-2.0 */
#include <otel/err.h>

const char *otel_err_name(enum otel_err err)
{
    switch (err) {
#define NAME_CASE(code, class, text)                                                               \
    case code:                                                                                     \
        return #code;
        OTEL_ERR_LIST(NAME_CASE)
#undef NAME_CASE
    }
    return "OTEL_ERR_UNKNOWN";
}

const char *otel_err_text(enum otel_err err)
{
    switch (err) {
#define TEXT_CASE(code, class, text)                                                               \
    case code:                                                                                     \
        return text;
        OTEL_ERR_LIST(TEXT_CASE)
#undef TEXT_CASE
    }
    return "unknown error";
}

enum otel_err_class otel_err_class(enum otel_err err)
{
    switch (err) {
#define CLASS_CASE(code, class, text)                                                              \
    case code:                                                                                     \
        return OTEL_CLASS_##class;
        OTEL_ERR_LIST(CLASS_CASE)
#undef CLASS_CASE
    }
    return OTEL_CLASS_INTERNAL;
}
