"""Texts: lessons, glossary, derivations, their order, and the bibliography. Nothing is computed."""
