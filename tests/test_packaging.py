"""The library of playbooks and plugins is found wherever andon is installed from."""

import subprocess
import sys
import zipfile
from pathlib import Path

from console.library import library_dir

ROOT = Path(__file__).parent.parent
SHOW = "from console.library import library_dir as d; print(d('playbooks')); print(d('plugins'))"


def test_a_checkout_has_it_beside_the_package() -> None:
    assert library_dir("playbooks") == ROOT / "playbooks"


def test_the_wheel_carries_it_inside_the_package(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=120)
    (wheel,) = tmp_path.glob("*.whl")
    installed = tmp_path / "installed"
    # What `pip install --no-deps` does with a pure wheel, without pip's start-up.
    zipfile.ZipFile(wheel).extractall(installed)
    shown = subprocess.run(
        [sys.executable, "-c", SHOW], cwd=tmp_path, env={"PYTHONPATH": str(installed)}, check=True,
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    playbooks, plugins = map(Path, shown.stdout.split())
    assert playbooks == installed / "console" / "_library" / "playbooks"
    assert {path.name for path in playbooks.glob("*.yaml")} == {
        path.name for path in (ROOT / "playbooks").glob("*.yaml")
    }
    assert {path.name for path in plugins.glob("*.py")} == {path.name for path in (ROOT / "plugins").glob("*.py")}
    assert (installed / "console" / "signals" / "catalogue.toml").is_file()


def test_the_hashed_lists_name_no_index_and_hash_everything() -> None:
    names = sorted(path.name for path in ROOT.glob("requirements*.txt"))
    assert {"requirements.txt", "requirements-test.txt", "requirements-tables.txt"} <= {*names}
    for name in names:
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "://" not in text
        entries = [entry for entry in text.replace("\\\n", " ").splitlines() if "==" in entry]
        assert entries
        assert all("--hash=sha256:" in entry for entry in entries)
