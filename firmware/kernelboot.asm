; kernelboot: the option ROM that boots what the user named with -kernel.
;
; The program on the host's side (hw/kernel_image.h) looks at the kernel file and writes a boot plan; this ROM carries the
; plan out on the machine, after the BIOS has set everything up, and starts the kernel in the state that its boot protocol
; wants. The BIOS sees a Plug and Play expansion header with a bootstrap entry vector (BEV), offers "Kernel" in its boot
; menu, and calls the vector when its turn comes; fw_cfg's "bootorder" makes it the first choice.
;
; All bytes come through fw_cfg's DMA interface, which writes to any address, also above 1 MiB, from real mode.
;
; The boot plan is fw_cfg item 1Ah (little-endian):
;    0  dword  "ORBP"
;    4  word   kind: 1 Linux, 2 multiboot
;    6  word   number of loads
;    8  dword  Linux: size of the initrd (item 12h); 0 if there is none
;   12  dword  Linux: physical address of the setup code; multiboot: of the information structure
;   16  dword  Linux: lowest address for the initrd; multiboot: entry point
;   20  dword  Linux: stack pointer in the setup code's segment; multiboot: address where the memory map goes
;   32  loads of 16 bytes each: dword item, dword offset in it, dword physical address, dword length.
;       Item 1Fh is empty, and what is read behind an item's end is zero: that is how memory is cleared.
;
; Linux (boot protocol 2.00 and later): the plan loads setup code, kernel and command line. The initrd goes as high as the
; BIOS's memory map (int 15h, E820h) and the kernel's initrd_addr_max allow; its place is written into the setup header.
; Multiboot 1: the plan loads the segments, the modules and the information structure; mem_lower, mem_upper and the memory
; map are filled in from the BIOS, then the kernel is entered in flat 32-bit protected mode.
;
; Memory used: 1000h-1FFFh the plan, 2000h-20FFh variables, stack below 1000h, 2400h-7FFFh multiboot's information: kernels
; may be loaded from 8000h on. Registers: DS = 0 throughout.

        bits 16
        org 0

PLAN            equ 0x1000
PLAN_SIZE       equ 0x1000
LOADS           equ PLAN + 32
DMA             equ 0x2000              ; the command: control, length, address (big-endian)
E820            equ 0x2020              ; one entry of the memory map
BEST            equ 0x2040              ; best place for the initrd so far
LIMIT           equ 0x2044              ; first address that the initrd must not reach
GDTR            equ 0x2048
TARGET          equ 0x2050              ; far pointer
DMA_PORT        equ 0x518

DMA_READ        equ 2
DMA_SKIP_SELECT equ 4 + 8

ITEM_INITRD     equ 0x12
ITEM_PLAN       equ 0x1a

LINUX           equ 1
MULTIBOOT       equ 2

header: db 0x55, 0xaa
        db (end - header) / 512
        jmp near init
        times 0x1a - ($ - header) db 0
        dw pnp

%define BYTES(x) (((x) & 0xff) + ((x) >> 8))
        align 16, db 0
pnp:    db '$PnP'
        db 1                            ; revision
        db 2                            ; length in 16-byte units
        dw 0                            ; no further header
        db 0
        db (-('$' + 'P' + 'n' + 'P' + 1 + 2 + BYTES(maker - header) + BYTES(product - header) \
              + 2 + 0x14 + BYTES(boot - header))) & 0xff
        dd 0                            ; device identifier
        dw maker
        dw product
        db 2, 0, 0                      ; device type: a bootstrap device
        db 0x14                         ; may be removed, is an initial program load device
        dw 0                            ; no boot connection vector
        dw 0
        dw boot                         ; bootstrap entry vector
        dw 0
        dw 0

maker:          db 'Orrery', 0
product:        db 'Kernel', 0
no_plan:        db 'Orrery: there is no boot plan for the kernel', 13, 10, 0
bad_load:       db 'Orrery: the kernel does not fit into memory; give the machine more (-m)', 13, 10, 0
bad_initrd:     db 'Orrery: the initrd does not fit into memory; give the machine more (-m)', 13, 10, 0

        align 8, db 0
