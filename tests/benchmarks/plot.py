"""Cost curves as one small SVG, from what the benchmark `growth` kept: p95 over the number of notices (logarithmic)."""

import itertools
import json
import math
import re
from pathlib import Path

from .frame import VAR

WIDTH, HEIGHT, LEFT, TOP, BOTTOM, RIGHT = 760, 360, 52, 34, 48, 250
LINE = 17  # between two labels
COLOURS = ("#a4161a", "#1b5e8c", "#2f6f3e", "#8a5a00", "#5b3f8c", "#00707a", "#9c3587", "#444444")
STEPS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


def curves() -> dict[str, list[tuple[int, float]]]:
    """Page → (notices, ms)."""
    found = {}
    for each in json.loads((VAR / "growth.json").read_text()):
        if match := re.fullmatch(r"(.+) among (\d+) notices: p95, ms", each["name"]):
            found.setdefault(match[1], []).append((int(match[2]), each["value"]))
    return found


def draw(file: Path) -> None:
    """Write the picture."""
    lines = curves()
    sizes = sorted({size for points in lines.values() for size, _ in points})
    most = max(value for points in lines.values() for _, value in points)
    step = next(step for step in STEPS if most / step <= 6 or step == STEPS[-1])
    ticks = [step * number for number in range(math.ceil(most / step) + 1)]

    def place(size: float, value: float) -> tuple[float, float]:
        across = math.log(size / sizes[0]) / math.log(sizes[-1] / sizes[0])
        up = value / ticks[-1]
        return round(LEFT + across * (WIDTH - LEFT - RIGHT), 1), round(
            HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM), 1
        )

    drawn, below = [*_axes(sizes, ticks, place)], HEIGHT - BOTTOM + LINE
    coloured = zip(lines.items(), itertools.cycle(COLOURS), strict=False)
    for (name, points), colour in sorted(
        coloured, key=lambda each: each[0][1][-1][1]
    ):  # labels from below, none on another
        path = " ".join(f"{x},{y}" for x, y in (place(*point) for point in points))
        x, y = place(*points[-1])
        below = min(y, below - LINE)
        drawn.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        drawn.append(f'<path d="M{x + 4} {y}L{x + 24} {below}" stroke="{colour}" stroke-width="0.75"/>')
        drawn.append(f'<text x="{x + 28}" y="{below + 4}" fill="{colour}">{name}, {points[-1][1]:.1f} ms</text>')
    box = f'viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12"'
    title = "<title>p95 of a request in milliseconds of processor time, by the number of notices</title>"
    back = f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>'
    file.write_text(f'<svg xmlns="http://www.w3.org/2000/svg" {box}>{title}{back}{"".join(drawn)}</svg>\n')


def _axes(sizes: list[int], ticks: list[int], place) -> list[str]:
    drawn = [f'<text x="{LEFT - 40}" y="18" fill="#444">p95 of one request, ms of processor time</text>']
    for tick in ticks:
        (x, y), (end, _) = place(sizes[0], tick), place(sizes[-1], tick)
        drawn.append(
            f'<path d="M{x} {y}H{end}" stroke="#ddd"/><text x="{x - 8}" y="{y + 4}" text-anchor="end">{tick}</text>'
        )
    for size in sizes:
        x, y = place(size, 0)
        drawn.append(f'<text x="{x}" y="{y + 18}" text-anchor="middle">{size:,}</text>')
    middle, y = place(math.sqrt(sizes[0] * sizes[-1]), 0)
    drawn.append(f'<text x="{middle}" y="{y + 36}" fill="#444" text-anchor="middle">notices</text>')
    return drawn
