"""A small flame graph from collapsed stacks: the width of a box is its share of the samples, what it calls stands above it."""

from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

LEAST = 0.008
"""Narrower boxes are left out, which keeps the file small."""

CHARACTERS = 150
"""That fit into the whole width."""

COLOURS = ("#f4c27a", "#eeb05c")

Tree = dict[str, Any]


def draw(stacks: Path, target: Path) -> None:
    """Draw what py-spy's raw format holds: ``frame;frame;frame count`` a line."""
    root: Tree = {"samples": 0, "calls": {}}
    for line in stacks.read_text().splitlines():
        frames, _, count = line.rpartition(" ")
        _add(root, [_short(frame) for frame in frames.split(";")], int(count))
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "reviewstream", "font.size": 6}):
        figure = Figure(figsize=(9, 0.6 + 0.15 * _depth(root, root["samples"])))
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        axes.set(xlim=(0, 1), ylim=(0, _depth(root, root["samples"])))
        _boxes(axes, root, root["samples"], 0.0, 0)
        figure.savefig(target, metadata={"Date": None}, transparent=True)


def _add(root: Tree, frames: list[str], count: int) -> None:
    node = root
    node["samples"] += count
    for frame in frames:
        node = node["calls"].setdefault(frame, {"samples": 0, "calls": {}})
        node["samples"] += count


def _short(frame: str) -> str:
    """``poll (kafka/consumer/group.py:12)`` as ``poll (kafka/consumer/group.py)``: all lines of a function are one box."""
    name, _, place = frame.partition(" (")
    file = place.rstrip(")").rpartition(":")[0] or place.rstrip(")")
    return f"{name} ({file})" if file else name


def _wide(node: Tree, whole: int) -> list[tuple[str, Tree]]:
    return [(name, call) for name, call in node["calls"].items() if call["samples"] >= LEAST * whole]


def _depth(node: Tree, whole: int) -> int:
    return max((1 + _depth(call, whole) for _, call in _wide(node, whole)), default=0)


def _boxes(axes: Any, node: Tree, whole: int, left: float, level: int) -> None:
    for number, (name, call) in enumerate(_wide(node, whole)):
        width = call["samples"] / whole
        axes.add_patch(
            Rectangle((left, level), width, 0.94, color=COLOURS[(level + number) % 2], linewidth=0)
        )
        if (room := int(width * CHARACTERS)) > 3:
            axes.text(left + 0.002, level + 0.3, name[:room], color="#3b2a08", clip_on=True)
        _boxes(axes, call, whole, left, level + 1)
        left += width


if __name__ == "__main__":
    import sys

    draw(Path(sys.argv[1]), Path(sys.argv[2]))
