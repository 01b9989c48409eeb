"""Values in files, beside AWS's own serdes: the same files and records; each reads what the other wrote."""

import errno
import inspect
import json
import os
import random
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import aws_durable_execution_sdk_python.filesystem_serdes as official
import aws_durable_execution_sdk_python.serdes as official_serdes
import pytest

import durably.workflows.filesystem_serdes as ours
from durably.workflows import StepConfig, StepContext
from durably.workflows.config import CallbackConfig, ChildConfig, MapConfig, WaitForCallbackConfig
from durably.workflows.exceptions import RetryableSerDesError, SerDesError, ValidationError
from durably.workflows.serdes import (
    JsonSerDes,
    PassThroughSerDes,
    SerDesContext,
    deserialize,
    serialize,
    typed,
)
from tests.workflows.running import ONCE, Run

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:orders:7/durable-execution/run-1/inv-1"
OTHER_ARN = "0b5e5f5a-1111/inv"
VALUES: list[Any] = [None, "text", 5, [1, "é", None], {"a": (1, Decimal("1.10"), b"x")}, "x" * 300_000]
MODES = ["ALWAYS", "OVERFLOW"]
ENCODINGS = ["URI", "HASH"]


def pair(base: Path, mode: str = "ALWAYS", encoding: str = "URI", preview: Any = None) -> tuple[Any, Any]:
    """Ours and theirs, of the same configuration."""
    made = [
        package.FileSystemSerDes(
            str(base),
            package.FileSystemSerDesConfig(
                package.FileSystemSerDesMode[mode], package.FileSystemPathEncoding[encoding], preview
            ),
        )
        for package in (ours, official)
    ]
    return made[0], made[1]


def files(base: Path) -> dict[str, str]:
    return {str(each.relative_to(base)): each.read_text() for each in base.rglob("*") if each.is_file()}


class TestBesideTheOfficialOne:
    @pytest.mark.parametrize("arn", [ARN, OTHER_ARN], ids=["lambda", "other"])
    @pytest.mark.parametrize("encoding", ENCODINGS)
    @pytest.mark.parametrize("mode", MODES)
    @pytest.mark.parametrize("value", VALUES, ids=lambda value: repr(value)[:20])
    def test_files_and_records_are_the_same(self, tmp_path, value, mode, encoding, arn):
        """The same path below the folder, the same text in it, the same record."""
        written = []
        for index in range(2):
            base = tmp_path / "base"
            base.mkdir()
            serdes = pair(base, mode, encoding, lambda value: {"kind": type(value).__name__})[index]
            context = (SerDesContext, official_serdes.SerDesContext)[index]("op/é 1", arn)
            written.append((json.loads(serdes.serialize(value, context)), files(base)))
            base.rename(tmp_path / f"done-{index}")
        assert written[0] == written[1]

    @pytest.mark.parametrize("encoding", ENCODINGS)
    @pytest.mark.parametrize("mode", MODES)
    @pytest.mark.parametrize("value", VALUES, ids=lambda value: repr(value)[:20])
    def test_each_reads_what_the_other_wrote(self, tmp_path, value, mode, encoding):
        """An execution may change the SDK under way."""
        mine, theirs = pair(tmp_path, mode, encoding)
        context, there = SerDesContext("op", ARN), official_serdes.SerDesContext("op", ARN)
        assert theirs.deserialize(mine.serialize(value, context), there) == value
        assert mine.deserialize(theirs.serialize(value, there), context) == value

    @pytest.mark.parametrize("length", range(261_095, 261_125, 3))
    def test_a_value_overflows_at_the_same_size(self, tmp_path, length):
        """261,120 bytes of record are the most that is kept in it."""
        mine, theirs = pair(tmp_path, "OVERFLOW")
        value = "x" * length
        text = mine.serialize(value, SerDesContext("op", ARN))
        assert text == theirs.serialize(value, official_serdes.SerDesContext("op", ARN))

    @pytest.mark.parametrize("name", [name for name in vars(official) if name[0].isupper()])
    def test_a_public_name_is_there_with_its_signature(self, name):
        """Whatever AWS's module has to import can be imported from ours."""
        there = getattr(official, name)
        here = getattr(ours, name, None)
        if getattr(there, "__module__", "") != official.__name__:
            return
        assert here is not None
        if hasattr(there, "__members__"):
            assert {each.name: each.value for each in here} == {each.name: each.value for each in there}
        elif hasattr(there, "__dataclass_fields__"):
            assert [each.name for each in fields(here)] == [each.name for each in fields(there)]
        else:
            assert list(inspect.signature(here).parameters) == list(inspect.signature(there).parameters)


