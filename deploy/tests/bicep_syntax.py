"""Bicep files as trees: their declarations, and the few questions that are asked of an expression.

What the names mean in Azure is not here; see `bicep_types`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import tree_sitter_bicep
from tree_sitter import Language, Node, Parser

PARSER = Parser(Language(tree_sitter_bicep.language()))

DECLARATIONS = {
    "parameter_declaration": "parameter",
    "variable_declaration": "variable",
    "resource_declaration": "resource",
    "module_declaration": "module",
    "output_declaration": "output",
}

# Nodes whose identifiers name types, or nothing that is declared in the file.
NOT_EXPRESSIONS = {"type", "decorators", "metadata_declaration", "target_scope_assignment"}


@dataclass(frozen=True)
class Declaration:
    """A name of a file, and what it stands for."""

    kind: str
    name: str
    node: Node
    # The value; of a parameter its default, none if it must be given.
    value: Node | None
    # The declared type of a parameter or an output.
    type: Node | None

    @property
    def line(self) -> int:
        return line(self.node)

    @property
    def subject(self) -> str:
        """What a resource's type is, or where a module's file is."""
        return text(next(child for child in self.node.named_children if child.type == "string"))

    @property
    def is_existing(self) -> bool:
        return any(child.type == "existing" for child in self.node.children)

    @property
    def body(self) -> Node:
        """The object of a resource or module, also where a condition or a loop is around it."""
        assert self.value is not None
        if self.value.type in ("if_statement", "for_statement"):
            return self.value.named_children[-1]
        return self.value


@dataclass
class Template:
    """A Bicep file."""

    path: Path
    root: Node
    declarations: dict[str, Declaration] = field(default_factory=dict)
    outputs: dict[str, Declaration] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> "Template":
        template = cls(path, PARSER.parse(path.read_bytes()).root_node)
        for node in template.root.named_children:
            if node.type in DECLARATIONS:
                declaration = declared(node)
                names = template.outputs if declaration.kind == "output" else template.declarations
                names[declaration.name] = declaration
        return template

    def of_kind(self, kind: str) -> list[Declaration]:
        return [each for each in self.declarations.values() if each.kind == kind]


def declared(node: Node) -> Declaration:
    name = next(child for child in node.named_children if child.type == "identifier")
    equals = [index for index, child in enumerate(node.children) if child.type == "="]
    after = node.children[equals[0] + 1 :] if equals else []
    value = next((child for child in after if child.is_named and child.type != "comment"), None)
    types = [child for child in node.named_children if child.type == "type"]
    return Declaration(DECLARATIONS[node.type], text(name), node, value, types[0] if types else None)


def text(node: Node) -> str:
    """The source of a node; of a string what is between its quotes."""
    source = (node.text or b"").decode()
    return source.strip("'") if node.type == "string" else source


def line(node: Node) -> int:
    return node.start_point.row + 1


def walk(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from walk(child)


def syntax_errors(root: Node) -> list[Node]:
    return [node for node in walk(root) if node.is_error or node.is_missing]


def is_literal(node: Node) -> bool:
    return not any(child.type == "interpolation" for child in node.named_children)


def properties(node: Node) -> Iterator[tuple[Node, Node]]:
    """The keys and values of an object."""
    for child in node.named_children:
        if child.type == "object_property":
            key, *_, value = [each for each in child.named_children if each.type != "comment"]
            yield key, value


def items(node: Node) -> list[Node]:
    """The items of an array."""
    return [child for child in node.named_children if child.type != "comment"]


def call(node: Node) -> tuple[str, list[Node]]:
    """The function of a call, empty if it is a method, and its arguments."""
    function = node.named_children[0]
    arguments = next(child for child in node.named_children if child.type == "arguments")
    name = text(function) if function.type == "identifier" else ""
    return name, items(arguments)


def chain(node: Node) -> tuple[Node, list[Node]]:
    """`a.b.c` as the node of `a` and the names `b` and `c`."""
    names: list[Node] = []
    while node.type == "member_expression":
        names.insert(0, node.named_children[-1])
        node = node.named_children[0]
    return node, names


def references(node: Node, loops: frozenset[str] = frozenset()) -> Iterator[tuple[Node, frozenset[str]]]:
    """Identifiers that stand for a declaration or a function, and the loops' names that they see."""
    if node.type in NOT_EXPRESSIONS:
        return
    if node.type == "identifier":
        yield node, loops
        return
    children = list(node.children)
    if node.type in DECLARATIONS:
        children = [child for child in children if child.type != "identifier"]
    if node.type == "object_property" and node.named_children[0].type == "identifier":
        children.remove(node.named_children[0])
    if node.type == "for_statement":
        variable = node.named_children[0]
        children.remove(variable)
        loops = loops | {text(variable)}
    for child in children:
        yield from references(child, loops)
