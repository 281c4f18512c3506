; The machine that executes system-level scenarios (generate.py) and writes what came of each to port E9, one line a scenario:
; the number, registers in the order of `record`, and each dword of the arena that is not what it was.
;
; The arena holds everything that a scenario may break: GDT, LDT, IDT, TSSs, stacks, landing code, page tables, data. It is copied
; from its template before each scenario. The machine itself lives above 1 MiB. A triple fault resets the processor; the BIOS comes
; back by shutdown code 0Ah (or boots again, and memory tells how far it was), and the scenario's line says T.
; A memory map stands at the end.
%define RESUME 0x1800000         ; survives a reset: magic, number of the scenario
%define MAGIC 0x4f52524f
%define MACHINE 0x100000
%define MACHINE_STACK 0x90000
%define MACHINE_TSS 0x9000     ; never used: TR must have one
%define IDT_ENTRIES 0x60
%define DONE 0x40               ; the vector that ends a scenario
%define IRQ_BASE 0x50
%define CODE0 0x08
%define DATA0 0x10
%define CODE1 0x19
%define DATA1 0x21
%define CODE2 0x2a
%define DATA2 0x32
%define CODE3 0x3b
%define DATA3 0x43
%define TSS_MAIN 0x48
%define TSS_DF 0x50
%define TSS_B 0x58
%define TSS_C 0x60              ; 16 bits
%define TSS_D 0x68
%define LDT 0x70
%define LAND32 0x78             ; base of the landing page, level 0
%define LAND16 0x80
%define STACK16 0x90            ; base of the stacks, 16 bits, level 0
%define CONFORMING 0xa0
%define S0 0xa8                 ; free
%define S1 0xb0
%define S2 0xb8
%define S3 0xc0

section .boot start=0 vstart=0x7c00
bits 16
  xor ebp, ebp
  jmp 0:enter
warm:                           ; from 40:67 after a triple fault
  mov ebp, 1
enter:
  cli
  cld
  xor ax, ax
  mov ds, ax
  mov al, 2
  out 0x92, al                  ; A20
  lgdt [boot_gdtr]
  mov eax, cr0
  or al, 1
  mov cr0, eax
  jmp CODE0:boot32
bits 32
boot32:
  mov ax, DATA0
  mov ds, ax
  mov es, ax
  mov ss, ax
  mov esp, MACHINE_STACK
  test ebp, ebp
  jnz MACHINE + 5
  ; All sectors from the first disk, one command each.
  mov edi, MACHINE
  mov ebx, 1
.sector:
  mov dx, 0x1f7
.busy:
  in al, dx
  test al, 0xc0
  js .busy
  jz .busy
  mov dx, 0x1f2
  mov al, 1
  out dx, al
  inc dx
  mov eax, ebx
  out dx, al
  inc dx
  shr eax, 8
  out dx, al
  inc dx
  shr eax, 8
  out dx, al
  inc dx
  mov al, 0xe0
  out dx, al
  inc dx
  mov al, 0x20
  out dx, al
  in al, dx
  in al, dx
  in al, dx
  in al, dx
.wait:
  in al, dx
  test al, 0x80
  jnz .wait
  test al, 8
  jz .wait
  mov ecx, 256
  mov dx, 0x1f0
  rep insw
  inc ebx
  cmp ebx, SECTORS
  jbe .sector
  jmp MACHINE
align 8
boot_gdt: dq 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
boot_gdtr: dw 23
  dd boot_gdt
times 510 - ($ - $$) db 0
  dw 0xaa55

section .machine start=512 vstart=MACHINE
  jmp cold
  times 5 - ($ - $$) nop
  jmp near triple_fault

%macro byte_out 2
  mov al, %2
  out %1, al
%endmacro

cold:
  cmp dword [RESUME], MAGIC
  je triple_fault
  mov dword [RESUME], MAGIC
  mov eax, [first_scenario]
  mov [RESUME + 4], eax
  cld
  mov edi, scenarios_end        ; as in reset_machine
  mov ecx, RESUME
  sub ecx, edi
  mov al, 0xcc
  rep stosb
  mov edi, RESUME + 0x1000
  mov ecx, 0x1f00000 - RESUME - 0x1000
  rep stosb
  call reset_machine
  jmp next

triple_fault:
  mov byte [outcome], 'T'
  mov edi, record
  xor eax, eax
  mov ecx, RECORD_SIZE / 4
  rep stosd
  call reset_machine
  jmp report

