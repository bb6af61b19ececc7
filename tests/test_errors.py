import inspect

from flaremon import errors


def families() -> list[type[errors.FlaremonError]]:
    return [
        c for _, c in inspect.getmembers(errors, inspect.isclass) if c.__module__ == errors.__name__
    ]


def test_every_error_is_drawn_in_the_tree_and_has_a_docstring():
    for error in families():
        assert error.__name__ in (errors.__doc__ or "")
        assert error.__doc__


def test_the_tree_marks_exactly_the_retriable_errors():
    marked = {
        line.split("─ ")[1].split()[0]
        for line in (errors.__doc__ or "").splitlines()
        if "↻" in line
    }
    assert marked == {error.__name__ for error in families() if error.retriable}
