#!/usr/bin/env python3
"""Orrery's gdb server, driven by the real gdb.

    gdb_test.py ORRERY REAL_IMAGE PAGING_IMAGE [TEST ...]

Each test starts Orrery stopped with a socket of its own, lets gdb run a script, and looks at what gdb says. Exit status
77: there is no gdb here."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ORRERY, REAL, PAGING = sys.argv[1:4]
GDB = shutil.which("gdb")
LIMIT = 40
TESTS = []


def test(function):
    TESTS.append(function)
    return function


class Failure(Exception):
    pass


class Machine:
    """Orrery, started and stopped before its first instruction."""

    def __init__(self, image, *options, stopped=True, gdb="", fixed=True):
        self.folder = tempfile.mkdtemp(prefix="orrery-gdb-")
        self.socket = os.path.join(self.folder, "gdb")
        self.errors = open(os.path.join(self.folder, "stderr"), "w+")
        command = [ORRERY, "-display", "none", "-fda", image, "-m", "4", "-snapshot", "-gdb", f"unix:{self.socket}{gdb}"]
        command += ["-rtc", "base=2024-01-01T00:00:00"]
        command += ["--speed", "turbo"] if fixed else []
        command += ["-S"] if stopped else []
        self.process = subprocess.Popen(command + list(options), stdin=subprocess.DEVNULL, stderr=self.errors)
        deadline = time.monotonic() + 20
        while not os.path.exists(self.socket):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise Failure("Orrery does not serve a gdb: " + self.stderr())
            time.sleep(0.02)

    def stderr(self):
        self.errors.flush()
        return open(self.errors.name).read()

    def gdb(self, script, interrupt_after=None):
        """Runs a script after connecting; gives all that gdb printed. With `interrupt_after` gdb gets a Ctrl-C half a
        second after it has said that."""
        lines = ["set pagination off", "set confirm off", "set width 0", "set tcp connect-timeout 10",
                 f"target remote {self.socket}"]
        path = os.path.join(self.folder, "script")
        with open(path, "w") as file:
            file.write("\n".join(lines) + "\n" + script)
        # From standard input a script goes on after an error.
        said = os.path.join(self.folder, "said")
        with open(said, "w") as output:
            gdb = subprocess.Popen([GDB, "-nx", "-q", "-iex", "set prompt"], stdin=open(path), stdout=output,
                                   stderr=subprocess.STDOUT)
        try:
            if interrupt_after is not None:
                deadline = time.monotonic() + LIMIT
                while interrupt_after not in open(said).read() and time.monotonic() < deadline:
                    time.sleep(0.05)
                time.sleep(0.5)
                gdb.send_signal(signal.SIGINT)
            gdb.wait(LIMIT)
            return open(said).read()
        except subprocess.TimeoutExpired:
            gdb.kill()
            gdb.wait()
            raise Failure("gdb hangs:\n" + open(said).read() + self.stderr())

    def wait(self, seconds=LIMIT):
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failure("Orrery does not end")

    def close(self):
        self.process.kill()
        self.process.wait()
        self.errors.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def expect(text, *patterns):
    """The patterns are there, in this order."""
    at = 0
    for pattern in patterns:
        found = re.compile(pattern, re.MULTILINE).search(text, at)
        if not found:
            raise Failure(f"expected {pattern!r} in:\n{text[:at][-500:]}<here>{text[at:][:1500]}")
        at = found.end()


def expect_not(text, pattern):
    if re.search(pattern, text, re.MULTILINE):
        raise Failure(f"did not expect {pattern!r} in:\n{text}")


@test
def linear_pc_is_an_address_in_real_mode():
    with Machine(REAL, gdb=",pc=linear") as m:
        out = m.gdb("""