; What a reset undoes, or the BIOS writes to.
reset_machine:
  cld
  mov eax, 0xcccccccc           ; INT3 wherever a scenario may stray
  mov edi, 0x7e00
  mov ecx, (ARENA - 0x7e00) / 4
  rep stosd
  mov edi, ARENA + ARENA_SIZE
  mov ecx, (MACHINE_STACK - 0x1000 - ARENA - ARENA_SIZE) / 4
  rep stosd
  byte_out 0x70, 0x8f
  byte_out 0x71, 0x0a
  byte_out 0x70, 0x0d
  in al, 0x71
  jmp calm

next:
  mov eax, [RESUME + 4]
  cmp eax, [scenario_count]
  jae finished
  ; The arena as it was.
  mov esi, template
  mov edi, ARENA
  mov ecx, ARENA_SIZE / 4
  rep movsd
  ; So is what lies low: INT3, interrupt vectors that a virtual-8086 task can be sent to, the address for the BIOS.
  mov eax, 0xcccccccc
  xor edi, edi
  mov ecx, 0x7c00 / 4
  rep stosd
  mov edi, 0x20 * 4
.vector:
  mov eax, edi
  shr eax, 2
  add eax, V86_LANDING
  mov word [edi], ax
  mov word [edi + 2], ARENA_LAND >> 4
  add edi, 4
  cmp edi, 0x80 * 4
  jb .vector
  mov word [0x467], warm
  mov word [0x469], 0
  call calm
  lgdt [gdtr]
  lidt [idtr]
  and byte [GDT_ADDRESS + TSS_MAIN + 5], ~2
  mov ax, TSS_MAIN
  ltr ax
  mov ax, DATA0
  mov ds, ax
  mov es, ax
  mov fs, ax
  mov gs, ax
  mov ss, ax
  mov esp, STACK0
  mov eax, [RESUME + 4]
  mov ebx, [scenarios + eax * 4]
  mov [current], ebx
  mov byte [outcome], 'o'
  mov eax, 0xa0a0a0a0
  mov ecx, 0xc1c1c1c1
  mov edx, 0xd2d2d2d2
  mov ebx, 0xb3b3b3b3
  mov ebp, 0xb5b5b5b5
  mov esi, 0x56565656
  mov edi, 0xd7d7d7d7
  jmp [current]

; Paging off, the machine's own tables, every register of the system as it is at the start of a scenario. Returns with the
; machine's stack.
calm:
  pop dword [calm_return]
  cli
  cld
  mov ax, DATA0
  mov ss, ax
  mov esp, MACHINE_STACK
  mov ds, ax
  mov es, ax
  xor eax, eax
  mov dr7, eax                  ; before anything a breakpoint could meet
  mov eax, 0x11
  mov cr0, eax
  jmp short $ + 2
  xor eax, eax
  mov cr4, eax
  mov eax, PD
  mov cr3, eax
  lgdt [machine_gdtr]
  lidt [machine_idtr]           ; an NMI that waits comes after the next IRET
  push dword 2                  ; IRET: POPF may leave VIF and VIP
  push dword CODE0
  push dword .code
  pushfd                        ; but not a task's return
  and dword [esp], ~0x4000
  popfd
  iretd
.code:
  mov ax, DATA0
  mov ds, ax
  mov es, ax
  mov fs, ax
  mov gs, ax
  mov ss, ax
  and byte [machine_gdt + 0x18 + 5], ~2
  mov ax, 0x18
  ltr ax
  xor eax, eax
  lldt ax
  mov dr0, eax
  mov dr1, eax
  mov dr2, eax
  mov dr3, eax
  mov eax, 0xffff0ff0
  mov dr6, eax
  mov eax, 0x400
  mov dr7, eax
  xor eax, eax
  mov cr2, eax
  xor edx, edx
  mov ecx, 0xc0000080
  wrmsr
  mov ecx, 0x174
  wrmsr
  inc ecx
  wrmsr
  inc ecx
  wrmsr
  fninit
  times 8 fldz
  fninit
  ; Interrupt controllers: nothing pending, nothing comes; the timer's output low and counting nothing.
  byte_out 0x43, 0x30
  byte_out 0x20, 0x11
  byte_out 0x21, IRQ_BASE
  byte_out 0x21, 4
  byte_out 0x21, 1
  byte_out 0xa0, 0x11
  byte_out 0xa1, IRQ_BASE + 8
  byte_out 0xa1, 2
  byte_out 0xa1, 1
  byte_out 0x21, 0xff
  byte_out 0xa1, 0xff
  jmp [calm_return]

