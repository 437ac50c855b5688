cm_test(discovery_test
  SOURCES discovery/file_sd_test.cc discovery/target_test.cc
  DEPS cm::aggregator_discovery spdlog::spdlog)
