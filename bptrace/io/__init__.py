"""The edge: whatever enters bptrace from files is read and checked here."""
