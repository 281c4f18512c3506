cmake_minimum_required(VERSION 3.25)
# Fails where a source file is not laid out as .clang-format says: cmake -DROOT=<source folder> -DCLANG_FORMAT=<program> -P tests/format.cmake
file(GLOB_RECURSE files RELATIVE ${ROOT}
     ${ROOT}/cpu/*.h ${ROOT}/cpu/*.cpp ${ROOT}/firmware/*.h ${ROOT}/firmware/*.cpp ${ROOT}/frontend/*.h ${ROOT}/frontend/*.cpp
     ${ROOT}/hw/*.h ${ROOT}/hw/*.cpp ${ROOT}/jit/*.h ${ROOT}/jit/*.cpp ${ROOT}/machine/*.h ${ROOT}/machine/*.cpp
     ${ROOT}/tests/*.h ${ROOT}/tests/*.cpp)
list(LENGTH files count)
if(count LESS 10)
  message(FATAL_ERROR "found only ${count} files under '${ROOT}': give -DROOT=<source folder>")
endif()
execute_process(COMMAND ${CLANG_FORMAT} --dry-run -Werror ${files} WORKING_DIRECTORY ${ROOT} RESULT_VARIABLE status)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "not laid out as .clang-format says: run clang-format-19 -i on the files named above")
endif()
