cm_test(api_test
  SOURCES
    api/export_handler_test.cc
    api/handlers_test.cc
    api/ingest_handler_test.cc
    api/json_writer_test.cc
    api/metrics_page_test.cc
    api/openapi_test.cc
    api/properties_test.cc
    api/query_test.cc
    api/select_properties_test.cc
    api/select_test.cc
    api/step_test.cc
    api/time_text_test.cc
  DEPS cm::aggregator_api nlohmann_json::nlohmann_json)
cm_test(client_transcript_test
  SOURCES api/client_transcript_test.cc
  DEPS cm::aggregator_api cm::aggregator_scrape cm::aggregator_store)
