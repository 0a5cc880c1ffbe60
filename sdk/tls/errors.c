/* SPDX-License-Identifier: Apache-2.0 */
#include "sdk/tls/errors.h"

#include <openssl/err.h>
#include <stdio.h>

void otl_errors_take(struct otl_errors *errors)
{
    const char *file, *function, *text;
    unsigned long code;
    int line, flags;

    errors->count = 0;
    while ((code = ERR_get_error_all(&file, &line, &function, &text, &flags)) != 0 &&
           errors->count < OTL_ERRORS_MAX) {
        struct otl_error_entry *entry = &errors->entries[errors->count++];
        entry->code = code;
        entry->line = line;
        snprintf(entry->file, sizeof(entry->file), "%s", file);
        snprintf(entry->function, sizeof(entry->function), "%s", function);
        snprintf(entry->text, sizeof(entry->text), "%s", flags & ERR_TXT_STRING ? text : "");
    }
}

void otl_errors_give_back(const struct otl_errors *errors)
{
    ERR_clear_error();
    for (size_t i = 0; i < errors->count; i++) {
        const struct otl_error_entry *entry = &errors->entries[i];
        ERR_new();
        ERR_set_debug(entry->file, entry->line, entry->function);
        ERR_set_error(ERR_GET_LIB(entry->code), ERR_GET_REASON(entry->code),
                      entry->text[0] != '\0' ? "%s" : NULL, entry->text);
    }
}
