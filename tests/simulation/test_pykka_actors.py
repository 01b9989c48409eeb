"""Actors that were written for threads, unchanged, under every order of their messages."""

import threading

import pykka
import pytest

from durably.actors.simulation import Exhaustive, Fifo, Pct, RandomWalk
from durably.actors.simulation.coverage import Coverage
from durably.actors.simulation.pykka_actors import DeadlockError, UnhandledError, simulated_pykka
from durably.actors.simulation.pykka_campaign import explore_pykka, replay_pykka, trace_pykka
from durably.actors.simulation.scheduler import TooLongError
from durably.actors.simulation.strategies import DriftedError


class Account(pykka.ThreadingActor):
    def __init__(self):
        super().__init__()
        self.amount = 0

    def deposit(self, amount):
        self.amount += amount


class Hasty(pykka.ThreadingActor):
    """Reads, adds, and writes."""

    def pay_in(self, account, amount):
        account.amount = account.amount.get() + amount


class Careful(pykka.ThreadingActor):
    """Leaves the sum to the account."""

    def pay_in(self, account, amount):
        account.deposit(amount).get()


class Friend(pykka.ThreadingActor):
    """Asks the other one, who may be asking."""

    def visit(self, other):
        return other.is_at_home().get()

    def is_at_home(self):
        return True


class Log(pykka.ThreadingActor):
    """Keeps what it is told."""

    def __init__(self):
        super().__init__()
        self.lines = []

    def on_receive(self, message):
        self.lines.append(message)


class Talker(pykka.ThreadingActor):
    """Tells a log two things."""

    def talk(self, log, name):
        log.tell(f"{name}1")
        log.tell(f"{name}2")


class Greeter(pykka.ThreadingActor):
    """Tells a log that it has started, and that it has stopped."""

    def __init__(self, log):
        super().__init__()
        self._log = log

    def on_start(self):
        self._log.tell("hello")

    def on_stop(self):
        self._log.tell("goodbye")


class Broken(pykka.ThreadingActor):
    def on_receive(self, message):
        raise ValueError("it is broken")


def two_deposits(teller):
    """What two tellers leave on an account."""
    account = Account.start().proxy()
    pykka.get_all([teller.start().proxy().pay_in(account, 10) for _ in range(2)])
    return account.amount.get()


def loses_nothing(teller):
    def scenario():
        assert two_deposits(teller) == 20

    return scenario


def two_visits():
    one, other = Friend.start().proxy(), Friend.start().proxy()
    pykka.get_all([one.visit(other), other.visit(one)])


def every(scenario):
    """What a scenario returns in each of its schedules."""
    results = []
    report = explore_pykka(
        lambda: results.append(scenario()), strategy=Exhaustive(), schedules=20_000, stop_at=20_000
    )
    assert report.exhausted
    return results, report


class TestALostUpdate:
    @pytest.mark.parametrize("strategy", [RandomWalk(1), Pct(1)], ids=["random", "pct"])
    def test_is_found(self, strategy):
        """Both tellers have read before either writes."""
        report = explore_pykka(loses_nothing(Hasty), schedules=100, strategy=strategy)
        assert not report.ok
        with pytest.raises(AssertionError, match="Account handles set amount from Hasty"):
            report.check()

    def test_is_not_looked_for_by_a_name(self):
        """Here a strategy is an object, and the error says which."""
        with pytest.raises(TypeError, match=r"'exhaustive' is a name.* Exhaustive\(\)"):
            explore_pykka(loses_nothing(Hasty), strategy="exhaustive")

    def test_is_there_again_with_the_same_choices(self):
        """They are taken by name."""
        failure = explore_pykka(loses_nothing(Hasty)).failures[0]
        assert replay_pykka(lambda: two_deposits(Hasty), failure.choices) == 10

    def test_is_in_no_schedule_of_actors_that_are_right(self):
        """All of them are run: that is a proof."""
        report = explore_pykka(loses_nothing(Careful), schedules=10_000, strategy=Exhaustive())
        report.check()
        assert report.exhausted
        assert str(report).startswith(f"exhausted: {report.schedules:,} schedules")


