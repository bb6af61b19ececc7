"""A receipt and its checks for people."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from flaremon.domain import Quality
from flaremon.receipts.check import TOLERANCE, Check, CheckState
from flaremon.receipts.folder import recorded_path
from flaremon.regions import region_lines
from flaremon.status import in_hours

_WIDTH = 18


def in_words(receipt: Mapping[str, Any]) -> str:
    """Return a receipt as lines of ``name  value``, one block per answer."""
    blocks = [_record(receipt["record"])]
    blocks += [_answer(answer) for answer in receipt["answers"]]
    blocks += [_rejection(item) for item in receipt["rejections"]]
    if receipt["state"] == "undecided":
        blocks.append(
            "Neither predicted nor rejected: its file could not be had, or its run has not come "
            "to it."
        )
    blocks.append(_rows([("receipt", f"format {receipt['format']}, SHA-256 {receipt['sha256']}")]))
    return "\n\n".join(blocks)


def checks_in_words(checks: Sequence[Check]) -> str:
    """Return one line per check, and the verdict."""
    lines = [
        f"{check.state:<8} {check.what}: {check.found}"
        if check.state is CheckState.SAME
        else f"{check.state.upper():<8} {check.what}: receipt {check.said}; now {check.found}"
        for check in checks
    ]
    wrong = [check.what for check in checks if check.state is not CheckState.SAME]
    if wrong:
        lines.append(f"NOT CONFIRMED: {'; '.join(wrong)}.")
    else:
        lines.append(f"Confirmed: computed again, all numbers agree within {TOLERANCE:g}.")
    return "\n".join(lines)


def quality_in_words(word: int) -> str:
    """Return a QUALITY word with the names of its bits: ``0x400 (no cosmic ray list)``."""
    names = [
        flag.name.lower().replace("_", " ")
        for flag in Quality
        if flag.name is not None and word & flag
    ]
    known = sum(flag for flag in Quality)
    rest = word & ~known
    if rest:
        names.append(f"bits {rest:#x} without a name")
    return f"{word:#x} ({', '.join(names) or 'no bit is set'})"


def _record(record: Mapping[str, Any]) -> str:
    # Pictures hold no QUALITY; nobody else is asked about a file from a folder.
    told = "" if record["recnum"] else ", as far as its file tells"
    rows = [
        ("record", record["key"]),
        ("query", record["query"]),
        ("record number", record["recnum"] or "none: a file from a folder"),
        ("source", f"{record['source']} at {record['base_url']}"),
        ("quality", f"{quality_in_words(record['quality'])}: {record['quality_class']}{told}"),
        ("calibration", f"{record['calibration']}{told}"),
        ("T_OBS", record["t_obs"] or "none: there is no image"),
        ("processed", record["processed_at"] or "not known"),
        ("listed", f"{record['listed_at']}, run {record['run_id']}"),
    ]
    file = record["file"]
    if file is None:
        rows.append(("file", "none was fetched"))
    else:
        # What lay in a folder was read there; its time is the file system's.
        how = "fetched" if recorded_path(file["url"]) is None else "read from a folder, modified"
        rows += [
            ("file", file["url"]),
            ("file SHA-256", file["sha256"]),
            ("file size", f"{file['size_bytes']:,} bytes, {how} {file['fetched_at']}"),
        ]
    return _rows(rows)


def _answer(answer: Mapping[str, Any]) -> str:
    flare = "yes" if answer["flare"] else "no"
    said = f"{answer['probability']:.6f}, flare: {flare} (from {answer['threshold']:.6f})"
    quality = f"{quality_in_words(answer['quality'])}: {answer['quality_class']}"
    late = f"{in_hours(timedelta(seconds=answer['latency_s']))} after the observation"
    rows: list[tuple[str, Any]] = [
        ("answer", f"{answer['event']}: {said}"),
        ("window", f"{answer['window']['start']} to {answer['window']['end']}"),
        ("model", answer["model"]),
        ("weights SHA-256", answer["weights_sha256"]),
        ("frame", _frame(answer["frame"])),
        ("frame's rules", answer["frame_sha256"] or "not recorded"),
        ("made from", f"record number {answer['recnum']}, quality {quality}"),
        ("its file SHA-256", answer["file_sha256"] or "not recorded"),
        ("score", f"{answer['score']:.6f}"),
        ("network said", f"{answer['raw_probability']:.6f}"),
        *_calibration(answer),
        ("issued", f"{answer['issued_at']}, {late}; {answer['mode']}"),
        ("by", f"{answer['software']} on {answer['device']}, run {answer['run_id']}"),
        *_regions(answer.get("regions")),
        *_outcome(answer["outcome"]),
    ]
    if answer["spread"] is not None:
        rows.insert(10, ("spread", f"{answer['spread']:.6f} over the members of the ensemble"))
    return _rows(rows)


def _calibration(answer: Mapping[str, Any]) -> list[tuple[str, Any]]:
    calibrator = answer["calibrator"]
    knew = []
    if answer["activity"] is not None:
        since = answer["activity_source"]
        knew = [("recent activity", f"{answer['activity']}{f'; {since}' if since else ''}")]
    if calibrator is None:
        own = "none: the network's own number stands"
        return [("calibrator", f"{own}, fitted with recent flares" if knew else own), *knew]
    origin = calibrator["document"].get("origin", {})
    period = f"{origin.get('since')} to {origin.get('until')}"
    return [
        ("calibrator", f"{calibrator['id']}, fitted {calibrator['fitted_at']} on {period}"),
        ("its truth", origin.get("truth", "not recorded")),
        *knew,
    ]


def _regions(regions: Sequence[Mapping[str, Any]] | None) -> list[tuple[str, Any]]:
    if regions is None:
        return [("regions", "none kept: older answers, and networks without a map, have none")]
    first, *others = region_lines(regions)
    return [("regions", first), *(("", line) for line in others)]


def _outcome(outcome: Mapping[str, Any]) -> list[tuple[str, Any]]:
    if not outcome["revisions"]:
        return [("outcome", f"pending, by flare list {outcome['catalog']}")]
    rows = []
    for item in outcome["revisions"]:
        if item["flare"] is None:
            what = f"unknown: {item['why']}"
        elif item["flare"]:
            largest = f", the largest {item['largest']} {item['location']}".rstrip()
            what = f"flare: yes, {item['flares']} of them{largest}"
        else:
            what = "flare: no"
        source = f"{outcome['catalog']} as of {item['catalog_as_of']}"
        rows.append((f"outcome, rev. {item['revision']}", f"{what}; {source}"))
    return rows


def _rejection(item: Mapping[str, Any]) -> str:
    return _rows(
        [
            ("rejected", f"{item['reason']}: {item['detail']}"),
            ("record number", item["recnum"]),
            ("decided", f"{item['decided_at']} by {item['software']}, run {item['run_id']}"),
        ]
    )


def _frame(frame: Mapping[str, Any] | None) -> str:
    if frame is None:
        return "not recorded"
    return ", ".join(f"{name} {value}" for name, value in frame.items())


def _rows(rows: Iterable[tuple[str, Any]]) -> str:
    return "\n".join(f"{name:<{_WIDTH}}{value}" for name, value in rows)