; Stubs of all vectors. Nothing but a stack may be taken for granted here.
  times 0x800 - ($ - $$) nop
STUBS_OFFSET equ 0x800
%assign n 0
%rep IDT_ENTRIES
  align 8
  push byte n
  jmp near recorder
%assign n n + 1
%endrep
recorder:
  push eax
  mov eax, ds
  push eax
  mov eax, DATA0
  mov ds, eax
  pop dword [record.ds]
  pop dword [record.eax]
  pop dword [record.vector]
  mov [record.esp], esp
  mov eax, cr0
  mov [record.cr0], eax
  mov eax, cs
  mov [record.cs], eax
  mov eax, ss
  mov [record.ss], eax
record_rest:
  mov [record.ebx], ebx
  mov [record.ecx], ecx
  mov [record.edx], edx
  mov [record.esi], esi
  mov [record.edi], edi
  mov [record.ebp], ebp
  mov eax, es
  mov [record.es], eax
  mov eax, fs
  mov [record.fs], eax
  mov eax, gs
  mov [record.gs], eax
  xor eax, eax
  sldt ax
  mov [record.ldtr], eax
  str ax
  mov [record.tr], eax
  mov eax, cr2
  mov [record.cr2], eax
  mov eax, cr3
  mov [record.cr3], eax
  mov eax, cr4
  mov [record.cr4], eax
  pushfd
  pop dword [record.eflags]
  mov eax, dr7
  mov [record.dr7], eax
  xor eax, eax
  mov dr7, eax
  mov eax, dr6
  mov [record.dr6], eax
  sgdt [record.gdtr]
  sidt [record.idtr]
  call calm
  jmp report

; From real mode, by way of real_recorder.
record_real:
  mov eax, DATA0
  mov ds, eax
  mov ss, eax
  mov esp, MACHINE_STACK
%macro from_real 1-*
%rep %0
  mov eax, [ARENA_LAND + REAL_SAVED + real_%1]
  mov [record.%1], eax
%rotate 1
%endrep
%endmacro
  from_real vector, eax, ds, ss, esp, cr0, cs
  jmp record_rest

report:
  mov al, [outcome]
  call put
  mov eax, [RESUME + 4]
  call hex
  mov esi, record
.register:
  mov al, ' '
  call put
  lodsd
  call hex
  cmp esi, record_end
  jb .register
  ; Differences of the arena.
  mov esi, template
  mov edi, ARENA
  mov ebp, ARENA_SIZE
  mov edx, 72                   ; enough
.compare:
  mov ecx, ebp
  shr ecx, 2
  jz .equal
  repe cmpsd
  je .equal
  lea eax, [edi - 4 - ARENA]
  mov ebp, ARENA + ARENA_SIZE
  sub ebp, edi
  push edi
  push eax
  mov al, ' '
  call put
  pop eax
  call hex4
  mov al, '='
  call put
  pop edi
  mov eax, [edi - 4]
  call hex
  dec edx
  jnz .compare
.equal:
  mov al, 10
  call put
  inc dword [RESUME + 4]
  jmp next

finished:
  mov al, '.'
  call put
  mov al, 10
  call put
  mov dword [RESUME], 0
  mov dx, 0x604                 ; power off: QEMU's, Bochs's
  mov ax, 0x2000
  out dx, ax
  mov dx, 0xb004
  out dx, ax
.halt:
  hlt
  jmp .halt

hex4:
  shl eax, 16
  mov ecx, 4
  jmp hexadecimal
hex: ; eax
  mov ecx, 8
hexadecimal:
  push ebx
  mov ebx, eax
.digit:
  rol ebx, 4
  mov al, bl
  and al, 15
  add al, '0'
  cmp al, '9'
  jbe .small
  add al, 'a' - '9' - 1
.small:
  call put
  dec ecx
  jnz .digit
  pop ebx
  ret
put:
  out 0xe9, al
  ret

align 4
gdtr: dw GDT_SIZE - 1
  dd GDT_ADDRESS
idtr: dw IDT_ENTRIES * 8 - 1
  dd IDT
align 8
machine_gdt: dq 0, 0x00cf9b000000ffff, 0x00cf93000000ffff, 0x0000890000000067 | (MACHINE_TSS << 16)
machine_gdtr: dw 31
  dd machine_gdt
machine_idt: dq 0, 0             ; NMI alone
  dw (MACHINE + nothing - $$) & 0xffff, CODE0, 0x8e00, (MACHINE + nothing - $$) >> 16
