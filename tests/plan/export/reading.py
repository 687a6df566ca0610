"""What an exported Python file says, read from its syntax without running it."""

import ast


def keywords(text, function):
    """{keyword: literal value} of the only call of `function`, such as `TrainingConfig`; what is no literal is None."""
    calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call) and name_of(node) == function]
    assert len(calls) == 1, (function, len(calls))
    return {word.arg: literal(word.value) for word in calls[0].keywords}


def name_of(call):
    """`f` of f(...), `C.Config` of C.Config(...)."""
    return ast.unparse(call.func)


def literal(node):
    try:
        return ast.literal_eval(node)
    except ValueError:
        return None


def assignments(text):
    """{name: literal value} of a file of plain assignments; anything else in it fails."""
    found = {}
    for statement in ast.parse(text).body:
        assert isinstance(statement, ast.Assign), ast.unparse(statement)
        found[statement.targets[0].id] = ast.literal_eval(statement.value)
    return found


def comment_of(text):
    """The comment at the head of a file, as one line."""
    lines = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.removeprefix("#").strip())
    return " ".join(lines)