class TestPreviews:
    def test_a_preview_stands_beside_the_path(self, tmp_path):
        """It is recorded as it was made."""
        serdes, _ = pair(tmp_path, preview=lambda value: {"id": value["id"]})
        record = json.loads(serdes.serialize({"id": 7, "all": "x"}, SerDesContext("op", ARN)))
        assert record["preview"] == {"id": 7}

    @pytest.mark.parametrize("nothing", [None, {}])
    def test_without_anything_to_show_there_is_none(self, tmp_path, nothing):
        """None and an empty preview leave no trace."""
        serdes, _ = pair(tmp_path, preview=lambda value: nothing)
        assert "preview" not in json.loads(serdes.serialize(1, SerDesContext("op", ARN)))


class TestOutsideTheFolder:
    @pytest.mark.parametrize(
        "path", ["../secret.json", "{base}/../secret.json", "{base}x/s.json", "/etc/passwd", ""]
    )
    def test_a_path_that_leads_out_of_it_is_not_read(self, tmp_path, path):
        """A record may come from outside, as a callback's answer does."""
        (tmp_path / "secret.json").write_text('"secret"')
        base = tmp_path / "base"
        base.mkdir()
        record = json.dumps({"file": path.format(base=base)})
        with pytest.raises(SerDesError, match=r"does not lie below .*op-1"):
            ours.FileSystemSerDes(str(base)).deserialize(record, SerDesContext("op-1", ARN))

    def test_a_link_that_leads_out_of_it_is_not_followed(self, tmp_path):
        """What counts is where the file is, not what it is called."""
        (tmp_path / "secret.json").write_text('"secret"')
        base = tmp_path / "base"
        base.mkdir()
        (base / "link.json").symlink_to(tmp_path / "secret.json")
        record = json.dumps({"file": str(base / "link.json")})
        with pytest.raises(SerDesError, match="does not lie below"):
            ours.FileSystemSerDes(str(base)).deserialize(record, SerDesContext("op", ARN))

    def test_nothing_is_written_outside_either(self, tmp_path):
        """An ARN cannot climb out of the folder."""
        serdes = ours.FileSystemSerDes(str(tmp_path / "base"))
        with pytest.raises(SerDesError, match="does not lie below"):
            serdes.serialize(1, SerDesContext("op", ".."))
        assert files(tmp_path) == {}

    def test_a_folder_that_is_a_link_is_no_escape(self, tmp_path):
        """Mounts are often linked to."""
        (tmp_path / "real").mkdir()
        (tmp_path / "base").symlink_to(tmp_path / "real")
        serdes = ours.FileSystemSerDes(str(tmp_path / "base"))
        context = SerDesContext("op", ARN)
        assert serdes.deserialize(serdes.serialize((1,), context), context) == (1,)

    def test_an_answer_from_outside_cannot_read_a_file(self, tmp_path):
        """The execution fails, and says which path it was given."""
        config = CallbackConfig(serdes=ours.FileSystemSerDes(str(tmp_path)))

        def handler(event, context):
            return context.create_callback("approval", config).result()

        run = Run(handler)
        assert run.invoke()["Status"] == "PENDING"
        run.service.complete_callback(run.named("approval").callback_id, '{"file": "/etc/passwd"}')
        assert "does not lie below" in run.error()["ErrorMessage"]


