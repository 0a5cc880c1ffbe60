/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_VERIFY_FOREIGN_H
#define HX_VERIFY_FOREIGN_H

#include "harness/verify/facts/context.h"
#include "harness/verify/judge/judge.h"

/*
 * Services that are somebody else's programs: no ledger, no spans in the books. What is known of
 * them is what the relay saw go in and come out, and the spans that they sent.
 *
 * Threads   one owner of the judgement.
 *
 * Each of these returns what broke the hop, or NULL.
 */

/* SERVER and CONSUMER spans of each service that began a trace of their own though a context had
 * come in. */
void hx_foreign_count_strays(struct hx_judgement *j);

/* A call of such a program: came is what had come in to it, sent what went out. */
const char *hx_foreign_sent(const struct hx_facts *facts, const struct hx_service *service,
                            struct otl_view came, struct otl_view sent);
/* A request to such a program: did it use the context as the edge says? *ret_unknown: nobody can
 * say why not. */
const char *hx_foreign_used(struct hx_judgement *j, const struct hx_service *service,
                            const struct hx_context *context, enum hx_edge_mode mode,
                            bool *ret_unknown);
/* A span of such a program has this context as its parent, its link, or both. */
bool hx_foreign_tied(const struct hx_facts *facts, const struct hx_service *service,
                     const struct hx_context *context, enum hx_edge_mode mode);
/* Why a call of its cannot be laid to a request. */
const char *hx_foreign_why_unjoined(const struct hx_service *service);
/* The entry of the service that by the plan calls or publishes so, HX_NONE. */
uint32_t hx_foreign_caller_op(const struct hx_scenario *scenario, const struct hx_service *service,
                              const struct hx_led_send *send);

#endif
