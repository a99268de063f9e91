"""`segstudy losses`, `models` and `metrics`: lists of losses, networks and metrics, and a card for each."""

from typing import Annotated

import typer

from study.command.options import AllowCode, AsJson, Set
from study.command.output import print_json
from study.errors import FAILURES
from trainables.errors import InputError


def losses(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="A loss, for its card; or check.")] = None,
    own: Annotated[str | None, typer.Argument(metavar="[PATH]", help="After check: package.module:loss.")] = None,
    settings: Set = None,
    formula: Annotated[str | None, typer.Option(help="With check: the same in NumPy, package.module:formula.")] = None,
    oracle: Annotated[str | None, typer.Option(help="With check: the same from elsewhere, on tensors.")] = None,
    classes: Annotated[int, typer.Option(help="With check: classes that it is tried with.")] = 3,
    allow_code: AllowCode = False,
    as_json: AsJson = False,
) -> None:
    """List the losses; with a name, show its card; with check, try a loss of your own by the conformance kit.

    check imports and runs your code, so it needs --allow-code. It ends with 1 where the loss does not keep something.

    Example: segstudy losses focal_tversky

    Example: segstudy losses check my_package.losses:mine --set gamma=2 --allow-code
    """
    if name != "check":
        if own is not None or settings or formula or oracle:
            raise InputError("only `segstudy losses check package.module:loss` takes a path and its options")
        _show_card("losses", name, as_json)
        return
    if own is None:
        raise InputError("segstudy losses check: which? Give the import path of your loss, package.module:loss")
    if not allow_code:
        raise InputError(f"{own} is code of your own: allow it to run by --allow-code")
    from study.checking.own_loss import failures

    found = failures(own, settings or (), formula=formula, oracle=oracle, classes=classes)
    if as_json:
        print_json({"loss": own, "failures": found})
    else:
        typer.echo("\n".join([f"{own}: keeps all"] if not found else [f"{own}: {line}" for line in found]))
    if found:
        raise typer.Exit(FAILURES)


def models(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="A network, for its card.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the networks; with a name, show its card: structure, parameters, sizes of patches, traps.

    Example: segstudy models unet3d
    """
    _show_card("models", name, as_json)


def metrics(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="A metric, for its card.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the metrics; with a name, show its card: definition, unit, range, what an empty mask counts.

    Example: segstudy metrics surface_dice_2
    """
    from study.command.metric_cards import all_cards, card_of, lines, text

    if name is None:
        cards = all_cards()
        print_json([card.plain() for card in cards]) if as_json else typer.echo(lines(cards))
        return
    card = card_of(name)
    print_json(card.plain()) if as_json else typer.echo(text(card))


def _show_card(kind: str, name: str | None, as_json: bool) -> None:
    from study.console.cards import card, lines_of, list_text, text_of

    if name is None:
        print_json(lines_of(kind)) if as_json else typer.echo(list_text(kind))
        return
    shown = card(kind, name)
    print_json(shown.plain()) if as_json else typer.echo(text_of(shown))