printf "reset %x %x %x\\n", $pc, $cs, $eip_raw
x/i $pc
break *0x7c20
continue
printf "first %x %x %x\\n", $pc, $cs, *(unsigned short*)0x600
x/3i $pc
break *0x7c40
continue
printf "other %x %x %x %x\\n", $pc, $cs, $eip_raw, $cs_base
continue
printf "second %x %x\\n", $pc, *(unsigned short*)0x600
""")
        expect(out, r"reset fffffff0 f000 fff0", r"ljmp +\$0xf000,\$0xe05b", r"^Breakpoint 1, 0x00007c20", r"first 7c20 0 0",
               r"incw +0x600", r"mov +\$0x1234,%ax", r"mov +%ax,0x602", r"^Breakpoint 2, 0x00007c40",
               r"other 7c40 7b0 140 7b00", r"^Breakpoint 1, 0x00007c20", r"second 7c20 1")
        expect_not(out, "warning: A handler|reply is too long|Cannot access")


@test
def pc_is_the_offset():
    with Machine(REAL) as m:
        out = m.gdb("""
printf "reset %x\\n", $pc
break *0x7c40
continue
printf "other %x %x %x\\n", $pc, $cs * 16 + $eip, $cs_base + $eip
x/i $cs*16+$eip
stepi
printf "stepped %x\\n", $pc
continue
printf "again %x\\n", $cs * 16 + $eip
""")
        expect(out, r"reset fff0", r"other 140 7c40 7c40", r"mov +\$0x7d00,%si", r"stepped 143", r"again 7c40")


@test
def watchpoints_stop_behind_the_instruction():
    with Machine(REAL) as m:
        out = m.gdb("""
break *0x7c20
continue
delete
watch *(unsigned short*)0x602
continue
printf "written %x %x\\n", $cs_base + $eip, *(unsigned short*)0x602
delete
rwatch *(unsigned char*)0x603
continue
printf "read? %x\\n", $cs_base + $eip
delete
watch *(char*)0x7104
continue
printf "in the middle %x %d %d\\n", $cs_base + $eip, $ecx, *(char*)0x7104
delete
awatch *(unsigned char*)0x603
continue
printf "access %x\\n", $cs_base + $eip
continue
printf "access %x\\n", $cs_base + $eip
""")
        expect(out, r"^Hardware watchpoint 2: ", r"^Hardware watchpoint 2", r"Old value = 0$", r"New value = 4660",
               r"written 7c2a 1234", r"Hardware read watchpoint 3", r"Value = 18 ", r"read\? 7c2e",
               r"New value = 69 'E'", r"in the middle 7c49 3 69",
               r"Hardware access \(read/write\) watchpoint 5", r"access 7c2a", r"access 7c2e")


@test
def steps_go_through_a_repeated_instruction_one_by_one():
    with Machine(REAL) as m:
        out = m.gdb("break *0x7c49\ncontinue\ndelete\n" + 'stepi\nprintf "at %x left %d\\n", $cs_base + $eip, $ecx\n' * 9 +
                    "x/s 0x7100\n")
        expect(out, *[rf"at 7c49 left {n}" for n in range(7, 0, -1)], r"at 7c4b left 0", r"at 7c4e left 0", "ABCDEFGH")


@test
def protected_mode_with_paging():
    with Machine(PAGING, gdb=",arch=i386") as m:
        out = m.gdb("""
break *0xc0007d00
continue
delete
printf "round %x %x\\n", $pc, $esp
print $cr0
x/4i $pc
watch *(unsigned*)0xc0000604
continue
printf "written %x %x\\n", $pc, *(unsigned*)0xc0000604
delete
break *0xc0007d57
continue
delete
backtrace 1
x/wx 0xc0000604
x/wx 0x604
x/wx 0xc0400000
x/wx 0xd0000000
maintenance packet Qqemu.PhyMemMode:1
maintenance flush dcache
x/wx 0x604
x/wx 0xc0000604
maintenance packet Qqemu.PhyMemMode:0
""")
        expect(out, r"^Breakpoint 1, 0xc0007d00", r"round c0007d00 c0009000", r"\[ PE .*PG.*\]", r"incl +0xc0000600",
               r"mov +\$0x12345678,%eax", r"add +0xc0000600,%eax", r"mov +%eax,0xc0000604", r"New value = 305419897",
               r"written c0007d16 12345679", r"0xc0007d57", r"0xc0000604:\s+0x12345679", r"0x604:\s+0x12345679",
               r"Cannot access memory at address 0xc0400000", r"Cannot access memory at address 0xd0000000",
               r'received: "OK"', r"0x604:\s+0x12345679", r"Cannot access memory at address 0xc0000604", r'received: "OK"')


@test
def steps_do_not_end_in_interrupt_handlers():
    with Machine(PAGING) as m:
        out = m.gdb("""
