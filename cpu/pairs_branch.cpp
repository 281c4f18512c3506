#include "cpu/pair_lists.h"

namespace orrery::cpu {
namespace {

using namespace detail;
using namespace sem;

template <unsigned Size>
using Branches =
    List<Branch<Size, CondB>, Branch<Size, CondNot<CondB>>, Branch<Size, CondE>, Branch<Size, CondNot<CondE>>,
         Branch<Size, CondBE>, Branch<Size, CondNot<CondBE>>, Branch<Size, CondS>, Branch<Size, CondNot<CondS>>,
         Branch<Size, CondL>, Branch<Size, CondNot<CondL>>, Branch<Size, CondLE>, Branch<Size, CondNot<CondLE>>>;
using Words = List<WordReg<Cmp>, WordImm<Cmp>, WordReg<Test>, WordImm<Test>, WordImm<Add>, WordReg<Sub>, WordImm<Sub>,
                   WordReg<And>, WordReg<Or>, Word<Inc>, Word<Dec>, ByteReg<Cmp>, ByteImm<Cmp>, ByteReg<Test>,
                   ByteImm<Test>, ByteReg<Or>>;
using Dwords =
    List<DwordReg<Cmp>, DwordImm<Cmp>, DwordReg<Test>, DwordImm<Test>, DwordReg<Add>, DwordImm<Add>, DwordReg<Sub>,
         DwordImm<Sub>, DwordReg<And>, DwordImm<And>, Dword<Inc>, Dword<Dec>, ByteReg<Cmp>, ByteImm<Cmp>, ByteReg<Test>,
         ByteImm<Test>, DwordStore<u32, MemForm::FlatBase>, DwordLoad<u32, MemForm::FlatBase>>;

constexpr auto kWords = all_pairs(Words{}, Branches<0>{});
constexpr auto kDwords = all_pairs(Dwords{}, Branches<1>{});
constexpr auto kPairs = [] {
  std::array<Pair, kWords.size() + kDwords.size()> all{};
  std::copy(kDwords.begin(), kDwords.end(), std::copy(kWords.begin(), kWords.end(), all.begin()));
  return all;
}();

}  // namespace

std::span<const Pair> branch_pairs() { return kPairs; }

}  // namespace orrery::cpu
