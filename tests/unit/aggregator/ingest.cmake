cm_test(ingest_test
  SOURCES ingest/document_test.cc
  DEPS cm::aggregator_ingest)