break *0xc0007d00
continue
delete
set $n = 0
set $bad = 0
set $before = *(unsigned*)0xc0000608
while $n < 700
  stepi
  if $pc >= 0xc0007d60
    set $bad = $bad + 1
  end
  set $n = $n + 1
end
printf "bad %d rounds %d\\n", $bad, *(unsigned*)0xc0000600
break *0xc0007d60
continue
printf "timer %x\\n", $pc
delete
maintenance packet Qqemu.sstep=0x1
""")
        expect(out, r"bad 0 rounds [3-9]", r"timer c0007d60", r'received: "OK"')


@test
def a_running_guest_is_interrupted():
    with Machine(PAGING) as m:
        # From its loop on, however long the host takes to get there.
        out = m.gdb("""
break *0xc0007d11
continue
delete
echo it loops\\n
continue
printf "at %x rounds %d\\n", $pc, *(unsigned*)0x600 > 100
""", interrupt_after="it loops\nContinuing.")
        expect(out, r"received signal SIGINT", r"at c0007d[0-9a-f]{2} rounds 1")


@test
def registers_and_memory_can_be_changed():
    with Machine(PAGING, gdb=",arch=i386") as m:
        out = m.gdb("""
break *0xc0007d11
continue
delete
set $eax = 0xcafe
set $xmm1.v4_int32[2] = 77
set $st3 = 1.5
set {int}0xc0000708 = 0x600d
set $eflags |= 1
stepi
printf "%x %x %x\\n", *(int*)0xc0000604, *(int*)0xc0000708, $eflags & 1
p $xmm1.v4_int32[2]
p $st3
set $pc = 0xc0007d51
stepi
printf "ebx %x pc %x\\n", $ebx, $pc
set $cr4 = 1
set {int}0xd0000000 = 1
p $fs = 0x33
print $tr_base = 1
x/i $pc
""")
        expect(out, r"cafe 600d 1", r"= 77", r"= 1\.5", r"ebx 600d pc c0007d57", r"cr4 cannot be changed|Could not write",
               r"Cannot access memory at address 0xd0000000", r"=> 0xc0007d57:\s+ret")


@test
def the_monitor_is_there():
    with Machine(PAGING) as m:
        out = m.gdb("""
