"""The list of what a sandbox must do, S1 to S63: each line has a test that carries its number."""

import ast
import re
from collections import Counter
from pathlib import Path

LINES = 63


def numbers() -> Counter[int]:
    """How many tests carry each number, at the head of their name or in their docstring."""
    found: Counter[int] = Counter()
    for path in Path(__file__).parent.glob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                named = re.match(r"test_s(\d+)_", node.name)
                told = re.findall(r"\bS(\d+)\b", ast.get_docstring(node) or "")
                found.update({int(number) for number in (*((named[1],) if named else ()), *told)})
    return found


def test_each_line_of_the_list_has_a_test_with_its_number() -> None:
    assert sorted(numbers()) == list(range(1, LINES + 1))
