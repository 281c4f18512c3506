"""Random system-level scenarios as NASM source for machine.asm. Scenario N of a seed is the same whatever else is made.

A kind is a function that gets a random generator and gives lines: code that starts at level 0, flat 32-bit segments, paging off,
and goes on until an interrupt ends the scenario.
"""
import random
import zlib

KINDS = []


def kind(weight):
    def add(function):
        KINDS.append((weight, function.__name__, function))
        return function
    return add


def descriptor(slot, base, limit, access, flags):
    low = (limit & 0xffff) | (base & 0xffff) << 16
    high = (base >> 16 & 0xff) | access << 8 | (limit >> 16 & 15) << 16 | flags << 20 | (base & 0xff000000)
    return [f"mov dword [{slot}], {low:#x}", f"mov dword [{slot} + 4], {high:#x}"]


ARENA, LAND, STACK, FRAME0, FRAME1 = 0x20000, 0x22000, 0x21000, 0x23000, 0x24000
WINDOW = 0x400000
GDT, LDT = "GDT_ADDRESS", "LDT_ADDRESS"
# Where free descriptors are: the selector, its address.
SLOTS = [(0xa8, f"{GDT} + 0xa8"), (0xb0, f"{GDT} + 0xb0"), (0xb8, f"{GDT} + 0xb8"), (0x0c, f"{LDT} + 8"), (0x14, f"{LDT} + 0x10")]
SELECTORS = [0, 1, 2, 3, 8, 0x10, 0x18, 0x19, 0x20, 0x21, 0x2a, 0x32, 0x3b, 0x43, 0x48, 0x50, 0x58, 0x70, 0xa0, 0xa3, 0x1f8, 0x1ff, 0x200, 0xfff8,
             0x44, 0x4c, 0x5f, 0x67, 0x7f, 0x7c, 0x84]
LANDINGS = [0, 0, 0, 0, 0x10, 0x20, 0x30, 0x40, 0x50]
INNER = {0: "TSS + 4", 1: "TSS + 12", 2: "TSS + 20"}


def any_access(rng):
    """The access byte of a descriptor, mostly present."""
    return rng.choice([0x80, 0x80, 0x80, 0x80, 0]) | rng.randrange(128)


def any_flags(rng):
    return rng.choice([4, 12, 0, 8, 4, 5])


def flags_value(rng, extra=0):
    """EFLAGS that leave the scenario in charge: no IF but where asked, no TF."""
    return 2 | extra | rng.choice([0, 0x1, 0x8d5, 0x40, 0x400, 0x200]) | rng.choice([0, 0, 0, 0x1000, 0x3000, 0x40000, 0x200000])


def load_ldt(rng):
    return ["mov ax, LDT", "lldt ax"] if rng.random() < 0.9 else []


def slot(rng):
    return rng.choice(SLOTS)


def selector_of(rng, chosen):
    """Usually the slot that was filled, with any RPL."""
    if rng.random() < 0.85:
        return chosen | rng.choice([0, 0, 3, 1, 2, 3])
    return rng.choice(SELECTORS)


def level(rng):
    return rng.choice([0, 0, 0, 3, 3, 3, 1, 2])


def corrupt_inner_stack(rng):
    """A stack of the TSS that is not what an inner level needs."""
    lines = []
    which = INNER[rng.choice([0, 0, 1, 2])]
    what = rng.randrange(6)
    if what == 0:
        lines.append(f"mov dword [{which} + 4], {rng.choice(SELECTORS):#x}")
    elif what == 1:
        lines.append(f"mov dword [{which}], {rng.choice([0x21004, 0x21008, 0x2100c, 0x21010, 0x21102]):#x}")
    elif what == 2:
        lines += descriptor(f"{GDT} + S3", STACK, rng.choice([3, 7, 0xf, 0x13, 0x1f, 0xff, 0xfff]), rng.choice([0x93, 0x97, 0x92, 0x13, 0x91, 0xb3, 0xf3]),
                            rng.choice([0, 4]))
        lines += [f"mov dword [{which} + 4], S3 | {rng.choice([0, 0, 0, 1, 2, 3])}", f"mov dword [{which}], {rng.choice([4, 8, 0x10, 0x14, 0x20, 0x100, 0x200, 0x10100]):#x}"]
    elif what == 3:
        lines += descriptor(f"{GDT} + TSS_MAIN", 0x20800, rng.choice([0x67, 0x10, 5, 8, 0xb, 0x17]), 0x89, 0) + ["mov ax, TSS_MAIN", "ltr ax"]
    elif what == 4:  # a 16-bit TSS
        lines += ["mov ax, TSS_C", "ltr ax"]
    else:
        lines += descriptor(f"{GDT} + S3", 0, 0xfffff, rng.choice([0x13, 0x91, 0x9b, 0x97, 0x82]), 12) + [f"mov dword [{which} + 4], S3 | {rng.choice([0, 1, 2])}"]
    return lines


@kind(10)
def segment_load(rng):
    chosen, address = slot(rng)
    access = any_access(rng)
    base = rng.choice([FRAME0, FRAME0, FRAME1 - 8, LAND, 0])
    limit = rng.choice([0, 1, 3, 7, 15, 0xfff, 0xffff, 0xfffff, rng.randrange(32)])
    lines = descriptor(address, base, limit, access, any_flags(rng)) + load_ldt(rng)
    cpl = level(rng)
    selector = selector_of(rng, chosen)
    lines.append(f"enter_level {cpl}, {flags_value(rng, rng.choice([0, 0, 0x40])):#x}")
    lines.append(f"mov eax, 0x{rng.randrange(1 << 16):x}{selector:04x}")
    register = rng.choice(["es", "ds", "fs", "gs", "ss", "ss"])
    way = rng.randrange(4)
    if way == 0:
        lines.append(f"mov {register}, ax")
    elif way == 1:
        lines += ["push eax", f"{rng.choice(['', 'o16 '])}pop {register}"]
    else:
        lines += [f"push dword {selector:#x}", "push dword 0x1234", f"{rng.choice(['', '', 'o16 '])}l{register} {'esp' if register == 'ss' else 'ebx'}, [esp]"]
    if register != "ss" and rng.random() < 0.7:
        lines.append(access_memory(rng, register, limit, selector | 3 == chosen | 3))
    lines += [f"mov ecx, {register}", "done"]
    return lines


def access_memory(rng, register, limit, far):
    """An access near the limit; far: also at the end of the 4 GiB, which is not memory in a flat segment."""
    near = limit if limit < 0x10000 else rng.choice([limit & 0xffff, 0xffff, 16])
    offset = rng.choice([0, near, near + 1, near - 1, near - 2, near - 3, near - 4, near - 7, near - 8, near + 2, 0xffff, 0xfffe, 0xffffffff, 0xfffffffc, 0x10000]) & 0xffffffff
    if offset > 0xfffff000 and not far:
        offset = 0
    return rng.choice([
        f"mov al, [{register}:{offset:#x}]", f"mov ax, [{register}:{offset:#x}]", f"mov eax, [{register}:{offset:#x}]", f"mov [{register}:{offset:#x}], al",
        f"mov [{register}:{offset:#x}], ax", f"mov [{register}:{offset:#x}], eax", f"add dword [{register}:{offset:#x}], 1", f"cmpxchg8b [{register}:{offset:#x}]",
        f"movq mm0, [{register}:{offset:#x}]", f"fld tword [{register}:{offset:#x}]", f"test byte [{register}:{offset:#x}], 1", f"sgdt [{register}:{offset:#x}]",
        f"fldenv [{register}:{offset:#x}]", f"bound eax, [{register}:{offset:#x}]", f"bts dword [{register}:{offset:#x}], eax"])


@kind(5)
def segment_query(rng):
    chosen, address = slot(rng)
    access = any_access(rng)
    lines = descriptor(address, FRAME0, rng.choice([0, 0x67, 0x2b, 0xffff, 0xfffff, rng.randrange(1 << 20)]), access, any_flags(rng)) + load_ldt(rng)
    selector = selector_of(rng, chosen)
    lines.append(f"enter_level {level(rng)}, {flags_value(rng):#x}")
    lines.append(f"mov eax, 0x{rng.randrange(1 << 16):x}{selector:04x}")
    lines.append(rng.choice(["lar edx, ax", "lar dx, ax", "lsl edx, ax", "lsl dx, ax", "verr ax", "verw ax", "lar edx, eax", f"mov edx, {rng.randrange(8)}\n arpl ax, dx"]))
    lines += ["setz cl", "done"]
    return lines


@kind(5)
def system_register_load(rng):
    """LLDT, LTR, LGDT, LIDT, LMSW, CLTS, INVLPG, WBINVD and the stores, at all levels."""
    chosen, address = slot(rng)
    access = any_access(rng)
    if rng.random() < 0.8:
        access = (access & 0xe0) | rng.choice([1, 2, 2, 3, 9, 9, 0xb, 0xc, 4, 0])
    lines = descriptor(address, 0x20b00, rng.choice([0, 0x67, 0x2b, 0xffff]), access, any_flags(rng)) + load_ldt(rng)
    selector = selector_of(rng, chosen)
    umip = rng.random() < 0.1
    if umip:
        lines += ["mov eax, 0x800", "mov cr4, eax"]
    cpl = rng.choice([0, 0, 0, 3, 1])
    lines.append(f"enter_level {cpl}, {flags_value(rng):#x}")
    lines.append(f"mov eax, 0x{rng.randrange(1 << 16):x}{selector:04x}")
    lines.append(rng.choice(["lldt ax", "lldt ax", "ltr ax", "ltr ax", "lldt ax\n mov ax, 0x0c\n mov fs, ax", "sldt eax", "str eax", "sldt ax", "str ax", "smsw eax", "smsw ax",
                             f"mov ax, {rng.randrange(16) | 1}\n lmsw ax", "clts", "invlpg [0]", "wbinvd", "sgdt [FRAME0]", "sidt [FRAME0]", "sldt [FRAME0]", "str [FRAME0]",
                             "smsw [FRAME0]", "o16 sgdt [FRAME0]", "lgdt [FRAME0]\n sgdt [FRAME1]\n lgdt [gdtr]", "o16 lidt [FRAME0]\n sidt [FRAME1]\n lidt [idtr]", "hlt" if cpl else "nop", "invd", "rdpmc",
                             "mov eax, cr0", "mov eax, cr2", "mov eax, cr4", "mov eax, dr7", "mov dr0, eax", "mov ecx, 0x10\n rdmsr\n mov eax, 0\n cdq", "mov ecx, 0xc0000080\n rdmsr",
                             "mov eax, cr1", "mov eax, cr5", "mov cr7, eax", "rsm", "cli", "sti\n cli", "o16 smsw ax"]))
    lines += ["sldt cx", "str dx", "done"] if not umip else ["done"]
    return lines


def code_target(rng, address, cpl):
    """A code segment over the landing page, often one that can be entered."""
    access = rng.choice([0x9a, 0x98, 0x9e, 0x9c, 0x9b]) | rng.choice([0, 0, cpl, cpl, 1, 2, 3]) << 5
    if rng.random() < 0.15:
        access = any_access(rng)
    limit = rng.choice([0xfff, 0xfff, 0xfff, 0xffff, 1, 0, 0x10, 0x11])
    return descriptor(address, LAND, limit, access, rng.choice([4, 4, 0, 0, 5]))


