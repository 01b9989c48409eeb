"""What scenarios are made of: bodies of steps, branches and handlers that several of them share."""

from tests.reference.scenarios import batch_described


class ShopError(Exception):
    """An error of a user's own."""


def fails(error):
    """A step's body that raises `error`."""

    def body(_):
        raise error

    return body


def is_(value):
    """A step's body that gives `value`."""
    return lambda _: value


LARGE = 300 * 1024


def large(_):
    """A body, or a child's code, whose result is 300 KB."""
    return "x" * LARGE


def doubled(context, item, index, items):
    """A branch of one step."""
    return context.step(is_(item * 2), name=f"step {index}")


def failing_on(sdk, *bad):
    """A branch of one step, which fails for the items in `bad`."""

    def branch(context, item, index, items):
        def body(_):
            if item in bad:
                raise ShopError(f"item {item}")
            return item

        return context.step(body, name=f"step {index}", config=sdk.step_config())

    return branch


def completing(sdk, **criteria):
    """A completion config one item at a time, so that what is decided does not depend on a race."""
    return sdk.MapConfig(max_concurrency=1, completion_config=sdk.CompletionConfig(**criteria))


def mapped(sdk, inputs, branch, config=None, name="m"):
    """A handler that maps, replays, and says what it got."""

    def handler(event, context):
        result = batch_described(context.map(inputs, branch, name=name, config=config))
        context.wait(sdk.seconds(1), name="afterwards")
        return result

    return handler


def quick_or_waiting(sdk, world, result="quick"):
    """The first branch ends once the others wait for a day."""

    def branch(context, item, index, items):
        if index:
            context.wait(sdk.Duration.from_days(1), name=f"wait {index}")
            return item

        def body(_):
            for other in range(1, len(items)):
                world.until(f"wait {other}")
            return result

        return context.step(body, name="quick")

    return branch


def complete_when(sdk, condition, outcome="SUCCEEDED"):
    """A config whose predicate completes the batch when `condition` holds of its status."""

    def predicate(status):
        if condition(status):
            return sdk.complete_batch(sdk.CompletionOutcome[outcome])
        return sdk.continue_batch()

    return completing(sdk, should_complete=predicate)


def of_size(kilobytes):
    """A branch whose result is so large."""

    def branch(context, item, index, items):
        size = context.step(is_(kilobytes), name=f"step {index}")
        return "x" * (size * 1024)

    return branch