class TestADeadlock:
    def test_says_who_waits_for_whom(self):
        """The circle is named, and nobody has to wait for it."""
        failure = explore_pykka(two_visits, strategy=Exhaustive(), schedules=100).failures[0]
        assert isinstance(failure.error, DeadlockError)
        assert str(failure.error).splitlines() == [
            "nobody can go on:",
            "  the scenario waits for the answer of Friend to visit()",
            "  Friend waits for the answer of Friend 2 to is_at_home()",
            "  Friend 2 waits for the answer of Friend to is_at_home()",
            "  a circle: Friend -> Friend 2 -> Friend",
        ]

    def test_comes_in_some_orders_only(self):
        """One visit may be over before the other begins."""
        _, report = every(two_visits)
        assert 0 < len(report.failures) < report.schedules

    def test_is_found_after_the_end_of_the_scenario(self):
        """An actor that waits for ever is one, whether or not somebody waits for that actor."""

        def tell_only():
            one, other = Friend.start().proxy(), Friend.start().proxy()
            one.visit.defer(other)
            other.visit.defer(one)

        _, report = every(tell_only)
        assert any(isinstance(failure.error, DeadlockError) for failure in report.failures)

    def test_with_one_that_has_stopped_says_so(self):
        """What is put into an inbox after its actor has emptied it for the last time is never answered."""

        def ask_and_stop():
            friend = Friend.start()
            friend.proxy().is_at_home()
            stopping = friend.stop(block=False)
            friend.proxy().is_at_home().get()
            stopping.get()

        failures = explore_pykka(
            ask_and_stop, strategy=Exhaustive(), schedules=10_000, stop_at=10_000
        ).failures
        assert {type(failure.error) for failure in failures} == {DeadlockError, pykka.ActorDeadError}
        deadlock = next(f.error for f in failures if isinstance(f.error, DeadlockError))
        assert "the scenario waits for the answer of Friend to is_at_home(); Friend has stopped" in str(
            deadlock
        )


class TestEveryOrder:
    def test_what_two_actors_tell_a_third_may_alternate(self):
        """An actor may be held up between two messages that it sends; their order stays."""

        def talk():
            log, talkers = Log.start(), [Talker.start().proxy() for _ in range(2)]
            for talker, name in zip(talkers, "ab", strict=True):
                talker.talk.defer(log, name)
            return log._actor_weakref()

        results, _ = every(talk)
        assert {"".join(log.lines) for log in results} == {
            "a1a2b1b2",
            "a1b1a2b2",
            "a1b1b2a2",
            "b1a1a2b2",
            "b1a1b2a2",
            "b1b2a1a2",
        }

    def test_an_actor_may_start_late(self):
        """Its `on_start` is one of the things that happen at some time."""

        def start():
            log = Log.start()
            Greeter.start(log)
            log.tell("first")
            return log

        orders = set()
        for number in range(30):
            strategy = RandomWalk(4)
            strategy.begin(number)
            with simulated_pykka(strategy):
                log = start()
            orders.add(tuple(log._actor_weakref().lines))
        assert orders == {("hello", "first"), ("first", "hello")}

    def test_a_run_is_a_function_of_its_choices(self):
        """Taken again they lead to the same trace."""
        strategy = RandomWalk(8)
        strategy.begin(3)
        run = simulated_pykka(strategy)
        with run:
            two_deposits(Hasty)
        one, other = (trace_pykka(lambda: two_deposits(Hasty), run.choices) for _ in range(2))
        assert one == other
        assert [step.name for step in one.steps if step.among] == list(run.choices)

    def test_a_choice_that_is_not_at_hand_is_named(self):
        """The error says which ones are."""
        with pytest.raises(DriftedError, match="one of: the scenario asks Hasty: pay_in"):
            replay_pykka(lambda: two_deposits(Hasty), ["the scenario asks Nobody: anything"])


def first(**options):
    """A simulation in the order in which nobody is held up."""
    strategy = Fifo()
    strategy.begin(0)
    return simulated_pykka(strategy, **options)


