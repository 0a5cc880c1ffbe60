#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The requirements of an SDK, each as a test by its number: TAP, then the table of verdicts.

usage: run.py [NUMBER|GROUP]...   MODE picks the build.
A row that is known to fail has a reason ("unmet"): it is printed as an expected failure, and fails
the run when it passes.
"""
import importlib
import os
import sys
import tempfile
import time
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import network
import rig

GROUPS = ["model", "limits", "sampling", "processors", "export", "faults", "each_fault", "config",
          "propagation", "bugs", "forks", "metrics"]  # a file of rows each
LAST = 160


def by_number(number):
    text = str(number)
    return "Bbd".find(text[0]), int(text.lstrip("Bbd")), text


def judge(row, case):
    """verdict, why"""
    try:
        row.run(case)
    except rig.Skipped as why_not:
        case.end_row()
        return "skipped", str(why_not)
    except rig.Failed as failure:
        verdict, why = "fails", str(failure)
    except Exception:
        verdict, why = "fails", traceback.format_exc()
    else:
        verdict, why = "met", ""
    try:
        case.end_row()
    except rig.Failed as failure:
        verdict, why = "fails", str(failure)
    if row.unmet and verdict == "fails":
        return "expected failure", row.unmet
    if row.unmet:
        return "fails", "it is met now: take the reason away (%s)" % row.unmet
    return verdict, why


def run_group(name, wanted, directory, log, results):
    module = importlib.import_module("rows_" + name)
    rows, rig.ROWS[:] = list(rig.ROWS), []
    rows = [r for r in rows if not wanted or str(r.numbers) in wanted or name in wanted]
    case = rig.Case(directory + "/" + name, log)
    try:
        if rows and hasattr(module, "early"):
            module.early(case)
        for row in rows:
            if case.shared is not None:
                case.shared.mark()
            began = time.monotonic()
            verdict, why = judge(row, case)
            results.append((row, verdict, why))
            print_result(len(results), results[-1])
            if os.environ.get("TIMES"):
                print("# %.0f ms" % (1000 * (time.monotonic() - began)))
    finally:
        case.end()


def judge_classes(results):
    """Every number has its row. The bug classes by the rows that show their scenarios; a row that
    did not run fails its class."""
    from rows_bugs import CLASSES
    verdicts = {row.numbers: verdict for row, verdict, _ in results}
    for number in range(1, LAST + 1):
        if number not in verdicts:
            results.append((rig.Row(number, "has no row", None, None), "fails", "no row"))
            print_result(len(results), results[-1])
    for name, title, numbers in CLASSES:
        absent = [n for n in numbers if n not in verdicts]
        found = [verdicts.get(n) for n in numbers]
        verdict = "fails" if absent or "fails" in found else next(
            (v for v in ("expected failure", "skipped") if v in found), "met")
        why = "did not run: %s" % absent if absent else "rows " + ", ".join(map(str, numbers))
        results.append((rig.Row(name, "class: " + title, None, None), verdict, why))
        print_result(len(results), results[-1])


def print_result(number, result):
    row, verdict, why = result
    mark = {"expected failure": " # TODO ", "skipped": " # SKIP "}.get(verdict)
    print("%s %d - %s %s%s" % ("ok" if verdict in ("met", "skipped") else "not ok", number,
                               row.numbers, row.title, mark + why if mark else ""), flush=True)
    if verdict == "fails":
        print("".join("# %s\n" % line for line in why.splitlines()), end="")


def main():
    wanted = sys.argv[1:]
    if not network.isolate():
        print("# no network of its own: ports 80 and 4318 are shared with the machine")
    results = []
    with tempfile.TemporaryDirectory(prefix="requirements.") as directory:
        with open(directory + "/log", "w+b") as log:
            for group in GROUPS:
                run_group(group, wanted, directory, log, results)
            if not wanted:
                judge_classes(results)
            log.flush()
            if any(v == "fails" for _, v, _ in results):
                log.seek(0)
                for line in log.read().decode("utf-8", "replace").splitlines()[-40:]:
                    print("# log: " + line)
    print("1..%d" % len(results))
    print("# | requirement | | verdict |")
    for row, verdict, why in sorted(results, key=lambda r: by_number(r[0].numbers)):
        print("# | %s | %s | %s |" % (row.numbers, row.title, verdict if verdict == "met" else
                                       "%s: %s" % (verdict, why.split("\n")[0])))
    for number, (row, verdict, why) in enumerate(results, 1):  # again, where the end is looked at
        if verdict == "fails":
            print("# failed: %d - %s %s" % (number, row.numbers, row.title))
            print("".join("#     %s\n" % line for line in why.splitlines()), end="")
    counts = {v: sum(1 for r in results if r[1] == v)
              for v in ("met", "expected failure", "skipped", "fails")}
    print("# %d met, %d expected failures, %d skipped, %d failures" % tuple(counts.values()))
    return 1 if counts["fails"] else 0


if __name__ == "__main__":
    sys.exit(main())
