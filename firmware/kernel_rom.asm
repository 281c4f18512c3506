; Option ROM that starts a kernel which the machine was given (-kernel): a Linux bzImage or a multiboot image.
;
; The firmware finds it as the file genroms/kernel_rom.bin of fw_cfg and calls its bootstrap entry vector (BIOS Boot
; Specification 1.01, section 3.3). What to load where stands in the traditional fw_cfg items; the machine fills them
; (machine/kernel.cpp). Data comes through fw_cfg's DMA interface, so that nothing here needs protected mode to load.
;
;   Linux      setup block, kernel, initrd and command line go to their addresses, then setup's real-mode entry is
;              entered as Documentation/x86/boot says.
;   multiboot  (no setup block) kernel with its modules and the information block go to their addresses; the memory map
;              of INT 15h E820 is added; then the entry is called in 32-bit protected mode.
;
; The machine sets the checksums.

bits 16
cpu 386
org 0

KEY_KERNEL_ADDRESS      equ 07h
KEY_KERNEL_SIZE         equ 08h
KEY_INITRD_ADDRESS      equ 0ah
KEY_INITRD_SIZE         equ 0bh
KEY_KERNEL_ENTRY        equ 10h
KEY_KERNEL_DATA         equ 11h
KEY_INITRD_DATA         equ 12h
KEY_CMDLINE_ADDRESS     equ 13h
KEY_CMDLINE_SIZE        equ 14h
KEY_CMDLINE_DATA        equ 15h
KEY_SETUP_ADDRESS       equ 16h
KEY_SETUP_SIZE          equ 17h
KEY_SETUP_DATA          equ 18h

FW_CFG_SELECT           equ 510h
FW_CFG_DATA             equ 511h
FW_CFG_DMA_HIGH         equ 514h
FW_CFG_DMA_LOW          equ 518h

; Scratch in the first 64 KiB, which nobody uses before a boot sector is loaded.
DMA_COMMAND             equ 7c00h       ; 16 bytes: control, length, address, all big-endian
MEMORY_MAP              equ 8000h       ; entries of the multiboot memory map
MEMORY_MAP_END          equ 8f00h

MULTIBOOT_MAGIC         equ 2badb002h
MBI_FLAGS               equ 0
MBI_MEM_LOWER           equ 4
MBI_MEM_UPPER           equ 8
MBI_MMAP_LENGTH         equ 44
MBI_MMAP_ADDRESS        equ 48

rom_start:
        dw      0aa55h
        db      (rom_end - rom_start) / 512
        jmp     near initialize
        db      0                       ; checksum, set by the machine
        times   1ah - ($ - rom_start) db 0
        dw      pnp_header

pnp_header:
        db      "$PnP"
        db      1                       ; version
        db      2                       ; length in 16 bytes
        dw      0                       ; no further header
        db      0
pnp_checksum:
        db      0                       ; set by the machine
        dd      0                       ; device id
        dw      vendor
        dw      product
        db      0, 0, 0                 ; type
        db      0
        dw      0                       ; no boot connection vector
        dw      0
        dw      bootstrap
        dw      0
        dw      0

vendor  db      "Orrery", 0
product db      "Kernel given to the machine", 0

initialize:
        retf

; ---------------------------------------------------------------------------------------------------------------------
bootstrap:
        cli
        cld
        xor     ax, ax
        mov     ds, ax
        mov     es, ax
        mov     ss, ax
        mov     sp, 7a00h

        in      al, 92h                 ; A20 on
        or      al, 2
        and     al, 0feh
        out     92h, al

        mov     bx, KEY_SETUP_SIZE
        call    get_dword
        test    eax, eax
        jz      multiboot

; ---------------------------------------------------------------------------------------------------------------------
linux:
        mov     si, setup_block
        call    load_block
        mov     si, kernel_block
        call    load_block
        mov     si, initrd_block
        call    load_block
        mov     si, cmdline_block
        call    load_block

        mov     bx, KEY_CMDLINE_ADDRESS
        call    get_dword
        mov     edi, eax
        mov     bx, KEY_SETUP_ADDRESS
        call    get_dword
        sub     edi, eax                ; the stack ends below the command line
        sub     edi, 16
        shr     eax, 4
        mov     ds, ax
        mov     es, ax
        mov     fs, ax
        mov     gs, ax
        mov     ss, ax
        mov     sp, di
        add     ax, 20h
        push    ax
        push    word 0
        retf

; ---------------------------------------------------------------------------------------------------------------------
multiboot:
        mov     si, kernel_block
        call    load_block
        mov     si, initrd_block        ; the information block
        call    load_block

        ; Memory map: u32 size of what follows, then the 20 bytes of E820.
        sti
        xor     ebx, ebx
        mov     di, MEMORY_MAP
.next:
        mov     eax, 0e820h
        mov     edx, 534d4150h          ; "SMAP"
        mov     ecx, 20
        add     di, 4
        int     15h
        jc      .last
        cmp     eax, 534d4150h
        jne     .last
        mov     dword [di - 4], 20
        add     di, 20
        cmp     di, MEMORY_MAP_END
        jae     .full
        test    ebx, ebx
        jnz     .next
        jmp     .full
