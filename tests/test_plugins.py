import threading
import time
from itertools import count
from pathlib import Path

import pytest

from console.errors import PluginError
from console.plugins import Panel, guard, load_plugins, take

GOOD = """
from console.plugins import Panel, PanelData, hookimpl

@hookimpl
def andon_panels():
    return [Panel("spare", "Spare parts", lambda: PanelData(("part",), (("glove",),)))]
"""


HEAD = "from console.plugins import hookimpl\n\n@hookimpl\n"


def plugin(folder: Path, name: str, text: str) -> Path:
    (folder / f"{name}.py").write_text(text, encoding="utf-8")
    return folder


def test_a_plugin_is_one_file_with_one_hook(tmp_path: Path) -> None:
    plugins = load_plugins([plugin(tmp_path, "spare", GOOD)])
    panel = plugins.by_name("andon_panels")["spare"]
    assert isinstance(panel, Panel)
    assert panel.read().rows == (("glove",),)
    assert plugins.problems == []


def test_a_plugin_may_have_parts_beside_it_which_are_no_plugins(tmp_path: Path) -> None:
    plugin(tmp_path, "_cogs", "TITLE = 'From a part'")
    parted = "from andon_plugins._cogs import TITLE\n" + GOOD.replace('"Spare parts"', "TITLE")
    plugins = load_plugins([plugin(tmp_path, "parted", parted)])
    assert plugins.by_name("andon_panels")["spare"].title == "From a part"
    assert "_cogs" not in plugins.names()
    assert plugins.problems == []


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("raising", "raise RuntimeError('no licence')", "plugin raising failed: loading: RuntimeError: no licence"),
        ("leaving", "import sys; sys.exit(3)", "plugin leaving failed: loading: SystemExit: 3"),
        ("broken", "def :", "plugin broken failed: loading: SyntaxError"),
        ("curious", HEAD + "def andon_panels(all, of, it): ...", "plugin curious does not fit: "),
        ("slip", HEAD + "def andon_pannels(): ...", "plugin slip does not fit: unknown hook 'andon_pannels'"),
    ],
)
def test_a_plugin_that_does_not_load_is_named_and_survived(tmp_path: Path, name: str, text: str, said: str) -> None:
    plugin(tmp_path, "spare", GOOD)
    plugins = load_plugins([plugin(tmp_path, name, text)])
    assert [problem.message for problem in plugins.problems if said in problem.message]
    assert "spare" in plugins.by_name("andon_panels")


def test_a_hook_that_raises_or_floods_is_cut_off_and_the_others_go_on(tmp_path: Path) -> None:
    head = "from itertools import repeat\nfrom console.plugins import hookimpl\n\n@hookimpl\ndef andon_panels():\n"
    plugin(tmp_path, "spare", GOOD)
    plugin(tmp_path, "raising", head + "    raise KeyError('x')\n")
    plugins = load_plugins([plugin(tmp_path, "flooding", head + "    return repeat(1)\n")])
    assert set(plugins.by_name("andon_panels")) == {"spare"}
    said = " ".join(problem.message for problem in plugins.problems)
    assert "plugin raising failed: andon_panels: KeyError" in said
    assert "plugin flooding was cut off: andon_panels gave more than 500 items" in said


def test_a_hang_is_cut_off_and_its_thread_ends() -> None:
    before = threading.active_count()
    with pytest.raises(PluginError, match=r"plugin stuck was cut off: waiting took more than 0\.1 s"):
        guard("stuck", "waiting", lambda: [None for _ in count()], seconds=0.1)
    deadline = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() == before


def test_what_is_left_out_is_not_loaded(tmp_path: Path) -> None:
    plugins = load_plugins([plugin(tmp_path, "raising", "raise RuntimeError")], disable=["raising"])
    assert plugins.problems == []


def test_the_first_to_use_a_name_keeps_it(tmp_path: Path) -> None:
    plugin(tmp_path, "a_first", GOOD)
    plugins = load_plugins([plugin(tmp_path, "b_second", GOOD.replace("Spare parts", "Usurped"))])
    assert plugins.by_name("andon_panels")["spare"].title == "Spare parts"
    assert any("b_second offers spare a second time" in problem.message for problem in plugins.problems)


def test_nothing_is_loaded_from_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plugin(tmp_path, "evil", "raise RuntimeError('loaded')")
    (tmp_path / "plugins").mkdir()
    plugin(tmp_path / "plugins", "evil", "raise RuntimeError('loaded')")
    monkeypatch.chdir(tmp_path)
    assert load_plugins().problems == []


def test_a_plugin_that_fails_is_asked_and_named_once(tmp_path: Path) -> None:
    text = "from console.plugins import hookimpl\n\n@hookimpl\ndef andon_panels():\n    raise KeyError('x')\n"
    plugins = load_plugins([plugin(tmp_path, "raising", text)])
    for _ in range(3):
        plugins.offers("andon_panels")
    assert len(plugins.problems) == 1


def test_a_bounded_number_of_offers_passes() -> None:
    assert take("p", "w", range(3), most=3) == [0, 1, 2]


def test_an_offer_of_another_kind_is_named_and_left_out(tmp_path: Path) -> None:
    plugin(tmp_path, "spare", GOOD)
    plugins = load_plugins([plugin(tmp_path, "odd", HEAD + "def andon_panels():\n    return ['a panel']\n")])
    assert set(plugins.by_name("andon_panels")) == {"spare"}
    assert [problem.message for problem in plugins.problems] == ["plugin odd offers a str on andon_panels"]


def test_what_shows_only_when_a_hook_is_asked_is_told_as_well(tmp_path: Path) -> None:
    told: list[str] = []
    text = HEAD + "def andon_panels():\n    raise KeyError('x')\n"
    plugins = load_plugins([plugin(tmp_path, "late", text)], on_problem=lambda problem: told.append(problem.message))
    assert told == []
    plugins.offers("andon_panels")
    assert told == ["plugin late failed: andon_panels: KeyError: 'x'"]


def test_a_folder_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    [problem] = load_plugins([tmp_path / "pluggins"]).problems
    assert problem.message == f"there is no folder of plugins {tmp_path / 'pluggins'}"


def test_what_a_plugin_prints_is_no_answer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "print('hello')\n" + HEAD + "def andon_panels():\n    print('there')\n    return []\n"
    load_plugins([plugin(tmp_path, "loud", text)]).offers("andon_panels")
    assert capsys.readouterr() == ("", "hello\nthere\n")
