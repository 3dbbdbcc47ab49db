"""Rules: which events a function wants, and what it gets of them. Policy only: no I/O, no clock."""

from nbfaas.rules.explain import Explanation, Leaf
from nbfaas.rules.index import RuleIndex
from nbfaas.rules.pattern import Pattern
from nbfaas.rules.transformer import Transformer

__all__ = ["Explanation", "Leaf", "Pattern", "RuleIndex", "Transformer"]
