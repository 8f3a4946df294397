"""``bptrace schema``: the JSON schema of problem files."""

from __future__ import annotations

from bptrace.cli import options, program


@program.command(
    "schema",
    en="Editors complete and explain the keys of a problem file from it: save it as "
    "bptrace.schema.json and write '#:schema ./bptrace.schema.json' into the first line of the "
    "problem file.",
    zh="编辑器可据此补全并解释题目文件中的键：存为 bptrace.schema.json，"
    "再在题目文件第一行写上 '#:schema ./bptrace.schema.json'。",
)
@options.together(options.json_, options.lang)
def command(as_json: bool) -> int:
    """Print the JSON schema of problem files (with and without ``--json``)."""
    from bptrace import io

    options.print_json(io.json_schema())
    return 0
