# SPDX-License-Identifier: Apache-2.0
"""heat_maps.py SWEEP FIGURE...: the heat maps of these figures are there and show each point of the sweep.

SWEEP is the directory of a sweep. Of each figure there is one map for each combination of the paths behind the first two, each
with one cell for each point in it; a point that has no value has none and is told. Prints a line a figure; exit status 1 if
something is missing.
"""
import json
import math
import pathlib
import sys
import xml.etree.ElementTree as xml

SVG = "{http://www.w3.org/2000/svg}"


def cells(path):
    """How many coloured cells the picture has: the polygons of its first plot."""
    plot = xml.parse(path).getroot().find(f".//{SVG}g[@id='gnuplot_plot_1']")
    return 0 if plot is None else sum(1 for _ in plot.iter(f"{SVG}polygon"))


sweep, figures = pathlib.Path(sys.argv[1]), sys.argv[2:]
root = json.loads((sweep / "sweep.json").read_text())
sizes = [len(axis["values"]) for axis in root["axes"]]
each = math.prod(sizes[:2])
maps = math.prod(sizes[2:])
bad = [] if len(root["points"]) == each * maps else [f"{len(root['points'])} points, of {each * maps} combinations"]
for figure in figures:
    drawn = 0
    for nth in range(1, maps + 1):
        path = sweep / "plots" / f"heat-{figure}-{nth}.svg"
        try:
            found = cells(path)
        except (OSError, xml.ParseError) as error:
            bad.append(f"{path.name}: {error}")
            continue
        drawn += found
        if found != each:
            bad.append(f"{path.name} has {found} cells, not {each}")
    extra = sorted(p.name for p in (sweep / "plots").glob(f"heat-{figure}-*.svg") if int(p.stem.rsplit("-", 1)[1]) > maps)
    bad += [f"{name} is of no combination" for name in extra]
    without = sum(figure not in point["figures"] for point in root["points"])
    if without:
        bad.append(f"{without} points have no {figure}")
    print(f"{figure}: {maps} maps, {drawn} cells of {len(root['points'])} points")
for text in bad:
    print(f"not so: {text}")
sys.exit(1 if bad or not figures else 0)
