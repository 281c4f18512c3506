#include "tests/oracle/native.h"

#if defined(__x86_64__) && defined(__linux__)

#include <asm/ldt.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/ucontext.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace orrery::oracle {
namespace {

// --- what lies below 4 GiB in the child beside the cases' own pages --------------------------------------------------
constexpr u64 kStub = kDone;  // begins with a jump to where a case ends: the code between ..._begin and ..._end below
constexpr u64 kFrame = 0x20020000;  // Frame

/// Where the child's assembly finds everything, by absolute address.
struct Frame {
  u64 gpr[16];  // 0
  u64 flags;    // 128
  u32 target;   // 136: far pointer
  u16 target_cs, pad0;
  u16 ds, es, fs, gs, ss, set_bases;  // 144, 146, 148, 150, 152, 154
  u32 pad1;
  u64 fs_base, gs_base;  // 160, 168
  u64 pad2[2];
  alignas(16) u8 fx[512];                              // 192
  alignas(16) u8 fx_out[512];                          // 704
  u64 gpr_out[16];                                     // 1216
  u64 flags_out;                                       // 1344
  u16 ds_out, es_out, fs_out, gs_out, ss_out, signal;  // 1352, ... 1360, 1362
  u32 mxcsr;                                           // 1364
  u64 stack;                                           // 1368
  u64 own_fs_base;                                     // 1376
  u64 context;                                         // 1384
  u64 fs_base_out, gs_base_out;                        // 1392, 1400
};
static_assert(offsetof(Frame, target) == 136 && offsetof(Frame, ds) == 144 && offsetof(Frame, ss) == 152 &&
              offsetof(Frame, fs_base) == 160 && offsetof(Frame, fx) == 192 && offsetof(Frame, fx_out) == 704 &&
              offsetof(Frame, gpr_out) == 1216 && offsetof(Frame, flags_out) == 1344 &&
              offsetof(Frame, ds_out) == 1352 && offsetof(Frame, ss_out) == 1360 && offsetof(Frame, mxcsr) == 1364 &&
              offsetof(Frame, stack) == 1368 && offsetof(Frame, context) == 1384 &&
              offsetof(Frame, gs_base_out) == 1400);

// Copied to kStub. Every access to the frame is aligned: EFLAGS.AC may be on.
asm(R"(
.intel_syntax noprefix
.text
.set F, 0x20020000
.globl oracle_stub_begin, oracle_stub_enter, oracle_stub_done, oracle_stub_signal, oracle_stub_end
oracle_stub_begin:
  jmp oracle_stub_done
oracle_stub_enter:
  push rbx
  push rbp
  push r12
  push r13
  push r14
  push r15
  mov [F+1368], rsp
  rdfsbase rax
  mov [F+1376], rax
  mov word ptr [F+1362], 0
  fxrstor [F+192]
  movzx eax, word ptr [F+144]
  mov ds, eax
  movzx eax, word ptr [F+146]
  mov es, eax
  movzx eax, word ptr [F+148]
  mov fs, eax
  movzx eax, word ptr [F+150]
  mov gs, eax
  cmp word ptr [F+154], 0
  je 1f
  mov rax, [F+160]
  wrfsbase rax
  mov rax, [F+168]
  wrgsbase rax
1:
  mov rax, [F+0]
  mov rcx, [F+8]
  mov rdx, [F+16]
  mov rbx, [F+24]
  mov rbp, [F+40]
  mov rsi, [F+48]
  mov rdi, [F+56]
  mov r8, [F+64]
  mov r9, [F+72]
  mov r10, [F+80]
  mov r11, [F+88]
  mov r12, [F+96]
  mov r13, [F+104]
  mov r14, [F+112]
  mov r15, [F+120]
  push qword ptr [F+128]
  popfq
  mov ss, word ptr [F+152]
  mov rsp, [F+32]
  jmp fword ptr [F+136]
oracle_stub_done:
  mov [F+1216+0], rax
  mov [F+1216+8], rcx
  mov [F+1216+16], rdx
  mov [F+1216+24], rbx
  mov [F+1216+32], rsp
  mov [F+1216+40], rbp
  mov [F+1216+48], rsi
  mov [F+1216+56], rdi
  mov [F+1216+64], r8
  mov [F+1216+72], r9
  mov [F+1216+80], r10
  mov [F+1216+88], r11
  mov [F+1216+96], r12
  mov [F+1216+104], r13
  mov [F+1216+112], r14
  mov [F+1216+120], r15
  mov rsp, [F+1368]
  pushfq
  pop qword ptr [F+1344]
  fxsave [F+704]
  jmp 2f
oracle_stub_signal:
  mov [F+1362], di
  mov [F+1384], rdx
  mov rsp, [F+1368]
2:
  rdfsbase rax
  mov [F+1392], rax
  rdgsbase rax
  mov [F+1400], rax
  mov eax, ds
  mov [F+1352], ax
  mov eax, es
  mov [F+1354], ax
  mov eax, fs
  mov [F+1356], ax
  mov eax, gs
  mov [F+1358], ax
  mov eax, ss
  mov [F+1360], ax
  mov eax, 0x2b
  mov ss, eax
  xor eax, eax
  mov ds, eax
  mov es, eax
  mov fs, eax
  mov gs, eax
  mov rax, [F+1376]
  wrfsbase rax
  push 2
  popfq
  fninit
  ldmxcsr [F+1364]
  pop r15
  pop r14
  pop r13
  pop r12
  pop rbp
  pop rbx
  ret
oracle_stub_end:
.att_syntax
)");
extern "C" char oracle_stub_begin, oracle_stub_enter, oracle_stub_done, oracle_stub_signal, oracle_stub_end;

u64 stub_address(const char& label) { return kStub + static_cast<u64>(&label - &oracle_stub_begin); }

/// Memory that parent and child share.
struct Shared {
  u8 code[kSlots * kSlotBytes];
  u8 data[kDataBytes];
  unsigned count;
  volatile unsigned progress;
  Case cases[kSlots];
  Outcome outcomes[kSlots];
};

constexpr u64 page_up(u64 n) { return (n + 4095) & ~u64{4095}; }

long raw_syscall(long number, long a, long b, long c) {
  long result = 0;
  asm volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
  return result;
}

struct KernelAction {
  u64 handler, flags, restorer, mask;
};

void run_case(Shared& shared, unsigned slot) {
  auto& f = *reinterpret_cast<Frame*>(kFrame);
  const Case& c = shared.cases[slot];
  Outcome& o = shared.outcomes[slot];
  std::memcpy(f.gpr, c.gpr.data(), sizeof f.gpr);
  f.flags = c.flags;
  f.target = static_cast<u32>(slot_address(slot) - code_base(c.seg[cpu::kCs]));
  f.target_cs = c.seg[cpu::kCs];
  f.ds = c.seg[cpu::kDs], f.es = c.seg[cpu::kEs], f.fs = c.seg[cpu::kFs], f.gs = c.seg[cpu::kGs],
  f.ss = c.seg[cpu::kSs];
  f.set_bases = c.bits == Bits::B64;
  f.fs_base = c.fs_base, f.gs_base = c.gs_base;
  std::memcpy(f.fx, c.fx.data(), sizeof f.fx);
  f.mxcsr = 0x1f80;
  for (const Case::Poke& p : c.poke) std::memcpy(reinterpret_cast<u8*>(kDataBase + p.at), p.bytes.data(), p.size);
  reinterpret_cast<void (*)()>(stub_address(oracle_stub_enter))();
  o.seg = {f.es_out, 0, f.ss_out, f.ds_out, f.fs_out, f.gs_out};
  o.fs_base = f.fs_base_out, o.gs_base = f.gs_base_out;
  for_each_blank(c, [](u64 at) { *reinterpret_cast<u8*>(kDataBase + at) = 0; });
  if (f.signal == 0) {
    o.vector = kEnd;
    o.error = 0, o.cr2 = 0;
    std::memcpy(o.gpr.data(), f.gpr_out, sizeof f.gpr_out);
    o.flags = f.flags_out;
    o.rip = kDone;
    std::memcpy(o.fx.data(), f.fx_out, sizeof f.fx_out);
    return;
  }
  const auto& m = reinterpret_cast<const ucontext_t*>(f.context)->uc_mcontext;
  constexpr int kOrder[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                              REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
  for (unsigned n = 0; n < 16; ++n) o.gpr[n] = static_cast<u64>(m.gregs[kOrder[n]]);
  o.vector = static_cast<u32>(m.gregs[REG_TRAPNO]);
  o.error = static_cast<u32>(m.gregs[REG_ERR]);
  if (f.signal == SIGSYS || f.signal == SIGALRM) o.vector = kHang;
  o.cr2 = static_cast<u64>(m.gregs[REG_CR2]);
  o.flags = static_cast<u64>(m.gregs[REG_EFL]);
  o.rip = static_cast<u64>(m.gregs[REG_RIP]);
  o.seg[cpu::kCs] = static_cast<u16>(m.gregs[REG_CSGSFS]);
  o.seg[cpu::kSs] = static_cast<u16>(static_cast<u64>(m.gregs[REG_CSGSFS]) >> 48);
  std::memcpy(o.fx.data(), m.fpregs, 512);
}

bool write_ldt() {
  for (unsigned n = 0; n < std::size(kLdt); ++n) {
    const LdtEntry& e = kLdt[n];
    user_desc d{};
    d.entry_number = n;
    d.base_addr = e.base;
    d.limit = e.limit;
    d.seg_32bit = e.db;
    d.contents = static_cast<unsigned>(e.type >> 2);
    d.read_exec_only = (e.type & 2) == 0;
    d.limit_in_pages = e.g;
    d.seg_not_present = !e.present;
    if (syscall(SYS_modify_ldt, 1, &d, sizeof d) != 0) return false;
  }
  return true;
}

bool map_at(u64 address, u64 size, int protection, int fd, u64 offset) {
  const int flags = MAP_POPULATE | MAP_FIXED_NOREPLACE | (fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED);
  return mmap(reinterpret_cast<void*>(address), size, protection, flags, fd, static_cast<off_t>(offset)) ==
         reinterpret_cast<void*>(address);
}

bool prepare_child(int fd) {
  // The limit of Linux's segment 78h is the number of the processor.
  cpu_set_t first;
  CPU_ZERO(&first);
  CPU_SET(0, &first);
  sched_setaffinity(0, sizeof first, &first);
  bool ok = map_at(kCodeBase, kSlots * kSlotBytes, PROT_READ | PROT_EXEC, fd, offsetof(Shared, code));
  for (unsigned n = 0; n < kPages.size(); ++n) {
    if (kPages[n] == Page::None) continue;
    const int protection = kPages[n] == Page::ReadOnly ? PROT_READ : PROT_READ | PROT_WRITE;
    ok = ok && map_at(kDataBase + n * 0x1000, 0x1000, protection, fd, offsetof(Shared, data) + n * 0x1000);
  }
  ok = ok && map_at(kStub, 0x1000, PROT_READ | PROT_WRITE | PROT_EXEC, -1, 0) &&
       map_at(kFrame, 0x1000, PROT_READ | PROT_WRITE, -1, 0) && write_ldt();
  if (!ok) return false;
  std::memcpy(reinterpret_cast<void*>(kStub), &oracle_stub_begin,
              static_cast<std::size_t>(&oracle_stub_end - &oracle_stub_begin));
  if (mprotect(reinterpret_cast<void*>(kStub), 0x1000, PROT_READ | PROT_EXEC) != 0)
    return false;  // cases write anywhere
  stack_t stack{};
  stack.ss_size = 1 << 16;
  stack.ss_sp = mmap(nullptr, stack.ss_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (sigaltstack(&stack, nullptr) != 0) return false;
  for (const int number : {SIGFPE, SIGSEGV, SIGILL, SIGBUS, SIGTRAP, SIGSYS}) {
    // The C library's wrapper would add a restorer of its own, which is fine, but also know the signal's return.
    KernelAction a{.handler = stub_address(oracle_stub_signal),
                   .flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER | 0x04000000,
                   .restorer = kStub,
                   .mask = 0};
    if (syscall(SYS_rt_sigaction, number, &a, nullptr, 8) != 0) return false;
  }
  return true;
}

/// From here on the child may only read and write, and exit: a case that makes a system call gets SIGSYS.
bool confine(int in, int out) {
  sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0xc000003e, 0, 8),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 7, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_read, 0, 2),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<u32>(in), 4, 3),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 0, 2),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<u32>(out), 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  sock_fprog program{.len = std::size(filter), .filter = filter};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

