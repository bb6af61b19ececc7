"""Faults on the wire: wrong answers as HTTP, and answers that are sent badly."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from flaremon.replica.faults import Fault
from flaremon.replica.replies import Body, Reply, not_found, page_reply

_RETRY_AFTER_S = 30
_LOGIN = "http://127.0.0.1:9/login"
"""Nobody listens there: who follows it blindly finds out."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """How a reply is sent."""

    reply: Reply
    limit: int | None = None
    """Bytes of the body after which the connection is closed; None: all of it."""
    drip_s: float | None = None
    """Seconds between single bytes."""
    silence_s: float | None = None
    """Seconds to say nothing before hanging up: instead of an answer, or after `limit` bytes."""
    reset: bool = False


def deliver(reply: Reply, faults: Sequence[Fault]) -> Delivery:
    """Decide how a reply is sent when these faults strike."""
    delivery = Delivery(reply)
    for fault in faults:
        delivery = _with(delivery, fault)
    return delivery


def _with(delivery: Delivery, fault: Fault) -> Delivery:
    reply = delivery.reply
    if fault.http_status is not None:
        return replace(delivery, reply=_http_error(fault.http_status, fault))
    if (spoil := _REPLY_FAULTS.get(fault.kind)) is not None:
        return replace(delivery, reply=spoil(reply, fault))
    if fault.kind in {"truncated", "stall"}:
        silence_s = math.inf if fault.kind == "stall" else None
        limit = int(reply.body.size * fault.number(0.5))
        return replace(delivery, limit=limit, silence_s=silence_s)
    if fault.kind == "hang":
        return replace(delivery, silence_s=fault.number(math.inf))
    if fault.kind == "slow-drip":
        return replace(delivery, drip_s=fault.number(1.0))
    return replace(delivery, reset=delivery.reset or fault.kind == "reset")


def _http_error(status: int, fault: Fault) -> Reply:
    reply = page_reply(f"{status}", "<p>The server is in trouble.</p>", status=status)
    if status in {429, 503}:
        return replace(reply, headers={"Retry-After": str(int(fault.number(_RETRY_AFTER_S)))})
    return reply


def _shortened(reply: Reply, fault: Fault) -> Reply:
    return replace(reply, body=reply.body.cut(int(reply.body.size * fault.number(0.5))))


def _emptied(reply: Reply, _fault: Fault) -> Reply:
    return replace(reply, body=Body())


def _page(_reply: Reply, _fault: Fault) -> Reply:
    return page_reply("JSOC", "<p>The JSOC is down for maintenance.</p>")


def _moved(_reply: Reply, fault: Fault) -> Reply:
    page = page_reply("302 Found", "<p>Please log in.</p>", status=302)
    return replace(page, headers={"Location": str(fault.value or _LOGIN)})


def _gone(_reply: Reply, _fault: Fault) -> Reply:
    return not_found("the requested file")


_REPLY_FAULTS: Mapping[str, Callable[[Reply, Fault], Reply]] = {
    "wrong-length": _shortened,
    "malformed-json": _shortened,
    "empty": _emptied,
    "html": _page,
    "redirect": _moved,
    "missing-file": _gone,
}
