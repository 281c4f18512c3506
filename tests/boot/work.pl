# Integers of 64 bits, floating point rounded to digits that every format has, strings, regular expressions, sorting.
use strict;
my $text = do { local $/; open my $f, '<', $ARGV[0] or die; <$f> };
my ($hash, $state) = (14695981039346656037, 12345);
for my $c (unpack 'C*', substr $text, 0, 200000) {
  use integer;
  $hash = ($hash ^ $c) * 1099511628211;
}
printf "perl fnv     %016x\n", $hash;
my %count;
$count{lc $1}++ while $text =~ /\b([a-z]\w{3,})\b/gi;
my @top = (sort { $count{$b} <=> $count{$a} || $a cmp $b } keys %count)[0 .. 4];
print "perl words   ", join(' ', map { "$_=$count{$_}" } @top), "\n";
my $sum = 0;
$sum += sin($_ / 10) * sqrt($_) / (1 + log $_) for 1 .. 20000;
printf "perl float   %.8e %.8e %.8e\n", $sum, exp(10.5) / 3, atan2(1, 3) ** 7;
my @sieve = (1) x 50001;
for my $i (2 .. 223) { next unless $sieve[$i]; for (my $j = $i * $i; $j <= 50000; $j += $i) { $sieve[$j] = 0 } }
print "perl primes  ", scalar(grep { $sieve[$_] } 2 .. 50000), "\n";
