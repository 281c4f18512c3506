# Long integers, floating point rounded to digits that every format has, checksums, JSON, sorting.
import hashlib, json, math, sys, zlib

data = open(sys.argv[1], "rb").read()
print("python crc     %08x %08x" % (zlib.crc32(data), zlib.adler32(data)))
print("python hashes  ", hashlib.sha1(data).hexdigest(), hashlib.blake2b(data[:100000]).hexdigest()[:32])
print("python zlib    ", zlib.decompress(zlib.compress(data[:500000], 6)) == data[:500000])
print("python long    ", pow(3, 5000, 10**40 + 121), math.isqrt(2 * 10**120) % 10**30, math.factorial(400) % (2**127 - 1))
total = sum(math.sin(i / 10) * math.sqrt(i) / (1 + math.log(i)) for i in range(1, 20001))
print("python float    %.8e %.8e %.8e" % (total, math.exp(10.5) / 3, math.gamma(7.25)))
words = sorted(set(data.decode("latin-1").split()))
print("python words   ", len(words), hashlib.md5(json.dumps(words).encode()).hexdigest())
