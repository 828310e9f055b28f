"""``asr verify`` checks that this install reproduces a model's golden output."""

from pathlib import Path

import click

from asr.cli.options import PATH


@click.command()
@click.argument(
    "model",
    required=False,
    type=PATH,
    metavar="[DIR]",
    help="A model directory; default: that in the package.",
)
@click.option("--card", is_flag=True, help="Print the model card instead.")
def verify(
    model: Path | None,
    card: bool,
) -> None:
    """Check that this install reproduces a model's golden output.

    Every file of the model directory is checked against its hash, and the golden clips in it are
    recognised; their texts and scores must be those that the model's makers got.
    """
    from asr.errors import ModelError
    from asr.model.directory import CARD, default_model, read_model
    from asr.recognition.golden import check_golden

    folder = model or default_model()
    if card:
        read_model(folder)
        path = folder / CARD
        if not path.exists():
            raise ModelError(f"{folder}: this model has no card ({CARD})")
        print(path.read_text(encoding="utf-8"), end="")
        return
    checks = check_golden(folder)
    for check in checks:
        print(f"{'ok  ' if check.passed else 'FAIL'} {check.file}: {check.text}")
        if not check.passed:
            print(
                f"     expected: {check.expected} (score {check.expected_score:.3f}, "
                f"got {check.score:.3f})"
            )
    if not all(check.passed for check in checks):
        raise ModelError(f"{folder}: this install does not reproduce the golden output")
    print(f"{folder}: all files sound, {len(checks)} golden clips reproduced")
