"""Every fault of syntax is told in our own words, in its place, with what to write instead."""

from __future__ import annotations

import pytest

from bptrace.errors import FileError
from bptrace.io.toml import parse


def faults(text: str) -> list[str]:
    """Messages without the line and the caret."""
    with pytest.raises(FileError) as caught:
        parse(text, "p")
    return [str(fault).partition("\n")[0] for fault in caught.value.faults]


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        (
            "a = ０．５",
            "1:5: ０ (U+FF10), fullwidth digit zero; ． (U+FF0E), fullwidth full stop; "
            "５ (U+FF15), fullwidth digit five: not a character that TOML knows here. "
            "Write 0.5 instead",
        ),
        ("a = −5", "1:5: − (U+2212), minus sign: not a character*Write - instead"),
        ("a = [1，2]", "1:7: ， (U+FF0C), fullwidth comma*Write , instead"),
        ("a\u3000= 1", "1:2: (U+3000), ideographic space*Write an ordinary space"),
        ("a =\u00a01", "1:4: (U+00A0), no-break space*Write an ordinary space"),
        ("\u200ba = 1", "1:1: (U+200B), zero width space*Delete it"),
        ("a ＝ 1", "1:3: ＝ (U+FF1D), fullwidth equals sign*Write = instead"),
        ("a = “s t”", '1:5: “ (U+201C)*Write "s t" with the straight quote "'),
        ("a = ‘s’", "1:5: ‘ (U+2018)*Write 's' with the straight quote '"),
        ("a = 5e−3", "1:7: − (U+2212)*"),
        (
            "a = 1\na = 2",
            "2:1: 'a' is given twice, first at line 1, column 1. Keep one of the two.",
        ),
        ("[a]\n[b]\n[a]", "3:2: 'a' is given twice, first at line 1, column 2*"),
        ("a = { x = 1, x = 2 }", "1:14: 'x' is given twice, first at line 1, column 7*"),
        ("a = 1\na.b = 2", "2:1: 'a' is given twice, first at line 1, column 1*"),
        ("a.b = 1\n[a]", "2:1: this key or table was finished further up*Write all of it in one*"),
        ("a 5", '1:3: expected "=" after the key a, found "5". Write key = value.'),
        ("a", '1:2: expected "=" after the key a, found the end of the line*'),
        ("a: 5", '1:2: expected "=" after the key a, found ":"*'),
        ("dE/dw5 = 1", '1:3: "/" may not stand in a key without quotes. Write "dE/dw5" = …'),
        ("w5+ = 1", '1:3: "+" may not stand*Write "w5+" = …'),
        ("∂E/∂w5 = 1", '1:1: "∂" may not stand*Write "∂E/∂w5" = …'),
        ("out[1,1] = 1", '1:4: "[" may not stand*Write "out[1,1]" = …'),
        ("learning rate = 1", '1:10: "r" may not stand*Write "learning rate" = …'),
        ("= 5", '1:1: expected a key or a [table], found "="*'),
        ("]", '1:1: expected a key or a [table], found "]"*'),
        ("a =", "1:4: expected a value, found the end of the line*Write a number*"),
        ("a = .85", '1:5: no digit stands before*Write 0.85, or ".85" in quotes, just as printed.'),
        ("a = -.5", '1:5: no digit stands before*Write -0.5, or "-.5" in quotes*'),
        ("a = 1.", '1:6: no digit follows the decimal point. Write 1.0, or "1." in quotes*'),
        ("a = 1,5", "1:6: 1,5 has a comma; expected a decimal point. Write 1.5"),
        ("a = 1,", '1:6: expected the end of the line, found ","*'),
        ("a = 01", "1:6: a number may not begin with 0. Leave the zero out."),
        ("a = 1 b = 2", '1:7: expected the end of the line, found "b". Each key begins a line*'),
        (
            "a = 1/2",
            '1:6: expected the end of the line, found "/"*text and arithmetic stand in quotes*',
        ),
        ("a = sigmoid", '1:5: sigmoid is no value. Text stands in quotes: "sigmoid"'),
        ("a = True", "1:5: True is no value. Write true."),
        ("a = None", "1:5: None is no value. Leave the whole key out."),
        ("a = =", '1:5: expected a value, found "="*'),
        ("a = [1 2]", '1:8: expected "," or "]", found "2". The "[" is at line 1, column 5.'),
        ("a = [1,\nb = 2", "2:1: b is no value*"),
        ("a = [1, [2]\n\n", '1:5: this "[" is never closed. Write "]".'),
        (
            "a = { x = 1, }",
            '1:14: expected a key, found "}". '
            "All of { … } stands on one line, without a comma at its end.",
        ),
        ("a = { x = 1,\n y = 2 }", "1:13: expected a key*All of { … } stands on one line*"),
        ("a = { x = 1 y }", '1:13: expected "," or "}", found "y"*'),
        ('a = "s', '1:5: the text that begins here with " is not closed on its line*'),
        ("a = 's\nb = 1", "1:5: the text that begins here with ' is not closed on its line*"),
        ('a = """s\n"', '1:5: the text that begins here with """ is not closed*'),
        ("a = '''s\n'", "1:5: the text that begins here with ''' is not closed*"),
        (
            "[a\nb = 1",
            '1:3: expected "]" at the end of the header, found the end*Write [name], in quotes if*',
        ),
        (
            "[[a]",
            '1:4: expected "]]" at the end of the header, found "]". Write [[name]], in quotes if*',
        ),
        ("[a b]", '1:4: expected "]" at the end of the header, found "b"*'),
        ('["a]', "1:5: a text in quotes is not closed. Write the closing quote."),
        (r'a = "\d"', "1:8: the backslash here begins no escape*Write \\\\ for a backslash*"),
        ("a = 2020-02-30", "1:5: there is no such date or time*"),
        (
            "a = 1\rb = 2",
            "1:6: the control character (U+000D). Save the file with other line ends.",
        ),
        ('a = "\x01"', "1:6: the control character (U+0001). Delete it."),
        ("a = " + "9" * 5000, "1:5: an integer with thousands of digits*"),
        ("a = " + "[" * 5000, "1:105: more than 100 brackets in brackets*"),
        (".".join("a" * 70) + " = 1", "1:1: a key with more than 64 parts*"),
    ],
)
def test_syntax_in_our_own_words(text: str, messages: str) -> None:
    [said] = faults(text)
    begin, *rest = messages.split("*")
    assert said.startswith(f"p:{begin}")
    assert all(part in said for part in rest)
    assert rest or said == f"p:{begin}"


