// LLVM's IR as the lifter sees it: values and blocks are opaque, so that only ir.cpp and compiler.cpp include LLVM.
//
// Integers are nodes of 1, 8, 16, 32 or 64 bits, vectors of 128 bits are <2 x i64>. Operations on constants fold at
// once.
#pragma once

#include <initializer_list>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "hw/core/types.h"

namespace llvm {
class BasicBlock;
class Module;
class Value;
}  // namespace llvm

namespace orrery::jit {

using Node = llvm::Value*;
using Label = llvm::BasicBlock*;

enum class Binary : u8 { Add, Sub, Mul, And, Or, Xor, Shl, Shr, Sar, Eq, Ne, Lt };
enum class Unary : u8 { ByteSwap, TrailingZeros, LeadingZeros, Population };
/// Lane-wise operations on vectors.
enum class Packed : u8 {
  Add,
  Sub,
  Mul,
  And,
  Or,
  Xor,
  AndNot,
  Equal,
  GreaterSigned,
  Average,
  MinUnsigned,
  MaxUnsigned,
  MinSigned,
  MaxSigned,
  AddSaturatedSigned,
  AddSaturatedUnsigned,
  SubSaturatedSigned,
  SubSaturatedUnsigned
};

/// What a called C++ function returns.
enum class Returns : u8 { Nothing, Code /* u32 */, Loaded /* two u64 */ };
struct Callee {
  std::string_view symbol;
  void* address;
  Returns returns;
};

/// Builds one function at a time in a module.
class Ir {
 public:
  explicit Ir(llvm::Module& module);
  ~Ir();
  Ir(const Ir&) = delete;
  Ir& operator=(const Ir&) = delete;

  /// Callees and helpers that the module's code refers to are announced here.
  void (*on_symbol)(void* context, std::string_view name, void* address) = nullptr;
  void* on_symbol_context = nullptr;

  /// A new function `u32 name(Engine*, const Insn*, Frame*)`; building goes on in its entry.
  void begin(std::string_view name);
  /// Building of the function is over.
  void end();

  // --- values --------------------------------------------------------------------------------------------------------
  Node constant(unsigned bits, u64 value);
  /// The value of a constant of up to 64 bits.
  static std::optional<u64> known(Node n);
  static unsigned bits(Node n);
  Node binary(Binary op, Node a, Node b);
  Node unary(Unary op, Node a);
  Node zext(Node a, unsigned bits);
  Node sext(Node a, unsigned bits);
  Node trunc(Node a, unsigned bits);
  Node select(Node c, Node a, Node b);
  /// The upper half of the product.
  Node mul_high(Node a, Node b, bool is_signed);
  Node vector(Node low, Node high);
  Node low(Node v);
  Node high(Node v);
  Node with_low(Node v, Node low);
  /// `op` on lanes of `lane_bits`; both operands 128-bit vectors or 64-bit integers.
  Node packed(Packed op, unsigned lane_bits, Node a, Node b);

  // --- memory --------------------------------------------------------------------------------------------------------
  Node engine() const { return engine_; }
  Node frame() const { return frame_; }
  Node insn(unsigned index);
  /// Fields of Engine and of Frame by offset.
  Node field(u32 offset, unsigned bits);
  void set_field(u32 offset, Node v);
  Node frame_field(u32 offset, unsigned bits);
  void set_frame_field(u32 offset, Node v);
  Node frame_address(u32 offset);
  /// A field of Engine as it was at the anchor, which dominates all that is built until the next anchor.
  Node field_at_anchor(u32 offset, unsigned bits);
  void set_anchor();
  /// A quadword of what the processor keeps for itself (the TLB) at a host address.
  Node own_load(Node address, u32 offset);
  /// Guest memory at a host address, little-endian.
  Node guest_load(Node address, unsigned bits);
  void guest_store(Node address, Node v);

  // --- control -------------------------------------------------------------------------------------------------------
  Label label(const char* name);
  Label here() const;
  void go_to(Label l);
  void branch(Label l);
  enum class Likely : u8 { Unknown, First, Second };
  void branch_if(Node c, Label first, Label second, Likely likely = Likely::Unknown);
  Node phi(std::initializer_list<std::pair<Node, Label>> in);
  void ret(Node code);
  Node call(const Callee& callee, std::initializer_list<Node> arguments);
  /// Members of a call's Loaded.
  Node part(Node loaded, unsigned index);
  /// The address of a C++ function.
  Node function(std::string_view symbol, void* address);

 private:
  struct Parts;
  std::unique_ptr<Parts> p_;
  Node engine_ = nullptr;
  Node insns_ = nullptr;
  Node frame_ = nullptr;
};

}  // namespace orrery::jit
