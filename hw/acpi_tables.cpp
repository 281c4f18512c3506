#include "hw/acpi_tables.h"

#include <algorithm>
#include <cstring>
#include <string_view>

namespace orrery::hw {
namespace {

constexpr std::string_view kOemId = "ORRERY";
constexpr std::string_view kOemTableId = "ORRERYPC";
constexpr std::size_t kHeaderSize = 36;
constexpr std::size_t kChecksumAt = 9;

// FADT flags.
constexpr u32 kWbinvd = 1 << 0;
constexpr u32 kProcC1 = 1 << 2;
constexpr u32 kNoSleepButton = 1 << 5;
constexpr u32 kRtcNotFixed = 1 << 6;
constexpr u32 kResetRegister = 1 << 10;

constexpr u8 kInIoSpace = 1;

/// Bytes that grow, little-endian.
class Bytes {
 public:
  std::vector<u8> data;

  std::size_t size() const { return data.size(); }
  template <class T> void put(std::type_identity_t<T> value) {
    data.resize(data.size() + sizeof(T));
    core::store_le<T>(data.data() + data.size() - sizeof(T), value);
  }
  void u1(u64 v) { put<u8>(static_cast<u8>(v)); }
  void u2(u64 v) { put<u16>(static_cast<u16>(v)); }
  void u4(u64 v) { put<u32>(static_cast<u32>(v)); }
  void u8s(u64 v) { put<u64>(v); }
  /// Text padded or cut to `size` bytes.
  void text(std::string_view s, std::size_t size, char pad = 0) {
    for (std::size_t i = 0; i < size; ++i) data.push_back(static_cast<u8>(i < s.size() ? s[i] : pad));
  }
  void align(std::size_t to) {
    while (data.size() % to != 0) data.push_back(0);
  }
};

/// Commands of the table loader, 128 bytes each.
class Loader {
 public:
  void allocate(std::string_view file, u32 alignment, u8 zone) {
    begin(1);
    out_.text(file, kName);
    out_.u4(alignment);
    out_.u1(zone);  // 1: anywhere high, 2: the F segment
    end();
  }
  void add_pointer(std::string_view file, std::string_view to, std::size_t offset, u8 size) {
    begin(2);
    out_.text(file, kName);
    out_.text(to, kName);
    out_.u4(offset);
    out_.u1(size);
    end();
  }
  void add_checksum(std::string_view file, std::size_t at, std::size_t start, std::size_t length) {
    begin(3);
    out_.text(file, kName);
    out_.u4(at);
    out_.u4(start);
    out_.u4(length);
    end();
  }
  std::vector<u8> take() { return std::move(out_.data); }

 private:
  static constexpr std::size_t kName = 56;
  void begin(u32 command) { out_.u4(command); }
  void end() { out_.align(128); }
  Bytes out_;
};

class Builder {
 public:
  explicit Builder(const AcpiOptions& options) : o_(options) {}

  AcpiTables build() {
    loader_.allocate(AcpiTables::kTablesFile, 64, 1);
    loader_.allocate(AcpiTables::kRsdpFile, 16, 2);
    const std::size_t facs = add_facs();
    const std::size_t dsdt = add_dsdt();
    std::vector<std::size_t> listed{add_fadt(facs, dsdt)};
    if (o_.local_apic) listed.push_back(add_madt());
    if (o_.hpet) listed.push_back(add_hpet());
    const std::size_t rsdt = add_list("RSDT", listed, 4);
    const std::size_t xsdt = add_list("XSDT", listed, 8);
    AcpiTables result;
    result.rsdp = make_rsdp(rsdt, xsdt);
    result.tables = std::move(t_.data);
    result.loader = loader_.take();
    return result;
  }

