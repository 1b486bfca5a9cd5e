"""The noun Rule, one line of a gate, and the small parser that reads it.

    rule    = metric [ "{" choice { "," choice } "}" ] operator limit [ "#" comment ]
    metric  = name | "diff." name
    choice  = key "=" value { "|" value }
    operator = "<" | "<=" | ">" | ">="
    limit   = number [ "%" ]

A value that is ``*`` alone stands for all there are. Text in quotes is taken as it stands: ``site="tibia|fibula"``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, NoReturn, cast

from robustkit.errors import InputError

Operator = Literal["<", "<=", ">", ">="]

EVERY = "*"
DIFFERENCE = "diff."

_EXAMPLE = "A rule reads like flip_rate{size=small,shift=0.1} < 0.05."
_METRIC = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
_OPERATOR = re.compile(r"[<>=!~]+")
_LIMIT = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_KEY = re.compile(r"""[^={},|"']+""")
_VALUE = re.compile(r"""[^{},|"']+""")
_QUOTED = re.compile(r""""([^"]*)"|'([^']*)'""")
_COMMENT = "#"
_LONGEST = 10_000
_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Choice:
    """What a rule says of one key.

    Attributes:
        key: Variable, perturbation or column.
        values: As written; empty: all there are (``*``).
        column: Where it stands in the rule, from 1.
    """

    key: str
    values: tuple[str, ...]
    column: int

    @property
    def is_every(self) -> bool:
        """Tell ``*``."""
        return not self.values


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of a gate.

    Attributes:
        text: As written, without comment.
        where: Which rule it is, for messages.
        metric: Name, without ``diff.``.
        is_difference: True for ``diff.``: a number of comparisons.csv.
        choices: What is chosen, by key.
        operator: Between the interval's bound and the limit.
        limit: Finite.
    """

    text: str
    where: str
    metric: str
    is_difference: bool
    choices: tuple[Choice, ...]
    operator: Operator
    limit: float

    @property
    def is_upper(self) -> bool:
        """Tell whether the high bound is compared (``<``, ``<=``) and not the low one."""
        return self.operator in ("<", "<=")

    def holds(self, bound: float) -> bool:
        """Compare a bound with the limit; NaN never holds."""
        if self.operator == "<":
            return bound < self.limit
        if self.operator == "<=":
            return bound <= self.limit
        return bound > self.limit if self.operator == ">" else bound >= self.limit

    def choice(self, key: str) -> Choice | None:
        """Give what is said of a key; None where nothing is."""
        return next((c for c in self.choices if c.key == key), None)


def read_rules(text: str, *, where: str) -> tuple[Rule, ...]:
    """Read one rule a line; empty lines and lines that begin with ``#`` are passed over.

    Args:
        text: Of a file.
        where: Its name.

    Raises:
        InputError: A line that is no rule; it says which, and at which column.
    """
    # not splitlines: it also divides at characters that a stratum's name may hold
    lines = enumerate(text.lstrip("\ufeff").split("\n"), start=1)
    kept = [(i, line.rstrip("\r")) for i, line in lines if line.strip() and not line.lstrip().startswith(_COMMENT)]
    return tuple(parse_rule(line, where=f"{where}, line {i}") for i, line in kept)


def parse_rule(text: str, *, where: str = "rule") -> Rule:
    """Read one rule.

    Example:
        >>> rule = parse_rule("flip_rate{size=*, shift=0.1} < 5%")
        >>> rule.metric, [c.key for c in rule.choices], rule.operator, rule.limit
        ('flip_rate', ['size', 'shift'], '<', 0.05)

    Raises:
        InputError: It is no rule; ``where`` holds the column of the fault, from 1.
    """
    return _Reader(text, where).rule()


@dataclass(slots=True)
class _Reader:
    """A place in a line, and what may follow there."""

    text: str
    where: str
    at: int = 0

    def rule(self) -> Rule:
        if len(self.text) > _LONGEST:
            self._fail(f"at most {_LONGEST} characters", fix="One rule a line.")
        metric = self._take(_METRIC, "the name of a metric")
        choices = self._choices() if self._next() == "{" else ()
        operator = self._operator()
        limit = self._limit()
        text = self.text[: self.at].strip()
        if self._next() not in ("", _COMMENT):
            self._fail(f"the end of the rule, got {self._rest()}", fix="One rule a line, each in quotes of its own.")
        is_difference = metric.startswith(DIFFERENCE)
        name = metric.removeprefix(DIFFERENCE)
        if not name or "." in name:
            self.at = self.text.index(metric)
            self._fail(f"a metric or diff.METRIC, got {metric!r}")
        return Rule(text, self.where, name, is_difference, choices, operator, limit)

    def _choices(self) -> tuple[Choice, ...]:
        self.at += 1
        found: list[Choice] = []
        while True:
            choice = self._choice()
            if any(c.key == choice.key for c in found):
                self.at = choice.column - 1
                self._fail(f"{choice.key!r} once, got it twice", fix="Several values stand with | between them.")
            found.append(choice)
            mark = self._next()
            if mark not in (",", "}"):
                self._fail(f"',' or '}}' after {choice.key!r}, got {self._rest()}")
            self.at += 1
            if mark == "}":
                return tuple(found)

    def _choice(self) -> Choice:
        self._next()
        column = self.at + 1
        key = self._word(_KEY, "a name such as size, shift or cohort")
        if self._next() != "=":
            self._fail(f"'=' after {key!r}, got {self._rest()}")
        self.at += 1
        values = [self._value(key)]
        while self._next() == "|":
            self.at += 1
            values.append(self._value(key))
        if None in values and len(values) > 1:
            self._fail(f"'*' alone as the value of {key!r}")
        return Choice(key, tuple(v for v in values if v is not None), column)

    def _value(self, key: str) -> str | None:
        """Give a value, None for an unquoted ``*``."""
        is_quoted = self._next() in ("'", '"')
        value = self._word(_VALUE, f"a value of {key!r}")
        return None if value == EVERY and not is_quoted else value

    def _word(self, bare: re.Pattern[str], wanted: str) -> str:
        if self._next() not in ("'", '"'):
            return self._take(bare, wanted).strip()
        found = _QUOTED.match(self.text, self.at)
        if found is None:
            self._fail("a closing quote")
        self.at = found.end()
        return cast(str, found[1] if found[1] is not None else found[2])

    def _operator(self) -> Operator:
        self._next()
        found = _OPERATOR.match(self.text, self.at)
        if found is None or found[0] not in ("<", "<=", ">", ">="):
            self._fail(f"<, <=, > or >=, got {repr(found[0]) if found else self._rest()}")
        self.at = found.end()
        return cast(Operator, found[0])

    def _limit(self) -> float:
        number = float(self._take(_LIMIT, "a number"))
        if self._next() == "%":
            self.at += 1
            number /= 100
        if abs(number) == float("inf"):
            self._fail("a finite number")
        return number

    def _take(self, pattern: re.Pattern[str], wanted: str) -> str:
        self._next()
        found = pattern.match(self.text, self.at)
        if found is None or not found[0].strip():
            self._fail(f"{wanted}, got {self._rest()}")
        self.at = found.end()
        return found[0]

    def _next(self) -> str:
        """Pass over blanks; give the character that follows, "" at the end."""
        while self.at < len(self.text) and self.text[self.at].isspace():
            self.at += 1
        return self.text[self.at : self.at + 1]

    def _rest(self) -> str:
        rest = self.text[self.at : self.at + 20].strip()
        return repr(rest) if rest else "the end"

    def _fail(self, wanted: str, *, fix: str = _EXAMPLE) -> NoReturn:
        text = self.text.strip()
        what = f"expected {wanted} in {text if len(text) <= _SHOWN else f'{text[:_SHOWN]}...'!r}."
        raise InputError(what, where=f"{self.where}, column {self.at + 1}", fix=fix)
