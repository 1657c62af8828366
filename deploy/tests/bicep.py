"""Bicep templates: that they are Bicep, that their names are there, and that Azure has what they ask for."""

from pathlib import Path

from azure_types import TypeData
from bicep_names import Names
from bicep_syntax import Template, line, syntax_errors
from bicep_types import Types
from faults import Findings


def check(paths: list[Path], data: Path, findings: Findings) -> None:
    """Checks templates against the type data of a directory."""
    types = TypeData(data)
    for path in paths:
        template = Template.read(path)
        errors = syntax_errors(template.root)
        if errors:
            # One is enough: what follows is read wrongly.
            findings.fault(path, line(errors[0]), "is no Bicep from here on")
            continue
        Names(template, types, findings).check()
        Types(template, types, findings).check()