machine_idtr: dw 23
  dd machine_idt
nothing: iretd
align 4
current: dd 0
calm_return: dd 0
outcome: dd 0
align 4
record:
%macro recorded 1-*
%rep %0
.%1: dd 0
%rotate 1
%endrep
%endmacro
  recorded vector, eflags, cs, ss, esp, tr, ldtr, ds, es, fs, gs, eax, ecx, edx, ebx, ebp, esi, edi, cr0, cr2, cr3, cr4, dr6, dr7
.gdtr: dd 0, 0
.idtr: dd 0, 0
record_end:
RECORD_SIZE equ record_end - record

; ---- macros of the scenarios ------------------------------------------------------------------------------------------------
%macro done 0
  int DONE
%endmacro
; enter LEVEL, FLAGS: goes on at a privilege level, with its stack and data segments.
%macro enter_level 2
  mov ax, DATA0 + 0x11 * %1
  mov ds, ax
  mov es, ax
  mov fs, ax
  mov gs, ax
%if %1
  push dword DATA0 + 0x11 * %1
  push dword STACK0 + 0x200 * %1
%endif
  push dword %2
  push dword CODE0 + 0x11 * %1
  push dword %%there
  mov eax, 0xa0a0a0a0
  iretd
%%there:
%endmacro
; gate ADDRESS, SELECTOR, OFFSET, ACCESS (, COUNT)
%macro gate 4-5 0
  mov dword [%1], ((%2) << 16) | ((%3) & 0xffff)
  mov dword [%1 + 4], ((%3) & 0xffff0000) | ((%4) << 8) | (%5)
%endmacro
; The interrupt of the timer waits at the controller; it comes when EFLAGS.IF lets it.
%macro irq_pending 0
  byte_out 0x40, 2
  byte_out 0x40, 0
%%wait:
  byte_out 0x20, 0x0a
  in al, 0x20
  test al, 1
  jz %%wait
  byte_out 0x21, 0xfe
%endmacro
%macro pae_paging 1             ; CR4's bits
  mov eax, PDPT
  mov cr3, eax
  mov [DFTSS + 28], eax
  mov [BTSS + 28], eax
  mov [DTSS + 28], eax
  mov eax, (%1) | 0x20
  mov cr4, eax
  mov ecx, 0xc0000080
  rdmsr
  or ah, 8                      ; NXE
  wrmsr
%endmacro
%macro v86 3                    ; flags, IP in the landing page, SP
  push dword ARENA_LAND >> 4
  push dword ARENA_LAND >> 4
  push dword ARENA_LAND >> 4
  push dword ARENA_LAND >> 4
  push dword ARENA_STACK >> 4
  push dword %3
  push dword (%1) | 0x20002
  push dword ARENA_LAND >> 4
  push dword %2
  iretd
%endmacro

; From protected mode, level 0, to real mode: REAL_CODE in the landing page, where the code that follows was copied to.
; real_mode SELECTOR OF ES, LIMIT OF THE IDT
%macro real_mode 2
  mov word [FRAME1], %2
  mov dword [FRAME1 + 2], REAL_IVT
  lidt [FRAME1]
  mov ax, S2
  mov ds, ax
  mov fs, ax
  mov gs, ax
  mov ss, ax
  mov ax, %1
  mov es, ax
  jmp S3:LOWCODE
%endmacro
; What that code begins with.
%macro in_real_mode 0
%%start:
  mov eax, cr0
  and al, ~1
  mov cr0, eax
  jmp (ARENA_LAND >> 4):%%there - %%start + LOWCODE
%%there:
  mov ax, ARENA_LAND >> 4
  mov ds, ax
  mov ax, ARENA_STACK >> 4
  mov ss, ax
  mov sp, 0x800
  xor ax, ax
  mov es, ax
  mov fs, ax
  mov gs, ax
  mov eax, 0xa0a0a0a0
%endmacro

; ---- the arena --------------------------------------------------------------------------------------------------------------
  times 0x2000 - ($ - $$) db 0
