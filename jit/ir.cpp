#include "jit/ir.h"

#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/MDBuilder.h>
#include <llvm/IR/Module.h>

#include <bit>

#include "cpu/insn.h"

namespace orrery::jit {

struct Ir::Parts {
  explicit Parts(llvm::Module& m) : module(m), context(m.getContext()), b(context), md(context) {
    llvm::MDNode* root = md.createTBAARoot("orrery");
    const auto tag = [&](const char* name) {
      llvm::MDNode* type = md.createTBAAScalarTypeNode(name, root);
      return md.createTBAAStructTagNode(type, type, 0);
    };
    own = tag("own");
    guest = tag("guest");
    scratch = tag("frame");
    unlikely = md.createBranchWeights(1, 2000);
    likely = md.createBranchWeights(2000, 1);
    pair = llvm::StructType::get(b.getInt64Ty(), b.getInt64Ty());
  }

  llvm::Type* type(unsigned bits) {
    return bits == 128 ? static_cast<llvm::Type*>(llvm::FixedVectorType::get(b.getInt64Ty(), 2)) : b.getIntNTy(bits);
  }
  llvm::Value* at(llvm::Value* base, u32 offset) {
    return offset == 0 ? base : b.CreateConstInBoundsGEP1_32(b.getInt8Ty(), base, offset);
  }
  template <class I> I* tagged(I* i, llvm::MDNode* tag) {
    i->setMetadata(llvm::LLVMContext::MD_tbaa, tag);
    return i;
  }
  llvm::Function* declare(const Ir& ir, std::string_view name, void* address, llvm::FunctionType* type) {
    const llvm::StringRef n(name.data(), name.size());
    if (llvm::Function* f = module.getFunction(n)) return f;
    auto* f = llvm::Function::Create(type, llvm::Function::ExternalLinkage, n, module);
    f->setDoesNotThrow();
    if (ir.on_symbol != nullptr) ir.on_symbol(ir.on_symbol_context, name, address);
    return f;
  }

