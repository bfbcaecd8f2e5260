"""Charts as small SVG files, plain, readable on light and on dark ground."""
import math
import pathlib
from html import escape

COLOURS = ("#4477aa", "#ee7733", "#229955", "#aa3377", "#bbaa33")
WIDTH, HEIGHT = 720, 300
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 56, 44
STYLE = """<style>text{font:12px sans-serif;fill:#333}.t{font-size:14px}.g{stroke:#8888;stroke-width:.5}
.m{stroke:#c22;stroke-width:2}.e{text-anchor:end}.c{text-anchor:middle}polyline{fill:none;stroke-width:2}
@media(prefers-color-scheme:dark){text{fill:#ddd}.m{stroke:#f66}}</style>"""


def number(value):
    return f"{value:,.0f}".replace(",", " ") if value >= 100 else f"{value:.3g}"


def steps(most):
    """Round values from 0 to at least `most`."""
    step = 10 ** math.floor(math.log10(most))
    step = next(step * part for part in (0.2, 0.25, 0.5, 1, 2) if most / (step * part) <= 6)
    return [step * i for i in range(math.ceil(most / step - 1e-9) + 1)]


def decades(values):
    low, high = (math.floor(math.log10(min(values))), math.ceil(math.log10(max(values))))
    return [10.0**power for power in range(low, max(high, low + 1) + 1)]


class Canvas:
    def __init__(self, title, unit, names):
        self.parts = [f'<text class="t" x="{LEFT}" y="18">{escape(title)}</text>',
                      f'<text class="e" x="{WIDTH - RIGHT}" y="18">{escape(unit)}</text>']
        at = LEFT
        for name, colour in zip(names, COLOURS):
            self.parts.append(f'<rect x="{at:.0f}" y="29" width="10" height="10" fill="{colour}"/>'
                              f'<text x="{at + 14:.0f}" y="38">{escape(name)}</text>')
            at += 34 + 6.2 * len(name)

    def levels(self, values, place):
        for value in values:
            self.parts.append(f'<path class="g" d="M{LEFT} {place(value):.1f}H{WIDTH - RIGHT}"/>'
                              f'<text class="e" x="{LEFT - 6}" y="{place(value) + 4:.1f}">{number(value)}</text>')

    def below(self, x, label, line=0):
        self.parts.append(f'<text class="c" x="{x:.1f}" y="{HEIGHT - BOTTOM + 18 + 16 * line}">{escape(label)}</text>')

    def write(self, path):
        head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}">{STYLE}\n'
        pathlib.Path(path).write_text(head + "\n".join(self.parts) + "\n</svg>\n")


def bars(path, title, unit, groups, series, goals=()):
    """`series`: {name: a value for each group; None for no bar}; `goals`: a value to be marked in each group, or None."""
    canvas = Canvas(title, unit, series)
    every = [value for values in (*series.values(), goals) for value in values if value is not None]
    scale = steps(max(every))
    place = lambda value: TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / scale[-1])  # noqa: E731
    canvas.levels(scale, place)
    each = (WIDTH - LEFT - RIGHT) / len(groups)
    wide = each * 0.8 / len(series)
    for i, group in enumerate(groups):
        begin = LEFT + each * (i + 0.1)
        for j, (values, colour) in enumerate(zip(series.values(), COLOURS)):
            if values[i] is None:
                continue
            x, y = begin + wide * j, place(values[i])
            canvas.parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{wide * 0.92:.1f}" '
                                f'height="{HEIGHT - BOTTOM - y:.1f}" fill="{colour}"/>'
                                f'<text class="c" x="{x + wide * 0.46:.1f}" y="{y - 3:.1f}">{number(values[i])}</text>')
        if i < len(goals) and goals[i] is not None:
            canvas.parts.append(f'<path class="m" d="M{begin:.1f} {place(goals[i]):.1f}h{each * 0.8:.1f}"/>')
        canvas.below(begin + each * 0.4, group)
    if any(goal is not None for goal in goals):
        canvas.below(WIDTH / 2, "red: the goal", 1)
    canvas.write(path)


def lines(path, title, unit, along, series, logarithmic=False):
    """`series`: {name: [(x, y)]}; `along` says what x is; `logarithmic` for x."""
    canvas = Canvas(title, unit, series)
    xs = [x for points in series.values() for x, _ in points]
    scale = steps(max(y for points in series.values() for _, y in points))
    marks = decades(xs) if logarithmic else steps(max(xs))
    far = math.log10 if logarithmic else float
    place_y = lambda y: TOP + (HEIGHT - TOP - BOTTOM) * (1 - y / scale[-1])  # noqa: E731
    place_x = lambda x: (LEFT + (WIDTH - LEFT - RIGHT - 20)  # noqa: E731
                         * (far(x) - far(marks[0])) / (far(marks[-1]) - far(marks[0])))
    canvas.levels(scale, place_y)
    for mark in marks:
        canvas.below(place_x(mark), number(mark))
    canvas.below(WIDTH / 2, along, 1)
    for points, colour in zip(series.values(), COLOURS):
        text = " ".join(f"{place_x(x):.1f},{place_y(y):.1f}" for x, y in points)
        canvas.parts.append(f'<polyline points="{text}" stroke="{colour}"/>')
    canvas.write(path)
