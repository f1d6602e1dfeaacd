from io import StringIO

from rich.console import Console

from console.progress import PLAIN_INTERVAL_S, progress


class Clock:
    """Seconds that pass only when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_log_gets_a_line_with_the_share_at_each_interval_and_no_more() -> None:
    clock, log = Clock(), StringIO()

    with progress("recounting", console=Console(file=log), clock=clock) as meter:
        for done in range(0, 100, 10):
            meter.at(done, 100)
            clock.now += PLAIN_INTERVAL_S / 4

    assert log.getvalue() == "recounting (40%)\nrecounting (80%)\n"


def test_a_log_gets_lines_without_a_share_where_the_total_is_unknown() -> None:
    clock, log = Clock(), StringIO()

    with progress("connecting", console=Console(file=log), clock=clock) as meter:
        clock.now = PLAIN_INTERVAL_S
        meter.says("7 read")

    assert log.getvalue() == "7 read\n"


def test_a_terminal_gets_a_bar_with_the_description() -> None:
    screen = StringIO()

    with progress("connecting", 10, console=Console(file=screen, force_terminal=True, width=100)) as meter:
        meter.advance(5)
        meter.says("5 read")

    assert "━" in screen.getvalue()
    assert "5 read" in screen.getvalue()
