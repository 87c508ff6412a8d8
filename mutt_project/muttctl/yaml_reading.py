"""YAML with the line of every value; what cannot be taken is said with its line and how to mend it."""

import codecs
import math
import re
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from mutt_project.muttctl.located import Fault

_TAG = "tag:yaml.org,2002:"
# YAML has its own ideas of dates and of the signs = and <<; here they are texts.
_TEXTS = {f"{_TAG}{kind}" for kind in ("str", "timestamp", "value", "merge")}
_WHOLE = re.compile(r"[-+]?[0-9]{1,18}")
_IN_QUOTES = "must stand in quotes"


class NoYamlError(ValueError):
    """The text cannot be read at all."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.detail)
        self.fault = fault


@dataclass
class Document:
    """The values of a document; `lines` and `texts`, how scalars are written, are by JSON Pointer."""

    value: Any = None
    lines: dict[str, int] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    _seen: set[int] = field(default_factory=set)

    def note(self, pointer: str, detail: str, line: int | None = None) -> None:
        """Add a fault; it stands where the value stands, unless a line is given."""
        self.faults.append(Fault(self.lines[pointer] if line is None else line, detail, pointer))

    def read(self, node: Node, pointer: str) -> Any:
        self.lines.setdefault(pointer, _line(node))
        if id(node) in self._seen:
            self.note(pointer, "Aliases (*name) are not taken: write the value out.")
            return None
        self._seen.add(id(node))
        if isinstance(node, MappingNode):
            return self._mapping(node, pointer)
        if isinstance(node, SequenceNode):
            return [self.read(item, f"{pointer}/{number}") for number, item in enumerate(node.value)]
        return self._scalar(node, pointer)

    def _mapping(self, node: MappingNode, pointer: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in node.value:
            name, line = key.value, _line(key)
            if not isinstance(key, ScalarNode) or not isinstance(name, str):
                self.note(pointer, "A field's name is a text, with a colon after it.", line)
            elif name in found:
                first = self.lines[f"{pointer}/{name}"]
                self.note(pointer, f"“{name}” stands in line {first} already: leave out one of them.", line)
            else:
                self.lines[f"{pointer}/{name}"] = line
                found[name] = self.read(value, f"{pointer}/{name}")
        return found

    def _scalar(self, node: Any, pointer: str) -> Any:
        text, tag = str(node.value), str(node.tag)
        self.texts[pointer] = text
        if tag in _TEXTS:
            return text
        if tag == f"{_TAG}null":
            return None
        if tag == f"{_TAG}bool":
            return text.lower() == "true"
        if tag == f"{_TAG}int" and _WHOLE.fullmatch(text):
            return int(text)
        number = _number(text) if tag in {f"{_TAG}int", f"{_TAG}float"} else None
        if number is not None:
            return number
        self.note(pointer, f"“{text}” is neither a text nor a number to YAML: a text {_IN_QUOTES}.")
        return None


def read_yaml(content: bytes) -> Document:
    """The document, its `faults` included; without content its value is None. Raises NoYamlError."""
    text = _decoded(content)
    try:
        node = YAML(typ="safe", pure=True).compose(text)
        document = Document()
        document.value = None if node is None else document.read(node, "")
    except MarkedYAMLError as error:
        raise NoYamlError(_syntax_fault(error)) from None
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        character = text[error.position] if error.position < len(text) else "\0"
        seen = f"A character U+{ord(character):04X}, which YAML does not take: put the text in double quotes and write"
        raise NoYamlError(Fault(line, f'{seen} it as "\\u{ord(character):04x}".')) from None
    except RecursionError:
        raise NoYamlError(Fault(0, "It is nested too deeply.")) from None
    except (YAMLError, ValueError) as error:
        raise NoYamlError(Fault(0, f"This is no valid YAML: {error}.")) from None
    return document


def _decoded(content: bytes) -> str:
    try:
        return content.removeprefix(codecs.BOM_UTF8).decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise NoYamlError(Fault(line, "A byte here is not UTF-8: save the file as UTF-8.")) from None


def _syntax_fault(error: MarkedYAMLError) -> Fault:
    problem, context = str(error.problem or ""), str(error.context or "")
    mark = error.problem_mark or error.context_mark
    if "quoted scalar" in context and "end of stream" in problem:
        mark, said = error.context_mark, "The quotes that open here are never closed."
    elif "'\\t'" in problem:
        said = "A tab stands here, and YAML is indented with spaces: put spaces in its place."
    elif "cannot start any token" in problem or "undefined alias" in problem:
        said = f"A text that begins with this sign {_IN_QUOTES}: {problem}."
    elif "mapping values are not allowed" in problem:
        said = f"A colon stands where none may be: a text with a colon {_IN_QUOTES}; otherwise mend the indentation."
    elif "unknown escape character" in problem:
        said = f"{problem[:1].upper()}{problem[1:]}: in \"double quotes\" write \\\\ for \\, or take 'single quotes'."
    elif "another document" in problem:
        said = "A second document begins here (---): a file holds one."
    else:
        said = f"This is no valid YAML: {problem}. Is the indentation right, and a text with : # [ {{ }} ] in quotes?"
    return Fault((mark.line if mark else -1) + 1, said)


def _line(node: Any) -> int:
    return int(node.start_mark.line) + 1


def _number(text: str) -> float | None:
    """What JSON can say of numbers, too: no infinity."""
    try:
        number = float(text.replace("_", ""))
    except ValueError:
        return None
    return number if math.isfinite(number) else None
