"""Texts for people: lessons, the glossary and derivations, their order, the papers. Nothing is computed."""
