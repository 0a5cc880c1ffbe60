# SPDX-License-Identifier: Apache-2.0
"""transform and filter on all three signals: what the table of ottl.json says both have to make of its requests."""
import copy
import json
import pathlib
import re

from collectors import Collector, attributes

TABLE = pathlib.Path(__file__).parents[2] / "processors/tests/vectors/ottl.json"
NAMES = {"traces": ("resourceSpans", "scopeSpans", "spans"), "metrics": ("resourceMetrics", "scopeMetrics", "metrics"),
         "logs": ("resourceLogs", "scopeLogs", "logRecords")}
DATA = ("gauge", "sum", "histogram", "exponentialHistogram", "summary")
LISTS = {"trace_statements": "traces", "metric_statements": "metrics", "log_statements": "logs"}


def shorthand(value):
    """5 is {"intValue": "5"}, and so on."""
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    return {"stringValue": value} if isinstance(value, str) else value


def step(at, token, signal):
    """One part of a path: r0 s0 i0 p0 e0 are members of lists, all others names."""
    number = re.fullmatch(r"([rsipe])(\d+)", token)
    if not number:
        return at.setdefault(token, {}), None
    kind, index = number[1], int(number[2])
    if kind == "p":
        at, kind = next(at[d] for d in DATA if d in at), "dataPoints"
    else:
        kind = "events" if kind == "e" else NAMES[signal]["rsi".index(kind)]
    return at[kind], index


def change(request, signal, path, value):
    at, tokens = request, path.split("/")
    while len(tokens) > 1 and not (tokens[0] == "attributes" and len(tokens) > 1):
        at, index = step(at, tokens.pop(0), signal)
        at = at if index is None else at[index]
    if len(tokens) > 1:
        key = "/".join(tokens[1:])
        pairs = at.setdefault("attributes", [])
        found = next((n for n, pair in enumerate(pairs) if pair["key"] == key), None)
        if value is None:
            del pairs[found]
        elif found is None:
            pairs.append({"key": key, "value": shorthand(value)})
        else:
            pairs[found]["value"] = shorthand(value)
        return
    if re.fullmatch(r"[rsipe]\d+", tokens[0]):
        items, index = step(at, tokens[0], signal)
        del items[index]
    elif value is None:
        del at[tokens[0]]
    else:
        at[tokens[0]] = value


def normal(thing):
    """Without what is as if it were not there; 64-bit numbers as numbers, attributes by their keys."""
    if isinstance(thing, list):
        return [normal(x) for x in thing]
    if not isinstance(thing, dict):
        return thing
    ret = {}
    for key, part in thing.items():
        if key in ("attributes", "metadata"):
            part = attributes(part)
        elif key == "body":
            part = json.loads(json.dumps(part))
        elif key.endswith("UnixNano") or key in ("count", "zeroCount"):
            part = int(part)
        else:
            part = normal(part)
        if part not in ("", 0, [], {}, None, False) or key in ("asInt", "asDouble"):
            ret[key] = part
    return ret


def wanted(table, case, signal):
    request = copy.deepcopy(table["requests"][signal])
    for path, value in case["changes"].items():
        change(request, signal, path, value)
    return normal(request)


def configuration(table):
    text = "receivers: {otlp: {protocols: {http: {endpoint: '${env:OTLP_HTTP}'}}}}\n"
    processors, exporters, pipelines = {}, {}, {}
    for n, (case, signal, config) in enumerate(cases(table)):
        (name, settings), = config.items()
        if name.startswith("transform"):
            where = {"transform-logs": "logs"}.get(name, signal)
            settings = {"error_mode": "ignore",
                        next(k for k, s in LISTS.items() if s == where): settings}
        else:
            settings = dict(settings, error_mode="ignore")
        processors[f"{name.split('-')[0]}/{n}"] = settings
        exporters[f"file/{n}"] = {"path": f"${{env:OUT}}/{n}.json"}
        pipelines[f"{signal}/{n}"] = {"receivers": ["otlp"], "processors": [f"{name.split('-')[0]}/{n}"],
                                      "exporters": [f"file/{n}"]}
    processors = json.dumps(processors).replace("$", "$$")
    return text + f"processors: {processors}\nexporters: {json.dumps(exporters)}\nservice:\n" \
                  f"  telemetry: {{metrics: {{level: none}}}}\n  pipelines: {json.dumps(pipelines)}\n"


def cases(table):
    for case in table["cases"]:
        signal = next(s for s in NAMES if s in case)
        yield case, signal, case[signal]


def made(program, real, table, out):
    """What a collector makes of the requests: by the number of the case."""
    path = out / "ottl.yaml"
    path.write_text(configuration(table))
    where = out / ("real" if real else "mock")
    with Collector(program, real, path, where) as collector:
        for signal, request in table["requests"].items():
            collector.send([json.dumps(request).encode()], f"/v1/{signal}")
    ret = {}
    for n, _ in enumerate(table["cases"]):
        text = (where / f"{n}.json").read_text() if (where / f"{n}.json").exists() else ""
        ret[n] = normal(json.loads(text)) if text else {}
    return ret


def ottl(args, out):
    table = json.loads(TABLE.read_text())
    wrong = []
    for real, program in ((False, args.mock), (True, args.otelcol))[:2 if args.otelcol else 1]:
        found = made(program, real, table, out)
        for n, (case, signal, _) in enumerate(cases(table)):
            want = wanted(table, case, signal)
            if found[n] != want:
                wrong.append(f"{'the real one' if real else 'collector-mock'}: {case['name']}: "
                             f"{json.dumps(found[n], sort_keys=True)} and not {json.dumps(want, sort_keys=True)}")
    return wrong


LIVE = {"ottl": ottl}
