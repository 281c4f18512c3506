#!/usr/bin/env python3
"""table.py LINES: the kit's result lines (emu=E bench=B wall=S ... cpu=S ...) of the three emulators as a table.

Seconds are processor time (user + system) of the whole process, start and BIOS included: on a host that does other work,
too, they say more than wall time. Several lines of one pair: the median counts."""
import math
import re
import statistics
import sys

ORRERY, BOCHS, QEMU = 'orrery32-interp', 'bochs32', 'qemu32'
seconds, wrong = {}, []
for line in open(sys.argv[1]):
    found = re.search(r'emu=(\S+) bench=(\S+) wall=(\S+).* cpu=(\S+)', line)
    if not found:
        continue
    if 'ok=NO' in line or 'done=NO' in line:
        wrong.append(line)
    seconds.setdefault((found[1], found[2]), []).append(float(found[4]))

cost = {key: statistics.median(values) for key, values in seconds.items()}
names = [bench for emulator, bench in cost if emulator == BOCHS and (ORRERY, bench) in cost and (QEMU, bench) in cost]
print('| kernel | Orrery, interpreter | Bochs 2.7 (Debian) | QEMU 7.2 TCG | Bochs / Orrery | QEMU / Orrery |')
print('|---|---|---|---|---|---|')
for name in names:
    own, bochs, qemu = (cost[emulator, name] for emulator in (ORRERY, BOCHS, QEMU))
    print(f'| {name} | {own:.2f} | {bochs:.2f} | {qemu:.2f} | {bochs / own:.1f} | {qemu / own:.2f} |')


def mean(emulator, chosen):
    return math.exp(statistics.fmean(math.log(cost[emulator, name] / cost[ORRERY, name]) for name in chosen))


print(f'| geometric mean of {len(names)} | | | | {mean(BOCHS, names):.1f} | {mean(QEMU, names):.2f} |')
plain = [name for name in names if name not in ('pm_copy', 'pm_alias')]
if len(plain) < len(names):
    print(f'| without the two of block copies | | | | {mean(BOCHS, plain):.1f} | {mean(QEMU, plain):.2f} |')
for line in wrong:
    print('wrong result:', line, file=sys.stderr)
sys.exit(1 if wrong else 0)