def test_words_that_a_later_tomllib_may_find(monkeypatch: pytest.MonkeyPatch) -> None:
    def loads(text: str, parse_float: object) -> dict[str, object]:
        if text:  # nothing is left when the statement is taken out
            raise ValueError("Curious thing (at line 1, column 3)")
        return {}

    monkeypatch.setattr("tomllib.loads", loads)
    assert faults("a = 1") == [
        "p:1:3: this is not TOML (Curious thing). The format is described at https://toml.io."
    ]


def test_the_line_is_shown_with_a_caret() -> None:
    with pytest.raises(FileError) as caught:
        parse('x = 1\n"中文" = −5 # note\n', "p.toml")
    assert str(caught.value) == (
        "p.toml:2:8: − (U+2212), minus sign: not a character that TOML knows here. "
        "Write - instead\n"
        '    2 | "中文" = −5 # note\n'
        "      |          ^"  # two columns for each Chinese character
    )


def test_a_long_line_is_cut_around_the_fault() -> None:
    with pytest.raises(FileError) as caught:
        parse("a = [" + "0.25, " * 20_000 + "x, " + "1, " * 1000 + "]", "p.toml")
    message, line, caret = str(caught.value).split("\n")
    assert message.startswith("p.toml:1:120006: x is no value.")
    assert len(line) < 90
    assert line[caret.index("^")] == "x"


def test_all_faults_of_a_text_at_once() -> None:
    text = "a ＝ .5\n[t\nb = “x”\nb = 1\nb = 2\n[u]\nc = [1,\n2,\n]\nw5+ = 0.1\nd = 1\n\nf"
    assert [said.split(" ")[0] for said in faults(text)] == [
        *("p:1:3:", "p:1:5:", "p:2:3:", "p:3:5:", "p:4:1:", "p:5:1:", "p:10:3:", "p:13:2:")
    ]


def test_lookalikes_in_strings_and_comments_are_no_faults() -> None:
    text = "a = '−０' # “so”\n\"∂E／∂w\" = \"“\"\nb = '''\n，\n'''\n"
    assert parse(text, "p.toml").data == {"a": "−０", "∂E／∂w": "“", "b": "，\n"}


def test_dots_in_a_comment_are_no_long_key() -> None:
    text = f"# {'.'.join('a' * 99)}\nb = '{'.'.join('a' * 99)}'\n"
    assert list(parse(text, "p.toml").data) == ["b"]
