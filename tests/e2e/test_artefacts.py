"""The sdist and the wheel: built, installed and run under every Python of this machine that pfmm supports.

Built without isolation and installed without dependencies, which are those of this interpreter, as plain modules: no
registry is asked. Needs `build` and `hatchling`.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.metadata import distribution, requires
from pathlib import Path

import pytest

from pfmm import __version__

ROOT = Path(__file__).resolve().parents[2]
LEAST = (3, 11)

pytestmark = pytest.mark.slow


def pythons() -> list[str]:
    """The interpreters from 3.11 on, one a version: on the path, and where pyenv keeps them."""
    places = [Path(one) for one in os.environ.get("PATH", "").split(os.pathsep)]
    kept = sorted((Path.home() / ".pyenv" / "versions").glob("*/bin"))
    found: dict[str, str] = {"{}.{}".format(*sys.version_info): sys.executable}
    for place in (*kept, *places):
        for file in place.glob("python3.*"):
            version = re.fullmatch(r"python(3\.(\d+))", file.name)
            if version is not None and (3, int(version[2])) >= LEAST and os.access(file, os.X_OK):
                found.setdefault(version[1], str(file))
    return [found[one] for one in sorted(found)]


@pytest.fixture(scope="module")
def artefacts(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The sdist, and the wheel that is built from it."""
    pytest.importorskip("build")
    pytest.importorskip("hatchling")
    folder = tmp_path_factory.mktemp("dist")
    run([sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)])
    found = sorted(folder.iterdir())
    assert {file.name.rpartition(".")[2] for file in found} == {"gz", "whl"}
    return found


def run(command: list[str], **environment: str) -> str:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PFMM_", "PYTHON"))}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**kept, **environment}, cwd="/")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def dependencies(folder: Path) -> Path:
    """A folder with what pfmm needs, and what that needs: links to this interpreter's modules, all of them plain."""
    pending, seen = ["pfmm"], set()
    while pending:
        for line in requires(pending.pop()) or ():
            name = re.match(r"[\w.-]+", line)
            if name is None or "extra ==" in line or name[0] in seen:
                continue
            try:
                files = distribution(name[0]).files or ()
            except ModuleNotFoundError:  # of another Python or platform
                continue
            seen.add(name[0])
            pending.append(name[0])
            for top in {file.parts[0] for file in files if file.parts[0] not in ("..", "__pycache__")}:
                (folder / top).exists() or (folder / top).symlink_to(Path(str(distribution(name[0]).locate_file(top))))
    return folder


@pytest.mark.parametrize("python", pythons())
def test_what_is_built_installs_and_runs(artefacts: list[Path], python: str, tmp_path: Path) -> None:
    (tmp_path / "needs").mkdir()
    needs = {"PYTHONPATH": str(dependencies(tmp_path / "needs"))}
    for file in artefacts:
        place = tmp_path / file.name.rpartition(".")[2]
        run([python, "-m", "venv", str(place)])
        if file.suffix == ".gz":  # what pip would make of it
            wheel = ["-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(place), str(file)]
            run([sys.executable, *wheel])
        (wheel_file,) = place.glob("*.whl") if file.suffix == ".gz" else (file,)
        run([str(place / "bin" / "pip"), "install", "-q", "--no-deps", "--no-index", str(wheel_file)])
        pfmm, home = str(place / "bin" / "pfmm"), {"PFMM_HOME": str(place / "home"), **needs}
        assert run([pfmm, "--version"], **home) == f"pfmm {__version__}\n"
        assert "10 resting" in run([pfmm, "grid", "start", "BTC-PERP", "--once"], **home)
        assert '"const": "fill"' in run([pfmm, "help", "schema", "events"], **home)
        assert run([pfmm, "completions", "zsh"], **home) == (ROOT / "completions" / "_pfmm").read_text("utf-8")
