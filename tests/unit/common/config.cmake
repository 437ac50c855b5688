cm_test(options_test SOURCES options_test.cc DEPS cm::common_config)