[[noreturn]] void child_main(Shared& shared, int fd, int in, int out) {
  char byte = prepare_child(fd) && confine(in, out) ? 'y' : 'n';
  for (;;) {
    if (raw_syscall(SYS_write, out, reinterpret_cast<long>(&byte), 1) != 1 || byte != 'y' ||
        raw_syscall(SYS_read, in, reinterpret_cast<long>(&byte), 1) != 1) {
      raw_syscall(SYS_exit_group, 0, 0, 0);
    }
    for (unsigned n = 0; n < shared.count; ++n) {
      shared.progress = n;
      run_case(shared, n);
    }
    shared.progress = shared.count;
  }
}

bool wait_for(int fd) {
  pollfd p{.fd = fd, .events = POLLIN, .revents = 0};
  char byte = 0;
  return poll(&p, 1, 10000) == 1 && read(fd, &byte, 1) == 1 && byte == 'y';
}

}  // namespace

std::string Native::unavailable() {
  if ((getauxval(AT_HWCAP2) & 2) == 0) return "the kernel does not enable FSGSBASE";
  user_desc d{};
  d.read_exec_only = d.seg_not_present = 1;
  if (syscall(SYS_modify_ldt, 1, &d, sizeof d) != 0) return "the kernel has no modify_ldt()";
  return {};
}

