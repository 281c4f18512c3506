#include "hw/acpi_tables.h"

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <numeric>

#include "firmware/firmware.h"

namespace orrery::hw {
namespace {

using core::load_le;
using core::store_le;

struct Table {
  std::string signature;
  std::vector<u8> bytes;
  u32 dword(std::size_t at) const { return load_le<u32>(&bytes[at]); }
  u64 qword(std::size_t at) const { return load_le<u64>(&bytes[at]); }
};

/// Does what the firmware does with the loader commands, with the tables at kTables and the RSDP at kRsdp.
struct Firmware {
  static constexpr u64 kTables = 0x7fe0000;
  static constexpr u64 kRsdp = 0xf5a00;
  std::map<std::string, std::vector<u8>> files;
  std::map<std::string, u64> where;
  std::map<std::string, u32> alignment;
  std::map<std::string, u8> zone;

  explicit Firmware(const AcpiTables& t) {
    files[AcpiTables::kTablesFile] = t.tables;
    files[AcpiTables::kRsdpFile] = t.rsdp;
    EXPECT_EQ(t.loader.size() % 128, 0u);
    for (std::size_t at = 0; at < t.loader.size(); at += 128) run(&t.loader[at]);
  }
  static std::string name(const u8* p) { return reinterpret_cast<const char*>(p); }
  void run(const u8* c) {
    switch (load_le<u32>(c)) {
      case 1: {
        const std::string file = name(c + 4);
        alignment[file] = load_le<u32>(c + 60);
        zone[file] = c[64];
        where[file] = file == AcpiTables::kTablesFile ? kTables : kRsdp;
        break;
      }
      case 2: {
        std::vector<u8>& file = files.at(name(c + 4));
        const u64 base = where.at(name(c + 60));
        const u32 at = load_le<u32>(c + 116);
        const u8 size = c[120];
        ASSERT_LE(at + size, file.size());
        if (size == 4) {
          store_le<u32>(&file[at], static_cast<u32>(load_le<u32>(&file[at]) + base));
        } else {
          ASSERT_EQ(size, 8);
          store_le<u64>(&file[at], load_le<u64>(&file[at]) + base);
        }
        break;
      }
      case 3: {
        std::vector<u8>& file = files.at(name(c + 4));
        const u32 at = load_le<u32>(c + 60);
        const u32 start = load_le<u32>(c + 64);
        const u32 length = load_le<u32>(c + 68);
        ASSERT_LE(start + length, file.size());
        file[at] = static_cast<u8>(file[at] - std::accumulate(&file[start], &file[start] + length, 0));
        break;
      }
      default: FAIL() << "unknown command";
    }
  }
  std::vector<u8>& tables() { return files[AcpiTables::kTablesFile]; }
  std::vector<u8>& rsdp() { return files[AcpiTables::kRsdpFile]; }
  Table table(u64 address) {
    EXPECT_GE(address, kTables);
    const std::size_t at = address - kTables;
    EXPECT_LE(at + 36, tables().size());
    const u32 length = load_le<u32>(&tables()[at + 4]);
    EXPECT_LE(at + length, tables().size());
    Table t{std::string(reinterpret_cast<const char*>(&tables()[at]), 4), {}};
    t.bytes.assign(tables().begin() + static_cast<std::ptrdiff_t>(at),
                   tables().begin() + static_cast<std::ptrdiff_t>(at + length));
    if (t.signature != "FACS") EXPECT_EQ(std::accumulate(t.bytes.begin(), t.bytes.end(), 0) & 0xff, 0) << t.signature;
    return t;
  }
  std::map<std::string, Table> listed() {
    std::map<std::string, Table> result;
    const Table rsdt = table(load_le<u32>(&rsdp()[16]));
    const Table xsdt = table(load_le<u64>(&rsdp()[24]));
    EXPECT_EQ(rsdt.signature, "RSDT");
    EXPECT_EQ(xsdt.signature, "XSDT");
    const std::size_t count = (rsdt.bytes.size() - 36) / 4;
    EXPECT_EQ((xsdt.bytes.size() - 36) / 8, count);
    for (std::size_t i = 0; i < count; ++i) {
      EXPECT_EQ(rsdt.dword(36 + 4 * i), xsdt.qword(36 + 8 * i));
      Table t = table(rsdt.dword(36 + 4 * i));
      result[t.signature] = t;
    }
    return result;
  }
};

AcpiOptions options() {
  AcpiOptions o;
  o.dsdt = firmware::dsdt();
  o.pci_memory = 0x8000000;
  return o;
}

TEST(AcpiTables, TheFirmwareGetsAlignedBlocksInTheRightPlaces) {
  Firmware f(build_acpi_tables(options()));
  EXPECT_EQ(f.alignment[AcpiTables::kTablesFile], 64u);
  EXPECT_EQ(f.zone[AcpiTables::kTablesFile], 1);
  EXPECT_EQ(f.alignment[AcpiTables::kRsdpFile], 16u);
  EXPECT_EQ(f.zone[AcpiTables::kRsdpFile], 2);
}

TEST(AcpiTables, TheRootPointerHasBothChecksums) {
  Firmware f(build_acpi_tables(options()));
  EXPECT_EQ(std::memcmp(f.rsdp().data(), "RSD PTR ", 8), 0);
  EXPECT_EQ(f.rsdp().size(), 36u);
  EXPECT_EQ(std::accumulate(f.rsdp().begin(), f.rsdp().begin() + 20, 0) & 0xff, 0);
  EXPECT_EQ(std::accumulate(f.rsdp().begin(), f.rsdp().end(), 0) & 0xff, 0);
}

TEST(AcpiTables, WithoutApicsThereIsTheFadtAlone) {
  Firmware f(build_acpi_tables(options()));
  const auto tables = f.listed();
  ASSERT_EQ(tables.size(), 1u);
  const Table& fadt = tables.at("FACP");
  EXPECT_EQ(fadt.bytes.size(), 244u);
  EXPECT_EQ(fadt.bytes[46], 9);
  EXPECT_EQ(fadt.dword(48), 0xb2u);
  EXPECT_EQ(fadt.bytes[52], 0xf1);
  EXPECT_EQ(fadt.bytes[53], 0xf0);
  EXPECT_EQ(fadt.dword(56), 0x600u);
  EXPECT_EQ(fadt.dword(64), 0x604u);
  EXPECT_EQ(fadt.dword(76), 0x608u);
  EXPECT_EQ(fadt.dword(80), 0x60cu);
  EXPECT_EQ(fadt.dword(120), 0xcf9u);  // reset register's address
  EXPECT_EQ(fadt.bytes[128], 6);
  EXPECT_EQ(fadt.dword(36), fadt.qword(132));
  EXPECT_EQ(fadt.dword(40), fadt.qword(140));
  EXPECT_EQ(fadt.dword(36) % 64, 0u);
  EXPECT_EQ(f.table(fadt.dword(36)).signature, "FACS");
  EXPECT_EQ(f.table(fadt.dword(40)).signature, "DSDT");
  EXPECT_EQ(fadt.qword(152), 0x600u);  // X_PM1a_EVT
  EXPECT_EQ(fadt.qword(176), 0x604u);
  EXPECT_EQ(fadt.qword(212), 0x608u);
  EXPECT_EQ(fadt.qword(224), 0x60cu);
}

TEST(AcpiTables, TheDsdtIsToldWhatIsFitted) {
  AcpiOptions o = options();
  o.serial_ports = 3;
  o.floppy = false;
  Firmware f(build_acpi_tables(o));
  const Table dsdt = f.table(f.listed().at("FACP").dword(40));
  const std::string text(dsdt.bytes.begin(), dsdt.bytes.end());
  const std::size_t memb = text.find("MEMB\x0c");
  const std::size_t pres = text.find("PRES\x0c");
  ASSERT_NE(memb, std::string::npos);
  ASSERT_NE(pres, std::string::npos);
  EXPECT_EQ(dsdt.dword(memb + 5), 0x8000000u);
  EXPECT_EQ(dsdt.dword(pres + 5), 0x53u);
}

TEST(AcpiTables, ApicsAndHpetHaveTheirTables) {
  AcpiOptions o = options();
  o.local_apic = o.io_apic = o.hpet = true;
  o.processors = 2;
  Firmware f(build_acpi_tables(o));
  const auto tables = f.listed();
  ASSERT_EQ(tables.size(), 3u);
  const Table& madt = tables.at("APIC");
  EXPECT_EQ(madt.dword(36), 0xfee00000u);
  std::map<u8, int> kinds;
  std::size_t at = 44;
  while (at < madt.bytes.size()) {
    ASSERT_GE(madt.bytes[at + 1], 2);
    ++kinds[madt.bytes[at]];
    at += madt.bytes[at + 1];
  }
  EXPECT_EQ(at, madt.bytes.size());
  EXPECT_EQ(kinds, (std::map<u8, int>{{0, 2}, {1, 1}, {2, 5}, {4, 1}}));
  EXPECT_EQ(tables.at("HPET").bytes.size(), 56u);
  EXPECT_EQ(tables.at("HPET").qword(44), 0xfed00000u);
}

TEST(AcpiTables, AWrongDefinitionBlockIsRefused) {
  AcpiOptions o = options();
  const std::vector<u8> nonsense(100, 1);
  o.dsdt = nonsense;
  EXPECT_THROW(build_acpi_tables(o), std::logic_error);
}

}  // namespace
}  // namespace orrery::hw
