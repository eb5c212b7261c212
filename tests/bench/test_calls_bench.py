"""The way from `start`'s command function to the first cycle stays short enough to be read on one screen."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

# calls between modules, at most half of the 126, 200 and 221 of the release 199b79e
MOST = {"grid": 63, "quote": 66, "ladder": 66}


@pytest.mark.bench
def test_a_start_reaches_its_first_cycle_in_few_calls_between_modules() -> None:
    script = Path(__file__).with_name("count_calls.py")
    told = subprocess.run([sys.executable, script], check=True, capture_output=True, text=True, timeout=300).stdout
    found = {name: int(calls) for name, calls in re.findall(r"^(\w+): (\d+) calls$", told, re.MULTILINE)}
    assert found.keys() == MOST.keys()
    assert {name: calls for name, calls in found.items() if calls > MOST[name]} == {}
