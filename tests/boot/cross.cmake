# Cross-built: the same guests for the same virtual time in this build, under its emulator, and in the native build beside it.
# Equal state hashes are the proof that no bit depends on the host.
set(native ${CMAKE_SOURCE_DIR}/build/orrery)
get_filename_component(guests ${CMAKE_SOURCE_DIR}/../shared/guests ABSOLUTE)
function(orrery_same_hash name image)
  add_test(NAME SameHash.${name} COMMAND ${CMAKE_COMMAND} "-DCROSS=${CMAKE_CROSSCOMPILING_EMULATOR};$<TARGET_FILE:orrery>"
           -DNATIVE=${native} -DIMAGE=${image} "-DARGUMENTS=${ARGN}" -P ${CMAKE_CURRENT_SOURCE_DIR}/same_hash.cmake)
  set_tests_properties(SameHash.${name} PROPERTIES TIMEOUT 900 SKIP_REGULAR_EXPRESSION "^skipped:")
endfunction()

orrery_same_hash(boot-disk ${CMAKE_BINARY_DIR}/tests/boot_disk.bin -run-for 1 -hda)
orrery_same_hash(grub-rescue /usr/lib/grub-rescue/grub-rescue-cdrom.iso -run-for 3 -cdrom)
orrery_same_hash(freedos ${guests}/freedos.boot.disk.360K.img -run-for 2 -fda)
orrery_same_hash(kolibrios ${guests}/kolibrios.img -run-for 2 -fda)
