# Functions that declare Tiphys' targets, and the flags that all of them share.
#
#   tiphys_library(NAME LINKS a b ...)  a folder of src/: every *.cc in it (and its subfolders) that
#                                       is not a test, fuzzer or bench becomes the library NAME;
#                                       *_test.cc become the one test program NAME_test (run by
#                                       ctest), each *_fuzz.cc a fuzzer, each *_bench.cc a bench.
#   EXCLUDE main.cc keeps a file out of the library (a program's main).
#   Tests may need more than the library: TEST_LINKS x y.

add_compile_options(-Wall -Wextra -Wpedantic -Werror -Wshadow -Wnon-virtual-dtor
  -Wno-missing-field-initializers -Wno-unused-parameter -fno-omit-frame-pointer
  -Wno-gnu-statement-expression -Wno-missing-designated-field-initializers)
add_compile_definitions(_GNU_SOURCE)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # So that ccache finds what another build folder compiled.
  add_compile_options(-Xclang -fno-pch-timestamp "-ffile-prefix-map=${CMAKE_SOURCE_DIR}=."
    -fcolor-diagnostics)
endif()
if(TIPHYS_SANITIZE)
  add_compile_options(-fsanitize=${TIPHYS_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${TIPHYS_SANITIZE})
endif()
if(TIPHYS_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

# tiphys_static(NAME file.a): an imported library found as a static archive.
function(tiphys_static name archive)
  find_library(TIPHYS_${name}_PATH NAMES ${archive} REQUIRED)
  add_library(dep_${name} INTERFACE)
  target_link_libraries(dep_${name} INTERFACE ${TIPHYS_${name}_PATH})
endfunction()

tiphys_static(ssl libssl.a)
tiphys_static(crypto libcrypto.a)
target_link_libraries(dep_crypto INTERFACE Threads::Threads dl)
target_link_libraries(dep_ssl INTERFACE dep_crypto)
tiphys_static(nghttp2 libnghttp2.a)
tiphys_static(sqlite3 libsqlite3.a)
target_link_libraries(dep_sqlite3 INTERFACE m dl Threads::Threads)
tiphys_static(yaml libyaml.a)
tiphys_static(re2 libre2.a)
tiphys_static(z libz.a)
tiphys_static(deflate libdeflate.a)
tiphys_static(jemalloc libjemalloc.a)

# One precompiled header of std headers, shared by every target. Not by CMake's REUSE_FROM: that puts
# build paths into command lines, so that build folders could not share ccache; for the same reason the
# header is found by <name> and not by its path, which CMake would write into cmake_pch.hxx. The .sum
# file is what ccache takes for the header's content (pch_external_checksum, see CMakePresets.json).
add_library(tiphys_pch STATIC ${CMAKE_SOURCE_DIR}/cmake/pch.cc)
target_include_directories(tiphys_pch PRIVATE ${CMAKE_SOURCE_DIR}/cmake)
target_precompile_headers(tiphys_pch PRIVATE <pch.h>)
set(TIPHYS_PCH ${CMAKE_BINARY_DIR}/CMakeFiles/tiphys_pch.dir/cmake_pch.hxx.pch)
file(SHA256 ${CMAKE_SOURCE_DIR}/cmake/pch.h pch_hash)
file(WRITE ${TIPHYS_PCH}.sum "${pch_hash} ${CMAKE_BUILD_TYPE} ${TIPHYS_SANITIZE} ${TIPHYS_FUZZ}\n")

function(tiphys_common target)
  target_include_directories(${target} PRIVATE ${CMAKE_SOURCE_DIR}/src ${CMAKE_BINARY_DIR}/gen)
  get_target_property(sources ${target} SOURCES)
  set_property(SOURCE ${sources} APPEND PROPERTY OBJECT_DEPENDS ${TIPHYS_PCH})
  target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:SHELL:-include-pch ${TIPHYS_PCH}>)
endfunction()

function(tiphys_library name)
  cmake_parse_arguments(ARG "" "" "LINKS;TEST_LINKS;EXTRA_SOURCES;EXCLUDE" ${ARGN})
  file(GLOB_RECURSE all CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  set(sources ${all})
  list(FILTER sources EXCLUDE REGEX "_(test|fuzz|bench)\\.cc$")
  set(tests ${all})
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  set(fuzzers ${all})
  list(FILTER fuzzers INCLUDE REGEX "_fuzz\\.cc$")
  set(benches ${all})
  list(FILTER benches INCLUDE REGEX "_bench\\.cc$")
  foreach(file ${ARG_EXCLUDE})
    list(REMOVE_ITEM sources ${CMAKE_CURRENT_SOURCE_DIR}/${file})
  endforeach()
  list(APPEND sources ${ARG_EXTRA_SOURCES})

  if(sources)
    add_library(${name} STATIC ${sources})
    tiphys_common(${name})
    target_link_libraries(${name} PUBLIC ${ARG_LINKS})
  else()
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE ${ARG_LINKS})
  endif()
  if(tests AND NOT TIPHYS_FUZZ)
    add_executable(${name}_test ${tests})
    tiphys_common(${name}_test)
    target_link_libraries(${name}_test PRIVATE ${name} ${ARG_TEST_LINKS} gmock gtest gtest_main
      Threads::Threads)
    add_test(NAME ${name} COMMAND ${name}_test WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    set_tests_properties(${name} PROPERTIES TIMEOUT 600)
  endif()
  if(TIPHYS_FUZZ)
    foreach(file ${fuzzers})
      get_filename_component(fuzzer ${file} NAME_WE)
      add_executable(${fuzzer} ${file})
      tiphys_common(${fuzzer})
      target_link_libraries(${fuzzer} PRIVATE ${name} ${ARG_TEST_LINKS})
      target_link_options(${fuzzer} PRIVATE -fsanitize=fuzzer)
      set_property(GLOBAL APPEND PROPERTY TIPHYS_FUZZERS ${fuzzer})
    endforeach()
  endif()
  foreach(file ${benches})
    get_filename_component(bench ${file} NAME_WE)
    add_executable(${bench} EXCLUDE_FROM_ALL ${file})
    tiphys_common(${bench})
    target_link_libraries(${bench} PRIVATE ${name} ${ARG_TEST_LINKS} benchmark Threads::Threads)
  endforeach()
endfunction()
