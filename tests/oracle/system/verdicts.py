"""Differences that the SDM (volume 3 but where said) has settled, none of them Orrery's fault: README.md says more about each."""

import re

MACHINE = 0x100000
DEBUG_STUB = MACHINE + 0x808  # saved when something interrupts the recorder of #DB at its first instruction
RF = 0x10000
VIRTUAL = 0x180000
STACKS = range(0x1000, 0x2000)
FLAG_IMAGES = list(range(0x800, 0x1000)) + list(STACKS)
GENERAL = ("eax", "ecx", "edx", "ebx", "ebp", "esi", "edi")


def values(name, result):
    if name[0] == "@":
        return result.memory.get(int(name[1:], 16))
    return result.registers.get(name)


class Case:
    """One scenario on two machines."""

    def __init__(self, kind, source, ours, theirs, what):
        self.kind, self.source, self.ours, self.theirs, self.what = kind, source, ours, theirs, what
        self.vector = ours.registers.get("vector")
        self.their_vector = theirs.registers.get("vector")

    def bits(self, name):
        """The bits of one difference, or None if one side has no value."""
        a, b = values(name, self.ours), values(name, self.theirs)
        return None if a is None or b is None else a ^ b


def explain_either(c, name, address):
    bits = c.bits(name)
    a, b = values(name, c.ours), values(name, c.theirs)
    if name in ("@5004", "@9010") and c.vector in (14, 8):
        whole = 0x67 + (0x27000 if address == 0x5004 else 0x2a000)  # what is there before; not shown if it stays
        if bits == 0x20 or (bits is None and (a or b) ^ whole == 0x20) or (bits is None and (a or b) & 0x20):
            return "A flag of a directory entry whose walk ends in a fault: set or not (4.8)"
    if address == 0x838 and ((a or 0) ^ (b or 0)) & 0xffff == 0 and c.ours.memory.get(0x850, 0) in (0x90, 0xc0):
        return "upper half of ESP when an inner 16-bit stack is entered: not defined (5.8.5, 7.6)"
    if bits == RF and c.vector == 8 and address in FLAG_IMAGES:
        return "RF in the image of EFLAGS that a double fault, an abort, saves (17.3.1.1)"
    if name == "cr2" and c.kind in ("paged_tables", "paging", "paging_pae") and c.vector in (8, 14) and c.what[0] == "cr2":
        return "which of several missing bytes CR2 names is not defined (4.7)"
    if c.vector == c.their_vector == 10 and address in STACKS and c.kind in ("task_switch", "interrupt", "nmi") and bits is not None and bits < 0x10000:
        return "which of several bad selectors of a TSS the fault names is model-specific (7.3)"
    if address in range(0x7000, 0x700c) and bits is not None and bits & ~0x60 == 0 and c.vector == c.their_vector:
        return "A and D of another page that an access which faults has touched (4.8)"
    bottom = (c.vector == 8 and address == 0x1000 or c.vector in (8, 12) and c.kind == "stack_limit") or "STACK16" in c.source and address in (0x1000, 0x1004)
    if c.vector == c.their_vector == 10 and address is not None and address < 0x280 and address & 4 and bits == 0x100:
        return "which of several bad selectors of a TSS the fault names is model-specific (7.3)"
    if c.kind == "virtual_8086" and c.vector == c.their_vector == 12 and address == 0x2000:
        return "pushes before a check fails; the check comes first here (vol. 2, CALL, INT)"
    if address in STACKS and (bottom or a is None and c.vector in (None, 8, 10, 11, 12, 13, 14)):
        return "pushes before a check fails; the check comes first here (vol. 2, CALL, INT)"
    if name == "esp" and bits is not None and bits & 0xffff == 0 and c.ours.registers["ss"] & ~3 in (0x90, 0xc0):
        return "upper half of ESP when an inner 16-bit stack is entered: not defined (5.8.5, 7.6)"
    return None


def explain_qemu(c, name, address):
    bits = c.bits(name)
    if bits is not None and bits & ~(RF | VIRTUAL) == 0 and (name in ("eflags", "ebx") or address in FLAG_IMAGES):
        if bits & VIRTUAL:
            return "no VME: VIF and VIP stay as they were (20.3)"
        return "RF is not set in the image of EFLAGS that a fault saves (17.3.1.1)"
    if address is not None and address < 0x280 and address & 4 and bits == 0x100:
        return "does not set the accessed flag of a code segment (3.4.5.1)"
    if name in GENERAL and bits is not None and bits & 0xffff == 0 and c.ours.registers["tr"] & ~3 == 0x60:
        return "a 16-bit TSS leaves the upper halves of the registers (7.6)"
    if address in STACKS and bits == 2 and c.vector == 14 and c.kind in ("paging", "paging_pae", "priority"):
        return "the error code of a read-modify-write says read (4.7)"
    if name == "dr6" and bits is not None and bits & ~0xf00f == 0:
        return "DR6: bit 12 can be written, BT and B0 to B3 are cleared (17.2.3)"
    if address == 0x8000:
        return "sets bit 5 of a PDPTE, which is reserved (4.4.1)"
    return None


