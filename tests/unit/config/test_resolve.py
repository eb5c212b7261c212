"""The settings: which value holds, what is refused, and a file that is never half written."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pfmm.config import file as configfile
from pfmm.config import tables
from pfmm.config.paths import Paths
from pfmm.config.resolve import checked_name, emergency_settings, load_settings
from pfmm.config.values import Settings
from pfmm.errors import ConfigError, UsageError
from pfmm.model.numbers import SCALES, parse_decimal
from pfmm.model.setting import Setting, describe_range, from_text, from_value
from pfmm.strategy.base import kind_of
from pfmm.strategy.registry import STRATEGIES

SCHEMA = tables.every()
ROOT = Path(__file__).resolve().parents[3]

LIVE = """\
schema = 1
active = "live"

[profiles.live]
venue = "purpleflea"
account = "desk"

[profiles.live.grid]
levels = 20
size_usd = 12.50

[profiles.live.markets.BTC-PERP.grid]
levels = 30
"""


def written(home: Path, text: str) -> dict[str, str]:
    """A home with that config file; returns the environment that names it."""
    home.mkdir(parents=True, exist_ok=True)
    (home / "config.toml").write_text(text, encoding="utf-8")
    return {"PFMM_HOME": str(home)}


def test_without_a_file_the_paper_profile_has_every_default(tmp_path: Path) -> None:
    settings = load_settings({"PFMM_HOME": str(tmp_path)})
    assert (settings.profile, settings.venue, settings.account, settings.base_url) == ("paper", "paper", "default", "")
    market = settings.for_market("BTC-PERP")
    assert market.value("grid.levels") == 10
    assert market.value("grid.size_usd") == Decimal(20)
    assert market.value("grid.lower") is None
    assert market.run.interval_s == 3.0
    assert market.run.max_inventory_usd == Decimal(500)
    assert market.value("quote.calibrate") is True
    assert (market.value("ladder.levels"), market.funding.min_bps, market.volatility.window) == (5, 3.0, 20)
    assert market.flatten.max_slippage_bps == Decimal(50)
    assert settings.secret.env is None


def test_a_window_too_short_for_the_estimator_is_refused_and_not_taken_for_another(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"volatility\.window must be 3 to 100000, not 2"):
        load_settings({"PFMM_HOME": str(tmp_path), "PFMM_VOLATILITY_WINDOW": "2"})


def test_every_setting_of_the_process_reaches_a_typed_section_and_every_other_its_values(tmp_path: Path) -> None:
    settings = load_settings({"PFMM_HOME": str(tmp_path)})
    for section in tables.sections():
        own = tables.table(section)
        if section in STRATEGIES:
            values = settings.for_run(kind_of(section), "BTC").values
            assert dict(values) == dict(values.usual())
            assert {name: values[name] for name in own} == {name: one.default for name, one in own.items()}
        elif section != "secret":
            typed = getattr(settings.general, section)
            assert {f"{section}.{key}" for key in type(typed).__annotations__} == set(own)
            assert all(getattr(typed, name.split(".")[1]) == setting.default for name, setting in own.items())


def test_values_say_which_of_them_a_flag_gave(tmp_path: Path) -> None:
    env = {"PFMM_HOME": str(tmp_path), "PFMM_GRID_LEVELS": "7"}
    values = load_settings(env, overrides={"grid.size_usd": "12.50"}).for_run(kind_of("grid"), "BTC").values
    assert (values["grid.levels"], values.told("grid.levels")) == (7, False)
    assert (values["grid.size_usd"], values.told("grid.size_usd")) == (Decimal("12.50"), True)
    assert (values.text("grid.size_usd"), values.text("grid.lower")) == ("12.50", None)


def test_a_command_reads_the_tables_that_something_names_and_no_other(tmp_path: Path) -> None:
    code = (
        "import os, sys\nfrom pfmm.config.resolve import load_settings\nload_settings(os.environ)\n"
        "print(sorted(name for name in sys.modules if name.startswith('pfmm.strategy.') and name.endswith('.room')))\n"
    )
    for extra, loaded in (({}, "[]"), ({"PFMM_GRID_LEVELS": "7"}, "['pfmm.strategy.grid.room']")):
        env = {"PFMM_HOME": str(tmp_path), "PYTHONPATH": str(ROOT), **extra}
        done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == loaded


def test_precedence_flag_environment_market_profile_default(tmp_path: Path) -> None:
    env = written(tmp_path, LIVE)
    with_env = {**env, "PFMM_GRID_LEVELS": "40"}
    flags = {"grid.levels": "50", "grid.size_usd": None}
    table = [
        (load_settings(env), "ETH-PERP", 20, "profile"),
        (load_settings(env), "btc", 30, "market"),
        (load_settings(with_env), "btc", 40, "environment"),
        (load_settings(with_env, overrides=flags), "btc", 50, "flag"),
    ]
    for settings, market, levels, source in table:
        assert settings.value("grid.levels", market) == levels
        assert settings.source("grid.levels", market) == source
    assert load_settings(env).value("grid.size_usd") == Decimal("12.50")  # None is no flag
    assert load_settings(env).source("grid.spacing") == "default"


def test_profile_is_named_by_flag_then_environment_then_file(tmp_path: Path) -> None:
    env = written(tmp_path, LIVE)
    assert load_settings(env).profile == "live"
    assert load_settings({**env, "PFMM_PROFILE": "paper"}).profile == "paper"
    assert load_settings({**env, "PFMM_PROFILE": "paper"}, profile="live").profile == "live"
    with pytest.raises(ConfigError, match="no profile 'liv'") as caught:
        load_settings(env, profile="liv")
    assert caught.value.hint == "did you mean live?"


def test_another_venue_does_not_inherit_what_belongs_to_the_profiles_own(tmp_path: Path) -> None:
    text = LIVE + '\n[profiles.live.secret]\nfile = "~/key"\n'
    env = written(tmp_path, text.replace('account = "desk"', 'account = "desk"\nbase_url = "https://example.org/"'))
    live = load_settings(env)
    assert (live.account, live.base_url, live.secret.file) == ("desk", "https://example.org", "~/key")
    moved = load_settings({**env, "PFMM_VENUE": "paper"})
    assert (moved.venue, moved.account, moved.base_url, moved.secret.file) == ("paper", "default", "", None)
    assert moved.value("grid.levels") == 20
    named = load_settings(env, overrides={"venue": "paper", "account": "mine"})
    assert (named.venue, named.account) == ("paper", "mine")


@pytest.mark.parametrize("load", [load_settings, emergency_settings])
@pytest.mark.parametrize(("name", "venue"), [("live", "paper"), ("paper", "purpleflea")])
def test_a_named_profile_and_the_environment_may_not_disagree_about_real_money(
    tmp_path: Path, load: Callable[..., Settings], name: str, venue: str
) -> None:
    env = {**written(tmp_path, LIVE), "PFMM_VENUE": venue}
    with pytest.raises(ConfigError, match=f"profile {name} .*, and PFMM_VENUE says {venue}"):
        load(env, profile=name)
    with pytest.raises(ConfigError, match=f"profile {name} .*, and PFMM_VENUE says {venue}"):
        load({**env, "PFMM_PROFILE": name})
    same = {"live": "purpleflea", "paper": "paper"}[name]
    assert load({**env, "PFMM_VENUE": same}, profile=name).venue == same


def test_an_unreadable_live_profile_does_not_end_on_paper(tmp_path: Path) -> None:
    env = {**written(tmp_path, "not toml at all"), "PFMM_VENUE": "paper"}
    with pytest.raises(ConfigError, match="profile live may trade for real, and PFMM_VENUE says paper"):
        emergency_settings(env, profile="live")
    assert emergency_settings(env).venue == "paper"


OF_THE_FILE = [
    ("schema = 1\nactive = \n", "line 2", None),
    ("schema = 2\n", "has schema 2; this pfmm reads 1", None),
    ("shema = 1\n", "line 1: unknown setting 'shema'; did you mean schema?", None),
    ('active = "gone"\n', "line 1: active profile 'gone' does not exist", None),
    ("[profiles.a]\nvenue = 'papr'\n", "line 2: venue must be paper | purpleflea | hyperliquid, not 'papr' (did", None),
    ("[profiles.a.grid]\nlevls = 3\n", "line 2: unknown setting 'grid.levls'; did you mean grid.levels?", None),
    ("[profiles.a.gird]\nlevels = 3\n", "line 1: unknown setting 'gird'; did you mean grid?", None),
    ("[profiles.paper]\nvenue = 'purpleflea'\n", "always trades on paper", None),
    ("[profiles.a]\nbase_url = 'http://example.org'\n", "must use https", None),
    ("[profiles.a]\naccount = '../x'\n", "account must be letters, digits", None),
    ("profiles = 3\n", "profiles must be a table", None),
    ("[profiles]\na = 3\n", "profile 'a' must be a table", None),
    ("[profiles.a]\ngrid = 3\n", "grid must be a table", None),
]  # fmt: skip
OF_VALUES = [
    ("[profiles.a.grid]\nlevels = 1\n", "line 2: grid.levels must be 2 to 500, not 1", None),
    ("[profiles.a.grid]\nlevels = true\n", "line 2: grid.levels must be a number, not True", None),
    ("[profiles.a.grid]\nlevels = '20'\n", "line 2: grid.levels must be a number, not '20'", None),
    ("[profiles.a.grid]\nlevels = 2.5\n", "line 2: grid.levels must be a whole number, not 2.5", None),
    ("[profiles.a.grid]\nlower = nan\n", "line 2: grid.lower must be finite, not NaN", None),
    ("[profiles.a.grid]\nlower = inf\n", "line 2: grid.lower must be finite, not Infinity", None),
    ("[profiles.a.grid]\nlower = 0\n", "line 2: grid.lower must be above 0", None),
    ("[profiles.a.quote]\ncalibrate = 1\n", "line 2: quote.calibrate must be true or false, not 1", None),
]  # fmt: skip
OF_KEYS = [
    ("[profiles.a.secret]\nvalue = 'hunter2'\n", "unknown setting 'secret.value'", "hunter2"),
    ("[profiles.a.secret]\nkey = 'hunter2'\n", "line 2: unknown setting 'secret.key': keys are never", "keyring"),
    ("api_key = 'hunter2'\n", "line 1: unknown setting 'api_key': keys are never stored in this file", "hunter2"),
    ("[profiles.a]\nbase_url = 'https://x.org/?k=hunter2'\n", "line 2: base_url must be an http", "hunter2"),
    ("[profiles.a]\nbase_url = 'https://u:hunter2@x.org:x'\n", "line 2: base_url must be an http", "hunter2"),
    ("[profiles.a]\nbase_url = 'https://u:hunter2/3@x.org'\n", "line 2: base_url must be an http", "hunter2"),
    ("[profiles.a.secret]\nenv = 'sk_live_hunter2'\n", "must be the NAME of an environment variable", "hunter2"),
    ("[profiles.a.secret]\nenv = 'A'\nfile = 'b'\n", "at most one of secret.env", None),
    ("[profiles.a.secret]\ncommand = 'pass show x'\n", "secret.command must be a list of words", None),
]  # fmt: skip
OF_MARKETS = [
    ("[profiles.a.markets.BTC-PERP]\nvenue = 'paper'\n", "unknown setting 'venue'", None),
    ("[profiles.a.markets.BTC-PERP.grid]\nlevels = 0\n", "line 2: grid.levels must be 2 to 500, not 0", None),
    ("[profiles.a.markets.BTC-PERP.run]\non_exit = 'keep'\n", "line 2: run.on_exit cannot differ by market", None),
    ("[profiles.a.markets.BTC-PERP.flatten]\n", "line 1: flatten cannot differ by market", None),
    ("[profiles.a.markets.btc.grid]\n[profiles.a.markets.BTC-PERP.grid]\n", "btc and BTC-PERP are the same", None),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message", "hidden"), [*OF_THE_FILE, *OF_VALUES, *OF_KEYS, *OF_MARKETS])
def test_a_bad_file_is_named_with_its_line(tmp_path: Path, text: str, message: str, hidden: str | None) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(written(tmp_path, text))
    assert str(tmp_path / "config.toml") in caught.value.message
    assert message in caught.value.message
    if hidden:
        assert hidden not in caught.value.message


@pytest.mark.parametrize("raw", [b"schema = 1\n\xff\xfe", b"\x00\x01\x02", os.urandom(200) + b"\xff", b"[" * 2000])
def test_random_bytes_are_a_config_error(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "config.toml").write_bytes(raw)
    with pytest.raises(ConfigError, match=r"config.toml, line \d"):
        load_settings({"PFMM_HOME": str(tmp_path)})


def test_with_an_unreadable_file_the_venue_must_be_named(tmp_path: Path) -> None:
    env = written(tmp_path, "not toml at all")
    with pytest.raises(ConfigError, match="the venue is not known") as caught:
        emergency_settings(env)
    assert "PFMM_VENUE" in (caught.value.hint or "")
    with pytest.raises(ConfigError, match="the venue is not known"):
        emergency_settings(env, profile="live")
    assert emergency_settings(env, profile="paper").venue == "paper"
    named = emergency_settings({**env, "PFMM_VENUE": "purpleflea", "PFMM_ACCOUNT": "desk"})
    assert (named.venue, named.account, named.base_url) == ("purpleflea", "desk", "https://trading.purpleflea.com")
    assert emergency_settings(written(tmp_path / "good", LIVE)).account == "desk"


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("PFMM_GRID_LEVELS", "ten", "PFMM_GRID_LEVELS: grid.levels must be a whole number, not 'ten'"),
        ("PFMM_GRID_LEVELS", "nan", "must be a whole number"),
        ("PFMM_RUN_INTERVAL_S", "nan", "run.interval_s must be a number, not 'nan'"),
        ("PFMM_RUN_INTERVAL_S", "-1", "run.interval_s must be above 0"),
        ("PFMM_RUN_INTERVAL_S", "1e999", "run.interval_s must be"),
        ("PFMM_QUOTE_CALIBRATE", "maybe", "must be true or false"),
        ("PFMM_VENUE", "purplefly", "did you mean purpleflea"),
        ("PFMM_GRID_LEVELZ", "3", "no setting behind the variable PFMM_GRID_LEVELZ"),
        ("PFMM_PROFLE", "live", "no setting behind the variable PFMM_PROFLE"),
        ("PFMM_SECRET_VALUE", "hunter2", "no setting behind the variable PFMM_SECRET_VALUE"),
    ],
)
def test_a_bad_variable_is_named(tmp_path: Path, variable: str, value: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings({"PFMM_HOME": str(tmp_path), variable: value})
    assert message in caught.value.message
    assert "hunter2" not in caught.value.message


@pytest.mark.parametrize("word", ["KEY", "API_KEY", "VALUE", "TOKEN"])
def test_a_variable_that_can_only_mean_a_key_is_told_where_keys_go(tmp_path: Path, word: str) -> None:
    """The nearest name, PFMM_SECRET_KEYRING, takes the name of a service, which messages show."""
    with pytest.raises(ConfigError) as caught:
        load_settings({"PFMM_HOME": str(tmp_path), f"PFMM_SECRET_{word}": "hunter2"})
    assert caught.value.hint == "a key goes into PFMM_API_KEY"


def test_empty_and_foreign_variables_are_ignored(tmp_path: Path) -> None:
    env = {"PFMM_HOME": str(tmp_path), "PFMM_VENUE": "", "PFMM_BUILD_HOST": "x", "PATH": "/bin"}
    assert load_settings(env).venue == "paper"


def test_a_bad_flag_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"grid\.levels must be 2 to 500, not 10000"):
        load_settings({"PFMM_HOME": str(tmp_path)}, overrides={"grid.levels": 10000})


@pytest.mark.parametrize(
    ("url", "good"),
    [
        ("", True), ("https://trading.purpleflea.com/", True), ("http://127.0.0.1:8080", True),
        ("http://localhost:1", True), ("http://[::1]:9", True), ("http://127.0.0.1.evil.org", False),
        ("ftp://x.org", False), ("https://", False), ("https://user:pw@x.org", False), ("https://x.org/?key=1", False),
        ("https://x.org:99999", False), ("x.org", False),
    ],
)  # fmt: skip
def test_addresses_are_https_except_on_this_machine(url: str, good: bool) -> None:
    if good:
        assert from_value(SCHEMA["base_url"], url) == url.rstrip("/")
    else:
        with pytest.raises(ValueError, match="base_url"):
            from_value(SCHEMA["base_url"], url)


def test_a_key_in_the_config_is_refused_with_the_way_to_give_it() -> None:
    for name in ("secret.value", "api_key", "secret.KEY", "password"):
        with pytest.raises(ConfigError, match="never stored") as caught:
            checked_name(name)
        assert "secret.file" in (caught.value.hint or "")
    with pytest.raises(ConfigError) as missed:
        checked_name("grid.level")
    assert missed.value.hint == "did you mean grid.levels?"


def test_paths_follow_pfmm_home_and_the_platform(tmp_path: Path) -> None:
    paths = Paths.from_env({"PFMM_HOME": str(tmp_path)})
    assert paths == Paths(tmp_path / "config.toml", tmp_path / "state", tmp_path / "log", tmp_path / "cache")
    assert Paths.from_env({}).config_file.name == "config.toml"
    assert Paths.from_env({}).config_file.is_absolute()


def test_edit_replaces_the_file_whole_with_tight_modes(tmp_path: Path) -> None:
    file = tmp_path / "new" / "config.toml"

    def add(document: configfile.Document) -> None:
        document["profiles"]["a"] = {"grid": {"levels": 7, "size_usd": Decimal("12.50"), "lower": Decimal(100)}}

    assert configfile.edit(file, add) is False
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert configfile.read(file)["profiles"]["a"]["grid"]["size_usd"] == Decimal("12.50")
    assert "lower = 100\n" in file.read_text()
    assert {entry.name for entry in file.parent.iterdir()} == {"config.toml", "config.toml.lock"}


def test_an_edit_that_breaks_the_rules_or_fails_leaves_the_file_alone(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(LIVE)

    def bad(document: configfile.Document) -> None:
        document["profiles"]["live"]["grid"]["levels"] = 1

    def broken(document: configfile.Document) -> None:
        document["profiles"].clear()
        raise RuntimeError("stop")

    with pytest.raises(ConfigError, match=r"grid\.levels must be 2 to 500"):
        configfile.edit(file, bad)
    with pytest.raises(RuntimeError, match="stop"):
        configfile.edit(file, broken)
    assert file.read_text() == LIVE


def test_edit_says_when_comments_are_lost_and_keeps_a_link(tmp_path: Path) -> None:
    real = tmp_path / "dotfiles.toml"
    real.write_text('# mine\n[profiles.a]\naccount = "x"\n')
    link = tmp_path / "config.toml"
    link.symlink_to(real)
    assert configfile.edit(link, lambda document: document["profiles"]["a"].update(account="y")) is True
    assert link.is_symlink()
    assert 'account = "y"' in real.read_text()
    assert configfile.edit(link, lambda _: None) is False
    real.write_text('[profiles.a.secret]\nkeyring = "a#b"\n')
    assert configfile.edit(link, lambda _: None) is False


def test_writers_in_many_processes_lose_nothing(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from pfmm.config import file as configfile\n"
        "who = sys.argv[2]\n"
        "for i in range(10):\n"
        "    configfile.edit(Path(sys.argv[1]), lambda d: d['profiles'].__setitem__(f'p{who}-{i}', {}))\n"
        "    configfile.read(Path(sys.argv[1]))\n"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    file = tmp_path / "config.toml"
    writers = [subprocess.Popen([sys.executable, "-c", code, str(file), str(n)], env=env) for n in range(4)]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0, 0]
    assert set(configfile.read(file)["profiles"]) == {f"p{who}-{i}" for who in range(4) for i in range(10)}


def test_a_folder_that_cannot_be_written_is_a_config_error(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(ConfigError, match="cannot write in"):
        configfile.edit(blocked / "config.toml", lambda _: None)


def numeric() -> list[Setting]:
    return [setting for setting in SCHEMA.values() if setting.kind in {"integer", "number", "decimal"}]


@given(st.sampled_from(numeric()), st.one_of(st.floats(), st.decimals(), st.integers(), st.booleans(), st.text()))
def test_no_number_outside_its_range_passes(setting: Setting, raw: object) -> None:
    try:
        value = from_value(setting, raw)
    except ValueError as error:
        assert setting.name in str(error)  # noqa: PT017 - either way out is right, and each has its own check
        return
    exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    assert setting.minimum is not None
    assert setting.maximum is not None
    assert setting.minimum <= exact <= setting.maximum
    assert not (setting.open_minimum and exact == setting.minimum)


@given(st.text(max_size=40))
def test_number_text_is_a_finite_decimal_or_refused(text: str) -> None:
    try:
        value = parse_decimal(text)
    except ValueError:
        return
    assert value.is_finite()
    if text[-1] not in SCALES:
        assert value == Decimal(text)


@pytest.mark.parametrize(
    "text", ["nan", "NaN", "inf", "-Infinity", "1e999", "1__0", "_1", "1m", "1e3k", " 1", "1 ", "", "+", "0x10", "١"]
)
def test_number_text_that_python_would_take_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be a number"):
        parse_decimal(text)


def test_defaults_pass_their_own_checks_and_variables_are_unique() -> None:
    for setting in SCHEMA.values():
        assert describe_range(setting)
        if setting.default is not None:
            assert from_value(setting, setting.default) == setting.default
    assert len({setting.variable for setting in SCHEMA.values()}) == len(SCHEMA)


def test_words_come_from_a_quoted_line() -> None:
    command = SCHEMA["secret.command"]
    assert from_text(command, "pass show 'my key'") == ("pass", "show", "my key")
    with pytest.raises(ValueError, match=r"secret\.command must be a command"):
        from_text(command, "pass 'open")


def test_sections_are_frozen(tmp_path: Path) -> None:
    run = load_settings({"PFMM_HOME": str(tmp_path)}).general.run
    with pytest.raises(AttributeError, match="frozen"):
        run.interval_s = 3
    assert run == load_settings({"PFMM_HOME": str(tmp_path)}).general.run
    assert "interval_s=3.0" in repr(run)


def test_an_emergency_reads_no_variable_that_it_does_not_need(tmp_path: Path) -> None:
    env = {
        "PFMM_HOME": str(tmp_path),
        "PFMM_GRID_LEVELS": "ten",
        "PFMM_GRID_LEVLES": "9",
        "PFMM_FLATTEN_TIMEOUT_S": "7",
    }
    with pytest.raises(ConfigError, match="PFMM_GRID_LEV"):
        load_settings(env)
    settings = emergency_settings(env)
    assert (settings.venue, settings.general.flatten.timeout_s) == ("paper", 7)
    with pytest.raises(ConfigError, match="PFMM_FLATTEN_TIMEOUT_S"):
        emergency_settings({**env, "PFMM_FLATTEN_TIMEOUT_S": "soon"})
    with pytest.raises(ConfigError, match="PFMM_VENEU"):
        emergency_settings({**env, "PFMM_VENEU": "purpleflea"})
