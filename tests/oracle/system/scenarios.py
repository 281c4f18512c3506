#!/usr/bin/env python3
"""System-level scenarios (generate.py), the same in Orrery, Bochs and QEMU, compared: README.md.

    scenarios.py ORRERY [--seed N] [--count N] [--first N] [--only KIND,...] [--peers bochs,qemu] [--keep FOLDER] [--show N]
    scenarios.py ORRERY --golden FILE [--write]

The first form makes a boot image (machine.asm), boots it in each machine that is installed, and compares what they write to port E9.
The second boots it in Orrery alone and compares with a file (--write makes it).
Exit status 0: equal, or each difference is one that verdicts.py explains; 1: a difference; 77: something is missing.
"""
import argparse
import collections
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import zlib

import generate
import verdicts

HERE = os.path.dirname(os.path.abspath(__file__))
FIRST = 512 + 0x2000 + 0xb000 + 4  # where the image holds the number of the first scenario
MACHINE_TR = 0x18  # in the machine's own code
SHOWN = 72  # dwords of memory, at most, in a line
REGISTERS = ["vector", "eflags", "cs", "ss", "esp", "tr", "ldtr", "ds", "es", "fs", "gs", "eax", "ecx", "edx", "ebx", "ebp", "esi", "edi", "cr0", "cr2",
             "cr3", "cr4", "dr6", "dr7", "gdtr", "gdtr2", "idtr", "idtr2"]


class Result:
    """What came of a scenario: ends in an interrupt ('o'), a triple fault ('T') or not at all ('H')."""

    def __init__(self, line):
        words = line.split()
        self.outcome = words[0][0]
        self.registers = dict(zip(REGISTERS, (int(w, 16) for w in words[1:1 + len(REGISTERS)]))) if self.outcome == "o" else {}
        self.memory = {int(a, 16): int(v, 16) for a, v in (w.split("=") for w in words if "=" in w)}

    def differences(self, other):
        """Names of what is not equal: registers, and dwords of the arena."""
        if self.outcome != other.outcome:
            return ["outcome"]
        names = [n for n in self.registers if self.registers[n] != other.registers[n]]
        shown = min(max(r.memory) if len(r.memory) >= SHOWN else 0xffff for r in (self, other))
        addresses = sorted(a for a in self.memory.keys() | other.memory.keys() if a <= shown)
        return names + [f"@{a:04x}" for a in addresses if self.memory.get(a) != other.memory.get(a)]


def parse(line, number):
    """A Result, or None if this is no whole line of scenario `number`."""
    if len(line) < 9 or line[0] not in "oTH" or not line[1:9].isalnum():
        return None
    try:
        return Result(line) if int(line[1:9], 16) == number else None
    except ValueError:
        return None