gdt:    dq 0
        dq 0x00cf9b000000ffff           ; 08h: flat code, already marked as accessed: the ROM cannot be written
        dq 0x00cf93000000ffff           ; 10h: flat data

; Called by the BIOS when it finds the ROM: nothing to hook, the expansion header says it all.
init:   mov ax, 0x20                    ; an initial program load device is attached
        retf

boot:   cli
        cld
        xor ax, ax
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov esp, PLAN
        sti

        mov eax, ITEM_PLAN
        xor ebx, ebx
        mov edi, PLAN
        mov ecx, PLAN_SIZE
        call load
        jc .none
        cmp dword [PLAN], 'ORBP'
        jne .none

        mov bp, [PLAN + 6]
        mov si, LOADS
.next:  test bp, bp
        jz .loaded
        mov eax, [si]
        mov ebx, [si + 4]
        mov edi, [si + 8]
        mov ecx, [si + 12]
        call load
        mov dx, bad_load
        jc fail
        add si, 16
        dec bp
        jmp .next

.loaded:
        cmp word [PLAN + 4], LINUX
        je linux
        cmp word [PLAN + 4], MULTIBOOT
        je multiboot
.none:  mov dx, no_plan

; Prints the message at CS:DX and gives the machine back to the BIOS, which tries the next boot device.
fail:   xor ax, ax
        mov ds, ax
        mov si, dx
.next:  cs lodsb
        test al, al
        jz .done
        mov ah, 0x0e
        mov bx, 7
        int 0x10
        jmp .next
.done:  int 0x18
        hlt
        jmp .done

; Copies ECX bytes from offset EBX of fw_cfg item EAX to physical address EDI. Carry: it could not be done.
; Keeps SI and BP.
load:   shl eax, 16
        or eax, DMA_SKIP_SELECT
        push edi
        push ecx
        mov ecx, ebx
        call dma
        pop ecx
        pop edi
        jc .end
        mov eax, DMA_READ
        call dma
.end:   ret

; One DMA command: control EAX, length ECX, address EDI.
dma:    bswap eax
        mov [DMA], eax
        bswap ecx
        mov [DMA + 4], ecx
        mov dword [DMA + 8], 0
        bswap edi
        mov [DMA + 12], edi
        mov dx, DMA_PORT
        mov eax, DMA
        bswap eax
        out dx, eax
        cmp dword [DMA], 1              ; the control word is 0 when it is done
        cmc
        ret

; Asks the BIOS for the memory map entry EBX (0: the first) into E820. Carry: there is none. EBX becomes the next.
memory_map:
        push edi
        mov eax, 0xe820
        mov edx, 'PAMS'                 ; "SMAP" as a number
        mov ecx, 20
        mov di, E820
        int 0x15
        pop edi
        jc .end
        cmp eax, 'PAMS'
        je .end                         ; equal: no carry
        stc
.end:   ret

; --- Linux -------------------------------------------------------------------------------------------------------------
linux:  mov ecx, [PLAN + 8]
        test ecx, ecx
        jz .enter

        ; initrd_addr_max is there from protocol 2.03 on.
        mov eax, [PLAN + 12]
        shr eax, 4
        mov fs, ax
        mov eax, 0x37ffffff
        cmp word [fs:0x206], 0x0203
        jb .limit
        mov eax, [fs:0x22c]
.limit: inc eax
        jnz .limited
        mov eax, 0xfffff000
.limited:
        mov [LIMIT], eax
        mov dword [BEST], 0

        xor ebx, ebx
.entry: call memory_map
        jc .chosen
        cmp dword [E820 + 16], 1        ; RAM
        jne .more
        cmp dword [E820 + 4], 0         ; begins above 4 GiB
        jne .more
        mov eax, [E820]                 ; EAX: beginning, EDX: end
        mov edx, eax
        add edx, [E820 + 8]
        jc .clip
        cmp dword [E820 + 12], 0
        jne .clip
        cmp edx, [LIMIT]
        jbe .clipped
