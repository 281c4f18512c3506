#!/bin/sh
# Work on the file `input`, with results that do not depend on the machine. Run in a guest and on the host.
set -e
LC_ALL=C
export LC_ALL
echo "---- begin"
sum() { sha256sum | cut -d' ' -f1; }
echo "sha256   $(sum < input)"
echo "md5      $(md5sum < input)"
echo "cksum    $(cksum < input)"
echo "gzip     $(gzip -n -6 < input | sum)"
echo "gunzip   $(gzip -n -1 < input | gzip -d | sum)"
echo "sort     $(tr -cs 'A-Za-z_' '\n' < input | sort | uniq -c | sort -k1,1nr -k2 | head -100 | sum)"
echo "sed      $(sed -e 's/\([a-z]*\)_\([a-z]*\)/\2_\1/g' input | sum)"
echo "grep     $(grep -c 'const' input) $(grep -oE '[a-z]+\([^()]*\)' input | wc -l)"
echo "od       $(od -An -tx4 -v input | head -20000 | sum)"
echo "awk      $(awk '{ n += NF; for (i = 1; i <= NF; i++) c[length($i)]++ } END { print n, c[3], c[7], c[11] }' input)"
perl work.pl input
python3 work.py input
echo "---- end"
