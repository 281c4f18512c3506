; The guest of sdl_window_test.py. It tells all that its keyboard and its mouse send, on the screen and on port E9: bytes
; of the keyboard as "1E 9E ", a packet of the mouse as "(28 05 FB)". First it writes a sector to its floppy.
;
; F12 twice in a row makes VMware's absolute pointer of the mouse, as a driver for it does: then a change is
; "<20 8000 7FFF 00>", buttons, place and wheel. F12 once more gives the mouse back.

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

key:    pushad
        in al, 60h
        push ax
        call hex
        pop ax
        mov ah, [last]
        mov [last], al
        cmp ax, 0d858h                  ; F12 goes down, and what went up before was F12
        jne .end
        mov byte [last], 0
        xor byte [pointer], 1
        jz .off
        mov ebx, 45414552h              ; "READ": enable
        call pointer_command
        mov ebx, 1                      ; its answer: who it is
        call pointer_data
        mov ebx, 53424152h              ; "ABS" pointer, please
        jmp .command
.off:   mov ebx, 0f5h
.command:
        call pointer_command
.end:
        mov al, ' '
        call put
        mov al, 20h
        out 20h, al
        popad
        iret

pointer_command:
        mov ecx, 41
        jmp short vmport
pointer_status:
        mov ecx, 40
        jmp short vmport
pointer_data:
        mov ecx, 39
vmport: mov eax, 564d5868h
        mov edx, 5658h
        in eax, dx
        ret

packet: push bp                         ; the BIOS pushed status, x, y, z
        mov bp, sp
        pushad
        cmp byte [pointer], 0
        jne .absolute
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
.last:  call put
.done:  popad
        pop bp
        retf

.absolute:                              ; the packet says only that there is something to fetch
        call pointer_status
        cmp ax, 4
        jb .done
        mov ebx, 4
        call pointer_data
        push dx
        push cx
        push bx
        push ax
        mov al, '<'
        call put
        pop ax
        call hex
        call .word
        call .word
        mov al, ' '
        call put
        pop ax
        call hex
        mov al, '>'
        call put
        jmp .absolute
.word:  mov al, ' '
        call put
        pop cx                          ; the return address
        pop ax
        push cx
        push ax
        mov al, ah
        call hex
        pop ax
        jmp hex

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

last    db 0
pointer db 0
ready   db "READY ", 0
failed  db "THE FLOPPY CANNOT BE WRITTEN ", 0

        times 510 - ($ - $$) db 0
        dw 0aa55h
        times 1474560 - ($ - $$) db 0
