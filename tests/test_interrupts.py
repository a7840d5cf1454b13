"""Ctrl-C once and twice."""

import os
import signal
import subprocess
import sys

import pytest

from streamcodec import cli
from streamcodec.interrupts import Interrupts, without_interrupts


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_asks_and_the_second_ends(number: signal.Signals) -> None:
    said: list[str] = []
    before = signal.signal(
        number, signal.default_int_handler
    )  # a shell starts what runs in the background with SIGINT ignored
    try:
        with (
            pytest.raises(KeyboardInterrupt),
            Interrupts(lambda: said.append("once")) as interrupts,
        ):
            assert interrupts.reason is None
            os.kill(os.getpid(), number)
            assert (interrupts.reason, said) == (f"{number.name} came", ["once"])
            os.kill(os.getpid(), number)
        assert said == ["once"]
        assert signal.getsignal(number) is signal.default_int_handler
    finally:
        signal.signal(number, before)


def test_what_came_is_handed_on() -> None:
    with Interrupts(lambda: None) as interrupts:
        signal.raise_signal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        interrupts.hand_on()
    with Interrupts(lambda: None) as interrupts:
        pass
    interrupts.hand_on()


def test_a_signal_that_is_ignored_stays_so() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Interrupts(lambda: None) as interrupts:
            os.kill(os.getpid(), signal.SIGHUP)
            assert interrupts.reason is None
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="no masks of signals here")
def test_processes_started_without_interrupts_never_get_them() -> None:
    ask = "import signal; print(signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, []))"
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    with without_interrupts():
        said = subprocess.run([sys.executable, "-c", ask], stdout=subprocess.PIPE, check=True)
    assert said.stdout.strip() == b"True"
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == mask


def test_ctrl_c_while_something_is_imported_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "run", interrupted)
    with pytest.raises(SystemExit) as ending:
        cli.main([])
    assert ending.value.code == 130
    assert capsys.readouterr().err == "streamcodec: interrupted\n"
