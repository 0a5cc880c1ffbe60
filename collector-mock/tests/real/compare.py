# SPDX-License-Identifier: Apache-2.0
"""Compare collector-mock, `tracerig predict` and a real Collector on the same configuration and the same spans.

The real one is the program that OTELCOL or --otelcol names; without it, what a real one did once (recorded.json).
"""
import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import live
import ottl
import signals
import spans
from collectors import Collector, digests, traces

HERE = pathlib.Path(__file__).parent
CASES = {"tail.yaml": lambda: spans.mixed(1, 400), "sampler.yaml": lambda: spans.single(2, 10000),
         "processors.yaml": lambda: spans.mixed(3, 200), "before.yaml": lambda: spans.mixed(9, 1000),
         "gated.yaml": lambda: spans.mixed(11, 400), "named.yaml": lambda: spans.mixed(12, 400),
         "late.yaml": lambda: spans.mixed(7, 200)}
PREDICTED = ("tail.yaml", "before.yaml", "gated.yaml", "named.yaml")
# What turns a feature gate on: an option there, a setting of each tail_sampling here.
GATES = {"gated.yaml": ("--feature-gates=+processor.tailsamplingprocessor.usetracestate", "compat: {use_tracestate: true}"),
         "named.yaml": ("--feature-gates=+processor.tailsamplingprocessor.recordpolicy", "compat: {record_policy: true}")}
LIVE = {"load_balancing": live.balance, "compressed": live.compressed, "span_metrics": live.span_metrics, "grouped": live.grouped, **signals.LIVE, **ottl.LIVE}
points = failures = 0


def point(name, wrong):
    global points, failures
    points += 1
    print(f"{'not ok' if wrong else 'ok'} {points} - {name}")
    for line in wrong[:400]:
        print("# " + line[:1500])
    failures += bool(wrong)
    sys.stdout.flush()


def pipelines(text):
    """Names behind the slash, each with its processors in the order of the file."""
    ret = {}
    for processor, name in re.findall(r"^  ([a-z_]+)/([\w.]+):", text, re.M):
        ret.setdefault(name, []).append(f"{processor}/{name}")
    return ret


def whole(case, out, part=None, real=False):
    """The configuration with a pipeline and a file for each name, of which part has at most 30."""
    text = (HERE / case).read_text()
    if case in GATES and not real:
        text = re.sub(r"^(  tail_sampling/.*:)$", rf"\1\n    {GATES[case][1]}", text, flags=re.M)
    names = pipelines(text)
    if part is not None:
        names = dict(list(names.items())[30 * part:30 * (part + 1)])
    text += "receivers: {otlp: {protocols: {http: {endpoint: '${env:OTLP_HTTP}'}}}}\nexporters:\n"
    text += "".join(f"  file/{n}: {{path: '${{env:OUT}}/{n}.json'}}\n" for n in names)
    text += "service:\n  telemetry: {metrics: {level: none}}\n  pipelines:\n"
    text += "".join(f"    traces/{n}: {{receivers: [otlp], processors: [{', '.join(p)}], exporters: [file/{n}]}}\n"
                    for n, p in names.items())
    path = out / (case if part is None else f"{part}-{case}")
    path.write_text(text)
    return path, names


def difference(name, order, ours, theirs, sent):
    """Lines that say where two collectors differ: the number, and the first two."""
    differ = [t for t in [*order, *sorted((set(ours) | set(theirs)) - set(order))] if ours.get(t) != theirs.get(t)]
    ret = [f"{name}: {len(differ)} traces differ"] if differ else []
    for trace in differ[:2]:
        a, b = ours.get(trace, []), theirs.get(trace, [])
        ret.append(f"{name}: trace {trace}: collector-mock {len(a)} spans, the real one {len(b)}")
        only = [f"  {who}: {text}" for text, who in sorted(
            [(text, "mock") for text in a if text not in b] + [(text, "real") for text in b if text not in a],
            key=lambda item: (json.loads(item[0])["span"]["spanId"], item[1]))]
        ret += only[:2] if only else [f"  sent: {text}" for text in sent.get(trace, [])[:2]]
    return ret


answers = [0, 0]  # traces asked for under policies without a memory, and those that depend on timing


def predicted(args, config, name, sent, kept):
    """Lines of differences that tracerig predict tells."""
    done = subprocess.run([args.tracerig, "predict", "--config", config, "--processor", f"tail_sampling/{name}",
                           "--kept", kept, "--quiet", sent], capture_output=True, text=True, check=False)
    counts = re.search(r"^(\d+) traces .* depends on timing (\d+)", done.stdout, re.M)
    if counts and not name.startswith("limit_"):
        answers[0] += int(counts[1])
        answers[1] += int(counts[2])
    return [] if done.returncode == 0 else [f"{name}: predict ends with {done.returncode}", *done.stdout.splitlines(),
                                           *done.stderr.splitlines()]


