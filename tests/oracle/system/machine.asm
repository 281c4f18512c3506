; Boots from a disk, enters protected mode, executes the scenarios of the table at its end (scenarios.py) and writes what came
; of each to COM1.
%define DATA 0x10
%define SLOT 0x40
org 0x7c00
bits 16
  cli
  xor ax, ax
  mov ds, ax
  mov es, ax
  mov ss, ax
  mov sp, 0x7c00
  mov si, packet
  mov ah, 0x42
  int 0x13
  cli
  lgdt [gdtr]
  mov eax, cr0
  or al, 1
  mov cr0, eax
  jmp 0x08:start
packet: db 16, 0
  dw 100
  dw 0x7e00, 0
  dq 1
gdtr: dw gdt_end - gdt - 1
  dd gdt
idtr: dw 32 * 8 - 1
  dd idt
times 510 - ($ - $$) db 0
  dw 0xaa55

align 8
gdt: dq 0, 0x00cf9b000000ffff, 0x00cf93000000ffff, 0x00cffb000000ffff, 0x00cff3000000ffff
  dq 0, 0, 0
slot: dq 0
gdt_end:
align 8
idt: times 32 dq 0

bits 32
start:
  mov ax, DATA
  mov ds, ax
  mov es, ax
  mov ss, ax
  mov esp, 0x70000
  ; Gates to the stubs, eight bytes each.
  mov ecx, 32
  mov edi, idt
  mov eax, stubs
.gate:
  mov [edi], ax
  mov word [edi + 2], 8
  mov word [edi + 4], 0x8e00
  mov word [edi + 6], 0
  add eax, 16
  add edi, 8
  loop .gate
  lidt [idtr]
  mov dx, 0x3fb  ; eight data bits
  mov al, 3
  out dx, al
  mov esi, table
next:
  mov [current], esi
  cmp byte [esi + 10], 0xff
  je done
  mov eax, [esi]
  mov [slot], eax
  mov eax, [esi + 4]
  mov [slot + 4], eax
  movzx ebx, byte [esi + 10]
  movzx eax, word [esi + 8]
  mov [far_selector], ax
  mov edx, 0x5a5a5a5a
  xor ecx, ecx
  push ecx
  popfd
  jmp [operations + ebx * 4]
operations: dd op_es, op_ss, op_lar, op_lsl, op_verr, op_verw, op_lldt, op_ltr, op_jmp, op_call, op_fs, op_lss
op_es: mov es, ax
  mov edx, es
  jmp fine
op_ss: mov ss, ax
  mov edx, ss
  jmp fine
op_lar: lar edx, ax
  jmp fine
op_lsl: lsl edx, ax
  jmp fine
op_verr: verr ax
  jmp fine
op_verw: verw ax
  jmp fine
op_lldt: lldt ax
  sldt edx
  jmp fine
op_ltr: ltr ax
  str edx
  jmp fine
op_jmp: jmp far [far_offset]
op_call: call far [far_offset]
op_fs: mov fs, ax
  mov edx, fs
  jmp fine
op_lss: lss esp, [stack_pointer]
  mov edx, ss
  jmp fine
landed: mov edx, cs
fine:
  setz cl  ; the stack may be any now
  movzx ecx, cl
  mov bx, DATA
  mov ss, bx
  mov ds, bx
  mov es, bx
  mov esp, 0x70000
  push edx
  push ecx
  mov al, 'o'
  call put
  pop eax
  call hex
  pop eax
  call hex
  jmp rest
stubs:
%assign n 0
%rep 32
  align 16
%if n == 8 || (n >= 10 && n <= 14) || n == 17
%else
  push dword 0
%endif
  push dword n
  jmp fault
%assign n n + 1
%endrep
  align 16
fault:
  pop ebx
  pop ecx
  mov ax, DATA
  mov ss, ax
  mov ds, ax
  mov es, ax
  mov esp, 0x70000
  push ecx
  mov al, 'f'
  call put
  mov eax, ebx
  call hex
  pop eax
  call hex
rest:
  mov eax, [slot + 4]
  call hex
  mov al, 10
  call put
  ; Everything as before.
  jmp 0x08:.code
.code:
  xor eax, eax
  mov fs, ax
  mov gs, ax
  lldt ax
  mov esi, [current]
  add esi, 12
  jmp next
done:
  mov al, '.'
  call put
  mov al, 10
  call put
  mov al, 0
  out 0xf4, al
  mov dx, 0x604
  mov ax, 0x2000
  out dx, ax
.halt:
  hlt
  jmp .halt

hex: ; eax
  mov ebx, eax
  mov al, ' '
  call put
  mov ecx, 8
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
  loop .digit
  ret
put: ; al
  push edx
  push eax
  mov dx, 0x3fd
.wait:
  in al, dx
  test al, 0x20
  jz .wait
  pop eax
  mov dx, 0x3f8
  out dx, al
  pop edx
  ret
current: dd 0
far_offset: dd landed
far_selector: dw 0
stack_pointer: dd 0x70000
  dw SLOT
landing equ landed
table:
%include "scenarios.inc"
  times 10 db 0
  db 0xff, 0
times 512 * 101 - ($ - $$) db 0
times 1474560 - ($ - $$) db 0
