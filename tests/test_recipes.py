"""Every recipe has all its parts, its commands exist, and the table of all recipes is current."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from itertools import pairwise

import documents
import overview
import pytest
from conftest import ROOT

from asr.config import from_mapping, read_values, to_mapping
from asr.errors import DataError
from asr.training.config import Config, load_config
from asr.training.lm.config import LmConfig
from asr.training.schedule import read_plan
from asr.training.tagger.config import TaggerConfig

RECIPES = ROOT / "recipes"
CORPORA = overview.find_recipes(RECIPES)
READMES = sorted(RECIPES.glob("*/README.md"))


def name_of(path):
    return path.name if path.is_dir() else path.parent.name


@pytest.mark.parametrize("recipe", CORPORA, ids=name_of)
def test_parts(recipe):
    readme = (recipe / "README.md").read_text()
    assert set(overview.facts(recipe / "README.md")) == set(overview.FACTS)
    used = [" ".join(command) for command in documents.commands(recipe / "README.md")]
    for part in (
        f"python recipes/{recipe.name}/prepare.py ",
        "asr train --config ",
        "asr evaluate ",
    ):
        assert any(command.startswith(part) for command in used), part
    ran, cost = overview.outcome(recipe)
    assert cost
    generated = re.findall(r"<!-- ([a-z-]+: \S+) -->\n(.*)", readme)
    assert generated
    if ran == overview.NOT_RUN:
        assert ran in readme or ("Not measured yet." in dict(generated).values())
    else:
        assert any(line.startswith("|") for _, line in generated)
    assert (recipe / "test_recipe.py").exists()
    documentation = (recipe / "prepare.py").read_text().split('"""')[1]
    assert f"    python recipes/{recipe.name}/prepare.py " in documentation


def test_recipes_are_told_from_studies():
    names = {recipe.name for recipe in CORPORA}
    assert {"an4", "librispeech", "yesno", "common_voice"} <= names
    assert not names & {"cells", "kjv"}


@pytest.mark.parametrize(
    "path",
    sorted(
        path
        for recipe in CORPORA
        for path in recipe.glob("*.toml")
        if path.name not in ("lm.toml", "mix.toml", "plan.toml")
    ),
    ids=lambda path: f"{path.parent.name}-{path.stem}",
)
def test_a_configuration_holds_what_differs_from_the_defaults(path):
    load_config(path)

    def equal(values, defaults):
        for key, value in values.items():
            if isinstance(value, dict):
                yield from (f"{key}.{name}" for name in equal(value, defaults[key]))
            elif value == defaults[key]:
                yield key

    assert list(equal(tomllib.loads(path.read_text()), to_mapping(Config()))) == []


@pytest.mark.parametrize("readme", READMES, ids=name_of)
def test_commands_parse(readme, monkeypatch):
    seen = documents.commands(readme)
    assert seen
    for command in seen:
        documents.check_command(command, monkeypatch)
        for option, value in pairwise(command):
            if option == "--config" and value.startswith("recipes/"):
                assert (ROOT / value).exists()


def test_every_configuration_loads():
    for path in RECIPES.glob("*/config.toml"):
        load_config(path)
    models = [*RECIPES.glob("*/lm.toml")]
    assert {"an4", "kjv"} <= {path.parent.name for path in models}
    for path in models:
        from_mapping(LmConfig, read_values(path))
    for path in RECIPES.glob("*/plan.toml"):
        assert read_plan(path).rate > 0
    for path in RECIPES.glob("*/tagger.toml"):
        from_mapping(TaggerConfig, read_values(path))


def test_the_table_is_current():
    script = [sys.executable, ROOT / "scripts/tables.py", "--check"]
    subprocess.run(script, check=True, cwd=ROOT)
    table = (RECIPES / "README.md").read_text()
    for recipe in CORPORA:
        assert f"| [{recipe.name}]({recipe.name}) |" in table


