/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "harness/load/gen_internal.h"

/* ---- ledger rows ---------------------------------------------------------------------------- */

static uint16_t row_flags(const struct hx_planned *planned, const struct hx_rendered *rendered)
{
    unsigned flags = planned->warmup ? HX_LED_LOAD_WARMUP : 0;

    if (rendered != NULL && rendered->incoming.valid)
        flags |= rendered->incoming.sampled ? HX_LED_LOAD_PARENT_SAMPLED
                                            : HX_LED_LOAD_PARENT_NOT_SAMPLED;
    return (uint16_t)flags;
}

/* The row of intent; rendered NULL: nothing was, or will be, sent. Returns its seq. */
static uint64_t write_row(struct hx_gen *gen, const struct hx_planned *planned,
                          const struct hx_rendered *rendered, uint64_t sent_ns)
{
    struct hx_led_load row;

    if (gen->options.ledger == NULL)
        return 0;
    memset(&row, 0, sizeof(row));
    row.head.seq = hx_led_next_seq(gen->options.ledger);
    row.head.flags = row_flags(planned, rendered);
    row.request = planned->request;
    row.op = gen->options.op;
    row.intended_mono_ns = gen->start_ns + planned->offset_ns;
    row.sent_mono_ns = sent_ns;
    hx_led_load_row(gen->options.ledger, &row,
                    rendered ? rendered->incoming.traceparent : otl_view(NULL, 0));
    return row.head.seq;
}

static void write_close(struct hx_gen *gen, uint64_t seq, enum hx_led_outcome outcome, int status,
                        uint64_t now_ns)
{
    struct hx_led_load_close row;

    if (gen->options.ledger == NULL)
        return;
    memset(&row, 0, sizeof(row));
    row.head.seq = seq;
    row.end_mono_ns = now_ns;
    row.outcome = outcome;
    row.http_status = (uint32_t)status;
    hx_led_load_close_row(gen->options.ledger, &row);
}

/* ---- a request's life ----------------------------------------------------------------------- */

void hx_flight_begin(struct hx_conn *conn, const struct hx_waiting *waiting, bool late)
{
    struct hx_gen *gen = conn->pool->gen;

    conn->busy = true;
    conn->late = late;
    conn->planned = waiting->planned;
    conn->intended_ns = gen->start_ns + waiting->planned.offset_ns;
    conn->taken_ns = waiting->taken_ns;
    conn->sent_ns = 0;
    conn->seq = 0;
    conn->written = 0;
    TAILQ_INSERT_TAIL(&conn->pool->flying, conn, links);
    gen->in_flight++;
    if (gen->in_flight > gen->in_flight_max)
        gen->in_flight_max = gen->in_flight;
}

static uint64_t since(uint64_t now_ns, uint64_t then_ns)
{
    return now_ns > then_ns ? now_ns - then_ns : 0;
}

void hx_flight_sending(struct hx_conn *conn)
{
    struct hx_gen *gen = conn->pool->gen;
    enum hx_load_phase phase = hx_phase_of(&conn->planned);
    struct hx_load_counts *counts = &gen->counts[phase];
    uint64_t now = hx_gen_now();
    uint64_t end = phase == HX_LOAD_WARM_UP ? gen->start_ns + gen->options.plan.warmup_ns
                                            : gen->end_ns;

    conn->sent_ns = now;
    counts->sent++;
    counts->sent_inside += now < end;
    hx_series_record(gen->series, HX_SERIES_LAG, phase, since(now, conn->intended_ns));
    if (phase == HX_LOAD_MEASURE)
        hx_hdr_record(gen->own_lag, since(conn->late ? conn->taken_ns : now, conn->intended_ns));
    conn->seq = write_row(gen, &conn->planned, &conn->rendered, now);
}

static void end_flight(struct hx_conn *conn)
{
    TAILQ_REMOVE(&conn->pool->flying, conn, links);
    conn->busy = false;
    conn->pool->gen->in_flight--;
}

void hx_flight_answered(struct hx_conn *conn, uint64_t now_ns)
{
    struct hx_gen *gen = conn->pool->gen;
    enum hx_load_phase phase = hx_phase_of(&conn->planned);
    struct hx_load_counts *counts = &gen->counts[phase];
    int status = conn->response.status;

    hx_series_record(gen->series, HX_SERIES_RESPONSE, phase, since(now_ns, conn->intended_ns));
    hx_series_record(gen->series, HX_SERIES_SERVICE, phase, since(now_ns, conn->sent_ns));
    counts->bytes_in += conn->response.body_bytes;
    if (status < 400)
        counts->ok++;
    else
        counts->errors[status < 500 ? HX_LOAD_ERROR_STATUS_4XX : HX_LOAD_ERROR_STATUS_5XX]++;
    write_close(gen, conn->seq, status < 400 ? HX_LED_OUTCOME_OK : HX_LED_OUTCOME_FAILED, status,
                now_ns);
    end_flight(conn);
}

void hx_flight_failed(struct hx_conn *conn, enum hx_load_error error, uint64_t now_ns)
{
    struct hx_gen *gen = conn->pool->gen;
    enum hx_load_phase phase = hx_phase_of(&conn->planned);

    gen->counts[phase].errors[error]++;
    if (error == HX_LOAD_ERROR_TIMEOUT)
        hx_series_record(gen->series, HX_SERIES_RESPONSE, phase,
                         since(now_ns, conn->intended_ns));
    if (conn->sent_ns == 0)
        conn->seq = write_row(gen, &conn->planned, NULL, 0);
    write_close(gen, conn->seq,
                error == HX_LOAD_ERROR_TIMEOUT ? HX_LED_OUTCOME_TIMEOUT
                                               : HX_LED_OUTCOME_UNREACHABLE,
                0, now_ns);
    end_flight(conn);
}

void hx_flight_never(struct hx_gen *gen, const struct hx_planned *planned,
                     enum hx_load_error error, uint64_t now_ns)
{
    enum hx_load_phase phase = hx_phase_of(planned);
    uint64_t seq = write_row(gen, planned, NULL, 0);

    gen->counts[phase].errors[error]++;
    if (error == HX_LOAD_ERROR_NOT_SENT)
        hx_series_record(gen->series, HX_SERIES_RESPONSE, phase,
                         since(now_ns, gen->start_ns + planned->offset_ns));
    write_close(gen, seq,
                error == HX_LOAD_ERROR_NOT_SENT ? HX_LED_OUTCOME_TIMEOUT
                                                : HX_LED_OUTCOME_UNREACHABLE,
                0, now_ns);
}
