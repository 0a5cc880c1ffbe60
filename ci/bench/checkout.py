#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""ci/bench/checkout.py TRACERIG: what the checkout topology reaches on this machine: the best of 11 short runs at 2,200
requests a second, each with its ledger and its verdicts. A run whose verdict is not "pass" counts for nothing."""
import json
import pathlib
import subprocess
import sys
import tempfile

RUNS, RATE = 11, 2200


def one(tracerig, out):
    """(requests a second, spans a request) of one run, or None if it did not pass."""
    command = [tracerig, "run", "scenarios/checkout.yaml", "--quiet", "--out", str(out), "--set", f"load.rate={RATE}",
               "--set", "load.warmup=1s", "--set", "load.duration=4s"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    files = list(out.rglob("report.json"))
    if not files:
        print(f"checkout: exit {done.returncode}, no report\n{done.stdout}{done.stderr}", file=sys.stderr)
        return None
    report = json.loads(files[0].read_text())
    if report["verdict"] != "pass":
        print(f"checkout: the verdict of a run is {report['verdict']}", file=sys.stderr)
        return None
    spans = report["spans"]["started"] / report["load"]["requests"]
    return report["load"]["rate_achieved"], spans


def main():
    rates, spans = [], []
    for _ in range(RUNS):
        with tempfile.TemporaryDirectory() as work:
            run = one(sys.argv[1], pathlib.Path(work) / "run")
        if run:
            rates.append(run[0])
            spans.append(run[1])
    print(f"{len(rates)} of {RUNS} runs passed; requests a second: {', '.join(f'{rate:.0f}' for rate in sorted(rates))}")
    if not rates:
        sys.exit(3)
    print(f"= checkout {max(rates):.1f} requests/s - -")
    print(f"= checkout_spans {min(spans):.2f} spans - -")


if __name__ == "__main__":
    main()
