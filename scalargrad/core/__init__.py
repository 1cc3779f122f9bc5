"""The engine: the table of operations, Value, and the graph it records."""