def explain_bochs(c, name, address):
    bits, b = c.bits(name), values(name, c.theirs)
    if name == "dr6" and bits == 0x8000:
        return "clears DR6.BT at a later debug exception (17.2.3)"
    if name == "dr6" and bits is not None and bits & ~0xc00f == 0 and c.ours.registers["dr6"] & 0x2000:
        return "clears B0 to B3 at a general detect, which is allowed, and may set BS (17.2.3)"
    if name == "dr6" and bits is not None and bits & ~15 == 0 and b & bits == bits:
        return "a trap's DR6 shows the code breakpoint of the next instruction too, or one that is not enabled (17.2.3)"
    if bits == RF and address in FLAG_IMAGES and c.vector == 1:
        return "RF is not set in the image that a general-detect fault saves (17.3.1.1)"
    if "FRAME0" in c.source and address in (0x300c, 0x3010, 0x3014) and ("fxsave" in c.source or "fnstenv" in c.source or "fnsave" in c.source):
        return "CS and DS of the x87 are not kept by this model (vol. 1, 8.1.8)"
    if bits is not None and address in STACKS and bits & 0xffff == 0 and "push " in c.source:
        return "PUSH of a segment register writes 16 bits; both are allowed (vol. 2, PUSH)"
    return None


def events(result):
    """What the handler of debug_events noted: where it was entered, DR6, flags."""
    count = min(result.memory.get(0x4000, 0), 0xa0)
    notes = [(result.memory.get(0x4008 + at, 0), result.memory.get(0x400c + at, 0)) for at in range(0, count, 8)]
    return [(eip, note & 0xf, note & 0x100000, note & 0xffeffff0) for eip, note in notes]


def explain_events(c):
    """Reasons why Bochs's debug exceptions are others than ours, or None."""
    ours, theirs, reasons = events(c.ours), events(c.theirs), set()
    while ours or theirs:
        if ours and theirs and ours[0] == theirs[0]:
            ours, theirs = ours[1:], theirs[1:]
            continue
        if ours and theirs and ours[0][0] == theirs[0][0]:
            a, b = ours[0], theirs[0]
            lost = a[1] & ~b[1]
            if (lost and not ("0xf1" in c.source and (" ss, [" in c.source or "pop ss" in c.source))) or (a[2] != b[2] and not (a[2] and "rep " in c.source)) or (a[3] ^ b[3]) & ~0x8000:
                return None
            if lost:
                reasons.add("a data breakpoint of MOV SS before INT n is lost (6.8.3)")
            elif a[1] != b[1]:
                reasons.add("a trap's DR6 shows the code breakpoint of the next instruction too, or one that is not enabled (17.2.3)")
            if a[2] != b[2]:
                reasons.add("RF is not set in the image that a trap between the iterations of a repeated instruction saves (17.3.1.1)")
            if a[3] != b[3]:
                reasons.add("clears DR6.BT at a later debug exception (17.2.3)")
            ours, theirs = ours[1:], theirs[1:]
        elif theirs and c.source.count(" ss") > 2 and (not ours or len(theirs) > 1 and theirs[1][0] == ours[0][0]):
            reasons.add("of loads of SS in a row only the first is sure to hold debug exceptions back (6.8.3)")
            theirs = theirs[1:]
        elif ours and ours[0][1] and (" ss, [" in c.source or "pop ss" in c.source):
            reasons.add("a data breakpoint of MOV SS before INT n is lost (6.8.3)")
            ours = ours[1:]
        else:
            return None
    return sorted(reasons) if reasons else None


