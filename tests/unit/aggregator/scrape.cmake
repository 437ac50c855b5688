cm_test(discovery_test
  SOURCES discovery/dns_name_test.cc discovery/file_sd_test.cc discovery/kubernetes_endpoints_test.cc
          discovery/shard_test.cc discovery/target_test.cc
  DEPS cm::aggregator_discovery nlohmann_json::nlohmann_json spdlog::spdlog)
cm_test(fetcher_test
  SOURCES scrape/fetcher_test.cc ${PROJECT_SOURCE_DIR}/tests/support/stub_server.cc
  DEPS cm::aggregator_scrape CURL::libcurl ZLIB::ZLIB)
cm_test(page_test
  SOURCES scrape/head_hash_test.cc scrape/page_reader_property_test.cc scrape/page_reader_test.cc
          scrape/series_list_test.cc
  DEPS cm::aggregator_page)
cm_test(churn_test
  SOURCES scrape/churn_test.cc
  DEPS cm::aggregator_page cm::aggregator_series)
cm_test(scrape_test
  SOURCES
    scrape/loop_test.cc
    scrape/pushers_test.cc
    scrape/schedule_test.cc
    scrape/scraper_push_test.cc
    scrape/scraper_test.cc
    ${PROJECT_SOURCE_DIR}/tests/support/stub_server.cc
  DEPS cm::aggregator_scrape)
