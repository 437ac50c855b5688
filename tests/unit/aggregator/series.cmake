cm_test(aggregator_series_test
  SOURCES series/bucketer_containers_test.cc series/bucketer_property_test.cc series/bucketer_restore_test.cc
          series/bucketer_test.cc series/counter_test.cc series/model_test.cc
          series/push_property_test.cc series/push_test.cc
  DEPS cm::aggregator_series)
