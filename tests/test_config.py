from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.config import Config, McpConfig, SourceConfig, data_folder, default_data_dir, duration
from console.config_file import config_schema, load_config
from console.errors import ConfigError

MCP = '[llm]\nmodel = "m"\n[llm.mcp.wiki]\n'


def write(folder: Path, text: str) -> Path:
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_no_file_is_needed() -> None:
    config = load_config()
    assert config.path is None
    assert config.interval == 15.0
    assert config.data.name == "andon"


def test_a_file_that_was_named_must_exist(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no configuration file"):
        load_config(tmp_path / "none.toml")


def test_the_environment_names_a_file_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANDON_CONFIG", str(write(tmp_path, '[daemon]\ninterval = "1m"\n')))
    assert load_config().interval == 60.0


def test_every_setting_is_read(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """
        [daemon]
        data = "state"
        interval = "0s"
        retention_days = 7
        store_megabytes = 10
        clock = "clock"
        watch = false
        [plugins]
        dirs = ["mine"]
        disable = ["dcgm"]
        [playbooks]
        dirs = ["/srv/playbooks"]
        [sources.line]
        kind = "metrics"
        url = "http://127.0.0.1:8000/metrics"
        """,
    )
    assert load_config(path) == Config(
        path=path,
        data=tmp_path / "state",
        interval=0.0,
        retention_days=7,
        store_megabytes=10,
        clock=tmp_path / "clock",
        watch=False,
        sources=(SourceConfig("line", "metrics", {"url": "http://127.0.0.1:8000/metrics"}, tmp_path),),
        plugin_dirs=(tmp_path / "mine",),
        plugins_disabled=("dcgm",),
        playbook_dirs=(Path("/srv/playbooks"),),
        policy=tmp_path / "policy.toml",
        signers=tmp_path / "allowed_signers",
    )


def test_roles_are_lists_of_operators(tmp_path: Path) -> None:
    assert load_config(write(tmp_path, '[roles]\noncall = ["ana", "bob"]\n')).roles == {"oncall": ("ana", "bob")}


def test_links_are_templates_of_urls(tmp_path: Path) -> None:
    path = write(tmp_path, '[links]\n"the logs" = "https://logs/{host}?q={model}"\n')
    assert load_config(path).links == {"the logs": "https://logs/{host}?q={model}"}


def test_mcp_servers_are_a_command_or_a_url_and_tools_by_name(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """
        [llm]
        model = "m"
        [llm.mcp.runbooks]
        command = ["runbooks", "--stdio"]
        tools = ["search_runbooks", "pages.get"]
        env = ["WIKI_TOKEN"]
        seconds = 5
        [llm.mcp.wiki]
        url = "https://wiki/mcp"
        key_env = "WIKI_KEY"
        tools = ["search"]
        """,
    )
    llm = load_config(path).llm
    assert llm is not None and llm.mcp == (
        McpConfig(
            "runbooks", ("search_runbooks", "pages.get"), ("runbooks", "--stdio"), None, ("WIKI_TOKEN",), None, 5
        ),
        McpConfig("wiki", ("search",), (), "https://wiki/mcp", (), "WIKI_KEY", 20),
    )


@pytest.mark.parametrize(
    "text", ["", '[daemon]\ndata = "state"', '[daemon]\ndata = "~/state"', '[daemon]\ndata = "/srv"']
)
def test_the_data_folder_alone_is_what_the_whole_configuration_says(tmp_path: Path, text: str) -> None:
    path = write(tmp_path, text)
    assert data_folder(path, None) == load_config(path).data
    assert data_folder(path, tmp_path / "flag") == load_config(path, data=tmp_path / "flag").data


@pytest.mark.parametrize("text", ["[daemon", "daemon = 1", "[daemon]\ndata = 7", None])
def test_a_file_that_is_wrong_leaves_the_data_folder_where_the_platform_has_it(
    tmp_path: Path, text: str | None
) -> None:
    path = tmp_path / "none.toml" if text is None else write(tmp_path, text)
    assert data_folder(path, None) == default_data_dir()


def test_the_flag_outranks_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, '[daemon]\ndata = "state"\n')
    assert load_config(path, data=tmp_path / "other").data == tmp_path / "other"


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ('[daemon]\nintervall = "1m"', "unknown key 'daemon.intervall'", "did you mean 'interval'?"),
        ("[demon]", "unknown key 'demon'", "did you mean 'daemon'?"),
        ("[daemon]\nretention_days = 0", "daemon.retention_days", "config schema"),
        ('[daemon]\nwatch = "yes"', "daemon.watch", "config schema"),
        ('[daemon]\ninterval = "soon"', "'soon' is not a duration", "15s"),
        ('[sources.line]\nurl = "x"', "sources.line.kind", "config schema"),
        ("[sources.'Bad Name']\nkind = 'x'", "sources.", "config schema"),
        ("[daemon", "is not TOML", "config schema"),
        (
            '[links]\nboard = "https://x/{modle}"',
            "links.board: nothing is known as {modle}; a link may have {model}",
            "",
        ),
        ('[links]\nboard = "https://x/{model.__class__}"', "nothing is known as {model.__class__}", ""),
        ('[links]\nboard = "javascript:alert(1)"', "links.board: a link begins with http:// or https://", ""),
        ("[links]\nboard = 1", "links.board", "config schema"),
        ('[llm]\nmodel = "m"\ncals = 3', "unknown key 'llm.cals'", "did you mean 'calls'?"),
        ('[llm]\nmodel = "m"\nprices = {reed = 1.0}', "unknown key 'llm.prices.reed'", "did you mean 'read'?"),
        ('[llm]\nmodel = "m"\nurl = "127.0.0.1:8080"', "llm.url: a url begins with http://", "config schema"),
        (MCP + 'tools = ["x"]\nurls = "x"', "unknown key 'llm.mcp.wiki.urls'", "did you mean 'url'?"),
        (MCP + 'url = "https://wiki"', "llm.mcp.wiki.tools", "config schema"),
        (MCP + 'url = "https://wiki"\ntools = []', "llm.mcp.wiki.tools", "config schema"),
        (MCP + 'url = "https://wiki"\ntools = ["*"]', "tools are allowed each by its name", "config schema"),
        (MCP + 'url = "file:///wiki"\ntools = ["x"]', "llm.mcp.wiki.url", "config schema"),
        (MCP + 'tools = ["x"]', "llm.mcp.wiki: an MCP server has either a command or a url", "config schema"),
        (MCP + 'command = ["w"]\nkey_env = "K"\ntools = ["x"]', "llm.mcp.wiki: key_env is for a url", "config schema"),
        (MCP + 'url = "https://w"\ncommand = ["w"]\ntools = ["x"]', "has either a command or a url", "config schema"),
    ],
)
def test_what_is_wrong_is_one_sentence_with_a_hint(tmp_path: Path, text: str, message: str, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(write(tmp_path, text))
    assert message in caught.value.message
    assert hint in caught.value.hint
    assert "\n" not in caught.value.message


def test_a_file_that_is_not_text_is_said_so(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(b"\xff\xfe\x00[daemon]")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(path)


def test_headers_are_secrets_so_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = write(tmp_path, '[sources.a]\nkind = "metrics"\nheaders = {Authorization = "Bearer hunter2"}\n')
    path.chmod(0o640)
    with pytest.raises(ConfigError, match="others may read it") as caught:
        load_config(path)
    assert "hunter2" not in caught.value.message
    path.chmod(0o600)
    assert load_config(path).sources[0].options["headers"] == {"Authorization": "Bearer hunter2"}


@given(
    st.lists(st.sampled_from([("w", 604800), ("d", 86400), ("h", 3600), ("m", 60), ("s", 1)]), unique=True), st.data()
)
def test_a_duration_is_the_sum_of_its_parts(units: list[tuple[str, int]], data: st.DataObject) -> None:
    numbers = [data.draw(st.integers(0, 99)) for _ in units]
    text = "".join(f"{number}{unit}" for number, (unit, _seconds) in zip(numbers, units, strict=True))
    if not text:
        with pytest.raises(ConfigError):
            duration(text)
    else:
        assert duration(text) == sum(n * seconds for n, (_unit, seconds) in zip(numbers, units, strict=True))


def test_the_schema_lists_every_table() -> None:
    tables = {
        "daemon",
        "plugins",
        "playbooks",
        "sources",
        "links",
        "llm",
        "alerts",
        "notify",
        "roles",
        "actuators",
        "remedies",
    }
    assert set(config_schema()["properties"]) == tables
