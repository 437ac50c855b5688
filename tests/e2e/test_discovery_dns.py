# SPDX-License-Identifier: Apache-2.0
"""Targets from DNS, asked of a name server that the test plays."""
import time
import unittest
import unittest.mock

from harness import dns_server, procs, session
from harness.case import Case
from harness.dns_server import A, SRV, DnsServer
from harness.fake_target import FakeTarget, counting_page
from harness.wait import until

NAME = "exporters.monitoring.svc.test"


class DnsDiscovery(Case):
    @classmethod
    def setUpClass(cls):
        session.need_tools("unshare")
        if reason := dns_server.obstacle():
            raise unittest.SkipTest(reason)

    def setUp(self):
        self.dns = DnsServer()
        self.addCleanup(self.dns.stop)

    def target(self, node, **more):
        target = FakeTarget(counting_page(pod=f"{node}-pod", node=node), **more)
        self.addCleanup(target.stop)
        return target

    def start(self, *names, search="", flags=()):
        aggregator = procs.aggregator(self.temp_dir(), f"--scrape.dns={','.join(names)}", *flags, interval="1s",
                                      prefix=self.dns.prefix(search))
        return self.started(aggregator)

    def targets(self, aggregator):
        return {entry["url"].split("/")[2]: entry for entry in aggregator.get("/api/targets").json}

    def wait_for(self, aggregator, *addresses):
        until(lambda: set(self.targets(aggregator)) == set(addresses), 20, f"the targets are {addresses}")

    def stay(self, aggregator, *addresses):
        """They are still there after the name server was asked three times more."""
        asked = len(self.dns.asked)
        until(lambda: len(self.dns.asked) >= asked + 3, 60, "three more questions")
        self.assertEqual(set(self.targets(aggregator)), set(addresses))

    def test_addresses_come_and_go(self):
        first = self.target("node-1")
        second = self.target("node-2", host="127.0.0.2", port=first.port)
        self.dns.addresses[NAME] = ["127.0.0.1"]
        aggregator = self.start(f"{NAME}:{first.port}")
        self.wait_for(aggregator, first.address)
        self.dns.addresses[NAME] = ["127.0.0.2", "127.0.0.1"]
        self.wait_for(aggregator, first.address, second.address)
        until(lambda: all(t["up"] for t in self.targets(aggregator).values()), 20, "both are up")
        told = self.targets(aggregator)
        self.assertEqual({t["node"] for t in told.values()}, {"node-1", "node-2"}, "named by their pages")
        self.assertEqual(told[first.address]["source"], f"dns {NAME}:{first.port}")
        self.dns.addresses[NAME] = ["127.0.0.2"]
        self.wait_for(aggregator, second.address)
        self.dns.addresses[NAME] = []  # the name is there, but without addresses: so it is meant
        self.wait_for(aggregator)

    def test_failures_keep_the_targets_and_are_told_once(self):
        target = self.target("node-1")
        self.dns.addresses[NAME] = ["127.0.0.1"]
        aggregator = self.start(f"{NAME}:{target.port}")
        until(lambda: aggregator.get("/api/cluster").json[-1]["nodes"] == 1, 20, "a bucket with the node")
        began = aggregator.get("/api/cluster").json[-1]["time"]

        def told(text):
            return until(lambda: aggregator.log().count(text), 30, f"the log says {text}")
        for text, fail in (("the name servers fail", {"fails": {A}}), ("the name servers do not answer", {"is_silent": True})):
            with unittest.mock.patch.multiple(self.dns, **fail):
                told(text)
                self.stay(aggregator, target.address)
                self.assertEqual(told(text), 1, "once")
        known = self.dns.addresses.pop(NAME)
        told("the name servers know no such name")
        self.stay(aggregator, target.address)
        self.dns.addresses[NAME] = known
        now = int(time.time())
        until(lambda: aggregator.get("/api/cluster").json[-1]["time"] > now, 20, "a bucket of after that")
        entries = aggregator.get(f"/api/nodes/node-1?start={began}").json
        times = [entry["time"] for entry in entries]
        self.assertEqual(times, list(range(began, times[-1] + 1)), "scrapes went on all the time")
        self.assertEqual(aggregator.log().count("its last 1 targets stay"), 3)

    def test_ends_at_once_while_the_name_server_is_silent(self):
        self.dns.is_silent = True
        aggregator = self.start(f"{NAME}:1", "other.test:1", "_metrics._tcp.third.test")
        until(lambda: {name for name, _, _ in self.dns.asked} >= {NAME, "other.test", "_metrics._tcp.third.test"}, 20,
              "all were asked for")
        self.assertEqual(aggregator.stop(), 0)

    def test_srv_records_and_the_addresses_of_their_hosts(self):
        first, second = self.target("node-1"), self.target("node-2")
        service = f"_metrics._tcp.{NAME}"
        hosts = [f"a.{NAME}", "b.test", f"gone.{NAME}"]
        self.dns.services[service] = [(hosts[0], first.port), (hosts[1], second.port), (hosts[2], 1)]
        self.dns.addresses = {hosts[0]: ["127.0.0.1"], hosts[1]: ["127.0.0.1"]}
        aggregator = self.start(service, search="monitoring.svc.test")
        self.wait_for(aggregator, first.address, second.address)
        self.dns.services[service].pop(0)
        self.wait_for(aggregator, second.address)
        self.dns.services[service] = []
        self.wait_for(aggregator)
        asked = {name for name, _, _ in self.dns.asked}
        self.assertTrue(asked >= set(hosts))
        self.assertFalse(asked & {f"{host}.monitoring.svc.test" for host in hosts}, "hosts are whole names: not searched for")

    def test_more_addresses_than_a_datagram_holds(self):
        addresses = [f"127.1.{number // 250}.{number % 250 + 1}" for number in range(400)]
        self.dns.addresses[NAME] = addresses
        hosts = [f"h{number}.{NAME}" for number in range(100)]
        self.dns.services[f"_metrics._tcp.{NAME}"] = [(host, 2) for host in hosts]
        self.dns.addresses.update({host: [f"127.2.0.{number + 1}"] for number, host in enumerate(hosts)})
        aggregator = self.start(f"{NAME}:1", f"_metrics._tcp.{NAME}")
        self.wait_for(aggregator, *(f"{address}:1" for address in addresses),
                      *(f"127.2.0.{number + 1}:2" for number in range(100)))
        self.assertIn((NAME, A, "tcp"), self.dns.asked)
        self.assertIn((f"_metrics._tcp.{NAME}", SRV, "tcp"), self.dns.asked)

    def test_a_short_name_and_ipv6(self):
        target = self.target("node-6", host="::1")
        self.dns.addresses[NAME] = ["::1"]
        aggregator = self.start(f"exporters:{target.port}", search="svc.test monitoring.svc.test")
        self.wait_for(aggregator, target.address)
        until(lambda: self.targets(aggregator)[target.address]["up"], 20, "it is up")
        self.dns.addresses[NAME] = ["::1", "127.0.0.1"]  # the same exporter by two addresses
        self.wait_for(aggregator, f"127.0.0.1:{target.port}")

    def test_shards_share_the_targets_and_a_reload_changes_them(self):
        self.dns.addresses[NAME] = [f"127.1.0.{number + 1}" for number in range(40)]
        everything = {f"127.1.0.{number + 1}:1" for number in range(40)}
        config = self.temp_dir() + "/aggregator.yaml"

        def write(shard):
            with open(config, "w", encoding="utf-8") as file:
                file.write(f"scrape: {{shard: '{shard}', dns: ['{NAME}:1']}}\n")
        write("0/2")
        aggregator = self.started(procs.aggregator(self.temp_dir(), f"--config.file={config}", interval="1s",
                                                   prefix=self.dns.prefix()))
        until(lambda: self.targets(aggregator), 20, "targets")
        first = set(self.targets(aggregator))
        self.assertTrue(first < everything)
        write("1/2")
        self.assertEqual(aggregator.get("/-/reload", method="POST").status, 200)
        self.wait_for(aggregator, *(everything - first))
        self.dns.is_silent = True  # what was found before the reload stays
        write("0/1")
        self.assertEqual(aggregator.get("/-/reload", method="POST").status, 200)
        self.wait_for(aggregator, *everything)
        write("2/2")
        refused = aggregator.get("/-/reload", method="POST")
        self.assertNotEqual(refused.status, 200)
        self.assertIn("scrape.shard: expected I/N", refused.text)
        self.assertEqual(set(self.targets(aggregator)), everything)
