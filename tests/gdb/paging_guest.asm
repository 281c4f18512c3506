; A boot sector for gdb_test.py: protected mode with paging and timer interrupts. Linear c0000000h and 0 both lead to
; physical 0 (4 MiB); everything runs at c0000000h and up. Addresses that the test names are fixed by `place`.
;
;   600h  dword  rounds
;   604h  dword  written by `write` in each round
;   608h  dword  timer interrupts

%macro place 1
        times %1 - ($ - $$) nop
%endmacro

HIGH_   equ 0c0000000h
PD      equ 10000h
PT      equ 11000h
IDT     equ 12000h

TIMER   equ HIGH_ + 7d60h

        bits 16
        cpu 486
        org 7c00h

        cli
        xor ax, ax
        mov ds, ax
        mov es, ax
        mov di, PD >> 4         ; page directory, page table and interrupt table are zero
        mov es, di
        xor di, di
        mov cx, 3000h / 2
        rep stosw
        lgdt [gdtr]
        mov eax, cr0
        or al, 1
        mov cr0, eax
        jmp 8:start32

        bits 32
start32:
        mov ax, 10h
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov dword [PD], PT | 3
        mov dword [PD + 300h * 4], PT | 3
        mov edi, PT
        mov eax, 3
.page:  stosd
        add eax, 1000h
        cmp eax, 400003h
        jb .page
        mov eax, PD
        mov cr3, eax
        mov eax, cr0
        or eax, 80000000h
        mov cr0, eax
        mov dword [IDT + 20h * 8], 80000h | (TIMER & 0ffffh)
        mov dword [IDT + 20h * 8 + 4], (TIMER & 0ffff0000h) | 8e00h
        lidt [idtr]
        mov eax, high_code + HIGH_
        jmp eax
high_code:
        mov esp, 9000h + HIGH_
        mov al, 11h             ; the first 8259: vectors from 20h, only IRQ 0 open
        out 20h, al
        mov al, 20h
        out 21h, al
        mov al, 4
        out 21h, al
        mov al, 1
        out 21h, al
        mov al, 0feh
        out 21h, al
        mov al, 34h             ; counter 0: about 11.9 kHz
        out 43h, al
        mov al, 100
        out 40h, al
        mov al, 0
        out 40h, al
        sti

        place 100h
round:  inc dword [600h + HIGH_]        ; c0007d00
        mov eax, 12345678h              ; c0007d06
        add eax, [600h + HIGH_]         ; c0007d0b
write:  mov [604h + HIGH_], eax         ; c0007d11
        call routine                    ; c0007d16
        jmp round                       ; c0007d1b

        place 140h
routine:
        mov esi, HIGH_ + 7c00h          ; c0007d40
        mov edi, HIGH_ + 7100h          ; c0007d45
        mov ecx, 200                    ; c0007d4a
        rep movsb                       ; c0007d4f
        mov ebx, [HIGH_ + 708h]         ; c0007d51
        ret                             ; c0007d57

        place 160h
timer:  push eax                        ; c0007d60
        inc dword [608h + HIGH_]
        mov al, 20h
        out 20h, al
        pop eax
        iretd

        align 8
gdt:    dq 0, 00cf9b000000ffffh, 00cf93000000ffffh
gdtr:   dw 23
        dd gdt
idtr:   dw 7ffh
        dd IDT + HIGH_

        place 510
        dw 0aa55h
        times 1474560 - ($ - $$) db 0
