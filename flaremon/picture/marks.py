"""Where the names of regions fit: beside them, and not over each other."""

from collections.abc import Iterator, Sequence
from itertools import product
from math import cos, hypot, pi, sin

Point = tuple[float, float]


def label_places(
    points: Sequence[Point], *, size: Point, keep_off: float, side: float
) -> list[Point]:
    """Return the middle of a label for each point, in their order.

    A label goes to the nearest place, away from the middle of the disk rather than towards it,
    where it is within the picture and covers no label before it and no point. Where there is
    none it takes the first one: a label that covers something is better than a region without
    a name.

    Parameters
    ----------
    points : sequence of (x, y)
        What is labelled, pixels.
    size : (width, height)
        Of a label, pixels.
    keep_off : float
        Radius around points that labels do not cover, pixels.
    side : float
        Of the square picture, with the disk in its middle, pixels.
    """
    placed: list[Point] = []
    for point in points:
        places = list(_around(point, size, keep_off, (side / 2, side / 2)))
        free = (
            place
            for place in places
            if all(part / 2 < at < side - part / 2 for at, part in zip(place, size, strict=True))
            and not any(_overlap(place, other, size) for other in placed)
            and not any(_covers(place, other, size, keep_off) for other in points)
        )
        placed.append(next(free, places[0]))
    return placed


def _around(point: Point, size: Point, keep_off: float, middle: Point) -> Iterator[Point]:
    """Yield places around a point: near before far, outward before inward."""
    out = (point[0] - middle[0], point[1] - middle[1])
    length = hypot(*out) or 1.0
    turns = [k * pi / 6 for k in (0, 1, -1, 2, -2, 3, -3, 4, -4, 5, -5, 6)]
    for away, turn in product((1.0, 1.8, 2.8), turns):
        x = (out[0] * cos(turn) - out[1] * sin(turn)) / length
        y = (out[0] * sin(turn) + out[1] * cos(turn)) / length
        reach = keep_off * away
        yield point[0] + x * (reach + size[0] / 2), point[1] + y * (reach + size[1] / 2)


def _overlap(one: Point, other: Point, size: Point) -> bool:
    return abs(one[0] - other[0]) < size[0] and abs(one[1] - other[1]) < size[1]


def _covers(place: Point, point: Point, size: Point, keep_off: float) -> bool:
    """Tell whether a label comes nearer to a point than it may."""
    x = max(0.0, abs(place[0] - point[0]) - size[0] / 2)
    y = max(0.0, abs(place[1] - point[1]) - size[1] / 2)
    return hypot(x, y) < 0.9 * keep_off
