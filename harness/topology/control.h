/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HX_CONTROL_H
#define HX_CONTROL_H

/*
 * Control protocol between the runner and its own children (service, broker, load client): one
 * JSON object a line, both ways, over a stream socket whose descriptor number is in the environment
 * variable TRACERIG_CONTROL_FD. The child's end is close-on-exec for its own children. End of file
 * means that the other side is gone: a child then stops at once. Lines are at most 64 KiB.
 *
 * child -> runner
 *   {"event":"bound","port":40123}        service: listening, before anything is asked of it
 *   {"event":"bound","bootstrap":"127.0.0.1:40124"}
 *                                         broker: topics exist; the broker is then ready
 *   {"event":"bound","places":[{"instance":"payment-0","listen":40126,"port":40127,
 *    "calls":{"rules":40128}}]}           relay: of each replica of a service with a command: where
 *                                         to call it, the port that it is to serve, where it finds
 *                                         those that it calls. "ready" when all serve their ports
 *   {"event":"ready"}                     peers known, connections possible, Kafka group stable
 *                                         (all partitions assigned and 3 s without rebalance)
 *   {"event":"progress", ...}             about once a second. Load client: phase, elapsed_s,
 *                                         rate_asked, rate_achieved, in_flight, backlog, p50_ns,
 *                                         p99_ns of the last second, requests and errors so far.
 *                                         Service: in_hand, handled, refused, committed and lag
 *                                         (Kafka), app_cpu_ns, app_waits (how often that thread
 *                                         slept), exporter_cpu_ns and
 *                                         "sdk":{counters of HX_LED_COUNTERS}
 *   {"event":"membership","what":"assigned","group":"projector","partitions":2,"mono_ns":...}
 *                                         service: a consumer's group gave it partitions
 *                                         (assigned), took them (revoked), had given them to others
 *                                         already (lost), or it exceeded max.poll.interval.ms
 *                                         (expelled; noticed at its next poll)
 *   {"event":"marked", ...}               answer to mark: the counters at that instant
 *   {"event":"finished","load":{...},"trust":[...]}
 *                                         load client: all answered or timed out; both exactly as
 *                                         in report.json. hdr/response.hlog, service.hlog and
 *                                         sendlag.hlog (tags warmup, measure) are complete by then
 *   {"event":"idle","in_hand":0,"lag":0}  answer to drain: nothing in hand, consumer lag 0, offsets
 *                                         committed
 *   {"event":"flushed","ok":true}         answer to flush
 *   {"event":"stopped","handled":9,"sdk":{...},"injected":{...}}
 *                                         answer to stop, the last line; the process exits 0
 *                                         relay: "handled":{instance: n}, "refused", "unrouted",
 *                                         "turned_away", "why", "undelivered", "uncommitted":
 *                                         {service: n}
 *   {"event":"acted","id":2,"ended_mono_ns":...,"requests":5}
 *                                         broker: a fault is over
 *   {"event":"fault","text":"..."}        the environment failed (port, disk); the process exits 3
 *
 * runner -> child
 *   {"do":"peers","services":{"order":["127.0.0.1:40125"]},
 *    "otlp":"http://127.0.0.1:40126","otlp_grpc":"http://127.0.0.1:40127",
 *    "kafka":"127.0.0.1:40124"}
 *   {"do":"start"}                        load client: begin now
 *   {"do":"drain"}                        service: answer "idle" as soon as it is true
 *   {"do":"set","settings":[["routes.POST /orders.steps.0.wait","\"200ms\""]]}
 *                                         service: change settings of its part of the scenario
 *   {"do":"sql","statement":"DROP INDEX i"} service: run it on the instance's own database
 *   {"do":"slow","route":"POST /orders","delay_ns":200000000}
 *                                         service, relay (with "instance"): 0 = as before
 *   {"do":"again","instance":"payment-0"} relay: a new process is there, knock until it serves its
 *                                         port; answer "served", with "why" when it never does
 *   {"do":"gone","instance":"payment-0"}  relay: its process has ended; no other is there yet
 *   {"do":"fault","id":2,"kind":"down","for_ns":1000000000, ...}
 *                                         broker: "delay_ns"; "api", "error", "count"; answer
 *                                         "acted" when it is over
 *   {"do":"mark"}                         service: answer "marked", with the fields of progress
 *   {"do":"flush","timeout_ms":10000}     service: force_flush of the SDK
 *   {"do":"stop","timeout_ms":10000}      finish what is in hand, shut the SDK down, answer
 *                                         "stopped"
 *
 * Role file (--role FILE), JSON: {"scenario": resolved tree, "service": "order" (service only),
 * "replica": 0, "incarnation": 0, "process": 3, "instance": "order-0", "seed": 42,
 * "replicas": [{"service","replica","process","instance"}] (relay only; without "instance": the
 * topics of the service), "kafka": HOST:PORT (likewise),
 * "dir": run directory, "port": 0 (any), "peers": the peers command, where it is known already}
 *
 * Child exit status: 0 clean, 2 bad role file, 3 fault.
 */

#define HX_CONTROL_ENV "TRACERIG_CONTROL_FD"
enum { HX_CONTROL_LINE_MAX = 64 * 1024 };

#endif