def processor_time(pid):
    """Seconds that a process has used."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            words = file.read().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


class Machine:
    """One emulator. `run` boots the image as often as it takes to have a result of each scenario."""

    def __init__(self, name, folder, command):
        self.name, self.folder, self.command = name, folder, command
        self.log = f"{folder}/{name}.log"  # .all: of all boots
        if os.path.exists(self.log + ".all"):
            os.remove(self.log + ".all")

    def boot(self, image, first, count, quiet=1.5):
        """Results from `first` on, until the machine ends, or nothing has come for `quiet` seconds of its processor time, or ten times
        as long by the clock: the host may be busy."""
        with open(image, "r+b") as file:
            file.seek(FIRST)
            file.write(struct.pack("<I", first))
        if os.path.exists(self.log):
            os.remove(self.log)
        out = open(self.log + ".out", "wb")
        process = subprocess.Popen(self.command(image, self.log), stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.DEVNULL)
        size, since, used = 0, time.monotonic(), 0.0
        while process.poll() is None:
            time.sleep(0.1)
            now = os.path.getsize(self.log) if os.path.exists(self.log) else 0
            now = now or os.path.getsize(self.log + ".out")
            if now != size:
                size, since, used = now, time.monotonic(), processor_time(process.pid)
            allowed = quiet if size > 1000 else 20  # Bochs says much before it begins
            if processor_time(process.pid) - used > allowed or time.monotonic() - since > 10 * allowed:
                break
            if self.ended():
                break
        process.kill()
        process.wait()
        out.close()
        results = {}
        with open(self.log + ".all", "a") as record:
            for line in self.lines():
                result = parse(line, first + len(results))
                if result and result.registers.get("tr") == MACHINE_TR:
                    break  # a scenario has destroyed the machine (a peer that checks no limits): start anew here
                if result:
                    results[first + len(results)] = result
                    record.write(line + "\n")
        return results

    def text(self):
        path = self.log if os.path.exists(self.log) else self.log + ".out"
        with open(path, errors="replace") as file:
            return file.read()

    def lines(self):
        return self.text().split("\n")[:-1]

    def ended(self):
        path = self.log if os.path.exists(self.log) else self.log + ".out"
        with open(path, "rb") as file:
            file.seek(max(0, os.path.getsize(path) - 4096))
            return b"\n.\n" in file.read()

    def run(self, image, count):
        results, stops = {}, 0
        while len(results) < count and stops < 10 + count // 10:
            results.update(self.boot(image, len(results), count))
            if len(results) == count:
                break
            stops += 1
            again = self.boot(image, len(results), count, quiet=4.0)  # a busy host, or does it stop here?
            if not again and not results:
                break
            results.update(again)
            if not again:
                results[len(results)] = Result("H")
        return results


def orrery(program):
    return lambda image, log: [program, "-hda", image, "-snapshot", "-m", "32", "-display", "none", "-debugcon", f"file:{log}"]


def qemu(program):
    return lambda image, log: [program, "-cpu", "max", "-drive", f"file={image},format=raw,if=ide,snapshot=on", "-m", "32", "-display", "none", "-nic", "none",
                               "-debugcon", f"file:{log}"]


def bochs(program, folder):
    """Bochs writes port E9 to its standard output. Debian's build has the debugger: it stops at each triple fault."""
    with open(f"{folder}/bochs.rc", "w") as file:
        file.write("continue\n" * 20000)

    def command(image, log):
        with open(f"{folder}/bochsrc", "w") as file:
            file.write(f"""display_library: x
config_interface: textconfig
megs: 32
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
cpu: model=corei7_icelake_u, count=1, ips=200000000, reset_on_triple_fault=1, ignore_bad_msrs=0
clock: sync=none, time0=1700000000
vga: extension=vbe, update_freq=1
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata0-master: type=disk, path={image}, mode=volatile
boot: disk
port_e9_hack: enabled=1
log: {folder}/bochs.out
panic: action=fatal
error: action=ignore
info: action=ignore
debug: action=ignore
""")
        return [program, "-q", "-f", f"{folder}/bochsrc", "-rc", f"{folder}/bochs.rc"]
    return command


