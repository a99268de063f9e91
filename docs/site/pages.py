"""Pages of the site that are made from the code: study file, command, losses, networks, metrics; and links to files."""

import json
import pathlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

import typer.main
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

import segstudy
from study.command.cli import app
from study.console.cards import card, lines_of, text_of

ROOT = pathlib.Path(__file__).parents[2]
TAKEN = ("CONTRIBUTING.md", "CHANGELOG.md")
"""Pages that stand at the repository's root."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the generated pages."""
    made = {
        "reference/study-file.md": study_file(),
        "reference/command.md": command(),
        "reference/python.md": python(),
        "reference/losses.md": cards("losses", "Losses", "segstudy losses"),
        "reference/networks.md": cards("models", "Networks", "segstudy models"),
        "reference/metrics.md": metrics(),
        **{name: (ROOT / name).read_text(encoding="utf-8") for name in TAKEN},
    }
    for path, content in made.items():
        files.append(File.generated(config, path, content=content))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Turns links to files of the repository that are no pages into their names."""
    depth = page.file.src_uri.count("/")
    up = "../" * (depth + 1)

    def replaced(match: re.Match[str]) -> str:
        text, target = match[1], match[2]
        at_root = page.file.src_uri in TAKEN
        if at_root and target.startswith("docs/"):
            return f"[{text}]({target.removeprefix('docs/')})"
        name = target.removeprefix(up) if target.startswith(up) else target
        if name.split("#")[0] in TAKEN:
            return f"[{text}]({'../' * depth}{name})"
        outside = target.startswith(up) or (at_root and not target.startswith(("http", "#")))
        return (text if text.startswith("`") else f"`{text}`") if outside else match[0]

    return re.sub(r"(?<!!)\[([^\]]+)\]\(([^)\s]+)\)", replaced, markdown)


def study_file() -> str:
    """Returns the reference of the study file, from its JSON Schema."""
    schema = json.loads((ROOT / "search_spaces" / "study.schema.json").read_text(encoding="utf-8"))
    parts = [
        "# Study file\n",
        "Every key, from the schema that `segstudy schema` prints; editors complete by it. A section may be left out",
        "where all its keys have defaults. Triples are `[z, y, x]`.\n",
    ]
    for name, section in schema["properties"].items():
        parts.append(f"\n## {name}\n")
        parts.append(_sentence(section) + "\n")
        parts += _table(section, schema)
    for name, section in schema["$defs"].items():
        parts += [f"\n## {name}\n", _sentence(section) + "\n", *_table(section, schema)]
    return "\n".join(parts) + "\n"


def _table(section: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[str]:
    keys = _keys(section)
    if section is schema["properties"].get("models"):
        yield "[Networks](networks.md) has their names and parameters."
        return
    if section is schema["properties"].get("losses"):
        yield "[Losses](losses.md) has their names and parameters."
        return
    if not keys:
        kind = _kind(section, schema)
        yield f"Value: {kind}" if kind else ""
        return
    yield "| key | value | default | meaning |"
    yield "| --- | --- | --- | --- |"
    needed = section.get("required", ())
    for key, value in keys.items():
        default = "required" if key in needed else f"`{json.dumps(value['default'])}`" if "default" in value else ""
        yield f"| `{key}` | {_kind(value, schema)} | {default} | {_cell(_sentence(value))} |"


def _keys(section: Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns the keys of a section, or of the one form among several that has keys."""
    if "properties" in section:
        return section["properties"]
    return next((each["properties"] for each in section.get("anyOf", ()) if "properties" in each), {})


def _kind(value: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """Returns the values that a key takes, in words."""
    if "$ref" in value:
        name = value["$ref"].rsplit("/", 1)[1]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in value:
        return " or ".join(dict.fromkeys(filter(None, (_kind(each, schema) for each in value["anyOf"]))))
    if "const" in value:
        return f"`{json.dumps(value['const'])}`"
    if "enum" in value:
        return ", ".join(f"`{json.dumps(each).strip(chr(34))}`" for each in value["enum"])
    kind = value.get("type", "")
    if kind == "array":
        items = value.get("items")
        of = f" of {_kind(items, schema)}" if isinstance(items, dict) and items else ""
        return f"list{of}"
    if kind == "object":
        return "mapping"
    limits = [
        f"{sign} {value[name]:g}"
        for name, sign in (("minimum", "≥"), ("exclusiveMinimum", ">"), ("maximum", "≤"), ("exclusiveMaximum", "<"))
        if name in value
    ]
    names = {"string": "text", "integer": "integer", "number": "number", "boolean": "true or false", "null": "empty"}
    return " ".join([names.get(kind, kind), ", ".join(limits)]).strip()


def _sentence(value: Mapping[str, Any]) -> str:
    return str(value.get("description", ""))


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def command() -> str:
    """Returns the reference of the command, from its options."""
    group = typer.main.get_command(app)
    parts = [
        "# Command\n",
        "Exit codes: 0 done, 1 trials failed or the run could not go on, 2 bad input, 130 stopped.\n",
    ]
    for name, each in group.commands.items():  # type: ignore[attr-defined]
        help_text = re.sub(r"(?m)^\s*Example: (.*)$", r"\n    \1\n", each.help or "")
        parts += [
            f"\n## segstudy {name}\n",
            help_text,
            "\n| argument or option | meaning | default |",
            "| --- | --- | --- |",
        ]
        for parameter in each.params:
            names = ", ".join(f"`{option}`" for option in parameter.opts) if parameter.opts else parameter.name
            if parameter.param_type_name == "argument":
                names = f"`{parameter.metavar or str(parameter.name).upper()}`"
            default = (
                ""
                if parameter.default in (None, False, ()) or callable(parameter.default)
                else f"`{parameter.default}`"
            )
            parts.append(f"| {names} | {_cell(getattr(parameter, 'help', None) or '')} | {default} |")
    return "\n".join(parts) + "\n"


def python() -> str:
    """Returns the reference of the Python interface, which mkdocstrings fills in."""
    head = "# Python\n\n`import segstudy` loads neither PyTorch nor Ray; each function loads what it needs.\n"
    names = [name for name in segstudy.__all__ if name != "InputError"]
    options = "    options:\n      heading: segstudy.{name}\n      toc_label: {name}\n"
    return head + "".join(
        f"\n::: {getattr(segstudy, name).__module__}.{name}\n{options.format(name=name)}" for name in names
    )


def cards(kind: str, title: str, shown_by: str) -> str:
    """Returns the cards of the losses or networks."""
    parts = [f"# {title}\n", f"From the code's own documentation; `{shown_by} NAME` prints the same.\n"]
    for name in lines_of(kind):
        text = text_of(card(kind, name)).split("\n", 1)[1]
        parts += [f"\n## {name}\n", "```text", text.strip("\n"), "```"]
    return "\n".join(parts) + "\n"


def metrics() -> str:
    """Returns the table of metrics."""
    rows = [
        f"| `{row['name']}` | {row['label']} | {row['unit'] or ''} | {row['better']} |"
        for row in segstudy.metrics().to_dict("records")
    ]
    head = "# Metrics\n\nNames for `report.metrics` and `objective.metric`.\n\n| name | in print | unit | better |\n"
    return head + "| --- | --- | --- | --- |\n" + "\n".join(rows) + "\n"
