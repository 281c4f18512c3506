#include "cpu/pair_lists.h"

namespace orrery::cpu {
namespace {

using namespace detail;
using namespace sem;
using enum MemForm;

using Firsts =
    List<DwordReg<Mov>, DwordImm<Mov>, DwordReg<Add>, DwordImm<Add>, DwordReg<Sub>, DwordImm<Sub>, DwordReg<And>,
         DwordImm<And>, DwordReg<Or>, DwordReg<Xor>, DwordReg<Adc>, DwordReg<Cmp>, DwordReg<Imul2>, DwordShift<Shl>,
         DwordShift<Shr>, DwordShift<Sar>, DwordShift<Rol>, DwordShift<Ror>, Dword<Inc>, Dword<Dec>, Byte<SetB>,
         DwordExtendReg<u8>, DwordExtendReg<u16>, DwordLea<Flat>, DwordLea<FlatBase>, DwordLoad<u32, FlatBase>,
         DwordLoad<u32, Flat>, DwordStore<u32, FlatBase>, DwordExtend<u8, FlatBase>, DwordExtend<u16, FlatBase>,
         Dword<Push>, Dword<Pop>>;
using Seconds =
    List<DwordReg<Mov>, DwordImm<Mov>, DwordReg<Add>, DwordImm<Add>, DwordReg<Sub>, DwordImm<Sub>, DwordReg<And>,
         DwordImm<And>, DwordReg<Or>, DwordReg<Xor>, DwordReg<Adc>, DwordReg<Cmp>, DwordImm<Cmp>, DwordReg<Test>,
         DwordReg<Imul2>, DwordShift<Shl>, DwordShift<Shr>, DwordShift<Sar>, DwordShift<Rol>, DwordShift<Ror>,
         Dword<Inc>, Dword<Dec>, Byte<SetB>, DwordExtendReg<u8>, DwordExtendReg<u16>, DwordLea<Flat>,
         DwordLea<FlatBase>, DwordLoad<u32, FlatBase>, DwordLoad<u32, Flat>, DwordStore<u32, FlatBase>,
         DwordStore<u32, Flat>, DwordExtend<u8, FlatBase>, DwordExtend<u16, FlatBase>, Dword<Push>, Dword<Pop>>;

constexpr auto kPairs = all_pairs(Firsts{}, Seconds{});

}  // namespace

std::span<const Pair> flat_pairs() { return kPairs; }

}  // namespace orrery::cpu
