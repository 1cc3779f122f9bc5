"""The worked examples of the lectures, each a small module that can be run, drawn and checked."""
