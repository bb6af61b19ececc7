"""A verification as a table for people."""

from collections.abc import Collection, Iterator, Sequence

import numpy as np

from flaremon.verify.blocks import MIN_BLOCKS
from flaremon.verify.flares import Scale
from flaremon.verify.judging import Bin, Figure, Judgement
from flaremon.verify.verification import Verification, borrowed_from

NAMES = {
    "tss": "TSS",
    "hss": "HSS",
    "apss": "ApSS",
    "pod": "POD",
    "pofd": "POFD",
    "far": "FAR",
    "bs": "BS",
    "bss": "BSS, sample climatology",
    "bss_trailing": "BSS, trailing climatology",
    "auc": "ROC area",
    "ece": "ECE",
}
"""How figures are called, in the order in which they are shown."""
_BRIEF = ("tss", "bss", "bss_trailing", "auc", "ece")
SCALES = {
    "true": "classes on the scale of true flux (those listed before 2019-12-07 divided by 0.7)",
    "listed": "classes as listed (before 2019-12-07 a listed M1 is an M1.4 of today)",
}
BREAK = "2019-12-07"
"""From this day on SWPC lists true fluxes."""
_FIRST, _COLUMN = 28, 27
_LONGEST_HEAD = 36
"""A column head; a longer name stands in a legend above the table."""


def in_words(done: Verification, *, scale: Scale, truth: str) -> str:
    """Write all that is known; a figure stands with its interval and beside the baselines.

    Parameters
    ----------
    done : Verification
    scale
        Of the classes of the flare list.
    truth : str
        Which list it was, from `flaremon.verify.flares.identity`.
    """
    if not done.n:
        names = " and ".join(item.name for item in done.judgements[:-2])  # the baselines are last
        return f"{names}: no figures of {done.event}: {done.why_no_figures}"
    lines = [*_heading(done, scale, truth), "", *_figures(done)]
    if done.why_no_figures is not None:
        return "\n".join([*lines, "", done.why_no_figures])
    lines += differences_in_words(done)
    for judgement in done.judgements[:-2]:  # the baselines are last
        lines += ["", *_reliability(judgement)]
    return "\n".join(lines)


def in_brief(done: Verification, title: str) -> str:
    """Write the figures that matter most in one row per forecaster."""
    rate = f", base rate {done.base_rate:.1%}" if done.n else ""
    left = done.left
    heading = (
        f"{title}: n = {done.n:,}, P = {done.events:,}{rate}; not judged: {left.pending:,} "
        f"pending, {left.unknown:,} unknown, {left.no_baseline:,} without baseline"
    )
    above = [heading, *(f"  {line}" for line in _mixture(done))]
    if done.why_no_figures is not None:
        return "\n".join([*above, f"  {done.why_no_figures}"])
    heads = ["TSS", "BSS, sample clim.", "BSS, trailing clim.", "ROC area", "ECE"]
    first = max(_FIRST, *(len(item.name) + 4 for item in done.judgements))
    rows = [("", heads)]
    rows += [
        (f"  {item.name}", [_shown(item.figures.get(key)) for key in _BRIEF])
        for item in done.judgements
    ]
    return "\n".join([*above, *(_row(name, cells, first=first) for name, cells in rows)])


def differences_in_words(done: Verification, *, only: Collection[str] | None = None) -> list[str]:
    """Write the figures of the first forecaster minus those of the others, or of some of them."""
    lines = []
    for name, figures in done.over.items():
        if only is None or name in only:
            lines += ["", f"{done.judgements[0].name} minus {name} (paired draws)"]
            lines += [_row("  " + NAMES[key], [_shown(figures[key])]) for key in NAMES]
    return lines


