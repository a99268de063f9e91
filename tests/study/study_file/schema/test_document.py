import json
import pathlib
import re
from typing import Any

import jsonschema
import pytest

from study.command.cli import run_command
from study.study_file import Study
from study.study_file.schema.document import fields_without_schema, schema, written
from study.study_file.yaml_subset import read
from tests.study.bad_studies import SMALL
from tests.study.study_files import changed

ROOT = pathlib.Path(__file__).parents[4]
SHIPPED = sorted((ROOT / "search_spaces" / "studies").glob("*.yaml"))
VALIDATOR = jsonschema.Draft202012Validator(schema())


def _flaws(tree: Any) -> list[str]:
    return [f"{list(error.path)}: {error.message[:100]}" for error in VALIDATOR.iter_errors(tree)]


def test_it_is_a_schema_of_2020_12() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    assert schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_studies_are_valid_and_name_it(path: pathlib.Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# yaml-language-server: $schema=../study.schema.json\n")
    assert _flaws(read(text).value) == []


@pytest.mark.parametrize("page", ["README.md", "docs/guide/study-file.md"])
def test_the_study_files_of_the_documents_are_valid(page: str) -> None:
    block = re.search(r"^```yaml\n(.*?)^```$", (ROOT / page).read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert block is not None
    assert _flaws(read(block[1]).value) == []


def test_the_shipped_file_is_up_to_date() -> None:
    assert (ROOT / "search_spaces" / "study.schema.json").read_text(encoding="utf-8") == written()


def test_a_key_whose_validator_is_a_function_has_a_schema() -> None:
    assert list(fields_without_schema()) == []


def test_every_key_is_described() -> None:
    for name, section in {**schema()["$defs"], **schema()["properties"]}.items():
        for key, one in section.get("properties", {}).items():
            assert one.get("description") or "$ref" in json.dumps(one), f"{name}.{key}"
    assert all(one["description"] for one in schema()["properties"].values())


VALID: dict[str, dict[str, Any]] = {
    "whole iterations as a float": {"training.iterations": 1e2},
    "a case called by a number": {"dataset.exclude": [12, "case_13"]},
    "one weighting": {"weighting": "inverse"},
    "a list of losses": {"losses": ["dice", "focal"]},
    "a sum with a searched factor": {"losses": {"both": {"dice": 1, "focal": {"factor": {"low": 0.1, "high": 1}}}}},
    "weights by class": {
        "losses": {"weighted_dice": {"weights": {"background": 1, "organ": {"low": 1, "high": 4}, "lesion": [1, 2]}}}
    },
    "a preset of augmentations": {"augment": "miscnn"},
    "a box": {"dataset.roi": [[0, 4], [2, 30], [3, 31]]},
    "a rule": {"dataset.labels": {"organ": ">=2", "lesion": 1}},
    "a table by axes": {"report.tables": ["arms", {"rows": "loss", "columns": ["model", "region"]}]},
    "an automatic batch size": {"training.batch_size": "auto"},
}


@pytest.mark.parametrize("changes", VALID.values(), ids=VALID)
def test_what_the_parser_accepts_is_valid(changes: dict[str, Any]) -> None:
    tree = changed(changes, SMALL)
    Study.from_plain(tree)
    assert _flaws(tree) == []


WRONG: dict[str, tuple[str, dict[str, Any]]] = {
    "an unknown key": ("budgets", {"budgets": {}}),
    "an unknown key in a section": ("patch", {"patch.stride": 2}),
    "too many sides": ("size", {"patch.size": [8, 8, 8, 8]}),
    "no side": ("size", {"patch.size": [0, 8, 8]}),
    "a share above 1": ("split", {"dataset.split": {"validation": 1.5, "test": 0.2}}),
    "an unknown sampler": ("budget", {"budget.sampler": "bohb"}),
    "a loss parameter of another loss": ("losses", {"losses": {"dice": {"gamma": 2}}}),
    "a range without a high": ("losses", {"losses": {"focal": {"gamma": {"low": 1}}}}),
    "a word for a number": ("training", {"training.learning_rate": "fast"}),
    "an unknown augmentation": ("augment", {"augment": ["blur"]}),
    "an unknown normalisation": ("preprocess", {"preprocess.normalize": "zscored"}),
    "a negative margin": ("preprocess", {"preprocess.crop": {"to": "nonzero", "margin": -1}}),
    "no folds": ("split", {"dataset.split": {"folds": 1}}),
}


@pytest.mark.parametrize(("where", "changes"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_in_itself_is_not_valid(where: str, changes: dict[str, Any]) -> None:
    tree = changed(changes, SMALL)
    with pytest.raises(ValueError, match=where):
        Study.from_plain(tree)
    assert _flaws(tree) != []


def test_the_command_prints_and_writes_it(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["schema"]) == 0
    assert json.loads(capsys.readouterr().out) == schema()
    target = tmp_path / "study.schema.json"
    assert run_command(["schema", "--output", str(target)]) == 0
    assert target.read_text(encoding="utf-8") == written()
    assert run_command(["schema", "--output", str(tmp_path / "none" / "study.json")]) == 2
    assert "cannot be written" in capsys.readouterr().err
