"""What others need to test their own store or application: a clock of one's own, strategies and the property suite.

This package may do what the core may not: it needs the extra ``testing`` and is imported by nothing else here.
"""

from .clock import Clock

__all__ = ["Clock"]
