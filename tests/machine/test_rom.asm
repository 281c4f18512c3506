; A BIOS of 64 KiB for machine_test.cpp: keeps the timer, the serial port and memory busy and obeys bytes on COM1.
;
;   500h  dword  timer interrupts
;   504h  dword  sum over what was seen, stirred with everything below
;   508h  word   starts of this ROM since power-on (RAM survives a reset)
;   50ah  byte   last byte from COM1
;   510h  dword  rounds of the main loop
;
; On COM1: r reset through CF9h, k reset through port 92h, p power off through port B004h, t triple fault, x exit port,
; h HLT until the next interrupt once a round from now on, n no more HLT.

        bits 16
        cpu 386
        org 0

start:  cli
        xor ax, ax
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov sp, 7000h
        inc word [508h]
        mov byte [50bh], 0

        mov word [8 * 4], timer
        mov word [8 * 4 + 2], 0f000h

        mov al, 11h             ; both 8259s: ICW1-4, only IRQ 0 open
        out 20h, al
        out 0a0h, al
        mov al, 8
        out 21h, al
        mov al, 70h
        out 0a1h, al
        mov al, 4
        out 21h, al
        mov al, 2
        out 0a1h, al
        mov al, 1
        out 21h, al
        out 0a1h, al
        mov al, 0feh
        out 21h, al
        mov al, 0ffh
        out 0a1h, al

        mov al, 34h             ; counter 0: rate generator, 1193 Hz
        out 43h, al
        mov ax, 1000
        out 40h, al
        mov al, ah
        out 40h, al

        mov dx, 3fbh            ; COM1 at 115200, 8N1
        mov al, 80h
        out dx, al
        mov dx, 3f8h
        mov al, 1
        out dx, al
        inc dx
        xor al, al
        out dx, al
        mov dx, 3fbh
        mov al, 3
        out dx, al
        sti

main:   inc dword [510h]
        mov eax, [504h]
        imul eax, eax, 1664525
        add eax, 1013904223
        mov [504h], eax
        mov di, ax
        and di, 0fffh
        add di, 2000h
        mov cx, 37
        rep stosb

        mov dx, 3fdh
        in al, dx
        test al, 1
        jz .nothing
        mov dx, 3f8h
        in al, dx
        mov [50ah], al
        out dx, al
        out 0e9h, al
        add [504h], al
        cmp al, 'r'
        je .reset
        cmp al, 'k'
        je .fast_reset
        cmp al, 'p'
        je .power
        cmp al, 't'
        je .triple
        cmp al, 'x'
        je .exit
        cmp al, 'h'
        jne .not_h
        mov byte [50bh], 1
.not_h: cmp al, 'n'
        jne .nothing
        mov byte [50bh], 0
.nothing:
        cmp byte [50bh], 0
        je main
        hlt
        jmp main

.reset: mov dx, 0cf9h
        mov al, 2
        out dx, al
        mov al, 6
        out dx, al
        jmp .stop
.fast_reset:
        in al, 92h
        and al, 0feh
        out 92h, al
        or al, 1
        out 92h, al
        jmp .stop
.power: mov dx, 0b004h
        mov ax, 2000h
        out dx, ax
        jmp .stop
.exit:  mov dx, 0f4h
        mov eax, 5
        out dx, eax
        jmp .stop
.triple:
        lidt [cs:no_idt]
        int3
.stop:  inc dword [514h]        ; must never be reached
        jmp .stop

timer:  push eax
        inc dword [500h]
        mov al, 0               ; latch counter 0
        out 43h, al
        in al, 40h
        mov ah, al
        in al, 40h
        xor [504h], ax
        mov al, 20h
        out 20h, al
        pop eax
        iret

no_idt: dw 0, 0, 0

        times 0fff0h - ($ - $$) db 0
        jmp 0f000h:start
        times 10000h - ($ - $$) db 0
