# SPDX-License-Identifier: Apache-2.0
"""The base of tests that ask the stack's Prometheus."""
from harness import session
from harness.case import Case


class StackCase(Case):
    """A test that asks the stack's Prometheus. The stack starts with the suite, so that data gathers before its turn."""
    uses_stack = True

    @classmethod
    def setUpClass(cls):
        session.need_tools("prometheus", "promtool")
        cls.stack = session.stack()
        cls.machine = session.machine()

    def query(self, expression, moment=None):
        return self.stack.prometheus.query(expression, moment)
