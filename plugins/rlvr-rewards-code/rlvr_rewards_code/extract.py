"""The program in a completion.

The policy, in order; each rule has a row in `tests/test_extract.py`:

1. Only what follows the reasoning block counts; nothing does while that is still open.
2. Fenced blocks (three or more backticks or tildes) that say `python`, `py`, `python3` or nothing.
   The last one wins, except that a block without any definition (an example of use, output) does
   not beat an earlier one that defines the wanted function.
3. A fence that is never closed reaches to the end: an answer that was cut off is judged as it is.
4. No fence at all: the whole text, if it reads like a program (it parses, or begins like code).
5. Prompts that the model was to continue (`prefix`): a program that does not define the wanted
   function itself is put behind the prefix.
"""

from __future__ import annotations

import re
import textwrap

_FENCE = re.compile(r"^([ \t]*)(`{3,}|~{3,})[ \t]*([\w+.-]*)[^\n`]*$", re.MULTILINE)
_PYTHON = frozenset({"", "python", "py", "python3", "py3", "python2", "pycon", "ipython"})
_CODE_START = re.compile(
    r"^(?:def |async def |class |import |from \w[\w.]* import |@\w|if __name__|"
    r"[A-Za-z_]\w*\s*=[^=]|print\(|for .+:$|while .+:$|#)",
    re.MULTILINE,
)
MAX_CHARS = 200_000


def extract_program(text: str, *, entry: str = "", prefix: str = "") -> str:
    """The program in a completion; "" if there is none.

    Args:
        text: the completion after its reasoning, `Sample.final`.
        entry: the function that is wanted; "" if any program will do.
        prefix: what the model was to continue.
    """
    text = text[:MAX_CHARS]
    blocks = fenced_blocks(text)
    program = _chosen(blocks, entry) if blocks else _bare(text, prefix)
    if prefix and entry and program.strip() and not defines(program, entry):
        return _continued(prefix, program)
    return program


def fenced_blocks(text: str) -> list[str]:
    """What stands in the fences that may hold Python, in order."""
    blocks: list[str] = []
    opened: tuple[str, bool, int] | None = None
    indent = ""
    for match in _FENCE.finditer(text):
        fence, tag = match.group(2), match.group(3).lower()
        if opened is None:
            opened, indent = (fence, tag in _PYTHON, match.end() + 1), match.group(1)
        elif fence[0] == opened[0][0] and len(fence) >= len(opened[0]) and not tag:
            if opened[1]:
                blocks.append(_moved_left(text[opened[2] : match.start()], indent))
            opened = None
    if opened is not None and opened[1]:
        blocks.append(_moved_left(text[opened[2] :], indent))
    return [block for block in blocks if block.strip()]


def _moved_left(block: str, indent: str) -> str:
    """A block without the indentation of its fence, in a list say; a body's own stays."""
    if not indent:
        return block
    return "\n".join(line.removeprefix(indent) for line in block.split("\n"))


def defines(program: str, name: str) -> bool:
    """The program has a function, class or variable of that name at its top level."""
    found = re.search(
        rf"^(?:(?:async[ \t]+)?def|class)[ \t]+{re.escape(name)}\b|^{re.escape(name)}[ \t]*[:=]",
        program,
        re.MULTILINE,
    )
    return found is not None


def _chosen(blocks: list[str], entry: str) -> str:
    if entry:
        wanted = [block for block in blocks if defines(block, entry)]
        if wanted:
            return wanted[-1]
        return blocks[-1]
    defining = [
        block for block in blocks if re.search(r"^(?:def|class|async def) ", block, re.MULTILINE)
    ]
    if defining and not re.search(r"\b(?:print|input|sys\.std\w+)\b", blocks[-1]):
        return defining[-1]
    return blocks[-1]


def _bare(text: str, prefix: str) -> str:
    """A completion without any fence: all of it, or what stands behind some words."""
    if prefix or not text.strip():
        return text
    started = _CODE_START.search(text)
    return text[started.start() :] if started else ""


def _continued(prefix: str, program: str) -> str:
    """A function's body behind its head. Models drop the first line's indentation: mended."""
    lines = program.split("\n")
    first = next((line for line in lines if line.strip()), "")
    if (
        first
        and first[0] not in " \t"
        and re.match(r"[ \t]*(?:def|class|import|from|@)\b", first) is None
    ):
        rest = [line for line in lines[lines.index(first) + 1 :] if line.strip()]
        if any(line[0] not in " \t" for line in rest) or not rest:
            program = textwrap.indent(program, "    ")
        else:
            lines[lines.index(first)] = "    " + first
            program = "\n".join(lines)
    return prefix + ("" if prefix.endswith("\n") else "\n") + program
