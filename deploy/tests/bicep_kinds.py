"""What can be told of a Bicep expression without computing it: what it may stand for, and of which kind that is."""

from tree_sitter import Node

from bicep_syntax import Declaration, Template, call, properties, text

# The functions that the templates use, by what they return.
FUNCTIONS = {
    "concat": "array",
    "format": "string",
    "guid": "string",
    "items": "array",
    "json": "any",
    "max": "int",
    "resourceGroup": "any",
    "string": "string",
    "subscription": "any",
    "subscriptionResourceId": "string",
    "toUpper": "string",
    "uniqueString": "string",
}

ARTICLES = {
    "string": "a string",
    "int": "a number",
    "bool": "a boolean",
    "object": "an object",
    "array": "an array",
}

LITERALS = {
    "string": "string",
    "number": "int",
    "boolean": "bool",
    "object": "object",
    "array": "array",
    "for_statement": "array",
}

OPERATORS = {"==": "bool", "!=": "bool", "&&": "bool", "||": "bool", "<": "bool", ">": "bool", "+": "int", "-": "int"}


def kind_of(node: Node, template: Template) -> str:
    """What kind of value an expression has, `any` where that cannot be told."""
    match node.type:
        case "call_expression":
            return FUNCTIONS.get(call(node)[0], "any")
        case "binary_expression":
            return OPERATORS.get(node.children[1].type, "any")
        case "unary_expression":
            return "bool" if node.children[0].type == "!" else "int"
        case "identifier":
            declaration = template.declarations.get(text(node))
            return declared_kind(declaration) if declaration and declaration.kind == "parameter" else "any"
        case other:
            return LITERALS.get(other, "any")


def declared_kind(parameter: Declaration) -> str:
    """The kind that a parameter is declared to have."""
    assert parameter.type is not None
    declared = parameter.type.named_children[0]
    kind = {"object": "object", "array_type": "array"}.get(declared.type, text(declared))
    return kind if kind in ARTICLES else "any"


def members_of_type(parameter: Declaration) -> list[str]:
    """The members of an object, or of an array's objects, that a parameter's type spells out; none if it does not."""
    assert parameter.type is not None
    declared = parameter.type.named_children[0]
    if declared.type == "array_type":
        declared = declared.named_children[0].named_children[0]
    return [text(key) for key, _ in properties(declared)] if declared.type == "object" else []


def possible(node: Node, template: Template) -> list[Node]:
    """What an expression may stand for, where that is written in the file."""
    match node.type:
        case "parenthesized_expression":
            return possible(node.named_children[0], template)
        case "ternary_expression":
            return [each for branch in node.named_children[-2:] for each in possible(branch, template)]
        case "call_expression" if call(node)[0] == "concat":
            return [each for argument in call(node)[1] for each in possible(argument, template)]
        case "identifier":
            declaration = template.declarations.get(text(node))
            if declaration and declaration.kind == "variable" and declaration.value:
                return possible(declaration.value, template)
    return [node]
