# One suite of the CPU torture kit: cmake -DORRERY=... -DKIT=... -DSUITE=... -P torture.cmake
execute_process(COMMAND ${KIT}/run.sh ${ORRERY} ${SUITE} RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
message("${output}")
if(NOT status EQUAL 0)
  message(FATAL_ERROR "${SUITE}: forms differ from silicon")
endif()