template:
section .arena follows=.machine vstart=0x20000
ARENA equ 0x20000
GDT_ADDRESS equ ARENA
GDT_SIZE equ 0x200
LDT_ADDRESS equ ARENA + 0x200
IDT equ ARENA + 0x400
TSS equ ARENA + 0x800           ; of TSS_MAIN; the interrupt bitmap at 68, the I/O bitmap at 88
DFTSS equ ARENA + 0xa00
BTSS equ ARENA + 0xb00
CTSS equ ARENA + 0xc00
DTSS equ ARENA + 0xd00
ARENA_STACK equ ARENA + 0x1000
STACK0 equ ARENA_STACK + 0x200  ; tops; interrupts from outside enter level 0 100h below
STACK1 equ ARENA_STACK + 0x400
STACK2 equ ARENA_STACK + 0x600
STACK3 equ ARENA_STACK + 0x800
DFSTACK equ ARENA_STACK + 0xa00
TASKSTACK equ ARENA_STACK + 0xc00
ARENA_LAND equ ARENA + 0x2000   ; code: what gates and far transfers lead to
V86_LANDING equ 0x100           ; in this page: 16-bit code that virtual-8086 interrupts lead to
LOWCODE equ 0x400               ; in this page: 16-bit code of the scenario
REAL_STUBS equ 0x800
REAL_SAVED equ 0xf00
real_vector equ 0
real_eax equ 4
real_ds equ 8
real_ss equ 12
real_esp equ 16
real_cr0 equ 20
real_cs equ 24
REAL_IVT equ ARENA + 0xe00
FRAME0 equ ARENA + 0x3000       ; data
FRAME1 equ ARENA + 0x4000
PD equ ARENA + 0x5000
PT equ ARENA + 0x6000
PTW equ ARENA + 0x7000          ; maps WINDOW, 32-bit paging
PDPT equ ARENA + 0x8000
PAEPD equ ARENA + 0x9000
PAEPTW equ ARENA + 0xa000       ; maps WINDOW with PAE
ARENA_SIZE equ 0xb000
WINDOW equ 0x400000

%macro descriptor 4             ; base, limit, access, flags
  dw (%2) & 0xffff, (%1) & 0xffff
  db ((%1) >> 16) & 0xff, %3, (((%2) >> 16) & 15) | ((%4) << 4), ((%1) >> 24) & 0xff
%endmacro
  dq 0
%assign n 0
%rep 4
  descriptor 0, 0xfffff, 0x9b | (n << 5), 0xc
  descriptor 0, 0xfffff, 0x93 | (n << 5), 0xc
%assign n n + 1
%endrep
  descriptor TSS, 0x1ff, 0x8b, 0
  descriptor DFTSS, 0x67, 0x89, 0
  descriptor BTSS, 0x67, 0x89, 0
  descriptor CTSS, 0x2b, 0x81, 0
  descriptor DTSS, 0x67, 0x89, 0
  descriptor LDT_ADDRESS, 0x7f, 0x82, 0
  descriptor ARENA_LAND, 0xfff, 0x9b, 4
  descriptor ARENA_LAND, 0xfff, 0x9b, 0
  descriptor ARENA_LAND, 0xfff, 0xfb, 0
  descriptor ARENA_STACK, 0xfff, 0x93, 0
  descriptor ARENA_STACK, 0xfff, 0xf3, 0
  descriptor 0, 0xfffff, 0x9f, 0xc
  times 0x200 - ($ - $$) db 0
; LDT: levels 0 to 3 code and data from 40h, below it free
  times 0x240 - ($ - $$) db 0
%assign n 0
%rep 4
  descriptor 0, 0xfffff, 0x9b | (n << 5), 0xc
  descriptor 0, 0xfffff, 0x93 | (n << 5), 0xc
%assign n n + 1
%endrep
  times 0x400 - ($ - $$) db 0
%assign n 0
%rep IDT_ENTRIES
%assign handler MACHINE + STUBS_OFFSET + n * 8
%if n == 8
  dw 0, TSS_DF, 0x8500, 0
%elif n == DONE
  dw handler & 0xffff, CODE0, 0xee00, handler >> 16
%else
  dw handler & 0xffff, CODE0, 0x8e00, handler >> 16
%endif
%assign n n + 1
%endrep
  times 0x800 - ($ - $$) db 0
%macro tss32 3                  ; EIP, ESP, tag
%%base:
  dd 0, ARENA_STACK + 0x100, DATA0, STACK1, DATA1, STACK2, DATA2, PD, %1, 2
  dd %3 | 0xa0, %3 | 0xc1, %3 | 0xd2, %3 | 0xb3, %2, %3 | 0xb5, %3 | 0x56, %3 | 0xd7
  dd DATA0, CODE0, DATA0, DATA0, DATA0, DATA0, 0
  dw 0
