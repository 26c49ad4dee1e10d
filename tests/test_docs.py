"""The documentation names everything there is, and nothing that is not."""

import importlib.util
import re
from pathlib import Path

from console.cli.root import COMMANDS
from console.plugins import Hooks

ROOT = Path(__file__).parent.parent


def test_every_hook_is_documented() -> None:
    documented = set(re.findall(r"`(andon_\w+)`", (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")))
    assert documented == {name for name in vars(Hooks) if name.startswith("andon_")}


def test_every_command_is_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [name for name in COMMANDS if f"andon {name}" not in readme] == []


def test_the_architecture_names_real_functions_and_folders() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    for module, name in re.findall(r"`([a-z]+(?:\.[a-z_]+)+)\.([A-Za-z_]+)(?:\.\w+)?`", text):
        path = ROOT / "console" / (module.replace(".", "/") + ".py")
        if path.exists():
            assert re.search(rf"(def|class) {name}\b", path.read_text(encoding="utf-8")), (module, name)
    for folder in re.findall(r"^  (\w+)/ ", text, re.MULTILINE):
        assert (ROOT / "console" / folder).is_dir(), folder


def test_the_tables_of_the_dialects_are_what_the_dialects_say() -> None:
    spec = importlib.util.spec_from_file_location("dialect_tables", ROOT / "docs" / "dialect_tables.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    shown = (ROOT / "docs" / "dialects.md").read_text(encoding="utf-8").partition(module.BEGIN)[2]
    assert shown.strip() == module.tables().strip(), "run python docs/dialect_tables.py"
