"""How factories are found: given to the decorator, or named by the environment and installed."""

import sys
from pathlib import Path

import pytest

from durably.workflows import PluginLoadError, durable_execution
from durably.workflows.plugin_discovery import PLUGIN_ENVIRONMENT_VARIABLE, load_configured_plugins

CODE = """
class Factory:
    def __init__(self, name):
        self.name = name
    def create_plugin(self, info):
        return None

first, second = Factory("first"), Factory("second")
no_factory = 3
"""


class Factory:
    def create_plugin(self, info):
        return None


@pytest.fixture
def install(tmp_path: Path, monkeypatch):
    """Installs a package with a module `<name>_plugins`, and entry points as its metadata has them."""
    monkeypatch.syspath_prepend(str(tmp_path))
    installed = []

    def install(package: str, entry_points: str, code: str = CODE):
        module = f"{package}_plugins"
        (tmp_path / f"{module}.py").write_text(code)
        info = tmp_path / f"{package}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(entry_points)
        installed.append(module)

    yield install
    for module in installed:
        sys.modules.pop(module, None)


def load(names: str, *given: object):
    return load_configured_plugins(list(given), environment={PLUGIN_ENVIRONMENT_VARIABLE: names})


AWS = "[aws_durable_execution.plugins]\n"
OURS = "[durably.plugins]\n"


class TestNamedByTheEnvironment:
    @pytest.mark.parametrize("group", [AWS, OURS])
    def test_a_factory_is_found_by_its_name(self, group, install):
        """In AWS's group of entry points, and in ours."""
        install("shop", f"{group}audit = shop_plugins:first\n")
        (found,) = load("audit")
        assert found.name == "first"

    def test_they_follow_those_that_are_given_in_the_order_of_their_names(self, install):
        """Blanks around names do not matter."""
        install("shop", f"{AWS}a = shop_plugins:first\nb = shop_plugins:second\n")
        given = Factory()
        found = load(" b , a", given)
        assert found[0] is given
        assert [each.name for each in found[1:]] == ["second", "first"]

    def test_the_same_factory_runs_once(self, install, caplog):
        """Given, and named as well: the log says so."""
        install("shop", f"{AWS}a = shop_plugins:first\n")
        import shop_plugins  # type: ignore[import-not-found]  # installed just now

        assert load("a", shop_plugins.first) == [shop_plugins.first]
        assert "it runs once" in caplog.text

    def test_a_package_may_be_in_both_groups(self, install):
        """So that either SDK finds it."""
        install("shop", f"{AWS}a = shop_plugins:first\n{OURS}a = shop_plugins:first\n")
        assert [each.name for each in load("a")] == ["first"]

    @pytest.mark.parametrize("nothing", ["", "  "])
    def test_without_names_nothing_is_found(self, nothing):
        """However many are installed."""
        assert load(nothing) == []
        assert load_configured_plugins(None, environment={}) == []

    @pytest.mark.parametrize(
        ("names", "message"),
        [
            ("a,,b", "names between commas"),
            ("a,", "names between commas"),
            ("a,b,a", "more than once: a"),
            ("unknown", "No installed package has a plugin named 'unknown'.*Installed: a, b, broken, wrong"),
            ("broken", "Plugin 'broken', shop_plugins:missing of shop, could not be loaded"),
            ("wrong", "shop_plugins:no_factory, is an instance of builtins.int"),
        ],
    )
    def test_a_mistake_is_refused(self, names, message, install):
        """With the variable, the name or the package in the message."""
        install(
            "shop",
            f"{AWS}a = shop_plugins:first\nb = shop_plugins:second\n"
            "broken = shop_plugins:missing\nwrong = shop_plugins:no_factory\n",
        )
        with pytest.raises(PluginLoadError, match=message):
            load(names)

    def test_a_name_of_two_packages_is_refused(self, install):
        """Both are named."""
        install("shop", f"{AWS}a = shop_plugins:first\n")
        install("store", f"{OURS}a = store_plugins:first\n")
        with pytest.raises(PluginLoadError, match=r"More than one.*of shop.*of store"):
            load("a")

    def test_the_decorator_looks_at_the_environment(self, monkeypatch):
        """When it decorates, and not when the handler is called."""
        monkeypatch.setenv(PLUGIN_ENVIRONMENT_VARIABLE, "unknown")
        with pytest.raises(PluginLoadError, match="unknown"):
            durable_execution(lambda event, context: None)


class WithOptions:
    def create_plugin(self, info=None):
        return None


class WithStaticMethod:
    @staticmethod
    def create_plugin(info):
        return None


class WithClassMethod:
    @classmethod
    def create_plugin(cls, info):
        return None


class TestGiven:
    @pytest.mark.parametrize("given", [Factory(), WithOptions(), WithStaticMethod, WithClassMethod])
    def test_a_factory_has_create_plugin(self, given):
        """Of one argument, however it is made."""
        assert load("", given) == [given]

    @pytest.mark.parametrize(
        "given",
        [
            Factory,
            WithOptions,
            lambda info: None,
            None,
            type("Wrong", (), {"create_plugin": 3})(),
            type("Wrong", (), {"create_plugin": lambda self: None})(),
        ],
    )
    def test_anything_else_is_refused_when_the_handler_is_decorated(self, given):
        """With its place in the list, and what it is."""
        with pytest.raises(PluginLoadError, match=r"plugins\[1\] is (the class|the function|an instance)"):
            durable_execution(lambda event, context: None, plugins=[Factory(), given])

    def test_a_factory_alone_is_no_list(self):
        """The message says what is wanted."""
        with pytest.raises(PluginLoadError, match="plugins must be a list of factories, got an instance of"):
            durable_execution(lambda event, context: None, plugins=Factory())


class Registering:
    __durable_registration_api__ = 1
    exclusive_group: object = "tracing"

    def __init__(self):
        self.told = []

    def create_plugin(self, info):
        return None

    def on_registration_result(self, registered):
        self.told.append(registered)


class Other(Registering):
    exclusive_group = "other"
    __durable_registration_api__ = 1


class Silent(Registering):
    __durable_registration_api__ = 2


class TestRegistration:
    def test_a_factory_that_asks_learns_that_it_is_registered(self):
        """Once for each handler."""
        factory = Registering()
        load("", factory)
        assert factory.told == [True]

    def test_it_learns_of_a_refusal_too(self):
        """Also if another was the reason."""
        factory = Registering()
        with pytest.raises(PluginLoadError):
            load("", factory, 3)
        assert factory.told == [False]

    @pytest.mark.parametrize("second", [Registering, Other])
    def test_a_group_has_one_factory(self, second):
        """A subclass belongs to its base's group as well."""
        with pytest.raises(PluginLoadError, match="At most one plugin of the group 'tracing'"):
            load("", Registering(), second())

    def test_a_class_that_does_not_ask_is_left_alone(self):
        """Or asks in a version that is not known."""
        first, second = Silent(), Silent()
        load("", first, second)
        assert first.told == []

    def test_a_group_is_text(self):
        """Nothing else."""
        broken = type("Broken", (Registering,), {"exclusive_group": 3, "__durable_registration_api__": 1})
        with pytest.raises(PluginLoadError, match="must be None or text, got 3"):
            load("", broken())

    def test_what_its_callback_raises_is_logged(self, caplog):
        """The handler has its plugin all the same."""

        def on_registration_result(self, registered):
            raise ValueError("not now")

        broken = type("Broken", (Registering,), {"on_registration_result": on_registration_result})
        assert len(load("", broken())) == 1
        assert "not now" in caplog.text
