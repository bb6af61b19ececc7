"""From forecasts, stored or in files, to what ``flaremon verify`` prints."""

import csv
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flaremon.cli._app import print_json, settings

if TYPE_CHECKING:
    from flaremon.domain import FlareEvent
    from flaremon.verify import Forecast, Scale
    from flaremon.verify.archive import Choice
    from flaremon.verify.evidence import Evidence
    from flaremon.verify.parts import By
    from flaremon.verify.sheets import Ask, Sheet

    Pairs = Iterator[tuple[Sheet, Sheet | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """Forecasts, and what they are judged by."""

    forecasts: "Sequence[Forecast]"
    evidence: "Evidence"
    official: "Forecast | None" = None
    """NOAA's probabilities that were in force at the times of the forecasts."""
    pairs: "Sequence[Sequence[Forecast]] | None" = None
    """What may be compared: live with live, hindcast with hindcast; None for all with all."""
    again: int = 0
    """Stored probabilities that are not looked at, since their window had one already."""


def of_files(
    paths: Sequence[Path], flares: Path, *, event: "FlareEvent", scale: "Scale", pooled: bool
) -> Material:
    """Read forecasts and a flare list from files."""
    from flaremon import verify as room
    from flaremon.verify.evidence import from_file

    found = [forecast for path in paths for forecast in room.read_forecasts(path, event)]
    return Material(
        forecasts=[room.pool(found, "pooled")] if pooled else found,
        evidence=from_file(flares, scale=scale),
    )


def of_store(
    *, event: "FlareEvent", choice: "Choice", catalog: str | None, compare: bool
) -> Material:
    """Read stored forecasts and outcomes.

    Parameters
    ----------
    compare
        Without models in the choice take the shadows and the model that answers, if there are any.
    """
    import numpy as np

    from flaremon.database import session_scope
    from flaremon.verify.archive import comparable, in_force, stored_forecasts
    from flaremon.verify.evidence import from_store
    from flaremon.wiring import opened, serving

    config = settings()
    with opened(config, reading=True) as engine, session_scope(engine) as session:
        answers = serving(config, engine).model if compare else None
        if answers is not None and not choice.models:
            shadows = [model for model in config.shadows if model != answers]
            choice = replace(choice, models=[*shadows, answers] if shadows else [])
        stored = stored_forecasts(session, event=event, choice=choice)
        evidence = from_store(session, event=event, catalog=catalog or config.truth.catalog)
        times = np.unique(np.concatenate([item.forecast.times for item in stored]))
        official = in_force(session, event=event, times=times)
    stored = [
        replace(item, forecast=replace(item.forecast, answers=item.model == answers))
        for item in stored
    ]
    return Material(
        forecasts=[item.forecast for item in stored],
        evidence=evidence,
        official=official,
        pairs=comparable(stored),
        again=sum(item.again for item in stored),
    )


def answer(
    material: Material, ask: "Ask", *, by: "By | None", compare: bool, form: str, plot: Path | None
) -> None:
    """Judge, print, and draw."""
    from flaremon.verify import sheets

    if by is not None:
        found = sheets.in_parts(material.forecasts, by, material.evidence, ask)
    else:
        alone = [[forecast] for forecast in material.forecasts]
        together = material.pairs or [list(material.forecasts)]
        groups = together if compare else alone
        found = sheets.whole(groups, material.evidence, ask)
    pairs = ((sheet, _official(sheet, material, ask)) for sheet in found)
    printed = {"table": _table, "json": _json, "csv": _csv}[form](pairs, material, by)
    for sheet in printed:
        if plot is not None:
            _draw(sheet, material.evidence, plot)


def _official(sheet: "Sheet", material: Material, ask: "Ask") -> "Sheet | None":
    """Judge the first forecast of a sheet beside NOAA's on the hours that both have."""
    from flaremon.verify.sheets import Sheet

    if material.official is None:
        return None
    group = (sheet.group[0], material.official)
    done = ask.judge(group, material.evidence)
    return Sheet(group=group, done=done) if done.n else None


def _table(pairs: "Pairs", material: Material, by: "By | None") -> "Iterator[Sheet]":
    from flaremon.verify import in_brief, in_words

    evidence = material.evidence
    for number, (sheet, official) in enumerate(pairs):
        lines = ["", ""] if number and by is None else []
        if by is None:
            lines.append(in_words(sheet.done, scale=evidence.scale, truth=evidence.truth))
        else:
            if number == 0:
                lines += [f"{sheet.done.event} by {by}; truth: {evidence.truth}"]
            lines += ["", in_brief(sheet.done, sheet.title)]
            if sheet.left_out:
                lines.append(f"  {sheet.left_out:,} forecasts are in no part: {_WHY[by]}")
        if official is not None:
            lines += ["", in_brief(official.done, f"beside {official.group[1].name}")]
        sys.stdout.write("\n".join(lines) + "\n")
        yield sheet
    if material.again:
        sys.stdout.write(
            f"\n{material.again:,} stored probabilities are not looked at: their window had one "
            "already, from another record of the slot (--series takes one series)\n"
        )


_WHY = {
    "activity": "the list does not answer for the 24 h before",
    "position": "the position of their flare is not known",
    "mode": "",
    "model": "",
    "flares": "",
}


def _json(pairs: "Pairs", material: Material, by: "By | None") -> "Iterator[Sheet]":
    from flaremon.verify import as_json

    evidence = material.evidence

    def document(sheet: "Sheet") -> dict[str, Any]:
        return as_json(sheet.done, scale=evidence.scale, truth=evidence.truth)

    for sheet, official in pairs:
        beside = None if official is None else document(official)
        print_json({
            **document(sheet), **evidence.version, "by": by, "part": sheet.part,
            "in_no_part": sheet.left_out, "repeated_windows": material.again,
            "beside_official": beside,
        })  # fmt: skip
        yield sheet


def _csv(pairs: "Pairs", material: Material, _by: "By | None") -> "Iterator[Sheet]":
    from flaremon.verify import as_rows
    from flaremon.verify.documents import COLUMNS

    evidence = material.evidence
    versions = list(evidence.version)
    writer = csv.DictWriter(sys.stdout, [*COLUMNS, *versions], lineterminator="\n")
    writer.writeheader()
    for sheet, official in pairs:
        parts = [(sheet, sheet.part)] + ([(official, "beside official")] if official else [])
        for item, part in parts:
            rows = as_rows(item.done, scale=evidence.scale, truth=evidence.truth, part=part)
            writer.writerows({**row, **evidence.version} for row in rows)
        yield sheet


def _draw(sheet: "Sheet", evidence: "Evidence", folder: Path) -> None:
    from flaremon.verify.pictures import draw

    if not len(sheet.group[0].times):
        return
    drawn = draw(sheet.group, evidence.flares, sheet.done, folder, outcomes=evidence.outcomes)
    for path in drawn:
        sys.stderr.write(f"wrote {path}\n")
