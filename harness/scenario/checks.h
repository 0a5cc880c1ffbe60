/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_CHECKS_H
#define HX_CHECKS_H

/*
 * The verifier's checks, as they stand in a scenario's expect.checks and in report.json.
 * One list for both, so that a scenario cannot name a check that nobody makes.
 *
 * constant, name, title, what is expected
 */
#define HX_CHECKS(X)                                                                               \
    X(NOT_EMPTY, "not_empty", "The run did something",                                             \
      "requests were made and sampled spans were received")                                        \
    X(LEDGER, "ledger", "The ledger is whole", "every segment and every row can be read")          \
    X(TAP, "tap", "The recording at the collector's socket is whole",                              \
      "every record can be read and decoded")                                                      \
    X(CALLS, "calls", "Every answered call reached its callee",                                    \
      "an entry of the callee for every request that was answered")                                \
    X(MESSAGES, "messages", "Every published message was handled",                                 \
      "an entry in every consumer group for every acknowledged message")                           \
    X(CLEAN_STOP, "clean_stop", "Every process stopped cleanly",                                   \
      "a closing row in every ledger, unless the supervisor killed the process")                   \
    X(BOOKS, "books", "The SDK's books agree with the ledger",                                     \
      "started, not recorded, record only and open spans as the ledger has them")                  \
    X(LOST_UNEXPLAINED, "lost_unexplained", "No span is lost without explanation",                 \
      "0 spans lost unexplained")                                                                  \
    X(LOST_AFTER_ACK, "lost_after_ack", "No span is lost after it was acknowledged",               \
      "0 acknowledged spans missing at the socket")                                                \
    X(PROCESS_KILLED, "process_killed", "A killed process loses no more than it held",             \
      "at most queue + batch + one export in flight for each killed process")                      \
    X(AGENTS, "agents", "Agents pass on what they acknowledge",                                    \
      "behind each agent every span that it acknowledged, but those it counts as dropped")         \
    X(COUNTER_LIES, "counter_lies", "Drop callback, drop counters and missing spans agree",        \
      "the same spans under the same reasons in all three")                                        \
    X(DUPLICATES, "duplicates", "No span arrives twice",                                           \
      "0 duplicates, other than retries of unanswered or failed attempts")                         \
    X(ID_COLLISIONS, "id_collisions", "No two spans have the same id",                            \
      "no span id twice in the run; no id of zeros")                       \
    X(UNEXPECTED, "unexpected", "Only what was sampled arrives",                                   \
      "every received span was started, sampled and ended by the ledger")                          \
    X(CONTENT, "content", "Spans arrive as they were asked for",                                   \
      "name, attributes, events, links and status unaltered")                                      \
    X(IDENTITY, "identity", "Ids and kind arrive unaltered", "trace id, span id, kind and flags "  \
      "as the API gave them")                                                                      \
    X(PARENTS, "parents", "Every span has its parent", "the parent that was given, in the API "    \
      "and at the socket")                                                                         \
    X(PROPAGATION, "propagation", "The context is carried over every hop",                         \
      "sent, received and used on every call and message")                                         \
    X(SAMPLING_DECISION, "sampling_decision", "Every sampling decision is the right one",          \
      "parent's flag where the sampler is parent-based, else the rule recomputed")                 \
    X(WHOLE_TRACES, "whole_traces", "Traces are sampled whole or not at all",                      \
      "0 traces of which only a part was sampled")                                                 \
    X(SAMPLING_SHARE, "sampling_share", "Ratio samplers keep their share",                         \
      "the share sampled by ratio, two-sided at 1e-6")                                             \
    X(TRACE_ID_RANDOMNESS, "trace_id_randomness", "Trace ids are random",                          \
      "bits 72 to 127 of new trace ids even and independent, two-sided at 1e-6")                   \
    X(TRACES, "traces", "Received traces hang together",                                           \
      "one connected tree for every trace whose spans all arrived")                                \
    X(RESOURCE, "resource", "Spans carry the resource of their process",                           \
      "service.name, service.instance.id, telemetry.sdk.* and what was declared")                  \
    X(BAGGAGE, "baggage", "Baggage arrives as it was set",                                         \
      "what is read is what was set upstream; headers carry it")                                   \
    X(DURATIONS, "durations", "Durations are right", "end - start inside the ledger's monotonic "  \
      "brackets (10 us + 0.01 %), never negative")                                                 \
    X(START_TIMES, "start_times", "Clocks are right",                                              \
      "start inside the ledger's wall clock bracket (50 ms)")                                      \
    X(CONTAINMENT, "containment", "Children lie inside their parents",                             \
      "synchronous children of one process start and end inside the parent (50 ms)")               \
    X(PIPELINE, "pipeline", "The exporters wrote what was received",                               \
      "the same spans behind the pipeline as at the socket")                                       \
    X(TAIL_SAMPLING, "tail_sampling", "Tail sampling keeps what it must, and nothing else",        \
      "every trace decided as the received spans, the ledger and the configuration have it")       \
    X(PLAYER_ERRED, "player_erred", "Every broken player erred",                                   \
      "at least one planted error of every service that has broken:")

#endif
