cm_test(aggregator_config_test
  SOURCES config_test.cc remote_write_config_test.cc
  DEPS cm::aggregator_config)
