; A disk for boot_test.cpp. SeaBIOS loads the first sector; it reads a second one from the drive that it came from, prints
; what stands there and the drive number, and echoes keys. On Escape it reads the second sector again and prints a dot.

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
        mov [drive], dl
        mov ax, 3
        int 10h
        call read
        mov si, 8000h
        call print
        mov al, [drive]
        shr al, 4
        call digit
        mov al, [drive]
        and al, 15
        call digit
        mov si, newline
        call print

next:   xor ax, ax
        int 16h
        cmp al, 27
        je again
        call put
        cmp al, 13
        jne next
        mov al, 10
        call put
        jmp next
again:  call read
        mov al, '.'
        call put
        jmp next

read:   mov ax, 0201h
        mov bx, 8000h
        mov cx, 0002h
        xor dh, dh
        mov dl, [drive]
        int 13h
        jnc .done
        mov si, failed
        call print
.done:  ret

digit:  cmp al, 10
        jb .small
        add al, 7
.small: add al, '0'
put:    push ax
        mov ah, 0eh
        mov bx, 7
        int 10h
        pop ax
        ret
print:  lodsb
        test al, al
        jz .done
        call put
        jmp print
.done:  ret

failed  db "READ ERROR", 13, 10, 0
newline db 13, 10, 0
drive   db 0

        times 510 - ($ - $$) db 0
        dw 0aa55h

        db "SECTOR TWO FROM DRIVE ", 0
        times 1024 - ($ - $$) db 0
