"""What a check returns: faults, which fail it, and what it had to leave out, which is said by name."""

from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path


@dataclass(frozen=True, order=True)
class Fault:
    """A place where a file is wrong, and why."""

    path: Path
    line: int
    sentence: str


@dataclass
class Findings:
    """What checks found."""

    faults: list[Fault] = field(default_factory=list)
    skipped: set[str] = field(default_factory=set)

    def fault(self, path: Path, line: int, sentence: str) -> None:
        self.faults.append(Fault(path, line, sentence))

    def skip(self, sentence: str) -> None:
        self.skipped.add(sentence)


def suggestion(word: str, known: list[str]) -> str:
    """The end of a sentence that says which name was perhaps meant."""
    close = get_close_matches(word, known, n=1)
    return f"; did you mean `{close[0]}`" if close else ""