class TestFailures:
    @pytest.mark.parametrize("record", ["[]", "5", "null", "{}", '{"preview": {}}'])
    def test_a_record_of_another_form_is_refused(self, tmp_path, record):
        """It was not written by this serdes."""
        with pytest.raises(SerDesError, match=r"neither .*op-1"):
            ours.FileSystemSerDes(str(tmp_path)).deserialize(record, SerDesContext("op-1", ARN))

    def test_a_path_that_is_no_text_is_refused(self, tmp_path):
        """Nor is one that no file system takes."""
        serdes = ours.FileSystemSerDes(str(tmp_path))
        for path in (5, None, "a\0b"):
            with pytest.raises(SerDesError, match=r"path.*op-1"):
                serdes.deserialize(json.dumps({"file": path}), SerDesContext("op-1", ARN))

    def test_a_missing_file_is_a_lasting_error(self, tmp_path):
        """As with AWS's SDK: no retry brings it back."""
        serdes = ours.FileSystemSerDes(str(tmp_path))
        record = serdes.serialize(1, SerDesContext("op-1", ARN))
        for each in tmp_path.rglob("*.json"):
            each.unlink()
        with pytest.raises(SerDesError, match=r"could not be read: No such file.*op-1"):
            deserialize(serdes, record, "op-1", ARN)

    @pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.ETIMEDOUT])
    def test_an_error_that_may_pass_is_retryable(self, tmp_path, monkeypatch, number):
        """The invocation ends, and the next one tries again."""
        serdes = ours.FileSystemSerDes(str(tmp_path))
        record = serdes.serialize(1, SerDesContext("op-1", ARN))

        def broken(*_: object, **__: object) -> None:
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(Path, "open", broken)
        with pytest.raises(RetryableSerDesError, match=r"could not be read.*op-1"):
            deserialize(serdes, record, "op-1", ARN)

    def test_a_folder_that_cannot_be_made_is_a_lasting_error(self, tmp_path):
        """The folder is a file."""
        (tmp_path / "base").write_text("")
        with pytest.raises(SerDesError, match=r"could not be written.*op-1"):
            serialize(ours.FileSystemSerDes(str(tmp_path / "base")), 1, "op-1", ARN)

    def test_a_write_that_fails_leaves_the_former_file(self, tmp_path, monkeypatch):
        """And nothing beside it."""
        serdes, context = ours.FileSystemSerDes(str(tmp_path)), SerDesContext("op", ARN)
        record = serdes.serialize("first", context)

        def full(*_: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as patched:
            patched.setattr(Path, "replace", full)
            with pytest.raises(SerDesError, match="No space left"):
                serdes.serialize("second", context)
        assert serdes.deserialize(record, context) == "first"
        assert len(files(tmp_path)) == 1

    def test_a_serdes_within_that_makes_no_text_is_refused(self, tmp_path):
        """There is nothing to write."""
        config = ours.FileSystemSerDesConfig(serdes=PassThroughSerDes())
        with pytest.raises(SerDesError, match=r"int of the value.*op-1"):
            ours.FileSystemSerDes(str(tmp_path), config).serialize(5, SerDesContext("op-1", ARN))

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("storage_mode", "ALWAYS"),
            ("path_encoding", "URI"),
            ("generate_preview", {}),
            ("serdes", JsonSerDes),
        ],
    )
    def test_a_wrong_argument_is_refused_with_its_name(self, name, value):
        """Before anything is written."""
        with pytest.raises(ValidationError, match=name):
            ours.FileSystemSerDesConfig(**{name: value})


@dataclass
class Order:
    id: int
    at: datetime
    price: Decimal


def order(number: int) -> Order:
    return Order(number, datetime(2024, 1, 2, tzinfo=UTC), Decimal(number) / 7)


def buy(step: StepContext) -> Order:
    return order(random.Random(1).randrange(100))


def buy_one(context: Any, number: int, index: int, items: Any) -> Order:
    return order(number)


class TestInWorkflows:
    def test_steps_contexts_and_maps_keep_their_results_in_files(self, tmp_path):
        """Typed ones too: the type is that of each function."""
        config = ours.FileSystemSerDesConfig(serdes=typed())
        serdes = ours.FileSystemSerDes(str(tmp_path), config)
        seen: list[Any] = []

        def group(context: Any) -> list[Order]:
            return [context.step(buy, config=StepConfig(serdes=serdes))]

        def handler(event: Any, context: Any) -> None:
            grouped = context.run_in_child_context(group, config=ChildConfig(serdes=serdes))
            mapped = context.map([1, 2], buy_one, config=MapConfig(serdes=serdes))
            seen.append((grouped, mapped.get_results()))
            context.create_callback("later").result()

        run = Run(handler)
        run.invoke()
        run.invoke()
        assert seen == [([buy(None)], [order(1), order(2)])] * 2
        assert len(files(tmp_path)) == 5

    def test_a_callback_may_be_answered_with_a_typed_value_inline(self, tmp_path):
        """Whoever answers needs no access to the files."""
        inner = ours.FileSystemSerDesConfig(serdes=typed(Order))
        config = WaitForCallbackConfig(serdes=ours.FileSystemSerDes(str(tmp_path), inner))
        seen: list[Any] = []

        def handler(event: Any, context: Any) -> None:
            seen.append(context.wait_for_callback(lambda callback_id, ctx: None, "approval", config))

        run = Run(handler)
        run.invoke()
        text = typed(Order).serialize(order(3), SerDesContext())
        callback = run.named("approval create callback id")
        run.service.complete_callback(callback.callback_id, json.dumps({"data": text}))
        run.invoke()
        assert seen == [order(3)]

    def test_a_file_that_is_gone_fails_the_step(self, tmp_path):
        """With a SerDesError that the handler may catch."""
        serdes = ours.FileSystemSerDes(str(tmp_path / "gone"))
        (tmp_path / "gone").write_text("")

        def handler(event: Any, context: Any) -> str:
            try:
                context.step(
                    lambda step: 1, config=StepConfig(serdes=serdes, retry_strategy=ONCE.retry_strategy)
                )
            except SerDesError as error:
                return str(error)
            return ""

        assert "could not be written" in Run(handler).result()