def run(args, out, case, lines, real):
    where = out / ("real" if real else "mock") / case
    ret = {}
    for part in range(9):
        config, names = whole(case, out, part, real)
        if not names:
            return ret
        program = Collector(args.otelcol if real else args.mock, real, config, where)
        if real and case in GATES:
            program.options.append(GATES[case][0])
        with program as collector:
            collector.send(lines[:len(lines) // 2])
            if case == "late.yaml":
                time.sleep(4)  # what is waited for shows nowhere
            collector.send(lines[len(lines) // 2:])
            if "grouped" in names:
                collector.settle(where / "grouped.json", sum(line.count(b'"startTimeUnixNano"') for line in lines))
        ret.update((name, traces(where / f"{name}.json")) for name in names)


def one_case(args, out, case, record):
    lines = spans.lines(CASES[case]())
    if not args.otelcol and case == "sampler.yaml":
        lines = lines[:20]  # one a sum: the rest takes too long for every check
    sent_path = out / f"{case}.sent.json"
    sent_path.write_bytes(b"\n".join(lines) + b"\n")
    sent = traces(sent_path)
    order = list(sent)
    config, names = whole(case, out)
    ours = run(args, out, case, lines, False)
    theirs = run(args, out, case, lines, True) if args.otelcol else None
    wrong, foretold = [], []
    for name in names:
        stateful = name.startswith("limit_")
        if case in PREDICTED:
            foretold += predicted(args, config, name, sent_path, out / "mock" / case / f"{name}.json")
            if theirs:
                foretold += [f"real: {x}" for x in
                             predicted(args, config, name, sent_path, out / "real" / case / f"{name}.json")]
        if stateful and name != "limit_named_composite":  # whose limit is never reached
            continue
        found = list(digests(ours[name], order))
        if theirs:
            wrong += difference(name, order, ours[name], theirs[name], sent)
            if case != "late.yaml":
                record.setdefault(case, {})[name] = "".join(digests(theirs[name], order))
        elif not found or not record.get(case, {}).get(name, "").startswith("".join(found)):
            wrong.append(f"{name}: not what the real one did, or new here: {len(ours[name])} traces kept")
    against = "what a real Collector does" if theirs else "what a real Collector did"
    point(f"{case}: collector-mock does {against}, {len(names)} pipelines, {len(order)} traces", wrong)
    if case in PREDICTED:
        point(f"{case}: tracerig predict tells it before", foretold)


def mistakes(args, out):
    """Both refuse each file of mistakes.txt, and say the same of it in the parts that matter."""
    wrong = []
    cases = (HERE / "mistakes.txt").read_text().split("==== ")[1:]
    for case in cases:
        name, *lines = case.splitlines()
        path = out / "mistake.yaml"
        path.write_text("".join(x + "\n" for x in lines if not x.startswith("> ")))
        for program in [args.mock] + [args.otelcol] * bool(args.otelcol):
            try:
                done = subprocess.run([program, "--config", path], capture_output=True, text=True, check=False, timeout=30)
                status, said = done.returncode, done.stdout + done.stderr
            except subprocess.TimeoutExpired:
                status, said = 0, "it started"
            unsaid = [x[2:] for x in lines if x.startswith("> ") and not re.search(x[2:], said, re.I)]
            if status == 0 or unsaid:
                wrong.append(f"{name}: {pathlib.Path(program).name} ends with {status}, does not say {unsaid}: {said[-400:]}")
    point(f"mistakes.txt: {len(cases)} are refused in like words{' by both' if args.otelcol else ''}", wrong)


def main():
    parser = argparse.ArgumentParser()
    top = HERE.parents[2]
    built = top / "build" / os.environ.get("MODE", "release") / "bin"
    parser.add_argument("--otelcol", default=os.environ.get("OTELCOL"))
    parser.add_argument("--mock", default=str(built / "collector-mock"))
    parser.add_argument("--tracerig", default=str(built / "tracerig"))
    parser.add_argument("--record", action="store_true", help="write recorded.json from the real one")
    parser.add_argument("--out", help="leave everything there")
    parser.add_argument("cases", nargs="*", default=[])
    args = parser.parse_args()
    recorded = HERE / "recorded.json"
    record = {"cases": {}} if args.otelcol or not recorded.exists() else json.loads(recorded.read_text())
    with tempfile.TemporaryDirectory(prefix="real.") as scratch:
        out = pathlib.Path(args.out or scratch)
        out.mkdir(parents=True, exist_ok=True)
        for case in args.cases or [*CASES, "mistakes.txt", *LIVE]:
            if case == "mistakes.txt":
                mistakes(args, out)
            elif case in ottl.LIVE or (case in LIVE and args.otelcol):
                (out / case).mkdir(exist_ok=True)
                point(f"{case}: collector-mock does what a real Collector d{'oes' if args.otelcol else 'id'}", LIVE[case](args, out / case))
            elif case in LIVE or (case == "late.yaml" and not args.otelcol):
                continue
            else:
                one_case(args, out, case, record["cases"])
    if args.record and args.otelcol:
        version = subprocess.run([args.otelcol, "--version"], capture_output=True, text=True, check=True)
        record["collector"] = version.stdout.split()[-1]
        recorded.write_text(json.dumps(record, indent=1) + "\n")
    if answers[0]:
        point(f"predict answers keep or drop for {answers[0] - answers[1]} of {answers[0]} traces, at least 99.9 %",
              ["too few"] * (answers[1] * 1000 > answers[0]))
    if not args.otelcol:
        print(f"ok {points + 1} - a real Collector does so now # SKIP OTELCOL names no real Collector")
    print(f"1..{points + (not args.otelcol)}")
    sys.exit(failures > 0)


main()