 private:
  /// Begins a table with the common header; returns its offset.
  std::size_t begin(std::string_view signature, u8 revision) {
    t_.align(16);
    const std::size_t start = t_.size();
    t_.text(signature, 4);
    t_.u4(0);  // length, set by end()
    t_.u1(revision);
    t_.u1(0);  // checksum
    t_.text(kOemId, 6);
    t_.text(kOemTableId, 8);
    t_.u4(1);
    t_.text("ORRY", 4);
    t_.u4(1);
    return start;
  }
  std::size_t end(std::size_t start) {
    const std::size_t length = t_.size() - start;
    core::store_le<u32>(&t_.data[start + 4], static_cast<u32>(length));
    loader_.add_checksum(AcpiTables::kTablesFile, start + kChecksumAt, start, length);
    return start;
  }
  /// A pointer into the tables: an offset now, an address when the firmware has run.
  void pointer(std::size_t to, u8 size) {
    loader_.add_pointer(AcpiTables::kTablesFile, AcpiTables::kTablesFile, t_.size(), size);
    if (size == 4) {
      t_.u4(to);
    } else {
      t_.u8s(to);
    }
  }
  /// Generic address of a port range (ACPI 2.0, section 5.2.3.1).
  void port_address(u8 bits, u16 port) {
    t_.u1(port != 0 ? kInIoSpace : 0);
    t_.u1(port != 0 ? bits : 0);
    t_.u1(0);
    t_.u1(0);
    t_.u8s(port);
  }

  std::size_t add_facs() {
    t_.align(64);
    const std::size_t start = t_.size();
    t_.text("FACS", 4);
    t_.u4(64);
    t_.data.resize(start + 64);
    return start;
  }

  std::size_t add_dsdt() {
    t_.align(16);
    const std::size_t start = t_.size();
    std::vector<u8> dsdt(o_.dsdt.begin(), o_.dsdt.end());
    if (dsdt.size() < kHeaderSize || std::memcmp(dsdt.data(), "DSDT", 4) != 0 ||
        core::load_le<u32>(&dsdt[4]) != dsdt.size()) {
      throw std::logic_error("acpi: the definition block is not a DSDT");
    }
    u32 present = o_.serial_ports & 0x0f;
    if (o_.parallel) present |= 0x10;
    if (o_.floppy) present |= 0x20;
    if (o_.keyboard) present |= 0x40;
    if (o_.hpet) present |= 0x80;
    set_name(dsdt, "MEMB", 0x12345678, o_.pci_memory);
    set_name(dsdt, "PRES", 0x12345679, present);
    t_.data.insert(t_.data.end(), dsdt.begin(), dsdt.end());
    t_.data[start + kChecksumAt] = 0;
    return end(start);
  }

  /// Name (`name`, placeholder) as AML: NameOp, four letters, DWordPrefix, value.
  static void set_name(std::vector<u8>& aml, std::string_view name, u32 placeholder, u32 value) {
    Bytes pattern;
    pattern.u1(0x08);
    pattern.text(name, 4);
    pattern.u1(0x0c);
    pattern.u4(placeholder);
    auto at = std::search(aml.begin(), aml.end(), pattern.data.begin(), pattern.data.end());
    if (at == aml.end()) throw std::logic_error("acpi: the definition block lacks the name " + std::string(name));
    core::store_le<u32>(&*at + 6, value);
  }

  std::size_t add_fadt(std::size_t facs, std::size_t dsdt) {
    const u16 pm = o_.pm_base;
    const std::size_t start = begin("FACP", 3);
    pointer(facs, 4);
    pointer(dsdt, 4);
    t_.u1(o_.io_apic ? 1 : 0);  // interrupt model (ACPI 1.0)
    t_.u1(0);                   // power profile: unspecified
    t_.u2(9);                   // SCI
    t_.u4(o_.smi_command_port);
    t_.u1(o_.acpi_enable);
    t_.u1(o_.acpi_disable);
    t_.u1(0);           // S4BIOS_REQ
    t_.u1(0);           // PSTATE_CNT
    t_.u4(pm);          // PM1a event
    t_.u4(0);           // PM1b event
    t_.u4(pm + 4u);     // PM1a control
    t_.u4(0);           // PM1b control
    t_.u4(0);           // PM2 control
    t_.u4(pm + 8u);     // timer
    t_.u4(pm + 0x0cu);  // GPE0
    t_.u4(0);           // GPE1
    t_.u1(4);           // lengths of the blocks
    t_.u1(2);
    t_.u1(0);
    t_.u1(4);
    t_.u1(4);
    t_.u1(0);
    t_.u1(0);       // GPE1 base
    t_.u1(0);       // CST_CNT
    t_.u2(0x0fff);  // C2 latency: no C2
    t_.u2(0x0fff);  // C3 latency: no C3
    t_.u2(0);       // flush size and stride: WBINVD works
    t_.u2(0);
    t_.u1(0);  // duty cycle: none
    t_.u1(0);
    t_.u1(0);  // day, month alarm: none
    t_.u1(0);
    t_.u1(0x32);    // century in CMOS
    t_.u2(0x0003);  // legacy devices and 8042 are there
    t_.u1(0);
    t_.u4(kWbinvd | kProcC1 | kNoSleepButton | kRtcNotFixed | kResetRegister);
    port_address(8, o_.reset_port);
    t_.u1(o_.reset_value);
    t_.u1(0);
    t_.u1(0);
    t_.u1(0);
    pointer(facs, 8);
    pointer(dsdt, 8);
    port_address(32, pm);
    port_address(0, 0);
    port_address(16, static_cast<u16>(pm + 4));
    port_address(0, 0);
    port_address(0, 0);
    port_address(32, static_cast<u16>(pm + 8));
    port_address(32, static_cast<u16>(pm + 0x0c));
    port_address(0, 0);
    return end(start);
  }

