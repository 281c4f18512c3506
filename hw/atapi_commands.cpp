// The packet commands: MMC-3 (T10/1363-D), SFF-8020i for what older drivers use.
#include <algorithm>
#include <utility>

#include "hw/atapi_cdrom.h"

namespace orrery::hw {
namespace {

constexpr u64 kCommandTime = 20'000;  // ns
constexpr u64 kShortSeek = 300'000;
constexpr u64 kFullStroke = 1'700'000;
constexpr u64 kSpinUp = 5'000'000;

u16 be16(const u8* p) { return static_cast<u16>(p[0] << 8 | p[1]); }
u32 be24(const u8* p) { return u32{p[0]} << 16 | u32{p[1]} << 8 | p[2]; }
u32 be32(const u8* p) { return u32{p[0]} << 24 | be24(p + 1); }

void put16(std::vector<u8>& out, u32 v) {
  out.push_back(static_cast<u8>(v >> 8));
  out.push_back(static_cast<u8>(v));
}
void put32(std::vector<u8>& out, u32 v) {
  put16(out, v >> 16);
  put16(out, v);
}
/// Sets a big-endian length field at the start to what follows it.
void close16(std::vector<u8>& out) {
  const std::size_t length = out.size() - 2;
  out[0] = static_cast<u8>(length >> 8);
  out[1] = static_cast<u8>(length);
}

}  // namespace

u64 AtapiCdrom::command_time() {
  const u8 opcode = packet_[0];
  const bool reads = opcode == 0x08 || opcode == 0x28 || opcode == 0xa8 || opcode == 0xbe || opcode == 0xb9;
  const bool seeks = opcode == 0x2b;
  if ((!reads && !seeks) || disc() == nullptr) return kCommandTime;
  u64 time = kCommandTime;
  u32 block = be32(&packet_[2]);
  u32 count = opcode == 0x28 ? be16(&packet_[7]) : opcode == 0xa8 ? be32(&packet_[6]) : be24(&packet_[6]);
  if (opcode == 0x08) {
    block = be24(&packet_[1]) & 0x1fffff;
    count = packet_[4];
  } else if (opcode == 0xb9) {
    block = block_of({packet_[3], packet_[4], packet_[5]});
    const u32 end = block_of({packet_[6], packet_[7], packet_[8]});
    count = end > block ? end - block : 0;
  }
  if (block != head_at_) {
    const u64 distance = block > head_at_ ? block - head_at_ : head_at_ - block;
    time += kShortSeek + std::min<u64>(kFullStroke * distance / disc()->blocks(), kFullStroke);
  }
  if (!spinning_) time += kSpinUp;
  if (!reads) return time;
  // By DMA everything moves at the end; by PIO the sectors of the first block must be there.
  const u32 limit = reg(kAtaLbaMid) | reg(kAtaLbaHigh) << 8;
  const u32 first = dma_ ? disc()->blocks() : std::max((limit + kCdSectorSize - 1) / kCdSectorSize, u32{1});
  return time + kSectorTime * std::min(count, first);
}

void AtapiCdrom::run_command() {
  const u8 opcode = packet_[0];
  // A unit attention comes before anything but these, and is told once.
  const bool exempt = opcode == 0x12 || opcode == 0x03 || opcode == 0x4a || opcode == 0x46;
  if (!exempt && attention_ != 0) return check({kUnitAttention, std::exchange(attention_, u8{0}), 0x00});
  if (opcode != 0x03) sense_ = {};
  switch (opcode) {
    case 0x00:  // TEST UNIT READY
      return ready() ? good() : void();
    case 0x03: return request_sense();
    case 0x08:  // READ(6)
      return read(be24(&packet_[1]) & 0x1fffff, packet_[4] == 0 ? 256 : packet_[4]);
    case 0x12: return inquiry();
    case 0x15: return mode_select(false);
    case 0x55: return mode_select(true);
    case 0x1a: return mode_sense(false);
    case 0x5a: return mode_sense(true);
    case 0x1b: return start_stop();
    case 0x1e: return prevent_allow();
    case 0x23: return read_format_capacities();
    case 0x25: return read_capacity();
    case 0x28: return read(be32(&packet_[2]), be16(&packet_[7]));
    case 0xa8: return read(be32(&packet_[2]), be32(&packet_[6]));
    case 0x2b: return seek(be32(&packet_[2]));
    case 0x35:  // SYNCHRONIZE CACHE: nothing is ever dirty
      return good();
    case 0x42: return read_subchannel();
    case 0x43: return read_toc();
    case 0x44: return read_header();
    case 0x45:  // PLAY AUDIO: there are no audio tracks
    case 0xa5:
    case 0x47:
    case 0x48: return ready() ? check(kIllegalModeForTrack) : void();
    case 0x4b:  // PAUSE/RESUME: nothing is playing
      return ready() ? check(kCommandSequenceError) : void();
    case 0x4e:  // STOP PLAY/SCAN
      return ready() ? good() : void();
    case 0x46: return get_configuration();
    case 0x4a: return get_event_status();
    case 0x51: return read_disc_information();
    case 0x52: return read_track_information();
    case 0xac: return get_performance();
    case 0xad: return read_dvd_structure();
    case 0xb9: {  // READ CD MSF
      const u32 first = block_of({packet_[3], packet_[4], packet_[5]});
      const u32 end = block_of({packet_[6], packet_[7], packet_[8]});
      if (end < first) return check(kInvalidFieldInPacket);
      return read_cd(first, end - first, packet_[9], packet_[10]);
    }
    case 0xbe: return read_cd(be32(&packet_[2]), be24(&packet_[6]), packet_[9], packet_[10]);
    case 0xbb:  // SET CD SPEED
      speed_ = be16(&packet_[2]);
      return good();
    case 0xbd: return mechanism_status();
    default: return check(kInvalidOperationCode);
  }
}

/// Whether there is a disc to work with; otherwise the command has failed.
bool AtapiCdrom::ready() {
  if (disc() != nullptr) return true;
  check({kNotReady, kMediumNotPresent, static_cast<u8>(tray_open_ ? 0x02 : 0x01)});
  return false;
}

void AtapiCdrom::request_sense() {
  Sense sense = std::exchange(sense_, Sense{});
  if (sense == Sense{} && attention_ != 0) sense = {kUnitAttention, std::exchange(attention_, u8{0}), 0x00};
  std::array<u8, 18> data{};
  data[0] = 0x70;
  data[2] = sense.key;
  data[7] = 10;
  data[12] = sense.code;
  data[13] = sense.qualifier;
  send(data, packet_[4]);
}

void AtapiCdrom::inquiry() {
  if ((packet_[1] & 0x01) != 0 || packet_[2] != 0) return check(kInvalidFieldInPacket);  // no vital product data
  std::array<u8, 36> data{};
  data[0] = 0x05;
  data[1] = 0x80;
  data[3] = 0x21;  // ATAPI response format
  data[4] = 31;
  const auto text = [&](unsigned at, std::string_view value) {
    std::copy(value.begin(), value.end(), data.begin() + at);
  };
  text(8, "ORRERY  ");
  text(16, "CD/DVD-ROM      ");
  text(32, "1.0 ");
  send(data, be16(&packet_[3]));
}

// --- reading ---------------------------------------------------------------------------------------------------------

void AtapiCdrom::read(u32 block, u32 count) {
  if (!ready()) return;
  spinning_ = true;
  if (block >= disc()->blocks() || count > disc()->blocks() - block) {
    return check(kAddressOutOfRange);
  }
  send_sectors(block, count, kPartData);
}

void AtapiCdrom::read_cd(u32 block, u32 count, u8 flags, u8 subchannel) {
  if (!ready()) return;
  spinning_ = true;
  const u8 type = (packet_[1] >> 2) & 7;
  if (type != 0 && type != 2) return check(kIllegalModeForTrack);  // not the mode of this track
  if ((subchannel & 7) != 0) return check(kInvalidFieldInPacket);
  if (block > disc()->blocks() || count > disc()->blocks() - block) return check(kAddressOutOfRange);
  // Header codes: 1 header, 2 subheader (mode 1 has none), 3 both.
  u8 parts = flags & 0x98;
  if ((flags & 0x20) != 0) parts |= 0x20;
  if ((flags & 0x06) == 0x06) return check(kInvalidFieldInPacket);
  send_sectors(block, count, parts);
}

void AtapiCdrom::seek(u32 block) {
  if (!ready()) return;
  if (block >= disc()->blocks()) return check(kAddressOutOfRange);
  head_at_ = block;
  good();
}

void AtapiCdrom::read_capacity() {
  if (!ready()) return;
  std::vector<u8> out;
  put32(out, disc()->blocks() - 1);
  put32(out, kCdSectorSize);
  send(out, 8);
}

void AtapiCdrom::read_format_capacities() {
  std::vector<u8> out{0, 0, 0, 8};
  put32(out, disc() != nullptr ? disc()->blocks() : 0);
  put32(out, u32{disc() != nullptr ? 0x02u : 0x03u} << 24 | kCdSectorSize);
  send(out, be16(&packet_[7]));
}

void AtapiCdrom::put_address(std::vector<u8>& out, u32 block, bool msf) const {
  if (!msf) return put32(out, block);
  const Msf time = msf_of(block);
  out.insert(out.end(), {0, time.minute, time.second, time.frame});
}

void AtapiCdrom::read_toc() {
  if (!ready()) return;
  const bool msf = (packet_[1] & 0x02) != 0;
  u8 format = packet_[2] & 0x0f;
  if (format == 0) format = packet_[9] >> 6;  // where SFF-8020i has it
  const u8 start = packet_[6];
  const std::size_t allocation = be16(&packet_[7]);
  const u32 end = disc()->blocks();
  std::vector<u8> out{0, 0, 1, 1};
  const auto track = [&](u8 number, u32 block) {
    out.insert(out.end(), {0, 0x14, number, 0});
    put_address(out, block, msf);
  };
  switch (format) {
    case 0:
      if (start > 1 && start != 0xaa) return check(kInvalidFieldInPacket);
      if (start <= 1) track(1, 0);
      track(0xaa, end);
      break;
    case 1:  // one session
      track(1, 0);
      break;
    case 2: {  // the raw table of the lead-in
      const Msf lead_out = msf_of(end);
      const auto entry = [&](u8 point, u8 minute, u8 second, u8 frame) {
        out.insert(out.end(), {1, 0x14, 0, point, 0, 0, 0, 0, minute, second, frame});
      };
      entry(0xa0, 1, 0, 0);
      entry(0xa1, 1, 0, 0);
      entry(0xa2, lead_out.minute, lead_out.second, lead_out.frame);
      entry(0x01, 0, 2, 0);
      break;
    }
    default: return check(kInvalidFieldInPacket);
  }
  close16(out);
  send(out, allocation);
}

void AtapiCdrom::read_subchannel() {
  if (!ready()) return;
  const bool msf = (packet_[1] & 0x02) != 0;
  std::vector<u8> out{0, 0x15, 0, 0};  // audio status: none
  if ((packet_[2] & 0x40) != 0) {
    switch (packet_[3]) {
      case 1:  // current position
        out.insert(out.end(), {1, 0x14, 1, 1});
        put_address(out, head_at_, msf);
        put_address(out, head_at_, msf);
        break;
      case 2:  // catalogue number: none
      case 3:  // recording code: none
        out.push_back(packet_[3]);
        out.resize(24);
        break;
      default: return check(kInvalidFieldInPacket);
    }
  }
  out[3] = static_cast<u8>(out.size() - 4);
  send(out, be16(&packet_[7]));
}

void AtapiCdrom::read_header() {
  if (!ready()) return;
  const u32 block = be32(&packet_[2]);
  if (block >= disc()->blocks()) return check(kAddressOutOfRange);
  std::vector<u8> out{1, 0, 0, 0};
  put_address(out, block, (packet_[1] & 0x02) != 0);
  send(out, be16(&packet_[7]));
}

void AtapiCdrom::read_disc_information() {
  if ((packet_[1] & 7) != 0) return check(kInvalidFieldInPacket);
  if (!ready()) return;
  std::vector<u8> out(34);
  out[2] = 0x0e;  // finalised disc, last session complete
  out[3] = out[4] = out[5] = out[6] = 1;
  out[7] = 0x20;  // unrestricted use
  std::fill(out.begin() + 16, out.begin() + 24, u8{0xff});
  close16(out);
  send(out, be16(&packet_[7]));
}

void AtapiCdrom::read_track_information() {
  if (!ready()) return;
  const u8 kind = packet_[1] & 3;
  const u32 address = be32(&packet_[2]);
  const u32 blocks = disc()->blocks();
  const bool found = (kind == 0 && address < blocks) || (kind == 1 && address == 1) || (kind == 2 && address == 1);
  if (!found) return check(kInvalidFieldInPacket);
  std::vector<u8> out(36);
  out[2] = out[3] = 1;
  out[5] = 0x04;  // data track, uninterrupted
  out[6] = 0x01;  // mode 1
  out[24] = static_cast<u8>(blocks >> 24);
  out[25] = static_cast<u8>(blocks >> 16);
  out[26] = static_cast<u8>(blocks >> 8);
  out[27] = static_cast<u8>(blocks);
  close16(out);
  send(out, be16(&packet_[7]));
}

void AtapiCdrom::read_dvd_structure() {
  if (!ready()) return;
  if (!disc()->is_dvd()) return check(kIncompatibleFormat);
  std::vector<u8> out;
  switch (packet_[7]) {
    case 0x00: {  // physical format
      out.resize(4 + 17);
      out[4] = 0x01;  // DVD-ROM, version 1
      out[5] = 0x0f;  // 120 mm, no maximum rate
      out[6] = 0x01;  // one layer, read-only
      const u32 last = 0x30000 + disc()->blocks() - 1;
      out[9] = 0x03;  // first data sector 30000h
      for (unsigned i = 0; i < 3; ++i) out[13 + i] = static_cast<u8>(last >> (16 - 8 * i));
      break;
    }
    case 0x01:  // copyright: none
      out.resize(4 + 4);
      break;
    case 0x04:  // manufacturer
      out.resize(4 + 2048);
      break;
    default: return check(kInvalidFieldInPacket);
  }
  close16(out);
  send(out, be16(&packet_[8]));
}

// --- what the drive is and how it is ---------------------------------------------------------------------------------

void AtapiCdrom::get_configuration() {
  const u8 request = packet_[1] & 3;
  const u16 first = be16(&packet_[2]);
  if (request == 3) return check(kInvalidFieldInPacket);
  const bool dvd = disc() != nullptr && disc()->is_dvd();
  const bool cd = disc() != nullptr && !dvd;
  const u16 profile = dvd ? 0x0010 : cd ? 0x0008 : 0x0000;
  std::vector<u8> out(8);
  out[6] = static_cast<u8>(profile >> 8);
  out[7] = static_cast<u8>(profile);
  const auto feature = [&](u16 code, u8 version, bool persistent, bool current, std::vector<u8> data) {
    if (request == 2 ? code != first : code < first || (request == 1 && !current)) return;
    put16(out, code);
    out.push_back(static_cast<u8>(version << 2 | (persistent ? 2 : 0) | (current ? 1 : 0)));
    out.push_back(static_cast<u8>(data.size()));
    out.insert(out.end(), data.begin(), data.end());
  };
  feature(0x0000, 0, true, true, {0x00, 0x10, u8{dvd}, 0x00, 0x00, 0x08, u8{cd}, 0x00});   // profiles
  feature(0x0001, 1, true, true, {0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x00});        // core: ATAPI
  feature(0x0002, 1, true, true, {0x00, 0x00, 0x00, 0x00});                                // morphing
  feature(0x0003, 0, true, true, {0x29, 0x00, 0x00, 0x00});                                // tray, eject, lock
  feature(0x0010, 0, false, cd || dvd, {0x00, 0x00, 0x08, 0x00, 0x00, 0x01, 0x00, 0x00});  // random readable
  feature(0x001e, 1, false, cd, {0x00, 0x00, 0x00, 0x00});                                 // CD read
  feature(0x001f, 0, false, dvd, {});                                                      // DVD read
  feature(0x0100, 0, true, true, {});                                                      // power management
  feature(0x0105, 0, true, true, {});                                                      // timeouts
  const u32 length = static_cast<u32>(out.size() - 4);
  for (unsigned i = 0; i < 4; ++i) out[i] = static_cast<u8>(length >> (24 - 8 * i));
  send(out, be16(&packet_[7]));
}

void AtapiCdrom::get_event_status() {
  if ((packet_[1] & 0x01) == 0) return check(kInvalidFieldInPacket);  // only polled
  constexpr u8 kMediaClass = 4;
  std::vector<u8> out{0, 0, 0x80, 1 << kMediaClass};
  if ((packet_[4] & (1 << kMediaClass)) != 0) {
    out[2] = kMediaClass;
    const u8 status = static_cast<u8>((tray_open_ ? 1 : 0) | (disc() != nullptr ? 2 : 0));
    out.insert(out.end(), {static_cast<u8>(std::exchange(event_, Event::None)), status, 0, 0});
  }
  close16(out);
  send(out, be16(&packet_[7]));
}

void AtapiCdrom::get_performance() {
  if (packet_[10] != 0) return check(kInvalidFieldInPacket);
  std::vector<u8> out(8);
  const u32 end = disc() != nullptr ? disc()->blocks() - 1 : 0;
  put32(out, 0);
  put32(out, 7056);
  put32(out, end);
  put32(out, 7056);
  out[3] = static_cast<u8>(out.size() - 4);
  send(out, out.size());
}

void AtapiCdrom::mechanism_status() {
  const std::array<u8, 8> data{0, static_cast<u8>(tray_open_ ? 0x10 : 0x00), 0, 0, 0, 0, 0, 0};
  send(data, be16(&packet_[8]));
}

// --- mode pages ------------------------------------------------------------------------------------------------------

/// The page's bytes as now (`control` 0 and 2: the defaults are the same), or which bits can be changed (1). Empty if
/// there is no such page.
std::vector<u8> AtapiCdrom::mode_page(u8 page, u8 control) const {
  std::vector<u8> out;
  switch (page) {
    case 0x01:  // read error recovery
      out = {0x01, 0x06, 0x00, retries_, 0, 0, 0, 0};
      if (control == 1) out[3] = 0xff;
      if (control == 2) out[3] = 5;
      break;
    case 0x0d:  // CD-ROM parameters: 60 seconds, 75 frames
      out = {0x0d, 0x06, 0, 0, 0, 60, 0, 75};
      break;
    case 0x0e:  // audio control
      out = {0x0e, 0x0e, 0x04, 0, 0, 0, 0, 75};
      if (control == 2) {
        out.insert(out.end(), {1, 255, 2, 255, 0, 0, 0, 0});
      } else if (control == 1) {
        out.insert(out.end(), 8, 0xff);
      } else {
        out.insert(out.end(), audio_.begin(), audio_.end());
      }
      break;
    case 0x1a:  // power condition
      out = {0x1a, 0x0a, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
      break;
    case 0x2a:  // capabilities and mechanical status
      out = {0x2a,
             0x14,
             0x1b,  // reads CD-R, CD-RW, DVD-ROM, DVD-R
             0x00,
             0x70,  // mode 2 forms 1 and 2, multisession
             0x00,
             static_cast<u8>(0x29 | (slot_.locked() ? 0x02 : 0x00)),  // tray, eject, lock
             0x00,
             0x1b,
             0x90,  // 7056 kB/s: 40 times
             0x01,
             0x00,  // volume levels
             0x02,
             0x00,  // buffer, KiB
             0x1b,
             0x90,
             0,
             0,
             0,
             0,
             0,
             0};
      break;
    default: return out;
  }
  if (control == 1 && page != 0x01 && page != 0x0e) std::fill(out.begin() + 2, out.end(), u8{0});
  return out;
}

void AtapiCdrom::mode_sense(bool ten) {
  const u8 control = packet_[2] >> 6;
  const u8 page = packet_[2] & 0x3f;
  if (control == 3) return check(kSavingNotSupported);  // nothing is saved
  const u8 medium = tray_open_ ? 0x71 : disc() == nullptr ? 0x70 : disc()->is_dvd() ? 0x41 : 0x01;
  std::vector<u8> out(ten ? 8 : 4);
  out[ten ? 2 : 1] = medium;
  bool any = false;
  for (u8 p = 0; p < 0x3f; ++p) {
    if (page != 0x3f && page != p) continue;
    const std::vector<u8> bytes = mode_page(p, control);
    any = any || !bytes.empty();
    out.insert(out.end(), bytes.begin(), bytes.end());
  }
  if (!any) return check(kInvalidFieldInPacket);
  if (ten) {
    close16(out);
    send(out, be16(&packet_[7]));
  } else {
    out[0] = static_cast<u8>(out.size() - 1);
    send(out, packet_[4]);
  }
}

void AtapiCdrom::mode_select(bool ten) {
  const u32 length = ten ? be16(&packet_[7]) : packet_[4];
  if ((packet_[1] & 0x01) != 0) return check(kInvalidFieldInPacket);  // pages cannot be saved
  if (length == 0) return good();
  receive(length);
}

void AtapiCdrom::mode_parameters() {
  const bool ten = packet_[0] == 0x55;
  const std::size_t header = ten ? 8 : 4;
  if (reply_.size() < header) return check(kParameterListLengthError);
  const std::size_t descriptors = ten ? be16(&reply_[6]) : reply_[3];
  std::size_t at = header + descriptors;
  if (at > reply_.size()) return check(kParameterListLengthError);
  while (at + 2 <= reply_.size()) {
    const u8 page = reply_[at] & 0x3f;
    const std::size_t size = 2u + reply_[at + 1];
    const std::vector<u8> present = mode_page(page, 0);
    if (present.empty() || present.size() != size) return check(kInvalidFieldInParameters);
    if (size > reply_.size() - at) return check(kParameterListLengthError);
    if (page == 0x01) retries_ = reply_[at + 3];
    if (page == 0x0e) std::copy_n(reply_.begin() + static_cast<i64>(at) + 8, 8, audio_.begin());
    at += size;
  }
  good();
}

// --- the tray --------------------------------------------------------------------------------------------------------

void AtapiCdrom::start_stop() {
  const bool load_eject = (packet_[4] & 2) != 0;
  const bool start = (packet_[4] & 1) != 0;
  if (!load_eject) {
    if (start && !ready()) return;
    spinning_ = start;
    return good();
  }
  if (start) {
    if (tray_open_) {
      tray_open_ = false;
      spinning_ = true;
      if (disc_) {
        attention_ = kMediumMayHaveChanged;
        event_ = Event::NewMedia;
      }
    }
    return good();
  }
  if (slot_.locked()) return check(kRemovalPrevented);
  if (!tray_open_) {
    tray_open_ = true;
    spinning_ = false;
    if (disc_) event_ = Event::Removal;
    slot_.tell_guest_ejected();
  }
  good();
}

void AtapiCdrom::prevent_allow() {
  slot_.set_locked((packet_[4] & 1) != 0);
  good();
}

}  // namespace orrery::hw