  llvm::Module& module;
  llvm::LLVMContext& context;
  llvm::IRBuilder<> b;
  llvm::MDBuilder md;
  llvm::MDNode *own, *guest, *scratch, *unlikely, *likely;
  llvm::StructType* pair;
  llvm::Function* f = nullptr;
  llvm::BasicBlock* anchor_block = nullptr;
  llvm::Instruction* anchor = nullptr;  // the last one that was there or loaded there
};

Ir::Ir(llvm::Module& module) : p_(std::make_unique<Parts>(module)) {}
Ir::~Ir() = default;

void Ir::begin(std::string_view name) {
  auto& b = p_->b;
  auto* ptr = b.getPtrTy();
  auto* type = llvm::FunctionType::get(b.getInt32Ty(), {ptr, ptr, ptr}, false);
  p_->f = llvm::Function::Create(type, llvm::Function::ExternalLinkage, llvm::StringRef(name.data(), name.size()),
                                 p_->module);
  p_->f->setDoesNotThrow();
  for (auto& argument : p_->f->args()) argument.addAttr(llvm::Attribute::NoAlias);
  engine_ = p_->f->getArg(0);
  insns_ = p_->f->getArg(1);
  frame_ = p_->f->getArg(2);
  b.SetInsertPoint(llvm::BasicBlock::Create(p_->context, "entry", p_->f));
  set_anchor();
}

void Ir::end() { p_->f = nullptr; }

// --- values ----------------------------------------------------------------------------------------------------------

Node Ir::constant(unsigned bits, u64 value) { return llvm::ConstantInt::get(p_->b.getIntNTy(bits), value); }

std::optional<u64> Ir::known(Node n) {
  if (const auto* c = llvm::dyn_cast<llvm::ConstantInt>(n)) return c->getZExtValue();
  return std::nullopt;
}

unsigned Ir::bits(Node n) { return static_cast<unsigned>(n->getType()->getPrimitiveSizeInBits().getFixedValue()); }

Node Ir::binary(Binary op, Node a, Node b) {
  auto& builder = p_->b;
  switch (op) {
    case Binary::Add: return builder.CreateAdd(a, b);
    case Binary::Sub: return builder.CreateSub(a, b);
    case Binary::Mul: return builder.CreateMul(a, b);
    case Binary::And: return builder.CreateAnd(a, b);
    case Binary::Or: return builder.CreateOr(a, b);
    case Binary::Xor: return builder.CreateXor(a, b);
    case Binary::Shl: return builder.CreateShl(a, b);
    case Binary::Shr: return builder.CreateLShr(a, b);
    case Binary::Sar: return builder.CreateAShr(a, b);
    case Binary::Eq: return builder.CreateICmpEQ(a, b);
    case Binary::Ne: return builder.CreateICmpNE(a, b);
    case Binary::Lt: return builder.CreateICmpULT(a, b);
  }
  return nullptr;
}

Node Ir::unary(Unary op, Node a) {
  auto& b = p_->b;
  switch (op) {
    case Unary::ByteSwap: return bits(a) == 8 ? a : b.CreateUnaryIntrinsic(llvm::Intrinsic::bswap, a);
    case Unary::TrailingZeros: return b.CreateBinaryIntrinsic(llvm::Intrinsic::cttz, a, b.getFalse());
    case Unary::LeadingZeros: return b.CreateBinaryIntrinsic(llvm::Intrinsic::ctlz, a, b.getFalse());
    case Unary::Population: return b.CreateUnaryIntrinsic(llvm::Intrinsic::ctpop, a);
  }
  return nullptr;
}

Node Ir::zext(Node a, unsigned bits) { return p_->b.CreateZExt(a, p_->type(bits)); }
Node Ir::sext(Node a, unsigned bits) { return p_->b.CreateSExt(a, p_->type(bits)); }
Node Ir::trunc(Node a, unsigned bits) { return p_->b.CreateTrunc(a, p_->type(bits)); }

Node Ir::select(Node c, Node a, Node b) {
  if (const auto k = known(c)) return *k != 0 ? a : b;
  return p_->b.CreateSelect(c, a, b);
}

Node Ir::mul_high(Node a, Node b, bool is_signed) {
  auto& builder = p_->b;
  const unsigned width = bits(a);
  llvm::Type* wide = builder.getIntNTy(width * 2);
  const auto extend = [&](Node n) { return is_signed ? builder.CreateSExt(n, wide) : builder.CreateZExt(n, wide); };
  return builder.CreateTrunc(builder.CreateLShr(builder.CreateMul(extend(a), extend(b)), width), a->getType());
}

Node Ir::vector(Node low, Node high) {
  auto& b = p_->b;
  Node v = b.CreateInsertElement(llvm::PoisonValue::get(p_->type(128)), low, u64{0});
  return b.CreateInsertElement(v, high, u64{1});
}
Node Ir::low(Node v) { return p_->b.CreateExtractElement(v, u64{0}); }
Node Ir::high(Node v) { return p_->b.CreateExtractElement(v, u64{1}); }
Node Ir::with_low(Node v, Node low) { return p_->b.CreateInsertElement(v, low, u64{0}); }

Node Ir::packed(Packed op, unsigned lane_bits, Node a, Node b) {
  auto& builder = p_->b;
  llvm::Type* whole = a->getType();
  auto* lanes = llvm::FixedVectorType::get(builder.getIntNTy(lane_bits), bits(a) / lane_bits);
  Node x = builder.CreateBitCast(a, lanes), y = builder.CreateBitCast(b, lanes);
  const auto intrinsic = [&](llvm::Intrinsic::ID id) { return builder.CreateBinaryIntrinsic(id, x, y); };
  Node r = nullptr;
  switch (op) {
    case Packed::Add: r = builder.CreateAdd(x, y); break;
    case Packed::Sub: r = builder.CreateSub(x, y); break;
    case Packed::Mul: r = builder.CreateMul(x, y); break;
    case Packed::And: r = builder.CreateAnd(x, y); break;
    case Packed::Or: r = builder.CreateOr(x, y); break;
    case Packed::Xor: r = builder.CreateXor(x, y); break;
    case Packed::AndNot: r = builder.CreateAnd(builder.CreateNot(x), y); break;
    case Packed::Equal: r = builder.CreateSExt(builder.CreateICmpEQ(x, y), lanes); break;
    case Packed::GreaterSigned: r = builder.CreateSExt(builder.CreateICmpSGT(x, y), lanes); break;
    case Packed::Average: {  // rounded up, without overflow
      Node odd = builder.CreateLShr(builder.CreateXor(x, y), llvm::ConstantInt::get(lanes, 1));
      r = builder.CreateSub(builder.CreateOr(x, y), odd);
      break;
    }
    case Packed::MinUnsigned: r = intrinsic(llvm::Intrinsic::umin); break;
    case Packed::MaxUnsigned: r = intrinsic(llvm::Intrinsic::umax); break;
    case Packed::MinSigned: r = intrinsic(llvm::Intrinsic::smin); break;
    case Packed::MaxSigned: r = intrinsic(llvm::Intrinsic::smax); break;
    case Packed::AddSaturatedSigned: r = intrinsic(llvm::Intrinsic::sadd_sat); break;
    case Packed::AddSaturatedUnsigned: r = intrinsic(llvm::Intrinsic::uadd_sat); break;
    case Packed::SubSaturatedSigned: r = intrinsic(llvm::Intrinsic::ssub_sat); break;
    case Packed::SubSaturatedUnsigned: r = intrinsic(llvm::Intrinsic::usub_sat); break;
  }
  return builder.CreateBitCast(r, whole);
}

// --- memory ----------------------------------------------------------------------------------------------------------

Node Ir::insn(unsigned index) { return p_->at(insns_, static_cast<u32>(index * sizeof(cpu::Insn))); }

Node Ir::field(u32 offset, unsigned bits) {
  return p_->tagged(p_->b.CreateAlignedLoad(p_->type(bits), p_->at(engine_, offset), llvm::Align(bits / 8)), p_->own);
}
void Ir::set_field(u32 offset, Node v) {
  p_->tagged(p_->b.CreateAlignedStore(v, p_->at(engine_, offset), llvm::Align(bits(v) / 8)), p_->own);
}
Node Ir::frame_field(u32 offset, unsigned bits) {
  return p_->tagged(p_->b.CreateAlignedLoad(p_->type(bits), p_->at(frame_, offset), llvm::Align(1)), p_->scratch);
}
void Ir::set_frame_field(u32 offset, Node v) {
  p_->tagged(p_->b.CreateAlignedStore(v, p_->at(frame_, offset), llvm::Align(1)), p_->scratch);
}
Node Ir::frame_address(u32 offset) { return p_->at(frame_, offset); }

void Ir::set_anchor() {
  p_->anchor_block = p_->b.GetInsertBlock();
  p_->anchor = p_->anchor_block->empty() ? nullptr : &p_->anchor_block->back();
}

Node Ir::field_at_anchor(u32 offset, unsigned bits) {
  auto& b = p_->b;
  const auto saved = b.saveIP();
  if (p_->anchor == nullptr) {
    b.SetInsertPoint(p_->anchor_block, p_->anchor_block->begin());
  } else {
    b.SetInsertPoint(p_->anchor_block, std::next(p_->anchor->getIterator()));
  }
  Node n = field(offset, bits);
  p_->anchor = llvm::cast<llvm::Instruction>(n);
  b.restoreIP(saved);
  return n;
}

Node Ir::own_load(Node address, u32 offset) {
  auto& b = p_->b;
  Node p = p_->at(b.CreateIntToPtr(address, b.getPtrTy()), offset);
  return p_->tagged(b.CreateAlignedLoad(b.getInt64Ty(), p, llvm::Align(8)), p_->own);
}

Node Ir::guest_load(Node address, unsigned bits) {
  auto& b = p_->b;
  Node n = p_->tagged(b.CreateAlignedLoad(p_->type(bits), b.CreateIntToPtr(address, b.getPtrTy()), llvm::Align(1)),
                      p_->guest);
  if constexpr (std::endian::native == std::endian::big)
    return bits > 8 ? b.CreateUnaryIntrinsic(llvm::Intrinsic::bswap, n) : n;
  return n;
}
void Ir::guest_store(Node address, Node v) {
  auto& b = p_->b;
  if constexpr (std::endian::native == std::endian::big) {
    if (bits(v) > 8) v = b.CreateUnaryIntrinsic(llvm::Intrinsic::bswap, v);
  }
  p_->tagged(b.CreateAlignedStore(v, b.CreateIntToPtr(address, b.getPtrTy()), llvm::Align(1)), p_->guest);
}

// --- control ---------------------------------------------------------------------------------------------------------

Label Ir::label(const char* name) { return llvm::BasicBlock::Create(p_->context, name, p_->f); }
Label Ir::here() const { return p_->b.GetInsertBlock(); }
void Ir::go_to(Label l) { p_->b.SetInsertPoint(l); }
void Ir::branch(Label l) { p_->b.CreateBr(l); }

void Ir::branch_if(Node c, Label first, Label second, Likely likely) {
  p_->b.CreateCondBr(c, first, second,
                     likely == Likely::Unknown ? nullptr
                     : likely == Likely::First ? p_->likely
                                               : p_->unlikely);
}

Node Ir::phi(std::initializer_list<std::pair<Node, Label>> in) {
  auto* n = p_->b.CreatePHI(in.begin()->first->getType(), static_cast<unsigned>(in.size()));
  for (const auto& [value, from] : in) n->addIncoming(value, from);
  return n;
}

void Ir::ret(Node code) { p_->b.CreateRet(code); }

Node Ir::call(const Callee& callee, std::initializer_list<Node> arguments) {
  auto& b = p_->b;
  llvm::SmallVector<llvm::Type*, 8> types;
  for (Node n : arguments) types.push_back(n->getType());
  llvm::Type* result = callee.returns == Returns::Nothing ? b.getVoidTy()
                       : callee.returns == Returns::Code  ? b.getInt32Ty()
                                                          : static_cast<llvm::Type*>(p_->pair);
  auto* type = llvm::FunctionType::get(result, types, false);
  auto* f = p_->declare(*this, callee.symbol, callee.address, type);
  auto* call = b.CreateCall(type, f, llvm::ArrayRef<llvm::Value*>(arguments.begin(), arguments.size()));
  call->setDoesNotThrow();
  return call;
}

Node Ir::part(Node loaded, unsigned index) { return p_->b.CreateExtractValue(loaded, index); }

Node Ir::function(std::string_view symbol, void* address) {
  return p_->declare(*this, symbol, address, llvm::FunctionType::get(p_->b.getVoidTy(), false));
}

}  // namespace orrery::jit