.last:
        sub     di, 4
.full:
        int     12h                     ; KiB of base memory
        cli
        movzx   ecx, ax

        mov     bx, KEY_INITRD_ADDRESS
        call    get_dword
        push    eax
        mov     bx, ax                  ; the block lies in the first 64 KiB
        mov     [bx + MBI_MEM_LOWER], ecx
        mov     dword [bx + MBI_MMAP_ADDRESS], MEMORY_MAP
        movzx   eax, di
        sub     eax, MEMORY_MAP
        mov     [bx + MBI_MMAP_LENGTH], eax
        or      dword [bx + MBI_FLAGS], 41h     ; memory sizes, memory map

        mov     si, MEMORY_MAP          ; upper memory: the RAM that begins at 1 MiB
.find:
        cmp     si, di
        jae     .found
        cmp     dword [si + 4], 100000h
        jne     .other
        cmp     dword [si + 8], 0
        jne     .other
        cmp     dword [si + 20], 1
        jne     .other
        mov     eax, [si + 12]
        shr     eax, 10
        mov     [bx + MBI_MEM_UPPER], eax
        jmp     .found
.other:
        add     si, 24
        jmp     .find
.found:
        mov     bx, KEY_KERNEL_ENTRY
        call    get_dword
        mov     ebp, eax
        pop     ebx                     ; the information block

        ; The descriptors and the last real-mode jump are reached through their linear addresses.
        xor     eax, eax
        mov     ax, cs
        shl     eax, 4
        lea     ecx, [eax + gdt]
        mov     [DMA_COMMAND + 2], ecx
        mov     word [DMA_COMMAND], gdt_end - gdt - 1
        add     eax, protected
        mov     [DMA_COMMAND + 8], eax
        mov     word [DMA_COMMAND + 12], 8
        lgdt    [DMA_COMMAND]
        mov     eax, cr0
        or      al, 1
        mov     cr0, eax
        jmp     dword far [DMA_COMMAND + 8]

bits 32
protected:
        mov     eax, 10h
        mov     ds, eax
        mov     es, eax
        mov     fs, eax
        mov     gs, eax
        mov     ss, eax
        mov     esp, 7a00h
        mov     eax, MULTIBOOT_MAGIC
        jmp     ebp
bits 16

; ---------------------------------------------------------------------------------------------------------------------
; eax = the 32-bit item whose key is bx. Changes dx.
get_dword:
        push    cx
        mov     ax, bx
        mov     dx, FW_CFG_SELECT
        out     dx, ax
        mov     dx, FW_CFG_DATA
        xor     eax, eax
        mov     cx, 4
.byte:
        in      al, dx
        ror     eax, 8
        loop    .byte
        pop     cx
        ret

; Loads the block whose keys (address, size, data) stand at cs:si. Changes eax, bx, ecx, edx.
load_block:
        mov     bx, [cs:si + 2]
        call    get_dword
        test    eax, eax
        jz      .done
        call    swap
        mov     [DMA_COMMAND + 4], eax
        mov     bx, [cs:si]
        call    get_dword
        call    swap
        mov     dword [DMA_COMMAND + 8], 0
        mov     [DMA_COMMAND + 12], eax
        mov     ax, [cs:si + 4]
        shl     eax, 16
        mov     ax, 0ah                 ; select this key, then read
        call    swap
        mov     [DMA_COMMAND], eax
        xor     eax, eax
        mov     dx, FW_CFG_DMA_HIGH
        out     dx, eax
        mov     eax, DMA_COMMAND
        call    swap
        mov     dx, FW_CFG_DMA_LOW
        out     dx, eax
.wait:
        mov     eax, [DMA_COMMAND]      ; big-endian: bit 0 (error) is bit 24 here
        test    eax, 01000000h
        jnz     .failed
        test    eax, eax
        jnz     .wait
.done:
        ret
.failed:
        mov     si, message
        xor     bx, bx
.print:
        cs lodsb
        test    al, al
        jz      .stop
        mov     ah, 0eh
        int     10h
        jmp     .print
.stop:
        hlt
        jmp     .stop

; Reverses the bytes of eax (a 386 has no BSWAP).
swap:
        xchg    al, ah
        rol     eax, 16
        xchg    al, ah
        ret

setup_block:    dw KEY_SETUP_ADDRESS, KEY_SETUP_SIZE, KEY_SETUP_DATA
kernel_block:   dw KEY_KERNEL_ADDRESS, KEY_KERNEL_SIZE, KEY_KERNEL_DATA
initrd_block:   dw KEY_INITRD_ADDRESS, KEY_INITRD_SIZE, KEY_INITRD_DATA
cmdline_block:  dw KEY_CMDLINE_ADDRESS, KEY_CMDLINE_SIZE, KEY_CMDLINE_DATA

message db      "The kernel could not be loaded.", 13, 10, 0

align 8
gdt:
        dq      0
        dq      00cf9a000000ffffh       ; 08h: code, flat
        dq      00cf92000000ffffh       ; 10h: data, flat
gdt_end:

        times   (512 - (($ - rom_start) % 512)) % 512 db 0
rom_end:
