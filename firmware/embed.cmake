# cmake -DINPUT=file -DOUTPUT=file.cpp -DNAME=array [-DMODE=CHECKSUM] -P embed.cmake
file(READ ${INPUT} hex HEX)
if(MODE STREQUAL "CHECKSUM")
  string(REGEX MATCHALL ".." bytes "${hex}")
  set(sum 0)
  foreach(byte IN LISTS bytes)
    math(EXPR sum "(${sum} + 0x${byte}) & 0xff")
  endforeach()
  string(LENGTH "${hex}" length)
  math(EXPR kept "${length} - 2")
  string(SUBSTRING "${hex}" ${kept} 2 last)
  math(EXPR last "(0x${last} - ${sum}) & 0xff" OUTPUT_FORMAT HEXADECIMAL)
  string(REPLACE "0x" "0" last "${last}")
  string(LENGTH "${last}" digits)
  math(EXPR start "${digits} - 2")
  string(SUBSTRING "${last}" ${start} 2 last)
  string(SUBSTRING "${hex}" 0 ${kept} hex)
  string(APPEND hex "${last}")
endif()
string(LENGTH "${hex}" length)
math(EXPR size "${length} / 2")
string(REGEX REPLACE "(..)" "0x\\1," array "${hex}")
string(REGEX REPLACE "(................................................................................)" "\\1\n" array "${array}")
file(WRITE ${OUTPUT} "// Made by embed.cmake.
#include <cstddef>
namespace orrery::firmware::detail {
extern const unsigned char ${NAME}[];
extern const std::size_t ${NAME}_size;
const unsigned char ${NAME}[] = {
${array}
};
const std::size_t ${NAME}_size = ${size};
}  // namespace orrery::firmware::detail
")
