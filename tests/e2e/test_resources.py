# SPDX-License-Identifier: Apache-2.0
"""What the programs cost, printed; and that they give back the descriptors they use."""
import time

from harness import procs, session
from harness.case import Case
from harness.fake_target import FakeTarget, counting_page
from harness.page import Scraper
from harness.wait import until

MEASURE_SECONDS = 10


def describe(name, before, after, seconds):
    share = (after.cpu_seconds - before.cpu_seconds) / seconds
    print(f"     {name}: CPU {share:.2%} of a core, RSS {after.rss_bytes / 2**20:.1f} MiB, PSS "
          f"{after.pss_bytes / 2**20:.1f} MiB, {after.fds} descriptors, {after.threads} threads", flush=True)


class Resources(Case):
    def measure(self, programs, label):
        before = {name: program.cost() for name, program in programs.items()}
        time.sleep(MEASURE_SECONDS)
        for name, program in programs.items():
            describe(f"{name} {label}", before[name], program.cost(), MEASURE_SECONDS)

    def test_cost_at_rest_and_under_load(self):
        machine = session.machine()
        exporter = self.started(procs.exporter_on(machine))
        aggregator = self.started(procs.aggregator(self.temp_dir()))
        self.measure({"exporter": exporter, "aggregator": aggregator}, "at rest (nobody scrapes)")
        stack = session.stack()
        containers = sum(len(pod.containers) for pod in machine.pods)
        self.measure({"exporter": stack.exporter, "aggregator": stack.aggregator},
                     f"with {len(machine.pods)} pods, {containers} containers, scraped every {stack.INTERVAL} s")

    def test_the_exporter_gives_descriptors_back(self):
        machine = session.machine()
        exporter = self.started(procs.exporter_on(machine))
        scraper = Scraper(exporter)
        until(lambda: scraper.page().all("cloudmon_container_info", pod="db-0"), 15, "a full page")
        before = exporter.cost().fds
        for _ in range(5):
            scraper.page()
        self.assertLessEqual(exporter.cost().fds, before)

    def test_the_aggregator_gives_descriptors_back(self):
        target = FakeTarget(counting_page())
        self.addCleanup(target.stop)
        aggregator = self.started(procs.aggregator(self.temp_dir(), targets=[target.address], interval="1s"))
        until(lambda: target.requests >= 3, 15, "three scrapes")
        before = aggregator.cost().fds
        seen = target.requests
        until(lambda: target.requests >= seen + 5, 20, "five scrapes")
        self.assertLessEqual(aggregator.cost().fds, before)
