"""The verdicts beside the numbers of a calculation.

Layout only: what is said stands in `sentences`.
"""

from __future__ import annotations

from collections.abc import Callable

from bptrace.model import Claim
from bptrace.render.lines import Remark
from bptrace.render.marks import MARKS
from bptrace.render.sentences import Sentences


class Beside:
    """What stands beside a number of `bptrace run`: the verdict on the claim about it.

    Parameters
    ----------
    sentences : Sentences
    printed : function
        What the source has, as a remark on a claim; None: nothing.
    """

    def __init__(self, sentences: Sentences, printed: Callable[[Claim], Remark | None]) -> None:
        self.say = sentences
        self.printed = printed
        self._verdicts = {id(v.claim): v for v in sentences.report.verdicts}
        self._first = {v.key: id(v.claim) for v in reversed(sentences.report.verdicts)}

    def __call__(self, claim: Claim) -> Remark | None:
        """Return the remark on one claim; a number given twice is not introduced again."""
        verdict, said = self._verdicts.get(id(claim)), self.printed(claim)
        if verdict is None or said is None or claim.printed is None:
            return said
        text = said.text
        if self._first[verdict.key] != id(claim):
            text = self.say.notation.plain(claim.printed.text)
        found = MARKS[verdict.verdict]
        text = f"{found.ascii if self.say.notation.ascii else found.sign} {text}"
        if verdict.verdict == "wrong":
            text += f"{self.say.words('colon')}{self.say.sentence(verdict)}"
        return Remark(text, found.style)