@kind(14)
def far_transfer(rng):
    """JMP and CALL to code segments, call gates, task gates and TSSs."""
    cpl = level(rng)
    lines = []
    chosen, address = slot(rng)
    offset = rng.choice(LANDINGS + [0xfff, 0x1000, 0x10000])
    what = rng.choice(["code", "code", "gate", "gate", "gate", "gate", "task", "tss", "any"])
    if what == "code":
        lines += code_target(rng, address, cpl)
    elif what == "gate":
        target, target_address = rng.choice([s for s in SLOTS if s[0] != chosen])
        lines += code_target(rng, target_address, rng.choice([0, 0, cpl]))
        access = rng.choice([0x8c, 0x8c, 0x84]) | rng.choice([3, 3, cpl, 0, 1, 2]) << 5
        if rng.random() < 0.1:
            access = any_access(rng)
        lines.append(f"gate {address}, {selector_of(rng, target):#x}, {offset:#x}, {access:#x}, {rng.choice([0, 0, 1, 2, 5, 31])}")
        offset = rng.choice([0, 0x10000, 0x12345678])
    elif what == "task":
        lines.append(f"gate {address}, {rng.choice([0x58, 0x58, 0x58, 0x5b, 0x60, 0x48, 0, 0x10, 0x5c, 0x50, 0x1f8, 0x200]):#x}, 0, {rng.choice([0x85, 0x85, 5]) | rng.choice([3, 3, cpl, 0, 1]) << 5:#x}")
    elif what == "tss":
        chosen = rng.choice([0x58, 0x58, 0x60, 0x48, 0x50, 0x68])
        lines.append(f"or byte [{GDT} + {chosen} + 5], {rng.choice([0, 0, 0x60, 0x20, 2]):#x}")
    else:
        lines += descriptor(address, LAND, 0xfff, any_access(rng), rng.choice([0, 4]))
    lines += load_ldt(rng)
    if rng.random() < 0.25:
        lines += corrupt_inner_stack(rng)
    selector = selector_of(rng, chosen)
    lines.append(f"enter_level {cpl}, {flags_value(rng):#x}")
    lines += ["push dword 0x11111111", "push dword 0x22222222", "push dword 0x33333333"]
    transfer = rng.choice(["jmp", "call", "call"])
    size = rng.choice(["dword", "dword", "dword", "word"])
    if rng.random() < 0.5:
        lines += [f"mov dword [FRAME0], {offset:#x}", f"mov word [FRAME0 + {4 if size == 'dword' else 2}], {selector:#x}", f"{'o16 ' if size == 'word' else ''}{transfer} far [FRAME0]"]
    else:
        lines.append(f"{transfer} {size} {selector:#x}:{offset & (0xffff if size == 'word' else 0xffffffff):#x}")
    lines.append("done")
    return lines


