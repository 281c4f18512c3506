#include "cpu/pair_lists.h"

namespace orrery::cpu {
namespace {

using namespace detail;
using namespace sem;

using Load = Half<Mov, false, 0, RegOp<u16, 0>, MemOp<u16, MemForm::Segment>>;
using Store = Half<Mov, false, 0, MemOp<u16, MemForm::Segment>, RegOp<u16, 1>>;

using Firsts = List<WordReg<Mov>, WordImm<Mov>, WordReg<Add>, WordImm<Add>, WordReg<Sub>, WordReg<And>, WordImm<And>,
                    WordReg<Or>, WordReg<Xor>, WordImm<Xor>, Word<Inc>, Word<Dec>, WordByOne<Shl>, WordByOne<Shr>,
                    WordByOne<Ror>, ByteReg<Mov>, ByteImm<Mov>, Load, Store, Word<Push>, Word<Pop>>;
using Seconds = List<WordReg<Mov>, WordImm<Mov>, WordReg<Add>, WordImm<Add>, WordReg<Sub>, WordReg<And>, WordImm<And>,
                     WordReg<Or>, WordReg<Xor>, WordImm<Xor>, Word<Inc>, Word<Dec>, WordByOne<Shl>, WordByOne<Shr>,
                     WordByOne<Ror>, ByteReg<Mov>, ByteImm<Mov>, Load, Store, Word<Push>, Word<Pop>>;

constexpr auto kPairs = all_pairs(Firsts{}, Seconds{});

}  // namespace

std::span<const Pair> real_pairs() { return kPairs; }

}  // namespace orrery::cpu