def _heading(done: Verification, scale: Scale, truth: str) -> Iterator[str]:
    edges = "in progress at t" if done.event.horizon is None else "start in (t, t + horizon]"
    yield f"{done.event}: {done.event.in_words}; {edges}"
    yield f"truth: {truth}; {SCALES[scale]}"
    if scale == "listed" and done.n and str(done.start) < BREAK <= str(done.end):
        yield f"CAUTION: the scale of the classes changes on {BREAK}; judge both sides apart"
    when = f", {time(done.start)} to {time(done.end)}" if done.n else ""
    rate = f": base rate {done.base_rate:.1%}" if done.n else ""
    yield f"n = {done.n:,} forecasts{when}; P = {done.events:,} with the event{rate}"
    left = done.left
    yield (
        f"not judged: {left.pending:,} pending (not over, or not decided yet), "
        f"{left.unknown:,} unknown (the flare list has no answer),"
    )
    yield (
        f"            {left.no_baseline:,} whose past is unknown to the baselines, "
        f"{left.not_shared:,} that not all forecasts have"
    )
    if done.bootstrap.repeats and done.why_no_figures is None and done.blocks < MIN_BLOCKS:
        yield (
            f"no intervals: {done.blocks} blocks (a block is a {done.block}) are too few, "
            f"{MIN_BLOCKS} are needed"
        )
    elif done.bootstrap.repeats and done.why_no_figures is None:
        yield (
            f"[ ] 95 % intervals: {done.bootstrap.repeats:,} draws of {done.blocks:,} blocks, "
            f"a block is a {done.block}; seed {done.bootstrap.seed}"
        )
    yield from _mixture(done)


def _mixture(done: Verification) -> Iterator[str]:
    """Say whose answers are of two kinds; nothing where all are of one."""
    for name, count in done.uninformed.items():
        if done.mixed:
            yield (
                f"CAUTION: {name} answered {count:,} of the {done.n:,} without recent flares, as "
                "if by another model; `flaremon verify --by flares` judges both kinds apart"
            )


def _figures(done: Verification) -> Iterator[str]:
    items = done.judgements
    heads = _heads(items)
    yield from (
        f"{head} is {item.name}"
        for head, item in zip(heads, items, strict=True)
        if head != item.name
    )
    borrowed = {
        borrowed_from(item.name): f"that of column {k}" for k, item in enumerate(items, start=1)
    }
    rows = [
        ("", heads),
        ("threshold", [_threshold(item) for item in items]),
        ("  which is", [borrowed.get(item.threshold_from, item.threshold_from) for item in items]),
        ("mean probability", [f"{item.mean_probability:.3f}" for item in items]),
    ]
    rows += [
        (name.upper(), [f"{getattr(item, name):,}" for item in items])
        for name in ("tp", "fp", "fn", "tn")
    ]
    for key, name in NAMES.items():
        shown = [_shown(item.figures.get(key)) for item in items]
        rows.append(
            (name, shown if done.why_no_figures is None else ["too few events"] * len(items))
        )
    widths = [max(_COLUMN, len(head) + 2) for head in heads]
    for name, cells in rows:
        yield _row(name, cells, widths=widths)


def _heads(items: Sequence[Judgement]) -> list[str]:
    """Return what the columns are called: never cut, so that names stay apart."""
    return [
        item.name if len(item.name) <= _LONGEST_HEAD else f"({number})"
        for number, item in enumerate(items, start=1)
    ]


def _threshold(item: Judgement) -> str:
    return "changing" if item.threshold is None else f"{item.threshold:.4g}"


def _reliability(judgement: Judgement) -> Iterator[str]:
    yield f"reliability of {judgement.name}"
    yield f"  {'said':<12}{'n':>9}{'mean':>9}   a flare followed in"
    for item in judgement.reliability:
        yield (
            f"  {_edges(item):<12}{item.n:>9,}{item.mean_probability:>9.1%}   "
            f"{_shown(item.share, percent=True)}"
        )


def _edges(item: Bin) -> str:
    return f"{item.low:.0%} - {item.high:.0%}"


def _row(
    name: str, cells: Sequence[str], *, first: int = _FIRST, widths: Sequence[int] = ()
) -> str:
    each = widths or [_COLUMN] * len(cells)
    row = "".join(f"{cell:<{width}}" for cell, width in zip(cells, each, strict=True))
    return f"{name:<{first}}" + row.rstrip()


def _shown(figure: Figure | None, *, percent: bool = False) -> str:
    if figure is None or figure.value is None:
        return "undefined"
    form = ".1%" if percent else ".3f"
    text = f"{figure.value:z{form}}"
    if figure.low is None or figure.high is None:
        return text
    return f"{text} [{figure.low:z{form}}, {figure.high:z{form}}]"


def time(instant: np.datetime64 | None) -> str | None:
    """Write a UTC instant with Z."""
    return None if instant is None else f"{instant}Z"
