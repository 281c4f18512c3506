; The guest of sdl_window_test.py. It tells all that its keyboard and its mouse send, on the screen and on port E9: bytes
; of the keyboard as "1E 9E ", a packet of the mouse as "(28 05 FB)". First it writes a sector to its floppy.

        bits 16
        cpu 386
        org 7c00h

        jmp short start
        nop
        times 3eh - ($ - $$) db 0        ; room for a BIOS parameter block

start:  xor ax, ax
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov sp, 7c00h
        mov ax, 3
        int 10h
        mov ah, 1                       ; no cursor: the picture stands still
        mov cx, 2000h
        int 10h

        mov ax, 0301h                   ; this sector, as the second one
        mov bx, 7c00h
        mov cx, 0002h
        xor dh, dh
        int 13h
        mov si, failed
        jc tell

        cli
        mov word [9 * 4], key
        mov word [9 * 4 + 2], ds
        sti
        mov ax, 0c205h                  ; PS/2 mouse: packets of three bytes
        mov bh, 3
        int 15h
        mov ax, 0c207h
        mov bx, packet
        int 15h
        mov ax, 0c200h
        mov bh, 1
        int 15h
        mov si, ready
tell:   call print
idle:   hlt
        jmp idle

key:    pusha
        in al, 60h
        call hex
        mov al, ' '
        call put
        mov al, 20h
        out 20h, al
        popa
        iret

packet: push bp                         ; the BIOS pushed status, x, y, z
        mov bp, sp
        pusha
        mov al, '('
        call put
        mov al, [bp + 12]
        call hex
        mov al, ' '
        call put
        mov al, [bp + 10]
        call hex
        mov al, ' '
        call put
        mov al, [bp + 8]
        call hex
        mov al, ')'
        call put
        popa
        pop bp
        retf

hex:    push ax
        shr al, 4
        call digit
        pop ax
        and al, 15
digit:  add al, '0'
        cmp al, '9'
        jbe put
        add al, 7
put:    pusha
        out 0e9h, al
        mov ah, 0eh
        mov bx, 7
        int 10h
        popa
        ret

print:  lodsb
        test al, al
        jz .done
        call put
        jmp print
.done:  ret

ready   db "READY ", 0
failed  db "THE FLOPPY CANNOT BE WRITTEN ", 0

        times 510 - ($ - $$) db 0
        dw 0aa55h
        times 1474560 - ($ - $$) db 0
