/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OTL_ENTITY_LIST_H
#define OTL_ENTITY_LIST_H

#include <otel/sdk/entity.h>

#include "sdk/base/arena.h"
#include "sdk/base/tell.h"

/*
 * "type{id=value,...}[description=value,...]@schema_url;..." as OTEL_ENTITIES has it.
 *
 * Life      read -> items -> fini.
 * Threads   no state.
 * Memory    texts are copied into the arena.
 * Limits    64 KiB of text, 32 entities, 1024 attributes in all; what is beyond is left out.
 *
 * Mistakes are told and cost the entity that has them; an invalid schema URL costs only itself. Of
 * a type the last entity counts. A descriptive attribute belongs to the last entity that has it,
 * and to none where it identifies another.
 *
 * Spec: OpenTelemetry entities, "Entity Propagation". Its examples of rule 1 and 6 are of entities
 * of one type; there rule 5 decides: the last remains.
 */

struct otl_entity_list {
    struct otl_arena arena;
    struct otel_sdk_entity *items; /* the last of the text first: it counts most */
    size_t count;
};

/* teller may be NULL. OTEL_ERR_MEMORY; also then fini. */
OTEL_MUST_USE enum otel_err otl_entity_list_read(const char *text, const struct otl_teller *teller,
                                                 struct otl_entity_list *ret);
void otl_entity_list_fini(struct otl_entity_list *list);

/* An absolute URI (RFC 3986), as a schema URL is: with a scheme, without blanks. */
bool otl_is_uri(const char *text, size_t len);

#endif
