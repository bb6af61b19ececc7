"""What a run did, for machines (a dict that is JSON) and for people (markdown)."""

from collections.abc import Iterable
from typing import Any

from flaremon import status
from flaremon.job import Report
from flaremon.pipeline import Run
from flaremon.times import iso_z


def as_json(
    report: Report,
    facts: status.Facts | None,
    *,
    series: str,
    run: Run,
    left: int,
    error: Exception | None,
) -> dict[str, Any]:
    """Return the summary of a run; instants in UTC with Z.

    Parameters
    ----------
    facts : Facts or None
        What is known after it; None where the database could not be asked.
    left : int
        Undecided records that were not tried: the time budget was spent.
    error
        Why the run failed, if it did.
    """
    done = report.as_json()
    done["scored"] = done.pop("predicted")
    return {
        "run_id": run.run_id,
        "series": series,
        "issued_at": iso_z(run.now),
        "error": str(error) if error is not None else None,
        **done,
        "left": left,
        **_known(facts),
    }


def _known(facts: status.Facts | None) -> dict[str, Any]:
    if facts is None:
        return {"answers": [], "goes": None, "outlook": [], "in_words": ""}
    told = status.facts_as_json(facts)
    answers = [
        {**item, "in_words": _in_one_line(status.in_words(answer))}
        for item, answer in zip(told["cnn"], facts.cnn, strict=True)
    ]
    return {
        "answers": answers,
        "goes": told["goes"],
        "outlook": told["outlook"],
        "in_words": status.facts_in_words(facts),
    }


def in_a_line(summary: dict[str, Any]) -> str:
    """Return the counts of a run in one line for the log."""
    wrong = [told["model"] for told in summary["shadows"] if told["error"]]
    return (
        f"{summary['series']}: {summary['listed']} listed, {summary['undecided']} undecided, "
        f"{summary['scored']} scored, {len(summary['rejected'])} rejected, "
        f"{len(summary['failed'])} failed, {summary['left']} left for the next run"
        + (f"; shadow {', '.join(wrong)} failed" if wrong else "")
    )


def as_markdown(summary: dict[str, Any]) -> str:
    """Return the summary for people."""
    lines = [f"# {summary['series']}, {summary['issued_at']}", ""]
    if summary["error"]:
        lines += [f"**The run failed: {_plain(summary['error'])}**", ""]
    lines += ["## Answer", ""]
    if summary["in_words"]:
        # Details of rejections quote files: nothing in them may end the block.
        lines += ["```text", summary["in_words"].replace("```", "``"), "```"]
    else:
        lines += ["None: database or model could not be read."]
    columns = {
        "listed": summary["listed"],
        "undecided": summary["undecided"],
        "scored": summary["scored"],
        "rejected": len(summary["rejected"]),
        "failed": len(summary["failed"]),
        "left for the next run": summary["left"],
        "new rows": summary["stored"],
    }
    lines += ["", "## Records", "", _row(columns), _row(["---"] * len(columns))]
    lines += [_row(columns.values())]
    if summary["rejected"]:
        lines += ["", "## Rejected", ""]
        lines += [
            f"- `{r['record']}` {r['reason']}: {_plain(r['detail'])}" for r in summary["rejected"]
        ]
    if summary["failed"]:
        lines += ["", "## Failed, tried again by the next run", ""]
        lines += [f"- `{f['record']}` {_plain(f['error'])}" for f in summary["failed"]]
    lines += _shadow_lines(summary["shadows"])
    if "catch_up" in summary:
        lines += ["", f"Catch-up `{summary['catch_up']}`, of slots since {summary['since']}."]
    lines += ["", f"Rows of this run carry the id `{summary['run_id']}`."]
    return "\n".join(lines) + "\n"


def _shadow_lines(shadows: Iterable[dict[str, Any]]) -> list[str]:
    """Tell what the shadows did; their answers are nobody's business here."""
    lines = []
    for told in shadows:
        counts = f"{told['scored']} scored, {told['failed']} failed"
        why = f": {_plain(told['error'])}" if told["error"] else ""
        lines.append(f"- `{told['model']}` {counts}{why}")
    return ["", "## Shadows", "", *lines] if lines else []


def _row(cells: Iterable[Any]) -> str:
    return f"| {' | '.join(str(cell) for cell in cells)} |"


def _in_one_line(text: str) -> str:
    return " ".join(text.split())


def _plain(text: str) -> str:
    """Show text of others (a server's reply in an error) as text, on one line."""
    return _in_one_line(text).replace("&", "&amp;").replace("<", "&lt;").replace("[", "&#91;")
