"""The number computed again from the file, and compared with what the receipt says.

A file that was scored from a folder is looked for where it lay then. Of the JSOC's nothing is
written but, where the file is fetched, the cache. Fetched is the record that the JSOC lists now,
and only if it is the very one of the receipt: where it was made anew the old file is gone, and
that is what is said.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flaremon.domain import (
    SERIES_CADENCE_S,
    FlareEvent,
    ModelId,
    Record,
    Source,
)
from flaremon.errors import FlaremonError, InputError, SourceError
from flaremon.receipts.check import Check, CheckState, cannot, compare, short
from flaremon.receipts.folder import find_again, recorded_path
from flaremon.receipts.numbers import check_numbers
from flaremon.receipts.reading import ClaimedAnswer, answers_of, record_of
from flaremon.times import tai_label_to_utc

if TYPE_CHECKING:
    from flaremon.cache import FileCache
    from flaremon.inference import EventScore, Predictor
    from flaremon.package import ModelPackage


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """What it takes to compute a number again."""

    source: Source
    cache: "FileCache"
    package: "Callable[[ModelId], ModelPackage]"
    predictor: "Callable[[ModelId], Predictor]"


def check_receipt(receipt: Mapping[str, Any], shop: Workshop) -> list[Check]:
    """Compute every answer of a receipt again and compare.

    The receipt is confirmed iff all checks are `CheckState.SAME`.

    Raises
    ------
    InputError
        The receipt has no answer, or lacks something.
    """
    record, answers = record_of(receipt), answers_of(receipt)
    if not answers:
        raise InputError(f"{record.key} was not predicted ({receipt['state']}): no number to check")
    checks: list[Check] = []
    scored: dict[ModelId, Mapping[FlareEvent, EventScore] | None] = {}
    lacking: dict[ModelId, str | None] = {}
    for answer in answers:
        if answer.model not in scored:
            path, file_check = _file(record, answer, shop, receipt["record"].get("base_url"))
            package_checks = list(_package(answer, shop))
            checks += [file_check, *package_checks]
            same = all(check.state is CheckState.SAME for check in package_checks)
            scored[answer.model] = None
            lacking[answer.model] = _lacking(file=path is not None, model=same)
            if path is not None and same:
                scored[answer.model], trouble = _scores(record, path, answer, shop)
                checks += trouble
        checks += check_numbers(answer, scored[answer.model], lacking=lacking[answer.model])
    return checks


def _lacking(*, file: bool, model: bool) -> str | None:
    if file:
        return None if model else "not computed: the model that was used is missing"
    missing = "the file is missing" if model else "the file and the model that was used are missing"
    return f"not computed: {missing}"


def _file(
    record: Record, answer: ClaimedAnswer, shop: Workshop, listed_from: str | None
) -> tuple[Path | None, Check]:
    """Return the file that was scored, or another one of the record, or none; and the check."""
    what, recorded = f"file of {record.key}", recorded_path(answer.file_url)
    if recorded is not None:
        return find_again(what, recorded, answer.file_sha256)
    path, check = _of_the_jsoc(what, record, answer, shop)
    if check.state is CheckState.CANNOT and listed_from not in {None, shop.source.base_url}:
        words = (
            f"{check.found}; asked was {shop.source.base_url}, while the record is from "
            f"{listed_from} (FLAREMON_JSOC__BASE_URL, if that is still there)"
        )
        check = replace(check, found=words)
    return path, check


def _of_the_jsoc(
    what: str, record: Record, answer: ClaimedAnswer, shop: Workshop
) -> tuple[Path | None, Check]:
    said = f"SHA-256 {short(answer.file_sha256)}"

    def none(found: str) -> tuple[None, Check]:
        return None, cannot(what, said=said, found=found)

    if answer.recnum != record.recnum:
        return none(
            f"JSOC has made the record anew since: number {answer.recnum} was scored, "
            f"{record.recnum} is listed"
        )
    kept = shop.cache.get(record)
    if kept is not None and kept.sha256 == answer.file_sha256:
        found = f"SHA-256 {short(kept.sha256)}, from the cache"
        return kept.path, compare(what, same=True, said=said, found=found)
    try:
        current = _listed_now(record, shop.source)
        if current is None:
            return none("not in the cache, and the JSOC does not list the record any more")
        if current.recnum != record.recnum:
            return none(
                f"not in the cache, and JSOC has made the record anew: number {record.recnum} was "
                f"scored, {current.recnum} is listed now"
            )
        fresh = shop.source.download(current, fresh=kept is not None)
    except SourceError as exc:
        return none(f"not in the cache, and it cannot be fetched: {exc}")
    same = fresh.sha256 == answer.file_sha256
    found = f"SHA-256 {short(fresh.sha256)}, fetched from {fresh.url}"
    return fresh.path, compare(what, same=same, said=said, found=found)


def _listed_now(record: Record, source: Source) -> Record | None:
    if record.key.series not in SERIES_CADENCE_S:
        raise SourceError(f"{record.key} was scored from a file that is no record of the JSOC")
    start = tai_label_to_utc(record.key.t_rec)
    end = start + timedelta(seconds=SERIES_CADENCE_S[record.key.series] / 2)
    found = source.find(record.key.series, start=start, end=end)
    return next((item for item in found if item.key == record.key), None)


def _package(answer: ClaimedAnswer, shop: Workshop) -> Iterator[Check]:
    said = f"SHA-256 {short(answer.weights_sha256)}"
    what = f"weights of {answer.model}"
    try:
        package = shop.package(answer.model)
    except FlaremonError as exc:
        yield cannot(what, said=said, found=str(exc))
        return
    same = package.weights_sha256 == answer.weights_sha256
    found = f"SHA-256 {short(package.weights_sha256)}"
    yield compare(what, same=same, said=said, found=found)
    if answer.frame is not None:
        frame = asdict(package.frame)
        yield compare(
            f"frame of {answer.model}",
            same=frame == dict(answer.frame),
            said=_in_a_row(answer.frame),
            found=_in_a_row(frame),
        )


def _scores(
    record: Record, path: Path, answer: ClaimedAnswer, shop: Workshop
) -> "tuple[Mapping[FlareEvent, EventScore] | None, list[Check]]":
    """Read, prepare and score the file as the pipeline does, or as a backfill from a folder."""
    import numpy as np  # noqa: PLC0415 - seconds that `explain` need not pay

    from flaremon.fits import read_magnetogram  # noqa: PLC0415
    from flaremon.frames import from_tenths, to_tenths  # noqa: PLC0415
    from flaremon.gates import screen_magnetogram  # noqa: PLC0415
    from flaremon.images import read_any  # noqa: PLC0415
    from flaremon.preprocess import to_frame, to_plane  # noqa: PLC0415

    by_itself = recorded_path(answer.file_url) is not None
    try:
        magnetogram = read_any(path) if by_itself else read_magnetogram(path, record)
        refusal = screen_magnetogram(magnetogram)
        if refusal is not None:
            raise InputError(f"this version refuses it, {refusal.reason}: {refusal.detail}")
        predictor = shop.predictor(answer.model)
        spec = predictor.package.frame
        frame = to_frame(magnetogram, spec)
        if by_itself:  # such frames are scored in the steps in which they are archived
            frame = from_tenths(to_tenths(frame))
        planes = np.stack([to_plane(frame, spec)])
        return {score.event: score for score in predictor.predict(planes, [answer.recent])[0]}, []
    except FlaremonError as exc:
        return None, [cannot(f"{record.key} by {answer.model}", said="scored", found=str(exc))]


def _in_a_row(frame: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {frame[name]}" for name in sorted(frame))