.clip:  mov edx, [LIMIT]
.clipped:
        cmp eax, [PLAN + 16]
        jae .above
        mov eax, [PLAN + 16]
.above: sub edx, [PLAN + 8]
        jb .more
        and edx, 0xfffff000
        cmp edx, eax
        jb .more
        cmp edx, [BEST]
        jbe .more
        mov [BEST], edx
.more:  test ebx, ebx
        jnz .entry

.chosen:
        mov dx, bad_initrd
        mov edi, [BEST]
        test edi, edi
        jz fail
        mov [fs:0x218], edi             ; ramdisk_image
        mov ecx, [PLAN + 8]
        mov [fs:0x21c], ecx             ; ramdisk_size
        mov eax, ITEM_INITRD
        xor ebx, ebx
        call load
        mov dx, bad_initrd
        jc fail

        ; The setup code: all segments the same, entered 20h paragraphs behind its beginning.
.enter: cli
        mov eax, [PLAN + 12]
        shr eax, 4
        mov ebx, [PLAN + 20]
        mov fs, ax
        mov gs, ax
        mov es, ax
        mov ss, ax
        mov esp, ebx
        mov ds, ax
        add ax, 0x20
        push ax
        push word 0
        xor eax, eax
        xor ebx, ebx
        xor ecx, ecx
        xor edx, edx
        xor esi, esi
        xor edi, edi
        xor ebp, ebp
        retf

; --- multiboot ---------------------------------------------------------------------------------------------------------
; Offsets in the multiboot information structure.
MBI_FLAGS       equ 0
MBI_MEM_LOWER   equ 4
MBI_MEM_UPPER   equ 8
MBI_MMAP_LENGTH equ 44
MBI_MMAP_ADDR   equ 48

multiboot:
        mov ax, 0x2401                  ; address line 20 on
        int 0x15

        mov bp, [PLAN + 12]             ; the structure lies below 64 KiB
        int 0x12
        movzx eax, ax
        mov [bp + MBI_MEM_LOWER], eax
        mov dword [bp + MBI_MEM_UPPER], 0
        or dword [bp + MBI_FLAGS], 1

        mov edi, [PLAN + 20]
        mov [bp + MBI_MMAP_ADDR], edi
        xor ebx, ebx
.entry: call memory_map
        jc .mapped
        mov dword [edi], 20
        mov si, E820
        add di, 4
        mov cx, 10
        rep movsw
        cmp dword [E820 + 16], 1
        jne .more
        ; The entry that contains 1 MiB gives mem_upper.
        cmp dword [E820 + 4], 0
        jne .more
        cmp dword [E820], 0x100000
        ja .more
        mov eax, [E820]
        mov edx, [E820 + 12]
        add eax, [E820 + 8]
        adc edx, 0
        sub eax, 0x100000
        sbb edx, 0
        jb .more
        shrd eax, edx, 10
        mov [bp + MBI_MEM_UPPER], eax
.more:  test ebx, ebx
        jz .mapped
        cmp di, 0x7fe0
        jb .entry
.mapped:
        mov eax, edi
        sub eax, [PLAN + 20]
        mov [bp + MBI_MMAP_LENGTH], eax
        jz .unmapped
        or dword [bp + MBI_FLAGS], 1 << 6
.unmapped:
        cli
        xor eax, eax
        mov ax, cs
        shl eax, 4
        lea ecx, [eax + gdt]
        mov word [GDTR], 23
        mov [GDTR + 2], ecx
        lea ecx, [eax + flat]
        mov [TARGET], ecx
        mov word [TARGET + 4], 0x08
        mov esi, [PLAN + 16]
        movzx ebx, bp
        lgdt [GDTR]
        mov eax, cr0
        and eax, 0x7fffffff
        or eax, 1
        mov cr0, eax
        jmp far dword [TARGET]

        bits 32
flat:   mov eax, 0x10
        mov ds, ax
        mov es, ax
        mov fs, ax
        mov gs, ax
        mov ss, ax
        mov eax, 0x2badb002
        jmp esi

        ; The last byte is the checksum; embed.cmake sets it.
        align 512, db 0
end:
