// SPDX-License-Identifier: Apache-2.0
// Holds a tree of cgroups with live processes for bench/compare_exporter.py: prints the directory to read it by
// (--path.cgroup), then answers each line of its input with the CPU time, in milliseconds, of one pass of the floor.
// Removes the tree when the input ends.
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>

#include "bench/cgroup_bench_floor.h"
#include "bench/cgroup_bench_tree.h"

// cgroup_hold PODS
int main(int argc, char** argv) {
  using namespace cloudmon;
  const int pods = argc > 1 ? std::atoi(argv[1]) : 0;
  if (pods < 1) {
    std::fprintf(stderr, "usage: cgroup_hold PODS\n");
    return 1;
  }
  return bench::RunWithCgroups(
      [pods](const cgroup::Layout& layout, const std::string& prefix, const bench::View& view) {
        bench::MakeTree(layout, prefix, pods);
        bench::Floor floor(layout, prefix, pods);
        floor.Read();
        std::cout << view.path() << std::endl;
        for (std::string line; std::getline(std::cin, line);) std::cout << floor.Ms() << std::endl;
        return floor.failed() == 0 ? 0 : 1;
      });
}