class TestPykka:
    def test_is_what_it_was_at_the_end(self):
        """Its hooks are its own again, and its registry has what it had."""
        before = [pykka.ThreadingActor.__dict__[name] for name in simulated_pykka._HOOKS]
        registered = pykka.ActorRegistry.get_all()
        with first():
            two_deposits(Careful)
            assert len(pykka.ActorRegistry.get_all()) == 3
        assert [pykka.ThreadingActor.__dict__[name] for name in simulated_pykka._HOOKS] == before
        assert pykka.ActorRegistry.get_all() == registered

    def test_futures_can_be_mapped_and_joined(self):
        """What Pykka makes of futures works with those of a simulation."""
        with first():
            account = Account.start().proxy()
            account.deposit(3)
            both = account.amount.join(account.amount).map(sum)
            assert both.get() == 6

    def test_asking_stopping_and_asking_the_dead(self):
        """They do what they do on threads; a stopped actor has been told of it."""
        with first():
            log = Log.start()
            greeter = Greeter.start(log)
            assert greeter.stop()
            assert log.proxy().lines.get() == ["hello", "goodbye"]
            with pytest.raises(pykka.ActorDeadError):
                greeter.ask("anything")

    def test_errors_go_to_who_asks(self):
        """An exception in an actor is raised where its answer is awaited."""
        with first(), pytest.raises(ValueError, match="it is broken"):
            Broken.start().ask("anything")

    def test_an_error_where_nobody_asked_is_one_of_the_run(self):
        """The actor is gone, and Pykka would have logged it; here it is not overlooked."""
        with pytest.raises(UnhandledError, match="Broken raised where nobody asked: ValueError"), first():
            Broken.start().tell("anything")
        with first(actors_may_fail=True):
            broken = Broken.start()
            broken.tell("anything")
        assert not broken.is_alive()

    def test_timeouts_are_of_virtual_time(self):
        """An hour takes none; whether it is enough is a choice."""

        def impatient():
            try:
                return Account.start().proxy().amount.get(timeout=3600)
            except pykka.Timeout:
                return "too late"

        assert set(every(impatient)[0]) == {0, "too late"}

    def test_threads_are_refused(self):
        """A thread cannot be simulated; who uses an actor from one is told so."""
        errors = []

        def elsewhere(account):
            try:
                account.tell("anything")
            except RuntimeError as error:
                errors.append(str(error))

        with first():
            thread = threading.Thread(target=elsewhere, args=[Account.start()])
            thread.start()
            thread.join()
        assert "from a thread that the simulation does not know" in errors[0]

    def test_one_simulation_is_under_way_at_a_time(self):
        """A second one is refused, and leaves the first as it is."""
        with first():
            with pytest.raises(RuntimeError, match="under way already"), first():
                pass
            assert two_deposits(Careful) == 20


class TestTheEndOfARun:
    def test_an_error_of_the_scenario_is_its_own(self):
        """It is raised, and whoever is in the middle of something is unwound."""
        unwound = []

        class Waiter(pykka.ThreadingActor):
            def wait(self, other):
                try:
                    other.is_at_home().get()
                finally:
                    unwound.append(self)

        def scenario():
            Waiter.start().proxy().wait(Friend.start().proxy())
            Friend.start().proxy().is_at_home().get()
            raise KeyError("enough")

        with pytest.raises(KeyError), first():
            scenario()
        assert [waiter.actor_ref.is_alive() for waiter in unwound] == [False]

    def test_a_run_without_an_end_is_given_up(self):
        """An actor that always tells itself something has too many choices."""

        class Restless(pykka.ThreadingActor):
            def on_receive(self, message):
                self.actor_ref.tell(message)

        with pytest.raises(TooLongError, match="Restless handles again from Restless"), first(limit=50):
            Restless.start().tell("again")

    def test_an_actor_that_outlives_its_simulation_is_dead(self):
        """It says so, and does not wait."""
        with first():
            account = Account.start()
        with pytest.raises(pykka.ActorDeadError):
            account.ask("anything")


def test_a_campaign_has_coverage():
    """Which message came after which is counted for these actors, too."""
    coverage = Coverage([])
    explore_pykka(lambda: two_deposits(Hasty), schedules=50, stop_at=50, observers=[coverage])
    assert coverage.systems == 50
    assert {("Account", "get amount", "get amount"), ("Account", "get amount", "set amount")} <= {
        *coverage.pairs
    }


def test_a_trace_has_lanes_for_these_actors():
    """What was told is there with its contents, and the error at the end."""
    trace = trace_pykka(two_visits)
    assert "the scenario -> Friend: visit(ActorProxy)" in trace.text()
    assert "<text" in trace.html()


def test_a_trace_has_the_answers_that_somebody_waited_for():
    """From when a future was set until who waited for it went on."""
    trace = trace_pykka(loses_nothing(Careful))
    answers = [message for message in trace.messages if message.word == "answer"]
    assert ("Account", "Careful") in {(answer.sender, answer.to) for answer in answers}
    for answer in answers:
        assert trace.steps[answer.handled_at].name.startswith(f"{answer.to} goes on with the answer of")
