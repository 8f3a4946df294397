"""Questions put to a calculation, one module each: the answers are verdicts, never output."""
