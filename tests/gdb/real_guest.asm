; A boot sector for gdb_test.py: real mode, two code segments. Addresses that the test names are fixed by `place`.
;
;   600h  word   rounds
;   602h  word   written by `write` in each round
;   7100h        8 bytes that `repeat` copies from 7d00h in each round

%macro place 1
        times %1 - ($ - $$) nop
%endmacro

        bits 16
        cpu 386
        org 7c00h

        cli
        xor ax, ax
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov sp, 7000h
        jmp 0:round

        place 20h
round:  inc word [600h]         ; 7c20
        mov ax, 1234h           ; 7c24
write:  mov [602h], ax          ; 7c27
        mov bx, [602h]          ; 7c2a
        jmp 7b0h:other          ; 7c2e

        place 40h                  ; 07b0:0140 is linear 7c40
other   equ $ - 7b00h
        mov si, 7d00h           ; 7c40
        mov di, 7100h           ; 7c43
        mov cx, 8               ; 7c46
repeat: rep movsb               ; 7c49
        push word 5555h         ; 7c4b
        pop dx                  ; 7c4e
        jmp 0:round             ; 7c4f

        place 100h
        db "ABCDEFGH", 0

        place 510
        dw 0aa55h
        times 1474560 - ($ - $$) db 0
