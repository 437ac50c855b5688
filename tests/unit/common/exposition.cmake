cm_test(process_stats_test SOURCES process_stats_test.cc DEPS cm::common_exposition)
cm_test(psi_test SOURCES psi_test.cc DEPS cm::common)
cm_test(exposition_test
  SOURCES
    exposition/format_test.cc
    exposition/head_test.cc
    exposition/parser_test.cc
    exposition/roundtrip_test.cc
    exposition/writer_test.cc
  DEPS cm::common_exposition)