class Display:
    """An X server of its own, for Bochs."""

    def __init__(self):
        read, write = os.pipe()
        self.process = subprocess.Popen(["Xvfb", "-displayfd", str(write), "-screen", "0", "1024x768x24", "-nolisten", "tcp"], pass_fds=[write],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(write)
        with os.fdopen(read) as file:
            os.environ["DISPLAY"] = ":" + file.readline().strip()

    def end(self):
        self.process.kill()
        self.process.wait()


def build(folder, seed, numbers, only):
    """The image; the kinds' names."""
    text, names = generate.source(seed, numbers, only=only)
    with open(f"{folder}/scenarios.inc", "w") as file:
        file.write(text)
    image = f"{folder}/machine.img"
    subprocess.run(["nasm", "-f", "bin", "-w-all", "-i", folder + "/", "-o", image, f"{HERE}/machine.asm"], check=True)
    whole = 16 * 63 * 512  # a cylinder
    os.truncate(image, (os.path.getsize(image) + whole - 1) // whole * whole)
    return image, names


def show(number, name, lines, ours, theirs, peer, what):
    print(f"--- scenario {number}: {name}: {peer} differs in {' '.join(what)}")
    print("    " + "; ".join(line.strip() for line in lines))
    for machine, result in (("Orrery", ours), (peer, theirs)):
        registers = " ".join(f"{n}={v:x}" for n, v in result.registers.items())
        memory = " ".join(f"{a:04x}={v:08x}" for a, v in result.memory.items())
        print(f"  {machine:6} {result.outcome} {registers}\n         {memory}")


def compare(options, names, ours, theirs, peer, settled):
    """The number of scenarios with a difference that nothing explains. `settled`: in what an earlier peer differs from Orrery, by
    scenario; filled in here by the first peer."""
    unexplained, explained, scenarios = [], collections.Counter(), 0
    first_peer = not settled
    for place, name in enumerate(names):
        if place not in ours or place not in theirs:
            continue
        what = ours[place].differences(theirs[place])
        if first_peer:
            settled[place] = set(what)
        if not what:
            continue
        number = options.first + place
        lines = generate.scenario(options.seed, number, options.only)[1]
        reasons, left = verdicts.verdict(peer, name, "\n".join(lines), ours[place], theirs[place], what)
        if left and not first_peer and place in settled and not settled[place] & set(left):
            reasons.append(f"{peer} alone: the other peer does what Orrery does")
            left = []
        if left:
            unexplained.append((place, number, name, lines, left))
        else:
            explained.update(reasons)
            scenarios += 1
    print(f"{peer}: {len(theirs)} scenarios, {len(unexplained)} with differences that nothing explains, {scenarios} with differences that are explained")
    for verdict, count in explained.most_common():
        print(f"  {count:6} {verdict}")
    for name, count in collections.Counter(u[2] for u in unexplained).most_common():
        print(f"  {count:6} not explained in {name}")
    for place, number, name, lines, what in unexplained[:options.show]:
        show(number, name, lines, ours[place], theirs[place], peer, what)
    return len(unexplained)


def golden(options, names, ours):
    """Orrery's results as one checksum a scenario."""
    lines = [f"{options.first + n} {names[n]} {zlib.crc32(repr((r.outcome, r.registers, r.memory)).encode()):08x}" for n, r in sorted(ours.items())]
    if options.write:
        with open(options.golden, "w") as file:
            file.write("\n".join(lines) + "\n")
        return 0
    with open(options.golden) as file:
        expected = file.read().splitlines()
    different = [i for i in range(max(len(lines), len(expected))) if i >= len(lines) or i >= len(expected) or lines[i] != expected[i]]
    print(f"{len(lines)} scenarios, {len(different)} differ from {os.path.basename(options.golden)}")
    for i in different[:options.show]:
        number = options.first + i
        print(f"--- {lines[i] if i < len(lines) else 'nothing'}\n    " + "; ".join(l.strip() for l in generate.scenario(options.seed, number, options.only)[1]))
        if i in ours:
            print("   ", ours[i].outcome, {k: hex(v) for k, v in ours[i].registers.items()}, {hex(k): hex(v) for k, v in ours[i].memory.items()})
    return 1 if different else 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("orrery")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--only")
    parser.add_argument("--peers", default="bochs,qemu")
    parser.add_argument("--keep")
    parser.add_argument("--show", type=int, default=20)
    parser.add_argument("--golden")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    if options.only:
        options.only = options.only.split(",")
    if not shutil.which("nasm"):
        print("skipped: needs nasm")
        return 77
    folder = options.keep or tempfile.mkdtemp(prefix="oracle-")
    os.makedirs(folder, exist_ok=True)
    image, names = build(folder, options.seed, range(options.first, options.first + options.count), options.only)
    peers = []
    display = None
    if not options.golden:
        if "bochs" in options.peers and shutil.which("bochs-bin") and shutil.which("Xvfb"):
            display = Display()
            peers.append(Machine("Bochs", folder, bochs(shutil.which("bochs-bin"), folder)))
        if "qemu" in options.peers and shutil.which("qemu-system-i386"):
            peers.append(Machine("QEMU", folder, qemu(shutil.which("qemu-system-i386"))))
        if not peers:
            print("skipped: needs qemu-system-i386, or bochs, bochs-x and xvfb")
            return 77
    try:
        ours = Machine("Orrery", folder, orrery(options.orrery)).run(image, options.count)
        result = 0
        if options.golden:
            result = golden(options, names, ours)
        outcomes = collections.Counter(r.outcome for r in ours.values())
        print(f"Orrery: {len(ours)} of {options.count} scenarios, {outcomes['T']} triple faults, {outcomes['H']} without an end")
        settled = {}
        for peer in peers:
            started = time.monotonic()
            theirs = peer.run(image, options.count)
            print(f"{peer.name}: {time.monotonic() - started:.0f} seconds")
            if not theirs:
                print(f"{peer.name}: does not run here")
                continue
            if compare(options, names, ours, theirs, peer.name, settled):
                result = 1
    finally:
        if display:
            display.end()
        if not options.keep:
            shutil.rmtree(folder)
    return result


if __name__ == "__main__":
    sys.exit(main())
