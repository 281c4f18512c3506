#!/usr/bin/env python3
"""System-level scenarios, the same in Orrery, Bochs and QEMU: descriptor loads, checks and far transfers with random descriptors.

    scenarios.py ORRERY [--seed N] [--count N] [--keep FOLDER]

Makes a boot image (machine.asm), boots it in each machine that is installed, and compares what they write to COM1. Exit status
0: equal, or each difference is one of the known ones below; 1: a difference; 77: neither Bochs nor QEMU nor NASM is there.
A difference is settled by the SDM and becomes a fixed case in tests/cpu/system.
"""
import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

OPERATIONS = ["mov es", "mov ss", "lar", "lsl", "verr", "verw", "lldt", "ltr", "jmp far", "call far", "mov fs", "lss"]
JMP, CALL = 8, 9


def descriptor(rng, operation):
    """Eight bytes: any type, DPL, P; far transfers get what can come back."""
    access = rng.choice([0x80, 0x80, 0x80, 0]) | rng.randrange(128)
    if operation in (6, 7) and rng.random() < 0.7:
        access = (access & 0xE0) | rng.choice([1, 2, 3, 9, 0xB, 0xC, 4])
    limit = rng.choice([0, 0x67, 0x2B, 0xFFFF, 0xFFFFF, rng.randrange(1 << 20)])
    flags = rng.choice([0x4, 0xC, 0x0, 0x8, 0x5, 0xC])
    base = rng.choice([0, 0, 0x1000, 0x60000])
    if operation in (JMP, CALL):
        base, flags, limit = 0, 0xC, 0xFFFFF
        if not access & 0x10:
            # No TSS, no task gate: call gates to the code at level 0 instead, and what is no such thing.
            kind = rng.choice([0x4, 0xC, 0xC, 2, 6, 7, 0xE, 0xF, 0, 8, 0xA, 0xD])
            access = (access & 0xE0) | kind
            if kind in (4, 0xC):
                target = rng.choice([8, 8, 8, 0, 0x10, 0x18, 0x48])
                return None, target, access
    value = (limit & 0xFFFF) | (base & 0xFFFFFF) << 16 | access << 40 | (limit >> 16) << 48 | flags << 52 | (base >> 24) << 56
    return value, None, access


def table(seed, count):
    rng = random.Random(seed)
    lines = []
    for _ in range(count):
        operation = rng.randrange(len(OPERATIONS))
        value, target, access = descriptor(rng, operation)
        selector = rng.choice([0x40] * 12 + [0, 1, 2, 3, 0x48, 0x7FF8, 0x44, 0x08, 0x10, 0x18, 0x20]) | rng.choice([0, 0, 0, 1, 2, 3])
        if value is None:
            lines.append(f"  dw landing, {target:#x}\n  db 0, {access:#x}\n  dw 0\n  dw {selector:#x}\n  db {operation}, 0")
        else:
            lines.append(f"  dd {value & 0xFFFFFFFF:#x}, {value >> 32:#x}\n  dw {selector:#x}\n  db {operation}, 0")
    return lines


def known(line, ours, theirs, name):
    """Differences that the SDM settles: LAR's bits 19:16 are undefined; LTR of a null selector is #GP(0)."""
    operation = int(line.split("db ")[-1].split(",")[0])
    if operation == 2 and ours[:11] == theirs[:11]:
        return (int(ours[11:19], 16) ^ int(theirs[11:19], 16)) & ~0xF0000 == 0 and ours[19:] == theirs[19:]
    return name == "QEMU" and operation == 7 and ours.startswith("f 0000000d 00000000")


def run(command, log, seconds=240):
    """Starts a machine and waits for the log's last line."""
    with open(os.devnull, "w") as null:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=null, stderr=null)
        end = time.monotonic() + seconds
        text = ""
        while time.monotonic() < end:
            if os.path.exists(log):
                with open(log, errors="replace") as file:
                    text = file.read()
            if "\n." in text or process.poll() is not None:
                break
            time.sleep(0.2)
        process.kill()
        process.wait()
    if not os.path.exists(log):
        return []
    with open(log, errors="replace") as file:
        return file.read().splitlines()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("orrery")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=1500)
    parser.add_argument("--keep")
    options = parser.parse_args()
    bochs, qemu = shutil.which("bochs"), shutil.which("qemu-system-i386")
    if not shutil.which("nasm") or not (bochs or qemu):
        print("skipped: needs nasm, and bochs or qemu-system-i386")
        return 77
    folder = options.keep or tempfile.mkdtemp(prefix="oracle-")
    here = os.path.dirname(os.path.abspath(__file__))
    lines = table(options.seed, options.count)
    with open(f"{folder}/scenarios.inc", "w") as file:
        file.write("\n".join(lines) + "\n")
    image = f"{folder}/machine.img"
    subprocess.run(["nasm", "-f", "bin", "-i", folder + "/", "-o", image, f"{here}/machine.asm"], check=True)
    logs = {}
    log = f"{folder}/orrery.log"
    logs["Orrery"] = run([options.orrery, "-hda", image, "-m", "64", "-display", "none", "-serial", f"file:{log}"], log)
    if qemu:
        log = f"{folder}/qemu.log"
        logs["QEMU"] = run([qemu, "-drive", f"file={image},format=raw,if=ide,snapshot=on", "-m", "64", "-display", "none", "-serial", f"file:{log}"], log)
    if bochs:
        log = f"{folder}/bochs.log"
        with open(f"{folder}/bochsrc", "w") as file:
            file.write(f"""megs: 64
ata0-master: type=disk, path={image}, mode=flat
boot: disk
com1: enabled=1, mode=file, dev={log}
display_library: nogui
log: {folder}/bochs.out
panic: action=fatal
error: action=ignore
info: action=ignore
""")
        logs["Bochs"] = run([bochs, "-q", "-f", f"{folder}/bochsrc"], log)
    result = 0
    ours = logs.pop("Orrery")
    print(f"Orrery: {len(ours) - 1} of {options.count} scenarios")
    if len(ours) <= options.count:
        result = 1
    for name, theirs in logs.items():
        if len(theirs) <= 1:
            print(f"{name}: does not run here")
            continue
        different = [n for n in range(min(len(ours), len(theirs), options.count)) 
                     if ours[n] != theirs[n] and not known(lines[n], ours[n], theirs[n], name)]
        print(f"{name}: {len(theirs) - 1} scenarios, {len(different)} different")
        for n in different[:20]:
            print(f"  scenario {n}: {' '.join(lines[n].split())}\n    Orrery {ours[n]}\n    {name:6} {theirs[n]}")
        if different:
            result = 1
    if not options.keep:
        shutil.rmtree(folder)
    return result


sys.exit(main())