  std::size_t add_madt() {
    const std::size_t start = begin("APIC", 1);
    t_.u4(0xfee00000);
    t_.u4(1);  // the 8259 pair is there too
    for (unsigned id = 0; id < o_.processors; ++id) {
      t_.u1(0);  // processor local APIC
      t_.u1(8);
      t_.u1(id);
      t_.u1(id);
      t_.u4(1);  // enabled
    }
    if (o_.io_apic) {
      t_.u1(1);
      t_.u1(12);
      t_.u1(0);  // identifier; SeaBIOS's MP table agrees
      t_.u1(0);
      t_.u4(0xfec00000);
      t_.u4(0);
      source_override(0, 2, 0);  // the timer
      // Active high, level-triggered: the SCI and what PIRQ links can be routed to.
      for (u8 irq : {u8{5}, u8{9}, u8{10}, u8{11}}) source_override(irq, irq, 0x000d);
    }
    t_.u1(4);  // local APIC NMI: input 1 of every processor
    t_.u1(6);
    t_.u1(0xff);
    t_.u2(0);
    t_.u1(1);
    return end(start);
  }
  void source_override(u8 irq, u32 input, u16 flags) {
    t_.u1(2);
    t_.u1(10);
    t_.u1(0);  // ISA
    t_.u1(irq);
    t_.u4(input);
    t_.u2(flags);
  }

  std::size_t add_hpet() {
    const std::size_t start = begin("HPET", 1);
    t_.u4(0x8086a201);  // revision 1, three timers, 64-bit counter, legacy replacement, vendor 8086h
    t_.u1(0);           // memory
    t_.u1(64);
    t_.u1(0);
    t_.u1(0);
    t_.u8s(0xfed00000);
    t_.u1(0);       // sequence
    t_.u2(0x0080);  // minimum tick in periodic mode
    t_.u1(0);
    return end(start);
  }

  std::size_t add_list(std::string_view signature, const std::vector<std::size_t>& tables, u8 pointer_size) {
    const std::size_t start = begin(signature, 1);
    for (std::size_t table : tables) pointer(table, pointer_size);
    return end(start);
  }

  std::vector<u8> make_rsdp(std::size_t rsdt, std::size_t xsdt) {
    Bytes r;
    r.text("RSD PTR ", 8);
    r.u1(0);  // checksum
    r.text(kOemId, 6);
    r.u1(2);
    r.u4(rsdt);
    r.u4(36);
    r.u8s(xsdt);
    r.u1(0);  // extended checksum
    r.u1(0);
    r.u2(0);
    loader_.add_pointer(AcpiTables::kRsdpFile, AcpiTables::kTablesFile, 16, 4);
    loader_.add_pointer(AcpiTables::kRsdpFile, AcpiTables::kTablesFile, 24, 8);
    loader_.add_checksum(AcpiTables::kRsdpFile, 8, 0, 20);
    loader_.add_checksum(AcpiTables::kRsdpFile, 32, 0, 36);
    return std::move(r.data);
  }

  const AcpiOptions& o_;
  Bytes t_;
  Loader loader_;
};

}  // namespace

AcpiTables build_acpi_tables(const AcpiOptions& options) { return Builder(options).build(); }

}  // namespace orrery::hw
