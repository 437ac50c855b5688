# Language level, warnings, sanitizers, packages, and the only two ways to add code: cm_library() and cm_test().

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wconversion)
if(CM_WARNINGS_AS_ERRORS)
  add_compile_options(-Werror)
endif()
if(CM_SANITIZE)
  add_compile_options(-fsanitize=${CM_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer -O1)
  add_link_options(-fsanitize=${CM_SANITIZE})
endif()
# GCC 12 reports false positives of these from inlined standard containers at -O2.
add_compile_options(-Wno-maybe-uninitialized -Wno-restrict)

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(ZLIB REQUIRED)
find_package(spdlog REQUIRED)
find_package(CLI11 REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(prometheus-cpp REQUIRED COMPONENTS core)
find_package(SQLite3 REQUIRED)
find_package(CURL REQUIRED)
find_package(Protobuf REQUIRED)
find_library(CIVETWEB_LIBRARY civetweb REQUIRED)

# cm_library(<name> SOURCES <file>... [DEPS <target>...] [PRIVATE_DEPS <target>...])
# A static library with the alias cm::<name>. Headers are included from the project's root.
function(cm_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS;PRIVATE_DEPS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  add_library(cm::${name} ALIAS ${name})
  target_include_directories(${name} PUBLIC "${PROJECT_SOURCE_DIR}" "${PROJECT_BINARY_DIR}")
  target_link_libraries(${name} PUBLIC ${ARG_DEPS} PRIVATE ${ARG_PRIVATE_DEPS})
endfunction()

# cm_test(<name> SOURCES <file>_test.cc... [DEPS <target>...])
# One doctest program, registered with CTest under its name and run from the project's root.
function(cm_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE cm::test_support ${ARG_DEPS})
  add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}")
endfunction()