@kind(12)
def far_return(rng):
    """RETF, RETF n and IRET with any frame, from any level to any."""
    cpl = level(rng)
    lines = []
    chosen, address = slot(rng)
    lines += code_target(rng, address, rng.choice([cpl, 3, 3]))
    stack, stack_address = rng.choice([s for s in SLOTS if s[0] != chosen])
    dpl = rng.choice([3, 3, 2, 1, cpl])
    lines += descriptor(stack_address, STACK, rng.choice([0xfff, 0xfff, 0xffff, 0x5ff]), rng.choice([0x92, 0x92, 0x93, 0x96, 0x90, 0x12, 0x9a]) | dpl << 5, rng.choice([0, 4, 4]))
    lines += load_ldt(rng)
    nested = rng.random() < 0.12
    selector = (chosen | rng.choice([3, 3, cpl, dpl, 1, 2, 0])) if rng.random() < 0.85 else rng.choice(SELECTORS)
    ss = (stack | rng.choice([selector & 3, selector & 3, selector & 3, dpl, 3])) if rng.random() < 0.85 else rng.choice(SELECTORS)
    if rng.random() < 0.3:
        ring = rng.choice([3, 3, 2, 1, 0])
        selector, ss = 8 + 0x11 * ring, 0x10 + 0x11 * ring
    offset = rng.choice(LANDINGS + [0xfff, 0x1000, 0x10000])
    if selector in (8, 0x19, 0x2a, 0x3b):
        offset += LAND
    flags = rng.choice([2, 2, 0x3002, 0x4002, 0x10002, 0x202, 0x40002, 0x200002, 0x180002, 0xffc08ed7 & ~0x100, rng.getrandbits(32) & ~0x20100])
    lines.append(f"enter_level {cpl}, {rng.choice([2, 2, 2, 0x3002, 0x1002, 0x4002 if nested else 2]):#x}")
    if nested:
        lines.insert(0, f"mov dword [TSS], {rng.choice([0x58, 0x58, 0x60, 0x48, 0, 0x5c, 0x10, 0x50]):#x}")
        if rng.random() < 0.7:
            lines.insert(0, f"or byte [{GDT} + 0x5d], 2")
    push = rng.choice(["push dword", "push dword", "push dword", "push word"])
    esp = rng.choice([0x800, 0x600, 0x808, 0, 4, 0x10800, 0x21800])
    extra = rng.choice([0, 0, 4, 8, 16])
    name = rng.choice(["iret", "iret", "retf", "retf", "retfn"])
    lines += [f"{push} {ss:#x}" if push.endswith("dword") else f"{push} {ss:#x}", f"{push} {esp & (0xffff if push.endswith('word') and not push.endswith('dword') else 0xffffffff):#x}"]
    if name == "iret":
        lines.append(f"{push} {flags if push.endswith('dword') else flags & 0xffff:#x}")
    else:
        lines += [f"{push} 0x7777"] * (extra // 4 if name == "retfn" else 0)
    width16 = push == "push word"
    lines.append(f"{push} {selector:#x}")
    lines.append(f"{push} {offset & 0xffff if width16 else offset:#x}")
    prefix = "o16 " if width16 else ""
    if rng.random() < 0.05:
        prefix = "" if width16 else "o16 "
    if name == "iret":
        lines.append("iretw" if prefix else "iretd")
    elif name == "retf":
        lines.append(prefix + "retf")
    else:
        lines.append(f"{prefix}retf {extra}")
    lines.append("done")
    return lines


SOURCES = [("int 0x41", 0x41), ("int 0x41", 0x41), ("int 0x41", 0x41), ("ud2", 6), ("int3", 3), ("db 0xcd, 3", 3), ("xor ecx, ecx\n div ecx", 0), ("db 0xf1", 1), ("mov al, 0x7f\n add al, 1\n into", 4),
           ("mov dword [FRAME0], 5\n mov dword [FRAME0 + 4], 6\n mov eax, 4\n bound eax, [FRAME0]", 5), ("mov ax, 0x1f0\n mov fs, ax", 13), ("mov ax, 0xa8\n mov fs, ax", 11),
           ("mov cr1, eax", 6), ("int 0x5f", 0x5f), ("int 0x60", 0x60), ("mov ax, 0xa8\n mov ss, ax", 12), ("int 13", 13), ("int 14", 14)]


@kind(14)
def interrupt(rng):
    """Any gate in the IDT, met by INT n and by exceptions."""
    cpl = level(rng)
    source, vector = rng.choice(SOURCES)
    lines = descriptor(f"{GDT} + 0xa8", FRAME0, 0xfff, rng.choice([0x12 | cpl << 5, 0x12 | cpl << 5, 0x12]), 4)
    what = rng.random()
    entry = f"IDT + {vector * 8}"
    dpl = rng.choice([3, 3, cpl, 0])
    offset = rng.choice(LANDINGS + [0xfff, 0x1000, 0x10000])
    if offset == 0x20 and not source.startswith(("int", "db", "mov al")):
        offset = 0  # an IRET to what faults would never end
    if vector >= 0x60:
        pass
    elif what < 0.7:
        target, address = rng.choice(SLOTS[1:])
        lines += code_target(rng, address, rng.choice([0, 0, 0, cpl, 1]))
        access = rng.choice([0x8e, 0x8e, 0x8f, 0x86, 0x87]) | dpl << 5
        lines.append(f"gate {entry}, {selector_of(rng, target):#x}, {offset:#x}, {access:#x}")
    elif what < 0.85:
        lines.append(f"gate {entry}, {rng.choice([0x58, 0x58, 0x60, 0x48, 0, 0x5c, 0x10, 0x68, 0x1f8]):#x}, 0, {0x85 | dpl << 5:#x}")
        if rng.random() < 0.3:
            lines += task_fault(rng, 0x58)
    elif what < 0.95:
        lines.append(f"gate {entry}, {rng.choice([8, 0x3b, 0]):#x}, {LAND:#x}, {any_access(rng):#x}")
    else:
        lines += [f"mov word [FRAME1], {rng.choice([vector * 8 + 6, vector * 8 + 7, vector * 8 - 1, 0x1ff, 0x2ff])}", "mov dword [FRAME1 + 2], IDT", "lidt [FRAME1]"]
    lines += load_ldt(rng)
    if rng.random() < 0.25:
        lines += corrupt_inner_stack(rng)
    lines.append(f"enter_level {cpl}, {flags_value(rng):#x}")
    if cpl == 0 and rng.random() < 0.1:
        lines += ["mov ax, STACK16", "mov ss, ax", f"mov esp, {rng.choice([0x200, 0, 2, 4, 0x10200]):#x}"]
    lines += ["mov eax, 0xa0a0a0a0", source, "done"]
    return lines


def task_fault(rng, tss):
    """One field of a TSS or its descriptor that is not as it should be."""
    at = {0x58: "BTSS", 0x60: "CTSS", 0x68: "DTSS"}[tss]
    if tss == 0x60:
        field = rng.choice([14, 16, 34, 36, 38, 40, 42, 26])
        return [f"mov word [CTSS + {field}], {rng.choice(SELECTORS):#x}"]
    what = rng.randrange(12)
    if what < 6:
        return [f"mov word [{at} + {rng.choice([72, 76, 76, 80, 80, 84, 88, 92])}], {rng.choice(SELECTORS + [0xa8, 0xab]):#x}"]
    if what == 6:
        return [f"mov word [{at} + 96], {rng.choice([0x70, 0x70, 0x10, 0x74, 0x58, 0x1f8, 0x200, 3, 0xb0]):#x}"] + descriptor(f"{GDT} + 0xb0", 0x20200, 0x7f, rng.choice([2, 0x82, 0xe2]), 0)
    if what == 7:
        return [f"mov dword [{at} + 36], {rng.choice([0x4002, 0x102, 0x20002, 0x3002, 0xffffffff & ~0x20100, 0x10002]):#x}"]
    if what == 8:
        return [f"mov word [{at} + 100], 1"]
    if what == 9:
        return [f"mov byte [{GDT} + {tss + 5:#x}], {rng.choice([0x09, 0x8b, 0x81, 0x83, 0x82, 0x99, 0xe9, 0x80]):#x}"]
    if what == 10:
        return [f"mov byte [{GDT} + {tss:#x}], {rng.choice([0x66, 0x67, 0x2b, 0x2a, 0x63, 0x64, 0])}"]
    return [f"mov dword [{at} + 32], {rng.choice([0x10000, LAND + 0x20, LAND]):#x}", f"mov dword [{at} + 56], {rng.choice([0x21002, 0x21004, 0x21ffe]):#x}"]


@kind(12)
def task_switch(rng):
    tss = rng.choice([0x58, 0x58, 0x58, 0x60, 0x60, 0x68])
    lines = descriptor(f"{GDT} + 0xa8", LAND, 0xfff, any_access(rng), rng.choice([0, 4]))
    if rng.random() < 0.3:  # a task at another level
        ring = rng.choice([3, 3, 1, 2])
        if tss != 0x60:
            at = "BTSS" if tss == 0x58 else "DTSS"
            lines += [f"mov word [{at} + 76], {8 + 0x11 * ring:#x}", f"mov word [{at} + 80], {0x10 + 0x11 * ring:#x}"]
            if rng.random() < 0.8:
                lines += [f"mov word [{at} + {field}], {0x10 + 0x11 * ring:#x}" for field in (72, 84, 88, 92)]
    if rng.random() < 0.3:
        lines += ["mov word [BTSS + 96], LDT", "mov word [DTSS + 96], LDT", "mov word [CTSS + 42], LDT"]
    if rng.random() < 0.15:  # to virtual-8086 mode
        at = "DTSS" if tss == 0x68 else "BTSS"
        lines += [f"mov dword [{at} + 36], 0x20002", f"mov dword [{at} + 32], {rng.choice([0, 0x20, 0x100]):#x}", f"mov dword [{at} + 56], 0x800"]
        lines += [f"mov word [{at} + {field}], {value:#x}" for field, value in ((72, 0x2200), (76, 0x2200), (80, 0x2100), (84, 0x1234), (88, 0x2200), (92, 0))]
    for _ in range(rng.choice([0, 1, 1, 2])):
        lines += task_fault(rng, tss)
    if rng.random() < 0.15:  # from a 16-bit task
        lines += ["mov ax, TSS_C" if tss != 0x60 else "mov ax, TSS_D", "ltr ax"]
    if rng.random() < 0.1:  # the old TSS is too small
        lines += descriptor(f"{GDT} + TSS_MAIN", 0x20800, rng.choice([0x66, 0x5f, 0x2b, 0x20]), 0x89, 0) + ["mov ax, TSS_MAIN", "ltr ax"]
    cpl = rng.choice([0, 0, 3])
    lines += load_ldt(rng)
    way = rng.choice(["jmp", "jmp", "call", "call", "int", "iret", "gate"])
    flags = flags_value(rng)
    if cpl == 3:
        lines.append(f"or byte [{GDT} + {tss + 5:#x}], 0x60")
    if way == "int":
        lines += [f"gate IDT + 0x208, {tss:#x}, 0, 0xe5", f"enter_level {cpl}, {flags:#x}", "int 0x41"]
    elif way == "iret":
        lines += [f"or byte [{GDT} + {tss + 5:#x}], {rng.choice([2, 2, 2, 0])}", f"mov word [TSS], {tss:#x}", f"mov word [CTSS], {tss:#x}", f"enter_level {cpl}, {flags | 0x4000:#x}", rng.choice(["iretd", "iretw"])]
    elif way == "gate":
        chosen, address = slot(rng)
        lines += [f"gate {address}, {tss:#x}, 0, 0xe5", f"enter_level {cpl}, {flags:#x}", f"{rng.choice(['jmp', 'call'])} {chosen | 3:#x}:0"]
    else:
        lines += [f"enter_level {cpl}, {flags:#x}", f"{way} {tss | rng.choice([0, 3, cpl]):#x}:0x1234"]
    lines += ["done"]
    return lines


V86_CODE = ["cli", "sti", "pushf", "pushfd", "popf", "popfd", "int 0x41", "int 0x42", "int 0x43", "int3", "into", "iret", "iretd", "in al, 0xe9", "out 0x80, al", "in al, dx\n mov al, 0", "out dx, eax", "hlt", "lar ax, bx", "lsl ax, bx",
            "verr ax", "sldt ax", "str ax", "lldt ax", "ltr ax", "smsw ax", "lmsw ax", "sgdt [0x800]", "lgdt [0x800]", "mov eax, cr0", "mov cr0, eax", "mov eax, dr0", "clts", "arpl ax, bx", "ud2", "db 0xf1", "invlpg [0]",
            "mov ax, 0x1234\n mov es, ax", "mov ax, [0xffff]", "mov eax, [0xfffd]", "mov ax, [bx]", "push ax", "pop ss\n pushf", "jmp 0x2200:0x100", "call 0x2200:0x100", "retf", "jmp 0x2210:0x0", "rdmsr", "rdtsc\n xor eax, eax\n xor edx, edx", "wbinvd",
            "o32 jmp 0x2200:0x10000", "lock add [0x800], ax", "lock nop", "mov dx, 0xe9\n insb", "outsb", "mov al, 0\n div al", "cpuid\n mov eax, 1\n mov ebx, eax\n mov ecx, eax\n mov edx, eax", "mov sp, 1\n push ax", "mov sp, 1\n pop ax", "sysenter", "push dword 0x202\n popfd", "push word 0x7202\n popf", "push word 0x302\n popf",
            "push word 0x202\n push word 0x2200\n push word 0x100\n iret", "push word 0x7002\n push word 0x2200\n push word 0x100\n iret", "push word 0x4302\n push word 0x2200\n push word 0x100\n iret", "push dword 0x202\n push dword 0x2200\n push dword 0x100\n iretd", "sti\n nop\n nop", "movzx eax, byte [0xffff]"]


@kind(12)
def virtual_8086(rng):
    lines = []
    cr4 = rng.choice([0, 0, 1, 1, 1, 3])
    lines += [f"mov eax, {cr4}", "mov cr4, eax"] if cr4 else []
    iopl = rng.choice([0, 0, 0x3000, 0x3000, 0x2000])
    flags = iopl | rng.choice([0, 0x200, 0x80200]) | rng.choice([0, 0, 0x80000, 0x100000, 0x180000]) | rng.choice([0, 0, 0x10000, 0x4000, 0x40000, 0x8d5])
    if rng.random() < 0.6:
        lines.append(f"mov word [TSS + 0x70], {rng.choice([0, 0, 0xfff0, 0xfffd]):#x}")  # vectors 40h to 4fh
    if rng.random() < 0.4:
        lines += [f"mov dword [TSS + 0x88 + {rng.choice([10, 16, 0])}], {rng.choice([0, 0xfffeffff, 0xffff0000]):#x}"]
    if rng.random() < 0.15:
        lines += [f"mov word [TSS + 0x66], {rng.choice([0x68, 0x88, 0x20, 0x1ff, 0x1fe, 0x200, 0x80, 0xffff]):#x}"]
    if rng.random() < 0.4:
        lines += [f"gate IDT + 0x208, {rng.choice([8, 8, 0xa8, 0xb0, 0x3b, 0xa0, 0x80, 0x18]):#x}, {rng.choice([LAND, 0]):#x}, {rng.choice([0xee, 0xef, 0xe6, 0xe7, 0x8e, 0xe5]):#x}"] + code_target(rng, f"{GDT} + 0xa8", 0)
    if rng.random() < 0.1:
        lines += [f"gate IDT + {rng.choice([13, 6]) * 8}, {rng.choice([0xa8, 0x58, 0x80]):#x}, 0, {rng.choice([0x8e, 0x86, 0x85]):#x}"] + code_target(rng, f"{GDT} + 0xa8", rng.choice([0, 3]))
    if rng.random() < 0.1:
        lines += corrupt_inner_stack(rng)
    code = [rng.choice(V86_CODE) for _ in range(rng.choice([1, 1, 2]))]
    # The code goes to the landing page.
    lines = lines + ["mov esi, %%code", "mov edi, ARENA_LAND + LOWCODE", "mov ecx, %%end - %%code", "rep movsb", "mov dx, 0x80", "mov eax, 0x12345678", "mov ebx, 0x800",
                     f"v86 {flags:#x}, LOWCODE, {rng.choice([0x800, 0x800, 0x800, 0x800, 1, 2, 0])}", "%%code:", "bits 16"] + code + ["int 0x40", "hlt", "%%end:", "bits 32"]
    return lines


def window_access(rng, cpl):
    offset = rng.choice([0, 0x123, 0xffe, 0xfff, 0xffd, 0x1000, 0x1ffe, 0x2000, 0xfff8])
    if offset == 0xfff8:
        offset = 0xffa
    at = WINDOW + offset
    return rng.choice([f"mov al, [{at:#x}]", f"mov eax, [{at:#x}]", f"mov [{at:#x}], al", f"mov [{at:#x}], eax", f"mov [{at:#x}], eax", f"inc dword [{at:#x}]", f"lock inc dword [{at:#x}]", f"mov eax, {at:#x}\n call eax",
                       f"mov eax, {at:#x}\n jmp eax", f"cmpxchg [{at:#x}], ecx", f"mov ecx, 3\n mov edi, {at:#x}\n rep stosd", f"mov ecx, 3\n mov esi, {at:#x}\n mov edi, FRAME0 + 0x800\n rep movsd", f"push dword [{at:#x}]",
                       f"mov esp, {at:#x}\n push eax", f"mov esp, {at:#x}\n pop eax", f"mov esp, {at:#x}\n pusha", f"fld tword [{at:#x}]", f"fstp tword [{at:#x}]", f"cmpxchg8b [{at:#x}]",
                       f"xchg [{at:#x}], eax", f"bts dword [{at:#x}], 0", f"mov esp, {at:#x}\n int 0x41", f"sgdt [{at:#x}]", f"bt dword [{at:#x}], 5", f"mov ecx, 0\n mov edi, {at:#x}\n rep stosd", f"prefetcht0 [{at:#x}]", f"invlpg [{at:#x}]", f"lea eax, [{at:#x}]",
                       f"verr [{at:#x}]", f"mov esp, {at:#x}\n retf", f"mov esp, {at:#x}\n enter 8, 0", f"sldt [{at:#x}]", f"push dword [{at:#x}]\n pop dword [{at + 4:#x}]"])


def fill_frames(rng):
    """Code that ends the scenario in the pages, so that they can be executed."""
    return ["mov dword [FRAME0 + 0x123], 0x9040cd90", "mov dword [FRAME0], 0x9040cd90", "mov dword [FRAME0 + 0xffc], 0xcd909090", "mov dword [FRAME1], 0x9090cd40"] if rng.random() < 0.6 else []


@kind(12)
def paging(rng):
    """32-bit paging: any bits in the window's directory entry and page table entries."""
    lines = fill_frames(rng)
    cr4 = rng.choice([0, 0, 0x10, 0x10, 0x90, 0x80])
    smep = rng.choice([0, 0, 0, 0, 0x100000, 0x200000, 0x300000])
    cr4 |= smep
    for page in range(3):
        frame = rng.choice(["FRAME0", "FRAME1"])
        bits = rng.choice([7, 7, 7, 0x27, 0x67, 5, 3, 1, 6, 0, 0x107, 0x87, rng.randrange(0x1000) | 1, rng.randrange(0x1000) | 7])
        lines.append(f"mov dword [PTW + {4 * page}], {frame} + {bits:#x}")
    bits = rng.choice([7, 7, 7, 5, 3, 1, 0, 0x27, 0x67, 0x47])
    if rng.random() < 0.2:  # a 4 MiB page over the first 4 MiB; the bits above its address are reserved, or PSE-36's
        bits = rng.choice([0x87, 0x83, 0x85, 0xa7, 0xe7, 0x187, 0x200087, 0x87, 0x2087, 0x1087])
        lines.append(f"mov dword [PD + 4], {bits:#x}")
    else:
        lines.append(f"mov dword [PD + 4], PTW + {bits:#x}")
    lines += [f"mov eax, {cr4:#x}", "mov cr4, eax"] if cr4 else []
    lines += [f"mov eax, PD + {rng.choice([0, 0x18, 8])}", "mov cr3, eax"]
    cpl = rng.choice([0, 0, 3, 3, 3, 1])
    if smep:
        lines += supervisor_identity()
        cpl = rng.choice([0, 0, 1])
    lines += [f"mov eax, {rng.choice([0x80000011, 0x80010011, 0x80010011, 0x80050011]):#x}", "mov cr0, eax", "jmp short $ + 2", f"enter_level {cpl}, {rng.choice([2, 2, 0x40002]):#x}", "mov eax, 0xa0a0a0a0"]
    lines += [window_access(rng, cpl) for _ in range(rng.choice([1, 1, 2]))]
    lines.append("done")
    return lines


def supervisor_identity():
    """The machine's pages are the supervisor's alone: with SMEP and SMAP it could not run otherwise."""
    return ["and dword [PD], ~4", "and dword [PAEPD], ~4", "and dword [PAEPD + 8], ~4"]


@kind(12)
def paging_pae(rng):
    lines = fill_frames(rng)
    smep = rng.choice([0, 0, 0, 0, 0x100000, 0x200000, 0x300000])
    for page in range(3):
        frame = rng.choice(["FRAME0", "FRAME1"])
        bits = rng.choice([7, 7, 7, 0x27, 0x67, 5, 3, 1, 6, 0, 0x107, 0x87, rng.randrange(0x1000) | 1])
        high = rng.choice([0, 0, 0, 0, 0x80000000, 0x80000000, 0x40000000, 0x100000, 0x7ff00000, 0x80100000])
        lines += [f"mov dword [PAEPTW + {8 * page}], {frame} + {bits:#x}", f"mov dword [PAEPTW + {8 * page + 4}], {high:#x}"]
    bits = rng.choice([7, 7, 7, 5, 3, 1, 0, 0x27, 0x67, 0x47])
    high = rng.choice([0, 0, 0, 0, 0, 0x80000000, 0x00100000, 0x40000000])
    if rng.random() < 0.2:
        lines.append(f"mov dword [PAEPD + 16], {rng.choice([0x87, 0x83, 0x85, 0xa7, 0x187, 0x2087, 0x1087, 0x100087]):#x}")
    else:
        lines.append(f"mov dword [PAEPD + 16], PAEPTW + {bits:#x}")
    lines.append(f"mov dword [PAEPD + 20], {high:#x}")
    if rng.random() < 0.1:
        lines.append(f"or dword [PDPT + {rng.choice([0, 8, 4, 12])}], {rng.choice([2, 4, 0x20, 0x100, 0x1e0, 6, 0x80000000, 0x41, 0x200, 0x18]):#x}")
    lines.append(f"pae_paging {smep | rng.choice([0, 0x80, 0x10]):#x}")
    if rng.random() < 0.3:
        lines += ["xor eax, eax", "xor edx, edx", "mov ecx, 0xc0000080", "wrmsr"]
    cpl = rng.choice([0, 0, 3, 3, 3])
    if smep:
        lines += supervisor_identity()
        cpl = rng.choice([0, 0, 1])
    lines += [f"mov eax, {rng.choice([0x80000011, 0x80010011, 0x80010011]):#x}", "mov cr0, eax", "jmp short $ + 2", f"enter_level {cpl}, {rng.choice([2, 2, 0x40002]):#x}", "mov eax, 0xa0a0a0a0"]
    lines += [window_access(rng, cpl) for _ in range(rng.choice([1, 1, 2]))]
    lines.append("done")
    return lines


@kind(8)
def paged_tables(rng):
    """GDT, LDT, IDT, TSS or stack in pages that are missing, read-only or the supervisor's."""
    lines = []
    cpl = rng.choice([0, 0, 3, 3])
    for page, frame in enumerate(["FRAME0", "FRAME1", "ARENA", "ARENA_STACK"]):
        lines.append(f"mov dword [PTW + {4 * page}], {frame} + {rng.choice([7, 7, 7, 3, 3, 1, 5, 6, 0, 0x61]):#x}")
    table = rng.choice(["gdt", "gdt", "idt", "tss", "ldt", "esp0", "new tss"])
    straddle = rng.random() < 0.3
    source = {"gdt": "GDT_ADDRESS", "idt": "IDT", "tss": "TSS", "ldt": "LDT_ADDRESS", "esp0": "TSS", "new tss": "BTSS"}[table]
    size = {"gdt": 0x200, "idt": 0x300, "tss": 0x200, "ldt": 0x80, "esp0": 0, "new tss": 0x68}[table]
    offset = 0x1000 - rng.choice([4, 8, 0x10, 0x20, 0x48, 0x50, 0x60, 0x5c, 0x64]) if straddle else rng.choice([0x100, 0x800])
    linear = WINDOW + offset
    if size:
        lines += [f"mov esi, {source}", "mov edi, FRAME0 + " + hex(offset), f"mov ecx, {size // 4}", "%%copy: mov eax, [esi]", "mov [edi], eax", "add esi, 4", "add edi, 4", "loop %%copy"]
    # FRAME0 and FRAME1 lie together, as the window's first two pages do.
    if table == "gdt":
        lines += ["mov word [FRAME0 + 0xf0], 0x1ff", f"mov dword [FRAME0 + 0xf2], {linear:#x}"]
        lines += descriptor(f"FRAME0 + {offset + 0xa8:#x}", 0, 0xfffff, rng.choice([0x92, 0x93]) | cpl << 5, 12) + descriptor(f"FRAME0 + {offset + 0xb0:#x}", LAND, 0xfff, rng.choice([0x9a, 0x9b]) | rng.choice([0, cpl]) << 5, 4)
    elif table == "idt":
        lines += ["mov word [FRAME0 + 0xf0], 0x2ff", f"mov dword [FRAME0 + 0xf2], {linear:#x}"]
    elif table == "tss":
        lines += descriptor(f"{GDT} + TSS_MAIN", linear, 0x1ff, 0x89, 0) + ["mov ax, TSS_MAIN", "ltr ax"]
    elif table == "ldt":
        lines += descriptor(f"FRAME0 + {offset + 8:#x}", 0, 0xfffff, rng.choice([0x92, 0x93]) | cpl << 5, 12) + descriptor(f"FRAME0 + {offset + 0x10:#x}", LAND, 0xfff, 0x9a | cpl << 5, 4)
        lines += descriptor(f"{GDT} + LDT", linear, 0x7f, 0x82, 0)
    elif table == "esp0":
        lines += [f"mov dword [TSS + 4], {WINDOW + rng.choice([0x1000, 0x1004, 0x1008, 0x100c, 0x2000, 0x2010, 0x800]):#x}"]
    else:
        lines += descriptor(f"{GDT} + TSS_B", linear, 0x67, 0x89 | 0x60, 0)
    lines += ["mov eax, PD", "mov cr3, eax", f"mov eax, {rng.choice([0x80000011, 0x80010011]):#x}", "mov cr0, eax"]
    if table == "gdt":
        lines += ["lgdt [FRAME0 + 0xf0]"]
    if table == "idt":
        lines += ["lidt [FRAME0 + 0xf0]"]
    lines += ["mov ax, LDT", "lldt ax"] if table == "ldt" else []
    way = {"gdt": ["mov ax, 0xab\n mov fs, ax", f"mov ax, {0xa8 | cpl}\n mov ss, ax", "call 0xb3:0", "lar eax, ebx", "mov ax, 0xa8\n verr ax", "jmp 0x58:0", "int 0x40", f"mov ax, {0xa8 | cpl}\n lsl ecx, ax", "mov ax, 0x48\n and byte [GDT_ADDRESS], 0\n ltr ax"],
           "idt": ["int 0x40", "ud2", "int3"], "tss": ["int 0x40", "ud2", "in al, 0xe9", "jmp 0x58:0", "call 0x58:0", "out 0xfc, eax"], "ldt": ["mov ax, 0x0f\n mov fs, ax", "call 0x17:0", f"mov ax, {0xc | cpl}\n mov ss, ax", "mov ax, 0xc\n lar ecx, ax"],
           "esp0": ["int 0x40", "ud2", "mov ax, 0x1f0\n mov fs, ax", "mov eax, [0x500000]"], "new tss": ["jmp 0x58:0", "call 0x58:0", "call 0x58:0"]}[table]
    lines += [f"enter_level {cpl}, {rng.choice([2, 2, 0x3002]):#x}", rng.choice(way), "done"]
    return lines


@kind(8)
def control_register(rng):
    lines = []
    cpl = rng.choice([0, 0, 0, 0, 0, 0, 3])
    code = []
    for _ in range(rng.choice([1, 1, 2, 3])):
        what = rng.randrange(12)
        if what < 4:
            value = rng.choice([0x11, 0x10011, 0x80000011, 0x80010011, 0x20000011, 0x60000011, 0x40000011, 0x80000010, 0x3b, 0x1f, 0x50033, 0x31, 0x11 | rng.getrandbits(32) & 0x7fffffce, 0x11 | rng.getrandbits(31) & 0x1005002e])
            code += [f"mov eax, {value:#x}", "mov cr0, eax"]
        elif what < 8:
            value = rng.choice([0, 0x10, 0x20, 0x30, 0x80, 0x600, 8, 4, 1, 3, 0x800, 0x8000, 0x80000000, 1 << rng.randrange(13), 1 << rng.randrange(26, 32), 0x300000, 0x100030])
            code += [f"mov eax, {value:#x}", "mov cr4, eax"]
        elif what == 8:
            code += [f"mov eax, {rng.choice([0x25000, 0x25fff, 0x25018, 0x28000, 0x28fe0, 0x28018]):#x}", "mov cr3, eax"]
        elif what == 9:
            code += [f"mov eax, {rng.getrandbits(32):#x}", "mov cr2, eax"]
        elif what == 10:
            code += [f"mov ax, {rng.getrandbits(16):#x}" if rng.random() < 0.5 else f"mov ax, {rng.randrange(16)}", "lmsw ax"]
        else:
            code += [rng.choice(["clts", "fld1", "fwait", "movd mm0, eax", "emms", "xorps xmm0, xmm0", "movaps xmm0, xmm0", "mov ecx, 0\n xgetbv", "rdtsc\n mov eax, 0", "mov eax, 1\n mov cr2, eax", "fxsave [FRAME0]", "o16 mov eax, cr0",
                                 "db 0x0f, 0x20, 0x00", "db 0x0f, 0x22, 0x48", "smsw ecx", "fnstsw ax", "prefetchnta [0]", "sfence"])]
    lines += [f"enter_level {cpl}, 2"] + code + ["done"]
    return lines


@kind(4)
def msr(rng):
    registers = [0xc0000080, 0xc0000080, 0x174, 0x175, 0x176, 0x10, 0x1b, 0x277, 0x277, 0x2ff, 0x200, 0x201, 0x250, 0xfe, 0x1d9, 0xffff, 0x12345678, 0xc0000081, 0xc0000100, 0x8b]
    register = rng.choice(registers[:11])
    low = rng.choice([0, 1, 0x100, 0x800, 0x801, 0x900, 0xd00, 0x400, 0x1000, 0x80000000, 0x00070406, 0x07040600, 0x02040600, 0x03040600, 0x8000000, rng.getrandbits(32)])
    high = rng.choice([0, 0, 0, 1, 0x00070106, 0x02070106, 0x80000000])
    if register == 0x1b:
        return [f"enter_level {rng.choice([0, 3])}, 2", "mov ecx, 0x1b", "rdmsr", "done"]
    if register == 0x10:
        return [f"enter_level {rng.choice([0, 3])}, 2", f"mov eax, {rng.choice([0, 4])}", "mov cr4, eax" if rng.random() < 0.3 else "nop", "rdtsc", "xor eax, eax", "xor edx, edx", "done"]
    if register in (0xc0000080, 0x174, 0x175, 0x176, 0x277):
        low = low if register != 0xc0000080 else rng.choice([0, 0x800, 0x800, 0x10000, 0x80000000, 2])
        high = high if register in (0xc0000080, 0x277) else 0
        restore = [] if register != 0x277 else ["push eax", "push edx", "mov eax, 0x00070406", "mov edx, 0x00070406", "wrmsr", "pop edx", "pop eax"]
        return [f"enter_level {rng.choice([0, 0, 0, 3])}, 2", f"mov ecx, {register:#x}", f"mov eax, {low:#x}", f"mov edx, {high:#x}", "wrmsr", "rdmsr"] + restore + ["done"]
    return ["enter_level 3, 2", f"mov ecx, {register:#x}", rng.choice(["rdmsr", "wrmsr"]), "done"]


@kind(8)
def breakpoint(rng):
    """Breakpoints on code, data and ports; GD; what DR6 and DR7 hold."""
    lines = []
    cpl = rng.choice([0, 0, 3])
    dr7 = 0x400
    if rng.random() < 0.4:
        lines += ["mov eax, 8", "mov cr4, eax"]
    spots = ["%%a", "%%b", "%%c", "%%d", "FRAME0 + 0x100", "FRAME0 + 0x102", "FRAME0 + 0x103", "FRAME0 + 0x104", "0x80", "0xe9", "0x82"]
    for n in range(rng.choice([1, 1, 2, 4])):
        lines += [f"mov eax, {rng.choice(spots)}", f"mov dr{n}, eax"]
        dr7 |= rng.choice([1, 2, 3, 0]) << (2 * n)
        dr7 |= rng.choice([0, 0, 0, 1, 3, 2, 5, 7, 0xd, 0xf, 6, rng.randrange(16)]) << (16 + 4 * n)
    dr7 |= rng.choice([0, 0, 0x300, 0 if cpl else 0x2000, 0])
    if rng.random() < 0.1:
        dr7 = rng.getrandbits(32) & ~0x2800
    for shift in (16, 20, 24, 28):  # undefined: execution with a length, the length 10
        if dr7 >> shift & 3 == 0 or dr7 >> shift & 12 == 8:
            dr7 &= ~(12 << shift)
    lines += [f"mov eax, {rng.choice([0, 0xffff0ff0, 0xffffffff, 0x1234]):#x}", "mov dr6, eax", f"mov eax, {dr7:#x}", "mov dr7, eax"]
    code = rng.choice([
        ["mov eax, [FRAME0 + 0x100]", "mov [FRAME0 + 0x104], al", "mov [FRAME0 + 0x102], ax", "nop"],
        ["mov ax, [FRAME0 + 0x103]", "inc dword [FRAME0 + 0x101]", "nop", "nop"],
        ["out 0x80, al", "in al, 0xe9", "out 0x80, eax", "nop"],
        ["mov esi, FRAME0 + 0xf8\n mov edi, FRAME0 + 0x200\n mov ecx, 8\n rep movsd", "nop", "nop", "nop"],
        ["mov ax, ss\n mov ss, ax", "mov ss, [FRAME0 + 0x500]", "mov eax, [FRAME0 + 0x100]", "nop"],
        ["mov ax, ss\n mov dword [FRAME0 + 0x100], eax\n mov ss, [FRAME0 + 0x100]", "nop", "mov eax, [FRAME0 + 0x104]", "nop"],
        ["mov eax, dr7", "mov eax, dr6", "mov dr0, eax", "mov eax, dr4"], ["mov eax, dr5", "mov dr4, eax", "nop", "nop"],
        ["push dword 0x10002\n popfd", "nop", "nop", "nop"], ["fld tword [FRAME0 + 0xfa]", "fstp tword [FRAME0 + 0xfc]", "cmpxchg8b [FRAME0 + 0xfc]", "movq mm0, [FRAME0 + 0xfe]"],
        ["push dword 0x10002\n push cs\n push dword %%b\n iretd", "nop", "nop", "nop"], ["int 0x40", "nop", "nop", "nop"], ["ud2", "nop", "nop", "nop"]])
    labels = ["%%a:", "%%b:", "%%c:", "%%d:"]
    lines += [f"enter_level {cpl}, {rng.choice([2, 2, 2, 0x3002, 0x10002, 0x102]):#x}"]
    for label, text in zip(labels, code):
        lines += [label, text]
    lines += ["%%after:", "done"]
    return lines


@kind(8)
def stepping(rng):
    """TF across all that is special, and the shadows of MOV SS, POP SS and STI."""
    cpl = rng.choice([0, 0, 3])
    lines = []
    pending = rng.random() < 0.4
    if pending:
        lines += ["irq_pending"]
        flags = rng.choice([2, 2, 2, 0x202, 0x3002])
        trap = rng.random() < 0.2
    else:
        flags = 2
        trap = True
    if rng.random() < 0.2:
        lines += ["mov eax, %%x", "mov dr0, eax", "mov eax, 0x401", "mov dr7, eax"]
    code = []
    for _ in range(rng.choice([1, 2, 3])):
        code.append(rng.choice(["nop", "mov ax, ss\n mov ss, ax", "push ss\n pop ss", "sti", "cli", "sti\n nop", "sti\n cli", "sti\n sti\n nop", "sti\n mov ax, ss\n mov ss, ax\n nop", "mov ax, ss\n mov ss, ax\n mov ss, ax\n nop", "pushfd\n popfd", "pushfd\n or dword [esp], 0x300\n popfd",
                                "pushfd\n and dword [esp], ~0x300\n popfd", "mov ax, ss\n mov ss, ax\n int3", "mov ax, ss\n mov ss, ax\n int 0x41", "mov ax, ss\n mov ss, ax\n ud2", "int3", "int 0x41", "db 0xf1", "ud2", "xor ecx, ecx\n div ecx",
                                "mov ecx, 2\n mov edi, FRAME0\n rep stosb", "mov ax, ds\n mov ds, ax", "nop", "push ss\n push esp\n lss esp, [esp]", "cld", "jmp short $ + 2", "sti\n hlt" if pending else "nop",
                                "into", "pushfd\n or dword [esp], 0x10100\n popfd", "mov eax, dr6" if cpl == 0 else "nop", "sti\n hlt" if pending else "nop", "mov ax, ss\n mov ss, ax\n sti\n nop", "sti\n ud2", "sti\n int3", "sti\n pushfd\n popfd\n nop", "mov ecx, 1\n loop $ + 2"]))
    if trap:
        flags |= 0x100
    flags |= rng.choice([0, 0, 0x10000, 0x3000])
    lines += [f"enter_level {cpl}, {flags:#x}", "%%x:"] + code + ["nop", "nop", "done"]
    return lines


# A handler that notes where it was entered, DR6 and the flags in FRAME1, and goes on. %s: what it does to the frame.
NOTE = """%%note: push eax
 push ebx
 mov ebx, [ss:FRAME1]
 mov eax, [esp + 8]
 mov [ss:FRAME1 + 8 + ebx], eax
 mov eax, [esp + 16]
 shl eax, 4
 mov [ss:FRAME1 + 12 + ebx], eax
 mov eax, dr6
 and eax, 0xf00f
 or [ss:FRAME1 + 12 + ebx], ax
 mov eax, 0xffff0ff0
 mov dr6, eax
 add dword [ss:FRAME1], 8
 cmp dword [ss:FRAME1], 0xa0
 jae %%enough
 @
 pop ebx
 pop eax
 iretd
%%enough: int 0x40"""


@kind(10)
def debug_events(rng):
    """Debug exceptions that meet: TF, code, data and port breakpoints, INT1, INT3, INT n, INTO, BOUND, MOV SS, the T flag of a task;
    the handler comes back, and notes each."""
    lines = ["mov dword [FRAME1], 0", "jmp %%over"]
    # Most handlers set RF, as a debugger does; without it a peer that saves no RF never gets on.
    lines += NOTE.replace("@", rng.choice(["or byte [esp + 18], 1"] * 4 + ["nop", "and byte [esp + 17], ~1"])).split("\n") + ["%%over:"]
    lines += ["mov eax, %%note", "mov word [IDT + 8], ax", "shr eax, 16", "mov word [IDT + 14], ax"]
    if rng.random() < 0.1:
        lines.append("mov byte [IDT + 13], 0x8f")  # a trap gate
    # Handlers of the rest return, too.
    for vector in (3, 4, 0x41):
        if rng.random() < 0.8:
            lines.append(f"gate IDT + {vector * 8}, 8, {LAND + 0x20:#x}, {rng.choice([0xee, 0xee, 0xef]):#x}")
        else:
            lines.append(f"or byte [IDT + {vector * 8 + 5}], 0x60")
    cpl = rng.choice([0, 0, 3, 3])
    task = rng.random() < 0.2
    if task:
        lines += [f"mov byte [{GDT} + {0x5d:#x}], 0xe9", f"mov dword [BTSS + 32], {LAND + 0x20:#x}", f"mov word [BTSS + 100], {rng.choice([1, 1, 0])}", f"mov dword [BTSS + 36], {rng.choice([2, 2, 0x102, 0x10002]):#x}"]
        if rng.random() < 0.3:
            lines.append("mov word [TSS + 100], 1")
    dr7 = 0x400
    spots = ["%%a", "%%b", "%%c", "%%d", "%%e", "FRAME0 + 0x100", "FRAME0 + 0x102", "FRAME0 + 0x104", "0x80", f"{LAND + 0x20:#x}", f"STACK{cpl} - 4"]
    for n in range(rng.choice([0, 1, 1, 2, 4])):
        spot = rng.choice(spots)
        code = "%%" in spot or spot[:4] == "0x22"
        lines += [f"mov eax, {spot}", f"mov dr{n}, eax"]
        kind_of = 0 if code else 2 if spot == "0x80" else rng.choice([1, 3])
        dr7 |= rng.choice([1, 2, 3]) << (2 * n) | (kind_of if rng.random() < 0.95 else rng.choice([0, 1, 3])) << (16 + 4 * n)
        if dr7 >> (16 + 4 * n) & 3:
            dr7 |= rng.choice([0, 1, 3]) << (18 + 4 * n)
    if dr7 & 0xff:
        lines += ["mov eax, 8", "mov cr4, eax", "mov eax, 0xffff0ff0", "mov dr6, eax", f"mov eax, {dr7:#x}", "mov dr7, eax"]
    pieces = ["nop", "nop", "mov eax, [FRAME0 + 0x100]", "mov [FRAME0 + 0x104], al", "inc word [FRAME0 + 0x102]", "mov ax, ss\n mov ss, ax", "push ss\n pop ss", "mov [FRAME0 + 0x100], ss\n mov ss, [FRAME0 + 0x100]",
              "int3", "int 0x41", "db 0xf1", "db 0xcd, 1" if cpl == 0 else "int 0x41", "mov al, 0x7f\n add al, 1\n into", "mov dword [FRAME0 + 0x10], 0\n mov dword [FRAME0 + 0x14], 0\n bound eax, [FRAME0 + 0x10]", "pushfd\n or dword [esp], 0x100\n popfd", "pushfd\n and dword [esp], ~0x100\n popfd",
              "pushfd\n or dword [esp], 0x10100\n popfd", "push dword 0x10102\n push cs\n push dword ..@r#\n iretd\n ..@r#:", "push dword 0x102\n push cs\n push dword ..@r#\n iretd\n ..@r#:", "mov ax, ss\n mov ss, ax\n int3", "mov ax, ss\n mov ss, ax\n int 0x41", "mov ax, ss\n mov ss, ax\n db 0xf1", "mov ss, [FRAME0 + 0x100]\n int3",
              "mov ax, ss\n mov ss, ax\n pushfd\n popfd", "call $ + 5\n pop eax", "jmp short $ + 2", "out 0x80, al" if cpl == 0 else "nop", "mov ecx, 2\n mov edi, FRAME0 + 0x100\n rep stosb", "mov ecx, 2\n mov esi, FRAME0 + 0x100\n rep lodsd", "xchg [FRAME0 + 0x100], eax", "push eax\n pop eax", "enter 8, 0\n leave", "mov eax, dr6" if cpl == 0 else "nop",
              "mov ax, ds\n mov es, ax", "sti\n cli" if cpl == 0 else "nop"]
    if task:
        pieces += ["call 0x58:0"] * 12
    lines += [f"enter_level {cpl}, {rng.choice([2, 0x102, 0x102, 0x102, 0x3102, 0x10102]):#x}"]
    if "dr7" in " ".join(lines) and rng.random() < 0.5:
        lines += ["mov [FRAME0 + 0x100], ss"]
    for label in "abcde":
        lines += [f"%%{label}:"] + [rng.choice(pieces).replace("..@r#", f"%%r{label}")]
    return lines + ["nop", "done"]


NMI = "mov dword [0xfee00300], 0x4400"  # to this processor, by its address in the upper half, delivery mode NMI


@kind(8)
def nmi(rng):
    """NMI, which the local APIC sends itself: gates of all kinds, what comes at the same boundary, blocking until IRET."""
    cpl = rng.choice([0, 0, 3, 3, 1])
    lines = ["mov eax, [0xfee00020]", "mov [0xfee00310], eax", "mov dword [FRAME1], 0", "jmp %%over"]
    # The handler of the first NMI hands the second one to the recorder, sends it, does something, and comes back.
    middle = rng.choice(["nop", "nop", "int 0x41", "int3", "pushfd\n popfd", "ud2", "sti\n nop\n cli", "pushfd\n or dword [esp], 0x100\n popfd\n nop", "call 0x58:0", "push dword 0x1f0\n push dword 0\n iretd", "pushfd\n push cs\n push dword %%back\n iretd\n %%back:", "jmp 0x58:0",
                         "push dword 2\n push dword 0x1f0\n push dword %%back\n iretd\n %%back:", "mov ax, 0x1f0\n mov fs, ax", "retf", "mov eax, 0x1f0\n push eax\n push eax\n retf", "pushfd\n push cs\n push dword %%back\n iretd\n %%back: mov ax, ss\n mov ss, ax\n nop",
                         "pushfd\n pop eax\n or ah, 1\n push eax\n push cs\n push dword %%back\n iretd\n %%back: nop", "o16 pushf\n push word cs\n push word 0x22\n iretw"])
    again = rng.random() < 0.75
    lines += ["%%note: inc dword [ss:FRAME1]"] + ([f"ss {NMI}"] if again else []) + ["%%h1: nop", middle, "%%h2: nop", "nop", "iretd", "%%over:"]
    way = rng.choice(["note", "note", "note", "note", "recorder", "task", "bad", "landing"])
    if way == "note":
        lines += [f"gate IDT + 16, 8, 0, {rng.choice([0x8e, 0x8e, 0x8f]):#x}", "mov eax, %%note", "mov word [IDT + 16], ax", "shr eax, 16", "mov word [IDT + 22], ax"]
        # The second one ends the scenario.
        at = lines.index("%%h1: nop") - (1 if again else 0)
        lines[at:at] = ["mov dword [ss:IDT + 16], 8 << 16 | ((MACHINE + STUBS_OFFSET + 16) & 0xffff)", "mov dword [ss:IDT + 20], (MACHINE & 0xffff0000) | 0x8e00"]
    elif way == "task":
        lines += [f"gate IDT + 16, {rng.choice([0x58, 0x58, 0x60, 0x68]):#x}, 0, 0x85"]
        if rng.random() < 0.7:
            lines += [f"mov dword [{task} + 32], {LAND + rng.choice([0x20, 0x20, 0]):#x}" for task in ("BTSS", "DTSS")]
        if rng.random() < 0.3:
            lines.append("mov word [BTSS + 100], 1")
        if rng.random() < 0.3:
            lines += task_fault(rng, 0x58)
    elif way == "bad":
        lines += [rng.choice(["gate IDT + 16, 8, LAND32, 0x0e", "gate IDT + 16, 0x1f0, 0, 0x8e", "gate IDT + 16, 0, 0, 0x8e", "gate IDT + 16, 0x10, 0, 0x8e", "gate IDT + 16, 0x3b, 0, 0x8e", "gate IDT + 16, 0x78, 0x1000, 0x8e", "gate IDT + 16, 0x58, 0, 5", "gate IDT + 16, 8, LAND32, 0x80", "mov word [FRAME1 + 0x800], 0x10\n mov dword [FRAME1 + 0x802], IDT\n lidt [FRAME1 + 0x800]"])]
        if rng.random() < 0.3:
            lines += corrupt_inner_stack(rng)
    elif way == "landing":
        lines.append(f"gate IDT + 16, {rng.choice([0x78, 0x80, 0x78]):#x}, {rng.choice([0x20, 0x20, 0]):#x}, {rng.choice([0x8e, 0x8e, 0x8f, 0x86]):#x}")
    if rng.random() < 0.5:
        lines.append(f"gate IDT + 0x208, {rng.choice(['8', '8', '0x3b'])}, {LAND + 0x20:#x}, 0xee")
    if rng.random() < 0.3:
        lines.append(f"gate IDT + 48, 8, {LAND:#x}, 0x8e")
    flags = rng.choice([2, 2, 2, 0x3002, 0x102, 0x40002])
    if rng.random() < 0.25:
        lines.append("irq_pending")
        flags |= rng.choice([0x200, 0x200, 0])
    if rng.random() < 0.25:
        lines += ["mov eax, %%x", "mov dr0, eax", "mov eax, 0xfee00300", "mov dr1, eax", f"mov eax, {rng.choice([0x401, 0x4 | 0x00d00400, 0x5 | 0x00d00400]):#x}", "mov dr7, eax"]
    lines += [f"enter_level {cpl}, {flags:#x}"]
    lines += [rng.choice(["nop", "nop", "mov ax, ss\n mov ss, ax", "push ss\n pop ss"]), NMI, "%%x: " + rng.choice(["nop", "nop", "nop", "int3", "int 0x41", "ud2", "mov ax, ss\n mov ss, ax", "jmp short $ + 2", "mov eax, [0xfee00300]", "mov eax, [0x7fff000]", "pushfd\n popfd", "xor ecx, ecx\n div ecx"]), "nop", "nop"]
    return lines + ["done"]


@kind(6)
def double_fault(rng):
    """Faults while faults are delivered."""
    lines = []
    cpl = rng.choice([0, 0, 3])
    first = rng.choice([("ud2", 6), ("mov ax, 0x1f0\n mov fs, ax", 13), ("xor ecx, ecx\n div ecx", 0), ("mov eax, [0x7fff000]", 14), ("int 0x41", 0x41), ("mov ax, 0xa8\n mov ss, ax", 12), ("db 0xf1", 1), ("mov dword [FRAME0], 5\n mov dword [FRAME0 + 4], 6\n bound eax, [FRAME0]", 5), ("int3", 3),
                        ("mov ax, 0xa8\n mov fs, ax", 11), ("fld1", 7), ("fldz\n fldz\n fdivp\n fwait", 16), ("mov eax, [FRAME0 + 1]", 17)])
    lines += descriptor(f"{GDT} + 0xa8", FRAME0, 0xfff, 0x12 | cpl << 5, 4)
    vectors = {first[1], rng.choice([13, 13, 11, 10, 14, 12])}
    if rng.random() < 0.25:
        vectors.add(8)
    for vector in vectors:
        bad = rng.choice([f"gate IDT + {vector * 8}, 8, LAND32, 0", f"gate IDT + {vector * 8}, 8, MACHINE, 0x0e", f"gate IDT + {vector * 8}, 0x1f0, 0, 0x8e", f"gate IDT + {vector * 8}, 0x10, 0, 0x8e", f"gate IDT + {vector * 8}, 0xb0, 0, 0x8e",
                          f"gate IDT + {vector * 8}, 0x3b, 0, 0x8e", f"gate IDT + {vector * 8}, 0x78, 0x2000, 0x8e", f"gate IDT + {vector * 8}, 0x58, 0, 0x85", f"gate IDT + {vector * 8}, 0, 0, 0x8e"])
        if rng.random() < 0.75:
            lines.append(bad)
    lines += descriptor(f"{GDT} + 0xb0", LAND, 0xfff, 0x1a, 4)
    if rng.random() < 0.3:
        lines.append("mov dword [IDT + 64], 8 << 16 | ((MACHINE + STUBS_OFFSET + 64) & 0xffff)\n mov dword [IDT + 68], (MACHINE & 0xffff0000) | 0x8e00")
    if rng.random() < 0.3:
        lines += corrupt_inner_stack(rng)
    if rng.random() < 0.15:
        lines += task_fault(rng, 0x58)
    if rng.random() < 0.15:
        lines += ["mov word [DFTSS + 76], 0x1f0"]
    page = rng.random() < 0.5
    if page or first[1] == 14:
        lines += ["mov eax, PD", "mov cr3, eax", "mov eax, 0x80010011", "mov cr0, eax"]
        if rng.random() < 0.5:
            lines.append(f"mov dword [TSS + 4], {WINDOW + rng.choice([0x4000, 0x5000, 0x4004]):#x}")
        if rng.random() < 0.3:
            lines += ["mov word [FRAME1], 0x2ff", f"mov dword [FRAME1 + 2], {rng.choice(['0x7ff0000', 'WINDOW + 0x4000 - 0x68', 'WINDOW + 0x4000'])}", "lidt [FRAME1]"]
    if first[1] in (7, 16, 17):
        lines += ["mov eax, cr0", f"or eax, {0x8 if first[1] == 7 else 0x40020:#x}", "mov cr0, eax"]
    lines += [f"enter_level {cpl}, {0x40002 if first[1] == 17 else 2:#x}"]
    if cpl == 0 and rng.random() < 0.2:
        lines += rng.choice([["mov ax, STACK16", "mov ss, ax", "mov esp, 2"], ["mov esp, WINDOW + 0x4004"], ["mov ax, STACK16", "mov ss, ax", "mov esp, 6"]])
    lines += [first[0], "done"]
    return lines


@kind(4)
def fast_call(rng):
    """SYSENTER and SYSEXIT."""
    cpl = rng.choice([0, 3, 3, 1])
    lines = []
    cs = rng.choice([8, 8, 0xb, 0, 3, 0x10, 0xa8, 0xffff, 0x10008])
    for register, value in ((0x174, cs), (0x175, "STACK0"), (0x176, "ARENA_LAND")):
        lines += [f"mov ecx, {register:#x}", f"mov eax, {value}", f"mov edx, {rng.choice([0, 0, 0, 1])}", "wrmsr"]
    lines += [f"enter_level {cpl}, {flags_value(rng):#x}"]
    lines += rng.choice([["sysenter"], ["mov edx, ARENA_LAND", "mov ecx, STACK3", "sysexit"]])
    lines.append("done")
    return lines


@kind(5)
def port_permission(rng):
    """IOPL, the I/O bitmap and its limit; CLI, STI, POPF; virtual interrupts of protected mode."""
    cpl = rng.choice([3, 3, 3, 1, 0])
    iopl = rng.choice([0, 0, 0x1000, 0x3000])
    lines = []
    map_base = rng.choice([0x88, 0x88, 0x88, 0x68, 0x1ff, 0x1fe, 0x1f0, 0x200, 0xffff, 0])
    lines += [f"mov word [TSS + 0x66], {map_base:#x}"]
    port = rng.choice([0x80, 0x81, 0x87, 0x86, 0x85, 0x88, 0x3f, 0xffff, 0xfffe, 0x3ff])
    byte = port // 8
    if map_base + byte + 1 < 0x200 and rng.random() < 0.8:
        lines += [f"mov word [TSS + {map_base + byte:#x}], {rng.choice([0, 0, 0xffff, 1 << (port % 8), 0xffff ^ (1 << (port % 8)), 0x100, 0x8000, 0xfeff]):#x}"]
    if rng.random() < 0.2:
        lines += descriptor(f"{GDT} + TSS_MAIN", 0x20800, rng.choice([0x67, 0x98, 0x97, 0x99, 0x65, 0x66]), 0x89, 0) + ["mov ax, TSS_MAIN", "ltr ax"]
    elif rng.random() < 0.1:
        lines += ["mov ax, TSS_C", "ltr ax"]
    cr4 = rng.choice([0, 0, 2, 2])
    lines += [f"mov eax, {cr4}", "mov cr4, eax"]
    flags = 2 | iopl | rng.choice([0, 0, 0x80000, 0x100000, 0x180000, 0x200])
    lines += [f"enter_level {cpl}, {flags:#x}", f"mov dx, {port:#x}", "mov edi, FRAME0", "mov esi, FRAME0"]
    if port in (0x3f, 0x3ff, 0x85, 0x86, 0x87, 0x88, 0x80, 0x81):
        access = rng.choice(["out dx, al", "out dx, ax", "out dx, eax", "outsb", "outsd", f"out {port & 0xff:#x}, al"])
    else:
        access = rng.choice(["out dx, al"])
    lines += [rng.choice([access, access, access, "cli", "sti", "pushfd\n xor dword [esp], 0x3200\n popfd", "pushfd", "pushf\n popf", "sti\n cli\n sti", "push dword 0x3b7fd7 & ~0x20100\n popfd", "push word 0x3ed7\n popf", "mov ecx, 0\n rep outsb"]), "pushfd", "pop ebx", "done"]
    return lines


@kind(6)
def priority(rng):
    """Which of several faults comes; limits and pages of code; prefixes; alignment."""
    lines = []
    what = rng.randrange(8)
    if what == 0:  # code that leaves its segment
        limit = rng.randrange(0x400, 0x410)
        code = rng.choice(["nop", "mov eax, 0x12345678", "add dword [0x12345678], 5", "jmp short $ + 2", "int 0x40", "call $ + 5", "ud2", "rep nop", "lock nop", "mov ecx, 2\n loop $", "db 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x90"])
        cpl = rng.choice([0, 3])
        lines += descriptor(f"{GDT} + 0xa8", LAND, limit, 0x9a | cpl << 5, 4)
        lines += ["mov esi, %%code", "mov edi, ARENA_LAND + LOWCODE", "mov ecx, %%end - %%code", "rep movsb", f"enter_level {cpl}, 2", f"jmp {0xa8 | cpl}:{rng.randrange(0x400, 0x403)}", "%%code: nop", "nop", code, code, "int 0x40", "%%end:"]
        return lines
    if what == 1:  # prefixes
        prefixes = [rng.choice(["0xf0", "0xf2", "0xf3", "0x66", "0x67", "0x2e", "0x64", "0x26"]) for _ in range(rng.choice([1, 2, 3, 14, 15]))]
        return [f"enter_level {rng.choice([0, 3])}, 2", "mov ebx, FRAME0", "mov esi, FRAME0", "mov edi, FRAME0", f"db {', '.join(prefixes)}",
                rng.choice(["nop", "add [ebx], eax", "add eax, ebx", "cli", "mov cr1, eax", "int3", "cmpxchg8b [ebx]", "bswap eax", "mov cs, ax", "mov eax, cr1", "ud2", "popcnt eax, ebx", "xchg eax, [ebx]", "db 0x0f, 0x0b", "db 0x0f, 0x0c", "db 0xc4, 0xc0",
                            "db 0x8d, 0xc0", "db 0xfe, 0xf8", "db 0xff, 0xf8", "db 0x8c, 0xf8", "db 0x8e, 0xf8", "db 0x0f, 0x00, 0xf0", "db 0xd6", "db 0x62, 0xc0", "db 0xc5, 0xc0", "db 0x0f, 0xa6, 0xc0", "db 0x0f, 0x04", "db 0x0f, 0xaa"]), "nop", "nop", "nop", "done"]
    if what == 2:  # alignment
        cpl = rng.choice([3, 3, 3, 0, 1])
        page = rng.choice(["0x40011", "0x80050011", "0x80040011"])
        lines += ["mov eax, PD", "mov cr3, eax", f"mov dword [PTW], FRAME0 + {rng.choice([7, 7, 5, 3, 0])}", f"mov eax, {page}", "mov cr0, eax", f"enter_level {cpl}, 0x40002"]
        at = rng.choice(["FRAME0 + 1", "FRAME0 + 2", "FRAME0 + 4", "FRAME0 + 0xfff", "WINDOW + 1", "WINDOW + 2", "WINDOW + 0xffd"]) if page != "0x40011" else rng.choice(["FRAME0 + 1", "FRAME0 + 2"])
        lines += [rng.choice([f"mov eax, [{at}]", f"mov ax, [{at}]", f"mov [{at}], eax", f"fld qword [{at}]", f"fld tword [{at}]", f"mov esp, {at}\n push eax", f"mov esp, {at}\n call $ + 5", f"mov esp, {at}\n int 0x41", f"bts [{at}], eax", f"lds eax, [{at}]", f"sgdt [{at}]", f"fnsave [{at}]", f"cmpxchg8b [{at}]", f"bound eax, [{at}]",
                              f"movq mm0, [{at}]", f"mov esp, {at}\n retf", f"mov esp, {at}\n iretd", f"mov esp, {at}\n popfd", f"mov esi, {at}\n lodsd", f"enter 4, 1", f"mov esp, {at}\n pusha"]), "done"]
        return lines
    if what == 3:  # coprocessor against the rest
        cr0 = rng.choice([4, 8, 2, 0xa, 0xc, 0xe, 0x20, 0x22, 0x2a]) | 0x11
        return [rng.choice(["nop", "fldz\n fldz\n fldcw [%%cw]\n fdivp", "fldcw [%%cw]"]), "jmp %%over", "%%cw: dw 0x340", "%%over:", f"mov eax, {cr0:#x}", "mov cr0, eax", f"mov eax, {rng.choice([0, 0x600, 0x200])}", "mov cr4, eax", f"enter_level {rng.choice([0, 3])}, 2",
                rng.choice(["fld1", "fwait", "fld tword [fs:0xfffffff0]", "movd mm0, eax", "addps xmm0, xmm1", "fnstcw [FRAME0]", "fnclex", "fninit", "fnop", "emms", "fxsave [FRAME0 + 8]", "fxsave [FRAME0]", "fxrstor [FRAME0 + 4]", "ldmxcsr [FRAME0]", "movaps xmm0, [FRAME0 + 4]", "fstp tword [0]", "fnstenv [FRAME0]", "cvtpi2ps xmm0, mm0", "prefetchw [0]", "sfence", "pause", "movnti [FRAME0], eax", "fcmovb st0, st1", "fisttp dword [FRAME0]"]), "done"]
    if what == 4:  # the last bytes of a page and the next page, which is not there
        cpl = rng.choice([0, 3])
        code = rng.choice(["0x90, 0x90, 0x90, 0x90, 0x90, 0x90", "0xb8, 1, 2, 3, 4, 0xcd, 0x40", "0x0f, 0x0b, 0x90, 0x90", "0xf0, 0x90, 0x90, 0x90, 0x90", "0xcd, 0x40, 0x90, 0x90", "0xf4, 0x90, 0x90, 0x90, 0x90, 0x90" if cpl else "0xfa, 0x90, 0x90, 0xcc", "0xe8, 0, 0, 0, 0, 0xcd, 0x40", "0x66, 0x66, 0x66, 0x0f, 0x0b, 0x90, 0x90"])
        return [f"mov dword [PTW + 4], FRAME1 + {rng.choice([0, 0, 3, 1, 7, 6])}", f"mov dword [PTW], FRAME0 + {rng.choice([7, 7, 5])}", "mov esi, %%code", f"mov edi, FRAME0 + {0x1000 - rng.randrange(1, 6):#x}", "mov ebx, edi", "mov ecx, %%end - %%code", "rep movsb", "mov eax, PD", "mov cr3, eax",
                "mov eax, 0x80010011", "mov cr0, eax", f"enter_level {cpl}, {rng.choice([2, 2, 0x102])}", "add ebx, WINDOW - FRAME0", "jmp ebx", f"%%code: db {code}", "%%end:", "done"]
    if what == 5:  # 16-bit stack and code
        lines += [f"enter_level 0, 2", "mov ax, STACK16", "mov ss, ax", f"mov esp, {rng.choice([0, 1, 2, 3, 4, 0x200, 0x10000, 0x12340002, 0xffff0800, 0x1000, 0xffe, 0x1002]):#x}"]
        lines += [rng.choice(["push eax", "pop eax", "push ax", "pusha", "popa", "call $ + 5", "enter 4, 0", "leave", "ret", "int 0x41", "push dword [esp]", "pop dword [FRAME0]", "pushfd", "popfd", "enter 4, 2", "enter 4, 31", "call 8:%%next\n %%next:", "push esp", "pop esp"]), "mov edx, esp", "mov ax, DATA0", "mov ss, ax", "mov esp, STACK0", "done"]
        return lines
    if what == 6:  # segment override on null, and reading an execute-only segment
        cpl = rng.choice([0, 3])
        lines += descriptor(f"{GDT} + 0xa8", FRAME0, 0xfff, rng.choice([0x98, 0x9a, 0x90, 0x92, 0x94, 0x96]) | cpl << 5, 4) + [f"enter_level {cpl}, 2", f"mov ax, {rng.choice([0, 3, 0xa8 | cpl])}", "mov fs, ax"]
        lines += [rng.choice(["mov eax, [fs:0]", "mov [fs:0], eax", "mov eax, [fs:0xffd]", "lar eax, [fs:0x1000]", "invlpg [fs:0x10000]", "prefetcht0 [fs:0]", "lea eax, [fs:0]", "jmp [fs:0]", "push dword [fs:0x1000]", "lock inc dword [fs:0]", "verr [fs:0]", "nop dword [fs:0x1000]", "mov esi, 0\n fs lodsd", "clflush [fs:0x2000]"]), "done"]
        return lines
    # A jump out of the code segment's limit.
    cpl = rng.choice([0, 3])
    lines += descriptor(f"{GDT} + 0xa8", LAND, 0x4ff, 0x9a | cpl << 5, rng.choice([4, 4, 0]))
    code = rng.choice(["jmp 0x500", "call 0x600", "push dword 0x500\n ret", "mov eax, 0x500\n jmp eax", "mov eax, 0x500\n call eax", "mov ecx, 1\n loop 0x420", "xor eax, eax\n jz 0x500"])
    lines += ["mov esi, %%code", "mov edi, ARENA_LAND + LOWCODE", "mov ecx, %%end - %%code", "rep movsb", f"enter_level {cpl}, 2", f"jmp {0xa8 | cpl}:0x400", "%%code:"]
    relative = {"jmp 0x500": "db 0xe9\n dd 0xfb", "call 0x600": "db 0xe8\n dd 0x1fb", "mov ecx, 1\n loop 0x420": "nop", "xor eax, eax\n jz 0x500": "xor eax, eax\n db 0x0f, 0x84\n dd 0xf8"}
    lines += [relative.get(code, code), "int 0x40", "%%end:"]
    return lines


REAL_CODE = ["int 0x41", "int3", "into", "mov al, 0x7f\n add al, 1\n into", "xor cx, cx\n div cx", "ud2", "db 0xf1", "mov ax, [0xffff]", "mov eax, [0xfffd]", "mov al, [0xffff]", "mov [0xffff], ax", "mov eax, [fs:0x10000]", "mov eax, [es:0x10000]",
             "mov eax, [es:0x12345]", "mov ebx, 0x20000\n mov eax, [es:ebx]", "mov ebx, 0x20000\n mov eax, [ebx]", "mov sp, 1\n push ax", "mov sp, 1\n pop ax", "mov sp, 0\n push ax\n pop bx", "mov sp, 7\n pusha", "mov sp, 5\n pusha", "mov sp, 16\n pusha\n popa", "mov sp, 0xfff1\n popa",
             "jmp 0x2200:0x100", "call 0x2200:0x100", "jmp dword 0x2200:0x10000", "call dword 0x2200:0x10100", "push word 0x2200\n push word 0x100\n retf", "push word 0x3ed7 & ~0x200\n push word 0x2200\n push word 0x100\n iret", "push dword 0x3b0002\n push dword 0x2200\n push dword 0x100\n iretd",
             "push dword 2\n push dword 0x2200\n push dword 0x10100\n iretd", "push dword 0x3f7cd7\n popfd\n pushfd\n pop ebx", "push word 0x7cd7\n popf\n pushf\n pop bx", "pushfd\n pop ebx", "cli", "lldt ax", "ltr ax", "lar ax, bx", "lsl ax, bx", "verr ax", "verw ax", "sldt ax", "str ax", "arpl ax, bx",
             "smsw ax", "smsw eax", "sgdt [0x300]", "sidt [0x300]", "mov eax, 0x80000010\n mov cr0, eax", "mov eax, 0x20000010\n mov cr0, eax", "mov eax, cr3", "mov eax, 0x30\n mov cr4, eax", "mov eax, 0x8000\n mov cr4, eax", "mov dr0, eax\n mov eax, dr0", "mov eax, 0x80000000\n mov cr3, eax\n mov eax, 0\n mov cr3, eax", "lock nop", "lock add [0x300], ax",
             "mov ax, 0x1234\n mov es, ax", "mov ax, 0xffff\n mov fs, ax", "push word 0x1234\n pop gs", "les bx, [0x300]", "lds bx, [0xfffd]", "lss sp, [0x300]", "bound ax, [0x300]", "enter 4, 0\n leave", "enter 4, 3\n leave", "mov sp, 2\n enter 4, 0", "mov sp, 2\n call $ + 3", "mov sp, 1\n call $ + 3", "mov sp, 0xffff\n ret",
             "mov sp, 2\n int 0x41", "mov sp, 4\n int 0x41", "mov sp, 6\n int 0x41", "mov sp, 5\n int 0x41", "mov sp, 0\n int 0x41", "pushf\n pop ax\n or ax, 0x100\n push ax\n popf\n nop\n nop", "pushf\n pop ax\n or ax, 0x100\n push ax\n popf\n mov ax, ss\n mov ss, ax\n nop", "mov eax, 0xffff0\n jmp eax", "mov ax, 0xffff\n jmp ax",
             "fld1", "mov eax, 0x1a\n mov cr0, eax\n fld1", "mov eax, 0x14\n mov cr0, eax\n fld1", "rep lodsb", "mov cx, 3\n mov si, 0xffff\n rep lodsw", "mov cx, 3\n mov di, 0xfffd\n rep stosw", "mov ecx, 3\n mov edi, 0xfffe\n a32 rep stosb", "a32 lodsd", "mov cs, ax", "mov ax, cs\n mov ds, ax\n mov ax, [0]", "db 0x0f, 0x20, 0xc8",
             "clts", "wbinvd", "invlpg [0]", "out 0x80, al", "movzx eax, byte [0xffff]", "push dword [0xfffe]", "pop dword [0xfffe]", "call far [0x300]", "jmp far [0xfffd]", "sysenter", "mov ax, 1\n lmsw ax\n mov ax, 0x10\n mov fs, ax\n mov ax, 0x1f0\n mov gs, ax"]


@kind(8)
def real_mode(rng):
    """Real mode: limits, the interrupt table's limit, segments that kept their limits, wrap-around, shutdown."""
    lines = descriptor(f"{GDT} + S2", 0, 0xffff, 0x93, 0) + descriptor(f"{GDT} + S3", LAND, 0xffff, 0x9b, 0)
    lines += descriptor(f"{GDT} + S0", 0, rng.choice([0xfff, 0x1ffff, 0x7fff, 0xffff]), rng.choice([0x93, 0x93, 0x97]), rng.choice([0, 4, 8]))
    lines += ["mov dword [ARENA_LAND + 0x300], 0x22000100", "mov esi, %%code", "mov edi, ARENA_LAND + LOWCODE", "mov ecx, %%end - %%code", "rep movsb", f"real_mode {rng.choice(['S2', 'S2', 'DATA0', 'S0'])}, {rng.choice([0x17f, 0x17f, 0x17f, 0x103, 0x102, 0x37, 0x33, 0x23, 0x13, 0])}"]
    return lines + ["%%code:", "bits 16", "in_real_mode"] + [rng.choice(REAL_CODE) for _ in range(rng.choice([1, 1, 2]))] + ["int 0x40", "int3", "%%end:", "bits 32"]


@kind(8)
def stack_limit(rng):
    """Pushes, pops and transfers around the limit of a stack segment, expand-up and expand-down, 16 and 32 bits."""
    cpl = rng.choice([0, 0, 3])
    down = rng.random() < 0.5
    big = rng.choice([0, 4])
    limit = rng.choice([0x7f, 0xff, 0x7e, 0x83, 0xfff, 0x800])
    if down:
        limit = rng.choice([0x7f, 0xff, 0x1ff, 0x3fd])
    lines = descriptor(f"{GDT} + 0xa8", STACK, limit, (0x96 if down else 0x92) | cpl << 5, big) + load_ldt(rng)
    near = limit + rng.choice([1, 0, -1, 2, 3, 4, 5, 8, 9, 0xc, 0x10, -3, -4, 0x21, 0x20, 0x1f, 7, 0x30])
    if not down and rng.random() < 0.3:
        near = rng.choice([0, 1, 2, 3, 4, 6, 8, 0x1f, 0x20, 0x10])
    near &= 0xffff
    lines += [f"enter_level {cpl}, {flags_value(rng, 0) & ~0x40200:#x}", f"mov ax, {0xa8 | cpl}", "mov ss, ax", f"mov esp, {near | rng.choice([0, 0, 0x50000]) if not big else near:#x}", f"mov ebp, {near:#x}"]
    lines += [rng.choice(["push eax", "push ax", "pop eax", "pop ax", "pusha", "pushaw", "popa", "popaw", "call $ + 5", "ret", "o16 ret", "enter 8, 0", "enter 8, 1", "enter 8, 3", "leave", "o16 leave", "pushfd", "popfd", "push dword [FRAME0]", "pop dword [FRAME0]", "int 0x40", "int3", "retf", "iretd", "iretw",
                          "call dword 8:0x22000", "mov eax, [ebp]", "mov [ebp - 2], eax", "mov ax, [ebp + 1]", "push dword [esp]", "pop dword [esp]", "pop dword [esp + 4]", "push esp", "pop esp", "ret 4", "push byte 5", "add dword [ebp], 1", "fld tword [ebp]", "movq mm0, [ebp]", "lea eax, [ebp]", "xchg [esp], eax", "cmpxchg8b [ebp]"])]
    lines += ["mov edx, esp", f"mov ax, {0x10 + 0x11 * cpl:#x}", "mov ss, ax", f"mov esp, STACK{cpl}", "done"]
    return lines


@kind(6)
def translation_cache(rng):
    """An entry that is used, changed and invalidated: INVLPG, CR3, CR4.PGE, CR0.PG, a task switch."""
    lines = [f"mov dword [PTW], FRAME0 + {rng.choice([7, 7, 3, 0x107, 0x67, 0x167, 5]):#x}", f"mov dword [PTW + 4], FRAME1 + {rng.choice([7, 3, 0x107]):#x}"]
    pge = rng.choice([0, 0x80])
    lines += [f"mov eax, {pge | 0x10:#x}", "mov cr4, eax", "mov eax, PD", "mov cr3, eax", f"mov eax, {rng.choice([0x80000011, 0x80010011]):#x}", "mov cr0, eax", "jmp short $ + 2"]
    lines.append(rng.choice(["mov eax, [WINDOW + 0x10]", "mov [WINDOW + 0x10], eax", "mov al, [WINDOW + 0x1010]", "nop"]))
    for _ in range(rng.choice([1, 1, 2])):
        change = rng.choice([0, 1, 3, 7, 5, 0x67, 0x107, 0x27])
        lines.append(rng.choice([f"mov dword [PTW], FRAME1 + {change:#x}", f"mov dword [PTW], FRAME0 + {change:#x}", f"mov dword [PD + 4], PTW + {rng.choice([7, 3, 5, 0, 0x27]):#x}", f"mov dword [PD + 4], {rng.choice([0x87, 0x83, 0xe7, 0x187]):#x}"]))
    flush = ["mov eax, cr4\n xor eax, 0x80\n mov cr4, eax", "mov eax, cr0\n and eax, 0x7fffffff\n mov cr0, eax\n or eax, 0x80000000\n mov cr0, eax", "mov eax, cr4\n xor eax, 0x10\n mov cr4, eax"]
    if not pge:
        flush += ["mov eax, cr3\n mov cr3, eax"] * 3
    lines.append(rng.choice(flush))
    cpl = rng.choice([0, 3])
    lines += [f"enter_level {cpl}, 2", "mov eax, 0xa0a0a0a0", rng.choice(["mov eax, [WINDOW + 0x10]", "mov [WINDOW + 0x20], eax", "inc dword [WINDOW]", "mov eax, [WINDOW + 0xffe]", "mov eax, WINDOW\n call eax", "mov [WINDOW + 0xffe], eax"]), "done"]
    return lines


def scenario(seed, number, only=None):
    """Kind and lines of one scenario."""
    rng = random.Random(zlib.crc32(f"{seed} {number}".encode()))
    kinds = [k for k in KINDS if not only or k[1] in only]
    pick = rng.randrange(sum(weight for weight, _, _ in kinds))
    for weight, name, function in kinds:
        if pick < weight:
            return name, function(rng)
        pick -= weight


def source(seed, numbers, first=0, only=None):
    """scenarios.inc for machine.asm; the names of the kinds."""
    names = []
    table, code = [], []
    for place, number in enumerate(numbers):
        name, lines = scenario(seed, number, only)
        names.append(name)
        text = "\n".join(" " + line for line in lines).replace("%%", "..@x%d_" % place)
        table.append(f"  dd s{place}")
        code.append(f"s{place}: ; {number} {name}\n{text}")
    return f"COUNT equ {len(names)}\nscenarios:\n" + "\n".join(table) + "\n" + "\n".join(code) + "\n", names
