"""What went wrong, in broker's four parts."""

from __future__ import annotations

from typing import Any


class BrokerError(Exception):
    """An error of broker: a stable code, what happened, why, and what may help."""

    def __init__(self, code: str, what: str, why: str, fix: str) -> None:
        super().__init__(code, what, why, fix)
        self.code = code
        self.what = what
        self.why = why
        self.fix = fix

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> BrokerError:
        """The error that an answer of the API describes."""
        return cls(*(str(document.get(part, "")) for part in ("code", "what", "why", "fix")))

    def __str__(self) -> str:
        return f"error[{self.code}]: {self.what}\n  why: {self.why}\n  fix: {self.fix}"