break *0xc0007d11
continue
monitor info registers
monitor info mem
monitor info tlb
monitor info gdt
monitor info idt
monitor info pic
monitor info pci
monitor info mtree
monitor info breakpoints
monitor info status
monitor info lapix
monitor infos
monitor help
monitor x /2i $eip
monitor xp /1xw 0x600
monitor print $eax + 1
monitor print (
monitor cont
""")
        expect(out, r"EAX=12345679", r"EIP=c0007d11", r"CS  =0008 00000000 ffffffff", r"CR0=8\d{7}",
               r"^00000000c0000000-00000000c0400000 0+400000 -rw", r"^00000000c0000000: 0{16} ", r"0008: 32-bit code, readable",
               r"0020: 32-bit interrupt gate: 0008:c0007d60", r"^pic0: .*imr=fe", r"8086:1237|i440", r"I/O$",
               r"There are no breakpoints", r"VM status: paused", r"there is no `info lapix`: did you mean",
               r"unknown command 'infos': did you mean 'info'", r"^info +\[TOPIC\]",
               r"> c0007d11 0008:c0007d11 a3040600c0 +mov dword ptr \[0x?c0000604", r"00000600: 0x00000001",
               r"0x1234567a = ", r"breaks off", r"gdb decides over stopping")


@test
def detaching_lets_the_guest_go_on():
    folder = tempfile.mkdtemp(prefix="orrery-mon-")
    try:
        path = os.path.join(folder, "monitor")
        with Machine(PAGING, "-monitor", f"unix:{path}") as m:
            m.gdb("break *0xc0007d11\ncontinue\ndetach\n")
            rounds = []
            with socket.socket(socket.AF_UNIX) as s:
                s.connect(path)
                s.settimeout(LIMIT)
                text = ""
                for _ in range(2):
                    s.sendall(b"info status\nxp /1uw 0x600\ninfo breakpoints\n")
                    while not re.search(r"00000600: (\d+)[^$]*no breakpoints.*\n", text):
                        text += s.recv(4096).decode()
                    rounds.append(int(re.search(r"00000600: (\d+)", text)[1]))
                    expect(text, r"VM status: running", r"There are no breakpoints")
                    text = ""
                    time.sleep(0.3)
                if rounds[1] <= rounds[0]:
                    raise Failure(f"the guest stands: {rounds}")
                s.sendall(b"stop\nbreak 0xc0007d40\nc\n")
                while not re.search(r"breakpoint \d+ at tick \d+\n.*\n", text):
                    text += s.recv(4096).decode()
                expect(text, r"stopped at tick \d+\n> c0007d", r"breakpoint 2 at linear c0007d40", r"> c0007d40 .*mov esi, ")
                s.sendall(b"step 3\n")
                while not re.search(r"> c0007d4f .*rep movsb", text):
                    text += s.recv(4096).decode()
                s.sendall(b"quit\n")
                if m.wait() != 0:
                    raise Failure("`quit` gives another status")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@test
def a_client_that_leaves_without_a_word_lets_the_guest_go_on():
    with Machine(PAGING) as m:
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(m.socket)
            s.sendall(b"$?#3f$Z0,c0007d00,1#00")
            s.settimeout(10)
            s.recv(100)
        out = m.gdb('printf "again %x\\n", *(unsigned*)0x600 >= 0\nstepi\nkill\n')
        expect(out, r"again 1")
        if m.wait() != 0:
            raise Failure("`kill` gives another status")


@test
def a_triple_fault_stops_for_inspection():
    with Machine(PAGING, "-no-reboot") as m:
        out = m.gdb("""
break *0xc0007d40
continue
set $esp = 0xd0000000
set $pc = 0xc0007d16
delete
continue
printf "at %x\\n", $pc
continue
""")
        expect(out, r"triple fault at tick \d+", r"SIGSEGV", r"at c0007d16", r"exited with code 01|Inferior 1 .*exited")
        if m.wait() != 1:
            raise Failure("another status than that of a triple fault")


HASH = re.compile(r"state hash at tick (\d+): ([0-9a-f]{16})")


def hash_of(image, script, *options):
    with Machine(image, "-run-for", "200ms", "-state-hash", *options, stopped=bool(script)) as m:
        if script:
            m.gdb(script)
        m.wait()
        found = HASH.search(m.stderr())
        if not found:
            raise Failure("no hash: " + m.stderr())
        return found.groups()


@test
def a_debugger_does_not_change_the_run():
    for image, script in ((REAL, """
break *0x7c20
continue
ignore 1 50
continue
watch *(char*)0x7104
continue
continue
x/20i $pc
info registers
monitor info tlb
x/40xb 0xb8000
delete
rwatch *(char*)0x602
continue
stepi
stepi
nexti
"""), (PAGING, """
break *0xc0007d11
continue
ignore 1 30
continue
watch *(char*)0xc0007110
continue
x/40xw 0xc0050000
monitor info mem
monitor info registers
delete
break *0xc0007d60
continue
stepi
stepi 30
info registers
x/40xb 0xb8000
break *0xc0007d4f
continue
stepi
stepi
delete
awatch *(int*)0xc0000608
continue
delete
stepi 500
""")):
        alone = hash_of(image, None)
        watched = hash_of(image, script)
        if int(alone[0]) < 39_000_000 or alone != watched:
            raise Failure(f"alone {alone}, with a debugger {watched}")


def main():
    if GDB is None:
        print("there is no gdb here: install the package gdb")
        return 77
    wanted = sys.argv[4:]
    failed = 0
    for function in TESTS:
        if wanted and function.__name__ not in wanted:
            continue
        begin = time.monotonic()
        try:
            function()
            result = "ok"
        except Failure as failure:
            failed += 1
            result = f"FAILED\n{failure}"
        print(f"{function.__name__} ({time.monotonic() - begin:.1f} s): {result}", flush=True)
    return 1 if failed else 0


sys.exit(main())
