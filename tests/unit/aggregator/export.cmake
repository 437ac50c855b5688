cm_test(export_test
  SOURCES export/range_test.cc export/reader_test.cc export/round_trip_test.cc export/writer_test.cc
  DEPS cm::aggregator_export nlohmann_json::nlohmann_json)
