"""Do the diagnostics that installed extensions bring, where the policy asks for them, find what they look for?"""

import pytest

from reprcheck.pytest_plugin.run import Asker
from reprcheck.registry import DIAGNOSTICS

NAMES = [name for name in DIAGNOSTICS.names() if name not in DIAGNOSTICS.own]

if NAMES:

    @pytest.mark.reprcheck(*NAMES)
    def test_extensions(reprcheck_question: Asker) -> None:
        """Ask one of them in one required setting."""
        reprcheck_question.must_pass()
