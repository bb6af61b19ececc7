"""Conditions in ``[? ... ?]``: a small, safe piece of SQL over the keywords of a record.

The JSOC hands them to PostgreSQL; here they are parsed into closures and nothing is ever
executed. Known are comparisons, ``~`` (regular expression), ``LIKE``, ``IN``, ``BETWEEN``,
``IS [NOT] NULL``, ``AND``, ``OR``, ``NOT``, ``& | + - * /``, numbers (hexadecimal too), strings,
``$(time)`` and ``drms.image_exists(quality)``. A missing value compares as NULL does: neither
true nor false. QUALITY is signed, as in the database, so ``QUALITY>=0`` means "there is an image".
"""

import operator
import re
from dataclasses import dataclass
from typing import Any

from flaremon.errors import InputError
from flaremon.replica.conditions import (
    ARITHMETIC,
    COMPARISONS,
    Node,
    binary,
    both,
    constant,
    either,
    internal_seconds,
    keyword_value,
    like,
    negated,
)
from flaremon.replica.records import ArchivedRecord

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<time>\$\(\s*[^)]*\))
    | (?P<number>0[xX][0-9a-fA-F]+|\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+)
    | (?P<string>'(?:[^']|'')*'|"[^"]*")
    | (?P<name>[A-Za-z_][\w.]*)
    | (?P<op><=|>=|<>|!=|==|!~|~\*|[-=<>~&|+*/(),])
    )""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Where:
    """A parsed condition; call it with a record."""

    node: Node
    names: frozenset[str]
    """Keywords that it asks for."""

    def __call__(self, record: ArchivedRecord) -> bool:
        """Say whether the condition is true (NULL is not)."""
        try:
            return self.node(record) is True
        except (TypeError, ArithmeticError, RecursionError, re.error) as exc:
            raise InputError(f"condition cannot be evaluated: {exc}") from exc


def compile_where(clause: str) -> Where:
    """Parse a condition.

    Raises
    ------
    InputError
        If it is not one, with what was found where.
    """
    try:
        parser = _Parser(clause)
        node = parser.disjunction()
        parser.finish()
    except RecursionError as exc:
        raise InputError("condition is nested too deeply") from exc
    return Where(node, frozenset(parser.names))


class _Parser:
    """Recursive descent, one method per level of precedence."""

    def __init__(self, clause: str) -> None:
        self.clause = clause
        self.names: set[str] = set()
        self.tokens = list(_tokens(clause))
        self.at = 0

    def disjunction(self) -> Node:
        node = self.conjunction()
        while self.take("OR"):
            node = either(node, self.conjunction())
        return node

    def conjunction(self) -> Node:
        node = self.negation()
        while self.take("AND"):
            node = both(node, self.negation())
        return node

    def negation(self) -> Node:
        if self.take("NOT"):
            return negated(self.negation())
        return self.comparison()

    def comparison(self) -> Node:
        left = self.arithmetic(0)
        for symbol, compare in COMPARISONS.items():
            if self.take(symbol):
                return binary(compare, left, self.arithmetic(0))
        if self.take("IS"):
            negate = self.take("NOT")
            self.expect("NULL")
            return lambda record: (left(record) is None) is not negate
        negate = self.take("NOT")
        node = self.membership(left)
        if node is None and negate:
            raise self.error("LIKE, IN or BETWEEN after NOT")
        return negated(node) if node and negate else node or left

    def membership(self, left: Node) -> Node | None:
        """Read ``LIKE pattern``, ``BETWEEN a AND b`` or ``IN (a, b)``, if one of them follows."""
        if self.take("LIKE"):
            return binary(like, left, self.arithmetic(0))
        if self.take("BETWEEN"):
            low = self.arithmetic(0)
            self.expect("AND")
            high = self.arithmetic(0)
            return both(binary(operator.ge, left, low), binary(operator.le, left, high))
        if not self.take("IN"):
            return None
        self.expect("(")
        node = binary(operator.eq, left, self.arithmetic(0))
        while self.take(","):
            node = either(node, binary(operator.eq, left, self.arithmetic(0)))
        self.expect(")")
        return node

    def arithmetic(self, level: int) -> Node:
        if level == len(ARITHMETIC):
            return self.operand()
        node = self.arithmetic(level + 1)
        while (symbol := self.peek()) in ARITHMETIC[level]:
            self.at += 1
            node = binary(ARITHMETIC[level][symbol], node, self.arithmetic(level + 1))
        return node

    def operand(self) -> Node:
        if self.take("-"):
            return binary(operator.sub, constant(0), self.operand())
        if self.take("("):
            node = self.disjunction()
            self.expect(")")
            return node
        if self.at == len(self.tokens):
            raise self.error("a value")
        kind, text = self.tokens[self.at]
        self.at += 1
        if kind == "name":
            return self.name(text)
        if kind == "op":
            raise self.error("a value", text)
        return constant(_literal(kind, text))

    def name(self, text: str) -> Node:
        if text.lower() == "drms.image_exists":
            self.expect("(")
            inner = self.arithmetic(0)
            self.expect(")")
            return binary(operator.ge, inner, constant(0))
        if text.upper() in {"TRUE", "FALSE"}:
            return constant(text.upper() == "TRUE")
        self.names.add(text)
        return lambda record: keyword_value(record, text)

    def peek(self) -> str:
        return self.tokens[self.at][1].upper() if self.at < len(self.tokens) else ""

    def take(self, symbol: str) -> bool:
        if self.peek() != symbol or self.tokens[self.at][0] not in {"op", "name"}:
            return False
        self.at += 1
        return True

    def expect(self, symbol: str) -> None:
        if not self.take(symbol):
            raise self.error(symbol)

    def finish(self) -> None:
        if self.at < len(self.tokens):
            raise self.error("the end")

    def error(self, wanted: str, found: str | None = None) -> InputError:
        found = found or self.peek() or "the end"
        return InputError(f"syntax error in condition {self.clause!r}: {wanted}, not {found}")


def _tokens(clause: str) -> list[tuple[str, str]]:
    tokens, at = [], 0
    text = clause.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise InputError(f"syntax error in condition {clause!r} at {text[at:]!r}")
        tokens.append((match.lastgroup, match[match.lastgroup]))
        at = match.end()
    return tokens


def _literal(kind: str, text: str) -> Any:
    if kind == "string":
        return text[1:-1].replace("''", "'")
    if kind == "time":
        return internal_seconds(text[2:-1])
    return int(text, 0) if re.fullmatch(r"0[xX].*|[1-9]\d*|0", text) else float(text)