%endmacro
  tss32 0, 0, 0
  dw 0x88
  times 32 db 0xff              ; interrupt redirection: none
  times 0x100 db 0xff           ; I/O permission: none
  times 0xa00 - ($ - $$) db 0xff
  tss32 MACHINE + STUBS_OFFSET + 8 * 8, DFSTACK, 0xdf00
  dw 0x68
  times 0xb00 - ($ - $$) db 0
  tss32 ARENA_LAND, TASKSTACK, 0xbb00
  dw 0x68
  times 0xc00 - ($ - $$) db 0
  dw 0, 0x100, STACK16, 0x1400, DATA1, 0x1600, DATA2  ; 16 bits
  dw 0, 2, 0xcca0, 0xccc1, 0xccd2, 0xccb3, 0xc00, 0xccb5, 0xcc56, 0xccd7
  dw DATA0, LAND32, STACK16, DATA0, 0
  times 0xd00 - ($ - $$) db 0
  tss32 ARENA_LAND, TASKSTACK, 0xdd00
  dw 0x68
  times 0xe00 - ($ - $$) db 0
%assign n 0
%rep IDT_ENTRIES                ; of real mode
  dw REAL_STUBS + n * 5, ARENA_LAND >> 4
%assign n n + 1
%endrep
  times 0x1000 - ($ - $$) db 0
%assign n 0
%rep 0x400
  dd 0x22000000 + n * 4         ; popped in virtual-8086 mode: the landing page
%assign n n + 1
%endrep
; Landing code, for 16 and 32 bits.
landing:
  int DONE
  times 0x10 - ($ - landing) nop
  retf
  times 0x20 - ($ - landing) nop
  iret
  times 0x30 - ($ - landing) nop
  retf 8
  times 0x40 - ($ - landing) nop
  o16 retf
  o32 retf
  times 0x50 - ($ - landing) nop
  mov bx, ss
  int DONE
  times 0x60 - ($ - landing) nop
  ret
  int DONE
  times 0x100 - ($ - landing) nop
landing_v86:
  times 0x100 int3              ; an exception at every level
  times REAL_STUBS - ($ - landing) int3
bits 16
%assign n 0
%rep IDT_ENTRIES
  push byte n
  jmp near real_recorder
%assign n n + 1
%endrep
; To protected mode and the recorder. Registers and the vector are kept in this page.
real_recorder:
  push eax
  push ds
  mov ax, ARENA_LAND >> 4
  mov ds, ax
  pop word [REAL_SAVED + real_ds]
  pop dword [REAL_SAVED + real_eax]
  pop word [REAL_SAVED + real_vector]
  mov [REAL_SAVED + real_esp], esp
  mov [REAL_SAVED + real_ss], ss
  mov [REAL_SAVED + real_cs], cs
  mov eax, cr0
  mov [REAL_SAVED + real_cr0], eax
  or al, 1
  mov cr0, eax
  jmp dword CODE0:record_real
bits 32
  times REAL_SAVED - ($ - landing) int3
  times 28 db 0
  times 0x3000 - ($ - $$) int3
%assign n 0
%rep 0x800
  dd 0x90cccccc | (n & 7) << 24
%assign n n + 1
%endrep
; 32-bit paging: 4 MiB as they are, for all levels, accessed and dirty; then the window, four pages: present, for all levels.
  dd PT + 0x67, PTW + 0x67
  times 1022 dd 0
%assign n 0
%rep 1024
  dd n * 0x1000 + 0x67
%assign n n + 1
%endrep
  dd FRAME0 + 7, FRAME1 + 7, FRAME0 + 7, FRAME1 + 7
  times 1020 dd 0
; PAE: 2 MiB pages, then the window
  dd PAEPD + 1, 0, 0, 0, 0, 0, 0, 0
  times 1016 dd 0
  dd 0xe7, 0, 0x2000e7, 0, PAEPTW + 0x67, 0
  times 1018 dd 0
  dd FRAME0 + 7, 0, FRAME1 + 7, 0, FRAME0 + 7, 0, FRAME1 + 7, 0
  times 1016 dd 0

SCENARIOS equ MACHINE + 0x2000 + ARENA_SIZE
section .scenarios follows=.arena vstart=SCENARIOS
bits 32
scenario_count: dd COUNT
first_scenario: dd 0
%include "scenarios.inc"        ; table, code
scenarios_end:
SECTORS equ (scenarios_end - scenario_count + 0x2000 + ARENA_SIZE + 511) / 512
  times 32768 - ($ - $$) & 511 db 0
