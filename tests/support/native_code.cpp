#include "tests/support/native_code.h"

#ifdef ORRERY_NATIVE_CODE

#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <algorithm>
#include <cstddef>

namespace orrery::test {

// orrery_run_native(state, code): R15 holds the state, R13 the way back.
asm(R"(
.intel_syntax noprefix
.text
.globl orrery_run_native, orrery_native_end
.type orrery_run_native, @function
.type orrery_native_end, @function
orrery_run_native:
  push rbx
  push rbp
  push r12
  push r13
  push r14
  push r15
  mov r15, rdi
  mov r14, rsi
  lea r13, [rip + orrery_native_end]
  pushfq
  pop qword ptr [r15 + 1096]
  fxsave64 [r15 + 512]
  fxrstor64 [r15]
  push qword ptr [r15 + 1088]
  popfq
  mov rax, [r15 + 1024]
  mov rcx, [r15 + 1032]
  mov rdx, [r15 + 1040]
  mov rbx, [r15 + 1048]
  mov rbp, [r15 + 1064]
  mov rsi, [r15 + 1072]
  mov rdi, [r15 + 1080]
  jmp r14
orrery_native_end:
  pushfq
  pop qword ptr [r15 + 1088]
  mov [r15 + 1024], rax
  mov [r15 + 1032], rcx
  mov [r15 + 1040], rdx
  mov [r15 + 1048], rbx
  mov [r15 + 1064], rbp
  mov [r15 + 1072], rsi
  mov [r15 + 1080], rdi
  fxsave64 [r15]
  fxrstor64 [r15 + 512]
  push qword ptr [r15 + 1096]
  popfq
  pop r15
  pop r14
  pop r13
  pop r12
  pop rbp
  pop rbx
  ret
.att_syntax
)");

extern "C" void orrery_run_native(NativeState* state, const void* code);
extern "C" char orrery_native_end;

static_assert(offsetof(NativeState, host_fx) == 512 && offsetof(NativeState, gpr) == 1024 &&
              offsetof(NativeState, flags) == 1088 && offsetof(NativeState, host_flags) == 1096);

namespace {

volatile int raised = 0;

void on_signal(int number, siginfo_t*, void* context) {
  raised = number;
  static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_RIP] = reinterpret_cast<greg_t>(&orrery_native_end);
}

u8* code_page() {
  static u8* page = [] {
    void* p = mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? nullptr : static_cast<u8*>(p);
  }();
  return page;
}

}  // namespace

int run_native(std::span<const u8> code, NativeState& state) {
  u8* page = code_page();
  if (page == nullptr || code.size() > 64) return SIGSYS;
  constexpr u8 kBack[] = {0x41, 0xff, 0xe5};  // jmp r13
  std::copy(std::begin(kBack), std::end(kBack), std::copy(code.begin(), code.end(), page));
  constexpr int kSignals[] = {SIGFPE, SIGSEGV, SIGILL, SIGBUS, SIGTRAP};
  struct sigaction old[std::size(kSignals)], action{};
  action.sa_sigaction = on_signal;
  action.sa_flags = SA_SIGINFO;
  for (std::size_t n = 0; n < std::size(kSignals); ++n) sigaction(kSignals[n], &action, &old[n]);
  raised = 0;
  orrery_run_native(&state, page);
  for (std::size_t n = 0; n < std::size(kSignals); ++n) sigaction(kSignals[n], &old[n], nullptr);
  return raised;
}

}  // namespace orrery::test

#endif
