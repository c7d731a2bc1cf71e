"""Cost curves as one small SVG, from what the benchmark `growth` kept: p95 over the number of notices, both logarithmic."""

import itertools
import json
import math
import re
from pathlib import Path

from .frame import VAR

WIDTH, HEIGHT, LEFT, TOP, BOTTOM, RIGHT = 640, 300, 52, 16, 36, 170
COLOURS = ("#a4161a", "#1b5e8c", "#2f6f3e", "#8a5a00", "#5b3f8c")


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
    times = [value for points in lines.values() for _, value in points]
    low, high = math.floor(math.log10(min(times))), math.ceil(math.log10(max(times)))

    def place(size: float, value: float) -> tuple[float, float]:
        across = math.log(size / sizes[0]) / math.log(sizes[-1] / sizes[0])
        up = (math.log10(value) - low) / (high - low)
        return round(LEFT + across * (WIDTH - LEFT - RIGHT), 1), round(
            HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM), 1
        )

    drawn = [*_axes(sizes, range(low, high + 1), place)]
    for (name, points), colour in zip(lines.items(), itertools.cycle(COLOURS), strict=False):
        path = " ".join(f"{x},{y}" for x, y in (place(*point) for point in points))
        x, y = place(*points[-1])
        drawn.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        drawn.append(f'<text x="{x + 8}" y="{y + 4}" fill="{colour}">{name}, {points[-1][1]:.1f} ms</text>')
    box = f'viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12"'
    title = "<title>p95 of a request in milliseconds of processor time, by the number of notices</title>"
    back = f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>'
    file.write_text(f'<svg xmlns="http://www.w3.org/2000/svg" {box}>{title}{back}{"".join(drawn)}</svg>\n')


def _axes(sizes: list[int], powers: range, place) -> list[str]:
    drawn = []
    for power in powers:
        (x, y), (end, _) = place(sizes[0], 10**power), place(sizes[-1], 10**power)
        drawn.append(
            f'<path d="M{x} {y}H{end}" stroke="#ccc"/><text x="{x - 8}" y="{y + 4}" text-anchor="end">{10**power:g} ms</text>'
        )
    for size in sizes:
        x, y = place(size, 10 ** powers[0])
        drawn.append(f'<text x="{x}" y="{y + 20}" text-anchor="middle">{size:,}</text>')
    return drawn
