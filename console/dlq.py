"""``dlq``: what was refused, and why."""

import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime

import click
from rich.console import Console
from rich.table import Table

from console.letters import chosen_by, place_argument, with_filters
from console.options import with_settings
from console.progress import progress
from consumers.read.letters import Entry, Ledger, LetterFilter, Place, read_letters
from consumers.read.show_letter import describe_letter, entry_fields, letter_json, readable, state_of
from consumers.records import Record
from consumers.topic_reader import open_reader
from schemas.dead_letters import DeadLetterReason
from schemas.settings import KafkaSettings

DETAIL_BYTES = 80

_EARLIEST = datetime.min.replace(tzinfo=UTC)
_LATEST = datetime.max.replace(tzinfo=UTC)


@click.command()
@click.argument("place", required=False, type=place_argument, metavar="[PARTITION:OFFSET]")
@with_filters
@click.option("--list", "each", is_flag=True, help="One line for each letter, instead of a table by reason.")
@click.option("--full", is_flag=True, help="With PARTITION:OFFSET: all of its bytes, however many.")
@click.option("--json", "as_json", is_flag=True, help="JSON; with --list JSON Lines. Bytes are in Base64.")
@with_settings(KafkaSettings)
@click.pass_context
def dlq(
    ctx: click.Context,
    settings: KafkaSettings,
    place: Place | None,
    reasons: tuple[str, ...],
    since: datetime | None,
    until: datetime | None,
    each: bool,
    full: bool,
    as_json: bool,
) -> None:
    """Show the dead letters: how many of each reason, each of them (--list), or the one at PARTITION:OFFSET.

    Leaves with 1 if there is no dead letter at PARTITION:OFFSET.
    """
    if place is not None:
        if reasons or since or until or each:
            raise click.UsageError("PARTITION:OFFSET is one letter; filters and --list are for many", ctx)
        ctx.exit(_show_one(settings, place, full=full, as_json=as_json))
    ledger = Ledger(chosen_by((), reasons, since, until))
    with (
        open_reader(settings, settings.dead_letter_topic) as reader,
        progress("reading dead letters", console=Console(stderr=True)) as meter,
    ):
        read_letters(reader, ledger.enter, meter.at)
    if ledger.foreign:
        click.echo(f"{ledger.foreign:,} records were not written by reviewstream", err=True)
    entries = ledger.redriven | {place: Entry(letter) for place, letter in ledger.waiting.items()}
    (_print_each if each else _print_table)(entries, as_json=as_json)


def _show_one(settings: KafkaSettings, place: Place, *, full: bool, as_json: bool) -> int:
    ledger = Ledger(LetterFilter(places=frozenset([place])))
    found: list[Record] = []
    with open_reader(settings, settings.dead_letter_topic) as reader:
        if reader.starts().get(place.partition, place.offset + 1) <= place.offset:
            reader.seek({place.partition: place.offset})
            following = reader.read_to({place.partition: reader.ends()[place.partition]})
            found.extend(record for record in following if ledger.enter(record))
    entry = ledger.entry(place)
    if entry is None:
        click.echo(f"there is no dead letter at {place}", err=True)
        return 1
    (record,) = found
    if as_json:
        click.echo(letter_json(place, entry, record.key, record.value))
    else:
        topic = settings.dead_letter_topic
        click.echo(describe_letter(topic, place, entry, record.key, record.value, full=full))
    return 0


@dataclass
class _Group:
    """The letters of one reason."""

    waiting: int = 0
    redriven: int = 0
    first: datetime = _LATEST
    last: datetime = _EARLIEST

    def take(self, entry: Entry) -> None:
        if entry.marker is None:
            self.waiting += 1
        else:
            self.redriven += 1
        self.first = min(self.first, entry.letter.failed_at)
        self.last = max(self.last, entry.letter.failed_at)


def _print_table(entries: dict[Place, Entry], *, as_json: bool) -> None:
    groups: defaultdict[DeadLetterReason, _Group] = defaultdict(_Group)
    for entry in entries.values():
        groups[entry.letter.reason].take(entry)
    by_number = sorted(groups.items(), key=lambda item: (-item[1].waiting, item[0]))
    if as_json:
        fields = {
            reason: {
                "waiting": group.waiting,
                "redriven": group.redriven,
                "first": group.first.isoformat(),
                "last": group.last.isoformat(),
            }
            for reason, group in by_number
        }
        click.echo(json.dumps(fields, indent=2))
        return
    if not groups:
        click.echo("no dead letters")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("reason", no_wrap=True)
    for heading in ("waiting", "put back"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("first refused (UTC)", no_wrap=True)
    table.add_column("last refused (UTC)", no_wrap=True)
    for reason, group in by_number:
        moments = (f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}" for moment in (group.first, group.last))
        table.add_row(reason, f"{group.waiting:,}", f"{group.redriven:,}", *moments)
    Console().print(table)


def _print_each(entries: dict[Place, Entry], *, as_json: bool) -> None:
    for place, entry in sorted(entries.items(), key=lambda item: (item[1].letter.failed_at, item[0])):
        if as_json:
            click.echo(json.dumps(entry_fields(place, entry)))
            continue
        letter = entry.letter
        click.echo(
            f"{place} {letter.failed_at.astimezone(UTC):%Y-%m-%d %H:%M:%SZ} {letter.reason} "
            f"{readable(letter.source_topic.encode())} {letter.source_partition}:{letter.source_offset} "
            f"{state_of(entry)}: {readable(letter.detail.encode('utf-8', 'replace'), DETAIL_BYTES)}"
        )