Native::~Native() { stop(); }

void Native::stop() {
  if (child_ < 0) return;
  kill(child_, SIGKILL);
  waitpid(child_, nullptr, 0);
  close(to_child_);
  close(from_child_);
  munmap(shared_, page_up(sizeof(Shared)));
  child_ = -1;
}

bool Native::start() {
  const int fd = static_cast<int>(syscall(SYS_memfd_create, "oracle", 0));
  int down[2], up[2];
  if (fd < 0 || ftruncate(fd, static_cast<off_t>(page_up(sizeof(Shared)))) != 0 || pipe(down) != 0 || pipe(up) != 0)
    return false;
  shared_ = mmap(nullptr, page_up(sizeof(Shared)), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (shared_ == MAP_FAILED) return false;
  child_ = fork();
  if (child_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    close(down[1]);
    close(up[0]);
    child_main(*static_cast<Shared*>(shared_), fd, down[0], up[1]);
  }
  close(fd);
  close(down[0]);
  close(up[1]);
  to_child_ = down[1], from_child_ = up[0];
  if (child_ > 0 && wait_for(from_child_)) return true;
  stop();
  return false;
}

bool Native::run(const Batch& batch, unsigned count, std::span<Outcome> outcomes, std::span<u8> memory) {
  if (child_ < 0 && !start()) return false;
  auto& shared = *static_cast<Shared*>(shared_);
  std::memcpy(shared.data, batch.memory.data(), kDataBytes);
  const std::vector<u8> code = code_image(batch, count);
  std::copy(code.begin(), code.end(), shared.code);
  for (unsigned n = 0; n < count; ++n) {
    const Case& c = batch.cases[n];
    shared.cases[n] = c;
    shared.outcomes[n] = Outcome{};
    shared.outcomes[n].vector = kHang;
  }
  shared.count = count;
  const bool done = write(to_child_, "y", 1) == 1 && wait_for(from_child_);
  for (unsigned n = 0; n < count; ++n) {
    outcomes[n] = shared.outcomes[n];
    if (outcomes[n].vector == kEnd) outcomes[n].seg[cpu::kCs] = kUserCode64;
  }
  std::memcpy(memory.data(), shared.data, kDataBytes);
  if (!done) stop();
  return done;
}

}  // namespace orrery::oracle

#else

namespace orrery::oracle {
Native::~Native() = default;
std::string Native::unavailable() { return "this is no x86-64 Linux"; }
bool Native::run(const Batch&, unsigned, std::span<Outcome>, std::span<u8>) { return false; }
}  // namespace orrery::oracle

#endif
