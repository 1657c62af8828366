"""The names of a Bicep template: each is declared and used, members are there, modules get what they ask for."""

from tree_sitter import Node

from azure_types import Type, TypeData
from bicep_kinds import ARTICLES, FUNCTIONS, declared_kind, kind_of, members_of_type, possible
from bicep_syntax import Declaration, Template, chain, items, line, properties, references, text
from faults import Findings, suggestion


class Names:
    """The checks of one template."""

    def __init__(self, template: Template, data: TypeData, findings: Findings) -> None:
        self.template = template
        self.data = data
        self.findings = findings

    def check(self) -> None:
        self.declared()
        modules = self.template.of_kind("module")
        missing = [each for each in modules if not (self.template.path.parent / each.subject).is_file()]
        for module in missing:
            self.fault(module.node, f"there is no `{module.subject}`")
        if missing:
            return
        for node in outermost(self.template.root):
            self.member(node)
        for module in modules:
            self.module(module)

    def fault(self, node: Node, sentence: str) -> None:
        self.findings.fault(self.template.path, line(node), sentence)

    def declared(self) -> None:
        """Each name is declared, and each declaration is used."""
        declarations = self.template.declarations
        used = set()
        for node, loops in references(self.template.root):
            name = text(node)
            used.add(name)
            is_call = node.parent is not None and node.parent.type == "call_expression"
            known = set(FUNCTIONS) if is_call else set(declarations) | loops
            if name not in known:
                self.fault(node, f"`{name}` is not declared{suggestion(name, sorted(known))}")
        for declaration in declarations.values():
            if declaration.kind in ("parameter", "variable") and declaration.name not in used:
                self.fault(declaration.node, f"`{declaration.name}` is not used")

    def member(self, node: Node) -> None:
        root, names = chain(node)
        declaration = self.template.declarations.get(text(root))
        if root.type != "identifier" or declaration is None:
            return
        is_call = node.parent is not None and node.parent.type == "call_expression"
        path = [text(name) for name in names][: -1 if is_call else None]
        if declaration.kind == "module":
            outputs = self.file(declaration).outputs
            if path[:1] != ["outputs"] or len(path) < 2 or path[1] not in outputs:
                wrong = path[-1] if path else ""
                self.fault(node, f"module `{declaration.name}` has no output `{wrong}`{suggestion(wrong, [*outputs])}")
        elif declaration.kind == "parameter" and path and (known := members_of_type(declaration)):
            if path[0] not in known:
                self.fault(node, f"`{declaration.name}` has no `{path[0]}`{suggestion(path[0], known)}")
        elif declaration.kind == "resource" and (kind := self.data.find(declaration.subject)):
            self.follow(node, kind, path)

    def follow(self, node: Node, kind: Type, path: list[str]) -> None:
        for name in path:
            if kind.tag != "ObjectType":
                return
            known = kind.members
            if name in known:
                kind = known[name].type
            elif kind.additional:
                kind = kind.additional
            else:
                self.fault(node, f"there is no `{name}` in `{kind.name}`{suggestion(name, [*known])}")
                return

    def file(self, module: Declaration) -> Template:
        return Template.read(self.template.path.parent / module.subject)

    def module(self, module: Declaration) -> None:
        """A module gets the parameters that it has."""
        parameters = {each.name: each for each in self.file(module).of_kind("parameter")}
        members = dict((text(key), value) for key, value in properties(module.body))
        given = dict((text(key), value) for key, value in properties(members["params"])) if "params" in members else {}
        for name, node in given.items():
            if name not in parameters:
                self.fault(node, f"`{module.subject}` has no parameter `{name}`{suggestion(name, [*parameters])}")
            else:
                self.argument(node, parameters[name])
        for name, parameter in parameters.items():
            if parameter.value is None and name not in given:
                self.fault(module.node, f"parameter `{name}` of `{module.subject}` is missing")

    def argument(self, node: Node, parameter: Declaration) -> None:
        expected = declared_kind(parameter)
        for each in possible(node, self.template):
            found = kind_of(each, self.template)
            if "any" not in (expected, found) and found != expected:
                self.fault(node, f"expected {ARTICLES[expected]}, found {ARTICLES[found]}")
            known = set(members_of_type(parameter))
            for value in items(each) if each.type == "array" else [each]:
                given = {text(key) for key, _ in properties(value)}
                for name in sorted(given ^ known) if known and value.type == "object" else []:
                    what = "not a member" if name in given else "missing"
                    self.fault(value, f"`{name}` is {what} of `{parameter.name}`")


def outermost(node: Node) -> list[Node]:
    """The longest chains `a.b.c`."""
    if node.type == "member_expression":
        return [node]
    return [each for child in node.children for each in outermost(child)]