def test_facts_that_are_missing(tmp_path):
    (tmp_path / "README.md").write_text(
        "# A\n\n| | |\n|---|---|\n| corpus | a |\n| speech | 1 h |\n"
    )
    with pytest.raises(DataError, match="needs the rows corpus, language, speech, licence"):
        overview.facts(tmp_path / "README.md")


# A recipe is one folder: this one is found, checked, listed and trained, and no other file changes.

TONES = {
    "prepare.py": '''"""Tones that say yes, and a development and a test set of them.

    python recipes/tones/prepare.py --output data/tones
"""

import argparse
from pathlib import Path

import numpy as np
import soundfile

from asr.data.manifest import Utterance, write_manifest


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("data/tones"))
    prepare(parser.parse_args(arguments).output)


def prepare(output: Path) -> None:
    """Write the recordings and the manifests."""
    output.mkdir(parents=True, exist_ok=True)
    for part in ("train", "dev", "test"):
        items = []
        for number in range(2):
            path = output / f"{part}{number}.wav"
            pitch = 2 * np.pi * (300 + 50 * number) * np.arange(16000) / 16000
            soundfile.write(path, 0.3 * np.sin(pitch), 16000)
            items.append(Utterance(path, 1.0, "yes", path.stem, f"speaker {number}"))
        write_manifest(output / f"{part}.jsonl", items)


if __name__ == "__main__":
    main()
''',
    "config.toml": """name = "tones"

[data]
train = ["data/tones/train.jsonl"]
dev = ["data/tones/dev.jsonl"]
characters = " esy"
""",
    "README.md": """# Tones

| | |
|---|---|
| corpus | tones |
| language | none |
| speech | 6 s |
| licence | Apache-2.0 |

```bash
python recipes/tones/prepare.py --output data/tones
asr train --config recipes/tones/config.toml
asr evaluate --manifest data/tones/test.jsonl --model runs/tones/model
```

It was not run here.

<!-- cost: cost -->
<!-- end of cost -->
""",
    "test_recipe.py": """import miniatures


def test_prepare_train_evaluate(tmp_path):
    miniatures.load("tones").prepare(tmp_path / "data")
    manifests = [tmp_path / "data" / f"{part}.jsonl" for part in ("train", "dev", "test")]
    result = miniatures.one_epoch("tones/config.toml", tmp_path, *manifests)
    assert result.score.words.reference == 2
""",
}


@pytest.mark.slow
def test_adding_a_recipe_touches_no_other_folder(tmp_path):
    tree = tmp_path / "tree"
    heavy = shutil.ignore_patterns("*.onnx", "*.wav", "*.png", "__pycache__")
    for folder in ("recipes", "scripts", "tests"):
        shutil.copytree(ROOT / folder, tree / folder, ignore=heavy)
    for page in (ROOT / "docs").rglob("*.md"):
        copied = tree / page.relative_to(ROOT)
        copied.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(page, copied)
    for file in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / file, tree)
    for name, text in TONES.items():
        path = tree / "recipes" / "tones" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def run(*command):
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, *command], cwd=tree, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run("scripts/tables.py")
    row = "| [tones](tones) | tones | none | 6 s | Apache-2.0 | 3 × 256 BiGRU | not run here |"
    assert row in (tree / "recipes" / "README.md").read_text(encoding="utf-8")
    assert "Not measured yet." in (tree / "recipes/tones/README.md").read_text(encoding="utf-8")
    tests = ("tests/test_recipes.py", "recipes/tones")
    said = run(
        "-m", "pytest", "-v", "-n", "0", "-p", "no:cacheprovider", "-k", "tones or current", *tests
    )
    for name in (
        "test_parts[tones]",
        "test_a_configuration_holds_what_differs_from_the_defaults[tones-config]",
        "test_commands_parse[tones]",
        "test_the_table_is_current",
        "recipes/tones/test_recipe.py::test_prepare_train_evaluate",
    ):
        assert f"{name} PASSED" in said
