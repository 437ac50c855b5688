cm_test(post_test
  SOURCES post/backoff_test.cc post/send_error_test.cc post/sender_test.cc post/url_test.cc
    ${PROJECT_SOURCE_DIR}/tests/support/stub_server.cc
  DEPS cm::common_post cm::common_libcurl)
