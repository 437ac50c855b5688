cm_test(exporter_families_test
  SOURCES families_test.cc join_test.cc metric_sources_test.cc oom_tally_test.cc
  DEPS cm::exporter_families)
cm_test(collector_test
  SOURCES collector_test.cc config_test.cc sources_test.cc web_test.cc
  DEPS cm::exporter_collector cm::exporter_make_sources cm::exporter_sources)