def explain_whole(peer, c):
    """Reasons that settle all of a scenario."""
    if peer == "Bochs" and c.vector == 0x50 and c.their_vector == 1 and "irq_pending" in c.source:
        return "takes a code breakpoint before a maskable interrupt (6.9, table 6-2)"
    if peer == "Bochs" and c.kind == "nmi":
        dr7 = re.search(r"mov eax, (0x[0-9a-f]+)\nmov dr7", c.source)
        entered = DEBUG_STUB in c.theirs.memory.values() or c.theirs.registers.get("dr6", 0) & 1
        if dr7 and int(dr7.group(1), 16) & 1 and entered:
            return "takes a code breakpoint before an NMI (6.9, table 6-2)"
        if c.vector == 1 and c.ours.registers["dr6"] & 0x8000 and "BTSS + 100" in c.source:
            return "an NMI that switches tasks loses the debug trap of the T flag (17.3.1.4)"
        places = [n for n in c.what if n not in ("dr6", "esp")]
        addresses = [(values(n, c.ours) or 0, values(n, c.theirs) or 0) for n in places]
        if c.vector == c.their_vector and places and all(n[:2] in ("@1", "@0") for n in places) and any(a < 0x30 <= MACHINE <= b for a, b in addresses[:1]):
            return "a fault of an NMI handler's first instruction saves the address that the NMI interrupted (6.5)"
        if c.vector == c.their_vector and places and all(n[:2] == "@1" for n in places) and ", 0x20, 0x86" in c.source:
            return "a fault of an NMI handler's first instruction saves the address that the NMI interrupted (6.5)"
    if {c.vector, c.their_vector} <= {10, 11, 12} and c.kind == "task_switch" and [n for n in c.what if n != "vector" and n[:2] != "@1"] == []:
        return "which of several bad selectors of a TSS the fault names is model-specific (7.3)"
    if {c.vector, c.their_vector} == {11, 12} and "iret" in c.source:
        return "IRET to a stack segment that is not present: #SS in the pseudo-code, #NP in the list of exceptions (vol. 2, IRET)"
    waiting = [v for v in c.theirs.memory.values() if v & 0x183000 == 0x183000]
    if peer == "Bochs" and "mov cr4" in c.source and waiting and c.kind in ("virtual_8086", "port_permission"):
        return "looks at VIF and VIP with IOPL 3 too (2.3)"
    both_page_faults = c.vector == c.their_vector and c.vector in (8, 14, 17) and c.kind in ("paging", "paging_pae", "priority")
    if both_page_faults and ("sgdt" in c.source or "retf" in c.source) and set(c.what) & {"cr2", "@3004", "@7000", "@7004", "@7008", "@a000", "@a008", "@a010", "@4ffc", "@3ffc"}:
        return "the order of two accesses of SGDT or RETF is not defined (4.10.2.4)"
    if c.ours.outcome == c.theirs.outcome == "T":
        return "what a task switch has stored before a triple fault (7.3)"
    if peer == "Bochs" and c.their_vector == 13 and c.vector in (8, 13) and [c.theirs.registers[n] for n in ("ds", "es", "fs", "gs")] == [0] * 4 and c.ours.registers["ds"]:
        return "IRET to virtual-8086 mode with an EIP above FFFFh faults there, not before (vol. 2, IRET)"
    if peer == "Bochs" and "iretd" in c.source and c.kind == "virtual_8086" and c.vector == c.their_vector == 13:
        return "IRETD in virtual-8086 mode faults after EIP and EFLAGS are loaded (vol. 2, IRET)"
    if peer == "Bochs" and c.kind == "paged_tables" and c.what == ["@004c"] and c.bits("@004c") == 0x200:
        return "a task switch that faults has cleared the old TSS's busy flag (7.3)"
    small = c.source.count("GDT_ADDRESS + TSS_MAIN")
    if small and c.vector == 10 and c.ours.registers["tr"] == 0x48:
        return "no check of the limit of the old TSS, or another limit: not defined (7.3)"
    if peer == "QEMU":
        if c.theirs.outcome == "H":
            return "QEMU stops answering"
        if c.kind in ("nmi", "debug_events") and c.ours.registers["tr"] != c.theirs.registers.get("tr") and re.search(r"TSS \+ 100\], 1", c.source):
            return "the T flag of a TSS is not looked at (17.3.1.4)"
        if c.kind == "nmi" and c.vector == 1 and c.ours.registers["dr6"] & 0x8000 and re.search(r"TSS \+ 100\], 1", c.source):
            return "the T flag of a TSS is not looked at (17.3.1.4)"
        if c.kind == "virtual_8086" and "mov cr4" in c.source:
            return "no VME: VIF and VIP stay as they were (20.3)"
        if c.kind == "virtual_8086" and "iretd" in c.source and c.vector == c.their_vector == 13:
            return "IRETD in virtual-8086 mode with an EIP above FFFFh goes there (vol. 2, IRET)"
        if c.kind == "paging" and "retf" in c.source and (c.vector, c.their_vector) == (14, 13):
            return "RETF at level 3 reads its stack as the supervisor (4.6)"
        if c.kind == "breakpoint" and c.ours.registers.get("dr6", 0) & 0x2000:
            return "general detect only for some moves (17.2.4)"
        if c.vector == c.their_vector == 10 and c.ours.registers["tr"] & ~3 in (0x58, 0x60, 0x68):
            return "a fault after the commit of a task switch: which level and stack deliver it is not defined (7.3, 6.15 #TS)"
    if peer == "Bochs" and c.kind == "double_fault" and c.vector == 8 and "STACK16" in c.source and ", 0x2000, 0x8e" in c.source:
        return "looks at EIP before the room on the stack (vol. 2, INT)"
    return None


def verdict(peer, kind, source, ours, theirs, what):
    """Why differences are no fault of Orrery (a list of reasons), and the names of those that nothing explains."""
    c = Case(kind, source, ours, theirs, what)
    if peer == "Bochs" and kind == "debug_events" and ours.outcome == theirs.outcome == "o" and c.vector == c.their_vector:
        reasons = explain_events(c)
        if reasons:
            what = [n for n in what if n != "dr6" and not n.startswith(("@1", "@4"))]
            if not what:
                return reasons, []
    whole = explain_whole(peer, c)
    if whole:
        return [whole], []
    reasons, left = [], []
    for name in what:
        address = int(name[1:], 16) if name[0] == "@" else None
        reason = (explain_qemu if peer == "QEMU" else explain_bochs)(c, name, address) or explain_either(c, name, address)
        if not reason:
            left.append(name)
        elif reason not in reasons:
            reasons.append(reason)
    return reasons, left
