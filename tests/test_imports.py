"""Modules that each package loads when imported; import-linter checks the import statements only."""

import pkgutil
import subprocess
import sys

import pytest

import reports
import trainables

HEAVY = ("torch", "ray", "mlflow", "optuna", "pandas", "matplotlib", "scipy", "monai")

NARROW = """
import importlib, importlib.abc, sys
allowed = {"trainables"}
wanted = sys.argv[1:]

class Bare(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        root = name.partition(".")[0]
        if root in refused:
            raise ModuleNotFoundError(f"{root} is not on a machine with PyTorch and NumPy alone", name=root)

import importlib.metadata
import torch, numpy  # with what they need themselves
own = set(sys.modules)
refused = {
    module
    for module, packages in importlib.metadata.packages_distributions().items()
    if module not in {name.partition(".")[0] for name in own} and module not in allowed
}
sys.meta_path.insert(0, Bare())
for name in wanted:
    importlib.import_module(name)
"""


def _python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, encoding="utf-8", timeout=60)


def _modules(package) -> list[str]:
    return [module.name for module in pkgutil.walk_packages(package.__path__, package.__name__ + ".")]


def test_trainables_need_pytorch_and_numpy_alone() -> None:
    names = [name for name in _modules(trainables) if name != "trainables.segmenter"]
    assert len(names) > 5
    done = _python(NARROW, *names)
    assert done.returncode == 0, done.stderr


def test_that_test_sees_what_it_should() -> None:
    done = _python(NARROW, "pandas")
    assert "pandas is not on a machine" in done.stderr


@pytest.mark.parametrize(
    ("modules", "unwanted"),
    [(["study.command.cli"], HEAVY), (["segstudy"], HEAVY), (_modules(reports), ("ray", "torch"))],
)
def test_nothing_heavy_is_loaded(modules: list[str], unwanted: tuple[str, ...]) -> None:
    imports = "".join(f"import {module}\n" for module in modules)
    done = _python(f"import sys\n{imports}print([m for m in {unwanted!r} if m in sys.modules])")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
